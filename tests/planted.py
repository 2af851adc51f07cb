"""Networks whose kind is known since residuals and multipliers were chosen for it.

At random parameters on {z_A = 0} a linear program chooses residuals r of the outputs and
multipliers with J^T r + Z^T mu = 0 and bounds on mu and on the rises delta; the labels are the
outputs less r.
"""

from itertools import pairwise

import numpy as np
from scipy.optimize import linprog

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, split


def planted(widths, N, kinks, seed, *, kind="minimum", size=1e-3, points=None):
    """(net, X, Y) with these kinks, or None if there is no such point for this seed.

    Parameters
    ----------
    widths : tuple of int
    N : int
    kinks : list of (int, int, int)
    seed : int
    kind : {"minimum", "falls", "rises too little", "naive"}
        Where multipliers lie: 0 < mu < delta; the first one below 0; the first one above delta;
        or below what delta would be without the kinks that follow, but above delta.
    size : float
        Of the residuals: with small ones the Hessian is positive.
    points : ndarray, shape (N, widths[0]), optional
        Default random ones.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, widths[0]))
    X = X if points is None else points
    weights = [rng.standard_normal((m, n)) for n, m in pairwise(widths)]
    biases = [rng.standard_normal(m) for m in widths[1:]]
    h, masks = X, []
    for l, (W, b) in enumerate(zip(weights[:-1], biases[:-1], strict=True)):
        for u in range(len(W)):
            rows = [i for layer, i, unit in kinks if (layer, unit) == (l, u)]
            if rows:
                lifted = np.column_stack([h[rows], np.ones(len(rows))])
                v = np.r_[W[u], b[u]]
                for _ in range(3):
                    v = v - np.linalg.pinv(lifted) @ (lifted @ v)
                W[u], b[u] = v[:-1], v[-1]
        z = h @ W.T + b
        for layer, i, u in kinks:
            if layer == l:
                z[i, u] = 0
        masks.append((z > 0).astype(float))
        h = np.maximum(z, 0)
    net = ReLUNetwork(weights, biases)
    theta = np.concatenate([t.ravel() for t in net.tensors])
    K, k = widths[-1], len(kinks)
    F = h @ weights[-1].T + biases[-1]

    def rises(r, mu):
        block = [Block(slice(0, N), np.full(N, 1 / N), np.eye(K))]
        cell = Cell(widths, X, F - r.reshape(N, K), block, masks, kinks)
        return np.array(calculus.rises(cell, calculus.run(cell, theta, mu)), float)

    block = [Block(slice(0, N), Balls(np.full(N, 1 / N)), Balls(np.eye(K)))]
    balls = Cell(widths, Balls(X), Balls(F), block, masks, kinks)
    found = calculus.forwards(balls, Balls(theta))
    J, Z = calculus.output_rows(balls, found).mid, calculus.height_rows(balls, found).mid
    unit = np.eye(N * K + k)
    whole = np.array([rises(e[: N * K], e[N * K :]) for e in unit]).reshape(len(unit), k).T
    plain = np.array([rises(e[: N * K], 0 * e[N * K :]) for e in unit]).reshape(len(unit), k).T
    own = unit[N * K :]
    first = np.zeros((k, 1))
    first[:1] = 1
    room, rows, bounds = 0.1, [-own, own - whole], [np.full(k, -0.1), np.full(k, -0.1)]
    if kind == "falls":
        rows, bounds = (
            [own[:1], -own[1:], own - whole],
            [[-room], *map(lambda n: np.full(n, -room), (k - 1, k))],
        )
    elif kind == "rises too little":
        rows = [-own, (whole - own)[:1], (own - whole)[1:]]
        bounds = [np.full(k, -room), [-room], np.full(k - 1, -room)]
    elif kind == "naive":
        rows = [-own, own - plain, (whole - own)[:1]]
        bounds = [np.full(k, -room), np.full(k, -room), [-room]]
    answer = linprog(
        rng.standard_normal(N * K + k),
        A_ub=np.vstack(rows) if k else None,
        b_ub=np.concatenate(bounds) if k else None,
        A_eq=np.hstack([2 / N * J.T, Z.T]),
        b_eq=np.zeros(len(theta)),
        bounds=[(-30, 30)] * (N * K + k),
        method="highs",
    )
    if answer.status != 0:
        return None
    return net, X, F - size * answer.x[: N * K].reshape(N, K)


def loss_of(tensors, X, Y):
    h = X.astype(np.longdouble)
    pairs = list(zip(tensors[0::2], tensors[1::2], strict=True))
    for W, b in pairs[:-1]:
        h = np.maximum(h @ W.T.astype(np.longdouble) + b, 0)
    error = h @ pairs[-1][0].T.astype(np.longdouble) + pairs[-1][1] - Y
    return (error**2).sum(axis=1).mean()


def lowest_near(net, X, Y, radius, rng, count=300):
    """The largest decrease of the loss, in extended precision, at random and downhill."""
    theta = flatten(net.tensors)
    start, lowest = loss_of(net.tensors, X, Y), 0.0
    for _ in range(count):
        way = rng.standard_normal(len(theta))
        way *= radius * rng.random() / np.linalg.norm(way)
        lowest = min(lowest, float(loss_of(split(theta + way, net), X, Y) - start))
    return lowest
