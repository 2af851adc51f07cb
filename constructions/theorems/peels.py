"""Peels: one after another, groups of one class that a hyperplane cuts off from all the rest."""

from typing import NamedTuple

import numpy as np

from constructions.separation.cutting import cut_by_programs
from constructions.separation.separation import separate

# Gaps that are tried when there is none of the wanted size, in units of the data.
SMALLER_GAPS = 1e-6, 1e-9, 1e-12
# Most numbers in a table of points times directions; above LARGE points times squared
# dimension the penalties of `_tilt` find less than linear programs do.
TABLE, LARGE = 10_000_000, 500_000


class NoPeel(Exception):
    """Points that differ are too near each other to be told apart in double precision."""


class Peel(NamedTuple):
    """Points of one class that are strictly separable from all points not yet peeled.

    Attributes
    ----------
    label : int
        Class of the points.
    rows : ndarray of int
    """

    label: int
    rows: np.ndarray


def peel_sequence(Z, index, rng, *, beam=None, directions=None, gap=1e-9):
    """Peel all points in few steps.

    A breadth-first search that keeps the `beam` states with the fewest points
    left. A class that can be removed whole is removed at once: it needs at
    least one more peel whatever happens, and the others only profit.

    Parameters
    ----------
    Z : ndarray, shape (N, d)
        Points; equal ones have equal labels.
    index : ndarray of int, shape (N,)
    rng : numpy.random.Generator
    beam : int, optional
        Default 16 in the plane, else 4, and 1 above 500 points.
    directions : int, optional
        Random directions tried at each step, default 1000 (in the plane, evenly spaced).
    gap : float, optional
        Least gap between a peel and the rest along its direction, in units of
        the data; smaller ones are accepted where there is nothing else.

    Returns
    -------
    list of Peel

    Raises
    ------
    NoPeel
        If the points left are too near each other for double precision.

    Notes
    -----
    It ends, since the point farthest from the mean of those left is always cut
    off by the hyperplane orthogonal to its direction; so there are at most as
    many peels as distinct points.
    """
    N, d = Z.shape
    if beam is None:
        beam = 1 if N > 500 else 16 if d <= 2 else 4
    count = 1000 if directions is None else directions
    fixed = _directions(d, min(count, max(TABLE // N, 10)), rng)
    search = _Search(Z, index, fixed, gap, beam > 1)
    states = [(np.ones(N, bool), [])]
    while True:
        following = {}
        for alive, peels in states:
            for peel in search.best(alive):
                left = alive.copy()
                left[peel.rows] = False
                following.setdefault(left.tobytes(), (left, [*peels, peel]))
        states = sorted(following.values(), key=lambda s: s[0].sum())[:beam]
        if not states[0][0].any():
            return states[0][1]


def _directions(d, count, rng):
    if d == 1:
        return np.ones((1, 1))
    if d == 2:
        angles = np.arange(count) * (np.pi / count)
        return np.column_stack([np.cos(angles), np.sin(angles)])
    directions = rng.standard_normal((count, d))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


class _Search:
    """The points sorted by class, and where they lie along the fixed directions."""

    def __init__(self, Z, index, directions, gap, wide):
        self.order = np.argsort(index, kind="stable")
        self.Z = (Z - Z.mean(axis=0))[self.order]
        self.index = index[self.order]
        self.along = self.Z @ directions.T
        self.wide = wide
        self.gaps = (gap, *(g for g in SMALLER_GAPS if g < gap))

    def best(self, alive):
        """The largest peels found for each class; only one if it takes a class whole."""
        alive = alive[self.order]
        rows, labels = self.order[alive], self.index[alive]
        if labels[0] == labels[-1]:
            return [Peel(int(labels[0]), rows)]
        points = self.Z[alive]
        points = points - points.mean(axis=0)
        classes, starts = np.unique(labels, return_index=True)
        parts = list(zip(classes, starts, [*starts[1:], len(labels)], strict=True))
        farthest = points[np.argmax((points**2).sum(axis=1))]
        means = np.add.reduceat(points, starts) / np.diff([*starts, len(labels)])[:, None]
        along = np.hstack([self.along[alive], points @ np.vstack([farthest, means]).T])
        for gap in self.gaps:
            found = _runs(along, parts, gap)
            if found:
                break
        else:
            raise NoPeel(
                f"no direction cuts points of one class off the {len(rows)} left, of "
                f"{len(classes)} classes, by more than {gap:.1g} of their extent"
            )
        plain = {q: cut.copy() for q, cut in found.items()}
        if points.shape[1] > 2:
            large = points.size * points.shape[1] > LARGE
            (_cut if large else _tilt)(points, parts, found, gap)
            _complete(points, parts, found)
        # in a wide search a smaller peel may turn out to be the better one
        cuts = [*found.items(), *plain.items()] if self.wide else found.items()
        peels = [Peel(int(q), rows[cut]) for q, cut in cuts]
        sizes = {int(q): stop - start for q, start, stop in parts}
        whole = [peel for peel in peels if len(peel.rows) == sizes[peel.label]]
        return whole[:1] or peels


def _runs(along, parts, gap):
    """For each class that comes first or last along a direction, its longest run, as a mask."""
    starts = [start for _, start, _ in parts]
    low, high = np.minimum.reduceat(along, starts), np.maximum.reduceat(along, starts)
    space = gap * (high.max(axis=0) - low.min(axis=0))
    found = {}
    for sign, firsts in ((1, low), (-1, -high)):
        ranks = np.argpartition(firsts, 1, axis=0)[:2]
        limit = firsts[ranks[1], np.arange(along.shape[1])] - space
        for i, (q, start, stop) in enumerate(parts):
            mine = np.flatnonzero(ranks[0] == i)
            if not len(mine):
                continue
            inside = sign * along[start:stop, mine] < limit[mine]
            lengths = inside.sum(axis=0)
            best = int(lengths.argmax())
            if lengths[best] and (q not in found or lengths[best] > found[q].sum()):
                cut = np.zeros(len(along), bool)
                cut[start:stop] = inside[:, best]
                found[q] = cut
    return found


def _tilt(points, parts, found, gap, rounds=4):
    """Enlarge the peels by penalties for being on the wrong side, solved for many goals at once.

    A hyperplane asked to cut off all of a class gives up on most of it, so
    each class gets one problem for each of several goals: its first m points
    along the direction known so far. What counts is how many points come first
    along the solution, not how good a solution it is.
    """
    n, d = points.shape
    lifted = np.column_stack([points / (np.abs(points).max() or 1.0), np.ones(n)])
    along = {part[0]: points @ _outward(points, part, found) for part in parts}
    grew = {q: True for q, _, _ in parts}
    for number in range(rounds):
        goals = []
        for q, start, stop in parts:
            size = stop - start
            have = int(found[q].sum()) if q in found else 0
            if not grew[q] or have == size:
                continue
            order = start + np.argsort(along[q][start:stop])
            if number == 0 and have:
                order = order[np.argsort(~found[q][order], kind="stable")]
            first = max(have + 1, min(d, size) // 2)
            sizes = {min(size, max(have + 1, round(first * 1.4**k))) for k in range(6)}
            goals += [(q, start, stop, order[:m]) for m in sorted(sizes)]
            grew[q] = False
        if not goals:
            return
        for w, (q, start, stop, _) in _solutions(lifted, goals):
            value = lifted @ w
            limit = min(value[:start].min(initial=np.inf), value[stop:].min(initial=np.inf))
            inside = value[start:stop] < limit - gap * np.ptp(value)
            if inside.sum() > (found[q].sum() if q in found else 0):
                found[q] = np.zeros(n, bool)
                found[q][start:stop] = inside
                along[q], grew[q] = value, True


def _outward(points, part, found):
    """From the peel of a class known so far, or from the class, to all else."""
    q, start, stop = part
    inside = found.get(q)
    if inside is None:
        inside = np.zeros(len(points), bool)
        inside[start:stop] = True
    return points[~inside].mean(axis=0) - points[inside].mean(axis=0)


def _cut(points, parts, found, gap, most=2):
    """Enlarge the largest peels by linear programs."""
    parts = sorted(parts, key=lambda part: -found[part[0]].sum() if part[0] in found else 0)
    for part in parts[:most]:
        q, start, stop = part
        of_class = np.zeros(len(points), bool)
        of_class[start:stop] = True
        inside = cut_by_programs(points, of_class, _outward(points, part, found))
        if inside is not None and (q not in found or inside.sum() > found[q].sum()):
            found[q] = inside


def _complete(points, parts, found):
    """Take in all of a class that is nearly cut off, if the maximum margin says that it can be."""
    for q, start, stop in parts:
        if q in found and 0.9 * (stop - start) <= found[q].sum() < stop - start:
            rest = np.vstack([points[:start], points[stop:]])
            if separate(rest, points[start:stop], rtol=0.1).separable:
                found[q][start:stop] = True


def _solutions(lifted, goals, steps=12):
    """Planes (w, c), below zero on the goals, above zero on all of other classes.

    Newton's method for the sum of squared hinges, all goals side by side;
    every iterate is handed out, for any of them may cut off the most points.
    """
    n, k = lifted.shape
    sign, weight = np.ones((len(goals), n)), np.full((len(goals), n), 10.0)
    for i, (_, start, stop, chosen) in enumerate(goals):
        sign[i, start:stop], weight[i, start:stop] = -1, 0
        weight[i, chosen] = 1
    active = weight
    ridge = 1e-6 * np.eye(k)
    for step in range(steps):
        scaled = active[:, :, None] * lifted
        hessian = scaled.transpose(0, 2, 1) @ lifted + ridge
        planes = np.linalg.solve(hessian, ((active * sign) @ lifted)[:, :, None])[:, :, 0]
        yield from zip(planes, goals, strict=True)
        value = planes @ lifted.T
        following = weight * (sign * value < 1)
        if np.array_equal(following, active) or step >= steps // 2:
            # then let go of the points that are far on the wrong side, and take in near ones
            for i, (_, start, stop, _) in enumerate(goals):
                weight[i, start:stop] = 0.1 / (0.1 + np.maximum(value[i, start:stop] + 1, 0))
            following = weight * (sign * value < 1)
        active = following
