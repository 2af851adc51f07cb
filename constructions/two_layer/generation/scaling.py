"""The training problem in numbers of moderate size, and its networks in those of the data."""

from typing import NamedTuple

import numpy as np

from geomcore.network import ReLUNetwork

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
        Targets less `mean`, over 2**a.
    mean : ndarray, shape (Q,)
        Of the targets over 2**a; 0 without an output bias.
    omega : float
        Cut off at 1e-150 and 1e150.
    a, b : int
    is_free : bool
        Whether there is an output bias, which is free of decay.
    """

    rows: np.ndarray
    Y: np.ndarray
    mean: np.ndarray
    omega: float
    a: int
    b: int
    is_free: bool

    def loss(self, value):
        """The loss for the data themselves."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(value, 2 * self.a))

    def network(self, W, V):
        """The balanced network of unit neurons W (m, p) and output weights V (m, Q)."""
        if not len(W):
            W, V = np.zeros((1, self.rows.shape[1])), np.zeros((1, self.Y.shape[1]))
        offset = self.mean
        if self.is_free:
            offset = offset - np.maximum(self.rows @ W.T, 0).mean(axis=0) @ V
        size = np.linalg.norm(V, axis=1, keepdims=True)
        whole, odd = divmod(self.a - self.b, 2)
        root = np.ldexp(np.sqrt(np.ldexp(size, odd)), whole)
        with np.errstate(over="ignore", under="ignore"):
            V = V / np.where(size > 0, size, 1.0) * root
            W, offset = W * root, np.ldexp(offset, self.a)
        return ReLUNetwork([W[:, :-1], V.T], [W[:, -1], offset])


def scaled(X, Y, omega, is_free):
    """The `Scaled` problem of points (N, d) and targets (N, Q)."""
    rows = np.column_stack([X, np.ones(len(X))])
    b, a = _exponent(rows), _exponent(Y)
    with np.errstate(under="ignore"):
        rows, Y = np.ldexp(rows, -b), np.ldexp(Y, -a)
        with np.errstate(over="ignore"):
            omega = float(np.clip(np.ldexp(omega, -a - b), LEAST, LARGEST))
    mean = Y.mean(axis=0) if is_free else np.zeros(Y.shape[1])
    return Scaled(rows, Y - mean, mean, omega, a, b, is_free)


def _exponent(values):
    """Of the power of two that is next above the largest absolute value; 0 without any."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])
