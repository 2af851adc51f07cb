"""A training problem, normalised: the data on one side, how to train on the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import Labels, as_count, as_labels, as_points, check_network, read_only
from geomcore.foreign.choices import as_flag
from geomcore.foreign.wording import counted
from geomcore.network import Network
from geomcore.stack import Stack
from geomcore.typing import Array, Integers
from training.descent.batches import Batches
from training.descent.losses import offset_of, predicted
from training.descent.optimizers import check_optimizer
from training.descent.penalties import as_terms
from training.descent.stopping import AccuracyFor, LossBelow, Plateau, as_rules

MOST_STEPS = 10**15
# Outputs are off by some units in their last place, losses at a minimum by the squares of those.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Problem:
    """The points, what is wanted of them, and the loss.

    Attributes
    ----------
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, k)
    index : ndarray of int, shape (N,)
        Class of every point.
    targets : ndarray, shape (Q, k)
        What is wanted for each class.
    loss : loss object
    weights : ndarray, shape (N,)
        Weight of every point in the loss.
    offset : ndarray, shape (Q,)
        See `training.descent.losses.predicted`.
    """

    X: np.ndarray
    Y: np.ndarray
    index: np.ndarray
    targets: np.ndarray
    loss: object
    weights: np.ndarray
    offset: np.ndarray

    @property
    def rounding(self):
        """A loss that is nothing beside that of the best constant output; 0 if it is not known."""
        if not hasattr(self.loss, "constant_loss"):
            return 0.0
        return ROUNDING * float(self.loss.constant_loss(self.Y, self.weights))

    def losses(self, outputs):
        """Loss over all points, (T, N, k) to (T,); inf where it is no number."""
        # Not a matrix-vector product: BLAS may sum a row differently when there are more rows.
        values = (self.loss.value(outputs, self.Y) * self.weights).sum(axis=1)
        return np.where(np.isfinite(values), values, np.inf)

    def accuracies(self, outputs):
        """Fraction of points with the right class, (T, N, k) to (T,)."""
        right = predicted(outputs, self.targets, self.offset) == self.index
        # The same quotient of whole numbers in every engine.
        return right.sum(axis=1) / len(self.index)


@dataclass(frozen=True, eq=False)
class Plan:
    """How to train: everything but the data and the networks.

    Attributes
    ----------
    optimizer : optimizer
    batches : Batches or None
        None: all points at each step.
    steps, record : int
        Step budget, and steps between records.
    rules, penalties, constraints, callbacks : tuple
    """

    optimizer: object
    batches: Batches | None
    steps: int
    record: int
    rules: tuple
    penalties: tuple
    constraints: tuple
    callbacks: tuple

    @property
    def needs_all_trials(self):
        """Whether something of the user's own looks at the trials, which then go together."""
        own = (LossBelow, AccuracyFor, Plateau)
        return bool(self.callbacks) or not all(type(rule) in own for rule in self.rules)

    @property
    def needs_accuracy(self):
        """Whether a stopping rule looks at accuracies."""
        return any(getattr(rule, "needs_accuracy", False) for rule in self.rules)

    def is_record(self, step):
        """Whether the losses are recorded after so many steps."""
        return step % self.record == 0 or step == self.steps


def as_plan(
    n, optimizer, batch_size, drop_last, steps, stop, penalties, constraints, callbacks, record
):
    """Check how to train on `n` points, the arguments of `training.train`; return a `Plan`."""
    check_optimizer(optimizer)
    drop_last = as_flag(drop_last, "drop_last")
    batches = None
    if batch_size is not None and as_count(batch_size, "batch_size") < n:
        batches = Batches(n, int(batch_size), drop_last)
    if record is None:
        record = 1 if batches is None else batches.per_epoch
    return Plan(
        optimizer=optimizer,
        batches=batches,
        steps=_as_steps(steps),
        record=as_count(record, "record"),
        rules=as_rules(stop),
        penalties=as_terms(penalties, "penalties", ("tensors", "gradient")),
        constraints=as_terms(constraints, "constraints", ("tensors", "project")),
        callbacks=as_terms(callbacks, "callbacks", ("__call__",)),
    )


def _as_steps(steps):
    """A number of steps that a kernel can count."""
    steps = as_count(steps, "steps", least=0)
    if steps > MOST_STEPS:
        raise ValueError(f"steps must be at most {MOST_STEPS:,}, got {str(steps)[:30]}")
    return steps


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a callback gets at each record, before a trial that has just met a rule is taken out.

    Attributes
    ----------
    step : int
        Steps done so far.
    trials : ndarray of int, shape (A,)
        The trials that have been running up to here.
    losses : ndarray, shape (A,)
    params : list of ndarray, each of shape (A, ...)
        Their tensors, read-only: a callback looks on and changes nothing.
    stacked : Stack
    """

    step: int
    trials: Integers
    losses: Array
    params: list[Array]
    stacked: Stack

    def __post_init__(self) -> None:
        object.__setattr__(self, "trials", read_only(self.trials))
        object.__setattr__(self, "params", [read_only(p) for p in self.params])

    def network(self, a: int = 0) -> Network:
        """The network of trial ``trials[a]`` at this moment."""
        return self.stacked.network(self.params, a)


def as_problem(net, X, Y, loss):
    """Points, labels and loss as one `Problem`; ValueError where they do not fit."""
    X, labels = as_training_data(net, X, Y, loss=loss)
    if hasattr(loss, "check"):
        loss.check(labels.Y)
    return Problem(
        X=X,
        Y=labels.Y,
        index=labels.index,
        targets=labels.targets,
        loss=loss,
        weights=loss.weights(labels.index),
        offset=offset_of(loss, labels.targets),
    )


def as_training_data(net, X, Y, *, loss=None, targets=None):
    """Points in double precision and labels that fit the network; at least one point.

    Labels that have been normalised already are taken as they are. For a loss
    on logits and a network with one output two labels mean 0 and 1.
    """
    check_network(net, Network)
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    if isinstance(Y, Labels):
        labels = Y
    else:
        labels = as_labels(Y, len(X), targets=targets)
        is_bce = loss is not None and loss.name.endswith("bce")
        if is_bce and targets is None and np.ndim(Y) == 1 and net.widths[-1] == 1:
            labels = as_labels(Y, len(X), targets=[[0.0], [1.0]])
    outputs = net.widths[-1]
    if outputs is not None and labels.targets.shape[1] != outputs:
        raise ValueError(
            f"y must have {counted(outputs, 'column')} (or as many classes), the outputs of the "
            f"network, got {labels.targets.shape[1]}"
        )
    return X, labels
