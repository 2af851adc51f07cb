"""The plain versions that the constructions are measured against: all constraints, no tricks."""

import warnings
from typing import NamedTuple

import cvxpy as cp
import numpy as np

from constructions.building.collapse import Collapse, rotation_to_diagonal


def margin(A, B):
    """Half the distance of the hulls by one quadratic program with all points (CLARABEL).

    0 if there is no separating hyperplane, nan if the solver does not decide.
    """
    w, c = cp.Variable(A.shape[1]), cp.Variable()
    problem = cp.Problem(cp.Minimize(cp.sum_squares(w)), [A @ w + c >= 1, B @ w + c <= -1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an inaccurate solution shows in the status
        try:
            problem.solve(solver=cp.CLARABEL)
        except cp.SolverError:
            return np.nan
    if problem.status == cp.INFEASIBLE:
        return 0.0
    return 1 / np.linalg.norm(w.value) if problem.status == cp.OPTIMAL else np.nan


class PlainOrder(NamedTuple):
    """Classes in the order of elimination, and how many programs were solved."""

    order: list
    margins: list
    programs: int


def order(X, y):
    """Greedy elimination that solves every program anew: Q (Q + 1) / 2 - 1 for Q classes."""
    remaining, found, margins, programs = np.unique(y).tolist(), [], [], 0
    while len(remaining) > 1:
        alive = np.isin(y, remaining)
        now = [margin(X[y == q], X[alive & (y != q)]) for q in remaining]
        programs += len(remaining)
        largest = np.nanmax(now)
        if not largest > 0:
            break
        # the first of those that are equal but for rounding, as the last two always are
        best = int(np.argmax(np.array(now) >= (1 - 1e-3) * largest))
        found.append(remaining.pop(best))
        margins.append(now[best])
    return PlainOrder(found + remaining * (len(remaining) == 1), margins, programs)


def circular_layer(G, F, normal, base, rng):
    r"""The collapse layer of CE24 Lemma 3.4 with the smallest aperture that holds the data.

    .. math:: \tan(\theta/2) = \max_{x \in G \cup F}
              \frac{|(I - hh^T)(x - p)|}{|h \cdot (x - p)|}, \quad
              \lambda = \frac{\tan(\theta_n/2)}{\tan(\theta/2)}
              = \frac{1}{\tan(\theta/2)\sqrt{n-1}}, \quad \lambda \le 1

    Takes what `constructions.building.collapse.collapse_layer` takes and returns the same.
    """
    n = len(normal)
    if n == 1:
        W = normal[:, None].copy()
        return Collapse(W, -W @ base, base, 1.0)
    tangent = 0.0
    for S in (G, F):
        shifted = S - base
        height = shifted @ normal
        sideways = np.linalg.norm(shifted - np.outer(height, normal), axis=1)
        tangent = max(tangent, float((sideways / np.maximum(np.abs(height), 1e-300)).max()))
    flatness = min(1.0, 1 / max(tangent * np.sqrt(n - 1), 1e-300))
    R = rotation_to_diagonal(normal, rng)
    W = flatness * R + (1 - flatness) * np.outer(R @ normal, normal)
    return Collapse(W, -W @ base, base, flatness)
