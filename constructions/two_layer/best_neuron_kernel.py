"""Compiled branch and bound over simplicial cones, and ascent from a direction.

Rows (N, D) have entries of at most 1, `multipliers` is (N, Q). A cone is D rows whose entries have
no two signs in one column and whose absolute values sum to 1. The proof is in docs/two-layer.md.
"""

import math
from typing import NamedTuple

import numpy as np

from geomcore.kernels import INNER, cached_njit

DEEPEST = 64  # bisections in one descent
STEPS = 40  # of an ascent
SMALL = 1e-13  # relative gain below which it ends
ROUNDING = 2.0**-50  # 4 epsilon


class Problem(NamedTuple):
    """What is maximised: rows (N, D), multipliers (N, Q)."""

    rows: np.ndarray
    multipliers: np.ndarray


class Open(NamedTuple):
    """Cones (n, D, D) that are left open, and their bounds (n,)."""

    cones: np.ndarray
    bounds: np.ndarray


class Path(NamedTuple):
    """The cones that lead to the one at hand, level by level."""

    cones: np.ndarray
    slopes: np.ndarray
    bounds: np.ndarray
    edges: np.ndarray
    step: np.ndarray
    first: np.ndarray
    last: np.ndarray


class Scratch(NamedTuple):
    """Memory of one bound."""

    slope: np.ndarray
    middle: np.ndarray
    along: np.ndarray
    vector: np.ndarray
    value: np.ndarray
    gram: np.ndarray
    up: np.ndarray
    down: np.ndarray
    across: np.ndarray
    t: np.ndarray
    M: np.ndarray
    active: np.ndarray
    work: np.ndarray


@cached_njit(nogil=True, **INNER)
def _value(rows, multipliers, w, vector):
    """Fill `vector` (Q,) with multipliers' relu(rows w) and return its length."""
    vector[:] = 0.0
    for i in range(len(rows)):
        z = 0.0
        for j in range(len(w)):
            z += rows[i, j] * w[j]
        if z > 0:
            for q in range(len(vector)):
                vector[q] += multipliers[i, q] * z
    return _length(vector)


@cached_njit(nogil=True, **INNER)
def _length(v):
    """The Euclidean length of v, whatever its size."""
    largest = 0.0
    for x in v:
        largest = max(largest, abs(x))
    if largest == 0:
        return 0.0
    total = 0.0
    for x in v:
        total += (x / largest) ** 2
    return largest * math.sqrt(total)


@cached_njit(nogil=True)
def climb(rows, multipliers, w):
    """Move the unit vector w (D,) uphill from cell to cell; return its value."""
    D, Q = rows.shape[1], multipliers.shape[1]
    vector, other, slope, trial = np.empty(Q), np.empty(Q), np.empty(D), np.empty(D)
    value = _value(rows, multipliers, w, vector)
    for _ in range(STEPS):
        slope[:] = 0.0
        for i in range(len(rows)):
            z, weight = 0.0, 0.0
            for j in range(D):
                z += rows[i, j] * w[j]
            if z > 0:
                for q in range(Q):
                    weight += multipliers[i, q] * vector[q]
                for j in range(D):
                    slope[j] += weight * rows[i, j]
        size = _length(slope)
        if size == 0:
            return value
        part, best = 1.0, value
        for _ in range(8):
            for j in range(D):
                trial[j] = (1 - part) * w[j] + part * slope[j] / size
            length = _length(trial)
            if length > 0:
                for j in range(D):
                    trial[j] /= length
                best = _value(rows, multipliers, trial, other)
                if best > value:
                    break
            part *= 0.5
        if not best > value:
            return value
        gain = best - value
        w[:] = trial
        vector[:] = other
        value = best
        if gain <= SMALL * value:
            return value
    return value


@cached_njit(nogil=True, **INNER)
def _least(levels, cone, gram, t, active, work, M):
    """A bound of |M| where M . cone[k] >= levels[k] for all k, as short as it finds one.

    M is sought as a combination of the active rows with these levels attained; any M will do, as
    what it misses is added. Works in gram (D, D), t, active, work (D, D + 1), M (D,).
    """
    D = len(levels)
    top = 0.0
    for k in range(D):
        active[k] = 1
        top = max(top, levels[k])
    if top <= 0:
        return 0.0
    for _ in range(D):
        n = _solve(levels, gram, active, work, t)
        worst, out = 0.0, -1
        for k in range(D):
            if active[k] and t[k] < worst:
                worst, out = t[k], k
        if out < 0 or n <= 1:
            break
        active[out] = 0
    for j in range(D):
        M[j] = 0.0
        for k in range(D):
            M[j] += t[k] * cone[k, j]
    return _length_and_lack(levels, cone, M)


@cached_njit(nogil=True, **INNER)
def _length_and_lack(levels, cone, M):
    """|M| and the root of D times the most by which M . cone[k] is below levels[k]."""
    D, lack, large = len(M), 0.0, 0.0
    for j in range(D):
        large = max(large, abs(M[j]))
    for k in range(D):
        height = 0.0
        for j in range(D):
            height += M[j] * cone[k, j]
        lack = max(lack, levels[k] - height)
    lack += D * ROUNDING * large
    return (_length(M) + math.sqrt(D) * lack) * (1 + D * ROUNDING)


@cached_njit(nogil=True, **INNER)
def _solve(levels, gram, active, work, t):
    """Solve gram t = levels over the active indices by Gauss; return how many these are."""
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
        pivot = work[c, c]
        if pivot <= 0:
            pivot = 1e-300
        for r in range(c + 1, n):
            f = work[r, c] / pivot
            for m in range(c, n):
                work[r, m] -= f * work[c, m]
            work[r, D] -= f * work[c, D]
    for c in range(n - 1, -1, -1):
        total = work[c, D]
        for m in range(c + 1, n):
            total -= work[c, m] * work[m, D]
        work[c, D] = total / work[c, c] if work[c, c] > 0 else 0.0
    n = 0
    for k in range(D):
        t[k] = 0.0
        if active[k]:
            t[k] = work[n, D]
            n += 1
    return n


@cached_njit(nogil=True, **INNER)
def _bound(cone, slope, points, heights, problem, levels, scratch):
    """Bound the objective on a cone; leave its middle and the value there in `scratch`.

    slope (D, Q) is the sum of multipliers times rows of the points decided to be positive, points
    (n,) and heights (n, D) are the others and their values at the rows of the cone.
    """
    rows, multipliers = problem.rows, problem.multipliers
    D, Q = slope.shape
    at_middle, middle, along = scratch.slope, scratch.middle, scratch.along
    at_middle[:] = slope
    for p in range(len(points)):
        total = 0.0
        for k in range(D):
            total += heights[p, k]
        if total > 0:
            i = points[p]
            for j in range(D):
                for q in range(Q):
                    at_middle[j, q] += rows[i, j] * multipliers[i, q]
    for j in range(D):
        middle[j] = 0.0
        for k in range(D):
            middle[j] += cone[k, j]
    for q in range(Q):
        along[q] = 0.0
        for j in range(D):
            along[q] += at_middle[j, q] * middle[j]
    size = _length(along)
    scratch.value[0] = size / _length(middle)
    if size > 0:
        for q in range(Q):
            along[q] /= size
    else:
        along[0] = 1.0
    _levels(cone, points, heights, multipliers, levels, scratch)
    for k in range(D):
        for l in range(D):
            scratch.gram[k, l] = 0.0
            for j in range(D):
                scratch.gram[k, l] += cone[k, j] * cone[l, j]
    return _least(levels, cone, scratch.gram, scratch.t, scratch.active, scratch.work, scratch.M)


@cached_njit(nogil=True, **INNER)
def _levels(cone, points, heights, multipliers, levels, scratch):
    """Bounds (D,) of the objective at the rows of a cone, of which it is below a convex function.

    The component along a direction has two signs, each with the undecided points that push it; the
    length across is bounded by the sum of all lengths.
    """
    D, Q = scratch.slope.shape
    along, up, down, across = scratch.along, scratch.up, scratch.down, scratch.across
    for k in range(D):
        part, squares = 0.0, 0.0
        for q in range(Q):
            scratch.vector[q] = 0.0
            for j in range(D):
                scratch.vector[q] += scratch.slope[j, q] * cone[k, j]
            part += scratch.vector[q] * along[q]
        for q in range(Q):
            squares += (scratch.vector[q] - part * along[q]) ** 2
        up[k], down[k], across[k] = part, -part, math.sqrt(squares)
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
        levels[k] = math.hypot(max(up[k], down[k]), across[k])


@cached_njit(nogil=True, **INNER)
def _start(cone, problem, path, points, heights):
    """Enter a cone at the top of the path: decide every point from nothing."""
    rows, multipliers = problem.rows, problem.multipliers
    D, Q, n = rows.shape[1], multipliers.shape[1], 0
    path.cones[0] = cone
    path.slopes[0] = 0.0
    for i in range(len(rows)):
        low, high = math.inf, -math.inf
        for k in range(D):
            z = 0.0
            for j in range(D):
                z += rows[i, j] * cone[k, j]
            heights[n, k] = z
            low, high = min(low, z), max(high, z)
        if low >= 0:
            for j in range(D):
                for q in range(Q):
                    path.slopes[0, j, q] += rows[i, j] * multipliers[i, q]
        elif high > 0:
            points[n] = i
            n += 1
    path.first[0], path.last[0] = 0, n


@cached_njit(nogil=True, **INNER)
def _split(path, l, corner):
    """Choose the longest edge of the cone at level l; whether its middle is a row of floats."""
    cone, longest, a, b = path.cones[l], -1.0, 0, 0
    for k in range(len(cone)):
        for m in range(k + 1, len(cone)):
            square = 0.0
            for j in range(len(cone)):
                square += (cone[k, j] - cone[m, j]) ** 2
            if square > longest:
                longest, a, b = square, k, m
    path.edges[l, 0], path.edges[l, 1], path.step[l] = a, b, 0
    for j in range(len(cone)):
        # entries have one sign: a sum that is rounded does not give both terms back
        total = cone[a, j] + cone[b, j]
        if total - cone[a, j] != cone[b, j] or total - cone[b, j] != cone[a, j]:
            return False
        corner[j] = 0.5 * total
        if 2 * corner[j] != total:
            return False
    return a != b


@cached_njit(nogil=True, **INNER)
def _enter(problem, path, l, points, heights):
    """Enter the next half of the cone at level l, at level l + 1."""
    rows, multipliers = problem.rows, problem.multipliers
    D, Q = rows.shape[1], multipliers.shape[1]
    a, b = path.edges[l, path.step[l]], path.edges[l, 1 - path.step[l]]
    path.step[l] += 1
    path.cones[l + 1] = path.cones[l]
    for j in range(D):
        path.cones[l + 1, b, j] = 0.5 * (path.cones[l, a, j] + path.cones[l, b, j])
    path.slopes[l + 1] = path.slopes[l]
    n = path.last[l]
    for p in range(path.first[l], path.last[l]):
        low, high = math.inf, -math.inf
        for k in range(D):
            z = heights[p, k]
            if k == b:
                z = 0.5 * (z + heights[p, a])
            heights[n, k] = z
            low, high = min(low, z), max(high, z)
        if low >= 0:
            i = points[p]
            for j in range(D):
                for q in range(Q):
                    path.slopes[l + 1, j, q] += rows[i, j] * multipliers[i, q]
        elif high > 0:
            points[n] = points[p]
            n += 1
    path.first[l + 1], path.last[l + 1] = path.last[l], n


@cached_njit(nogil=True)
def descend(cones, bounds, problem, best, limits, room, out):
    """Bisect cones until each bound is near enough to the best value.

    cones (n, D, D) with bounds (n,); best (D + 1,) is a unit vector and its value; limits: the
    bound that is enough for now; the relative and the absolute excess that are enough at last; and
    how many cones may be looked at. What is left open goes to `out`; returns how many
    cones were taken, looked at, and left open, and the largest bound of those closed.
    """
    D, Q = cones.shape[1], problem.multipliers.shape[1]
    path = Path(
        np.empty((DEEPEST + 1, D, D)),
        np.empty((DEEPEST + 1, D, Q)),
        np.empty(DEEPEST + 1),
        np.empty((DEEPEST + 1, 2), np.int64),
        np.empty(DEEPEST + 1, np.int64),
        np.empty(DEEPEST + 1, np.int64),
        np.empty(DEEPEST + 1, np.int64),
    )
    scratch = Scratch(
        np.empty((D, Q)),
        np.empty(D),
        np.empty(Q),
        np.empty(Q),
        np.empty(1),
        np.empty((D, D)),
        np.empty(D),
        np.empty(D),
        np.empty(D),
        np.empty(D),
        np.empty(D),
        np.empty(D, np.int64),
        np.empty((D, D + 1)),
    )
    points, heights = np.empty(room, np.int64), np.empty((room, D))
    levels, corner = np.empty(D), np.empty(D)
    taken, seen, left, closed = 0, 0, 0, 0.0
    while taken < len(cones) and seen < limits[3] and left < len(out.bounds) - 2 * DEEPEST:
        _start(cones[taken], problem, path, points, heights)
        path.bounds[0] = bounds[taken]
        taken += 1
        path.step[0] = 2
        l, entered = 0, True
        while l >= 0:
            if entered:
                entered = False
                f, e = path.first[l], path.last[l]
                bound = _bound(
                    path.cones[l],
                    path.slopes[l],
                    points[f:e],
                    heights[f:e],
                    problem,
                    levels,
                    scratch,
                )
                path.bounds[l] = min(path.bounds[l], bound)
                seen += 1
                if scratch.value[0] > best[D] * (1 + SMALL):
                    _improve(problem, scratch.middle, best)
                finally_enough = best[D] * (1 + limits[1]) + limits[2]
                if path.bounds[l] <= finally_enough:
                    closed = max(closed, path.bounds[l])
                    l -= 1
                    continue
                is_whole = path.bounds[l] <= limits[0] and left < len(out.bounds) - 2 * DEEPEST
                if not _split(path, l, corner):
                    closed = max(closed, path.bounds[l])
                    l -= 1
                    continue
                if is_whole or l == DEEPEST or e + (e - f) > room:
                    out.cones[left], out.bounds[left] = path.cones[l], path.bounds[l]
                    left += 1
                    l -= 1
                    continue
            if path.step[l] == 2:
                l -= 1
                continue
            _enter(problem, path, l, points, heights)
            path.bounds[l + 1] = path.bounds[l]
            l += 1
            if seen < limits[3]:
                entered = True
            else:
                out.cones[left], out.bounds[left] = path.cones[l], path.bounds[l]
                left += 1
                l -= 1
    return taken, seen, left, closed


@cached_njit(nogil=True, **INNER)
def _improve(problem, middle, best):
    """Climb from a direction, and keep what is better."""
    D = len(middle)
    w = middle / _length(middle)
    value = climb(problem.rows, problem.multipliers, w)
    if value > best[D]:
        best[:D] = w
        best[D] = value
