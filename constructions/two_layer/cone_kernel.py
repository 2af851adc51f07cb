"""A compiled bound of the objective of `best_neuron` on a simplicial cone.

Rows (N, D) have entries of at most 1, `multipliers` is (N, Q). A cone is D rows whose entries have
no two signs in one column and whose absolute values sum to 1. The proof is in docs/two-layer.md.
"""

import math
from typing import NamedTuple

import numpy as np

from geomcore.kernels import INNER, cached_njit

ROUNDING = 2.0**-50  # 4 epsilon


class Problem(NamedTuple):
    """What is maximised: rows (N, D), multipliers (N, Q)."""

    rows: np.ndarray
    multipliers: np.ndarray


class Scratch(NamedTuple):
    """Memory of a bound: what is left in it is the middle of the cone and the value there."""

    middle: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    along: np.ndarray
    vector: np.ndarray
    levels: np.ndarray
    up: np.ndarray
    down: np.ndarray
    across: np.ndarray
    gram: np.ndarray
    t: np.ndarray
    M: np.ndarray
    active: np.ndarray
    work: np.ndarray


@cached_njit(nogil=True)
def scratch_for(D, Q):
    """Memory for cones of D rows and multipliers of Q columns."""
    return Scratch(
        np.empty(D),
        np.empty(1),
        np.empty((D, Q)),
        np.empty(Q),
        np.empty(Q),
        np.empty(D),
        np.empty(D),
        np.empty(D),
        np.empty(D),
        np.empty((D, D)),
        np.empty(D),
        np.empty(D),
        np.empty(D, np.int64),
        np.empty((D, D + 1)),
    )


@cached_njit(nogil=True)
def length(v):
    """The Euclidean length of v, whatever its size."""
    largest, total = 0.0, 0.0
    for x in v:
        largest = max(largest, abs(x))
    if largest == 0:
        return 0.0
    for x in v:
        total += (x / largest) ** 2
    return largest * math.sqrt(total)


@cached_njit(nogil=True)
def bound_of_cone(cone, slope, points, heights, problem, scratch):
    """Bound the objective on a cone; leave its middle and the value there in `scratch`.

    slope (D, Q) is the sum of multipliers times rows of the points decided to be positive, points
    (n,) and heights (n, D) are the others and their values at the rows of the cone.
    """
    D, Q = slope.shape
    middle, along = scratch.middle, scratch.along
    _slope_at_middle(slope, points, heights, problem, scratch)
    for j in range(D):
        middle[j] = 0.0
        for k in range(D):
            middle[j] += cone[k, j]
    for q in range(Q):
        along[q] = 0.0
        for j in range(D):
            along[q] += scratch.slope[j, q] * middle[j]
    size = length(along)
    scratch.value[0] = size / length(middle)
    for q in range(Q):
        along[q] = along[q] / size if size > 0 else 1.0 - min(q, 1)
    _fill_levels(cone, scratch)
    _add_undecided(points, heights, problem.multipliers, scratch)
    return _least_length(cone, scratch)


@cached_njit(nogil=True, **INNER)
def _slope_at_middle(slope, points, heights, problem, scratch):
    """Fill the slope (D, Q) at the middle, where every point is on or off."""
    D, Q = slope.shape
    scratch.slope[:] = slope
    for p in range(len(points)):
        total, i = 0.0, points[p]
        for k in range(D):
            total += heights[p, k]
        if total > 0:
            for j in range(D):
                for q in range(Q):
                    scratch.slope[j, q] += problem.rows[i, j] * problem.multipliers[i, q]


@cached_njit(nogil=True, **INNER)
def _fill_levels(cone, scratch):
    """Split the sum at each row of the cone, points as they are at the middle, along and across."""
    D, Q = scratch.slope.shape
    vector, along = scratch.vector, scratch.along
    for k in range(D):
        part, squares = 0.0, 0.0
        for q in range(Q):
            vector[q] = 0.0
            for j in range(D):
                vector[q] += scratch.slope[j, q] * cone[k, j]
            part += vector[q] * along[q]
        for q in range(Q):
            squares += (vector[q] - part * along[q]) ** 2
        scratch.up[k], scratch.down[k], scratch.across[k] = part, -part, math.sqrt(squares)


@cached_njit(nogil=True, **INNER)
def _add_undecided(points, heights, multipliers, scratch):
    """Add what undecided points may add beyond that, and fill the levels (D,).

    Along, each counts for the sign that it pushes to; across, all lengths add up.
    """
    D, Q = scratch.slope.shape
    up, down, across, along = scratch.up, scratch.down, scratch.across, scratch.along
    for p in range(len(points)):
        i, total, part, squares = points[p], 0.0, 0.0, 0.0
        for k in range(D):
            total += heights[p, k]
        for q in range(Q):
            part += multipliers[i, q] * along[q]
        if Q > 1:
            for q in range(Q):
                squares += (multipliers[i, q] - part * along[q]) ** 2
            squares = math.sqrt(squares)
        sign = -1.0 if total > 0 else 1.0
        for k in range(D):
            rest = max(sign * heights[p, k], 0.0)
            if part > 0:
                up[k] += part * rest
            else:
                down[k] -= part * rest
            across[k] += squares * rest
    for k in range(D):
        scratch.levels[k] = math.hypot(max(up[k], down[k]), across[k])


@cached_njit(nogil=True, **INNER)
def _least_length(cone, scratch):
    """A bound of |M| where M . cone[k] >= levels[k] for all k, as short as it finds one.

    M is sought as a combination of the active rows at which the levels are attained; any M will
    do, as what it misses is added.
    """
    levels, active, t, M = scratch.levels, scratch.active, scratch.t, scratch.M
    D, top = len(cone), 0.0
    for k in range(D):
        active[k] = 1
        top = max(top, levels[k])
        for l in range(D):
            scratch.gram[k, l] = 0.0
            for j in range(D):
                scratch.gram[k, l] += cone[k, j] * cone[l, j]
    if top <= 0:
        return 0.0
    for _ in range(D):
        _solve(levels, scratch.gram, active, scratch.work, t)
        worst, out = 0.0, -1
        for k in range(D):
            if active[k] and t[k] < worst:
                worst, out = t[k], k
        if out < 0:  # so it is with one row left, as levels are not negative
            break
        active[out] = 0
    for j in range(D):
        M[j] = 0.0
        for k in range(D):
            M[j] += t[k] * cone[k, j]
    return _with_what_it_misses(levels, cone, M)


@cached_njit(nogil=True, **INNER)
def _solve(levels, gram, active, work, t):
    """Solve gram t = levels over the active indices by Gauss; fill t (D,), 0 for the others."""
    D, n = len(levels), 0
    for k in range(D):
        if active[k]:
            m = 0
            for l in range(D):
                if active[l]:
                    work[n, m] = gram[k, l]
                    m += 1
            work[n, D] = levels[k]
            n += 1
    for c in range(n):
        pivot = work[c, c] if work[c, c] > 0 else 1e-300
        for r in range(c + 1, n):
            f = work[r, c] / pivot
            for m in range(c, n):
                work[r, m] -= f * work[c, m]
            work[r, D] -= f * work[c, D]
    for c in range(n - 1, -1, -1):
        for m in range(c + 1, n):
            work[c, D] -= work[c, m] * work[m, D]
        work[c, D] = work[c, D] / work[c, c] if work[c, c] > 0 else 0.0
    n = 0
    for k in range(D):
        t[k] = 0.0
        if active[k]:
            t[k] = work[n, D]
            n += 1


@cached_njit(nogil=True, **INNER)
def _with_what_it_misses(levels, cone, M):
    """|M| and the root of D times the most that M . cone[k] is below levels[k]; inf if M is nan."""
    D, lack, large = len(M), 0.0, 0.0
    for j in range(D):
        if not abs(M[j]) < math.inf:
            return math.inf
        large = max(large, abs(M[j]))
    for k in range(D):
        height = 0.0
        for j in range(D):
            height += M[j] * cone[k, j]
        lack = max(lack, levels[k] - height)
    lack += D * ROUNDING * large
    return (length(M) + math.sqrt(D) * lack) * (1 + D * ROUNDING)
