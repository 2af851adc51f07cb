"""Stopping rules: when a trial has come far enough.

A rule is an object with a `reason` and a ``met(progress)`` that says, for each
trial still running, whether it stops now. Rules hold no state: `Progress` gives
the losses recorded so far, so a rule about the last k records needs no more.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np

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
    """

    step: int
    losses: list
    running: np.ndarray

    @property
    def loss(self):
        """Loss of every running trial now, shape (A,)."""
        return self.losses[-1][self.running]


@dataclass(frozen=True)
class LossBelow:
    """Stop a trial once its loss over all points is at most `threshold`.

    Examples
    --------
    >>> losses = [np.array([0.5, 0.1, 0.0])]
    >>> LossBelow(0.1).met(Progress(step=1, losses=losses, running=np.array([0, 1])))
    array([False,  True])
    """

    threshold: float
    reason = "loss threshold"

    def __post_init__(self):
        if not isinstance(self.threshold, Real) or np.isnan(self.threshold):
            raise ValueError(f"threshold must be a number, got {self.threshold!r}")

    def met(self, progress):
        return progress.loss <= self.threshold


def as_rules(stop):
    """Return `stop`, one rule or a sequence of them, as a tuple of rules.

    Raises
    ------
    ValueError
        If something in it is not a stopping rule.
    """
    rules = (stop,) if hasattr(stop, "met") else stop
    if not isinstance(rules, list | tuple) or not all(
        hasattr(rule, "met") and hasattr(rule, "reason") for rule in rules
    ):
        raise ValueError(f"stop must be a stopping rule or a sequence of them, got {stop!r}")
    return tuple(rules)
