"""The outputs of a network against the targets: both losses, and how many points are right."""

import numpy as np
from flint import arb
from scipy.spatial import KDTree

from constructions.proof.affine import LEAST, UNIT, lengths_above, middle_and_radius


class Tally:
    """Sums over points whose outputs come in balls, or in floats with error bounds.

    Parameters
    ----------
    labels : Labels
    count : bool
        Count the points that are right, too.

    Attributes
    ----------
    right, unsure : int
        Points whose output is, or may be, nearest to the target of their own class; a tie goes
        to the first class.
    close : list of ndarray of int
        Blocks of points of `add_floats` that floats leave unsure, for `decide`.
    """

    def __init__(self, labels, *, count):
        self.labels, self.count = labels, count
        self.tree = None
        self.targets = [[arb(v) for v in row] for row in labels.targets.tolist()]
        self.per_class = [arb(0)] * len(self.targets)
        self.right = self.unsure = 0
        self.close = []

    def losses(self):
        """Balls around the mean over points, and around the sum over classes of their means."""
        sizes = np.bincount(self.labels.index, minlength=len(self.targets)).tolist()
        plain = sum(self.per_class, arb(0)) / sum(sizes)
        weighted = sum((s / n for s, n in zip(self.per_class, sizes, strict=True)), arb(0))
        return plain, weighted

    def add_balls(self, members, outputs):
        """Count in points of one output each: lists of rows, and of lists of balls."""
        if not members:
            return
        parts = []
        for at, (rows, out) in enumerate(zip(members, outputs, strict=True)):
            counts = np.bincount(self.labels.index[rows], minlength=len(self.targets)).tolist()
            for q in np.flatnonzero(counts).tolist():
                gaps = [o - t for o, t in zip(out, self.targets[q], strict=True)]
                # not a power, which is nan for a ball with middle 0
                self.per_class[q] += counts[q] * sum((a * a for a in gaps), arb(0))
                parts.append((at, q, counts[q]))
        if not self.count:
            return
        at, index, counts = np.array(parts).T
        value, error = (
            part.reshape(len(outputs), -1)[at]
            for part in middle_and_radius([o for out in outputs for o in out])
        )
        right, wrong = self._nearest(value, error, index)
        self.right += int(counts[right].sum())
        for i in np.flatnonzero(~(right | wrong)):
            self._judge(int(index[i]), outputs[at[i]], int(counts[i]))

    def add_floats(self, rows, value, error):
        """Count in points whose exact outputs are within `error` of `value`, shapes (n, k)."""
        Y, index = self.labels.Y[rows], self.labels.index[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            gap = np.abs(value - Y)
            error = error + 4 * UNIT * (gap + np.abs(Y))
            high, low = gap + error, np.maximum(gap - error, 0)
            known = np.isfinite(high)
        high, low = np.where(known, high, np.inf), np.where(known, low, 0)
        present, own = np.unique(index, return_inverse=True)
        sums = zip(_squares(high, own, 1), _squares(low, own, -1), strict=True)
        for q, (top, bottom) in zip(present.tolist(), sums, strict=True):
            self.per_class[q] += top.union(bottom)
        if self.count:
            right, wrong = self._nearest(value, error, index)
            self.right += int(right.sum())
            close = rows[~(right | wrong)]
            if len(close):
                self.close.append(close)

    def decide(self, rows, outputs):
        """Whether points of which floats left that open are right, from their balls."""
        for q, out in zip(self.labels.index[rows].tolist(), outputs, strict=True):
            self._judge(q, out, 1)

    def _judge(self, q, out, count):
        """Count points of class q with this output as right, wrong or unsure."""
        own = self.targets[q]
        answer = True
        for other, target in enumerate(self.targets):
            # |out - target|^2 - |out - own|^2, factor by factor
            farther = sum(
                ((s - t) * (2 * o - t - s) for o, s, t in zip(out, own, target, strict=True)),
                arb(0),
            )
            if other == q or farther > 0 or (other > q and farther >= 0):
                continue
            answer = False if farther < 0 or (other < q and farther <= 0) else None
            if answer is False:
                return
        if answer:
            self.right += count
        else:
            self.unsure += count

    def _nearest(self, value, error, index):
        """Points that are surely right, and surely wrong, by floats.

        In units of the targets' size, so that no square that matters underflows.
        """
        if len(self.targets) == 1:
            return np.ones(len(value), bool), np.zeros(len(value), bool)
        T = self.labels.targets
        exponent = -int(np.frexp(np.abs(T).max() or 1.0)[1])
        if self.tree is None:
            self.tree = KDTree(np.ldexp(T, exponent))
        T = self.tree.data
        with np.errstate(over="ignore", invalid="ignore"):
            value, error = np.ldexp(value, exponent), lengths_above(np.ldexp(error, exponent))
            known = np.isfinite(value).all(axis=1) & np.isfinite(error)
            value = np.where(known[:, None], value, 0)
            distance, near = self.tree.query(value, k=2)
            others = np.where(near[:, 0] == index, distance[:, 1], distance[:, 0])
            own = np.linalg.norm(value - T[index], axis=1)
            # the error of a value, and the rounding of each distance
            doubt = error + 8 * (T.shape[1] + 4) * UNIT * (own + others + 1) + LEAST
            right, wrong = own + doubt < others - doubt, own - doubt > others + doubt
        return right & known, wrong & known


def _squares(values, own, side):
    """Balls of numbers on the given side (1 above, -1 below) of sums of squares.

    For each class of rows, `own` its number from 0 on, one ball of radius 0.
    """
    count = own.max() + 1
    finite = np.where(np.isfinite(values), values, 0)
    exponent = int(np.frexp(finite.max() or 1.0)[1])
    rows = (np.ldexp(finite, -exponent) ** 2).sum(axis=1)
    totals = np.bincount(own, rows, count) * (1 + side * 8 * (values.size + 4) * UNIT)
    some = np.bincount(own, (finite > 0).any(axis=1), count) > 0
    totals = np.where(some, np.maximum(totals + side * values.size * LEAST, 0), 0)
    totals[np.bincount(own, ~np.isfinite(values).all(axis=1), count) > 0] = np.inf
    unit = arb(2) ** (2 * exponent)
    return [arb(total) * unit for total in totals.tolist()]
