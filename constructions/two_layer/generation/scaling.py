"""The training problem in numbers of moderate size, and its networks in those of the data."""

import math
from typing import NamedTuple

import numpy as np

from geomcore.network import ReLUNetwork

OUTPUT_BIASES = ("free", "penalised", "none")
LEAST, LARGEST = 1e-150, 1e150


class Scaled(NamedTuple):
    """Points and targets times powers of two, for which the problem is the same.

    With x~ = beta x~' and Y = alpha Y' the loss of omega is alpha^2 times that of
    omega' = omega / (alpha beta), with v = (alpha / beta) v' over the same unit neurons.

    Attributes
    ----------
    rows : ndarray, shape (N, d + 1)
        (x, 1) over 2**b, entries of at most 1.
    Y : ndarray, shape (N, Q)
        Targets over 2**a, `centred`.
    mean : ndarray, shape (Q,)
        The output bias without units, over 2**a.
    omega : float
        Cut off at 1e-150 and 1e150.
    a, b : int
    left : float
        What is left of column means, see `left_of_means`.
    """

    rows: np.ndarray
    Y: np.ndarray
    mean: np.ndarray
    omega: float
    a: int
    b: int
    left: float

    def loss(self, value):
        """The loss for the data themselves."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(value, 2 * self.a))

    def network(self, W, V):
        """The balanced network of unit neurons W (m, p) and output weights V (m, Q)."""
        if not len(W):
            W, V = np.zeros((1, self.rows.shape[1])), np.zeros((1, self.Y.shape[1]))
        offset = self.mean
        if self.left < 1:
            follows = np.maximum(self.rows @ W.T, 0).mean(axis=0) @ V
            offset = offset - (1 - self.left**2) * follows
        size = np.linalg.norm(V, axis=1, keepdims=True)
        whole, odd = divmod(self.a - self.b, 2)
        root = np.ldexp(np.sqrt(np.ldexp(size, odd)), whole)
        with np.errstate(over="ignore", under="ignore"):
            V = V / np.where(size > 0, size, 1.0) * root
            W, offset = W * root, np.ldexp(offset, self.a)
        return ReLUNetwork([W[:, :-1], V.T], [W[:, -1], offset])


def left_of_means(output_bias, omega):
    r"""What is left of the column means once the output bias is the best one.

    Of an error R with bias c :math:`\frac1N |R + c|^2 + \frac\omega2 |c|^2` is least at
    :math:`c = -\bar R / (1 + \omega / 2)`, and then is :math:`\frac1N |R - (1 - s) \bar R|^2` with
    :math:`s^2 = (\omega / 2) / (1 + \omega / 2)`: with s of its mean left. A bias free of decay
    leaves none of it, s = 0, and without one all is left, s = 1. This is so at any scale of the
    points and targets, for which the bias has the same scale as the targets.
    """
    if output_bias == "penalised":
        return math.sqrt(omega / (2 + omega))
    return {"free": 0.0, "none": 1.0}[output_bias]


def centred(A, left):
    """A matrix with the means of its columns taken off but for the part that is left."""
    return A - (1 - left) * A.mean(axis=0) if left < 1 else A


def scaled(X, Y, omega, output_bias):
    """The `Scaled` problem of points (N, d) and targets (N, Q)."""
    left = left_of_means(output_bias, omega)
    rows = np.column_stack([X, np.ones(len(X))])
    b, a = _exponent(rows), _exponent(Y)
    with np.errstate(under="ignore"):
        rows, Y = np.ldexp(rows, -b), np.ldexp(Y, -a)
        with np.errstate(over="ignore"):
            omega = float(np.clip(np.ldexp(omega, -a - b), LEAST, LARGEST))
    mean = (1 - left**2) * Y.mean(axis=0)
    return Scaled(rows, centred(Y, left), mean, omega, a, b, left)


def _exponent(values):
    """Of the power of two that is next above the largest absolute value; 0 without any."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])
