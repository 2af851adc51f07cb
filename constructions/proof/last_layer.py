"""Minimality in the last layer alone: a convex least-squares problem, solved in balls."""

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import qr

from constructions.proof.cell import MOST_BALLS, LocalMinimum, parts_of
from constructions.proof.exact import above, ball_matrix, below, length_above, precision


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
        if problem.offset is None:
            rows = [[*(row if weight else []), *([arb(1)] if bias else [])] for row in hidden]
        else:
            shift = [arb(v) for v in problem.offset.tolist()]
            rows = [[a - v for a, v in zip(row, shift, strict=True)] for row in hidden]
        H = arb_mat(rows)
        output = arb_mat(hidden) * W.transpose()
        k = net.widths[-1]
        offset = b.entries()
        gaps = [
            targets[i][j] - output[i, j] - offset[j] for i in range(len(hidden)) for j in range(k)
        ]
        columns = _independent_columns(H)
        if columns is None:
            if not all(a == 0 for a in H.entries()):
                return None, "the last hidden outputs are too small for floating point"
            bounds = problem.bounds(enclosure)
            return LocalMinimum(0.0, bounds[1], bounds[0]), "the output does not depend on them"
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
        distance = length_above(change.entries())
        left = (gap - A * change).entries()
        loss = sum((g * g * shares[i // k] for i, g in enumerate(left)), arb(0))
        loss += _scatter(problem, targets)
    names = " and ".join(n for n, on in (("weights", weight), ("biases", bias)) if on)
    return (
        LocalMinimum(distance, max(below(loss), 0.0), above(loss)),
        f"the least-squares {names} of the last layer ({m} inputs) are at most {distance:.2g} away",
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
    _, R, columns = qr(floats / np.where(scale > 0, scale, 1), mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > 1e-10 * diagonal[0]).sum()) if diagonal[0] > 0 else 0
    return sorted(columns[:rank].tolist()) if rank else None
