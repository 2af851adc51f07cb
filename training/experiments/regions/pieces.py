"""Which class a network answers where: its regions, cut at the decision boundary."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from geomcore.regions.boundaries import ROUNDING
from training.descent.losses import as_loss, offset_of

SIGNS = ((-1.0,), (1.0,))  # targets of which a number is answered by its sign


class Pieces(NamedTuple):
    """Convex polygons on which one class is answered.

    Attributes
    ----------
    polygons : list of ndarray, shape (n, 2)
    region : ndarray of int, shape (P,)
        In which each of them lies.
    answer : ndarray of int, shape (P,)
    """

    polygons: list
    region: np.ndarray
    answer: np.ndarray


def scored(found, targets=None):
    """The same regions with a score per class, the largest one being the answer.

    Parameters
    ----------
    found : Regions
    targets : ndarray, shape (Q, k), optional
        Of the classes: the nearest one is answered. Default: the largest output counts, and of a
        single output the sign.

    Returns
    -------
    Regions
    """
    k = found.maps.shape[1]
    if targets is None and k > 1:
        return found
    T = np.asarray(SIGNS if targets is None else targets, dtype=float)
    # scores over a power of two, for squares of targets may be no floats
    power = np.frexp(np.abs(T).max())[1]
    T = np.ldexp(T, -power)
    maps = T @ found.maps
    maps[:, :, 2] -= np.ldexp(offset_of(as_loss("mse"), T), power)
    return replace(found, maps=maps)


def answers(scores):
    """Class answered at the middle of each region, shape (R,); the first of a tie."""
    return _values(scores.maps, scores.centroids[:, None]).argmax(axis=1)


def pieces_of(scores):
    """The regions, those in which the answer changes cut where it does, as `Pieces`."""
    owner = np.repeat(np.arange(len(scores)), np.diff(scores.starts))
    values = _values(scores.maps[owner], scores.corners[:, None])
    below = values < values.max(axis=1, keepdims=True)
    leads = ~np.logical_or.reduceat(below, scores.starts[:-1], axis=0)
    whole, given = leads.any(axis=1), answers(scores)
    polygons, region, answer = [], [], []
    for r, polygon in enumerate(np.split(scores.corners, scores.starts[1:-1])):
        parts = [] if whole[r] else list(_parts(polygon, scores.maps[r]))
        # one of no width beyond the rounding has no parts
        for q, part in parts or [(given[r], polygon)]:
            polygons.append(part)
            region.append(r)
            answer.append(q)
    return Pieces(polygons, np.array(region), np.array(answer))


def changes_of(scores, outputs):
    """Where the answer of a network with so many outputs changes, as `Lines`."""
    if outputs > 1 or scores.maps.shape[1] != 2:
        return scores.class_boundary()
    # also the edges of a region on all of which both classes are as near
    return replace(scores, maps=scores.maps[:, 1:] - scores.maps[:, :1]).level_set()


def _parts(polygon, maps):
    """Pairs of a class and the part of a polygon on which it has the largest score."""
    values = _values(maps, polygon[:, None])
    # a score below another one at all corners is nowhere the largest
    gaps = (values[:, :, None] - values[:, None, :]).max(axis=0)
    alive = np.flatnonzero((gaps >= 0).all(axis=1))
    for q in alive:
        part = polygon
        for other in alive[alive != q]:
            if len(part) > 2:
                part = _clipped(part, maps[q] - maps[other], q < other)
        if len(part) > 2:
            yield q, part


def _clipped(polygon, function, is_first):
    """Where a function is not negative; of one that is zero everywhere all or nothing."""
    z = _values(function, polygon)
    if not z.any():
        return polygon if is_first else polygon[:0]
    if not (z > 0).any():
        return polygon[:0]
    points = []
    for n in range(len(z)):
        before = n - 1
        if z[before] * np.sign(z[n]) < 0:
            share = z[before] / (z[before] - z[n])
            points.append(polygon[before] + share * (polygon[n] - polygon[before]))
        if z[n] >= 0:
            points.append(polygon[n])
    return np.array(points)


def _values(functions, points):
    """Values (...,) of functions (..., 3) at points (..., 2); what is only rounding is 0."""
    terms = functions[..., :2] * points
    value = terms.sum(axis=-1) + functions[..., 2]
    size = np.abs(terms).sum(axis=-1) + np.abs(functions[..., 2])
    return np.where(np.abs(value) > ROUNDING * size, value, 0.0)
