"""A compiled bound of the objective of `best_neuron` on a simplicial cone.

Rows (N, D) have entries of at most 1, `multipliers` is (N, Q). A cone is D rows whose entries have
no two signs in one column and whose absolute values sum to 1. The proof is in docs/two-layer.md.
"""

import math
from typing import NamedTuple

import numpy as np

from geomcore.kernels import INNER, OUTER, cached_njit

ROUNDING = 2.0**-50  # 4 epsilon


class Problem(NamedTuple):
    """What is maximised: rows (N, D), multipliers (N, Q)."""

    rows: np.ndarray
    multipliers: np.ndarray


# Rows of the memory of a bound, of which the first two are its results: the middle of the cone,
# and the value there.
MIDDLE, VALUE, ALONG, VECTOR, LEVELS, UP, DOWN, ACROSS, T, LONG, ACTIVE, SLOPE = range(12)


@cached_njit(nogil=True, **OUTER)
def scratch_for(D, Q):
    """Memory for cones of D rows and multipliers of Q columns.

    One array, as each array more would have to be compiled in every kernel that is handed it. Its
    rows are those above, then the slope at the middle (D, Q), two more arrays (D, D), (D, D + 1).
    """
    return np.empty((SLOPE + 3 * D, max(D + 1, Q)))


@cached_njit(nogil=True, **OUTER)
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


@cached_njit(nogil=True, **OUTER)
def bound_of_cone(cone, slope, points, heights, problem, scratch):
    """Bound the objective on a cone; leave its middle and the value there in `scratch`.

    slope (D, Q) is the sum of multipliers times rows of the points decided to be positive, points
    (n,) and heights (n, D) are the others and their values at the rows of the cone.
    """
    D, Q = slope.shape
    _slope_at_middle(slope, points, heights, problem, scratch)
    for j in range(D):
        scratch[MIDDLE, j] = 0.0
        for k in range(D):
            scratch[MIDDLE, j] += cone[k, j]
    for q in range(Q):
        scratch[ALONG, q] = 0.0
        for j in range(D):
            scratch[ALONG, q] += scratch[SLOPE + j, q] * scratch[MIDDLE, j]
    size = length(scratch[ALONG, :Q])
    scratch[VALUE, 0] = size / length(scratch[MIDDLE, :D])
    for q in range(Q):
        scratch[ALONG, q] = scratch[ALONG, q] / size if size > 0 else 1.0 - min(q, 1)
    _fill_levels(cone, Q, scratch)
    _add_undecided(points, heights, problem.multipliers, scratch)
    return _least_length(cone, scratch)


@cached_njit(nogil=True, **INNER)
def _slope_at_middle(slope, points, heights, problem, scratch):
    """Fill the slope (D, Q) at the middle, where every point is on or off."""
    D, Q = slope.shape
    for j in range(D):
        for q in range(Q):
            scratch[SLOPE + j, q] = slope[j, q]
    for p in range(len(points)):
        total, i = 0.0, points[p]
        for k in range(D):
            total += heights[p, k]
        if total > 0:
            for j in range(D):
                for q in range(Q):
                    scratch[SLOPE + j, q] += problem.rows[i, j] * problem.multipliers[i, q]


@cached_njit(nogil=True, **INNER)
def _fill_levels(cone, Q, scratch):
    """Split the sum at each row of the cone, points as they are at the middle, along and across."""
    D = len(cone)
    for k in range(D):
        part, squares = 0.0, 0.0
        for q in range(Q):
            scratch[VECTOR, q] = 0.0
            for j in range(D):
                scratch[VECTOR, q] += scratch[SLOPE + j, q] * cone[k, j]
            part += scratch[VECTOR, q] * scratch[ALONG, q]
        for q in range(Q):
            squares += (scratch[VECTOR, q] - part * scratch[ALONG, q]) ** 2
        scratch[UP, k], scratch[DOWN, k], scratch[ACROSS, k] = part, -part, math.sqrt(squares)


@cached_njit(nogil=True, **INNER)
def _add_undecided(points, heights, multipliers, scratch):
    """Add what undecided points may add beyond that, and fill the levels (D,).

    Along, each counts for the sign that it pushes to; across, all lengths add up.
    """
    D, Q = heights.shape[1], multipliers.shape[1]
    for p in range(len(points)):
        i, total, part, squares = points[p], 0.0, 0.0, 0.0
        for k in range(D):
            total += heights[p, k]
        for q in range(Q):
            part += multipliers[i, q] * scratch[ALONG, q]
        if Q > 1:
            for q in range(Q):
                squares += (multipliers[i, q] - part * scratch[ALONG, q]) ** 2
            squares = math.sqrt(squares)
        sign = -1.0 if total > 0 else 1.0
        for k in range(D):
            rest = max(sign * heights[p, k], 0.0)
            if part > 0:
                scratch[UP, k] += part * rest
            else:
                scratch[DOWN, k] -= part * rest
            scratch[ACROSS, k] += squares * rest
    for k in range(D):
        level = math.hypot(max(scratch[UP, k], scratch[DOWN, k]), scratch[ACROSS, k])
        scratch[LEVELS, k] = level


@cached_njit(nogil=True, **INNER)
def _least_length(cone, scratch):
    """A bound of |M| where M . cone[k] >= levels[k] for all k, as short as it finds one.

    M is sought as a combination of the active rows at which the levels are attained; any M will
    do, as what it misses is added.
    """
    D, top = len(cone), 0.0
    gram = SLOPE + D
    for k in range(D):
        if not scratch[LEVELS, k] < math.inf:
            return math.inf
        scratch[ACTIVE, k] = 1.0
        top = max(top, scratch[LEVELS, k])
        for l in range(D):
            scratch[gram + k, l] = 0.0
            for j in range(D):
                scratch[gram + k, l] += cone[k, j] * cone[l, j]
    if top <= 0:
        return 0.0
    for _ in range(D):
        _solve(D, scratch)
        worst, out = 0.0, -1
        for k in range(D):
            if scratch[ACTIVE, k] > 0 and scratch[T, k] < worst:
                worst, out = scratch[T, k], k
        if out < 0:  # so it is with one row left, as levels are not negative
            break
        scratch[ACTIVE, out] = 0.0
    for j in range(D):
        scratch[LONG, j] = 0.0
        for k in range(D):
            scratch[LONG, j] += scratch[T, k] * cone[k, j]
    return _with_what_it_misses(scratch, cone)


@cached_njit(nogil=True, **INNER)
def _solve(D, scratch):
    """Solve gram t = levels over the active indices by Gauss."""
    gram, work, n = SLOPE + D, SLOPE + 2 * D, 0
    for k in range(D):
        if scratch[ACTIVE, k] > 0:
            m = 0
            for l in range(D):
                if scratch[ACTIVE, l] > 0:
                    scratch[work + n, m] = scratch[gram + k, l]
                    m += 1
            scratch[work + n, D] = scratch[LEVELS, k]
            n += 1
    for c in range(work, work + n):
        pivot = scratch[c, c - work] if scratch[c, c - work] > 0 else 1e-300
        for r in range(c + 1, work + n):
            f = scratch[r, c - work] / pivot
            for m in range(c - work, n):
                scratch[r, m] -= f * scratch[c, m]
            scratch[r, D] -= f * scratch[c, D]
    for c in range(n - 1, -1, -1):
        row = work + c
        for m in range(c + 1, n):
            scratch[row, D] -= scratch[row, m] * scratch[work + m, D]
        scratch[row, D] = scratch[row, D] / scratch[row, c] if scratch[row, c] > 0 else 0.0
    n = 0
    for k in range(D):
        scratch[T, k] = 0.0
        if scratch[ACTIVE, k] > 0:
            scratch[T, k] = scratch[work + n, D]
            n += 1


@cached_njit(nogil=True, **INNER)
def _with_what_it_misses(scratch, cone):
    """|M| and the root of D times the most that M . cone[k] is below levels[k]; inf if M is nan."""
    D, lack, large = len(cone), 0.0, 0.0
    for j in range(D):
        if not abs(scratch[LONG, j]) < math.inf:
            return math.inf
        large = max(large, abs(scratch[LONG, j]))
    for k in range(D):
        height = 0.0
        for j in range(D):
            height += scratch[LONG, j] * cone[k, j]
        lack = max(lack, scratch[LEVELS, k] - height)
    lack += D * ROUNDING * large
    return (length(scratch[LONG, :D]) + math.sqrt(D) * lack) * (1 + D * ROUNDING)
