"""Verdicts on the claims E6, E7 and E8, read off the tables by rules that are written here.

E6: the digits 0, 1, 6, 4 are sequentially separable in this order. E7: networks of Q + 1 layers
trained on digits show cones; their middle layers are rank-deficient, and the cone identities then
fail; squared error and cross-entropy differ. E8: lower losses go with more neural collapse.
"""

import numpy as np

from geomcore.foreign.wording import counted
from training.dynamics.dependence import CONFIDENCE, LEAST_SEEDS
from training.dynamics.ladder import collapse_verdict
from training.output.verdicts import FAILS, HOLDS, UNDECIDED, Verdict
from training.study.wilson import wilson_interval

COLLAPSED = 0.9  # part of a class that must be in the backward cone
DEFECT = 1e-6  # a defect, relative to the largest output of its layer, that is none of rounding
# What is compared between the losses, and the difference that counts as none: decades, or parts.
COMPARED = {
    "condition": "log10 of the condition of the last hidden layer",
    "nc1": "log10 of NC1 of the last hidden layer",
    "held_accuracy": "accuracy on held-out images",
}
ALIKE = {"condition": 0.1, "nc1": 0.1, "held_accuracy": 0.01}
TIED = 1e-12  # differences no farther apart are one number


def separable_verdict(steps, *, name, is_part):
    """E6: every step of the order is proved, or one is proved impossible.

    Parameters
    ----------
    steps : list of dict
        Of `step_rows`; empty if the digits are not there.
    name : str
        Of the data.
    is_part : bool
        Whether the data set has more images than were looked at.

    Returns
    -------
    Verdict

    Notes
    -----
    A subset of the images that cannot be separated refutes the claim for all of them; one
    that can does not support it, so that the verdict then speaks of the images that were taken.
    """
    if not steps:
        return Verdict(UNDECIDED, f"the digits of the order are not all in {name}")
    against = [row for row in steps if row["separable"] is False]
    if against:
        row = against[0]
        return Verdict(
            FAILS,
            f"digit {row['digit']} cannot be separated from {row['against']} in {name}: a point is "
            "in the hulls of both, in exact arithmetic",
        )
    if any(row["separable"] is None for row in steps):
        return Verdict(UNDECIDED, f"double precision leaves a step open in {name}")
    margins = ", ".join(f"{row['margin']:.3g}" for row in steps)
    points = steps[0]["points"]
    told = f"each step has a hyperplane, proved by exact signs, with margins {margins}"
    if is_part:
        return Verdict(
            HOLDS, f"{told}, for the {points:,} images that were taken of {name}, not for all"
        )
    return Verdict(HOLDS, f"{told}, for all {points:,} images of these digits in {name}")


def most_verdict(number, runs, what):
    """Whether most runs show something, by a 95 % Wilson interval of their part against 1/2.

    Parameters
    ----------
    number, runs : int
    what : str
        What they do, for the sentence.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> most_verdict(5, 5, "have cones").verdict, most_verdict(0, 3, "have cones").verdict
    ('holds', 'not decided by this evidence')
    """
    if not runs:
        return Verdict(UNDECIDED, "there are no such runs")
    low, high = wilson_interval(number, runs)
    told = f"{number} of {runs} runs {what} (95 % interval of the part {low:.2f} to {high:.2f})"
    if low > 0.5:
        return Verdict(HOLDS, told)
    if high < 0.5:
        return Verdict(FAILS, told)
    return Verdict(UNDECIDED, told)


def by_run(rows, pick=min):
    """The rows of the lowest rung of each run, by start.

    Parameters
    ----------
    rows : list of dict
        Of one loss, with ``start`` and ``threshold``.
    pick : callable
        `max` for the highest rung.

    Returns
    -------
    dict of int to list of dict
    """
    found = {}
    for start in sorted({row["start"] for row in rows}):
        own = [row for row in rows if row["start"] == start]
        rung = pick(row["threshold"] for row in own)
        found[start] = [row for row in own if row["threshold"] == rung]
    return found


def cone_verdict(layers, classes):
    """E7: some hidden layer of full rank collapses nine tenths of a class to the base of its cone.

    Parameters
    ----------
    layers, classes : list of dict
        Of one loss, as in `Findings`.

    Returns
    -------
    Verdict
    """
    found = by_run(classes)
    found_in = 0
    for start, own in by_run(layers).items():
        cones = {row["layer"] for row in own if row["is_cone"]}
        found_in += any(
            row["layer"] in cones and row["backward"] >= COLLAPSED for row in found[start]
        )
    return most_verdict(
        found_in, len(found), "have a layer of full rank that collapses 90 % of a class to its base"
    )


def rank_verdict(layers, precision):
    """E7: some middle layer, a hidden one after the first, is rank-deficient."""
    runs = by_run(layers).values()
    number = sum(any(_deficient(row, precision) for row in own) for own in runs)
    return most_verdict(
        number, len(runs), f"have a middle layer that is rank-deficient in {precision} precision"
    )


def identity_verdict(layers, precision):
    """E7: where a middle layer is rank-deficient, truncated data miss what the network computes.

    Notes
    -----
    Of the runs with such a layer, those count in which each of these layers has a defect of more
    than 1e-6 of its largest output.
    """
    runs = [[row for row in own if _deficient(row, precision)] for own in by_run(layers).values()]
    runs = [own for own in runs if own]
    if not runs:
        return Verdict(
            UNDECIDED, f"no middle layer of any run is rank-deficient in {precision} precision"
        )
    name = f"defect_relative_{precision}"
    number = sum(all(row[name] > DEFECT for row in own) for own in runs)
    return most_verdict(
        number,
        len(runs),
        "with such a layer have a defect of more than 1e-6 of the output in all of them",
    )


def _deficient(row, precision):
    return row["layer"] > 1 and row[f"rank_{precision}"] < row["width"]


def difference_verdict(pairs):
    """E7: squared error and cross-entropy differ, by runs from the same starts.

    Parameters
    ----------
    pairs : dict of str to (list of float, list of float)
        For each of `COMPARED`, its values for the two losses, start by start; nan where there
        is none.

    Returns
    -------
    Verdict

    Notes
    -----
    For each quantity the interval of the mean difference, by Student's t at 95 % for all of
    them together (Bonferroni). *Holds* if one of them leaves out 0; *does not hold* if all lie
    within what counts as no difference (a tenth of a decade, a hundredth of accuracy); else
    *not decided by this evidence*. A quantity has no interval with fewer than three pairs, nor
    where all its differences are one number but 0, as counts of few images can be: then their
    spread says nothing.
    """
    from scipy.stats import t

    told, apart, alike = [], False, bool(pairs)
    for name, (a, b) in pairs.items():
        D = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
        D = D[np.isfinite(D)]
        if len(D) < LEAST_SEEDS:
            alike = False
            told.append(
                f"{COMPARED[name]}: {counted(len(D), 'start')} with both losses, "
                f"{LEAST_SEEDS} are needed"
            )
            continue
        mean = float(D.mean())
        if mean and np.ptp(D) <= TIED * max(np.abs(D).max(), 1.0):
            alike = False
            told.append(f"{COMPARED[name]} by {mean:.2g} in all {len(D)} starts, without a spread")
            continue
        quantile = t.ppf(1 - (1 - CONFIDENCE) / (2 * len(pairs)), len(D) - 1)
        half = quantile * D.std(ddof=1) / np.sqrt(len(D))
        low, high = mean - half, mean + half
        apart |= bool(low > 0 or high < 0)
        alike &= bool(max(abs(low), abs(high)) < ALIKE[name])
        told.append(f"{COMPARED[name]} by {mean:.2g} ({low:.2g} to {high:.2g})")
    reason = f"squared error less cross-entropy: {'; '.join(told)}"
    return Verdict(HOLDS if apart else FAILS if alike else UNDECIDED, reason)


def ladder_verdict(collapse, thresholds, space):
    """E8, of the last hidden layer: `training.dynamics.ladder.collapse_verdict`.

    Parameters
    ----------
    collapse : list of dict
        Of one loss.
    thresholds : sequence of float
    space : {"hidden", "truncated"}

    Returns
    -------
    Verdict
    """
    values = collapse_values(collapse, thresholds, space)
    return collapse_verdict(values, thresholds, what="NC1")[0]


def collapse_values(collapse, thresholds, space):
    """NC1 of the last hidden layer: a row for each start, a column for each threshold."""
    last = max((row["layer"] for row in collapse), default=0)
    starts = sorted({row["start"] for row in collapse})
    values = np.full((len(starts), len(thresholds)), np.nan)
    for row in collapse:
        if (row["layer"], row["space"]) == (last, space) and row["threshold"] in thresholds:
            at = starts.index(row["start"]), thresholds.index(row["threshold"])
            values[at] = row["nc1"]
    return values
