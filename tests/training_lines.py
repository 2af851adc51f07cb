"""Losses on lines and segments by the definition, in floats and in rationals."""

from fractions import Fraction

import numpy as np
from naive import exact, exact_loss

from geomcore import ReLUNetwork
from geomcore.parameters import unflatten


def losses_on(net, v, X, Y, times, decay=0.0):
    """Loss with weight decay of net + t v at numbers t, one forward pass for each."""
    theta = net.packed()[0]
    out = []
    for t in times:
        moved = unflatten(net, theta + t * np.asarray(v))
        error = ((moved(X) - Y) ** 2).sum(axis=1).mean()
        out.append(error + decay / 2 * ((theta + t * np.asarray(v)) ** 2).sum())
    return np.array(out)


def exact_between(a, b, X, Y, t, decay=0):
    """Loss of (1 - t) a + t b, a Fraction; t as a float or a Fraction."""
    t = Fraction(t)
    pairs = [
        [_mixed(p, q, t) for p, q in zip(*tensors, strict=True)]
        for tensors in ((a.weights, b.weights), (a.biases, b.biases))
    ]
    square = sum(x * x for part in pairs for tensor in part for x in tensor.ravel())
    return exact_loss(*pairs, X, Y) + Fraction(decay) / 2 * square


def _mixed(p, q, t):
    p, q = np.array(exact(p), dtype=object), np.array(exact(q), dtype=object)
    return p + t * (q - p)


def permuted(net, rng):
    """The same function with its hidden units in another order."""
    orders = [np.arange(net.widths[0]), *(rng.permutation(w) for w in net.widths[1:-1])]
    orders.append(np.arange(net.widths[-1]))
    weights = [W[r][:, c] for W, c, r in zip(net.weights, orders, orders[1:], strict=False)]
    return ReLUNetwork(weights, [b[r] for b, r in zip(net.biases, orders[1:], strict=True)])
