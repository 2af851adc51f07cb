"""Does the rate of truncation depend on how much is truncated? Slopes, intervals, a verdict."""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_array
from geomcore.display.lines import listed
from geomcore.foreign.wording import counted
from training.dynamics.numbers import as_measured, to_size_one
from training.output.verdicts import FAILS, HOLDS, UNDECIDED, Verdict

# An R² from which a run counts as exponential, the part of the runs that must be, and the change of
# the rate over all fractions, relative to its mean, below which it counts as none.
GOOD_FIT, MOST, NOTHING = 0.9, 0.5, 0.1
CONFIDENCE = 0.95
LEAST_SEEDS = 3


@dataclass(frozen=True, eq=False)
class Dependence:
    """Rates against fractions, over seeds; see `rate_dependence`.

    Attributes
    ----------
    slopes : ndarray, shape (S,)
        Of each seed that has rates at two fractions or more: change of the rate per unit of the
        fraction.
    slope, low, high : float
        Their mean, and its confidence interval.
    mean_rate : float
        Mean over seeds of the mean rate of each.
    residual, residual_constant : float
        Root mean square deviation of the rates from a line with the common slope, and
        from a constant, each with a level of its own for each seed.
    aic, aic_constant : float
        Akaike's criterion of the two; the smaller one describes the rates better.
    runs : int
        How many rates there are.
    """

    slopes: np.ndarray
    slope: float
    low: float
    high: float
    mean_rate: float
    residual: float
    residual_constant: float
    aic: float
    aic_constant: float
    runs: int

    def __repr__(self):
        names = ("slope", "low", "high", "mean_rate", "runs")
        values = {name: getattr(self, name) for name in names}
        return listed(self, values | {"seeds": len(self.slopes)})

    def frame(self):
        """The two models side by side, as a `pandas.DataFrame`."""
        import pandas as pd

        seeds = len(self.slopes)
        rows = [
            ("rate changes with the fraction", self.slope, self.low, self.high, seeds + 1),
            ("no dependence", 0.0, 0.0, 0.0, seeds),
        ]
        table = pd.DataFrame(rows, columns=["model", "slope", "low", "high", "parameters"])
        table["residual"] = [self.residual, self.residual_constant]
        table["aic"] = [self.aic, self.aic_constant]
        return table


def rate_dependence(rates, fractions):
    r"""Fit rates by a line in the fraction, with the alternative that there is no dependence.

    Each seed has a slope of its own, by least squares over its fractions; seeds are independent
    of each other, fractions of one seed are not (they share data). So the
    interval is that of the mean slope over seeds, by Student's t.

    Parameters
    ----------
    rates : array_like, shape (S, F)
        One row per seed; nan where there is no rate.
    fractions : array_like, shape (F,) or (S, F)
        Fraction of the class that is truncated at the start of each run.

    Returns
    -------
    Dependence
        Numbers that cannot be had, as an interval of one seed, are nan.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a fraction is not finite.

    Examples
    --------
    >>> found = rate_dependence([[1.0, 2.0], [1.5, 2.5], [0.0, 1.25]], [0.0, 0.5])
    >>> round(found.slope, 3), round(found.low, 3), round(found.high, 3)
    (2.167, 1.45, 2.884)
    """
    from scipy.stats import t

    rates, fractions = as_measured(rates, "rates"), as_measured(fractions, "fractions")
    if rates.ndim != 2:
        raise ValueError(f"rates must have a row for each seed, got shape {rates.shape}")
    if fractions.shape not in (rates.shape, rates.shape[1:]):
        raise ValueError(
            f"fractions must have the shape {rates.shape[1:]} or {rates.shape}, "
            f"got {fractions.shape}"
        )
    fractions = as_array(np.broadcast_to(fractions, rates.shape), "fractions", 2)
    # All in units in which squares stay in range; what is told is in those that were given.
    rates, unit = to_size_one(np.where(np.isfinite(rates), rates, np.nan))
    fractions, part = to_size_one(fractions)
    slopes, means, lines = [], [], []
    for r, f in zip(rates, fractions, strict=True):
        known = np.isfinite(r)
        r, f = r[known], f[known]
        if len(np.unique(f)) < 2:
            continue
        f, level = f - f.mean(), r.mean()
        slopes.append(float(f @ r / (f @ f)))
        means.append(float(level))
        lines.append((f, r - level))
    S, slopes = len(slopes), np.array(slopes)
    none = np.nan
    slope = float(slopes.mean()) if S else none
    half = t.ppf((1 + CONFIDENCE) / 2, S - 1) * slopes.std(ddof=1) / np.sqrt(S) if S > 1 else none
    f, r = (np.concatenate(parts) for parts in zip(*lines, strict=True)) if S else ([], [])
    n = len(r)
    common = float(f @ r / (f @ f)) if S else none
    left = [float(((r - b * f) ** 2).sum()) if S else none for b in (common, 0.0)]
    aic = [_aic(rest, unit, n, S + extra) for rest, extra in zip(left, (1, 0), strict=True)]
    with np.errstate(over="ignore"):
        slopes, (slope, low, high) = (
            np.ldexp(np.array(values, dtype=float), unit - part)
            for values in (slopes, (slope, slope - half, slope + half))
        )
        mean, *residuals = np.ldexp(
            [np.mean(means) if S else none, *(np.sqrt(rest / n) if n else none for rest in left)],
            unit,
        )
    return Dependence(
        slopes=slopes,
        slope=float(slope),
        low=float(low),
        high=float(high),
        mean_rate=float(mean),
        residual=float(residuals[0]),
        residual_constant=float(residuals[1]),
        aic=aic[0],
        aic_constant=aic[1],
        runs=n,
    )


def _aic(rest, unit, n, parameters):
    """Akaike's criterion of normal deviations of unknown size; -inf where there are none.

    `rest` is their sum of squares in units of ``2**(2 unit)``.
    """
    if not n:
        return np.nan
    if not rest > 0:
        return -np.inf
    return n * float(np.log(rest / n) + 2 * unit * np.log(2)) + 2 * (parameters + 1)


def rate_verdict(
    fits, dependence, *, law="shrink exponentially", span="from nothing to all truncated"
):
    """Read off what the fits say of claim E5: truncation is exponential, and the faster the more.

    Parameters
    ----------
    fits : sequence of RateFit
        Of all runs.
    dependence : Dependence
    law, span : str
        What the runs do that the law describes, and what the fraction going from 0 to 1 means,
        for the sentence.

    Returns
    -------
    Verdict

    Notes
    -----
    *Not decided by this evidence* if fewer than three seeds have a slope, or if not more than half
    of the runs are exponential (R² at least 0.9 and a positive rate). Else the claim *does not
    hold* if the 95 % interval of the slope is below 0, or so narrow around 0 that the rate changes
    by less than a tenth of its mean as the fraction goes from 0 to 1; it *holds* if the interval is
    above 0; and it is *not decided by this evidence* if it is neither.
    """
    good = sum(fit.r_squared >= GOOD_FIT and fit.rate > 0 for fit in fits)
    seeds = len(dependence.slopes)
    if seeds < LEAST_SEEDS:
        told = f"{counted(seeds, 'seed')} with rates at two fractions or more"
        return Verdict(UNDECIDED, f"{told}, {LEAST_SEEDS} are needed")
    if good <= MOST * len(fits):
        return Verdict(
            UNDECIDED,
            f"{good} of {len(fits)} runs {law} (R² at least {GOOD_FIT}), so that "
            "their rates say little",
        )
    slope, low, high = dependence.slope, dependence.low, dependence.high
    told = (
        f"the rate changes by {slope:.3g} (95 % interval {low:.3g} to {high:.3g}) {span}, "
        f"its mean is {dependence.mean_rate:.3g}"
    )
    exponential = f"{good} of {len(fits)} runs {law}"
    if max(abs(low), abs(high)) < NOTHING * abs(dependence.mean_rate):
        return Verdict(FAILS, f"{exponential}; {told}: that is no dependence")
    if low > 0:
        return Verdict(HOLDS, f"{exponential}; {told}: it rises")
    if high < 0:
        return Verdict(FAILS, f"{exponential}; {told}: it falls")
    return Verdict(UNDECIDED, f"{exponential}; {told}: that may be either")
