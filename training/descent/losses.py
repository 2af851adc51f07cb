r"""Losses: what one point contributes, and how points are weighted.

A loss is a weighted sum over points, :math:`C = \sum_i w_i\, c(x_i^{(L)}, y_i)`.
It is one small object: a `name`, the `weights`, the function c as `value` and
its `gradient`; the rest is optional. `check(Y)` refuses targets that make no
sense, `curvature` is the product of the second derivative of c with a vector,
and `offset` decides what counts as accurate. `constant_loss` is the least loss
of one output for all points, and `steepest` bounds the second derivative of c
where that can vanish. A new loss is one such object and one row of `LOSSES`.
Outputs may carry a leading trial axis, which is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from geomcore.foreign.choices import as_choice, as_flag
from geomcore.typing import Array, Integers
from geomcore.weighting import point_weights

# Entries of targets up to which rationals decide which of them is shortest.
EXACT = 1000


@dataclass(frozen=True)
class _Weighted:
    """How the losses here weight points: all points alike, or all classes alike."""

    class_weighted: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_weighted", as_flag(self.class_weighted, "class_weighted"))

    def weights(self, index: Integers) -> Array:
        """Weight of every point, shape (N,), from the class of every point, shape (N,)."""
        return point_weights(index, class_weighted=self.class_weighted)


@dataclass(frozen=True)
class SquaredError(_Weighted):
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

    @property
    def name(self) -> str:
        return "class_weighted" if self.class_weighted else "mse"

    def value(self, outputs: Array, Y: Array) -> Array:
        """Contribution of every point: (..., N, k) and (..., N, k) give (..., N)."""
        error = outputs - Y
        return np.einsum("...k,...k->...", error, error)

    def gradient(self, outputs: Array, Y: Array) -> Array:
        """Derivative of `value` with respect to the outputs, shape (..., N, k)."""
        return 2.0 * (outputs - Y)

    def curvature(self, outputs: Array, Y: Array, direction: Array) -> Array:
        """Second derivative of `value` times `direction`, shape (..., N, k)."""
        return 2.0 * direction

    def constant_loss(self, Y: Array, weights: Array) -> float:
        """Least loss of the same output at all points, that of their weighted mean target."""
        return float(self.value(_mean_target(Y, weights), Y) @ weights)

    def offset(self, targets: Array) -> Array:
        """Numbers c_t, shape (Q,): target t is predicted where f . t - c_t is largest.

        Half the squared length of t, less the least of them. The differences of up to `EXACT`
        entries are exact up to their own rounding, so that a network whose outputs are zero
        is read as the target nearest to zero, however close another one is.
        """
        if targets.size > EXACT:
            return 0.5 * (targets**2).sum(axis=1)
        lengths = [sum(Fraction(v) ** 2 for v in row) for row in targets.tolist()]
        least = min(lengths)
        return np.array([float((length - least) / 2) for length in lengths])


@dataclass(frozen=True)
class CrossEntropy(_Weighted):
    r"""Cross-entropy of the softmax of the outputs, for targets that are distributions.

    .. math:: c(f, y) = \log \sum_k e^{f_k} - \sum_k y_k f_k

    Parameters
    ----------
    class_weighted : bool
        As for `SquaredError`.

    Examples
    --------
    >>> loss, Y = CrossEntropy(), np.array([[1.0, 0.0]])
    >>> loss.value(np.array([[0.0, 0.0]]), Y).round(4), loss.value(np.array([[900.0, 0.0]]), Y)
    (array([0.6931]), array([0.]))
    """

    @property
    def name(self) -> str:
        return "class_weighted_" * self.class_weighted + "cross_entropy"

    def check(self, Y: Array) -> None:
        """Raise unless the rows of Y are distributions."""
        if (Y < 0).any() or (np.abs(Y.sum(axis=-1) - 1) > 1e-6).any():
            raise ValueError(
                "y must hold distributions (rows at least 0 that sum to 1) for cross_entropy, "
                f"got rows from {Y.min():.3g} to {Y.max():.3g}"
            )

    def value(self, outputs: Array, Y: Array) -> Array:
        """Contribution of every point: (..., N, k) and (..., N, k) give (..., N)."""
        shifted = outputs - outputs.max(axis=-1, keepdims=True)
        total = np.exp(shifted).sum(axis=-1)
        return np.log(total) - np.einsum("...k,...k->...", shifted, Y)

    def gradient(self, outputs: Array, Y: Array) -> Array:
        """Derivative of `value` with respect to the outputs, shape (..., N, k)."""
        return _softmax(outputs) - Y

    def curvature(self, outputs: Array, Y: Array, direction: Array) -> Array:
        """Second derivative of `value` times `direction`, shape (..., N, k)."""
        p = _softmax(outputs)
        return p * (direction - (p * direction).sum(axis=-1, keepdims=True))

    steepest = 0.5

    def constant_loss(self, Y: Array, weights: Array) -> float:
        """Least loss of the same output at all points: the entropy of their mean target."""
        p = _mean_target(Y, weights)
        return float(-_log_times(p).sum() * weights.sum())

    def offset(self, targets: Array) -> Array:
        """Zeros, shape (Q,): target t is predicted where f . t is largest."""
        return np.zeros(len(targets))


@dataclass(frozen=True)
class BinaryCrossEntropy(_Weighted):
    r"""Binary cross-entropy on logits, summed over the outputs, for targets in [0, 1].

    .. math:: c(f, y) = \sum_k \log(1 + e^{f_k}) - y_k f_k

    Parameters
    ----------
    class_weighted : bool
        As for `SquaredError`.

    Examples
    --------
    >>> loss, Y = BinaryCrossEntropy(), np.array([[1.0], [0.0]])
    >>> loss.value(np.array([[800.0], [0.0]]), Y).round(4)
    array([0.    , 0.6931])
    """

    @property
    def name(self) -> str:
        return "class_weighted_" * self.class_weighted + "bce"

    def check(self, Y: Array) -> None:
        """Raise unless Y lies in [0, 1]."""
        if (Y < 0).any() or (Y > 1).any():
            raise ValueError(
                f"y must lie in [0, 1] for bce, got values from {Y.min():.3g} to {Y.max():.3g}"
            )

    def value(self, outputs: Array, Y: Array) -> Array:
        """Contribution of every point: (..., N, k) and (..., N, k) give (..., N)."""
        # log(1 + e^f) = max(f, 0) + log(1 + e^-|f|), which cannot overflow.
        terms = np.maximum(outputs, 0) - outputs * Y + np.log1p(np.exp(-np.abs(outputs)))
        return terms.sum(axis=-1)

    def gradient(self, outputs: Array, Y: Array) -> Array:
        """Derivative of `value` with respect to the outputs, shape (..., N, k)."""
        return _sigmoid(outputs) - Y

    def curvature(self, outputs: Array, Y: Array, direction: Array) -> Array:
        """Second derivative of `value` times `direction`, shape (..., N, k)."""
        p = _sigmoid(outputs)
        return p * (1 - p) * direction

    steepest = 0.25

    def constant_loss(self, Y: Array, weights: Array) -> float:
        """Least loss of the same output at all points: the entropies of their mean target."""
        p = _mean_target(Y, weights)
        return float(-(_log_times(p) + _log_times(1 - p)).sum() * weights.sum())

    def offset(self, targets: Array) -> Array:
        """Zeros, shape (Q,): target t is predicted where f . t is largest."""
        return np.zeros(len(targets))


LOSSES = {
    "mse": SquaredError(),
    "class_weighted": SquaredError(class_weighted=True),
    "cross_entropy": CrossEntropy(),
    "bce": BinaryCrossEntropy(),
}


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
    is_loss = all(hasattr(loss, part) for part in ("weights", "value", "gradient"))
    if is_loss and isinstance(getattr(loss, "name", None), str) and not isinstance(loss, type):
        return loss
    return as_choice(loss, sorted(LOSSES), "loss", " or a loss object")


def offset_of(loss, targets):
    """The numbers `loss.offset(targets)`; those of the squared error if it has none.

    Up to a constant, which decides nothing: the least one is 0, so that for targets of one
    length, as one-hot rows are, outputs are compared as they are, without rounding.
    """
    offset = (loss if hasattr(loss, "offset") else SquaredError()).offset(targets)
    return offset - offset.min()


def predicted(outputs, targets, offset):
    """Class whose target fits each output best, (..., N, k) to (..., N); the first of a tie.

    For the losses here that is the target t of least c(f, t): the nearest one
    for the squared error, the largest output for one-hot targets. The first of a tie is what
    `constructions.verify` counts, too. Infinite outputs fit nothing where they make no number.

    Examples
    --------
    >>> predicted(np.array([[0.2, 0.9]]), np.eye(2), np.zeros(2))
    array([1])
    """
    scores = outputs @ targets.T - offset
    return np.where(np.isnan(scores), -np.inf, scores).argmax(axis=-1)


def _mean_target(Y, weights):
    """Weighted mean of the rows of Y, shape (k,); exact if they are all the same."""
    return Y[0] if (Y == Y[0]).all() else weights @ Y / weights.sum()


def _log_times(p):
    """p log p, which is 0 at 0."""
    return p * np.log(np.where(p > 0, p, 1.0))


def _softmax(outputs):
    """Positive rows that sum to 1, without overflow."""
    p = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


def _sigmoid(outputs):
    """1 / (1 + e^-f) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * outputs))
