"""Networks on their way down: each kept when its loss first reaches a threshold."""

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array
from geomcore.display.lines import brief, listed
from geomcore.network import Network

THRESHOLDS = tuple(10.0**-k for k in range(1, 9))


class Rung(NamedTuple):
    """A network at the first record with a loss of at most a threshold.

    Attributes
    ----------
    threshold : float
    step : int
        Steps done before it.
    loss : float
    network : Network
    """

    threshold: float
    step: int
    loss: float
    network: Network

    __repr__ = brief


class LossLadder:
    """A callback for `training.train` and `training.train_ensemble` that keeps networks by loss.

    Parameters
    ----------
    thresholds : sequence of float, optional
        Positive; default 1e-1, 1e-2, ..., 1e-8.

    Raises
    ------
    ValueError
        If there are none, or one is not positive.

    Notes
    -----
    Losses are looked at when they are recorded; if one falls past several thresholds between two
    records, the same network stands on all of these rungs.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> from training import train
    >>> ladder = LossLadder([1.0, 1e-2, 1e-30])
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> done = train(net, [[0.0], [1.0]], [[1.0], [3.0]], steps=40, callbacks=ladder)
    >>> [(rung.threshold, rung.loss <= rung.threshold) for rung in ladder.rungs()]
    [(1.0, True), (0.01, True)]
    """

    def __init__(self, thresholds=THRESHOLDS):
        values = as_array(thresholds, "thresholds", 1)
        if not len(values) or not (values > 0).all():
            raise ValueError(f"thresholds must be positive numbers, got {thresholds!r}")
        self.thresholds = tuple(np.unique(values)[::-1].tolist())
        self._rungs = {}

    def __repr__(self):
        return listed(self, {"thresholds": self.thresholds, "trials": len(self._rungs)})

    def __call__(self, snapshot):
        """Keep what has reached a rung; of a `training.descent.problem.Snapshot`."""
        for a, (trial, loss) in enumerate(zip(snapshot.trials, snapshot.losses, strict=True)):
            kept = self._rungs.setdefault(int(trial), [])
            passed = [t for t in self.thresholds[len(kept) :] if loss <= t]
            if passed:
                net = snapshot.network(a)
                kept += [Rung(t, snapshot.step, float(loss), net) for t in passed]

    def rungs(self, trial=0):
        """The rungs that a trial has reached, the highest threshold first; a list of `Rung`."""
        return list(self._rungs.get(trial, []))
