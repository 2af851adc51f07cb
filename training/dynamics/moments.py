"""Moments of a training that somebody kept: what ladders and films are made of."""

from collections.abc import Sequence

import numpy as np

from geomcore.foreign.wording import quoted

PARTS = ("step", "loss", "network")


def as_moments(values, name):
    """A list of at least one object with step, loss and network; ValueError if it is none."""
    values = as_list(values, name, f"moments with {', '.join(PARTS[:-1])} and {PARTS[-1]}")
    for value in values:
        if not all(hasattr(value, part) for part in PARTS):
            raise ValueError(
                f"{name} must have step, loss and network, as those of FilmReel.frames() and "
                f"LossLadder.rungs() do, got {type(value).__name__}"
            )
    return values


def as_list(value, name, what):
    """The entries of a sequence that holds at least one; ValueError if it is none."""
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray) or not len(value):
        came = "none" if isinstance(value, Sequence) and not len(value) else quoted(value)
        raise ValueError(f"{name} must be a list of {what}, at least one, got {came}")
    return list(value)


def check_goes_on(snapshot, widths, step):
    """Raise unless a snapshot is of networks of these widths, later than after so many steps."""
    here = snapshot.stacked.template.widths
    if here != widths or snapshot.step <= step:
        raise ValueError(
            f"callbacks must be new for each training, this one has followed networks of widths "
            f"{widths} up to step {step:,}, got widths {here} at step {snapshot.step:,}"
        )
