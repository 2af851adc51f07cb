"""Claims A1 to A4, about Lp heads and linear ones, as readings of numbers."""

import numpy as np

from training.experiments.judging.intervals import mean_interval, median_interval
from training.experiments.judging.verdict import Reading, both, too_few
from training.experiments.mesa.judging.readings import (
    ACCURACY,
    SLIGHT,
    equal,
    in_points,
    more,
    none,
    sized,
)
from training.experiments.mesa.protocol import FLIPPED

CLAIMS = {
    "A1": "Lp and Linear are equally accurate",
    "A2": "Lp has near-zero gradients inside the polytope, Linear has none",
    "A3": "Lp suppresses the head weights of units that are on at the centre (70 times), Linear "
    "lets them cancel",
    "A4": "flipping the negative head weights of Linear changes nothing about flat points",
}
# How flatness can be measured: column, whether the source does so, and what it is.
FLATNESS = (
    ("head_points_1", True, "head output, norm below 1, test points"),
    ("head_area_1", False, "head output, norm below 1, area"),
    ("head_area_relative", False, "head output, norm below a tenth of the exterior's, area"),
    ("logit_area_1", False, "logit, norm below 1, area"),
    ("logit_area_relative", False, "logit, norm below a tenth of the exterior's, area"),
)
TIMES, LEAST_TIMES = 70.0, 2.0  # of A3: what is claimed, and what counts as less
WITHIN = 10.0  # "about" so many times: the interval goes no farther than by this factor
# What `RULE` leaves to these claims.
RULE = f"""A2: Lp has more flat points than Linear, and Linear has none. A3: by medians over seeds \
of Linear by Lp, infinite where Lp has 0; what counts as less is a factor of {LEAST_TIMES:g}. \
"About {TIMES:g} times": yes if the interval holds {TIMES:g} and goes no farther than from \
{TIMES / WITHIN:g} to {TIMES * WITHIN:g}, open if it holds it and goes farther, else "size". More \
cancels if it is more by {SLIGHT:.0%} of the slopes. A4: flipped and before are "equal"; a flipped \
network is there wherever Linear itself did not collapse, whatever came of it by the flip."""
NEEDS = {claim: ("lp", "linear") for claim in ("A1", "A2", "A3")} | {"A4": ("linear",)}


def readings(claim, columns, *, seed):
    """The readings of a claim in one dimension.

    Parameters
    ----------
    claim : str
    columns : Columns
    seed : int
        Of the draws of the bootstrap.

    Returns
    -------
    list of Reading
    """
    return {"A1": _accuracy, "A2": _flat, "A3": _centre, "A4": _flip}[claim](columns, seed)


def _accuracy(columns, seed):
    found = []
    for seeds, is_source, name in (
        (None, True, "runs that did not collapse"),
        (columns.seeds, False, "all runs"),
        (_falling(columns), False, "runs in which both have w3 < 0"),
    ):
        values = columns.differences("accuracy", "lp", "linear", seeds=seeds)
        interval = mean_interval(values, seed=seed)
        told = _named("Lp less Linear", interval)
        found.append(Reading(name, is_source, equal(interval, ACCURACY), told))
    return found


def _falling(columns):
    """The seeds in which the last weights of Lp and Linear are negative, and neither collapsed."""
    models = "lp", "linear"
    return [s for s in columns.trained(*models) if all(columns.row(m, s)["w3"] < 0 for m in models)]


def _flat(columns, seed):
    found = []
    for key, is_source, name in FLATNESS:
        found.append(_spike(columns, key, is_source, name, "linear", seed))
    name = "head output, area, runs in which both have w3 < 0"
    own = _falling(columns)
    found.append(_spike(columns, "head_area_1", False, name, "linear", seed, seeds=own))
    if "linear-positive" in columns:
        name = "head output, area, Linear started with the weights of Lp"
        found.append(_spike(columns, "head_area_1", False, name, "linear-positive", seed))
    return found


def _spike(columns, key, is_source, name, control, seed, *, seeds=None):
    """Whether Lp is flatter than a linear head, and that is flat nowhere."""
    values = columns.values(key, "lp", control, seeds=seeds)
    difference = mean_interval(values[:, 0] - values[:, 1], seed=seed)
    left = mean_interval(values[:, 1], seed=seed)
    told = _named("Lp less Linear", difference)
    told += f", Linear itself {in_points(left)}" if left.pairs else ""
    return Reading(name, is_source, both(more(difference), none(left)), told)


def _centre(columns, seed):
    found = []
    for key, is_source, what in (
        ("centre_weight_on", True, "|w| of units on at the centre"),
        ("centre_slope_on", False, "|w| times the norm of the unit's weights"),
    ):
        ratios = _log_ratios(columns.values(key, "linear", "lp"))
        interval = median_interval(ratios, seed=seed)
        times, answer = in_times(interval), more(interval, np.log10(LEAST_TIMES))
        found.append(Reading(f"{what}: less in Lp", is_source, answer, times))
        if is_source:
            answer = sized(interval, np.log10(TIMES), np.log10(WITHIN))
            found.append(Reading(f"{what}: about {TIMES:g} times", False, answer, times))
    values = columns.values("centre_weight_on", "linear", "lp", seeds=_falling(columns))
    interval = median_interval(_log_ratios(values), seed=seed)
    name = "|w| of units on at the centre, runs in which both have w3 < 0: less in Lp"
    found.append(Reading(name, False, more(interval, np.log10(LEAST_TIMES)), in_times(interval)))
    values = columns.differences("centre_cancelled", "linear", "lp")
    interval = mean_interval(values, seed=seed)
    name = "part of the slopes at the centre that cancels: more in Linear"
    found.append(Reading(name, True, more(interval), _named("Linear less Lp", interval)))
    return found


def _log_ratios(values):
    """Decades by which the first column is larger: infinite where one is 0, 0 where both are."""
    with np.errstate(divide="ignore"):
        first, second = np.log10(values).T
    return np.where(first == second, 0.0, first - np.where(first == second, 0.0, second))


def in_times(interval):
    """An interval of decades in words."""
    if not interval.pairs:
        return too_few()
    with np.errstate(over="ignore"):
        value, low, high = (f"{x:.3g}" for x in np.power(10.0, interval[:3]))
    return f"Linear by Lp, median {value} ({interval.rests_on(low, high)})"


def _named(what, interval):
    """`in_points` with what it is of, if there is anything."""
    return f"{what} {in_points(interval)}" if interval.pairs else in_points(interval)


def _flip(columns, seed):
    found = []
    for key, is_source, name in FLATNESS:
        values = columns.differences(key, FLIPPED.key, "linear")
        interval = mean_interval(values, seed=seed)
        told = _named("flipped less before", interval)
        found.append(Reading(name, is_source, equal(interval), told))
    interval = mean_interval(columns.differences("accuracy", FLIPPED.key, "linear"), seed=seed)
    answer = equal(interval, ACCURACY)
    told = _named("flipped less before", interval)
    found.append(Reading("the function: accuracy on test points", False, answer, told))
    return found
