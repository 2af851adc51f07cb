"""Problems with weight decay, or with a cross-entropy, whose kind is known."""

from itertools import pairwise

import numpy as np
from scipy.optimize import linprog

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from training.settling.bfgs import bfgs
from training.settling.problem import balanced, places_of

WIDE = np.longdouble


def labels_of(y, N):
    return as_labels(y, N, targets=None)


def first_minimum(points):
    """The first local minimum of critical points, or None, and what is proved or what fails."""
    first = None
    for found, why in points:
        if found is not None and not found.ways_down:
            return found, why
        first = first or why
    return None, first


def network_of(widths, theta):
    tensors, at = [], 0
    for n, m in pairwise(widths):
        tensors.append((theta[at : at + m * n].reshape(m, n), theta[at + m * n : at + m * n + m]))
        at += m * n + m
    return ReLUNetwork([W for W, _ in tensors], [b for _, b in tensors])


def loss_of(tensors, X, Y, loss, decay, dtype=WIDE):
    """The loss with the decay, by the formulas, in extended precision."""
    h, Y = outputs_of(tensors, X, dtype), np.asarray(Y, dtype)
    if loss == "cross_entropy":
        peak = h.max(axis=1)
        each = np.log(np.exp(h - peak[:, None]).sum(axis=1)) + peak - (h * Y).sum(axis=1)
    elif loss == "bce":
        each = (np.maximum(h, 0) + np.log1p(np.exp(-np.abs(h))) - h * Y).sum(axis=1)
    else:
        each = ((h - Y) ** 2).sum(axis=1)
    squares = sum((np.asarray(t, dtype) ** 2).sum() for t in tensors)
    return each.mean() + dtype(decay) / 2 * squares


def outputs_of(tensors, X, dtype=WIDE):
    """The network on points, in extended precision."""
    h = np.asarray(X, dtype)
    for l, (W, b) in enumerate(zip(tensors[0::2], tensors[1::2], strict=True)):
        h = h @ np.asarray(W, dtype).T + np.asarray(b, dtype)
        if l < len(tensors) // 2 - 1:
            h = np.maximum(h, 0)
    return h


def slope_at(outputs, Y, loss):
    """Derivative of the mean loss in the outputs, in floats."""
    if loss == "cross_entropy":
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True) - Y) / len(Y)
    if loss == "bce":
        return (0.5 * (1 + np.tanh(outputs / 2)) - Y) / len(Y)
    return 2 * (outputs - Y) / len(Y)


def objective(widths, X, Y, loss, decay):
    """A function of parameters: the loss and its gradient, in floats."""

    def function(theta):
        tensors = network_of(widths, theta).tensors
        pairs = list(zip(tensors[0::2], tensors[1::2], strict=True))
        read = [X]
        for W, b in pairs:
            read.append(np.maximum(read[-1] @ W.T + b, 0))
        outputs = read[-2] @ pairs[-1][0].T + pairs[-1][1]
        delta, parts = slope_at(outputs, Y, loss), []
        for l in reversed(range(len(pairs))):
            parts += [delta.sum(axis=0), (delta.T @ read[l]).ravel()]
            delta = (delta @ pairs[l][0]) * (read[l] > 0) if l else None
        value = float(loss_of(tensors, X, Y, loss, decay, float))
        return value, np.concatenate(parts[::-1]) + decay * theta

    return function


def trained(widths, X, Y, loss, decay, seed):
    """A network that a descent has brought to rest."""
    theta = np.random.default_rng(seed).standard_normal(
        sum(m * (n + 1) for n, m in pairwise(widths))
    )
    for _ in range(4):
        theta = bfgs(objective(widths, X, Y, loss, decay), theta, iterations=3000).theta
    return network_of(widths, theta)


def blobs(seed, N=20, d=2, classes=3):
    """Points and labels that no network of few units gets all right."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, N - classes)])
    return rng.standard_normal((N, d)) + y[:, None], y


def planted_decayed(
    widths, N, kinks, seed, *, loss="mse", decay=1e-3, kind="minimum", on_them=None, first=None
):
    """(net, X, Y) with these kinks, or None if there is no such point for this seed.

    At random parameters on {z_A = 0}, with their units balanced, a linear program chooses the
    slopes in the outputs and the multipliers; the targets follow from the slopes.
    `kind` is "minimum", "falls" (a multiplier below 0), or "rises too little" (above its rise).
    `on_them` is a network with points, (theta, X), whose units are on these kinks. Of dependent
    kinks it is the sum of the multipliers times `first` that is below 0, and above that of rises.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, widths[0]))
    theta = np.concatenate([rng.standard_normal(m * (n + 1)) for n, m in pairwise(widths)])
    if on_them is not None:
        theta, X = on_them
    if loss == "cross_entropy":  # a constant in the logits costs, and changes nothing
        W, b = places_of(widths)[-1]
        last = theta[W].reshape(widths[-1], -1)
        theta[W], theta[b] = (last - last.mean(axis=0)).ravel(), theta[b] - theta[b].mean()
    for _ in range(2 if on_them is None else 0):
        theta = balanced(widths, _on_kinks(widths, X, theta, kinks), rounded=False)
    theta = theta if on_them is None else balanced(widths, theta, rounded=False)
    net = network_of(widths, theta)
    masks = [(h > 0).astype(float) for h in net.hidden(X)]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    F, K, k = net(X), widths[-1], len(kinks)

    def rises(r, mu):
        block = [Block(slice(0, N), np.full(N, 1 / N), np.eye(K))]
        cell = Cell(widths, X, F - r.reshape(N, K), block, masks, kinks)
        return np.array(calculus.rises(cell, calculus.run(cell, theta, mu)), float)

    balls = Cell(widths, Balls(X), Balls(F), [], masks, kinks)
    found = calculus.forwards(balls, Balls(theta))
    J, Z = calculus.output_rows(balls, found).mid, calculus.height_rows(balls, found).mid
    unit = np.eye(N * K + k)
    whole = np.array([rises(e[: N * K], e[N * K :]) for e in unit]).reshape(len(unit), k).T
    own, room = unit[N * K :], 0.2 * decay or 1e-5
    most = 1.0 if decay else 0.02  # with small residuals the Hessian is positive
    rows, bounds = [-own, own - whole], [np.full(k, -room), np.full(k, -room)]
    share = np.eye(k)[:1].sum(axis=0) if first is None else np.asarray(first, float)
    others, one = share == 0, share[None]
    if kind == "falls":
        rows, bounds = (
            [one @ own, -own[others], own - whole],
            [[-room], bounds[0][others], bounds[1]],
        )
    elif kind == "rises too little":
        rows = [-own, one @ (whole - own), (own - whole)[others]]
        bounds = [bounds[0], [-room], bounds[1][others]]
    limits = [(-1, 1)] * (N * K) + [(-30, 30)] * k
    equal, right = np.hstack([2 / N * J.T, Z.T]), -decay * theta
    if loss != "mse":  # targets p - 2 r are probabilities
        p = N * slope_at(F, 0 * F, loss)
        limits[: N * K] = [
            (max((v - 0.99) / 2, -most), min((v - 0.01) / 2, most)) for v in p.ravel()
        ]
    if loss == "cross_entropy":  # and sum to one
        sums = np.hstack([np.kron(np.eye(N), np.ones(K)), np.zeros((N, k))])
        equal, right = np.vstack([equal, sums]), np.append(right, np.zeros(N))
    answer = linprog(
        rng.standard_normal(N * K + k),
        A_ub=np.vstack(rows) if k else None,
        b_ub=np.concatenate(bounds) if k else None,
        A_eq=equal,
        b_eq=right,
        bounds=limits,
        method="highs",
    )
    if answer.status != 0:
        return None
    r = answer.x[: N * K].reshape(N, K)
    Y = F - r if loss == "mse" else p - 2 * r
    if loss == "cross_entropy":
        Y = np.round(Y * 2.0**45) / 2.0**45  # so that rows sum to one exactly
        Y[:, -1] = 1 - Y[:, :-1].sum(axis=1)
    return net, X, Y


def _on_kinks(widths, X, theta, kinks):
    """Parameters whose units are at zero at their kinks, layer by layer."""
    net = network_of(widths, theta)
    weights, biases, h = [W.copy() for W in net.weights], [b.copy() for b in net.biases], X
    for l, (W, b) in enumerate(zip(weights[:-1], biases[:-1], strict=True)):
        for u in range(len(W)):
            rows = [i for layer, i, unit in kinks if (layer, unit) == (l, u)]
            if rows:
                lifted = np.column_stack([h[rows], np.ones(len(rows))])
                v = np.r_[W[u], b[u]]
                for _ in range(3):
                    v = v - np.linalg.pinv(lifted) @ (lifted @ v)
                W[u], b[u] = v[:-1], v[-1]
        h = np.maximum(h @ W.T + b, 0)
        for layer, i, u in kinks:
            if layer == l:
                h[i, u] = 0
    return np.concatenate([t.ravel() for pair in zip(weights, biases, strict=True) for t in pair])
