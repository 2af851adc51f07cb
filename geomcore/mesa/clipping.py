"""Convex polygons, clipped by half-planes: the compiled part."""

import numpy as np

from geomcore.kernels import INNER, OUTER, cached_njit


@cached_njit(nogil=True, **OUTER)
def clipped_areas(corners, starts, faces):
    """Areas of the parts of convex polygons on which no face is positive.

    Parameters
    ----------
    corners : ndarray, shape (V, 2)
        Of all polygons, one after another, each in counterclockwise order.
    starts : ndarray of int64, shape (R + 1,)
        The first corner of each polygon, and V.
    faces : ndarray, shape (F, 3)
        Coefficients of x, y and 1.

    Returns
    -------
    ndarray, shape (R,)
    """
    longest = 0
    for r in range(len(starts) - 1):
        longest = max(longest, starts[r + 1] - starts[r])
    points, other = np.empty((longest + len(faces), 2)), np.empty((longest + len(faces), 2))
    areas = np.zeros(len(starts) - 1)
    for r in range(len(starts) - 1):
        n = starts[r + 1] - starts[r]
        points[:n] = corners[starts[r] : starts[r + 1]]
        n = _clip(points, n, other, faces)
        # from the first corner on, for polygons far from the middle
        twice = 0.0
        for v in range(1, n - 1):
            ax, ay = points[v, 0] - points[0, 0], points[v, 1] - points[0, 1]
            bx, by = points[v + 1, 0] - points[0, 0], points[v + 1, 1] - points[0, 1]
            twice += ax * by - ay * bx
        areas[r] = max(twice / 2, 0.0)
    return areas


@cached_njit(nogil=True, **OUTER)
def clipped(corners, faces):
    """The part of a convex polygon (n, 2) on which no face (F, 3) is positive; maybe no corners."""
    points = np.empty((len(corners) + len(faces), 2))
    points[: len(corners)] = corners
    n = _clip(points, len(corners), np.empty_like(points), faces)
    return points[:n].copy()


@cached_njit(nogil=True, **INNER)
def _clip(points, n, other, faces):
    """Clip the first n points in place; return how many there are now."""
    for f in range(len(faces)):
        a, b, c = faces[f]
        written = 0
        for v in range(n):
            u = v + 1 if v + 1 < n else 0
            z = a * points[v, 0] + b * points[v, 1] + c
            z_next = a * points[u, 0] + b * points[u, 1] + c
            if z <= 0:
                other[written] = points[v]
                written += 1
            if (z > 0 > z_next) or (z < 0 < z_next):
                share = z / (z - z_next)
                for m in range(2):
                    other[written, m] = points[v, m] + (points[u, m] - points[v, m]) * share
                written += 1
        n = written
        points[:n] = other[:n]
    return n if n > 2 else 0
