"""Many small polynomials at a time, on the interval [-1, 1], in powers of the variable."""

from functools import cache
from math import comb

import numpy as np

HALVINGS = 52  # of [-1, 1], until a bracket is as wide as the rounding of its ends


def shifted(coefficients, center, half):
    """Polynomials in v, where the old variable is center + half v.

    Parameters
    ----------
    coefficients : ndarray, shape (K, n + 1, ...)
    center, half : ndarray, shape (K,)

    Returns
    -------
    ndarray of the same shape

    Examples
    --------
    >>> shifted(np.array([[0.0, 0.0, 1.0]]), np.array([1.0]), np.array([0.5]))
    array([[1.  , 1.  , 0.25]])
    """
    out = np.array(coefficients, dtype=float)
    n = out.shape[1] - 1
    like = (-1, *[1] * (out.ndim - 2))
    center, half = np.reshape(center, like), np.reshape(half, like)
    for i in range(n):
        for j in range(n - 1, i - 1, -1):
            out[:, j] += center * out[:, j + 1]
    power = np.ones_like(half)
    for j in range(1, n + 1):
        power = power * half
        out[:, j] *= power
    return out


def values(coefficients, u):
    """Polynomials (K, n + 1, ...) at numbers u (K,)."""
    u = np.reshape(u, (-1, *[1] * (coefficients.ndim - 2)))
    out = np.array(coefficients[:, -1])
    for j in range(coefficients.shape[1] - 2, -1, -1):
        out = out * u + coefficients[:, j]
    return out


def derivative(coefficients):
    """Derivatives of polynomials (K, n + 1), shape (K, max(n, 1))."""
    n = coefficients.shape[1] - 1
    if n == 0:
        return np.zeros_like(coefficients)
    return coefficients[:, 1:] * np.arange(1, n + 1)


def means(coefficients):
    """Means over [-1, 1] of polynomials (K, n + 1, ...): of one sign, if the polynomial is."""
    j = np.arange(0, coefficients.shape[1], 2)
    return np.tensordot(coefficients[:, ::2], 1.0 / (j + 1), axes=(1, 0))


@cache
def _to_bernstein(n):
    """The matrix from powers of u in [-1, 1] to Bernstein's basis of degree n."""
    # u^k = (2 v - 1)^k, and the coefficients in v^i become sums with comb(j, i) / comb(n, i)
    in_v = [[comb(k, i) * 2**i * (-1) ** (k - i) for i in range(n + 1)] for k in range(n + 1)]
    rows = [[comb(j, i) / comb(n, i) for j in range(n + 1)] for i in range(n + 1)]
    return np.array(in_v, dtype=float) @ np.array(rows)


def roots(coefficients):
    """Where polynomials may change sign inside (-1, 1).

    Parameters
    ----------
    coefficients : ndarray, shape (K, n + 1)

    Returns
    -------
    rows : ndarray of int, shape (R,)
        Of which polynomial, in ascending order.
    u : ndarray, shape (R,)
        Ascending within a row. Every change of sign is there, to the rounding of the values;
        a place where a polynomial only touches zero may be there, once or twice.

    Notes
    -----
    Brackets are halved in Bernstein's basis by the algorithm of de Casteljau, whose sums are
    averages and so are stable; a bracket whose coefficients have one sign holds no root. A linear
    polynomial is solved.

    Examples
    --------
    >>> roots(np.array([[-0.25, 0.0, 1.0], [1.0, 0.0, 1.0]]))
    (array([0, 0]), array([-0.5,  0.5]))
    """
    n = coefficients.shape[1] - 1
    if n == 0 or not len(coefficients):
        return np.zeros(0, dtype=int), np.zeros(0)
    if n == 1:
        low, high = (coefficients[:, 0] - coefficients[:, 1], coefficients.sum(axis=1))
        rows = np.flatnonzero(np.sign(low) * np.sign(high) < 0)
        return rows, -coefficients[rows, 0] / coefficients[rows, 1]
    basis = coefficients @ _to_bernstein(n)
    rows = np.flatnonzero(_has_both_signs(basis))
    basis, low, width = basis[rows], np.full(len(rows), -1.0), 2.0
    exact = []
    for _ in range(HALVINGS):
        width /= 2
        left, right = _halves(basis)
        is_root = left[:, -1] == 0
        if is_root.any():
            exact.append((rows[is_root], low[is_root] + width))
        rows, low = np.concatenate([rows, rows]), np.concatenate([low, low + width])
        basis = np.concatenate([left, right])
        keep = _has_both_signs(basis)
        rows, low, basis = rows[keep], low[keep], basis[keep]
    found = [(rows, low + width / 2), *exact]
    rows, u = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((u, rows))
    return rows[order], u[order]


def _halves(basis):
    """The two halves of an interval, in Bernstein's basis."""
    n = basis.shape[1] - 1
    left, right = np.empty_like(basis), np.empty_like(basis)
    row = basis
    for i in range(n + 1):
        left[:, i], right[:, n - i] = row[:, 0], row[:, -1]
        row = (row[:, :-1] + row[:, 1:]) / 2
    return left, right


def _has_both_signs(basis):
    return (basis > 0).any(axis=1) & (basis < 0).any(axis=1)


def bounds_below(coefficients):
    """Lower bounds of polynomials (K, n + 1) on [-1, 1], but for rounding: Bernstein's."""
    return (coefficients @ _to_bernstein(coefficients.shape[1] - 1)).min(axis=1)


def squares(coefficients):
    """Sums over the last axis of the squares of polynomials, (K, n + 1, k) to (K, 2 n + 1)."""
    K, m, _ = coefficients.shape
    out = np.zeros((K, 2 * m - 1))
    for i in range(m):
        for j in range(i, m):
            product = np.einsum("ab,ab->a", coefficients[:, i], coefficients[:, j])
            out[:, i + j] += product if i == j else 2 * product
    return out
