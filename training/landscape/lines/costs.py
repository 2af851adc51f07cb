r"""What a loss makes of outputs that move: enclosures of it, one for each point.

Outputs come as coefficients of the powers of u, in balls, for u from -1 to 1. The squared error is
a polynomial of them. A cross-entropy is one of logits beside a logit of 0, the largest:

.. math:: f(g) = \log(1 + \sum_k e^{g_k}) - \sum_k s_k g_k,

for a softmax those of the other classes relative to the largest, for a sigmoid minus the modulus of
the one that there is, so that small losses are known to many digits. f is convex, and of
:math:`f(a + d)` the tangent at the middle a of the logits leaves out

.. math:: 0 \le r \le \min(w^2 / 8, w, S (e^w - 1 - w)), \quad S = \sum_k e^{a_k}, \quad
    w = \max_k(0, d_k) - \min_k(0, d_k).

For along d the first derivative of the logarithm is a mean of the entries of d and 0, and the
second one a variance of them, which is at most :math:`w^2 / 4`. And r is :math:`\log E e^D - E D`,
at most :math:`E(e^D - 1 - D)`, where D is :math:`d_k` with the probabilities that f has at a, and 0
with what is left of 1; those of the :math:`d_k` sum to at most S. For :math:`w \le 1` the last
bound is at most :math:`(e - 2) S w^2`. w is a seminorm of d, so that of a polynomial is at most the
sum of those of its coefficients.
"""

import math

import numpy as np
from flint import arb

from constructions.critical.balls import Balls, as_balls, of_arbs
from constructions.proof.exact import EPS

SLOPE = 0.7183  # above e - 2


def squared_error(A, Y):
    """Coefficients of the powers of u in the squared errors of all points, each (B, N).

    Parameters
    ----------
    A : list of Balls, shape (B, N, K)
        Coefficients of the powers of u in the outputs.
    Y : ndarray, shape (N, K)
        Targets.
    """
    A = [A[0] - Y, *A[1:]]
    powers = []
    for power in range(2 * len(A) - 1):
        terms = [
            (A[i] * A[power - i]).sum(axis=-1)
            for i in range(max(0, power - len(A) + 1), min(power, len(A) - 1) + 1)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        powers.append(total)
    return powers


def cross_entropy(A, Y):
    """The same of the cross-entropies of a softmax."""
    K = Y.shape[1]
    top = A[0].mid.argmax(axis=-1)[..., None]
    others = (top + np.arange(1, K)) % K
    own = [_taken(a, top) for a in A]
    powers = _entropy(
        [_taken(a, others) - o for a, o in zip(A, own, strict=True)],
        as_balls(np.take_along_axis(np.broadcast_to(Y, A[0].shape), others, axis=-1)),
    )
    rest = missing(Y)
    rest = Balls(rest, EPS * np.abs(rest))
    return [p + o[..., 0] * rest for p, o in zip(powers, own, strict=True)]


def missing(Y):
    """1 - the sums of rows (N,), rounded once: 0 if and only if a row sums to 1."""
    return np.array([math.fsum([1.0, *(-row)]) for row in Y])


def binary_cross_entropy(A, Y):
    """The same of the sums over the outputs of the cross-entropies of a sigmoid."""
    is_positive = (A[0].mid > 0)[..., None]
    sign = np.where(is_positive, -1.0, 1.0)
    own = as_balls(np.broadcast_to(Y[..., None], sign.shape))
    left = 1.0 - own
    share = Balls(
        np.where(is_positive, left.mid, own.mid), np.where(is_positive, left.rad, own.rad)
    )
    return [power.sum(axis=-1) for power in _entropy([a[..., None] * sign for a in A], share)]


def _entropy(G, share):
    """Coefficients in log(1 + sum of e^g) - sum of share g; g and share along the last axis."""
    middle = G[0].mid
    moves = [Balls(np.zeros(middle.shape), G[0].rad), *G[1:]]
    logarithms, probabilities, total = _logarithms(middle)
    powers = [((probabilities - share) * move).sum(axis=-1) for move in moves]
    value = logarithms - (share * middle).sum(axis=-1)
    left_out = _beside_tangent(moves, total)
    powers[0] = powers[0] + value + Balls.between(np.zeros_like(left_out), left_out)
    return powers


def _beside_tangent(moves, total):
    """Upper bounds of r, shape (...)."""
    width = as_balls(0.0)
    for move in moves:
        # the entry of the largest logit does not move
        high, low = move.upper.max(axis=-1, initial=0.0), move.lower.min(axis=-1, initial=0.0)
        width = width + (as_balls(high) - low)
    square, width = width * width, width.upper
    few = (square * total * SLOPE).upper
    return np.minimum((square * 0.125).upper, np.where(width <= 1, np.minimum(few, width), width))


def _logarithms(middle):
    """log(1 + S) and its derivatives, and S = sum of e^g, at floats g of shape (..., k)."""
    logarithms, probabilities, totals = [], [], []
    for row in middle.reshape(math.prod(middle.shape[:-1]), middle.shape[-1]).tolist():
        powers = [arb(g).exp() for g in row]
        total = sum(powers, arb(0))
        totals.append(total)
        logarithms.append(total.log1p())
        probabilities += [power / (1 + total) for power in powers]
    shape = middle.shape[:-1]
    return of_arbs(logarithms, shape), of_arbs(probabilities, middle.shape), of_arbs(totals, shape)


def _taken(balls, places):
    return Balls(*(np.take_along_axis(part, places, axis=-1) for part in (balls.mid, balls.rad)))


COSTS = {
    "mse": squared_error,
    "class_weighted": squared_error,
    "cross_entropy": cross_entropy,
    "bce": binary_cross_entropy,
}
