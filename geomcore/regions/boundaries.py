"""Where affine functions on regions are zero, and where the largest one changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geomcore.typing import Array, Integers

# A value at a corner that is a smaller part of what is added up in it is zero.
ROUNDING = 2e-14


class Lines(NamedTuple):
    """Segments in the plane, and the region in which each of them lies.

    Attributes
    ----------
    ends : ndarray, shape (S, 2, 2)
        Both ends of each segment.
    region : ndarray of int, shape (S,)
        For an edge of two regions one of them.
    """

    ends: Array
    region: Integers


def lines_of(found, functions):
    """Where functions (R, 3), one for each of the `Regions`, are zero, as `Lines`."""
    owner, _ = found._edges
    z = _values(functions[owner], found.corners)
    inside = _crossings(found, np.arange(len(found)), z)
    return _joined(inside, _edges_between(found, z, touches=True), found)


def boundary_of(found):
    """Where the largest of the outputs of `Regions` changes, as `Lines`."""
    owner, _ = found._edges
    k = found.maps.shape[1]
    values = _values(found.maps[owner], found.corners[:, None])
    parts = [_inside(found, *triple) for triple in _rivals(found, values)]
    ends = [np.zeros((0, 2, 2)), *(part.ends for part in parts)]
    regions = [np.zeros(0, dtype=int), *(part.region for part in parts)]
    inside = Lines(np.concatenate(ends), np.concatenate(regions))
    return _joined(inside, _changes(found) if k > 1 else np.zeros(0, dtype=int), found)


def _values(functions, corners):
    """Values (...,) of functions (..., 3) at corners (..., 2); what is only rounding is 0."""
    terms = functions[..., :2] * corners, functions[..., 2]
    value = terms[0].sum(axis=-1) + terms[1]
    size = np.abs(terms[0]).sum(axis=-1) + np.abs(terms[1])
    return np.where(np.abs(value) > ROUNDING * size, value, 0.0)


def _crossings(found, regions, z):
    """Segments inside of some regions on which a function changes its sign.

    `z` are its values at the corners of these regions, one region after another.
    """
    sizes = np.diff(found.starts)[regions]
    row = np.repeat(np.arange(len(regions)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    corner = np.arange(len(row)) - starts[row] + found.starts[regions[row]]
    after = np.arange(1, len(row) + 1)
    after[starts[1:] - 1] = starts[:-1]
    has = [np.bincount(row, sign * z > 0, len(regions)) > 0 for sign in (1, -1)]
    is_crossed = (has[0] & has[1])[row]
    # the line passes through a corner, or between two
    at_corner = np.flatnonzero(is_crossed & (z == 0))
    between = np.flatnonzero(is_crossed & (np.sign(z) * np.sign(z[after]) < 0))
    a = np.where(z[between] > 0, between, after[between])
    b = np.where(z[between] > 0, after[between], between)
    share = (z[a] / (z[a] - z[b]))[:, None]
    ends = found.corners[corner[a]] + share * (found.corners[corner[b]] - found.corners[corner[a]])
    points = np.concatenate([found.corners[corner[at_corner]], ends])
    rows = np.concatenate([row[at_corner], row[between]])
    order = np.argsort(rows, kind="stable")
    points, rows = points[order], rows[order]
    # a convex polygon with both signs has two such points; more are corners within the rounding
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    last = np.append(first[1:], len(rows)) - 1
    two = last > first
    return Lines(
        np.stack([points[first[two]], points[last[two]]], axis=1), regions[rows[first[two]]]
    )


def _edges_between(found, z, *, touches):
    """Edges on which a function is zero or over which it jumps; z at all corners.

    With `touches` also those at which it does not change its sign.
    """
    owner, following = found._edges
    mates = found._mates
    is_zero = (z == 0) & (z[following] == 0)
    # the sign of the region beside the edge, 0 if the function is zero on all of it
    up, down = (np.bincount(owner, s * z > 0, len(found)) > 0 for s in (1, -1))
    side = (up.astype(int) - down.astype(int))[owner]
    # an edge in a region with both signs is no edge of the level set but for its rounding
    is_zero &= side != 0
    middle = np.sign(z + z[following])
    first = (mates < 0) | (np.arange(len(mates)) < mates)
    mate = np.where(mates >= 0, mates, 0)
    has_mate = mates >= 0
    both = has_mate & is_zero[mate]
    on = is_zero & (first | ~both)
    if not touches:
        on &= has_mate & (side[mate] * side < 0)
    jumps = has_mate & first & (middle * middle[mate] < 0)
    jumps &= ~is_zero & ~is_zero[mate] & _are_apart(z, following, mate)
    return np.flatnonzero(on | jumps)


def _are_apart(z, following, mate):
    """Whether both ends of an edge have values that differ in sign, or are 0, on its two sides."""
    # the mate goes the other way round
    start = np.sign(z) * np.sign(z[following[mate]])
    end = np.sign(z[following]) * np.sign(z[mate])
    return (start <= 0) & (end <= 0)


def _rivals(found, values):
    """Triples of (regions, i, j): where output i may have the largest one in common with j."""
    owner, _ = found._edges
    R, k = len(found), values.shape[1]
    top = values.max(axis=1, keepdims=True)
    leads = np.zeros((R, k), dtype=bool)  # largest at every corner
    not_everywhere = np.zeros((R, k), dtype=int)
    np.add.at(not_everywhere, owner, values < top)
    leads = not_everywhere == 0
    mixed = np.flatnonzero(~leads.any(axis=1))
    pairs = {}
    for r in mixed:
        mine = values[found.starts[r] : found.starts[r + 1]]
        # an output below another one at all corners is nowhere the largest
        best = mine[:, :, None] - mine[:, None, :]
        alive = np.flatnonzero((best.max(axis=0) >= 0).all(axis=1))
        for n, i in enumerate(alive):
            for j in alive[n + 1 :]:
                pairs.setdefault((int(i), int(j)), []).append(r)
    for (i, j), regions in pairs.items():
        yield np.array(regions), i, j


def _inside(found, regions, i, j):
    """Where outputs i and j are equal and the largest, inside of some regions."""
    maps = found.maps[regions]
    sizes = np.diff(found.starts)[regions]
    row = np.repeat(np.arange(len(regions)), sizes)
    offset = np.arange(len(row)) - np.concatenate([[0], np.cumsum(sizes)])[row]
    corners = found.corners[found.starts[regions[row]] + offset]
    lines = _crossings(found, regions, _values((maps[:, i] - maps[:, j])[row], corners))
    which = np.searchsorted(regions, lines.region)
    low, high = np.zeros(len(which)), np.ones(len(which))
    step = lines.ends[:, 1] - lines.ends[:, 0]
    for other in range(maps.shape[1]):
        if other in (i, j):
            continue
        # i is not below the other one on a part of the segment
        more = (maps[:, i] - maps[:, other])[which]
        start = (more[:, :2] * lines.ends[:, 0]).sum(axis=1) + more[:, 2]
        slope = (more[:, :2] * step).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = -start / slope
        low = np.where(slope > 0, np.maximum(low, t), low)
        high = np.where(slope < 0, np.minimum(high, t), high)
        high = np.where((slope == 0) & (start < 0), -1.0, high)
    keep = high > low
    low, high = low[keep, None], high[keep, None]
    first, way = lines.ends[keep, 0], step[keep]
    ends = np.stack([first + low * way, first + high * way], axis=1)
    return Lines(ends, lines.region[keep])


def _changes(found):
    """Edges at which the largest output is another one on both sides."""
    owner, following = found._edges
    edges = np.flatnonzero(found._mates > np.arange(len(found._mates)))
    mates = found._mates[edges]
    middles = (found.corners[edges] + found.corners[following[edges]]) / 2
    winners = []
    for side in (owner[edges], owner[mates]):
        at = _values(found.maps[side], middles[:, None])
        top = at.max(axis=1, keepdims=True)
        size = np.abs(at).max(axis=1, keepdims=True)
        tied = at >= top - ROUNDING * size
        # of those that are equal on the edge the one that is larger inside
        inward = found.centroids[side] - middles
        slope = (found.maps[side][:, :, :2] * inward[:, None]).sum(axis=2)
        winners.append(np.where(tied, slope, -np.inf))
    inside = [slope.argmax(axis=1) for slope in winners]
    rows = np.arange(len(edges))
    # strictly: neither of the two is as good on the other side
    differ = [winners[a][rows, inside[a]] > winners[a][rows, inside[1 - a]] for a in (0, 1)]
    return edges[(inside[0] != inside[1]) & differ[0] & differ[1]]


def _joined(inside, edges, found):
    """Lines inside of regions, and edges of them."""
    owner, following = found._edges
    ends = np.stack([found.corners[edges], found.corners[following[edges]]], axis=1)
    return Lines(np.concatenate([inside.ends, ends]), np.concatenate([inside.region, owner[edges]]))
