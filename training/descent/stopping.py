"""Stopping rules: when a trial has come far enough.

A rule is an object with a `reason` and a ``met(progress)`` that says, for each
trial still running, whether it stops now. Rules hold no state: `Progress` gives
what was recorded so far, so a rule about the last k records needs no more. A
rule that looks at accuracies says so by ``needs_accuracy = True``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from geomcore.arrays import as_count
from geomcore.foreign.wording import quoted
from geomcore.typing import Booleans

BUDGET = "step budget"
DIVERGED = "diverged"


@dataclass(frozen=True)
class Progress:
    """What a stopping rule sees at a record.

    Attributes
    ----------
    step : int
        Steps done so far.
    losses : list of ndarray, shape (T,)
        Losses of all trials at every record so far.
    running : ndarray of int, shape (A,)
        The trials that are still running.
    accuracies : list of ndarray, shape (T,)
        Fractions of points with the right class at every record so far; empty
        unless a rule needs them.
    """

    step: int
    losses: list
    running: np.ndarray
    accuracies: list = field(default_factory=list)

    @property
    def loss(self):
        """Loss of every running trial now, shape (A,)."""
        return self.losses[-1][self.running]


@dataclass(frozen=True)
class LossBelow:
    """Stop a trial once its loss over all points is at most `threshold`.

    Raises
    ------
    ValueError
        If the threshold is not a number.

    Examples
    --------
    >>> losses = [np.array([0.5, 0.1, 0.0])]
    >>> LossBelow(0.1).met(Progress(step=1, losses=losses, running=np.array([0, 1])))
    array([False,  True])
    """

    threshold: float
    reason = "loss threshold"

    def __post_init__(self) -> None:
        if not isinstance(self.threshold, Real) or self.threshold != self.threshold:
            raise ValueError(f"threshold must be a number, got {quoted(self.threshold)}")
        object.__setattr__(self, "threshold", float(self.threshold))

    def met(self, progress: Any) -> Booleans:
        return progress.loss <= self.threshold


@dataclass(frozen=True)
class AccuracyFor:
    """Stop a trial once its accuracy has been at least `level` at `records` records in a row.

    With mini-batches a record is an epoch, unless `record` says otherwise.
    Accurate are the points whose own target fits their output best; see
    `training.descent.losses.predicted`.

    Raises
    ------
    ValueError
        If the level is not in [0, 1], or the records are no count.

    Examples
    --------
    >>> progress = Progress(9, [np.zeros(2)], np.array([0, 1]), [np.array([0.9, 1.0])] * 3)
    >>> AccuracyFor(0.98, records=3).met(progress)
    array([False,  True])
    >>> AccuracyFor(0.98, records=4).met(progress)
    array([False, False])
    """

    level: float
    records: int = 1
    reason = "accuracy"
    needs_accuracy = True

    def __post_init__(self) -> None:
        if not isinstance(self.level, Real) or not 0 <= self.level <= 1:
            raise ValueError(f"level must lie in [0, 1], got {quoted(self.level)}")
        object.__setattr__(self, "level", float(self.level))
        object.__setattr__(self, "records", as_count(self.records, "records"))

    def met(self, progress: Any) -> Booleans:
        rows = progress.accuracies[-self.records :]
        met = np.full(len(progress.running), len(rows) == self.records)
        for row in rows:
            met &= row[progress.running] >= self.level
        return met


@dataclass(frozen=True)
class Plateau:
    """Stop a trial that is stuck: its loss hardly falls any more.

    Every `records` records the loss is compared with that of `records` records
    before; the trial stops if no more than the fraction `rtol` of it has gone.

    Raises
    ------
    ValueError
        If the records are no count, or rtol is not in [0, 1).

    Examples
    --------
    >>> losses = [np.array([1.0, 1.0]), np.array([0.5, 0.999])]
    >>> Plateau(records=1, rtol=0.01).met(Progress(1, losses, np.array([0, 1])))
    array([False,  True])
    """

    records: int = 100
    rtol: float = 1e-3
    reason = "plateau"

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", as_count(self.records, "records"))
        if not isinstance(self.rtol, Real) or not 0 <= self.rtol < 1:
            raise ValueError(f"rtol must lie in [0, 1), got {quoted(self.rtol)}")
        object.__setattr__(self, "rtol", float(self.rtol))

    def met(self, progress: Any) -> Booleans:
        now = len(progress.losses) - 1
        if now == 0 or now % self.records:
            return np.zeros(len(progress.running), dtype=bool)
        before = progress.losses[now - self.records][progress.running]
        return progress.loss >= (1 - self.rtol) * before


def as_rules(stop):
    """Return `stop`, one rule or a sequence of them, as a tuple of rules.

    Raises
    ------
    ValueError
        If something in it is not a stopping rule.
    """
    rules = (stop,) if hasattr(stop, "met") else stop
    if not isinstance(rules, list | tuple) or not all(map(_is_rule, rules)):
        raise ValueError(f"stop must be a stopping rule or a sequence of them, got {quoted(stop)}")
    for rule in rules:
        if not isinstance(rule.reason, str) or rule.reason in ("", BUDGET, DIVERGED):
            raise ValueError(
                f"stop must hold rules whose reason is a text of their own, got {rule.reason!r}"
            )
    return tuple(rules)


def _is_rule(rule):
    # A class is no rule, though it has the parts of one.
    return hasattr(rule, "met") and hasattr(rule, "reason") and not isinstance(rule, type)


def stop_reasons(rules, progress, is_last):
    """For each running trial why it stops at this record, or None; the first rule met counts.

    Divergence comes before all rules, the step budget after them.

    Examples
    --------
    >>> progress = Progress(3, [np.array([1.0, 0.0, np.inf])], np.arange(3))
    >>> stop_reasons((LossBelow(0.5),), progress, is_last=True)
    ['step budget', 'loss threshold', 'diverged']
    """
    reasons = [BUDGET if is_last else None] * len(progress.running)
    for rule in reversed(rules):
        for a in np.flatnonzero(rule.met(progress)):
            reasons[a] = rule.reason
    for a in np.flatnonzero(~np.isfinite(progress.loss)):
        reasons[a] = DIVERGED
    return reasons
