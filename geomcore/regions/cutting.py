"""Convex polygons, cut by the zero lines of affine functions: the compiled part."""

import numpy as np

from geomcore.kernels import INNER, OUTER, cached_njit

FAINT = 0.05  # of a tolerance: a mean below is zero
VAGUE = np.uint8(2)  # marks a sign that is within the rounding of its unit


@cached_njit(nogil=True, **OUTER)
def cut_all(corners, starts, functions, tolerances):
    """Cut each polygon by the zero lines of its own functions.

    Parameters
    ----------
    corners : ndarray, shape (V, 2)
        Of all polygons, one after another, each in counterclockwise order.
    starts : ndarray of int64, shape (K + 1,)
        The first corner of each polygon, and V.
    functions : ndarray, shape (K, 3, w)
        Coefficients of x, y and 1.
    tolerances : ndarray, shape (K, w)
        A value at a corner that is not larger counts as zero: no corner is cut off that is
        nearer to a line than its rounding.

    Returns
    -------
    corners, starts : of the R pieces, those of one polygon one after another
    parents : ndarray of int64, shape (R,)
    signs : ndarray of uint8, shape (R, w)
        1 where the function is positive inside.
    vague : ndarray of uint8, shape (R,)
        1 where a function is within its tolerance at all corners, which is above 0.
    """
    K, w = tolerances.shape
    room, places = 4 * len(corners) + 64, 2 * K + 16
    points = np.empty((room, 2))
    begin, count = np.empty(places, np.int64), np.empty(places, np.int64)
    parents, signs = np.empty(places, np.int64), np.empty((places, w), np.uint8)
    longest = 4
    for k in range(K):
        longest = max(longest, starts[k + 1] - starts[k])
    values = np.empty(longest + w + 4)
    used = pieces = doubts = 0
    for k in range(K):
        first, n = pieces, starts[k + 1] - starts[k]
        while used + n > room:
            points, room = _longer(points), 2 * room
        points[used : used + n] = corners[starts[k] : starts[k + 1]]
        if pieces == places:
            begin, count, parents = _twice(begin), _twice(count), _twice(parents)
            signs, places = _more_rows(signs), 2 * places
        begin[pieces], count[pieces], parents[pieces] = used, n, k
        used += n
        pieces += 1
        for j in range(w):
            a, b, c = functions[k, 0, j], functions[k, 1, j], functions[k, 2, j]
            tolerance = tolerances[k, j]
            for i in range(first, pieces):
                n, low, high, total = count[i], 0.0, 0.0, 0.0
                for v in range(n):
                    z = a * points[begin[i] + v, 0] + b * points[begin[i] + v, 1] + c
                    values[v] = z if abs(z) > tolerance else 0.0
                    total += z
                    low, high = min(low, values[v]), max(high, values[v])
                signs[i, j] = high > 0
                if low == 0 == high:  # nowhere far from zero: on where it is more than noise
                    signs[i, j] = total > FAINT * tolerance * n
                    if tolerance > 0:
                        signs[i, j] |= VAGUE
                        doubts += 1
                if not low < 0 < high:
                    continue
                while used + 2 * n + 8 > room:
                    points, room = _longer(points), 2 * room
                if pieces == places:
                    begin, count, parents = _twice(begin), _twice(count), _twice(parents)
                    signs, places = _more_rows(signs), 2 * places
                above = _side(points, begin[i], n, values, 1.0, used)
                below = _side(points, begin[i], n, values, -1.0, used + above)
                begin[i], count[i] = used, above
                begin[pieces], count[pieces], parents[pieces] = used + above, below, k
                signs[pieces, :j] = signs[i, :j]
                signs[pieces, j] = 0
                used += above + below
                pieces += 1
    vague = _cleared(signs[:pieces]) if doubts else np.zeros(pieces, np.uint8)
    return _packed(points, begin[:pieces], count[:pieces], parents[:pieces], signs[:pieces], vague)


@cached_njit(nogil=True, **INNER)
def _side(points, start, n, values, sign, used):
    """Write the corners of the part where sign * values >= 0 from `used` on; return their number.

    A new corner is reckoned from the positive end of its edge, so that the polygons on both sides
    of the edge get the same one.
    """
    written = 0
    for v in range(n):
        u = v + 1 if v + 1 < n else 0
        z, z_next = values[v], values[u]
        if sign * z >= 0:
            points[used + written] = points[start + v]
            written += 1
        if (z > 0 > z_next) or (z < 0 < z_next):
            p, q = (v, u) if z > 0 else (u, v)
            share = values[p] / (values[p] - values[q])
            for m in range(2):
                from_, to = points[start + p, m], points[start + q, m]
                points[used + written, m] = from_ + (to - from_) * share
            written += 1
    return written


@cached_njit(nogil=True, **INNER)
def _cleared(signs):
    """Take VAGUE out of the signs (R, w); return which rows had it, (R,) of uint8."""
    vague = np.zeros(len(signs), np.uint8)
    for i in range(len(signs)):
        for j in range(signs.shape[1]):
            vague[i] |= signs[i, j] & VAGUE
            signs[i, j] &= 1
        vague[i] //= VAGUE
    return vague


@cached_njit(nogil=True, **INNER)
def _packed(points, begin, count, parents, signs, vague):
    """The pieces without what was cut up on the way."""
    starts = np.zeros(len(begin) + 1, np.int64)
    for i in range(len(begin)):
        starts[i + 1] = starts[i] + count[i]
    order = np.argsort(parents, kind="mergesort")
    out = np.empty((starts[-1], 2))
    used = 0
    for at, i in enumerate(order):
        out[used : used + count[i]] = points[begin[i] : begin[i] + count[i]]
        starts[at] = used
        used += count[i]
    return out, starts, parents[order], signs[order], vague[order]


@cached_njit(nogil=True, **INNER)
def _longer(points):
    out = np.empty((2 * len(points), 2))
    out[: len(points)] = points
    return out


@cached_njit(nogil=True, **INNER)
def _twice(numbers):
    out = np.empty(2 * len(numbers), np.int64)
    out[: len(numbers)] = numbers
    return out


@cached_njit(nogil=True, **INNER)
def _more_rows(signs):
    out = np.empty((2 * len(signs), signs.shape[1]), np.uint8)
    out[: len(signs)] = signs
    return out
