"""Claim E4: small perturbations of zero loss are undone by training, large ones are not."""

import numpy as np

from training.experiments.claims.works import SCALES, TYPES
from training.experiments.judging.intervals import mean_interval
from training.experiments.judging.verdict import NO, OPEN, SIZE, YES, Reading
from training.study.wilson import wilson_interval

SOURCE = "c"  # the type that the source speaks of
SMALL, LARGE = 0.1, SCALES[-1]
NEARLY, HALF = 0.95, 0.5
# What the source saw at this size: the mean of the final loss and the accuracy, as ranges.
ONE, LOSS, ACCURACY = 1.0, (0.3, 0.5), (0.8, 0.9)


def return_readings(trials):
    """The readings of E4.

    Parameters
    ----------
    trials : dict of str to list of dict
        By the letter of the type of data, the trials of a study of its network with zero loss.

    Returns
    -------
    list of Reading
        A trial that never left the tolerance counts as back: the claim is about where trials end.
    """
    readings = []
    for letter, rows in trials.items():
        name, is_source = f"type ({letter}), {TYPES[letter].replace('_', ' ')}", letter == SOURCE
        small = _back(rows, lambda scale: scale <= SMALL)
        large = _back(rows, lambda scale: scale == LARGE)
        readings += [
            Reading(f"{name}, λ up to {SMALL:g}", is_source, _above(small, NEARLY), _told(*small)),
            Reading(
                f"{name}, λ = {LARGE:g}",
                is_source,
                {YES: NO, NO: YES, OPEN: OPEN}[_above(large[:2], HALF)],
                _told(*large),
            ),
        ]
        if is_source:
            one = [row for row in rows if row["scale"] == ONE]
            for about, column, (least, most) in (
                ("mean final loss", "final_loss", LOSS),
                ("mean accuracy", "accuracy", ACCURACY),
            ):
                reading = _mean([row[column] for row in one], least, most)
                readings.append(Reading(f"{about} at λ = {ONE:g}", False, *reading))
    return readings


def _mean(values, least, most):
    """Whether a mean lies in a range, and the numbers; diverged trials have none, or infinity."""
    finite = [value for value in values if value is not None and np.isfinite(value)]
    left_out = len(values) - len(finite)
    rest = f", {left_out} without a finite number" if left_out else ""
    if not finite:
        return OPEN, f"of no trial{rest}"
    found = mean_interval(finite)
    told = f"{found}{rest}; the source's lies within {least:g} to {most:g}"
    if not np.isfinite([found.low, found.high]).all():
        return OPEN, told
    return (YES if found.low <= most and found.high >= least else SIZE), told


def _back(rows, which):
    """How many trials of some sizes there are, end at zero loss, and never left it."""
    ends = [row["outcome"] for row in rows if which(row["scale"])]
    stayed = ends.count("stayed")
    return len(ends), stayed + ends.count("returned"), stayed


def _above(counts, level):
    """Whether a fraction is above a level, by its interval."""
    total, back, *_ = counts
    if not total:
        return OPEN
    low, high = wilson_interval(back, total)
    return YES if low >= level else NO if high < level else OPEN


def _told(total, back, stayed):
    if not total:
        return "no trial"
    low, high = wilson_interval(back, total)
    return (
        f"{back} of {total} end at zero loss ({100 * low:.1f} to {100 * high:.1f} %), "
        f"{stayed} of them never left it"
    )
