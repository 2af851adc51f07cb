"""Convex quadratic programs with nothing but bounds, by projected Newton steps."""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

ROUNDS = 60
HALVINGS = 30
RIDGE = 1e-11  # of the largest diagonal entry
STIFFER = 1e2
SMALL = 1e-10  # of a slope, relative to its terms


def least_in_box(M, q, upper):
    r"""The minimum of :math:`\frac12 \lambda^T M \lambda + q^T \lambda` on 0 <= lambda <= upper.

    Parameters
    ----------
    M : ndarray, shape (k, k)
        Positive semidefinite.
    q, upper : ndarray, shape (k,)
        Bounds are not negative.

    Returns
    -------
    ndarray, shape (k,)

    References
    ----------
    .. [1] D. P. Bertsekas, Projected Newton methods for optimization problems with simple
       constraints, SIAM Journal on Control and Optimization 20 (1982).
    """
    x = np.zeros(len(q))
    ridge = RIDGE * np.diag(M).max(initial=0.0) + np.finfo(float).tiny
    slope = q.copy()
    size = np.abs(q) + np.abs(M) @ upper
    for _ in range(ROUNDS):
        held = ((x <= 0) & (slope >= 0)) | ((x >= upper) & (slope <= 0))
        free = np.flatnonzero(~held)
        if not len(free) or (np.abs(slope[free]) <= SMALL * size[free]).all():
            break
        own = M[np.ix_(free, free)].copy()
        own[np.diag_indices(len(free))] += ridge
        try:
            step = -cho_solve(cho_factor(own, overwrite_a=True), slope[free])
        except LinAlgError:
            step = -slope[free] / np.maximum(np.diag(own), ridge)
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
