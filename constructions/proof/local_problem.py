"""The loss next to a stored network on data, as proofs and refutations ask for it."""

from typing import NamedTuple

import numpy as np
from flint import arb_mat

from constructions.proof.derivatives import (
    gradient,
    gradient_terms,
    hessian,
    hessian_vector,
    joined,
    length,
    line_series,
    one_sided_slope,
    pairs_of,
    smallest_eigenpair,
)
from constructions.proof.enclosure import enclose
from constructions.proof.exact import ball_matrix


class LocalProblem(NamedTuple):
    """The loss near a network on data, in the parameters that may move.

    Attributes
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    labels : Labels
    loss_name : str
        "mse" or "class_weighted".
    weights : ndarray, shape (N,)
        Weight of each point in the loss.
    exact_weights, per_class : list of arb, lengths N and Q
        The same, exactly, by point and by class.
    free : ndarray of bool, shape (P,)
    offset : list of arb or None
        If given, only the cumulative W^(L) moves, the cumulative bias b^(L)
        being held: b_L follows W_L as -W_L offset, with offset = b^(L-1).
    enclosure : Enclosure
    """

    net: object
    X: np.ndarray
    labels: object
    loss_name: str
    weights: np.ndarray
    exact_weights: list
    per_class: list
    free: np.ndarray
    offset: list | None
    enclosure: object

    least = 0.0  # a lower bound of the losses of all networks

    @property
    def data(self):
        return self.net, self.X, self.labels.Y, self.weights

    def bounds(self):
        """Proved upper and lower bound of the loss in question."""
        return self.enclosure.bounds(self.loss_name)

    def bounds_at(self, net):
        """The same of another network."""
        return enclose(net, self.X, self.labels).bounds(self.loss_name)

    def stated_losses(self):
        """Of the mean over points, and of the class-weighted loss: a float, proved bounds."""
        with np.errstate(over="ignore", invalid="ignore"):
            error = ((self.net(self.X) - self.labels.Y) ** 2).sum(axis=1)
            means = np.bincount(self.labels.index, error) / np.bincount(self.labels.index)
        bounds = self.enclosure.bounds
        values = (float(error.mean()), "mse"), (float(means.sum()), "class_weighted")
        return [(value, bounds(name)) for value, name in values]

    def accuracy(self):
        """Fraction of points whose output is nearest to the target of their own class."""
        return self.enclosure.right / len(self.X)

    @property
    def loss(self):
        """A ball around the loss in question."""
        return self.enclosure.plain if self.loss_name == "mse" else self.enclosure.weighted

    def gradient(self):
        """Gradient in the parameters that may move, as a vector of all parameters."""
        return self.projected(self.slope())

    def gradient_norm(self):
        """Norm of the gradient in the parameters that may move: W^(L) alone, if that is one."""
        g = self.gradient()
        return length(g if self.offset is None else pairs_of(self.net, g)[-1][0])

    def projected(self, vector):
        """A gradient in all parameters, as one in those that may move."""
        vector = vector * self.free
        if self.offset is None:
            return vector
        offset = np.array([float(v.mid()) for v in self.offset])
        pairs = pairs_of(self.net, vector)
        W, b = pairs[-1]
        G = W - np.outer(b, offset)
        return joined([*pairs[:-1], (G, -G @ offset)])

    def last_bias(self, direction):
        """How exactly the last bias moves along a direction, if it follows the last weight."""
        if self.offset is None:
            return None
        V = ball_matrix(pairs_of(self.net, direction)[-1][0])
        return [-a for a in (V * arb_mat([[v] for v in self.offset])).entries()]

    # What refutations ask for, in all parameters: in floating point, and at last in balls

    def value(self, net):
        """The loss of another network."""
        _, X, Y, weights = self.data
        with np.errstate(over="ignore", invalid="ignore"):
            return float(weights @ ((net(X) - Y) ** 2).sum(axis=1))

    def slope(self, net=None, *, kinks=False):
        """The gradient there, or of another network, with 1 or 0 for that of the ReLU at zero."""
        return gradient(net or self.net, *self.data[1:], kinks=kinks)

    def one_sided_slope(self, direction):
        """How fast the loss changes along a direction."""
        return one_sided_slope(*self.data, direction)

    def hessian(self):
        """Within the cell, shape (P, P)."""
        return hessian(*self.data)

    def hessian_vector(self, direction):
        """The same times a direction."""
        return hessian_vector(*self.data, direction)

    def smallest_eigenpair(self):
        """Of the Hessian in the parameters that may move, as in `derivatives`."""
        return smallest_eigenpair(*self.data, self.free)

    def gradient_scale(self):
        """Norm of the gradient if no term cancelled another."""
        net, X, Y, weights = self.data
        delta = np.abs(2 * weights[:, None] * (net(X) - Y))
        floor = np.abs(2 * weights[:, None] * Y) * 1e-6
        # where all residuals vanish, rounding is measured against the targets
        return length(gradient_terms(net, X, delta + floor))

    def series(self, direction, order):
        """`line_series` along a direction, at the present precision."""
        last = self.last_bias(direction)
        weights = self.exact_weights
        return line_series(
            self.net, self.X, self.labels.Y, weights, direction, order, last_bias=last
        )
