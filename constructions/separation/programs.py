"""The convex programs, each one function: arrays in, arrays or None out.

Every solver is named, every status is checked, and no result that is not
``optimal`` is used. None means that the solver did not find an optimum, for
whatever reason; what that proves, if anything, is for the caller to find out
by arithmetic.
"""

import os
import warnings
from functools import cache
from typing import NamedTuple

import clarabel
import cvxpy as cp
import numpy as np
from scipy.optimize import linprog, nnls
from scipy.sparse import coo_array, csc_array, csr_array, eye_array, hstack, vstack


def solved(problem, solver, **options):
    """Solve with the named solver; True if and only if the status is ``optimal``."""
    if solver == cp.HIGHS:
        _spend_banner()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an inaccurate solution shows in the status
        try:
            problem.solve(solver=solver, **options)
        except (cp.SolverError, ValueError):  # the latter for a status that cvxpy cannot unpack
            return False
    return problem.status == cp.OPTIMAL


@cache
def _spend_banner():
    """Have HiGHS write the banner that it writes once in a process, but to nowhere.

    The constructor writes it to standard output, before cvxpy can turn that off.
    """
    import highspy

    class Silent(highspy.Highs):
        def enableCallbacks(self):
            self.setOptionValue("log_to_console", False)
            self.setOptionValue("log_file", os.devnull)
            super().enableCallbacks()

    Silent().run()


class Slab(NamedTuple):
    """Answer of `maximum_margin` and of `least_distance`.

    Attributes
    ----------
    plane : ndarray, shape (d + 1,)
        (w, c).
    weights : ndarray, shape (k,)
        Multipliers of the rows, not negative; those of each side, divided by their
        sum, are the convex weights of the nearest point of its hull.
    """

    plane: np.ndarray
    weights: np.ndarray


def maximum_margin(M):
    """Minimise |w|^2 subject to M (w, c) >= 1 (CLARABEL).

    Posed as cvxpy would pose it, but at once: small programs are most of the work of
    `separate`, and the modelling layer took nine tenths of their time.

    Parameters
    ----------
    M : ndarray, shape (k, d + 1)
        Rows (x, 1) for one side, -(x, 1) for the other.

    Returns
    -------
    Slab or None
    """
    k, d = len(M), M.shape[1] - 1
    # variables (v, w, c): the square of v, v = w, and the constraints
    P = csc_array((np.full(d, 2.0), (range(d), range(d))), shape=(2 * d + 1, 2 * d + 1))
    A = np.zeros((d + k, 2 * d + 1))
    A[:d, :d], A[:d, d:-1], A[d:, d:] = -np.eye(d), np.eye(d), -M
    b = np.r_[np.zeros(d), -np.ones(k)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    cones = [clarabel.ZeroConeT(d), clarabel.NonnegativeConeT(k)]
    solver = clarabel.DefaultSolver(P, np.zeros(2 * d + 1), csc_array(A), b, cones, settings)
    found = solver.solve()
    if found.status != clarabel.SolverStatus.Solved:
        return None
    return Slab(np.array(found.x)[d:], np.maximum(np.array(found.z)[d:], 0))


def least_distance(M, *, rounds=5, offset_weight=1e-3):
    """The same program to machine precision by an active-set method, for small margins.

    Lawson and Hanson's least distance programming: minimise
    |w|^2 + (offset_weight c)^2 subject to M (w, c) >= 1 by one non-negative
    least-squares problem, whose solution holds the nearest points of the two
    hulls. It loses all digits to cancellation where the margin is small, so it
    is repeated in coordinates with the middle of these points as origin and
    their distance as unit.

    Parameters
    ----------
    M : ndarray, shape (k, d + 1)
        As for `maximum_margin`.
    rounds : int, optional
        How often it is repeated at most.
    offset_weight : float, optional

    Returns
    -------
    Slab or None
    """
    side = M[:, -1]
    Z = M[:, :-1] * side[:, None]
    origin, unit = np.zeros(Z.shape[1]), 1.0
    best, best_margin = None, 0.0
    for _ in range(rounds):
        near = (Z - origin) / unit
        E = np.vstack([(near * side[:, None]).T, side / offset_weight, np.ones(len(M))])
        try:
            u, _ = nnls(E, np.r_[np.zeros(M.shape[1]), 1.0], maxiter=30 * M.shape[1] + 300)
        except RuntimeError:
            break
        residual = E @ u
        slack = 1 - residual[-1]
        if slack > 0 and residual[:-2].any():
            w = residual[:-2] / slack / unit
            wc = np.r_[w, residual[-2] / slack / offset_weight - w @ origin]
            least = (M @ wc).min()
            length = np.linalg.norm(w)
            if length > 0 and least / length > best_margin:
                best, best_margin = Slab(wc / least, u), least / length
            if abs(least - 1) < 1e-7:
                break
        shares = u[side > 0].sum(), u[side < 0].sum()
        if not min(shares) > 0:
            break
        ends = [u[side == s] @ near[side == s] / t for s, t in zip((1, -1), shares, strict=True)]
        distance = np.linalg.norm(ends[0] - ends[1]) * unit
        if not distance > 1e-13:
            break
        origin, unit = origin + (ends[0] + ends[1]) / 2 * unit, distance
    return best


def common_point(A, B):
    """Convex weights alpha, beta with A^T alpha = B^T beta, a vertex if there is one (HIGHS).

    Parameters
    ----------
    A, B : ndarray, shapes (n, d), (m, d)

    Returns
    -------
    (alpha, beta) or None
    """
    alpha, beta = cp.Variable(len(A), nonneg=True), cp.Variable(len(B), nonneg=True)
    problem = cp.Problem(
        cp.Minimize(0),
        [A.T @ alpha == B.T @ beta, cp.sum(alpha) == 1, cp.sum(beta) == 1],
    )
    if not solved(problem, cp.HIGHS, highs_options={"solver": "simplex"}):
        return None
    return alpha.value, beta.value


def nearest_on_hyperplane(x, normal, offset, forward):
    """The point of a hyperplane nearest to x that other hyperplanes keep forward (CLARABEL).

    Parameters
    ----------
    x, normal : ndarray, shape (d,)
        The normal has length 1.
    offset : float
    forward : list of (normal, offset, margin)
        The point p should have normal . p + offset >= margin for each.

    Returns
    -------
    ndarray, shape (d,)
        The plain projection of x if the demands on it cannot all be met.
    """
    projection = x - (normal @ x + offset) * normal
    if all(w @ projection + c >= m for w, c, m in forward):
        return projection
    p = cp.Variable(len(x))
    problem = cp.Problem(
        cp.Minimize(cp.sum_squares(p - projection)),
        [normal @ (p - projection) == 0, *(w @ p + c >= m for w, c, m in forward)],
    )
    if not solved(problem, cp.CLARABEL):
        return projection
    return p.value - (normal @ p.value + offset) * normal


def hinge(P, O):
    """A half-space {w . x + c <= -1} around P that leaves out as much of O as it can (HIGHS).

    Minimises the sum over O of max(0, 1 - (w . x + c)).

    Returns
    -------
    (w, c) or None
    """
    plane = weighted_hinge(O, P, np.ones(len(O)))
    if plane is None or not np.any(plane[:-1]):
        return None
    return -plane[:-1], -float(plane[-1])


def covering_faces(P, O, k, *, seconds=20):
    """k half-spaces around P such that every point of O is outside one, if there are any (HIGHS).

    A mixed-integer program, exact up to the solver's tolerances: normals have
    entries in [-1, 1], and the smallest excess t is maximised.

    Returns
    -------
    (W, b), shapes (k, d) and (k,), or None
    """
    centre = P.mean(axis=0)
    size = max(np.abs(P - centre).max(), np.abs(O - centre).max()) or 1.0
    P, O = (P - centre) / size, (O - centre) / size
    d = P.shape[1]
    W, b, t = cp.Variable((k, d)), cp.Variable(k), cp.Variable()
    picks = cp.Variable((len(O), k), boolean=True)
    big = 2 * d + 2
    ones_p, ones_o = np.ones((len(P), 1)), np.ones((len(O), 1))
    offsets = cp.reshape(b, (1, k), order="C")
    problem = cp.Problem(
        cp.Maximize(t),
        [
            cp.abs(W) <= 1,
            cp.abs(b) <= d,
            P @ W.T + ones_p @ offsets <= -t,
            O @ W.T + ones_o @ offsets >= t - big * (1 - picks),
            cp.sum(picks, axis=1) >= 1,
            t <= 1,
        ],
    )
    if not solved(problem, cp.HIGHS, highs_options={"time_limit": float(seconds)}):
        return None
    if t.value <= 1e-7:
        return None
    return W.value / size, b.value - W.value @ centre / size


def weighted_hinge(P, O, weights):
    """The half-space clear of O that leaves the least weight of P outside (HIGHS).

    Minimises the weighted sum over P of max(0, w . x + c + 1) subject to
    w . x + c >= 1 on O. Thousands of these small programs are solved in one
    search, so this one goes to HiGHS through SciPy, which spares the modelling layer.

    Returns
    -------
    ndarray, shape (d + 1,), or None
        (w, c).
    """
    n, d = P.shape
    left = np.column_stack([P, np.ones(n)])
    right = np.column_stack([O, np.ones(len(O))])
    A = vstack(
        [
            hstack([csr_array(left), -eye_array(n)]),
            hstack([csr_array(-right), coo_array((len(O), n))]),
        ]
    )
    found = linprog(
        np.r_[np.zeros(d + 1), weights / n],
        A_ub=A.tocsr(),
        b_ub=-np.ones(n + len(O)),
        bounds=[(None, None)] * (d + 1) + [(0, None)] * n,
        method="highs",
    )
    return found.x[: d + 1] if found.status == 0 else None


def narrowest_apex(X, heights, base, normal, forward, *, start=60, rounds=4):
    """The point of a hyperplane from which a set is seen under the smallest aperture (CLARABEL).

    Minimises t subject to |(x - p) without its normal part| <= t |height of x| for
    all rows x, p in the hyperplane, and to the demands of other hyperplanes on p: a
    second-order cone program, posed for the points that matter.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    heights : ndarray, shape (N,)
        Signed distances from the hyperplane, none of them zero.
    base : ndarray, shape (d,)
        A point of the hyperplane, the fallback.
    normal : ndarray, shape (d,)
    forward : list of (normal, offset, margin)
        As in `nearest_on_hyperplane`.

    Returns
    -------
    ndarray, shape (d,)
        `base` if the solver finds nothing better.
    """
    flat = X - base - np.outer(heights, normal)
    size = np.abs(heights)

    def aperture(p):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return np.linalg.norm(flat - p, axis=1) / size

    best, value = np.zeros(len(base)), aperture(0.0)
    rows = np.argsort(-value)[:start]
    for _ in range(rounds):
        p, t = cp.Variable(len(base)), cp.Variable()
        offsets = flat[rows] - cp.reshape(p, (1, len(base)), order="C")[np.zeros(len(rows), int)]
        problem = cp.Problem(
            cp.Minimize(t),
            [
                cp.SOC(t * size[rows], offsets, axis=1),
                normal @ p == 0,
                *(w @ p + (w @ base + c) >= m for w, c, m in forward),
            ],
        )
        if not solved(problem, cp.CLARABEL):
            break
        found = aperture(p.value)
        if found.max() < value.max():
            best, value = p.value, found
        if found.max() <= t.value * (1 + 1e-2):
            break
        rows = np.union1d(rows, np.argsort(-found)[:start])
    moved = base + best - (normal @ best) * normal
    kept = all(w @ moved + c >= 0.99 * m for w, c, m in forward)
    return moved if kept else base
