"""Intervals over seeds: paired bootstrap of means, of medians, and of the share of an effect.

Seeds are drawn again, with replacement, and with each one all that was measured of it: the same
polytope, data, initial numbers and shuffles. The interval is that between the 2.5 and the 97.5
percentile of 10,000 draws.
"""

from typing import NamedTuple

import numpy as np

from geomcore.foreign.wording import counted

CONFIDENCE = 0.95
DRAWS = 10_000
# Percentiles of fewer pairs are too narrow to judge by.
LEAST_PAIRS = 10
# Seeds of which an interval is told: of fewer it is hardly more than their range.
LEAST_SEEDS = 5


class Interval(NamedTuple):
    """A number, where it lies at 95 %, and the number of seeds that it rests on.

    Attributes
    ----------
    value, low, high : float
        nan where there is nothing to tell it from.
    pairs : int
    """

    value: float
    low: float
    high: float
    pairs: int

    def __str__(self):
        return f"{self.value:.3g} ({self.rests_on(f'{self.low:.3g}', f'{self.high:.3g}')})"

    def rests_on(self, low, high):
        """Its ends, written by the caller, and the number of seeds; of few seeds that alone.

        Examples
        --------
        >>> [Interval(0.2, 0.1, 0.3, pairs).rests_on("0.1", "0.3") for pairs in (1, 4, 5)]
        ['1 seed', '4 seeds, too few for an interval', '0.1 to 0.3; 5 seeds']
        """
        seeds = counted(self.pairs, "seed")
        if self.pairs >= LEAST_SEEDS:
            return f"{low} to {high}; {seeds}"
        return seeds if self.pairs == 1 else f"{seeds}, too few for an interval"


def mean_interval(values, *, seed=0):
    """The mean over seeds with its interval.

    Parameters
    ----------
    values : array_like, shape (n,)
        One per seed, a difference of two models for instance.
    seed : int
        Of the draws.

    Returns
    -------
    Interval

    Examples
    --------
    >>> mean_interval([0.25] * 12)
    Interval(value=0.25, low=0.25, high=0.25, pairs=12)
    """
    values = np.asarray(values, dtype=float)
    return _interval(values[:, None], lambda V: V[..., 0].mean(axis=-1), seed)


def median_interval(values, *, seed=0):
    """The median over seeds with its interval, as `mean_interval`; values may be infinite.

    Examples
    --------
    >>> median_interval([1.0, 2.0, np.inf]).value
    2.0
    """
    values = np.asarray(values, dtype=float)
    return _interval(values[:, None], lambda V: _middle(V[..., 0]), seed)


def _middle(V):
    """Medians of rows; half way between both infinities is 0."""
    V, n = np.sort(V, axis=-1), V.shape[-1]
    low, high = V[..., (n - 1) // 2], V[..., n // 2]
    is_between = np.isneginf(low) & np.isposinf(high)
    return np.where(is_between, 0.0, low / 2 + np.where(is_between, 0.0, high) / 2)


def share_interval(part, whole, control, *, seed=0):
    """Which share of the effect of one treatment another one has, with its interval.

    .. math:: (mean(part) - mean(control)) / (mean(whole) - mean(control))

    Parameters
    ----------
    part, whole, control : array_like, shape (n,)
        Of the same seeds.
    seed : int
        Of the draws; those in which there is no effect to have a share of are infinite.

    Returns
    -------
    Interval

    Examples
    --------
    >>> share_interval([0.3] * 9, [0.4] * 9, [0.2] * 9).value.__round__(6)
    0.5
    """
    columns = np.column_stack([part, whole, control]).astype(float)

    def share(V):
        part, whole, control = np.moveaxis(V.mean(axis=-2), -1, 0)
        effect = whole - control
        is_some = effect > 0
        quotient = (part - control) / np.where(is_some, effect, 1.0)
        return np.where(is_some, quotient, np.copysign(np.inf, part - control))

    return _interval(columns, share, seed)


def _interval(columns, statistic, seed):
    n = len(columns)
    if not n:
        return Interval(np.nan, np.nan, np.nan, 0)
    rng = np.random.default_rng(seed)
    drawn = statistic(columns[rng.integers(n, size=(DRAWS, n))])
    # Infinite draws have percentiles, too, but nothing between them is a number.
    ends = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], method="nearest")
    return Interval(float(statistic(columns)), *map(float, ends), n)


def signed_rank(values):
    """Two-sided p of Wilcoxon's signed-rank test that differences lie around 0; 1 if all are 0."""
    from scipy.stats import wilcoxon

    values = np.asarray(values, dtype=float)
    if not len(values) or not values.any():
        return 1.0
    return float(wilcoxon(values, zero_method="pratt").pvalue)
