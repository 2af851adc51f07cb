"""Numbers of any size by powers of two: products and squares that stay in the range of floats."""

import numpy as np


def scaled_differences(X, origin):
    """Rows of X minus a point, each divided by a power of two that brings it to size 1.

    Parameters
    ----------
    X : ndarray, shape (N, d)
        Of any finite numbers.
    origin : ndarray, shape (d,)

    Returns
    -------
    D : ndarray, shape (N, d)
        float64; zero rows stay zero.
    exponents : ndarray of int, shape (N,)
        The differences are ``D * 2**exponents``.
    """
    with np.errstate(over="ignore"):
        D = X.astype(np.float64) - origin
    far = ~np.isfinite(D).all(axis=1)
    D[far] = X[far] / 2 - origin / 2
    exponents = np.frexp(np.abs(D).max(axis=1, initial=0))[1]
    return np.ldexp(D, -exponents[:, None]), exponents + far


def pre_activations(W, b, X):
    """W x + b for every row x, times powers of two where it is out of range: the sign is right."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        A = X @ W.T + b
        if is_moderate(W, b, X):
            return A
        rows, points = (np.frexp(np.abs(M).max(axis=1, initial=0))[1] for M in (W, X))
        shift = np.ldexp(b, -rows - points[:, None])
        scaled = np.ldexp(X, -points[:, None]) @ np.ldexp(W, -rows[:, None]).T + shift
    A = np.where(np.isfinite(A), A, 0)
    # what is far from the least float is as good unscaled; where nothing else is left there is b
    found = np.where((np.abs(A) > 1e-280) | (scaled == 0), A, scaled)
    return np.where(found == 0, b, found)


def is_moderate(*arrays):
    """Whether no product of three entries is near the largest or the least float."""
    for array in arrays:
        size = np.abs(array)
        # a zero is as good as any number
        if not (size.max(initial=1) < 1e100 and size.min(initial=1, where=size > 0) > 1e-100):
            return False
    return True
