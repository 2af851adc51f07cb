"""Exact arithmetic on floats, each a rational number, and floats on the safe side of balls."""

from contextlib import contextmanager
from math import inf, nextafter

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)
# As many numbers are as soon summed in rationals as looked at twice in floating point.
FEW = 50


@contextmanager
def precision(bits):
    """Ball arithmetic at `bits` binary digits inside a with block."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def ball_matrix(array):
    """Return a 2-D float array as a matrix of exact balls (radius 0)."""
    rows, columns = array.shape
    return arb_mat(rows, columns, array.ravel().tolist())


def above(ball):
    """The least float, or the next one, that is at least every number in the ball."""
    value = float(ball.upper())
    return value if arb(value) >= ball else float(np.nextafter(value, np.inf))


def below(ball):
    """The greatest float, or the one before, that is at most every number in the ball."""
    value = float(ball.lower())
    return value if arb(value) <= ball else float(np.nextafter(value, -np.inf))


def length_above(balls):
    """A float that is at least the Euclidean length of every vector in the balls."""
    # the lower end of a square of a ball around 0 is negative, which has no root
    return above(arb(above(sum((a * a for a in balls), arb(0)))).sqrt())


def rational(value):
    """Return a finite float as the rational number that it is."""
    numerator, denominator = float(value).as_integer_ratio()
    return fmpq(numerator, denominator)


def nearest(value):
    """Return the float nearest to a rational number; inf beyond the largest float."""
    try:
        return int(value.p) / int(value.q)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def rounded_down(value):
    """The greatest float that is at most a rational number."""
    found = nearest(value)
    if found == inf or (found > -inf and rational(found) > value):
        return nextafter(found, -inf)
    return found


def rounded_weight(value):
    """The float nearest to a non-negative rational number, but nothing positive becomes 0."""
    return nearest(value) or (nextafter(0.0, 1.0) if value > 0 else 0.0)


def rational_matrix(array):
    """Return a 2-D float array as an exact rational matrix."""
    rows, columns = array.shape
    return fmpq_mat(rows, columns, [rational(v) for v in array.ravel().tolist()])


def rational_values(X, w, c):
    """Return the exact rational numbers w·x + c for every row x of `X`, as a list."""
    shift = rational(c)
    return [v + shift for v in (rational_matrix(X) * rational_matrix(w[:, None])).entries()]


def heights(X, w, c, origin=None):
    """Return w·x + c for every row x of `X` in floating point, and by how much it may be off.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    w : ndarray, shape (d,)
    c : float
    origin : ndarray, shape (d,), optional
        A point near those of X: its own height is computed exactly, so that
        only the way from it to the points is rounded.

    Returns
    -------
    value, error : ndarray, shape (N,)
        The exact number is within `error` of `value`; inf where a number overflows.

    Notes
    -----
    A dot product of length d, in any order of summation and with or without
    fused operations, is off by at most :math:`\\gamma_{d+2} (|w| \\cdot |x| + |c|)`,
    and by an underflow of each product; a difference from the origin is off by
    one more rounding and never underflows.
    """
    if origin is not None:
        c = nearest(rational_values(origin[None], w, c)[0])
    with np.errstate(all="ignore"):
        if origin is not None:
            X = X - origin
        value = X @ w + c
        error = 2 * (len(w) + 4) * EPS * (np.abs(X) @ np.abs(w) + abs(c)) + 4 * (len(w) + 4) * TINY
    known = np.isfinite(value) & np.isfinite(error)
    return np.where(known, value, 0.0), np.where(known, error, np.inf)


def signs(X, w, c):
    """Exact signs of w·x + c for every row x of `X`.

    Floating point decides wherever its own error bound allows it, first as the
    numbers stand, then relative to one of the points left; rational arithmetic
    decides the rest, so the answer is never wrong, whatever the finite floats.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    w : ndarray, shape (d,)
    c : float

    Returns
    -------
    ndarray of int, shape (N,)
        -1, 0 or 1.
    """
    value, error = heights(X, w, c)
    result = np.sign(value).astype(np.int64)
    left = np.flatnonzero(np.abs(value) <= error)
    if left.size * len(w) > FEW:
        value, error = heights(X[left], w, c, X[left[0]])
        result[left] = np.sign(value)
        left = left[np.abs(value) <= error]
    if len(left):
        result[left] = [(v > 0) - (v < 0) for v in rational_values(X[left], w, c)]
    return result


def least_height(X, w, c, *, rtol=0.0):
    """Return a float that is at most w·x + c for every row x of `X`.

    Parameters
    ----------
    X : ndarray, shape (N, d)
        At least one row.
    w : ndarray, shape (d,)
    c : float
    rtol : float, optional
        With more than a few rows that could be the lowest, by how much the
        answer may fall short of the least number, relative to it; else it is
        the least number, rounded down.

    Returns
    -------
    float
    """
    value, error = heights(X, w, c)
    for origin in range(2):
        with np.errstate(over="ignore"):
            left = value - error <= (value + error).min()
            low, high = (value - error)[left].min(), (value + error)[left].min()
        X, value, error = X[left], value[left], error[left]
        if X.size <= FEW:
            break
        # the rounding of low itself is within the slack of the error bound
        if np.isfinite(low) and high - low <= rtol * abs(low):
            return float(low)
        if not origin:
            value, error = heights(X, w, c, X[0])
    return rounded_down(min(rational_values(X, w, c)))


def solve_nonnegative(M, r):
    """Solve M u = r exactly and ask whether u >= 0.

    A square system is first tried in ball arithmetic, which proves that it
    has one solution and that every entry is positive; what balls cannot
    decide (a zero entry, more equations than unknowns) rationals do.

    Parameters
    ----------
    M : ndarray, shape (m, k)
        Its columns should be linearly independent.
    r : ndarray, shape (m,)

    Returns
    -------
    ndarray, shape (k,), or None
        The exact solution, rounded, but nothing positive to 0; None if there is none, or it is not
        unique, or it has a negative entry.
    """
    m, k = M.shape
    if m == k:
        with precision(256):
            try:
                balls = ball_matrix(M).solve(ball_matrix(r[:, None])).entries()
            except ZeroDivisionError:
                balls = []
            # a ball may be positive and yet too wide for its middle to be the solution, rounded
            digits = min((u.rel_accuracy_bits() for u in balls), default=0)
            if digits >= 100 and all(u > 0 for u in balls):
                return np.array([rounded_weight(u.mid().fmpq()) for u in balls])
    if k > m:
        return None
    reduced, rank = rational_matrix(np.column_stack([M, r])).rref()
    if rank != k or any(reduced[i, i] != 1 for i in range(k)):
        return None  # dependent columns, or no solution
    solution = [reduced[i, k] for i in range(k)]
    if any(u < 0 for u in solution):
        return None
    return np.array([rounded_weight(u) for u in solution])
