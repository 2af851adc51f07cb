r"""Losses: what one point contributes, and how points are weighted.

A loss is a weighted sum over points, :math:`C = \sum_i w_i\, c(x_i^{(L)}, y_i)`.
The function c and its gradient are one small object, the weights another, so a
new loss is one object with a `name`, `weights`, `value` and `gradient`, and one
row of `LOSSES`. Outputs may carry a leading trial axis, which is kept.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SquaredError:
    r"""Squared error norm, averaged over points or over classes.

    .. math:: C = \frac1N \sum_i |x_i^{(L)} - y_i|^2 \qquad\text{or}\qquad
              C_N = \sum_j \frac1{N_j} \sum_{i \in j} |x_i^{(L)} - y_i|^2

    Parameters
    ----------
    class_weighted : bool
        False: the mean over points, the default of the toolkit. True: the sum
        over classes of the mean over each class, eq. (2.13) of [1]_.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data",
       arXiv:2405.07098, eq. (2.13). Eq. (2.11) there is N/2 times the mean.

    Examples
    --------
    >>> outputs, Y = np.array([[3.0], [0.0], [1.0]]), np.array([[1.0], [0.0], [0.0]])
    >>> SquaredError().value(outputs, Y)
    array([4., 0., 1.])
    >>> SquaredError().weights(np.array([0, 1, 1]))
    array([0.33333333, 0.33333333, 0.33333333])
    >>> SquaredError(class_weighted=True).weights(np.array([0, 1, 1]))
    array([1. , 0.5, 0.5])
    """

    class_weighted: bool = False

    @property
    def name(self):
        return "class_weighted" if self.class_weighted else "mse"

    def weights(self, index):
        """Weight of every point, shape (N,), from the class of every point, shape (N,)."""
        if self.class_weighted:
            return 1.0 / np.bincount(index)[index]
        return np.full(len(index), 1.0 / max(len(index), 1))

    def value(self, outputs, Y):
        """Contribution of every point: (..., N, k) and (..., N, k) give (..., N)."""
        error = outputs - Y
        return np.einsum("...k,...k->...", error, error)

    def gradient(self, outputs, Y):
        """Derivative of `value` with respect to the outputs, shape (..., N, k)."""
        return 2.0 * (outputs - Y)


LOSSES = {"mse": SquaredError(), "class_weighted": SquaredError(class_weighted=True)}


def as_loss(loss):
    """Return the loss object called `loss`, or `loss` itself if it is one.

    Raises
    ------
    ValueError
        If there is no loss of that name.

    Examples
    --------
    >>> as_loss("mse")
    SquaredError(class_weighted=False)
    """
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    if all(hasattr(loss, part) for part in ("name", "weights", "value", "gradient")):
        return loss
    raise ValueError(f"loss must be one of {sorted(LOSSES)} or a loss object, got {loss!r}")
