"""How claims about polytopes are read: yes, no or open, by an interval over seeds."""

import numpy as np

from geomcore.foreign.wording import counted
from training.experiments.judging.intervals import LEAST_PAIRS
from training.experiments.judging.verdict import NO, OPEN, SIZE, YES, too_few
from training.study.wilson import wilson_interval

# Fractions of a polytope that differ by less are the same, for what claims say.
SLIGHT = 0.05
FEW = 0.1  # "none" of a polytope is flat: at most this part, as 3 of 101 points are
ACCURACY = 0.01  # accuracies that are equal
MOSTLY = 0.75  # part of the runs in which what is necessary or sufficient must show
# Of fewer runs the Wilson interval begins below `MOSTLY` even if all show it.
LEAST_RUNS = 12

RULE = f"""A reading is answered by a 95 % interval over seeds, from at least {LEAST_PAIRS} pairs. \
"More": no if the interval ends below what counts as a difference ({SLIGHT:.0%} of the polytope), \
else yes if it begins above 0. "Equal": yes if it lies within what counts as none \
({SLIGHT:.0%} of the polytope, {ACCURACY:.0%} of the points), no if it lies beyond. "None": yes if \
it ends at {FEW:.0%} or below, no if it begins above. "About": no if it ends below the least that \
is stated, yes if it begins above that and holds the number, "size" if it begins above and does \
not hold it. "Mostly": yes if the Wilson interval of the part of the runs, at least {LEAST_RUNS}, \
begins above {MOSTLY:.0%}, no if it ends below. Else a reading is open. A claim does not hold if \
a reading of its source says no, and is not decided by this evidence if one is open. If they say \
yes, it holds, unless another reading says no, or a size is another: then it holds with a \
correction."""


def more(interval, least=SLIGHT):
    """Whether something is more by what counts."""
    if interval.pairs < LEAST_PAIRS:
        return OPEN
    if interval.high < least:
        return NO
    return YES if interval.low > 0 else OPEN


def equal(interval, within=SLIGHT):
    """Whether a difference is none that counts."""
    if interval.pairs < LEAST_PAIRS:
        return OPEN
    if -within <= interval.low and interval.high <= within:
        return YES
    return NO if interval.low > within or interval.high < -within else OPEN


def none(interval, most=FEW):
    """Whether something is as little as counts as none."""
    if interval.pairs < LEAST_PAIRS:
        return OPEN
    if interval.high <= most:
        return YES
    return NO if interval.low > most else OPEN


def about(interval, size, *, least):
    """Whether an effect has a size: it must be at least `least`, and its interval hold the size."""
    if interval.pairs < LEAST_PAIRS:
        return OPEN
    if interval.high < least:
        return NO
    if interval.low < least:
        return OPEN
    return YES if interval.low <= size <= interval.high else SIZE


def sized(interval, size, within):
    """Whether a number is about a size: its interval holds it, and goes no farther than that."""
    if interval.pairs < LEAST_PAIRS:
        return OPEN
    if not interval.low <= size <= interval.high:
        return SIZE
    return YES if size - within <= interval.low and interval.high <= size + within else OPEN


def mostly(number, runs):
    """Whether most runs show something, and the numbers: by the Wilson interval of their part."""
    if not runs:
        return OPEN, too_few(LEAST_RUNS)
    low, high = wilson_interval(number, runs)
    told = f"{number} of {counted(runs, 'run')} (part {low:.2f} to {high:.2f})"
    if runs < LEAST_RUNS:
        return OPEN, told
    return (YES if low > MOSTLY else NO if high < MOSTLY else OPEN), told


def in_points(interval):
    """An interval of a fraction in words; of one run it has no ends to tell."""
    if not interval.pairs or not np.isfinite(interval.value):
        return too_few()
    value, low, high = (f"{100 * x:.1f}" for x in interval[:3])
    return f"{value} % ({interval.rests_on(low, high)})"
