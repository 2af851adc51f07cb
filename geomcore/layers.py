"""Layers: the maps a network is a chain of."""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_layer, freeze


@dataclass(frozen=True, eq=False)
class Affine:
    """The affine map x -> W x + b on rows, ``X @ W.T + b``.

    Parameters
    ----------
    W : array_like, shape (m, n)
    b : array_like, shape (m,)
    """

    W: np.ndarray
    b: np.ndarray

    def __post_init__(self):
        W, b = as_layer(self.W, self.b)
        object.__setattr__(self, "W", freeze(W))
        object.__setattr__(self, "b", freeze(b))

    def __call__(self, X):
        return X @ self.W.T.astype(X.dtype, copy=False) + self.b.astype(X.dtype, copy=False)

    def pull_back(self, X, out, grad):
        """Gradient with respect to the input `X`, given that with respect to `out`."""
        return grad @ self.W.astype(grad.dtype, copy=False)


@dataclass(frozen=True)
class ReLU:
    """The map x -> max(x, 0), coordinate by coordinate; its derivative at 0 is taken as 0."""

    def __call__(self, X):
        return np.maximum(X, 0)

    def pull_back(self, X, out, grad):
        """Gradient with respect to the input `X`, given that with respect to `out`."""
        return np.where(out > 0, grad, 0)
