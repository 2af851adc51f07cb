"""Problems to settle, and their loss by loops."""

import math
from itertools import pairwise

import numpy as np

from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.weighting import point_weights
from training.settling.problem import parameters_of, problem_of

KINDS = [("mse", 0.0), ("mse", 0.01), ("bce", 0.0), ("cross_entropy", 0.0), ("cross_entropy", 0.1)]


def example(
    seed,
    widths=(2, 3, 4, 3),
    N=9,
    *,
    classes=3,
    class_weighted=False,
    size=1.0,
    loss="mse",
    weight_decay=0.0,
):
    """A random network, points of which some are equal, labels, and the problem."""
    rng = np.random.default_rng(seed)
    pairs = list(pairwise(widths))
    net = ReLUNetwork(
        [rng.standard_normal((m, n)) for n, m in pairs],
        [rng.standard_normal(m) for _, m in pairs],
    )
    X = rng.standard_normal((N, widths[0])) * size
    X[-2:] = X[:2]
    index = np.append(np.arange(classes), rng.integers(0, classes, N - classes))
    targets = rng.standard_normal((classes, widths[-1]))
    if loss != "mse":
        targets = np.abs(targets) / np.abs(targets).sum(axis=1, keepdims=True)
    labels = as_labels(index, N, targets=targets)
    weights = point_weights(labels.index, class_weighted=class_weighted)
    problem = problem_of(net, X, labels, weights, loss=loss, weight_decay=weight_decay)
    return net, X, labels, weights, problem


def loss_of_a_point(loss, f, y):
    if loss == "cross_entropy":
        return math.log(sum(math.exp(a) for a in f)) - sum(a * c for a, c in zip(f, y, strict=True))
    if loss == "bce":
        return sum(math.log(1 + math.exp(a)) - a * c for a, c in zip(f, y, strict=True))
    return sum((a - c) ** 2 for a, c in zip(f, y, strict=True))


def loss_by_loops(net, X, Y, weights, loss="mse", weight_decay=0.0):
    total = 0.5 * weight_decay * sum(v * v for t in net.tensors for v in t.ravel().tolist())
    for x, y, weight in zip(X, Y, weights, strict=True):
        for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            x = [
                sum(w * v for w, v in zip(row, x, strict=True)) + c
                for row, c in zip(W, b, strict=True)
            ]
            if l < len(net.weights) - 1:
                x = [max(v, 0.0) for v in x]
        total += weight * loss_of_a_point(loss, x, y)
    return total


def on_a_kink():
    """A local minimum of loss 0.045 by hand, as (network, X, Y); its unit is on its kink at X[1].

    The errors are -0.2, 0.3, -0.2, 0.1. To the left of the kink the loss has the slope -0.05 in the
    bias, to the right 0.1, and all other slopes vanish.
    """
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    X = np.array([[-1.0], [0.0], [1.0], [2.0]])
    return net, X, np.array([[0.2], [-0.3], [1.2], [1.9]])


def shaken(net, size, seed=0):
    """A network with Gaussian noise of this size on all parameters."""
    rng = np.random.default_rng(seed)
    return net.rebuild([t + size * rng.standard_normal(t.shape) for t in net.tensors])


def problem_with(net, X, Y, **kind):
    """The problem of target vectors, and the parameters of the network in it."""
    labels = as_labels(Y, len(X))
    problem = problem_of(net, X, labels, np.full(len(X), 1 / len(X)), **kind)
    return problem, parameters_of(problem, net)


def random_network(widths, seed):
    rng = np.random.default_rng(seed)
    return ReLUNetwork(
        [rng.standard_normal((m, n)) for n, m in pairwise(widths)],
        [rng.standard_normal(m) for m in widths[1:]],
    )


def corners(n=10):
    """Four clusters, opposite ones of one class."""
    rng = np.random.default_rng(3)
    X = np.repeat([[0.0, 0], [1, 1], [0, 1], [1, 0]], n, axis=0)
    return X + 0.2 * rng.standard_normal(X.shape), np.repeat([0, 0, 1, 1], n)


def norm(net):
    return np.sqrt(sum((t**2).sum() for t in net.tensors))
