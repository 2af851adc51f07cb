"""Affine maps of points: in balls, or in floating point with a bound on the rounding."""

import numpy as np
from flint import arb_mat

from constructions.proof.exact import EPS, ball_matrix


class RoundedProduct:
    """X @ C.T + c in floating point with a bound on its distance from the exact value."""

    def __init__(self, C, c):
        shape = C.nrows(), C.ncols()
        self.W, W_radius = (a.reshape(shape) for a in _middle_and_radius(C.entries()))
        self.b, b_radius = _middle_and_radius(c.entries())
        # in any order of summation, fused or not: |error| <= gamma_{d+2} (|x||w| + |b|)
        unit = 2 * (shape[1] + 4) * EPS
        # the sum of a radius' entries bounds its norm and, unlike that, cannot overflow early
        norms = np.linalg.norm(self.W, axis=1), W_radius.sum(axis=1)
        self.slope = (unit * norms[0] + norms[1]) * (1 + 1e-6)
        self.level = (unit * np.abs(self.b) + b_radius) * (1 + 1e-6) + 1e-290

    def __call__(self, X, lengths):
        value = X @ self.W.T
        value += self.b
        return value, np.multiply.outer(lengths, self.slope) + self.level


def _middle_and_radius(balls):
    """Float midpoints, and radii that cover the balls around these floats."""
    middle = np.array([float(a.mid()) for a in balls])
    radius = np.array([float(a.rad()) for a in balls]) * (1 + 1e-6)
    return middle, radius + np.abs(middle) * EPS + 1e-300


def affine_of_balls(hidden, W, b):
    """W h + b for a list of ball vectors h, as lists of balls."""
    if not hidden:
        return []
    width = len(hidden[0])
    H = arb_mat(len(hidden), width, [a for row in hidden for a in row])
    return _rows(H * W.transpose(), b)


def affine_of_points(X, C, c):
    """C x + c for every row x of a float array, as lists of balls."""
    if not len(X):
        return []
    return _rows(ball_matrix(X) * C.transpose(), c)


def _rows(product, b):
    bias, width = b.entries(), product.ncols()
    entries = product.entries()
    return [
        [a + v for a, v in zip(entries[i : i + width], bias, strict=True)]
        for i in range(0, len(entries), width)
    ]
