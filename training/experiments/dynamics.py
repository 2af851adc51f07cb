"""Does truncation speed up with the number of truncated points? Claim E5, over many seeds."""

import math
from dataclasses import fields
from functools import partial
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_labels
from geomcore.display.lines import told_in_brief
from training.descent.optimizers import SGD
from training.descent.trainer import train, train_ensemble
from training.dynamics.dependence import Dependence, rate_dependence, rate_verdict
from training.dynamics.film.reel import FilmReel
from training.dynamics.history import TruncationHistory, TruncationRecorder
from training.dynamics.rates import fit_approach, fit_decay, fit_halves
from training.experiments.dynamics_starts import (
    as_fractions,
    as_piece,
    check_piece,
    digest_of,
    of_piece,
    start,
)
from training.output.forms import Array, check_form, formed
from training.output.verdicts import Verdict

# An interval over seeds needs two.
LEAST_SEEDS = 2
# A spread is followed until this fraction of it is left.
FLOOR = 0.05
RECORDS = 200
MOMENTS = 4000  # of which those of a film are chosen
# What is fitted.
QUANTITIES = {
    "spread": "spread of the truncated class",
    "base": "distance of the base point from its limit",
    "along": "spread, first and second half of each run",
}
# For the sentences about them: what a run does that the law describes, and what slopes are over.
LAWS = {"base": "approach a limit exponentially"}
SPANS = {"along": "from the first to the second half of the runs, while more points are truncated"}
LAW, SPAN = "shrink exponentially", "from nothing to all truncated at the start"


@told_in_brief
class Dynamics(NamedTuple):
    """What was found; see `survey`.

    Attributes
    ----------
    rows : list of dict
        One per run: seed, fraction, what was measured and fitted.
    fractions : tuple of float
    label : object
        The class that is followed.
    starts : list of Start
        One per seed.
    histories : list of TruncationHistory
        One per seed, with a trial for each fraction.
    times : list of ndarray
        Of the records of each history: steps times learning rate.
    time : float
        How long each run lasts.
    halves : ndarray, shape (S, 2)
        Mean rates of the spread in the first and the second half of the runs of each seed.
    dependence : dict of str to Dependence
    verdicts : dict of str to Verdict
        Of each of `QUANTITIES`; the one on the claim is the first.
    """

    rows: list
    fractions: tuple
    label: object
    starts: list
    histories: list[TruncationHistory]
    times: list
    time: float
    halves: np.ndarray
    dependence: dict[str, Dependence]
    verdicts: dict[str, Verdict]


def history_of(started, *, time):
    """Train the networks of one seed and follow what their layers do to the classes.

    Parameters
    ----------
    started : Start
    time : float
        Steps times learning rate.

    Returns
    -------
    TruncationHistory
        A trial for each fraction.
    """
    (X, y), steps = started.data[:2], _steps(started, time)
    recorder = TruncationRecorder(X, y)
    train_ensemble(
        started.networks,
        X,
        y,
        optimizer=SGD(started.rate),
        steps=steps,
        record=max(1, steps // RECORDS),
        callbacks=recorder,
    )
    return recorder.history()


def reel_of(started, k, *, time):
    """Train one of the networks of a seed again, for a film.

    Parameters
    ----------
    started : Start
    k : int
        Number of the fraction.
    time : float
        Steps times learning rate.

    Returns
    -------
    list of Frame
    """
    (X, y), steps, reel = started.data[:2], _steps(started, time), FilmReel()
    record = max(1, steps // MOMENTS)
    train(
        started.networks[k],
        X,
        y,
        optimizer=SGD(started.rate),
        steps=steps,
        record=record,
        callbacks=reel,
    )
    return reel.frames()


def _steps(started, time):
    return math.ceil(time / started.rate)


def examine(started, history, fractions, *, seed):
    """Fit what happens to the class in the networks of one seed.

    Parameters
    ----------
    started : Start
    history : TruncationHistory
    fractions : sequence of float
    seed : int
        For the rows.

    Returns
    -------
    rows : list of dict
        One per fraction.
    times : ndarray
        Of the records.
    fits : dict of str to list of RateFit
        Of spread and base point, one per fraction.
    """
    layer, q = started.layer, started.q
    times, rows = started.rate * history.steps, []
    fits = {"spread": [], "base": []}
    for k, fraction in enumerate(fractions):
        spread = history.spread[:, k, layer, q]
        decay = fit_decay(times, spread, floor=FLOOR)
        early, late = fit_halves(times, spread, floor=FLOOR)
        approach = fit_approach(times, history.base[:, k, layer])
        fits["spread"].append(decay)
        fits["base"].append(approach)
        lived = np.flatnonzero(~np.isnan(spread))[-1]
        rows.append(
            {
                "seed": seed,
                "fraction": fraction,
                "layer": layer + 1,
                "learning_rate": started.rate,
                "time": times[lived],
                "loss_start": history.losses[0, k],
                "loss_end": history.losses[lived, k],
                "collapsed_start": history.backward[0, k, layer, q],
                "collapsed_end": history.backward[lived, k, layer, q],
                "spread_start": spread[0],
                "spread_end": spread[lived],
                **{f"spread_{name}": value for name, value in decay._asdict().items()},
                "early_rate": early.rate,
                "late_rate": late.rate,
                **{f"base_{name}": value for name, value in approach._asdict().items()},
                "motion": history.motion[lived, k, layer],
                "largest_angle": history.largest_angle[lived, k, layer],
                "width": history.widths[layer + 1],
                "rank": history.rank[lived, k, layer],
                "condition": history.condition[lived, k, layer],
                "defect": np.nanmax(history.defect[:, k, layer]),
            }
        )
    return rows, times, fits


def survey(
    data_sets, fractions, *, label=None, others=1.0, steps, seed, pieces=None, progress=None
):
    """Run all seeds and read off the verdicts.

    Parameters
    ----------
    data_sets : list of Dataset
        One for each seed, at least two; the seeds are those of the construction, too.
    fractions : sequence of float
        At least two, above 0 and below 1: without any truncated point a class keeps still, and
        one that is truncated altogether has no spread.
    label, others : optional
        As for `start`.
    steps : int
        Of gradient descent for the seed with the smallest learning rate; the others take fewer,
        so that all runs last as long.
    seed : int
        The first seed.
    pieces : Pieces or dict, optional
        What an earlier call with the same arguments has finished: "start 0", "seed 0", "start 1",
        ...; whatever is not there is worked out and put there.
    progress : callable, optional
        Called with a text before the starting points and before the runs of each seed.

    Returns
    -------
    Dynamics

    Raises
    ------
    ValueError, ConstructionError
        As `start`, or if the fractions do not fit, or half or more of the data sets are copies
        of others, or there are too few.
    """
    fractions = as_fractions(fractions)
    if len(data_sets) < LEAST_SEEDS:
        raise ValueError(
            f"data_sets must be {LEAST_SEEDS} or more, for an interval over seeds, "
            f"got {len(data_sets)}"
        )
    different = len({digest_of(data) for data in data_sets})
    if 2 * different <= len(data_sets):
        raise ValueError(
            "data_sets must differ, as seeds that share their data are no repetitions, "
            f"got {different} different among {len(data_sets)}"
        )
    pieces = {} if pieces is None else pieces
    tell = (lambda text: None) if progress is None else progress
    starts = []
    for s, data in enumerate(data_sets):
        name = f"start {s}"
        if name not in pieces:
            tell(f"starting points of seed {seed + s}")
            pieces[name] = as_piece(
                start(data, fractions, label=label, others=others, rng=seed + s)
            )
        check = partial(check_piece, data=data, count=len(fractions))
        starts.append(of_piece(formed(pieces, name, check), data))
    time = steps * min(started.rate for started in starts)
    rows, histories, all_times = [], [], []
    fits = {"spread": [], "base": []}
    for s, started in enumerate(starts):
        name = f"seed {s}"
        if name not in pieces:
            tell(f"seed {seed + s}")
            pieces[name] = _as_piece(history_of(started, time=time))
        piece = formed(pieces, name, partial(_check_history, started=started))
        histories.append(_of_piece(piece, started.data))
        found, times, fitted = examine(started, histories[-1], fractions, seed=seed + s)
        rows += found
        all_times.append(times)
        for key in fits:
            fits[key] += fitted[key]

    def by_seed(name):
        return np.reshape([row[name] for row in rows], (len(data_sets), len(fractions)))

    collapsed = by_seed("collapsed_start")
    halves = np.stack([by_seed("early_rate"), by_seed("late_rate")], axis=2)
    halves[np.isnan(halves).any(axis=2)] = np.nan
    halves = _means(halves)
    dependence = {
        "spread": rate_dependence(by_seed("spread_rate"), collapsed),
        "base": rate_dependence(by_seed("base_rate"), collapsed),
        "along": rate_dependence(halves, [0.0, 1.0]),
    }
    fits["along"] = fits["spread"]
    verdicts = {
        key: rate_verdict(
            fits[key], dependence[key], law=LAWS.get(key, LAW), span=SPANS.get(key, SPAN)
        )
        for key in QUANTITIES
    }
    classes = as_labels(data_sets[0].y, len(data_sets[0].X)).classes.tolist()
    label = classes[starts[0].q]
    return Dynamics(
        rows, fractions, label, starts, histories, all_times, time, halves, dependence, verdicts
    )


def _as_piece(history):
    """A history but the names of its classes as plain values."""
    names = {field.name for field in fields(history)} - {"classes"}
    return {name: getattr(history, name) for name in sorted(names)}


def _check_history(piece, started):
    """Raise ValueError unless it may be the history of a start."""
    widths = started.networks[0].widths
    Q = len(as_labels(started.data.y, len(started.data.X)).classes)
    steps = piece.get("steps") if isinstance(piece, dict) else None
    check_form(steps, Array((None,), "i"), "steps")
    layers = len(steps), len(started.networks), len(widths) - 2
    of_layers, of_classes = Array(layers), Array((*layers, Q))
    form = {
        "steps": Array((None,), "i"),
        "losses": Array(layers[:2]),
        "base": Array((*layers, widths[0])),
        "data_spread": Array((Q,)),
        "widths": [int],
        **dict.fromkeys(("backward", "forward", "mixed", "dead", "spread", "distance"), of_classes),
        **dict.fromkeys(("smallest_angle", "largest_angle", "rank"), of_layers),
        **dict.fromkeys(("condition", "defect"), of_layers),
    }
    check_form(piece, form)
    if tuple(piece["widths"]) != widths:
        raise ValueError("its widths are others")


def _of_piece(piece, data):
    """The history that `_as_piece` wrote down."""
    classes = as_labels(data.y, len(data.X)).classes
    return TruncationHistory(**{**piece, "widths": tuple(piece["widths"]), "classes": classes})


def _means(values):
    """Means over axis 1 of what is no nan; nan where there is nothing."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
