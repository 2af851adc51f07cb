"""Peels: one after another, groups of one class that a hyperplane cuts off from all the rest."""

from typing import NamedTuple

import numpy as np

from constructions.programs import weighted_hinge


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


def peel_sequence(Z, index, rng, *, beam=None, directions=None):
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
        Default 4 up to 500 points, 1 above.
    directions : int, optional
        Random directions tried at each step, default 1000 (in the plane, evenly spaced).

    Returns
    -------
    list of Peel

    Notes
    -----
    It ends, since the point farthest from the mean of those left is always cut
    off by the hyperplane orthogonal to its direction; so there are at most as
    many peels as distinct points.
    """
    N, d = Z.shape
    beam = (4 if N <= 500 else 1) if beam is None else beam
    count = 1000 if directions is None else directions
    if d == 1:
        fixed = np.ones((1, 1))
    elif d == 2:
        angles = np.arange(count) * (np.pi / count)
        fixed = np.column_stack([np.cos(angles), np.sin(angles)])
    else:
        fixed = rng.standard_normal((count, d))
    states = [(np.ones(N, bool), [])]
    while True:
        following = {}
        for alive, peels in states:
            for peel in _best_peels(Z, index, alive, fixed):
                left = alive.copy()
                left[peel.rows] = False
                following.setdefault(left.tobytes(), (left, [*peels, peel]))
        states = sorted(following.values(), key=lambda s: s[0].sum())[:beam]
        if not states[0][0].any():
            return states[0][1]


def _best_peels(Z, index, alive, directions):
    """The largest peel found for each class; only one if it takes a class whole."""
    rows = np.flatnonzero(alive)
    points, labels = Z[rows], index[rows]
    classes = np.unique(labels)
    if len(classes) == 1:
        return [Peel(int(classes[0]), rows)]
    mean = points.mean(axis=0)
    centred = points - mean
    farthest = centred[np.argmax((centred**2).sum(axis=1))]
    to_means = np.stack([centred[labels == q].mean(axis=0) for q in classes])
    tried = np.vstack([directions, farthest, to_means])
    found = {}
    for q, cut, w in _runs(centred, labels, classes, np.vstack([tried, -tried])):
        found[q] = (cut, w)
    largest = sorted(found, key=lambda q: -found[q][0].sum())
    if len(rows) * Z.shape[1] > 20_000:
        largest = largest[:2]
    for q in classes if len(rows) * Z.shape[1] <= 20_000 else largest:
        cut, w = found.get(q, (np.zeros(len(rows), bool), None))
        better = _refine(centred, labels == q, w)
        if better is not None and better.sum() > cut.sum():
            found[q] = (better, None)
    peels = []
    for q, (cut, _) in found.items():
        peel = Peel(int(q), rows[cut])
        if cut.sum() == (labels == q).sum():
            return [peel]
        peels.append(peel)
    return peels


def _runs(points, labels, classes, directions):
    """For each class that comes first along some direction, its longest run before any other."""
    along = points @ directions.T
    firsts = np.stack([along[labels == q].min(axis=0) for q in classes])
    ranks = np.argsort(firsts, axis=0)
    columns = np.arange(firsts.shape[1])
    limit = firsts[ranks[1], columns]
    scale = np.abs(along).max(axis=0)
    limit = limit - 1e-9 * scale
    for i, q in enumerate(classes):
        mine = np.flatnonzero(ranks[0] == i)
        if not len(mine):
            continue
        lengths = (along[np.ix_(labels == q, mine)] < limit[mine]).sum(axis=0)
        best = mine[np.argmax(lengths)]
        cut = (along[:, best] < limit[best]) & (labels == q)
        if cut.any():
            yield q, cut, directions[best]


def _refine(points, of_class, w):
    """Cut off as much of a class as hinge programs can; None if nothing.

    A program over all of a class that is mostly hopeless gives up on all of
    it, so the programs are posed for the first m points along `w`, for growing
    m, and then for all of them with weights that favour the points nearly inside.
    """
    P, O = points[of_class], points[~of_class]
    best, plane = None, None if w is None else np.r_[w, 0.0]
    program = _Hinge(O)
    sizes = _growing(max(2, P.shape[1] // 3), len(P)) if w is not None else [len(P)]
    misses = 0
    for m in sizes:
        order = slice(None) if plane is None else np.argsort(P @ plane[:-1])[:m]
        inside, found = _cut(P, P[order], np.ones(len(P[order])), program)
        if inside is None or (best is not None and inside.sum() <= best.sum()):
            misses += 1
            if misses == 2:
                break
            continue
        best, plane = inside, found
        if best.all():
            break
    for _ in range(3 if best is not None and not best.all() else 0):
        value = P @ plane[:-1] + plane[-1]
        inside, found = _cut(P, P, 1 / (0.1 + np.maximum(value + 1, 0)), program)
        if inside is None or inside.sum() <= best.sum():
            break
        best, plane = inside, found
    if best is None or not best.any():
        return None
    cut = np.zeros(len(points), bool)
    cut[np.flatnonzero(of_class)[best]] = True
    return cut


def _growing(first, last):
    sizes = [first]
    while sizes[-1] < last:
        sizes.append(min(max(sizes[-1] + 1, int(1.4 * sizes[-1])), last))
    return sizes


def _cut(P, chosen, weights, program):
    """Points of P inside the half-space that a hinge program for the chosen ones gives."""
    plane = program(chosen, weights)
    if plane is None:
        return None, None
    return P @ plane[:-1] + plane[-1] < 1 - 1e-3, plane


class _Hinge:
    """`weighted_hinge` with only those points of O that matter, remembered between calls."""

    def __init__(self, O):
        self.O = O
        self.rows = np.arange(len(O)) if len(O) <= 200 else None
        self.most = 2 * O.shape[1] + 20

    def __call__(self, P, weights):
        if self.rows is None:
            towards = self.O.mean(axis=0) - weights @ P / weights.sum()
            self.rows = np.argsort(self.O @ towards)[: self.most]
        for _ in range(30):
            plane = weighted_hinge(P, self.O[self.rows], weights)
            if plane is None:
                return None
            value = self.O @ plane[:-1] + plane[-1]
            bad = np.flatnonzero(value < 1 - 1e-6)
            bad = np.setdiff1d(bad, self.rows)
            inside = P @ plane[:-1] + plane[-1]
            lowered = inside + 1 - value.min()
            if not len(bad) or (lowered < 1 - 1e-3).sum() >= 0.95 * (inside < 1 - 1e-3).sum():
                plane[-1] += max(0.0, 1 - value.min())  # clear of all of O
                if len(self.O) > 200:
                    self.rows = self.rows[value[self.rows] < 1 + 1e-3]
                return plane
            self.rows = np.r_[self.rows, bad[np.argsort(value[bad])[: self.most]]]
        plane[-1] += 1 - value.min()
        return plane
