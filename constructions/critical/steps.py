r"""Local minima whose last hidden layer puts out constants: step functions of the points.

Where the units of the last hidden layer that are on read nothing, their weights on what is on
below being 0, the layers below can do what they like and the loss does not change. No derivative
has the same rank near by. But if the slope in these weights is 0 whatever the layers below do,
and if the Hessian in them and in the last layer is positive definite, that is a local minimum
(docs/trained.md).
"""

from typing import NamedTuple

import numpy as np
from flint import arb, fmpq, fmpq_mat

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, as_balls, of_arbs, smallest_eigenvalue, stacked
from constructions.critical.cell import Block, Cell
from constructions.proof.exact import rational, rational_matrix

SMALL = 1e-6  # a weight that may be 0, relative to the largest one of its unit and to its bias
MOST_EXACT = 300_000  # outputs times units, and coordinates of points, in rational numbers


class Steps(NamedTuple):
    """A network with such a last hidden layer, next to a stored one.

    Attributes
    ----------
    W : ndarray, shape (m, n)
        Weights of the last hidden layer.
    last : fmpq_mat, shape (t + 1, K)
        Weights of the last layer on the t units that are on somewhere, and its biases.
    on : ndarray of bool, shape (m,)
    loss : fmpq
    free : int
        How many weights and biases the Hessian is about.
    smallest_eigenvalue : float
        A lower bound.
    """

    W: np.ndarray
    last: fmpq_mat
    on: np.ndarray
    loss: fmpq
    free: int
    smallest_eigenvalue: float


def step_minimum(net, X, labels, per_class):
    """Prove that a local minimum of this kind is next to a network.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    labels : Labels
    per_class : list of arb
        Weight of a point of each class: one over a whole number.

    Returns
    -------
    (Steps or None, str)
        The proof, or None; and what is proved or what fails, "" if the network is not like this.
    """
    if len(net.weights) == 1 or X.size + len(X) * sum(net.widths[-2:]) > MOST_EXACT:
        return None, ""
    masks = [value > 0 for value in net.hidden(X)]
    below = masks[-2] if len(masks) > 1 else np.ones(X.shape, bool)
    live, on = masks[-1].T.astype(float) @ below > 0, masks[-1].any(axis=0)
    W, b = net.weights[-2], net.biases[-2]
    size = np.maximum(np.abs(W).max(axis=1, initial=0.0), np.abs(b))
    if not live.any() or (np.abs(W) * live > SMALL * size[:, None]).any():
        return None, ""
    W = np.where(live, 0.0, W)
    read = _read(net, W, X, masks)
    if read is None:
        return None, "a unit of a constant last hidden layer may be on or off"
    weights = [fmpq(1, round(1 / float(weight.mid()))) for weight in per_class]
    last, errors = _fitted(masks[-1] * b, on, labels, weights)
    if last is None:
        return None, "the last layer on constants is not unique"
    if not _slopes_vanish(X, masks, on, labels, weights, last, errors):
        return None, "the slope in weights that are 0 depends on the layers below"
    V = of_arbs([arb(v) for v in last.entries()], (last.nrows(), last.ncols()))
    least, free = _bend(read, b, V, masks[-1], live, on, labels, per_class)
    if not least > 0:
        return None, "the Hessian is not proved to be positive definite on constants"
    square = [sum((e * e for e in row), fmpq(0)) for row in errors]
    loss = sum(
        (weights[q] * s for q, s in zip(labels.index.tolist(), square, strict=True)), fmpq(0)
    )
    return Steps(W, last, on, loss, free, least), "a local minimum that is a step function"


def _read(net, W, X, masks):
    """What the last hidden layer reads, in balls; None if a unit is not proved to be on or off."""
    read = as_balls(X)
    layers = zip([*net.weights[:-2], W], net.biases[:-1], masks, strict=True)
    for weights, biases, mask in layers:
        before, value = read, read @ weights.T + biases
        if not np.where(mask, value.lower > 0, value.upper < 0).all():
            return None
        read = value * mask.astype(float)
    return before


def _fitted(H, on, labels, weights):
    """The least-squares last layer, and its errors at all points, in rationals; None if not unique.

    Parameters
    ----------
    H : ndarray, shape (N, m)
        Last hidden outputs.
    on, labels, weights
        Units that count, and the weight of a point of each class.
    """
    lifted, owner = np.unique(
        np.column_stack([H[:, on], np.ones(len(H))]), axis=0, return_inverse=True
    )
    lifted, owner = rational_matrix(lifted), owner.ravel().tolist()
    G, width = lifted.nrows(), lifted.ncols()
    targets = rational_matrix(labels.targets).tolist()
    mass, total = [fmpq(0)] * G, [[fmpq(0)] * len(targets[0]) for _ in range(G)]
    pairs = list(zip(owner, labels.index.tolist(), strict=True))
    for g, q in pairs:
        mass[g] += weights[q]
        total[g] = [t + weights[q] * v for t, v in zip(total[g], targets[q], strict=True)]
    entries = lifted.entries()
    weighted = fmpq_mat(G, width, [v * mass[j // width] for j, v in enumerate(entries)])
    try:
        last = (lifted.transpose() * weighted).solve(lifted.transpose() * fmpq_mat(total))
    except ZeroDivisionError:
        return None, None
    outputs = (lifted * last).tolist()
    return last, [[f - y for f, y in zip(outputs[g], targets[q], strict=True)] for g, q in pairs]


def _slopes_vanish(X, masks, on, labels, weights, last, errors):
    r"""Whether the slope in weights that are 0 is exactly 0, whatever the layers below do.

    That is so if :math:`\sum_i \pi_i V_u \cdot (F(x_i) - y_i)\, (x_i, 1)` = 0 for each unit u over
    the points of each pattern below at which it is on.
    """
    V, sums = last.tolist(), {}
    units = np.flatnonzero(on).tolist()
    for i, (q, error) in enumerate(zip(labels.index.tolist(), errors, strict=True)):
        for row, u in zip(V[:-1], units, strict=True):
            slope = sum((a * e for a, e in zip(row, error, strict=True)), fmpq(0))
            if slope == 0 or not masks[-1][i, u]:
                continue
            pattern = (u, *(mask[i].tobytes() for mask in masks[:-1]))
            point = [*map(rational, X[i].tolist()), fmpq(1)]
            old = sums.get(pattern, [fmpq(0)] * len(point))
            sums[pattern] = [s + weights[q] * slope * v for s, v in zip(old, point, strict=True)]
    return all(value == 0 for row in sums.values() for value in row)


def _bend(read, b, V, mask, live, on, labels, per_class):
    """A lower bound of the Hessian in weights that are 0 and in the last layer, and its size.

    The biases of the constant units are held, which is what scaling the units leaves.
    """
    (m, n), (N, K) = live.shape, (len(read), V.shape[1])
    spread = np.eye(m)[:, on]
    last = stacked([(V[:-1].T @ spread.T).reshape(-1), V[-1]])
    theta = stacked([Balls(np.zeros(m * n)), Balls(b), last])
    weights = of_arbs([per_class[q] for q in labels.index.tolist()], (N, 1, 1))
    identity = as_balls(np.eye(K))
    blocks = [Block(slice(i, i + 1), weights[i], identity) for i in range(N)]
    cell = Cell((n, m, K), read, as_balls(labels.Y), blocks, [mask.astype(float)], [])
    found = calculus.run(cell, theta)
    H = calculus.hessian(cell, found)
    kept = np.concatenate([live.ravel(), np.zeros(m, bool), np.tile(on, K), np.ones(K, bool)])
    return smallest_eigenvalue(H[kept][:, kept]), int(kept.sum())
