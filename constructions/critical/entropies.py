r"""Cross-entropies as parts of the loss of a cell: value, slope and curvature at the outputs.

Both are generic in the numbers: floats, `Balls` or object arrays of `flint.arb`. In floats nothing
overflows. Of balls, exponentials are taken in arb, which rounds outwards and whose exponents do
not end at 1e308; where nothing is known of a logit, a probability is between 0 and 1.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, fmpq

from constructions.critical.balls import Balls, of_arbs
from constructions.critical.cell import Block
from constructions.critical.points import as_objects, exactly
from constructions.proof.exact import rational


class CrossEntropyBlock(NamedTuple):
    r"""Softmax: :math:`\sum_i w_i (\log \sum_k e^{f_{ik}} - \sum_k y_{ik} f_{ik})`.

    Attributes
    ----------
    rows : slice
        Of the points.
    weights : array, shape (n,)
    """

    rows: slice
    weights: np.ndarray

    def value(self, outputs, Y):
        """The loss, a number."""
        return (self.weights * (_log_sum(outputs) - (outputs * Y).sum(axis=1))).sum(axis=0)

    def slope(self, outputs, Y):
        """Derivative in the outputs, shape (n, K)."""
        return self.weights.reshape(-1, 1) * (softmax(outputs) - Y)

    def curved(self, outputs, Y, rows):
        """Second derivative in the outputs times rows of theirs, shape (n K, P)."""
        (n, K), P = outputs.shape, rows.shape[1]
        p, rows = softmax(outputs).reshape(n, K, 1), rows.reshape(n, K, P)
        mean = (p * rows).sum(axis=1).reshape(n, 1, P)
        return (self.weights.reshape(n, 1, 1) * (p * (rows - mean))).reshape(n * K, P)


class BinaryCrossEntropyBlock(NamedTuple):
    r"""Logistic: :math:`\sum_i w_i \sum_k \log(1 + e^{f_{ik}}) - y_{ik} f_{ik}`.

    Attributes
    ----------
    rows : slice
        Of the points.
    weights : array, shape (n,)
    """

    rows: slice
    weights: np.ndarray

    def value(self, outputs, Y):
        """The loss, a number."""
        return (self.weights * (_log_one_plus(outputs) - outputs * Y).sum(axis=1)).sum(axis=0)

    def slope(self, outputs, Y):
        """Derivative in the outputs, shape (n, K)."""
        return self.weights.reshape(-1, 1) * (sigmoid(outputs) - Y)

    def curved(self, outputs, Y, rows):
        """Second derivative in the outputs times rows of theirs, shape (n K, P)."""
        p = sigmoid(outputs)
        return (self.weights.reshape(-1, 1) * (p * (1 - p))).reshape(-1, 1) * rows


def sum_to_one(targets):
    """Whether rows of targets sum to one exactly: else a softmax's cross-entropy has no bound."""
    return all(sum(map(rational, row), fmpq(0)) == 1 for row in targets.tolist())


ENTROPIES = {"cross_entropy": CrossEntropyBlock, "bce": BinaryCrossEntropyBlock}


def block_of(loss, rows, weights, K):
    """The part of a loss that some points make.

    Parameters
    ----------
    loss : {"mse", "class_weighted", "cross_entropy", "bce"}
        The first two differ in the weights only, which are given.
    rows : slice
    weights : array, shape (n,)
        In the numbers of the cell.
    K : int
        Number of outputs.
    """
    if loss in ENTROPIES:
        return ENTROPIES[loss](rows, weights)
    identity = np.eye(K)
    if isinstance(weights, Balls):
        identity = Balls(identity)
    elif weights.dtype == object:
        identity = as_objects([arb(v) for v in identity.ravel().tolist()], (K, K))
    return Block(rows, weights, identity)


def softmax(outputs):
    """Rows e^f_k / sum_j e^f_j, shape (n, K)."""
    if isinstance(outputs, Balls):
        return _between_0_and_1(of_arbs(softmax(exactly(outputs)).ravel().tolist(), outputs.shape))
    powers = np.exp(outputs - _peaks(outputs))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(outputs):
    """1 / (1 + e^-f)."""
    if isinstance(outputs, Balls):
        return _between_0_and_1(of_arbs(sigmoid(exactly(outputs)).ravel().tolist(), outputs.shape))
    half = outputs / 2
    return (np.tanh(half) + 1) / 2


def _log_sum(outputs):
    """log sum_k e^f_k, shape (n,)."""
    if isinstance(outputs, Balls):
        return _known(of_arbs(_log_sum(exactly(outputs)).tolist(), outputs.shape[:1]))
    peaks = _peaks(outputs)
    return np.log(np.exp(outputs - peaks).sum(axis=1)) + peaks[:, 0]


def _log_one_plus(outputs):
    """log(1 + e^f) = max(f, 0) + log(1 + e^-|f|)."""
    if isinstance(outputs, Balls):
        return _known(of_arbs(_log_one_plus(exactly(outputs)).ravel().tolist(), outputs.shape))
    if outputs.dtype != object:
        return np.logaddexp(0.0, outputs)
    # either form is right whatever the sign; this one keeps exponentials small
    positive = np.array([a.mid() > 0 for a in outputs.ravel().tolist()]).reshape(outputs.shape)
    sign = np.where(positive, -1, 1)
    return np.log(np.exp(outputs * sign) + 1) + outputs * np.where(positive, 1, 0)


def _peaks(outputs):
    """A number near the largest output of each point, shape (n, 1); right is any."""
    if outputs.dtype != object:
        return outputs.max(axis=1, keepdims=True)
    rows = [max((a.mid() for a in row), key=float) for row in outputs.tolist()]
    return as_objects(rows, (len(rows), 1))


def _known(balls):
    """Balls without nan: what is not a number is not known."""
    return Balls.rounded(balls.mid, balls.rad, 0)


def _between_0_and_1(balls):
    """What balls share with [0, 1], in balls."""
    balls = _known(balls)
    return Balls.between(np.maximum(balls.lower, 0.0), np.minimum(balls.upper, 1.0))
