"""Networks on their way down, kept at a ladder of losses; whether they collapse on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geomcore.arrays import as_array
from geomcore.display.lines import listed, told_in_brief
from geomcore.foreign.wording import counted
from geomcore.network import Network
from training.dynamics.collapse import neural_collapse
from training.dynamics.dependence import LEAST_SEEDS, rate_dependence
from training.dynamics.moments import as_moments
from training.dynamics.numbers import as_measured
from training.output.verdicts import FAILS, HOLDS, UNDECIDED, Verdict

if TYPE_CHECKING:
    from training.descent.problem import Snapshot

THRESHOLDS = tuple(10.0**-k for k in range(1, 9))
NO_TREND = 0.01  # decades per decade


@told_in_brief
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

    def __init__(self, thresholds: Sequence[float] = THRESHOLDS) -> None:
        values = as_array(thresholds, "thresholds", 1)
        if not len(values) or not (values > 0).all():
            raise ValueError(f"thresholds must be positive numbers, got {thresholds!r}")
        self.thresholds = tuple(np.unique(values)[::-1].tolist())
        self._rungs = {}

    def __repr__(self):
        return listed(self, {"thresholds": self.thresholds, "trials": len(self._rungs)})

    def __call__(self, snapshot: Snapshot) -> None:
        """Keep what has reached a rung; of a `training.descent.problem.Snapshot`."""
        for a, (trial, loss) in enumerate(zip(snapshot.trials, snapshot.losses, strict=True)):
            kept = self._rungs.setdefault(int(trial), [])
            passed = [t for t in self.thresholds[len(kept) :] if loss <= t]
            if passed:
                net = snapshot.network(a)
                kept += [Rung(t, snapshot.step, float(loss), net) for t in passed]

    def rungs(self, trial: int = 0) -> list[Rung]:
        """The rungs that a trial has reached, the highest threshold first; a list of `Rung`."""
        return list(self._rungs.get(trial, []))


def ladder_collapse(rungs, X, y, *, loss="mse", targets=None, rtol=None):
    """Measure neural collapse on every rung of a ladder.

    Parameters
    ----------
    rungs : sequence of Rung
        Of `LossLadder.rungs`.
    X, y, loss, targets, rtol : optional
        As for `neural_collapse`.

    Returns
    -------
    pandas.DataFrame
        The columns of `NeuralCollapse.frame` with threshold, step and loss before them; a row for
        each rung, layer and space.

    Raises
    ------
    ValueError
        If there are no rungs, or the data do not fit the networks.
    """
    import pandas as pd

    rungs, tables = as_moments(rungs, "rungs"), []
    for rung in rungs:
        frame = neural_collapse(rung.network, X, y, loss=loss, targets=targets, rtol=rtol).frame()
        for at, name in enumerate(("threshold", "step", "loss")):
            frame.insert(at, name, getattr(rung, name))
        tables.append(frame)
    return pd.concat(tables, ignore_index=True)


def collapse_verdict(values, thresholds, *, what="NC1"):
    """Read off whether lower losses go with more collapse, claim E8, over seeds.

    Parameters
    ----------
    values : array_like, shape (S, K)
        A measure that is 0 in a collapsed network: a row for each seed, a column for each
        threshold; nan where a seed has not reached it. What is 0 is left out.
    thresholds : array_like, shape (K,)
        Positive.
    what : str
        Name of the measure, for the sentence.

    Returns
    -------
    Verdict
    Dependence
        Of the decimal logarithm of the measure on the decades that the loss has fallen.

    Raises
    ------
    ValueError
        If the shapes do not fit, a threshold is not positive, or a value is negative or inf.

    Notes
    -----
    Each seed has a slope of its own. *Not decided by this evidence* if fewer than three seeds have
    two values; else that it falls *does not hold* if the 95 % interval of their mean is above 0, or
    within 0.01 decades per decade of it; it *holds* if that is below 0; and it is *not decided by
    this evidence* if it is neither.

    Examples
    --------
    >>> verdict, trend = collapse_verdict(
    ...     [[1, 0.1, 0.01], [2, 0.3, 0.05], [1, 0.2, 0.01]], [1e-1, 1e-3, 1e-5])
    >>> verdict.verdict, round(trend.slope, 2)
    ('holds', -0.47)
    """
    values, thresholds = as_measured(values, "values"), as_array(thresholds, "thresholds", 1)
    if values.ndim != 2 or values.shape[1] != len(thresholds):
        raise ValueError(
            f"values must have a column for each threshold ({len(thresholds)}), "
            f"got shape {values.shape}"
        )
    if not (thresholds > 0).all():
        raise ValueError(f"thresholds must be positive numbers, got {thresholds.min()}")
    wrong = values[(values < 0) | np.isinf(values)]
    if len(wrong):
        raise ValueError(f"values must be numbers from 0 up, or nan, got {wrong[0]}")
    logs = np.log10(np.where(values > 0, values, np.nan))
    trend = rate_dependence(logs, -np.log10(thresholds))
    seeds = len(trend.slopes)
    if seeds < LEAST_SEEDS:
        reason = (
            f"{counted(seeds, 'seed')} with {what} above 0 at two thresholds or more, "
            f"{LEAST_SEEDS} are needed"
        )
        return Verdict(UNDECIDED, reason), trend
    told = (
        f"for each decade of the loss {what} changes by {trend.slope:.3g} decades (95 % interval "
        f"{trend.low:.3g} to {trend.high:.3g}, {seeds} seeds)"
    )
    nothing = max(abs(trend.low), abs(trend.high)) < NO_TREND
    if trend.high < 0 and not nothing:
        return Verdict(HOLDS, f"{told}: it falls"), trend
    if trend.low > 0 or nothing:
        return Verdict(FAILS, f"{told}: it does not fall"), trend
    return Verdict(UNDECIDED, f"{told}: that may be either"), trend
