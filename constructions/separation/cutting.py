"""As much of a class as one half-space can cut off, by linear programs over growing sets of it."""

import numpy as np

from constructions.separation.programs import weighted_hinge


def cut_by_programs(points, of_class, w):
    """Cut off as much of a class as hinge programs can.

    A program over all of a class that is mostly hopeless gives up on all of
    it, so the programs are posed for the first m points along `w`, for growing
    m, and then for all of them with weights that favour the points nearly inside.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Of moderate size, with mean near 0.
    of_class : ndarray of bool, shape (n,)
    w : ndarray, shape (d,)
        Direction along which the points of the class come early.

    Returns
    -------
    ndarray of bool, shape (n,), or None
        Points of the class that a half-space clear of all others holds; None if there are none.
    """
    P, O = points[of_class], points[~of_class]
    best, plane = None, np.r_[w, 0.0]
    program = _Hinge(O)
    sizes = _growing(max(2, P.shape[1] // 3), len(P))
    misses = 0
    for m in sizes:
        order = np.argsort(P @ plane[:-1])[:m]
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
