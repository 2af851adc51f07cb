"""Kinds of readings of the claims on sparse coding: smaller, the same, there at all."""

import numpy as np

from training.experiments.judging.intervals import LEAST_PAIRS, mean_interval
from training.experiments.judging.verdict import NO, OPEN, YES, Reading, both, too_few
from training.experiments.sparse.protocol import MIDDLE, PATCHES

MOST = 0.5  # part of the live units from which on fields appear
LEAST_LIVE = 10  # live units of which a share is told
SHARES = ("field_", "atom_", "helped")  # quantities that are shares of live units, or medians
SAME = 0.1  # change, relative or of a part, that counts as none


class Table:
    """Rows by what they are of, seed by seed.

    Examples
    --------
    >>> row = {"data": "patches", "treatment": "free", "penalty": 1.0, "loop": 0, "seed": 3}
    >>> row |= {"interaction": "dictionary", "decoder_bias": "mean", "gamma": "fixed", "dead": 2}
    >>> row |= {"diverged": False, "live": 94}
    >>> Table([row]).values("dead", treatment="free")
    {3: 2.0}
    """

    def __init__(self, rows):
        self.rows = rows

    def values(self, quantity, **about):
        """The values of a quantity by seed; nan where it diverged, or there is too little.

        Shares of live units are nan below 10 of them, and all but ``dead`` where none is alive.
        """
        about = {
            "data": PATCHES,
            "penalty": MIDDLE,
            "loop": 0,
            "interaction": "dictionary",
            "decoder_bias": "mean",
            "gamma": "fixed",
        } | about
        own = (row for row in self.rows if all(row[k] == v for k, v in about.items()))
        least = LEAST_LIVE if quantity.startswith(SHARES) else int(quantity != "dead")
        return {
            r["seed"]: np.nan
            if r["diverged"] or r["live"] < least
            else float(r.get(quantity, np.nan))
            for r in own
        }


def paired(one, other):
    """Two arrays of the values of the seeds that both have as finite numbers."""
    seeds = sorted(_finite(one).keys() & _finite(other).keys())
    return np.array([one[s] for s in seeds]), np.array([other[s] for s in seeds])


def smaller(name, one, other, *, is_source, ratio=True, what=("", "")):
    """Whether values are smaller than others of the same seeds."""
    a, b = paired(one, other)
    left = _left(len(a), one, other)
    if len(a) < LEAST_PAIRS:
        return Reading(name, is_source, OPEN, too_few(runs=len(a), which="of both") + left)
    if not a.any() and not b.any():
        return Reading(name, is_source, OPEN, "both are 0 in every seed" + left)
    # Where one is 0 in some seed there are no ratios.
    ratio = ratio and (a > 0).all() and (b > 0).all()
    found = mean_interval(np.log(a / b) if ratio else a - b)
    if found.high < 0:
        answer = YES
    else:
        answer = NO if found.low > 0 or not (a - b).any() else OPEN
    told = f"{a.mean():.3g}{what[0]} against {b.mean():.3g}{what[1]}"
    if ratio:
        value, low, high = np.exp([found.value, found.low, found.high])
        told += f"; ratio {value:.3g} ({low:.3g} to {high:.3g})"
    else:
        told += f"; difference {found.value:.3g} ({found.low:.3g} to {found.high:.3g})"
    return Reading(name, is_source, answer, told + left)


def same(name, pairs, *, is_source):
    """Whether none of several quantities differs; pairs are (what, one, other, is a part)."""
    answers, told = [], []
    for what, one, other, is_part in pairs:
        a, b = paired(one, other)
        if len(a) < LEAST_PAIRS:
            lacking = too_few(runs=len(a), which="of both") + _left(len(a), one, other)
            return Reading(name, is_source, OPEN, lacking)
        difference = a - b if is_part or not (b > 0).all() else a / b - 1
        found = mean_interval(difference)
        is_none = max(abs(found.low), abs(found.high)) <= SAME
        is_some = found.low > SAME or found.high < -SAME
        answers.append(YES if is_none else NO if is_some else OPEN)
        told.append(
            f"{what} {found.value:+.1%} ({found.low:+.1%} to {found.high:+.1%})"
            + _left(len(a), one, other)
        )
    return Reading(name, is_source, both(*answers), ", ".join(told))


def share(name, values, *, is_source, wanted, of="live units"):
    """Whether most units have something (or, if that is wanted, not) for the best penalty.

    It is the best one of those with 10 seeds; those with fewer are told.
    """
    shares = {penalty: [*_finite(of_seeds).values()] for penalty, of_seeds in values.items()}
    enough = [penalty for penalty, own in shares.items() if len(own) >= LEAST_PAIRS]
    if not enough:
        most = max(shares, key=lambda p: len(shares[p]))
        told = too_few(runs=len(shares[most]), which=f"with {of}")
        told += _left(len(shares[most]), values[most])
        return Reading(name, is_source, OPEN, told)
    best = max(enough, key=lambda p: np.mean(shares[p]))
    found = mean_interval(shares[best])
    answer = OPEN
    if found.low >= MOST:
        answer = YES if wanted else NO
    elif found.high < MOST:
        answer = NO if wanted else YES
    told = (
        f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%}) of {of} at the penalty {best:g}"
    )
    told += ", the best one" if len(values) > 1 else ""
    told += _left(len(shares[best]), values[best])
    for penalty in values:
        if penalty not in enough:
            told += f"; the penalty {penalty:g} has too few seeds ({len(shares[penalty])})"
    return Reading(name, is_source, answer, told)


def _finite(values):
    return {seed: value for seed, value in values.items() if np.isfinite(value)}


def _left(count, *values):
    """How many seeds count, where it is not all of them."""
    seeds = len(set().union(*values))
    if count == seeds:
        return ""
    return f"; {count} of {seeds} seeds ended with enough live units to tell"
