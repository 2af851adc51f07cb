"""Exact arithmetic on floats, each a rational number, and floats on the safe side of balls."""

from contextlib import contextmanager

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

EPS = float(np.finfo(np.float64).eps)


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


def rational_matrix(array):
    """Return a 2-D float array as an exact rational matrix."""
    rows, columns = array.shape
    return fmpq_mat(rows, columns, [rational(v) for v in array.ravel().tolist()])


def signs(X, w, c):
    """Exact signs of w·x + c for every row x of `X`.

    Floating point decides wherever its own error bound allows it, and
    rational arithmetic decides the rest, so the answer is never wrong.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    w : ndarray, shape (d,)
    c : float

    Returns
    -------
    ndarray of int, shape (N,)
        -1, 0 or 1.

    Notes
    -----
    A dot product of length d, in any order of summation and with or without
    fused operations, is off by at most :math:`\\gamma_{d+2} (|w| \\cdot |x| + |c|)`.
    """
    value = X @ w + c
    bound = 2 * (len(w) + 4) * EPS * (np.abs(X) @ np.abs(w) + abs(c)) + 1e-300
    result = np.sign(value).astype(np.int64)
    exact_w = [rational(v) for v in w]
    for i in np.flatnonzero(np.abs(value) <= bound):
        total = rational(c)
        for x, weight in zip(X[i], exact_w, strict=True):
            total += rational(x) * weight
        result[i] = (total > 0) - (total < 0)
    return result


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
        The exact solution, rounded; None if there is none, or it is not
        unique, or it has a negative entry.
    """
    m, k = M.shape
    if m == k:
        with precision(256):
            try:
                balls = ball_matrix(M).solve(ball_matrix(r[:, None])).entries()
            except ZeroDivisionError:
                balls = []
            if balls and all(u > 0 for u in balls):
                return np.array([float(u.mid()) for u in balls])
    if k > m:
        return None
    reduced, rank = rational_matrix(np.column_stack([M, r])).rref()
    if rank != k or any(reduced[i, i] != 1 for i in range(k)):
        return None  # dependent columns, or no solution
    solution = [reduced[i, k] for i in range(k)]
    if any(u < 0 for u in solution):
        return None
    return np.array([float(arb(u)) for u in solution])
