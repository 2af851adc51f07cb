"""Convex quadratic programs with nothing but bounds: guesses, then projected Newton steps."""

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

ROUNDS = 60
GUESSES = 12
HALVINGS = 30
RIDGE = 1e-11  # of the largest diagonal entry
STIFFER = 1e2
REFINED = 3  # solutions, of what the one before has left
SMALL = 1e-10  # of a slope, relative to its terms


def least_in_box(M, q, upper, start):
    r"""The minimum of :math:`\frac12 \lambda^T M \lambda + q^T \lambda` on 0 <= lambda <= upper.

    Parameters
    ----------
    M : ndarray, shape (k, k)
        Positive semidefinite.
    q, upper : ndarray, shape (k,)
        Bounds are not negative.
    start : ndarray, shape (k,)
        What is near the minimum, or nothing in particular.

    Returns
    -------
    ndarray, shape (k,)

    Raises
    ------
    ValueError
        If a value of M or q is nan or inf.

    References
    ----------
    .. [1] D. P. Bertsekas, Projected Newton methods for optimization problems with simple
       constraints, SIAM Journal on Control and Optimization 20 (1982).
    """
    if not (np.isfinite(M).all() and np.isfinite(q).all()):
        raise ValueError("M and q must be finite, got values that overflow")
    found = _by_sets(M, q, upper, start)
    if found is not None:
        return found
    x = np.clip(start, 0, upper)
    ridge = RIDGE * np.diag(M).max(initial=0.0) + np.finfo(float).tiny
    slope = M @ x + q
    size = np.abs(q) + np.abs(M) @ upper
    for _ in range(ROUNDS):
        held = ((x <= 0) & (slope >= 0)) | ((x >= upper) & (slope <= 0))
        free = np.flatnonzero(~held)
        if not len(free) or (np.abs(slope[free]) <= SMALL * size[free]).all():
            break
        own = M[np.ix_(free, free)].copy()
        own[np.diag_indices(len(free))] += ridge
        factor, has_failed = dpotrf(own)
        if has_failed:
            step = -slope[free] / np.maximum(np.diag(own), ridge)
        else:
            step = -dpotrs(factor, slope[free])[0]
        value, t = x @ (0.5 * (M @ x) + q), 1.0
        for _ in range(HALVINGS):
            other = x.copy()
            other[free] = np.clip(x[free] + t * step, 0, upper[free])
            if other @ (0.5 * (M @ other) + q) <= value + 1e-4 * (slope @ (other - x)):
                break
            t /= 2
        else:  # where M is singular, steps may be so long that all of them end in one corner
            ridge *= STIFFER
            continue
        x = other
        slope = M @ x + q
    return x


def _by_sets(M, q, upper, start):
    """The minimum, from guesses of which bounds are met that each solution corrects; None.

    That takes a few rounds where it works, as it mostly does, but may go in circles.
    """
    x, size = np.clip(start, 0, upper), np.maximum(np.diag(M), np.finfo(float).tiny)
    ridge = RIDGE * size.max(initial=0.0)
    sets = None
    for _ in range(GUESSES):
        ahead = x - (M @ x + q) / size
        now = np.where(ahead <= 0, -1, np.where(ahead >= upper, 1, 0))
        if sets is not None and (now == sets).all():
            return np.clip(x, 0, upper)
        sets, free = now, now == 0
        x = np.where(now > 0, upper, 0.0)
        if not free.any():
            continue
        own = M[np.ix_(free, free)]
        own[np.diag_indices(len(own))] += ridge
        factor, has_failed = dpotrf(own)
        if has_failed:
            return None
        for _ in range(REFINED):  # what the ridge has left
            x[free] -= dpotrs(factor, (M @ x + q)[free])[0]
    return None
