"""Losses on lines and segments by the definition, in floats and in rationals."""

from fractions import Fraction

import numpy as np
from flint import arb, ctx, fmpq
from naive import exact, exact_forward, exact_loss

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
    pairs, square = _network_at(a, b, t)
    return exact_loss(*pairs, X, Y) + Fraction(decay) / 2 * square


def entropy_between(a, b, X, Y, t, loss, decay=0):
    """The same of a mean cross-entropy, as `flint.arb` to 1,000 bits."""
    pairs, square = _network_at(a, b, t)
    outputs, _ = exact_forward(*pairs, X)
    total = sum(entropies(outputs, Y, loss), arb(0))
    return total / len(outputs) + _arb(Fraction(decay) / 2 * square)


def entropies(outputs, Y, loss):
    """Cross-entropies, "bce" or of a softmax, of rows of Fractions, as `flint.arb`."""
    found = []
    bits, ctx.prec = ctx.prec, 1000
    try:
        for out, target in zip(outputs, exact(Y), strict=True):
            out, target = [_arb(o) for o in out], [_arb(v) for v in target]
            linear = sum((o * v for o, v in zip(out, target, strict=True)), arb(0))
            if loss == "bce":
                found.append(sum(((1 + o.exp()).log() for o in out), arb(0)) - linear)
            else:
                found.append(sum((o.exp() for o in out), arb(0)).log() - linear)
    finally:
        ctx.prec = bits
    return found


def _arb(fraction):
    return arb(fmpq(fraction.numerator, fraction.denominator))


def _network_at(a, b, t):
    """Exact weights and biases of (1 - t) a + t b, and the sum of their squares."""
    t = Fraction(t)
    pairs = [
        [_mixed(p, q, t) for p, q in zip(*tensors, strict=True)]
        for tensors in ((a.weights, b.weights), (a.biases, b.biases))
    ]
    return pairs, sum(x * x for part in pairs for tensor in part for x in tensor.ravel())


def _mixed(p, q, t):
    p, q = np.array(exact(p), dtype=object), np.array(exact(q), dtype=object)
    return p + t * (q - p)


def permuted(net, rng):
    """The same function with its hidden units in another order."""
    orders = [np.arange(net.widths[0]), *(rng.permutation(w) for w in net.widths[1:-1])]
    orders.append(np.arange(net.widths[-1]))
    weights = [W[r][:, c] for W, c, r in zip(net.weights, orders, orders[1:], strict=False)]
    return ReLUNetwork(weights, [b[r] for b, r in zip(net.biases, orders[1:], strict=True)])
