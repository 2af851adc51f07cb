"""The last layer alone: one that makes the loss zero, and the least-squares one, in balls.

Both are linear in the tensors that may move. Their unknowns act on rows made of a last hidden
output h: (h, 1) for weights and biases, h for the weights, 1 for the biases, and h - c for the
cumulative weight, where W_L moves by V and b_L by -V c, c the cumulative bias of the hidden layers.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import qr

from constructions.proof.cell import MOST_BALLS, LocalMinimum, parts_of
from constructions.proof.enclosure import point_key
from constructions.proof.exact import ball_matrix, length_above, precision
from geomcore.foreign.wording import counted
from geomcore.threads import factorizing


class ZeroLoss(NamedTuple):
    """Whether a last layer near by makes the loss exactly zero.

    Attributes
    ----------
    distance : float or None
        Proved bound on the change of (W_L, b_L), in Frobenius norm; None if there is no proof.
    rank : int
        Proved number of independent rows (h, 1), one for each group of points that are tied
        together in the cell; 0 if that was not the question.
    why : str
    """

    distance: float | None
    rank: int
    why: str


def zero_loss(problem, weight, bias):
    """Look for a last layer that makes the loss exactly zero, in the tensors that may move.

    Parameters
    ----------
    problem : LocalProblem
    weight, bias : bool
        Which tensors of the last layer may move.

    Returns
    -------
    ZeroLoss
    """
    net, X, labels, enclosure = problem.net, problem.X, problem.labels, problem.enclosure
    if enclosure.plain == 0:
        return ZeroLoss(0.0, 0, "the loss of the stored network is exactly zero")
    if not (weight or bias):
        return ZeroLoss(None, 0, "the last layer is held fixed")
    most = net.widths[-2] * weight + (bias and problem.offset is None)
    groups = _distinct(enclosure.groups, X)
    count = len(groups) + len(enclosure.clean)
    for group in groups:
        present = labels.targets[np.unique(labels.index[group.rows])]
        if (present != present[0]).any():
            why = "points with different targets share one last hidden output"
            return ZeroLoss(None, 0, why)
    if count > most:
        why = f"{count} different last hidden outputs, but only {most} are free"
        return ZeroLoss(None, 0, why)
    if len(enclosure.clean):
        are = "is" if len(enclosure.clean) == 1 else "are"
        count = counted(len(enclosure.clean), "point")
        why = f"{count} {are} active everywhere, so never collapsed"
        return ZeroLoss(None, 0, why)
    with precision(enclosure.bits):
        hidden = [group.hidden for group in groups]
        H = arb_mat(_rows(hidden, weight, bias, problem.offset))
        V = ball_matrix(np.column_stack([net.weights[-1], net.biases[-1]]))
        Y = ball_matrix(labels.targets[[labels.index[g.rows[0]] for g in groups]])
        gap = Y - arb_mat(_rows(hidden, True, True, None)) * V.transpose()
        try:
            change = H.transpose() * (H * H.transpose()).solve(gap)
        except ZeroDivisionError:
            why = "the last hidden outputs are not proved affinely independent"
            return ZeroLoss(None, 0, why)
        distance = length_above(_moved(change, problem.offset))
    rank = count if weight and bias and problem.offset is None else 0
    return ZeroLoss(distance, rank, f"the last layer moves by at most {distance:.2g}")


def _distinct(groups, X):
    """The groups, with equal points put together."""
    of_point = {}
    for group in groups:
        of_point.setdefault(point_key(X[group.rows[0]]), []).append(group)
    return [
        same[0]._replace(rows=np.concatenate([g.rows for g in same])) for same in of_point.values()
    ]


def _rows(hidden, weight, bias, offset):
    """What the unknowns act on, for lists of last hidden outputs in balls."""
    if offset is not None:
        return [[a - c for a, c in zip(row, offset, strict=True)] for row in hidden]
    return [[*(row if weight else []), *([arb(1)] if bias else [])] for row in hidden]


def _moved(change, offset):
    """All numbers by which the last layer moves, for a change of its unknowns."""
    entries = change.entries()
    if offset is None:
        return entries
    bias = arb_mat([offset]) * change
    return entries + bias.entries()


def last_layer_minimum(problem, weight, bias):
    r"""Prove that W_L, or b_L, or both are near the least-squares ones for the given hidden layers.

    The loss is a convex quadratic function of the last layer, so a
    least-squares solution is a minimum, even a global one, in these parameters.

    Parameters
    ----------
    problem : LocalProblem
    weight, bias : bool
        Which of the two tensors may move.

    Returns
    -------
    (LocalMinimum or None, str)
    """
    net, enclosure = problem.net, problem.enclosure
    hidden, shares, targets = _table(problem)
    if hidden is None:
        return None, "the problem is too large for ball arithmetic"
    with precision(enclosure.bits):
        m = net.widths[-2]
        W, b = ball_matrix(net.weights[-1]), ball_matrix(net.biases[-1][:, None])
        H = arb_mat(_rows(hidden, weight, bias, problem.offset))
        output = arb_mat(hidden) * W.transpose()
        k = net.widths[-1]
        level = b.entries()
        gaps = [
            targets[i][j] - output[i, j] - level[j] for i in range(len(hidden)) for j in range(k)
        ]
        columns = _independent_columns(H)
        if columns is None:
            if not all(a == 0 for a in H.entries()):
                return None, "the last hidden outputs do not fit floating point"
            return LocalMinimum(0.0, problem.loss), "the output does not depend on them"
        A = arb_mat([[H[i, j] for j in columns] for i in range(H.nrows())])
        entries = A.entries()
        weighted = arb_mat(
            A.nrows(), A.ncols(), [a * shares[i // A.ncols()] for i, a in enumerate(entries)]
        )
        gap = arb_mat(len(hidden), k, gaps)
        try:
            change = (weighted.transpose() * A).solve(weighted.transpose() * gap)
        except ZeroDivisionError:
            return None, "the least-squares problem of the last layer is too ill-conditioned"
        idle = [j for j in range(H.ncols()) if j not in columns]
        vanish = all(H[i, j] == 0 for j in idle for i in range(H.nrows()))
        # chosen columns, proved independent, span all if the rest vanish or there are no more rows
        if not vanish and A.ncols() < min(H.nrows(), _most_rank(problem)):
            return None, "the rank of the last hidden outputs is not decided"
        offset = None if problem.offset is None else [problem.offset[j] for j in columns]
        distance = length_above(_moved(change, offset))
        left = (gap - A * change).entries()
        loss = sum((g * g * shares[i // k] for i, g in enumerate(left)), arb(0))
        loss += _scatter(problem, targets)
    names = " and ".join(n for n, on in (("weights", weight), ("biases", bias)) if on)
    return (
        LocalMinimum(distance, loss),
        f"the least-squares {names} of the last layer ({counted(m, 'input')}) are at most "
        f"{distance:.2g} away",
    )


def _most_rank(problem):
    """Upper bound of the rank of the last hidden outputs, from what ties the points together."""
    enclosure = problem.enclosure
    if enclosure.undecided:
        return np.inf
    return sum(part.rank for part in parts_of(enclosure, problem.X))


def _table(problem):
    """Distinct last hidden outputs in balls, the weight at each, and the mean target there."""
    net, X, labels, enclosure = problem.net, problem.X, problem.labels, problem.enclosure
    if (len(enclosure.clean) + len(enclosure.groups)) * net.widths[-2] > MOST_BALLS:
        return None, None, None
    with precision(enclosure.bits):
        hidden = [list(g.hidden) for g in enclosure.groups]
        members = [g.rows for g in enclosure.groups]
        if len(enclosure.clean):
            value = ball_matrix(X[enclosure.clean])
            ones = arb_mat(len(enclosure.clean), 1, [1] * len(enclosure.clean))
            for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
                value = value * ball_matrix(W).transpose() + ones * ball_matrix(b[None])
            hidden += value.tolist()
            members += [np.array([i]) for i in enclosure.clean]
        shares, targets = [], []
        for rows in members:
            counts = np.bincount(labels.index[rows], minlength=len(problem.per_class)).tolist()
            share = sum((n * w for n, w in zip(counts, problem.per_class, strict=True)), arb(0))
            mean = [arb(0)] * labels.targets.shape[1]
            for n, w, y in zip(counts, problem.per_class, labels.targets.tolist(), strict=True):
                if n:
                    mean = [s + n * w * arb(t) for s, t in zip(mean, y, strict=True)]
            shares.append(share)
            targets.append([s / share for s in mean])
    return hidden, shares, targets


def _scatter(problem, means):
    """What no last layer can remove: different targets at one hidden output."""
    labels, enclosure = problem.labels, problem.enclosure
    total = arb(0)
    for group, mean in zip(enclosure.groups, means, strict=False):
        counts = np.bincount(labels.index[group.rows], minlength=len(problem.per_class)).tolist()
        for n, w, y in zip(counts, problem.per_class, labels.targets.tolist(), strict=True):
            if n:
                gaps = [arb(t) - s for t, s in zip(y, mean, strict=True)]
                total += n * w * sum((g * g for g in gaps), arb(0))
    return total


def _independent_columns(H):
    floats = np.array([[float(a.mid()) for a in row] for row in H.tolist()])
    scale = np.abs(floats).max(axis=0)
    if not np.isfinite(scale).all():
        return None
    with factorizing(floats):
        _, R, columns = qr(floats / np.where(scale > 0, scale, 1), mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > 1e-10 * diagonal[0]).sum()) if diagonal[0] > 0 else 0
    return sorted(columns[:rank].tolist()) if rank else None
