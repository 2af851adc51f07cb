"""The search for the best two-layer network: price, prove, take in, turn."""

import time

import numpy as np

from constructions.two_layer.answer import Round, TwoLayerOptimum
from constructions.two_layer.best_neuron import best_neuron
from constructions.two_layer.bound import two_layer_bound
from constructions.two_layer.generation.columns import Columns
from constructions.two_layer.generation.scaling import scaled

# New neurons in a round, and random directions to climb from, times the dimension.
NEW, STARTS = 12, 8
# How near to the value the oracle bounds it in a round, at most, and cones for that.
COARSE, CONES = 1e-2, 1000
# What of the gap is left to the oracle when its bound is to be the proof.
SHARE = 0.25
# Rounds without a fall of the loss by this part of it after which no more is tried.
STILL, ROUNDING = 4, 1e-13


class Budget:
    """What a search may use, and since when it runs."""

    def __init__(self, rounds, nodes, seconds):
        self.rounds, self.nodes, self.seconds = rounds, nodes, seconds
        self.begin()

    def begin(self):
        """Count from now."""
        self.started = time.perf_counter()

    @property
    def used(self):
        return time.perf_counter() - self.started

    @property
    def is_over(self):
        """Whether half of the time is used; the rest is for the last proof."""
        return self.seconds is not None and self.used >= self.seconds / 2

    @property
    def left(self):
        """Seconds for the next proof: what is left, and no less than a tenth of all."""
        return None if self.seconds is None else max(self.seconds - self.used, self.seconds / 10)

    def clock(self):
        """Whether what is `left` now is used, as a function to ask later."""
        end = None if self.seconds is None else self.used + self.left
        return lambda: end is not None and self.used >= end


class Search:
    """One run: the neurons in use, the best multipliers so far and what is proved."""

    def __init__(self, X, Y, omega, gap, output_bias, budget, rng):
        self.X, self.target, self.decay = X, Y, omega
        self.output_bias = output_bias
        self.problem = problem = scaled(X, Y, omega, output_bias == "free")
        self.columns = Columns(problem.rows, problem.Y, problem.omega, problem.is_free)
        self.gap, self.budget, self.rng = gap, budget, rng
        self.dual, self.best_multipliers, self.largest = -np.inf, None, np.inf
        self.proved = 0.0
        self.still, self.last_loss = 0, np.inf

    def round(self):
        """Price, prove if that may do, take in new neurons and turn all; why to stop, or None."""
        columns = self.columns
        found = self._priced()
        self._keep_dual(found.bound)
        W = found.candidates
        # what the gap would be if there were no better neuron
        near = 1 - SHARE if found.finished else SHARE / 2
        if columns.loss - self._dual(found.value) <= near * self.gap * columns.loss:
            proof = self._proof(self._network(), self.budget.nodes)
            if self._gap_to(proof.loss) <= self.gap:
                return "gap"
            W = np.concatenate([proof.oracle.candidates, W])
            if not proof.oracle.finished and not len(self._better(W)):
                return "oracle"
        fell = columns.loss < self.last_loss * (1 - ROUNDING)
        self.still = 0 if fell else self.still + 1
        self.last_loss = columns.loss
        if self.still >= STILL:
            return "stalled"
        columns.add(self._better(W))
        columns.turn(lambda: self.budget.is_over)
        return None

    def record(self, number):
        """The `Round` that has just been."""
        return Round(
            number,
            len(self.columns.W),
            self.problem.loss(self.columns.loss),
            self.largest,
            self.problem.loss(max(self.dual, 0.0)),
            self.budget.used,
        )

    def _priced(self):
        """`best_neuron` for the multipliers as they are, with little effort."""
        columns, p = self.columns, self.problem.rows.shape[1]
        found = best_neuron(
            self.problem.rows,
            columns.multipliers,
            rtol=min(COARSE, max(SHARE * self.gap, 1e-12)),
            nodes=CONES,
            seconds=self.budget.left,
            bias=False,
            incumbent=np.concatenate([columns.W, self.rng.standard_normal((STARTS * p, p))]),
        )
        self.largest = found.value / self.problem.omega
        return found

    def _better(self, W):
        """Those of some directions that would lower the loss, the best ones first."""
        hidden = np.maximum(self.problem.rows @ W.T, 0)
        values = np.linalg.norm(hidden.T @ self.columns.multipliers, axis=1)
        order = np.argsort(-values, kind="stable")[:NEW]
        return W[order[values[order] > self.problem.omega * (1 + SHARE * self.gap)]]

    def _dual(self, largest):
        """The dual bound if no unit neuron agrees with the multipliers more than `largest`."""
        L, Y = self.columns.multipliers, self.problem.Y
        linear, square = -float((L * Y).sum()), len(Y) / 4 * float((L * L).sum())
        if not square > 0:
            return 0.0
        s = linear / (2 * square)
        if largest > 0:
            s = min(s, self.problem.omega / largest)
        return s * linear - s * s * square

    def _keep_dual(self, largest):
        value = self._dual(largest)
        if value > self.dual:
            self.dual, self.best_multipliers = value, self.columns.multipliers

    def _network(self):
        return self.problem.network(self.columns.W, self.columns.V)

    def _proof(self, network, nodes, multipliers=None):
        """`two_layer_bound` of a network; its bound is kept if it is the best one."""
        proof = two_layer_bound(
            network,
            self.X,
            self.target,
            weight_decay=self.decay,
            fit_last=False,
            output_bias=self.output_bias,
            multipliers=multipliers,
            rtol=SHARE * self.gap,
            nodes=nodes,
            seconds=self.budget.left,
        )
        self.proved = max(self.proved, proof.lower_bound)
        return proof

    def _gap_to(self, loss):
        return (loss - self.proved) / loss if loss > 0 else 0.0

    def finished(self, reason, width, history):
        """The answer, with everything in it proved."""
        columns = self.columns
        columns.reduce(self.problem.mean)
        if reason not in ("gap", "oracle"):
            self._proof(self._network(), self.budget.nodes)
        if self.problem.loss(self.dual) > self.proved:
            self._proof(self._network(), CONES, self.best_multipliers)
        if width is not None and len(columns.W) > width:
            columns.shrink_to(width, self.budget.clock())
            reason = "width"
        network = self._network()
        loss = self._proof(network, 1).loss
        found = TwoLayerOptimum(
            network=network,
            loss=loss,
            lower_bound=min(self.proved, loss),
            weight_decay=self.decay,
            asked=self.gap,
            reason=reason,
            neurons=len(columns.W),
            neurons_before=max(columns.in_use, len(columns.W)),
            history=tuple(history),
            seconds=self.budget.used,
        )
        return found, columns.W
