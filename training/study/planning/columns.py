r"""Columns of size one, which noise of one norm and one learning rate take for granted.

With a column in thousands, noise of norm :math:`\lambda` on the first layer moves a point by
thousands of :math:`\lambda`, and no rate is stable there at which anything else moves.
"""

from typing import NamedTuple

import numpy as np

from geomcore.network import ReLUNetwork

# Root mean square above which a column is large, measured (docs/studies.md): of two drawn
# configurations with one column multiplied by 3 half return at scales whose intervals overlap with
# those as they were, by 10 at two thirds or half of them; iris, up to 5.9, has a rate 90 times
# smaller, and 30,000 steps are 0.2 relaxations in place of 16.
LARGE = 4.0


class Columns(NamedTuple):
    """The mean and the standard deviation of each column, the latter 1 where that is 0.

    Attributes
    ----------
    mean, scale : ndarray, shape (d,)
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X):
        """Those of points X, shape (N, d); ValueError if they overflow."""
        X = np.asarray(X, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scale = X.mean(axis=0), X.std(axis=0)
        if not np.isfinite(scale).all():
            raise ValueError(
                "X must have columns that can be standardised, got one that overflows, up to "
                f"{np.abs(X).max():.3g}"
            )
        # Of a constant column the mean may be off by rounding, which is no spread.
        varies = (X != X[:1]).any(axis=0) & (scale > 0)
        return cls(np.where(varies, mean, X[0]), np.where(varies, scale, 1.0))

    def __call__(self, X):
        """Points with standardised columns."""
        return (X - self.mean) / self.scale


def largest_column(X):
    """The largest root mean square of a column of X, shape (N, d); 0 without columns."""
    most = np.abs(X).max(axis=0, initial=0.0)
    safe = np.where(most > 0, most, 1.0)
    return float((most * np.sqrt(np.mean((X / safe) ** 2, axis=0))).max(initial=0.0))


def on_standardised(net, columns):
    """The network that does with standardised points what `net` does with those they come from.

    Parameters
    ----------
    net : ReLUNetwork
    columns : Columns

    Returns
    -------
    ReLUNetwork
        With another first layer; the same function, up to rounding.
    """
    W, b = net.weights[0], net.biases[0]
    first = W * columns.scale, b + W @ columns.mean
    return ReLUNetwork([first[0], *net.weights[1:]], [first[1], *net.biases[1:]])
