"""The neurons in use and the moves that change them: new ones, turned ones, merged ones."""

import numpy as np
from scipy.linalg import helmert

from constructions.two_layer.generation.master import group_lasso
from constructions.two_layer.generation.merge import at_a_vertex, merged_neurons
from constructions.two_layer.generation.refine import turned

# Newton steps in a round, and the relative fall of the loss below which they end.
TURNS, SMALL_FALL = 8, 1e-10
# Cosine of outputs, and part of the length of a point, from which neurons are nearly one.
NEARLY, NEAR = 0.999, 1e-5
# What each parameter may be moved by for fewer neurons: rounding, twice what storing it does.
ROUNDING = 4 * 2.0**-53


class Columns:
    """Unit neurons W (m, p) with output weights V (m, Q), none of them zero, and their loss.

    The loss is (1/N) |H V - Y|^2 + omega sum |v_j| with H the outputs of the unit neurons on the
    rows; the columns of H and of Y are centred if the output bias is free. Every move leaves it or
    makes it less.
    """

    def __init__(self, rows, Y, omega, is_free=True):
        self.rows, self.Y, self.omega, self.is_free = rows, Y, omega, is_free
        self.W, self.V = np.zeros((0, rows.shape[1])), np.zeros((0, Y.shape[1]))
        self.residual = -Y
        self.loss = float((Y**2).sum() / len(Y))
        self.in_use = 0  # before merging

    @property
    def multipliers(self):
        """The dual variables (2 / N) (F - Y), (N, Q)."""
        return self.residual * (2 / len(self.Y))

    def add(self, W):
        """Take in new directions (k, p), of which the master problem keeps those that help."""
        self._solve(np.concatenate([self.W, W]), _padded(self.V, len(W)))

    def turn(self, is_over=lambda: False, may_grow=True):
        """Newton steps on all directions at once, until the loss hardly falls."""
        for _ in range(TURNS):
            if not len(self.W) or is_over():
                return
            before = self.loss
            W = turned(self.rows, self.residual, self.W, self.V, self.omega, self.is_free)
            moved = self._solve(W, self.V) or self._solve(_between(self.W, W), self.V)
            if not moved and may_grow:
                self._solve(np.concatenate([W, self.W]), _padded(self.V, len(W)))
            if not self.loss < before * (1 - SMALL_FALL):
                return

    def reduce(self, bias=0.0):
        """As few neurons as span the same outputs, to what rounding makes of them.

        At most (N - 1) Q with a free output bias, which is near `bias` (Q,), and N Q without,
        unless these cost more than that.
        """
        if not len(self.W):
            return
        outputs, most = self._outputs(self.W), self.loss * (1 + 1e-13) + self._rounding(bias)
        if self.is_free and len(self.W) > self.Y.size - self.Y.shape[1]:
            # centred columns by N - 1 numbers, so that rounding makes them no more independent
            outputs = helmert(len(outputs)) @ outputs
        W, V = at_a_vertex(self.W, self.V, outputs)
        if not self._take(W, V, rtol=1e-13, most=most):
            V = group_lasso(self._outputs(W), self.Y, self.omega, V)
            self._take(W, V, rtol=1e-13, most=most)

    def shrink_to(self, width, is_over=lambda: False):
        """Give up the neurons that matter least until there are `width`, training what is left.

        Each round leaves one fewer: no step that follows adds any. When the time is over the
        rest is given up without training.
        """
        while len(self.W) > width:
            costs = [self._without(j) for j in range(len(self.W))]
            keep = np.arange(len(self.W)) != int(np.argmin(costs))
            self._take(self.W[keep], self.V[keep], rtol=np.inf, most=np.inf)
            if len(self.W) == width or not is_over():
                self._solve(self.W, self.V)
                self.turn(is_over, may_grow=False)

    def _outputs(self, W):
        hidden = np.maximum(self.rows @ W.T, 0)
        return hidden - hidden.mean(axis=0) if self.is_free else hidden

    def _rounding(self, bias):
        """The squared error that rounding may make, of the neurons in use as a network."""
        terms = np.abs(self.rows) @ np.abs(self.W).T @ np.abs(self.V)
        terms += np.abs(self.Y) + np.abs(bias)
        return ROUNDING**2 * float((terms**2).sum()) / len(terms)

    def _without(self, j):
        residual = self.residual - np.outer(self._outputs(self.W[j : j + 1]), self.V[j])
        return (residual**2).sum() / len(residual) - self.omega * np.linalg.norm(self.V[j])

    def _solve(self, W, start):
        """Whether the best last layer over W is better; then it is taken, and merged."""
        old = self.loss
        V = group_lasso(self._outputs(W), self.Y, self.omega, start)
        used = V.any(axis=1)
        W, V = W[used], V[used]
        if not self._take(W, V):
            return False
        self.in_use = len(W)
        if not len(W):
            return True
        self._take(*merged_neurons(self.rows, W, V), rtol=1e-12)
        # neurons that are nearly one may become one if the loss is still less than it was
        W, V = merged_neurons(self.rows, self.W, self.V, parallel=NEARLY, touching=NEAR)
        if len(W) < len(self.W):
            self._take(W, group_lasso(self._outputs(W), self.Y, self.omega, V), most=old)
        return True

    def _take(self, W, V, rtol=0.0, most=None):
        """Whether these neurons are better, or no worse to `rtol`; then they are those in use."""
        residual = self._outputs(W) @ V - self.Y
        loss = float((residual**2).sum() / len(residual))
        loss += self.omega * float(np.linalg.norm(V, axis=1).sum())
        most = self.loss * (1 + rtol) if most is None else most
        if not (loss <= most if rtol else loss < most):
            return False
        used = V.any(axis=1)
        W, V = W[used], V[used]
        self.W, self.V, self.residual, self.loss = W, V, residual, loss
        return True


def _between(W, target):
    """Unit directions a quarter of the way from W to others."""
    moved = 0.75 * W + 0.25 * target
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-300)


def _padded(V, more):
    return np.concatenate([V, np.zeros((more, V.shape[1]))])
