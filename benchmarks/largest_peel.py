"""The largest peel there is, by an exact program: the yardstick of the search for peels."""

import warnings

import cvxpy as cp
import numpy as np


def largest_peel(P, O, *, gap=1e-3, seconds=60):
    """Most points of P that one half-space separates from O, by mixed integers (HIGHS).

    Parameters
    ----------
    P, O : ndarray, shapes (n, d), (m, d)
    gap : float, optional
        Smallest gap in units of the size of the data, for normals with entries in
        [-1, 1]. Far above 1e-6, the solver's tolerance, within which the normal 0 would do.
    seconds : float, optional
        How long the solver may take.

    Returns
    -------
    ndarray of bool, shape (n,), or None
        The points of P inside; None if the solver did not find an optimum.
    """
    both = np.vstack([P, O])
    centre = both.mean(axis=0)
    size = np.abs(both - centre).max() or 1.0
    P, O = (P - centre) / size, (O - centre) / size
    d = P.shape[1]
    w, c, inside = cp.Variable(d), cp.Variable(), cp.Variable(len(P), boolean=True)
    problem = cp.Problem(
        cp.Maximize(cp.sum(inside)),
        [
            cp.abs(w) <= 1,
            cp.abs(c) <= d,
            O @ w + c >= gap,
            P @ w + c <= -gap + (2 * d + 1) * (1 - inside),
        ],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an inaccurate solution shows in the status
        try:
            problem.solve(solver=cp.HIGHS, highs_options={"time_limit": float(seconds)})
        except cp.SolverError:
            return None
    return inside.value > 0.5 if problem.status == cp.OPTIMAL else None
