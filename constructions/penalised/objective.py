"""A loss with weight decay, or a cross-entropy, next to a stored network on data."""

from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.critical.balls import Balls, of_arbs
from constructions.critical.entropies import ENTROPIES, block_of, sum_to_one
from constructions.critical.points import as_objects, exactly
from constructions.penalised.series import loss_series
from constructions.proof.derivatives import (
    AtOutputs,
    gradient,
    gradient_terms,
    hessian,
    hessian_vector,
    length,
    one_sided_slope,
    output_series,
    pairs_of,
    smallest_eigenpair,
)
from constructions.proof.exact import above, ball_matrix, below, precision
from constructions.proof.stationarity import MOST_BALLS
from geomcore.parameters import flatten

ROWS = 4096  # of points whose outputs are followed at once


class Objective(NamedTuple):
    r"""The loss :math:`\sum_i \pi_i \ell(F_i, y_i) + \frac{\omega}{2} |\theta|^2`.

    It answers what `LocalProblem` answers, in all parameters.

    Attributes
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    labels : Labels
    loss_name : str
    weight_decay : float
        :math:`\omega`.
    weights : ndarray, shape (N,)
        Weight of each point in the loss.
    exact_weights, per_class : list of arb, lengths N and Q
        The same, exactly, by point and by class.
    free : ndarray of bool, shape (P,)
        All of them.
    enclosure : Enclosure
    loss : arb
        The loss of the network.
    """

    net: object
    X: np.ndarray
    labels: object
    loss_name: str
    weight_decay: float
    weights: np.ndarray
    exact_weights: list
    per_class: list
    free: np.ndarray
    enclosure: object
    loss: object

    offset = None

    @property
    def least(self):
        """A lower bound of the losses of all networks."""
        bounded = self.loss_name != "cross_entropy" or sum_to_one(self.labels.targets)
        return 0.0 if bounded else -np.inf

    @property
    def data(self):
        return self.net, self.X, self.labels.Y, self.weights

    def bounds(self):
        """Proved upper and lower bound of the loss."""
        return _bounds(self.loss, self.least)

    def bounds_at(self, net):
        """The same of another network."""
        return _bounds(self.loss_at(net), self.least)

    def loss_at(self, net):
        """A ball around the loss of a network."""
        parts = net, self.X, self.labels.Y, self.exact_weights
        with precision(self.enclosure.bits):
            return loss_ball(*parts, self.loss_name) + penalty(net, self.weight_decay)

    def stated_losses(self):
        """What `Certificate` calls loss, and the class-weighted one: a float, proved bounds."""
        enclosure, found = self.enclosure, []
        with precision(enclosure.bits):
            rest = penalty(self.net, self.weight_decay)
            balls = [enclosure.plain + rest, enclosure.weighted + rest]
        if self.loss_name in ENTROPIES:
            balls[0] = self.loss
        for ball, least in zip(balls, (self.least, 0.0), strict=True):
            found.append((float(ball.mid()) if ball.is_finite() else np.nan, _bounds(ball, least)))
        return found

    def accuracy(self):
        """Fraction of points whose own target fits best: the first of a tie, by balls."""
        T = self.labels.targets
        if self.loss_name not in ENTROPIES or len({float(row @ row) for row in T}) == 1:
            return self.enclosure.right / len(self.X)
        right, index = 0, self.labels.index
        with precision(self.enclosure.bits):
            for start, outputs in _outputs(self.net, self.X):
                q = index[start : start + len(outputs)]
                if isinstance(outputs, Balls):
                    scores, rows = outputs @ T.T, np.arange(len(q))
                    best = scores[rows, q].reshape(-1, 1)
                    ahead, behind = scores.upper < best.lower, scores.lower > best.upper
                    ahead[rows, q], behind[rows, q] = True, False
                    ahead, behind = ahead.all(axis=1), behind.any(axis=1)
                    right += int(ahead.sum())
                    left = ~(ahead | behind)
                    outputs, q = _in_arbs(self.net, self.X[start : start + len(q)][left]), q[left]
                right += sum(map(_is_first, (outputs @ exactly(T).T).tolist(), q.tolist()))
        return right / len(self.X)

    def last_bias(self, direction):
        """Nothing follows anything else."""
        return None

    def projected(self, vector):
        """A gradient as it is: all parameters may move."""
        return vector

    def gradient(self):
        """Gradient in all parameters."""
        return self.slope()

    def gradient_norm(self):
        """Its norm."""
        return length(self.slope())

    # What refutations ask for: in floating point, and at last in balls

    def value(self, net):
        """The loss of another network."""
        theta = flatten(net.tensors)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value = self._block(self.weights).value(net(self.X), self.labels.Y)
            found = float(value + self.weight_decay / 2 * (theta @ theta))
        return np.inf if np.isnan(found) else found

    def slope(self, net=None, *, kinks=False):
        """The gradient there, or of another network, with 1 or 0 for that of the ReLU at zero."""
        net = net or self.net
        found = gradient(net, *self.data[1:], kinks=kinks, loss=self._at_outputs())
        return found + self.weight_decay * flatten(net.tensors)

    def one_sided_slope(self, direction):
        """How fast the loss changes along a direction."""
        found = one_sided_slope(*self.data, direction, loss=self._at_outputs())
        return found + self.weight_decay * float(flatten(self.net.tensors) @ direction)

    def hessian(self):
        """Within the cell, shape (P, P)."""
        found = hessian(*self.data, loss=self._at_outputs())
        return found + self.weight_decay * np.eye(len(found))

    def hessian_vector(self, direction):
        """The same times a direction."""
        found = hessian_vector(*self.data, direction, loss=self._at_outputs())
        return found + self.weight_decay * direction

    def smallest_eigenpair(self):
        """Of the Hessian, as in `derivatives`; the penalty adds the same to all eigenvalues."""
        value, largest, direction = smallest_eigenpair(
            *self.data, self.free, loss=self._at_outputs()
        )
        if value is None:
            return None, None, None
        return value + self.weight_decay, largest + self.weight_decay, direction

    def gradient_scale(self):
        """Norm of the gradient if no term cancelled another."""
        net, X, Y, weights = self.data
        size = np.abs(self._block(weights).slope(net(X), Y))
        # where all residuals vanish, rounding is measured against the targets
        size = size + 1e-6 * weights[:, None] * np.maximum(np.abs(Y), self.loss_name in ENTROPIES)
        decays = self.weight_decay * length(flatten(net.tensors))
        return length(np.append(gradient_terms(net, X, size), decays))

    def series(self, direction, order):
        """Coefficients of the loss along a direction, for small steps, at the present precision."""
        series = output_series(self.net, self.X, direction, order)
        if series is None:
            return None
        shape = len(self.X), self.net.widths[-1]
        outputs = [as_objects(term.entries(), shape) for term in series]
        weights = as_objects(self.exact_weights, (len(self.X),))
        found = loss_series(self.loss_name, outputs, self.labels.Y, weights)
        theta = exactly(flatten(self.net.tensors))
        way, half = exactly(direction), arb(self.weight_decay) / 2
        squares = [(theta * theta).sum(), 2 * (theta * way).sum(), (way * way).sum()]
        return [c + half * s for c, s in zip(found[:3], squares, strict=False)] + found[3:]

    def _block(self, weights):
        return block_of(self.loss_name, slice(0, len(weights)), weights, self.net.widths[-1])

    def _at_outputs(self):
        """The loss as `constructions.proof.derivatives` takes it."""

        def bent(outputs, Y, weights, direction):
            rows = direction.reshape(-1, 1)
            return self._block(weights).curved(outputs, Y, rows).reshape(outputs.shape)

        return AtOutputs(lambda outputs, Y, weights: self._block(weights).slope(outputs, Y), bent)


def _is_first(scores, q):
    """Whether a score is proved to be the largest, the first one of a tie."""
    gaps = [(j, scores[q] - score) for j, score in enumerate(scores)]
    return all(gap > 0 or (j > q and gap >= 0) for j, gap in gaps if j != q)


def _bounds(ball, least):
    """Upper and lower bound as floats of a loss that is at least so large."""
    return (above(ball), max(below(ball), least)) if ball.is_finite() else (np.inf, least)


def penalty(net, decay):
    """Half the decay times the square of all parameters, arb."""
    total = arb(0)
    for tensor in net.tensors if decay else ():
        M = ball_matrix(tensor.reshape(1, -1))
        total += (M * M.transpose()).entries()[0]
    return total * decay / 2


def loss_ball(net, X, Y, weights, loss):
    """The weighted sum of the losses of all points, arb.

    Parameters
    ----------
    net : ReLUNetwork
    X, Y : ndarray, shapes (N, d), (N, K)
    weights : list of arb, length N
    loss : str
    """
    total = arb(0)
    for start, outputs in _outputs(net, X):
        rows = slice(start, start + len(outputs))
        own, n = weights[rows], len(outputs)
        if isinstance(outputs, Balls):
            block = block_of(loss, slice(0, n), of_arbs(own, (n,)), net.widths[-1])
            value = block.value(outputs, Balls(Y[rows]))
            total += arb(float(value.mid), float(value.rad))
        else:
            block = block_of(loss, slice(0, n), as_objects(own, (n,)), net.widths[-1])
            total += block.value(outputs, exactly(Y[rows]))
    return total


def _outputs(net, X):
    """(first row, outputs of some points): object arrays of arb, or `Balls` if there are many."""
    large = len(X) * sum(net.widths) > MOST_BALLS
    for start in range(0, len(X), ROWS):
        rows = X[start : start + ROWS]
        yield start, _in_floats(net, rows) if large else _in_arbs(net, rows)


def _in_arbs(net, X):
    h, ones = ball_matrix(X), ball_matrix(np.ones((len(X), 1)))
    for l, (W, b) in enumerate(pairs_of(net)):
        h = h * ball_matrix(W).transpose() + ones * ball_matrix(b[None])
        if l < len(net.weights) - 1:
            for i, a in enumerate(h.entries()):
                if not a > 0:
                    h[divmod(i, h.ncols())] = arb(0) if a <= 0 else (a + abs(a)) / 2
    return as_objects(h.entries(), (len(X), net.widths[-1]))


def _in_floats(net, X):
    with np.errstate(over="ignore", invalid="ignore"):
        h = Balls(X)
        for l, (W, b) in enumerate(pairs_of(net)):
            h = h @ W.T + b
            if l < len(net.weights) - 1:
                h = Balls.between(np.maximum(h.lower, 0), np.maximum(h.upper, 0))
    return h
