r"""What became of each trial of a study: one word for each.

A trial has *left* unless its loss is within the tolerance of its reference right after the
perturbation and still at the end. Of those that left, only those that end within the tolerance
have returned. Whether another one might do so, given more steps, is read off the last tenth of
its steps, against the pace of the slowest direction that matters.
"""

import numpy as np

from training.descent.stopping import DIVERGED
from training.study.wilson import wilson_interval

STAYED, RETURNED, FALLING, STUCK = "stayed", "returned", "falling", "stuck"
OUTCOMES = (STAYED, RETURNED, FALLING, STUCK, DIVERGED)
# Of a trial in a file that does not say whether it was falling.
UNKNOWN = "not returned"

# A trial has diverged if its loss exceeds so many times both what it began with and what the
# best constant output costs. Gradient descent at a stable rate never rises above its start, and
# an unstable one passes every bound within a few steps; a factor of ten leaves room for the
# waves of mini-batches and of rates near the limit.
FAR = 10.0

# The share of its distance from the reference that a falling trial loses in the last tenth of
# its steps: at this pace it would be there after ten budgets more. A loss that falls like
# t^(-1/10) still does so.
PACE = 0.01
LATE = 0.9  # part of the steps after which the late loss is recorded


def late_losses(losses, recorded, steps):
    """Loss of each trial at its last record within nine tenths of the steps it took.

    Parameters
    ----------
    losses : ndarray, shape (R, T)
    recorded : ndarray of int, shape (R,)
        Steps done before each record, increasing from 0.
    steps : ndarray of int, shape (T,)

    Returns
    -------
    ndarray, shape (T,)

    Examples
    --------
    >>> late_losses(np.array([[8.0], [4.0], [2.0], [1.0]]), np.array([0, 8, 9, 10]), np.array([10]))
    array([2.])
    """
    at = np.searchsorted(recorded, LATE * np.asarray(steps), side="right") - 1
    return losses[at, np.arange(losses.shape[1])]


def outcomes(columns, *, loss, tolerance, constant, relaxation):
    r"""The outcome of each trial, an array of words.

    Parameters
    ----------
    columns : dict of ndarray, each of shape (T,)
        initial_loss, late_loss (nan where it is not known), final_loss, steps, stop_reason.
    loss, tolerance : ndarray, shape (T,)
        Of the reference of each trial.
    constant : ndarray, shape (T,)
        Loss of the best constant output; nan where it is not known, and then it bounds nothing.
    relaxation : ndarray, shape (T,)
        Steps in which the slowest direction that matters shrinks by a factor e, see
        `training.study.planning.budget.relaxation`; nan where it is not known.

    Returns
    -------
    ndarray of str objects, shape (T,)
        "stayed", "returned", "falling", "stuck", "diverged"; "not returned" where the late
        loss is not known.

    Notes
    -----
    Let e be the distance of the final loss from that of the reference, and n the steps of the
    trial in relaxations. It is falling if its last tenth has taken at least
    :math:`0.01 \min(1, n)\, e` off its loss: after a budget shorter than a relaxation nothing
    can have fallen far, so less is asked. With no steps at all nothing is known to be stuck.
    """
    initial, late, final = (columns[f"{when}_loss"] for when in ("initial", "late", "final"))
    with np.errstate(invalid="ignore", over="ignore"):
        near, back = (np.abs(value - loss) <= tolerance for value in (initial, final))
        far = FAR * np.fmax(initial, constant)
        # A loss that began infinite is not below any bound.
        diverged = (columns["stop_reason"] == DIVERGED) | ~np.isfinite(final) | (final > far)
        passed = np.fmin(1.0, columns["steps"] / relaxation)
        falling = late - final >= PACE * passed * np.abs(final - loss)
    found = np.where(np.isnan(late), UNKNOWN, np.where(falling, FALLING, STUCK)).astype(object)
    found[diverged] = DIVERGED
    found[back] = RETURNED
    found[back & near] = STAYED
    return found


def undecided(columns, outcome, below):
    """Which trials tell of the budget or of the rate, not of the landscape, bool of shape (T,).

    Those that were falling, diverged, ended above their start, or of which an old file does not
    say whether they were falling; but none that is below its reference, for it cannot come back.
    """
    away = ~np.isin(outcome, (STAYED, RETURNED)) & ~below
    rising = columns["final_loss"] > columns["initial_loss"]
    return away & (rising | np.isin(outcome, (FALLING, DIVERGED, UNKNOWN)))


def limit_in_words(outcome, scale):
    """What decided about trials of these outcomes, all of them `undecided`.

    Short enough for a cell of a table, where pandas cuts what is longer than 50 characters.

    Examples
    --------
    >>> limit_in_words(np.array(["falling", "falling", "diverged"]), 0.1)
    'most fall at λ = 0.1, more steps would tell'
    """
    at = f"at λ = {scale:.3g}"
    if 2 * (outcome == UNKNOWN).sum() >= len(outcome):
        return f"{at} an older file does not tell"
    if 2 * (outcome == FALLING).sum() >= len(outcome):
        return f"most fall {at}, more steps would tell"
    return f"most rise {at}, a lower rate would tell"


def tally(outcome, open_):
    """Numbers of trials by outcome, and the fraction of those that left that returned.

    Parameters
    ----------
    outcome : ndarray of str, shape (T,)
    open_ : ndarray of bool, shape (T,)
        Those that are `undecided`.

    Returns
    -------
    dict
        stayed, left, returned, falling, stuck, diverged; fraction, low and high (the 95 % Wilson
        interval; nan if none left); limited (whether most of those that are not back are
        undecided).

    Examples
    --------
    >>> found = tally(np.array(["stayed", "returned", "falling"]), np.array([False, False, True]))
    >>> found["left"], found["fraction"], found["limited"]
    (2, 0.5, True)
    """
    counts = {name: int((outcome == name).sum()) for name in OUTCOMES}
    left = len(outcome) - counts[STAYED]
    back = counts[RETURNED]
    low, high = wilson_interval(back, left) if left else (np.nan, np.nan)
    return {
        STAYED: counts[STAYED],
        "left": left,
        **{name: counts[name] for name in OUTCOMES[1:]},
        "fraction": back / left if left else np.nan,
        "low": low,
        "high": high,
        "limited": bool(2 * open_.sum() > left - back),
    }
