"""A mean over seeds for people: beside it an interval or, of few seeds, what each of them gave."""

from typing import NamedTuple

import numpy as np

from geomcore.display.lines import told_in_brief
from training.experiments.judging.intervals import LEAST_SEEDS, Interval, mean_interval


@told_in_brief
class Spread(NamedTuple):
    """Values of seeds, with their mean.

    Attributes
    ----------
    values : ndarray, shape (n,)
    interval : Interval
    """

    values: np.ndarray
    interval: Interval

    @property
    def mean(self):
        return self.interval.value

    @property
    def has_interval(self):
        """Whether there are seeds enough for one."""
        return len(self.values) >= LEAST_SEEDS

    def told(self, form="{:.3g}"):
        """The mean, and in brackets its interval or the values; one value is told alone.

        Examples
        --------
        >>> spread_of([0.1, 0.3]).told(), spread_of([0.25] * 5).told("{:.0%}")
        ('0.2 (0.1, 0.3)', '25% (25% to 25%)')
        """
        mean = form.format(self.mean)
        if len(self.values) == 1:
            return mean
        if self.has_interval:
            low, high = (form.format(end) for end in (self.interval.low, self.interval.high))
            return f"{mean} ({low} to {high})"
        return f"{mean} ({', '.join(map(form.format, self.values))})"

    def times(self, factor):
        """The same of values in another unit, such as percent.

        Examples
        --------
        >>> spread_of([0.1, 0.3]).times(100).told()
        '20 (10, 30)'
        """
        value, low, high, pairs = self.interval
        interval = Interval(factor * value, factor * low, factor * high, pairs)
        return Spread(factor * self.values, interval)

    def draw(self, ax, place, *, color, marker, size=6, face=None):
        """Draw the mean at a height, over a line from end to end of its interval or the values."""
        self.draw_range(ax, place, color=color, size=size)
        ax.plot(self.mean, place, marker, color=color, mfc=face or color, ms=size)

    def draw_range(self, ax, place, *, color, size=6, width=1.5, upright=False):
        """Draw the interval as a line, or the values as strokes, along x or, upright, along y."""
        if len(self.values) == 1:
            return
        along, style = self.values, {"ls": "none", "marker": "_" if upright else "|"}
        if self.has_interval:
            along, style = np.array(self.interval[1:3]), {"ls": "-"}
        across = np.full(len(along), place)
        xy = (across, along) if upright else (along, across)
        ax.plot(*xy, color=color, lw=width, ms=size + 3, **style)


def spread_of(values, *, seed=0):
    """The spread of the values that are finite; None if there is none.

    Parameters
    ----------
    values : iterable of float
        One per seed.
    seed : int
        Of the draws of the interval.

    Returns
    -------
    Spread or None
    """
    values = np.array([value for value in values if np.isfinite(value)], dtype=float)
    return Spread(values, mean_interval(values, seed=seed)) if len(values) else None


def means_over(seeds, place="in brackets"):
    """What is shown of so many seeds, in words: by `Spread.told`, or by `Spread.draw` as strokes.

    Examples
    --------
    >>> means_over(1), means_over(10)[:36]
    ('of one seed', 'means over seeds with 95 % intervals')
    >>> means_over(3)
    'means over 3 seeds, in brackets what each of them gave (too few for intervals)'
    >>> means_over(3, "as strokes")
    'means over 3 seeds, as strokes what each of them gave (too few for intervals)'
    """
    if seeds == 1:
        return "of one seed"
    if seeds < LEAST_SEEDS:
        return f"means over {seeds} seeds, {place} what each of them gave (too few for intervals)"
    return (
        f"means over seeds with 95 % intervals (where fewer than {LEAST_SEEDS} have a number: "
        f"{place} what each of them gave)"
    )
