r"""The cell certificate of local minimality, and the radius of the cell.

Near parameters whose hidden pre-activations are all non-zero every activation
pattern is constant. Then the outputs at all points with one pattern are one
affine map of x, and the outputs at all points that are dead at a layer (all its
units inactive) are one constant. With the ties between these groups dropped,

.. math:: C(\theta') \ge B = \sum_{pattern\ groups} (best\ affine\ fit)
          + \sum_{dead\ groups} (best\ constant)

for all parameters in the cell. Let H have the rows (h_i, 1), h_i the last hidden
output of point i. The last layer alone can reach every affine fit of every group
at once iff rank H is the sum of the ranks of the groups' designs (rows (x_i, 1),
or one constant). So if these ranks agree, the hidden layers together with the
least-squares last layer are a local minimum with loss exactly B: a statement about
ranks, which ball and rational arithmetic can prove, not about equal floats.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import qr

from constructions.proof.enclosure import point_key
from constructions.proof.exact import (
    ball_matrix,
    below,
    length_above,
    precision,
    rational_matrix,
)
from geomcore.foreign.wording import counted
from geomcore.threads import factorizing

MOST_BALLS = 2_000_000  # entries of a design for which least squares is still done in balls
MOST_EXACT = 20_000  # entries of a design whose rank is still computed in rationals


class Part(NamedTuple):
    """Points tied together in the whole cell.

    Attributes
    ----------
    rows : ndarray of int
    dead_layer : int
        0 for a group that shares a full pattern.
    rank : int
        Upper bound of the rank of its design; exact if `exact`.
    basis : ndarray of int or None
        Columns of (x, 1) that span the design; None for a dead group, or where
        the distinct points are independent.
    """

    rows: np.ndarray
    dead_layer: int
    rank: int
    basis: np.ndarray | None


class LocalMinimum(NamedTuple):
    """Proof that a local minimum lies at a distance from the stored network.

    Attributes
    ----------
    distance : float
        Proved bound on the change of (W_L, b_L), in Frobenius norm.
    loss : arb
        A ball around the loss there, which bounds the loss in the cell from below.
    rank : int
        Proved rank of the rows (h_i, 1) in the whole cell; 0 if that was not the question.
    """

    distance: float
    loss: arb
    rank: int = 0

    @property
    def bound(self):
        """Proved lower bound on the loss in the cell, a little below the loss there."""
        return max(below(self.loss), 0.0)


def parts_of(enclosure, X):
    """The groups of points that are tied together near the network."""
    parts, by_pattern = [], {}
    for group in enclosure.groups:
        if group.dead_layer:
            parts.append(Part(group.rows, group.dead_layer, 1, None))
        else:
            by_pattern.setdefault(group.pattern, []).append(group.rows)
    if len(enclosure.clean):
        width = max((len(p) for p in by_pattern), default=0)
        by_pattern.setdefault(b"\1" * width, []).append(enclosure.clean)
    for rows in by_pattern.values():
        rows = np.sort(np.concatenate(rows))
        parts.append(Part(rows, 0, *_rank(X[rows])))
    return parts


def _rank(points):
    """Rank of the rows (x, 1), and columns that span them (None if the points are independent)."""
    distinct = np.unique(points + 0.0, axis=0)
    n, d = distinct.shape
    most = min(n, d + 1)
    design = np.column_stack([distinct, np.ones(n)])
    size = np.abs(design).max(axis=0)
    scaled = design / np.where(size > 0, size, 1)
    with factorizing(scaled):
        _, R, columns = qr(scaled, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > 1e-10 * diagonal[0]).sum())
    if rank < most and design.size <= MOST_EXACT:
        rank = rational_matrix(design).rank()
    elif rank < most:
        rank = most  # an upper bound is safe: the proof then fails or holds all the same
    return rank, None if rank == n else columns[:rank]


def local_minimum(net, labels, X, weights, enclosure):
    """Prove that the hidden layers and their least-squares last layer are a local minimum.

    Parameters
    ----------
    net : ReLUNetwork
    labels : Labels
    X : ndarray, shape (N, d)
    weights : list of arb, length Q
        Weight of a point of each class in the loss.
    enclosure : Enclosure
        With no undecided pre-activation and no kink.

    Returns
    -------
    (LocalMinimum or None, str)
        The proof, or None; and a sentence that says why.
    """
    parts = parts_of(enclosure, X)
    total = sum(part.rank for part in parts)
    width = net.widths[-2] + 1
    if total > width:
        return None, (
            f"the groups of points have {total} free outputs, but the last layer reaches "
            f"at most {width}"
        )
    with precision(enclosure.bits):
        hidden = _hidden_rows(net, X, enclosure)
        chosen = _independent(hidden, total)
        if chosen is None:
            return None, f"the last hidden outputs have a rank below {total}, the sum over groups"
        H = arb_mat([hidden[i] for i in chosen])
        fits = [_fit(part, X, labels, weights) for part in parts]
        if any(fit is None for fit in fits):
            return None, "a group's least-squares problem is too large or too ill-conditioned"
        owner = {row: g for g, part in enumerate(parts) for row in part.rows.tolist()}
        best = arb_mat([fits[owner[i]](i) for i in chosen])
        V = ball_matrix(np.column_stack([net.weights[-1], net.biases[-1]]))
        try:
            change = H.transpose() * (H * H.transpose()).solve(best - H * V.transpose())
        except ZeroDivisionError:
            return None, f"the last hidden outputs are not proved to have rank {total}"
        distance = length_above(change.entries())
        loss = arb(0)
        for part, fit in zip(parts, fits, strict=True):
            loss += _residual(part, fit, labels, weights)
    found = LocalMinimum(distance, loss, total)
    return found, (
        f"{counted(len(parts), 'group')} of points, ranks add up to {total}; "
        f"the last layer moves by at most {distance:.2g}"
    )


def _hidden_rows(net, X, enclosure):
    """Rows (h, 1) in balls: one for each group, and for the clean points that may be needed."""
    rows = {int(g.rows[0]): [*g.hidden, arb(1)] for g in enclosure.groups}
    if len(enclosure.clean):
        # pivoting on the float outputs picks points that span what all clean points span
        with np.errstate(over="ignore", invalid="ignore"):
            floats = [X[enclosure.clean], *net.hidden(X[enclosure.clean])][-1]
        design = np.column_stack([np.nan_to_num(floats), np.ones(len(floats))])
        with factorizing(design):
            _, _, order = qr(design.T, mode="economic", pivoting=True)
        for i in enclosure.clean[order[: design.shape[1]]]:
            rows[int(i)] = [*_follow(net, X[i]), arb(1)]
    return rows


def _follow(net, x):
    """Last hidden output of one point all of whose units are active, in balls."""
    value = ball_matrix(x[:, None])
    for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        value = ball_matrix(W) * value + ball_matrix(b[:, None])
    return value.entries()


def _independent(rows, count):
    """`count` of the rows that look independent in floating point, or None if there are fewer."""
    names = list(rows)
    floats = np.array([[float(a.mid()) for a in rows[i]] for i in names])
    scale = np.abs(floats).max(axis=0)
    if not np.isfinite(scale).all():
        return None
    with factorizing(floats):
        _, R, order = qr((floats / np.where(scale > 0, scale, 1)).T, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    if len(names) < count or len(diagonal) < count or not diagonal[count - 1] > 0:
        return None
    return [names[i] for i in order[:count]]


def _fit(part, X, labels, weights):
    """The least-squares outputs of a group: a function from a row to balls, or None."""
    rows = part.rows
    if part.dead_layer:
        mean = _weighted_mean(rows, labels, weights)
        return lambda i: mean
    if part.basis is None:
        same = {}
        for i in rows:
            same.setdefault(point_key(X[i]), []).append(i)
        means = {key: _weighted_mean(np.array(r), labels, weights) for key, r in same.items()}
        return lambda i: means[point_key(X[i])]
    if len(rows) * len(part.basis) > MOST_BALLS:
        return None
    lifted = np.column_stack([X, np.ones(len(X))])[:, part.basis]
    design = ball_matrix(lifted[rows])
    w = [weights[q] for q in labels.index[rows]]
    k = design.ncols()
    entries = design.entries()
    scaled = [a * w[i // k] for i, a in enumerate(entries)]
    weighted = arb_mat(len(rows), k, scaled)
    normal = weighted.transpose() * design
    try:
        V = normal.solve(weighted.transpose() * ball_matrix(labels.Y[rows]))
    except ZeroDivisionError:
        return None
    return lambda i: (ball_matrix(lifted[[i]]) * V).entries()


def _weighted_mean(rows, labels, weights):
    """Mean of the targets of some rows, by the weights of their classes."""
    counts = np.bincount(labels.index[rows], minlength=len(weights)).tolist()
    mass = sum((n * w for n, w in zip(counts, weights, strict=True)), arb(0))
    sums = [arb(0)] * labels.targets.shape[1]
    for n, w, target in zip(counts, weights, labels.targets.tolist(), strict=True):
        if n:
            sums = [s + n * w * arb(t) for s, t in zip(sums, target, strict=True)]
    return [s / mass for s in sums]


def _residual(part, fit, labels, weights):
    """Loss of a group under its best fit."""
    total = arb(0)
    if part.dead_layer:
        value = fit(part.rows[0])
        counts = np.bincount(labels.index[part.rows], minlength=len(weights)).tolist()
        for n, w, target in zip(counts, weights, labels.targets.tolist(), strict=True):
            if n:
                total += n * w * _distance2(value, target)
        return total
    for i in part.rows.tolist():
        q = labels.index[i]
        total += weights[q] * _distance2(fit(i), labels.targets[q].tolist())
    return total


def _distance2(value, target):
    gaps = [v - arb(t) for v, t in zip(value, target, strict=True)]
    return sum((g * g for g in gaps), arb(0))
