"""A training problem, normalised: the data on one side, how to train on the other."""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_labels, as_points
from geomcore.network import Network
from training.descent.batches import Batches
from training.descent.losses import offset_of, predicted
from training.descent.stopping import AccuracyFor, LossBelow, Plateau


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
        Their tensors, to be read but not changed.
    chain : Chain
    """

    step: int
    trials: np.ndarray
    losses: np.ndarray
    params: list
    chain: object

    def network(self, a=0):
        """The network of trial ``trials[a]`` at this moment."""
        return self.chain.network(self.params, a)


def as_problem(net, X, Y, loss):
    """Points, labels and loss as one `Problem`; ValueError where they do not fit."""
    targets = None
    if loss.name.endswith("bce") and getattr(net, "widths", (0,))[-1] == 1 and np.ndim(Y) == 1:
        # One logit tells two classes apart, the first by 0 and the second by 1.
        targets = [[0.0], [1.0]]
    X, labels = as_training_data(net, X, Y, targets=targets)
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


def as_training_data(net, X, Y, *, targets=None):
    """Points in double precision and labels that fit the network; at least one point."""
    if not isinstance(net, Network):
        raise ValueError(f"net must be a geomcore Network, got {type(net)}")
    widths = getattr(net, "widths", None)
    X = as_points(X, d=widths[0] if widths else None).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels = as_labels(Y, len(X), targets=targets, name="Y")
    if widths and labels.targets.shape[1] != widths[-1]:
        raise ValueError(
            f"Y must have {widths[-1]} columns (or as many classes), the outputs of the "
            f"network, got {labels.targets.shape[1]}"
        )
    return X, labels
