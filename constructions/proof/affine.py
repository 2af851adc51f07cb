"""Affine maps of points: in balls, or in floating point with a bound on the rounding."""

import numpy as np
from flint import arb_mat

from constructions.proof.exact import EPS, ball_matrix

UNIT = EPS / 2
LEAST = 2.0**-1000  # far above all that underflow can take away


def lengths_above(rows):
    """Upper bounds of the Euclidean norms of rows, whatever their size: inf if they overflow."""
    peak = np.abs(rows).max(axis=1, initial=0.0)
    exponent = np.frexp(np.where(np.isfinite(peak), peak, 1.0))[1]
    # entries that are lost below 2^-1074 of the largest one do not show in nine digits
    scaled = np.linalg.norm(np.ldexp(rows, -exponent[:, None]), axis=1) * (1 + 1e-9)
    with np.errstate(over="ignore", under="ignore"):
        lengths = np.ldexp(scaled, exponent)
        return np.where(peak == 0, 0.0, np.nextafter(lengths, np.inf))


class RoundedProduct:
    """X @ C.T + c in floating point with a bound on its distance from the exact value.

    Notes
    -----
    With u = 2^-53, a sum of d products and a number, in any order and fused or not, is off by at
    most :math:`\\gamma_{d+2} (|x| |w| + |b|)`, :math:`\\gamma_n = n u / (1 - n u)`, and by
    d + 1 halves of the smallest subnormal number where products underflow. Four times that is
    taken, which leaves room for the rounding of the bound itself. The bound is inf where a sum
    overflowed on the way: its value, finite or not, then says nothing.
    """

    def __init__(self, C, c):
        shape = C.nrows(), C.ncols()
        self.W, W_radius = (a.reshape(shape) for a in middle_and_radius(C.entries()))
        self.b, b_radius = middle_and_radius(c.entries())
        unit = 4 * (shape[1] + 4) * UNIT
        # the sum of a radius' entries bounds its norm
        self.slope = (unit * lengths_above(self.W) + W_radius.sum(axis=1)) * (1 + 1e-6)
        self.level = (unit * np.abs(self.b) + b_radius) * (1 + 1e-6) + shape[1] * LEAST

    def __call__(self, X, lengths):
        """Values and bounds, shapes (N, m); `lengths` are upper bounds of those of the rows."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            value = X @ self.W.T
            value += self.b
            error = np.multiply.outer(lengths, self.slope) + self.level
        error[~np.isfinite(value) | np.isnan(error)] = np.inf
        return value, error


def middle_and_radius(balls):
    """Float midpoints, and radii that cover the balls around these floats."""
    middle = np.array([float(a.mid()) for a in balls])
    radius = np.array([float(a.rad()) for a in balls]) * (1 + 1e-6)
    return middle, radius + np.abs(middle) * EPS + LEAST


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
