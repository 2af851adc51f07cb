"""Compiled branch and bound over simplicial cones, and ascent from a direction.

Rows, multipliers and cones are those of `constructions.two_layer.cone_kernel`.
"""

import math
from typing import NamedTuple

import numpy as np

from constructions.two_layer import cone_kernel
from constructions.two_layer.cone_kernel import (
    MIDDLE,
    SLOPE,
    VALUE,
    bound_of_cone,
    length,
    scratch_for,
)
from geomcore.kernels import INNER, OUTER, cached_njit

DEEPEST = 64  # bisections in one descent
STEPS, HALVINGS = 40, 8  # of an ascent, and of one of its steps
SMALL = 1e-13  # relative gain below which it ends
SHORTEST = 1 / 16  # square of an edge that may be bisected, to that of the longest one


# Columns of the marks behind the two ends of the edge: halves entered, first undecided point, end.
STEP, FIRST, LAST = 2, 3, 4


class Open(NamedTuple):
    """Cones (n, D, D) that are left open, and their bounds (n,)."""

    cones: np.ndarray
    bounds: np.ndarray


class Path(NamedTuple):
    """The cones that lead to the one at hand, level by level, and their undecided points."""

    cones: np.ndarray
    slopes: np.ndarray
    bounds: np.ndarray
    marks: np.ndarray  # (levels, 5): the edge that is bisected, and see below
    points: np.ndarray
    heights: np.ndarray


@cached_njit(nogil=True, uses=[cone_kernel], **INNER)
def _value(problem, w, vector):
    """Fill `vector` (Q,) with multipliers' relu(rows w) and return its length."""
    for q in range(len(vector)):
        vector[q] = 0.0
    for i in range(len(problem.rows)):
        z = 0.0
        for j in range(len(w)):
            z += problem.rows[i, j] * w[j]
        if z > 0:
            for q in range(len(vector)):
                vector[q] += problem.multipliers[i, q] * z
    return length(vector)


@cached_njit(nogil=True, uses=[cone_kernel], **INNER)
def _steepest(problem, w, vector, slope):
    """Fill `slope` (D,) with the gradient of half the square at w, and return its length."""
    for j in range(len(w)):
        slope[j] = 0.0
    for i in range(len(problem.rows)):
        z, weight = 0.0, 0.0
        for j in range(len(w)):
            z += problem.rows[i, j] * w[j]
        if z > 0:
            for q in range(len(vector)):
                weight += problem.multipliers[i, q] * vector[q]
            for j in range(len(w)):
                slope[j] += weight * problem.rows[i, j]
    return length(slope)


@cached_njit(nogil=True, uses=[cone_kernel], **OUTER)
def climb(problem, w):
    """Move the unit vector w (D,) uphill from cell to cell; return its value."""
    D, Q = len(w), problem.multipliers.shape[1]
    vector, other, slope, trial = np.empty(Q), np.empty(Q), np.empty(D), np.empty(D)
    value = _value(problem, w, vector)
    for _ in range(STEPS):
        size = _steepest(problem, w, vector, slope)
        part, higher = 1.0, value
        for _ in range(HALVINGS):
            for j in range(D):
                trial[j] = (1 - part) * w[j] + (part * slope[j] / size if size > 0 else 0.0)
            way = length(trial)
            if way > 0:
                for j in range(D):
                    trial[j] /= way
                higher = _value(problem, trial, other)
            if higher > value:
                break
            part *= 0.5
        if not higher > value:
            break
        gain, value = higher - value, higher
        for j in range(D):
            w[j] = trial[j]
        for q in range(Q):
            vector[q] = other[q]
        if gain <= SMALL * value:
            break
    return value


@cached_njit(nogil=True, **INNER)
def _start(cone, bound, problem, path):
    """Enter a cone at the top of the path: decide every point from nothing."""
    rows, multipliers = problem.rows, problem.multipliers
    D, Q, n = rows.shape[1], multipliers.shape[1], 0
    path.bounds[0] = bound
    for k in range(D):
        for j in range(D):
            path.cones[0, k, j] = cone[k, j]
        for q in range(Q):
            path.slopes[0, k, q] = 0.0
    for i in range(len(rows)):
        low, high = math.inf, -math.inf
        for k in range(D):
            z = 0.0
            for j in range(D):
                z += rows[i, j] * cone[k, j]
            path.heights[n, k] = z
            low, high = min(low, z), max(high, z)
        if low >= 0:
            for j in range(D):
                for q in range(Q):
                    path.slopes[0, j, q] += rows[i, j] * multipliers[i, q]
        elif high > 0:
            path.points[n] = i
            n += 1
    path.marks[0, FIRST], path.marks[0, LAST] = 0, n


@cached_njit(nogil=True, **INNER)
def _choose_edge(path, l, multipliers, cost):
    """Choose the edge of the cone at level l whose middle tells most; whether there is one.

    A point that changes sign along an edge costs the lesser of its heights at the two ends, times
    its multiplier. Edges much shorter than the longest one come last, so that cones keep a shape;
    those with a middle that is no row of floats are left.
    """
    cone, longest, most = path.cones[l], 0.0, -1.0
    D = len(cone)
    for k in range(D):
        for m in range(k):
            cost[k, m], cost[m, k] = 0.0, 0.0
            for j in range(D):
                cost[k, m] += (cone[k, j] - cone[m, j]) ** 2
            longest = max(longest, cost[k, m])
    for p in range(path.marks[l, FIRST], path.marks[l, LAST]):
        weight = 0.0
        for q in range(multipliers.shape[1]):
            weight += abs(multipliers[path.points[p], q])
        for k in range(D):
            for m in range(k):
                z, z_other = path.heights[p, k], path.heights[p, m]
                if z * z_other < 0:
                    cost[m, k] += weight * min(abs(z), abs(z_other))
    path.marks[l, STEP], path.marks[l, 0], path.marks[l, 1] = 0, 0, 0
    for k in range(D):
        for m in range(k):
            # without any such point the longest edge
            saved = cost[m, k] + SMALL * cost[k, m]
            if cost[k, m] < SHORTEST * longest:
                saved *= SMALL
            if saved > most and _is_exact(cone, m, k):
                most = saved
                path.marks[l, 0], path.marks[l, 1] = m, k
    return most >= 0


@cached_njit(nogil=True, **INNER)
def _is_exact(cone, m, k):
    """Whether the middle of two rows of a cone is a row of floats."""
    for j in range(len(cone)):
        # both have one sign: a sum that is rounded does not give both terms back
        x, y = cone[m, j], cone[k, j]
        if (x + y) - x != y or (x + y) - y != x or 2 * (0.5 * (x + y)) != x + y:
            return False
    return True


@cached_njit(nogil=True, **INNER)
def _enter(problem, path, l):
    """Enter the next half of the cone at level l, at level l + 1."""
    rows, multipliers = problem.rows, problem.multipliers
    D, Q = rows.shape[1], multipliers.shape[1]
    a, b = path.marks[l, path.marks[l, STEP]], path.marks[l, 1 - path.marks[l, STEP]]
    path.marks[l, STEP] += 1
    path.bounds[l + 1] = path.bounds[l]
    for k in range(D):
        for j in range(D):
            path.cones[l + 1, k, j] = path.cones[l, k, j]
        for q in range(Q):
            path.slopes[l + 1, k, q] = path.slopes[l, k, q]
    for j in range(D):
        path.cones[l + 1, b, j] = 0.5 * (path.cones[l, a, j] + path.cones[l, b, j])
    n = path.marks[l, LAST]
    for p in range(path.marks[l, FIRST], path.marks[l, LAST]):
        low, high = math.inf, -math.inf
        for k in range(D):
            z = path.heights[p, k]
            if k == b:
                z = 0.5 * (z + path.heights[p, a])
            path.heights[n, k] = z
            low, high = min(low, z), max(high, z)
        i = path.points[p]
        if low >= 0:
            for j in range(D):
                for q in range(Q):
                    path.slopes[l + 1, j, q] += rows[i, j] * multipliers[i, q]
        elif high > 0:
            path.points[n] = i
            n += 1
    path.marks[l + 1, FIRST], path.marks[l + 1, LAST] = path.marks[l, LAST], n


@cached_njit(nogil=True, uses=[cone_kernel], **INNER)
def _assess(problem, path, l, best, scratch):
    """Bound the cone at level l, and climb from its middle if that is the best direction yet."""
    D, f, e = path.cones.shape[1], path.marks[l, FIRST], path.marks[l, LAST]
    points, heights = path.points[f:e], path.heights[f:e]
    bound = bound_of_cone(path.cones[l], path.slopes[l], points, heights, problem, scratch)
    path.bounds[l] = min(path.bounds[l], bound)
    if scratch[VALUE, 0] > best[D] * (1 + SMALL):
        w, size = np.empty(D), length(scratch[MIDDLE, :D])
        for j in range(D):
            w[j] = scratch[MIDDLE, j] / size
        value = climb(problem, w)
        if value > best[D]:
            for j in range(D):
                best[j] = w[j]
            best[D] = value


@cached_njit(nogil=True, uses=[cone_kernel], **OUTER)
def descend(cones, bounds, problem, best, limits, room, out):
    """Bisect cones until each bound is near enough to the best value.

    cones (n, D, D) with bounds (n,); best (D + 1,) is a unit vector and its value; limits: the
    bound that is enough for now; the relative and the absolute excess that are enough at last; how
    many cones may be looked at, and after how many points that these had to look at it ends. What
    is left open goes to `out`; returns how many cones were taken, looked at, and left open, and the
    largest bound of those closed.
    """
    D, Q, levels = cones.shape[1], problem.multipliers.shape[1], DEEPEST + 1
    path = Path(
        np.empty((levels, D, D)),
        np.empty((levels, D, Q)),
        np.empty(levels),
        np.zeros((levels, 5), np.int64),
        np.empty(room, np.int64),
        np.empty((room, D)),
    )
    scratch = scratch_for(D, Q)
    taken, seen, work, left, closed = 0, 0, 0, 0, 0.0
    most = len(out.bounds) - 2 * DEEPEST
    while taken < len(cones) and seen < limits[3] and work < limits[4] and left < most:
        _start(cones[taken], bounds[taken], problem, path)
        taken += 1
        # Of a literal 0 each function would have a version of its own.
        l, is_new = np.int64(0), True
        while l >= 0:
            is_left = is_new
            if is_new and seen < limits[3] and work < limits[4]:
                _assess(problem, path, l, best, scratch)
                seen += 1
                work += path.marks[l, LAST] - path.marks[l, FIRST] if l else len(problem.rows)
                is_closed = path.bounds[l] <= best[D] * (1 + limits[1]) + limits[2]
                if not is_closed:
                    is_closed = not _choose_edge(path, l, problem.multipliers, scratch[SLOPE:])
                if is_closed:
                    closed = max(closed, path.bounds[l])
                    l, is_new = l - 1, False
                    continue
                is_left = path.bounds[l] <= limits[0] and left < most
                is_left = is_left or l == DEEPEST
                is_left = is_left or 2 * path.marks[l, LAST] - path.marks[l, FIRST] > room
            if is_left:
                out.bounds[left] = path.bounds[l]
                for k in range(D):
                    for j in range(D):
                        out.cones[left, k, j] = path.cones[l, k, j]
                left += 1
                l, is_new = l - 1, False
            elif path.marks[l, STEP] == 2:
                l, is_new = l - 1, False
            else:
                _enter(problem, path, l)
                l, is_new = l + 1, True
    return taken, seen, left, closed
