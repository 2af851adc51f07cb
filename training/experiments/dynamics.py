"""Does truncation speed up with the number of truncated points? Claim E5, over many seeds."""

import math
from typing import NamedTuple

import numpy as np

from constructions import ConstructionError, partial
from geomcore import datasets
from geomcore.arrays import as_labels
from geomcore.datasets.dataset import Dataset
from geomcore.display.lines import brief
from training.descent.curvature import largest_curvature
from training.descent.optimizers import SGD
from training.descent.trainer import train_ensemble
from training.dynamics.dependence import Dependence, Verdict, rate_dependence, rate_verdict
from training.dynamics.history import TruncationHistory, TruncationRecorder
from training.dynamics.rates import fit_approach, fit_decay, fit_halves

STEP = 1 / 16  # of the largest stable learning rate
# A spread is followed until this fraction of it is left.
FLOOR = 0.05
RECORDS = 200
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


class Start(NamedTuple):
    """Networks in which one class is truncated in part, one for each fraction.

    Attributes
    ----------
    data : Dataset
    networks : list of ReLUNetwork
    layer : int
        Number, from 0, of the hidden layer that truncates the class.
    q : int
        Number of the class, in sorted order.
    rate : float
        A sixteenth of the largest stable learning rate of all of them: small, so that descent
        follows the gradient flow, and one for all, so that they differ in what is truncated only.
    """

    data: Dataset
    networks: list
    layer: int
    q: int
    rate: float

    __repr__ = brief


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
    dependence: dict[str, Dependence]
    verdicts: dict[str, Verdict]

    __repr__ = brief


def draws(seeds, *, points, radius, seed):
    """Data sets of three balls around unit vectors, one for each seed.

    Parameters
    ----------
    seeds : int
        How many.
    points : int
        Per ball.
    radius : float
    seed : int
        The first seed.

    Returns
    -------
    list of Dataset

    Raises
    ------
    ValueError
        If there are no such balls.
    """
    return [datasets.clusters(points, radius=radius, rng=seed + s) for s in range(seeds)]


def part_of(data, rng):
    """Four fifths of each class of a `Dataset`, at least two points, drawn anew."""
    y, rows = np.asarray(data.y), []
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        rows.append(rng.permutation(own)[: max(2, -(-4 * len(own) // 5))])
    rows = np.sort(np.concatenate(rows))
    return data._replace(X=data.X[rows], y=y[rows])


def start(data, fractions, *, label=None, others=1.0, rng=0):
    """Truncate one class in part, by `constructions.partial`, and the others as far as given.

    Parameters
    ----------
    data : Dataset
    fractions : sequence of float
        Of the class that is collapsed at the start, one for each network.
    label : optional
        Of the class; default the first one in sorted order.
    others : float
        Fraction of every other class.
    rng : seed

    Returns
    -------
    Start

    Raises
    ------
    ValueError
        If there is no such class, or a fraction does not fit.
    ConstructionError
        If a class cannot be collapsed.
    """
    classes = as_labels(data.y, len(data.X)).classes.tolist()
    label = classes[0] if label is None else label
    if label not in classes:
        raise ValueError(f"label must be one of {classes[:20]}, got {label!r}")
    if not 0 <= others <= 1:
        raise ValueError(f"others must be a number from 0 to 1, got {others!r}")
    q = classes.index(label)
    try:
        made = [
            partial(data.X, data.y, [f if c == q else others for c in range(len(classes))], rng=rng)
            for f in fractions
        ]
    except ConstructionError as refusal:
        why = "; ".join(refusal.reasons.values())
        reasons = {"truncating at the start": f"hyperplanes must cut classes off, but {why}"}
        raise ConstructionError(reasons, refusal.certificates) from None
    layer = next(i for i, record in enumerate(made[0].layers) if record.label == label)
    networks = [one.network for one in made]
    rate = STEP * min(2 / largest_curvature(net, data.X, data.y) for net in networks)
    return Start(data, networks, layer, q, rate)


def examine(started, fractions, *, seed, time):
    """Train the networks of one seed, and fit what happens to the class.

    Parameters
    ----------
    started : Start
    fractions : sequence of float
    seed : int
        For the rows.
    time : float
        Steps times learning rate.

    Returns
    -------
    rows : list of dict
        One per fraction.
    history : TruncationHistory
    times : ndarray
        Of the records.
    fits : dict of str to list of RateFit
        Of spread and base point, one per fraction.
    """
    (X, y), layer, q = started.data[:2], started.layer, started.q
    steps = math.ceil(time / started.rate)
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
    history = recorder.history()
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
    return rows, history, times, fits


def survey(data_sets, fractions, *, label=None, others=1.0, steps, seed, progress=None):
    """Run all seeds and read off the verdicts.

    Parameters
    ----------
    data_sets : list of Dataset
        One for each seed; the seeds are those of the construction, too.
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
    progress : callable, optional
        Called with a text before each seed.

    Returns
    -------
    Dynamics

    Raises
    ------
    ValueError, ConstructionError
        As `start`, or if the fractions do not fit.
    """
    fractions = tuple(sorted({float(f) for f in fractions}))
    if len(fractions) < 2 or not all(0 < f < 1 for f in fractions):
        raise ValueError(
            f"fractions must be two different numbers or more between 0 and 1, got {fractions}"
        )
    starts = [
        start(data, fractions, label=label, others=others, rng=seed + s)
        for s, data in enumerate(data_sets)
    ]
    for started in starts:
        _check_counts(started, fractions)
    time = steps * min(started.rate for started in starts)
    rows, histories, all_times = [], [], []
    fits = {"spread": [], "base": []}
    for s, started in enumerate(starts):
        if progress is not None:
            progress(f"seed {seed + s}")
        found, history, times, fitted = examine(started, fractions, seed=seed + s, time=time)
        rows += found
        histories.append(history)
        all_times.append(times)
        for key in fits:
            fits[key] += fitted[key]

    def by_seed(name):
        return np.reshape([row[name] for row in rows], (len(data_sets), len(fractions)))

    collapsed = by_seed("collapsed_start")
    halves = np.stack([by_seed("early_rate"), by_seed("late_rate")], axis=2)
    halves[np.isnan(halves).any(axis=2)] = np.nan
    dependence = {
        "spread": rate_dependence(by_seed("spread_rate"), collapsed),
        "base": rate_dependence(by_seed("base_rate"), collapsed),
        "along": rate_dependence(_means(halves), [0.0, 1.0]),
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
    return Dynamics(rows, fractions, label, starts, histories, all_times, dependence, verdicts)


def _check_counts(started, fractions):
    """Raise unless each fraction truncates a point of the class and leaves one."""
    size = int((as_labels(started.data.y, len(started.data.X)).index == started.q).sum())
    for f in fractions:
        if not 0 < round(f * size) < size:
            raise ValueError(
                f"fractions must truncate at least one point of the class and leave one, "
                f"{f:g} of {size} points does not"
            )


def _means(values):
    """Means over axis 1 of what is no nan; nan where there is nothing."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
