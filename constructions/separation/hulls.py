"""Points common to two sets or to their hulls, and the nearest points of hulls, all exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat

from constructions.proof.exact import nearest, rational
from geomcore.display.lines import told_in_brief
from geomcore.typing import Array


@told_in_brief
class HullCertificate(NamedTuple):
    """A point that is a convex combination of A and of B, so no hyperplane separates them.

    Attributes
    ----------
    point : ndarray, shape (d,)
        In the coordinates of A and B.
    weights_a : ndarray, shape (N_A,)
        Non-negative, sum 1, ``weights_a @ A`` is the point.
    weights_b : ndarray, shape (N_B,)
        The same for B.
    residual : float
        Largest entry of ``abs(weights_a @ A - weights_b @ B)``, in floating point.
    exact : bool
        True if the weights were recomputed in rational arithmetic from the
        coordinates of A and B as stored: they exist, are non-negative and fit
        exactly. The floats given here are those rationals, rounded (but none
        that is positive to 0, so that they can be recomputed from the rows used).
    """

    point: Array
    weights_a: Array
    weights_b: Array
    residual: float
    exact: bool


def certificate(A, B, rows_a, rows_b, weights_a, weights_b):
    """The `HullCertificate` of weights on a few rows that have been proved to fit.

    Parameters
    ----------
    A, B : ndarray, shapes (N_A, d), (N_B, d)
    rows_a, rows_b : ndarray of int
    weights_a, weights_b : ndarray
        One number for each of these rows: the exact weights, rounded.
    """
    all_a, all_b = np.zeros(len(A)), np.zeros(len(B))
    all_a[rows_a], all_b[rows_b] = weights_a, weights_b
    # weights add up to 1 but for rounding: enough for the largest floats to overflow
    limit = np.finfo(float).max
    unit = 4.0 if max(np.abs(A).max(), np.abs(B).max()) > limit / 4 else 1.0
    point, other = all_a @ (A / unit), all_b @ (B / unit)
    residual = float(np.abs(point - other).max() * unit)
    point = np.clip(point, -limit / unit, limit / unit) * unit
    return HullCertificate(point, all_a, all_b, residual, True)


def in_coordinates(found, A, B):
    """The same certificate for points whose columns are scaled by powers of two, exactly."""
    rows_a, rows_b = np.flatnonzero(found.weights_a), np.flatnonzero(found.weights_b)
    return certificate(A, B, rows_a, rows_b, found.weights_a[rows_a], found.weights_b[rows_b])


def common_rows(A, B):
    """Rows (i, j) of A and of B that are the same point, or None; 0 and -0 are equal.

    Equal rows are found by their hashes, which costs one pass over the bits.
    """
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 2**63, A.shape[1], dtype=np.uint64)
    hashes = [(points + 0.0).view(np.uint64) @ factors for points in (A, B)]
    for value in np.intersect1d(*hashes):
        rows_a, rows_b = (np.flatnonzero(h == value) for h in hashes)
        for i in rows_a:
            same = rows_b[(B[rows_b] == A[i]).all(axis=1)]
            if len(same):
                return int(i), int(same[0])
    return None


class NearestPoints(NamedTuple):
    """Convex weights of points of two hulls, exact, and the way from one point to the other.

    Attributes
    ----------
    weights_a, weights_b : dict of int to fmpq
        Positive weights by row number; they sum to 1.
    difference : list of fmpq
        Point of A minus point of B; all 0 if the hulls meet.
    """

    weights_a: dict
    weights_b: dict
    difference: list

    @property
    def meet(self):
        """True if the two points are one."""
        return not any(self.difference)

    def direction(self):
        """The difference, divided by its largest entry and rounded, shape (d,)."""
        largest = max(abs(v) for v in self.difference)
        return np.array([nearest(v / largest) for v in self.difference])

    def half_length_above(self):
        """A float that is at least half the length of the difference, and near it."""
        return root_above(sum((v * v for v in self.difference), fmpq(0)) / 4)


def root_above(square):
    """A float that is at least the root of a rational number, and near it; inf if it overflows."""
    # an integer of 120 bits or so has a root of 60, which is off by less than 1
    p, q = int(square.p), int(square.q)
    shift = (p.bit_length() - q.bit_length() - 120) // 2
    scaled = Fraction(p, q) / Fraction(4) ** shift
    root = Fraction(_integer_root_above(scaled)) * Fraction(2) ** shift
    found = nearest(fmpq(root.numerator, root.denominator))
    if found < np.inf and Fraction(found) < root:
        found = math.nextafter(found, math.inf)
    return found


def _integer_root_above(value):
    ceiling = -(-value.numerator // value.denominator)
    root = math.isqrt(ceiling)
    return root if root * root == ceiling else root + 1


def nearest_points(A, B, *, start=None, rtol=0.0, rounds=None):
    r"""Points of two hulls that are nearest to each other, in rational arithmetic.

    Wolfe's method for the point of least norm of the hull of all differences
    :math:`a - b`: a *corral* of affinely independent differences, the point of
    least norm of their affine hull, and the difference that comes first along
    it. In exact arithmetic every corral occurs once only, so it ends,
    however degenerate the points are.

    Parameters
    ----------
    A, B : ndarray, shapes (N_A, d), (N_B, d)
        A few hundred points in up to some 100 dimensions.
    start : (dict, dict), optional
        Positive weights by row number of A and of B, a guess at the answer: numbers
        that need not add up to 1. From a good one it takes a few corrals, else some 2 d.
    rtol : float, optional
        Stop when the distance is within this factor of the least one.
    rounds : int, optional
        Give up after so many corrals, default 50 (d + 2).

    Returns
    -------
    NearestPoints or None
    """
    if rounds is None:
        rounds = 50 * (A.shape[1] + 2)
    enough = 1 - rational(rtol)
    P, Q = _integers(A, B)
    if start is None:
        # near each other along the difference of the means: a good guess costs nothing
        pairs, weights = [_first_pair(A, B)], [fmpq(1)]
    else:
        pairs, weights = _paired(*start)
    points = _differences(P, Q, pairs)
    for _ in range(rounds):
        weights, pairs, points = _least_norm(weights, pairs, points)
        denominator = _common_denominator(weights)
        row = fmpz_mat(1, len(weights), [(w * denominator).p for w in weights])
        x = row * points
        found = x.entries()
        square = sum(v * v for v in found)
        if square == 0:
            break
        along_a, along_b = (P * x.transpose()).entries(), (Q * x.transpose()).entries()
        i, j = along_a.index(min(along_a)), along_b.index(max(along_b))
        if (along_a[i] - along_b[j]) * denominator >= enough * square:
            break
        pairs.append((i, j))
        weights.append(fmpq(0))
        points = _stacked(points, _differences(P, Q, [(i, j)]))
    else:
        return None
    weights_a, weights_b = {}, {}
    for (i, j), w in zip(pairs, weights, strict=True):
        weights_a[i] = weights_a.get(i, 0) + w
        weights_b[j] = weights_b.get(j, 0) + w
    unit = _unit(A, B)
    return NearestPoints(weights_a, weights_b, [v * unit / denominator for v in found])


def _integers(A, B):
    """Both sets times one power of two that makes all coordinates whole, as integer matrices."""
    unit = _unit(A, B)
    return [
        fmpz_mat(len(S), S.shape[1], [(rational(v) / unit).p for v in S.ravel().tolist()])
        for S in (A, B)
    ]


def _unit(A, B):
    """A power of two of which all coordinates are multiples."""
    both = np.concatenate([A.ravel(), B.ravel()])
    _, exponents = np.frexp(both[both != 0])
    return fmpq(2) ** max(int(exponents.min(initial=1)) - 53, -1074)


def _first_pair(A, B):
    scale = max(np.abs(A).max(), np.abs(B).max()) or 1.0
    towards = (B / scale).mean(axis=0) - (A / scale).mean(axis=0)
    return int(np.argmax(A / scale @ towards)), int(np.argmin(B / scale @ towards))


def _paired(weights_a, weights_b):
    """Pairs of rows of A and of B, and weights of their differences that add up to 1.

    Row by row, what is left of the weight in A goes to what is left in B: the difference
    of the two weighted means is the weighted mean of these differences.
    """
    left_a, left_b = (
        [[i, rational(w) / sum(map(rational, weights.values()))] for i, w in weights.items()]
        for weights in (weights_a, weights_b)
    )
    pairs, weights = [], []
    while left_a and left_b:
        share = min(left_a[-1][1], left_b[-1][1])
        pairs.append((left_a[-1][0], left_b[-1][0]))
        weights.append(share)
        for left in (left_a, left_b):
            left[-1][1] -= share
            if left[-1][1] == 0:
                left.pop()
    return pairs, weights


def _differences(P, Q, pairs):
    """Row i of P minus row j of Q for each pair, as a matrix."""
    d = P.ncols()
    return fmpz_mat(len(pairs), d, [P[i, k] - Q[j, k] for i, j in pairs for k in range(d)])


def _stacked(M, row):
    return fmpz_mat(M.nrows() + 1, M.ncols(), M.entries() + row.entries())


def _rows(M, kept):
    entries, d = M.entries(), M.ncols()
    return fmpz_mat(len(kept), d, [v for i in kept for v in entries[i * d : (i + 1) * d]])


def _common_denominator(weights):
    denominator = 1
    for w in weights:
        denominator = w.q.lcm(denominator)
    return denominator


def _least_norm(weights, pairs, points):
    """Wolfe's minor cycle: walk to the least norm of the affine hull, or drop what is in the way.

    `weights` are convex, and so are those that it returns, on affinely independent rows of
    `points`.
    """
    while True:
        k = len(weights)
        gram = (points * points.transpose()).entries()
        bordered = [v for i in range(k) for v in [*gram[i * k : (i + 1) * k], 1]]
        system = fmpz_mat(k + 1, k + 1, [*bordered, *[1] * k, 0])
        target = fmpz_mat(k + 1, 1, [0] * k + [1])
        try:
            least = system.solve(target).entries()[:k]
        except ZeroDivisionError:  # differences of a guess need not be affinely independent
            entries, d = points.entries(), points.ncols()
            columns = [[*entries[i * d : (i + 1) * d], 1] for i in range(k)]
            kept, weights = _independent(columns, weights)
            pairs, points = [pairs[i] for i in kept], _rows(points, kept)
            continue
        if all(u > 0 for u in least):
            return least, pairs, points
        step = min(w / (w - u) for w, u in zip(weights, least, strict=True) if u <= 0)
        moved = [w + step * (u - w) for w, u in zip(weights, least, strict=True)]
        kept = [i for i in range(k) if moved[i] > 0]
        weights, pairs = [moved[i] for i in kept], [pairs[i] for i in kept]
        points = _rows(points, kept)


def independent_weights(A, B, weights_a, weights_b):
    """Convex weights of a common point on fewer rows, so few that there are no others on them.

    Parameters
    ----------
    A, B : ndarray, shapes (N_A, d), (N_B, d)
    weights_a, weights_b : dict of int to fmpq
        Positive weights by row number, of one and the same point.

    Returns
    -------
    dict, dict
    """
    rows = [(A, i, 1) for i in weights_a] + [(B, j, -1) for j in weights_b]
    weights = [*weights_a.values(), *weights_b.values()]
    columns = [
        [*(side * rational(v) for v in S[i].tolist()), int(side > 0), int(side < 0)]
        for S, i, side in rows
    ]
    kept, weights = _independent(columns, weights)
    found = {}, {}
    for i, w in zip(kept, weights, strict=True):
        _, row, side = rows[i]
        found[side < 0][row] = w
    return found


def _independent(columns, weights):
    """Fewer columns, linearly independent, and positive weights that give them the same sum.

    Parameters
    ----------
    columns : list of list of fmpq or fmpz
        With entries that add up to 1 over each set: no way among them is of one sign.
    weights : list of fmpq
        Positive.

    Returns
    -------
    list of int, list of fmpq
        Numbers of the columns that are kept, and their weights.
    """
    k, m = len(columns), len(columns[0])
    reduced, rank = fmpq_mat(m, k, [c[r] for r in range(m) for c in columns]).rref()
    pivots = [next(j for j in range(k) if reduced[i, j] != 0) for i in range(rank)]
    ways = []
    for free in sorted({*range(k)} - {*pivots}):
        way = [fmpq(0)] * k
        way[free] = fmpq(-1)
        for i, j in enumerate(pivots):
            way[j] = reduced[i, free]
        ways.append(way)
    while ways:
        way = ways.pop(0)
        # weights - t way stays a solution; go until the first weight vanishes
        step, gone = min(
            (w / v, i) for i, (w, v) in enumerate(zip(weights, way, strict=True)) if v > 0
        )
        weights = [w - step * v for w, v in zip(weights, way, strict=True)]
        # and leave it at zero on all other ways
        ways = [
            [u - other[gone] / way[gone] * v for u, v in zip(other, way, strict=True)]
            for other in ways
        ]
    kept = [i for i, w in enumerate(weights) if w > 0]
    return kept, [weights[i] for i in kept]
