"""One network trained down a ladder of losses, from a random start of its own."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_count
from geomcore.display.lines import told_in_brief
from geomcore.network import ReLUNetwork
from training.descent.optimizers import Adam
from training.descent.stopping import LossBelow
from training.descent.trainer import train
from training.dynamics.ladder import THRESHOLDS, LossLadder, Rung

LEARNING_RATE, BATCH = 5e-4, 128  # of Adam
RECORDS = 640  # looks at the loss
PLATEAU, GAIN = 200, 0.01  # records in which the least loss must fall by this fraction
# Steps, for images of up to so many pixels and for larger ones, whose steps take a hundred times
# as long and who need far fewer.
STEPS, WIDE, STEPS_WIDE = 16_000, 128, 600
MOST_RECORDS = 300  # that are kept of the course


@told_in_brief
class Trained(NamedTuple):
    """A network on its way down.

    Attributes
    ----------
    rungs : list of Rung
        The highest threshold first. If none was reached, the end of training, with the
        threshold inf.
    recorded : ndarray of int, shape (R,)
    losses : ndarray, shape (R,)
        The course of the loss, thinned out.
    steps : int
    stop_reason : str
    """

    rungs: list
    recorded: np.ndarray
    losses: np.ndarray
    steps: int
    stop_reason: str

    @property
    def network(self):
        """The network of the lowest rung."""
        return self.rungs[-1].network


@dataclass(frozen=True)
class Standstill:
    """Stop where the least loss has not fallen for long.

    Other than `training.Plateau` it does not mind single losses that are higher, as the steps of
    Adam make them.

    Parameters
    ----------
    records : int
        In so many records the least loss must fall.
    gain : float
        By this fraction.

    Examples
    --------
    >>> from training.descent.stopping import Progress
    >>> losses = [np.array([x]) for x in (1.0, 0.5, 2.0, 0.499)]
    >>> [Standstill(2, 0.01).met(Progress(r, losses[:r + 1], np.array([0])))[0] for r in (2, 3)]
    [np.False_, np.True_]
    """

    records: int = PLATEAU
    gain: float = GAIN
    reason = "plateau"

    def met(self, progress):
        if len(progress.losses) <= self.records:
            return np.zeros(len(progress.running), dtype=bool)
        losses = np.array(progress.losses)[:, progress.running]
        before = losses[: -self.records].min(axis=0)
        return losses[-self.records :].min(axis=0) > (1 - self.gain) * before


def budget(d):
    """Steps for images of `d` pixels, where nobody says how many."""
    return STEPS if d <= WIDE else STEPS_WIDE


def random_start(d, Q, rng):
    """A network of Q + 1 layers, all hidden ones as wide as the input.

    Parameters
    ----------
    d, Q : int
        Inputs and classes.
    rng : numpy.random.Generator

    Returns
    -------
    ReLUNetwork
        Gaussian weights of variance 2 / fan-in, biases 0.
    """
    widths = (d,) * (Q + 1) + (Q,)
    weights = [rng.standard_normal((m, n)) * np.sqrt(2 / n) for n, m in pairwise(widths)]
    return ReLUNetwork(weights, [np.zeros(m) for m in widths[1:]])


def streams(seed, start):
    """The random streams of one start: of its parameters, and of its batches.

    They do not depend on the loss, so that runs of two losses differ in it alone.
    """
    root = np.random.SeedSequence(seed, spawn_key=(1, start))
    return [np.random.default_rng(child) for child in root.spawn(2)]


def descend(X, y, *, loss, seed, start, steps, thresholds=THRESHOLDS, watch=()):
    """Train one start to the lowest threshold, a plateau, or the end of its steps.

    Parameters
    ----------
    X, y : ndarray, shapes (N, d), (N,)
    loss : str
    seed, start : int
        See `streams`.
    steps : int
    thresholds : sequence of float, optional
        Of the loss.
    watch : callable or sequence of them, optional
        Called with a snapshot at each record.

    Returns
    -------
    Trained
    """
    parameters, batches = streams(seed, start)
    net = random_start(X.shape[1], len(np.unique(y)), parameters)
    ladder, steps = LossLadder(thresholds), as_count(steps, "steps")
    done = train(
        net,
        X,
        y,
        loss=loss,
        optimizer=Adam(LEARNING_RATE),
        batch_size=min(BATCH, len(X)),
        steps=steps,
        record=max(1, steps // RECORDS),
        stop=(LossBelow(ladder.thresholds[-1]), Standstill()),
        callbacks=(ladder, *([watch] if callable(watch) else watch)),
        rng=batches,
    )
    rungs = ladder.rungs() or [Rung(np.inf, done.steps, done.final_loss, done.network)]
    kept = np.unique(np.geomspace(1, len(done.recorded), MOST_RECORDS).round().astype(int)) - 1
    return Trained(rungs, done.recorded[kept], done.losses[kept], done.steps, done.stop_reason)
