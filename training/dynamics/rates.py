"""Exponential rates: how fast something falls to zero, or to a limit that is not known."""

from numbers import Real
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array
from geomcore.display.lines import told_in_brief
from training.dynamics.numbers import as_measured, to_size_one

# Rates from that of what hardly bends in the whole time to that of what is over at once.
SLOWEST, FASTEST, GRID = 0.1, 30.0, 200


@told_in_brief
class RateFit(NamedTuple):
    """An exponential law fitted to records; nan where there is none.

    Attributes
    ----------
    rate : float
        Per unit of time; negative for what grows.
    standard_error : float
        Of the rate, as if the deviations of the records were independent. They are not, so that
        the spread over repetitions is what to trust.
    r_squared : float
        Fraction of the variance that the law explains.
    amplitude : float
        Distance from the limit at time 0.
    records : int
        How many were used.
    """

    rate: float
    standard_error: float
    r_squared: float
    amplitude: float
    records: int


NO_RATE = RateFit(np.nan, np.nan, np.nan, np.nan, 0)


def fit_decay(times, values, *, floor=1e-8):
    r"""Fit :math:`v(t) = A e^{-rt}` to positive values, by least squares of their logarithms.

    Parameters
    ----------
    times, values : array_like, shape (R,)
        In rising order of time; nan values are left out.
    floor : float
        Records from the first one on that is at most this fraction of the first value, or
        zero, are left out: what has come to rounding, or vanished, falls no more.

    Returns
    -------
    RateFit
        All nan if fewer than three records are left. Values that are constant to rounding have the
        rate 0, and an R² of nan.

    Raises
    ------
    ValueError
        If the shapes differ, or `floor` is no number from 0 to 1.

    Examples
    --------
    >>> t = np.arange(5.0)
    >>> round(fit_decay(t, 3 * np.exp(-0.25 * t)).rate, 12)
    0.25
    """
    times, values = _sequence(times, values)
    if not (isinstance(floor, Real) and 0 <= floor < 1):
        raise ValueError(f"floor must be a number from 0 to 1, got {floor!r}")
    low = np.flatnonzero(values <= max(floor * values[0], 0) if len(values) else [])
    if len(low):
        times, values = times[: low[0]], values[: low[0]]
    if len(values) < 3:
        return NO_RATE
    start, whole, t = _in_units(times)
    middle, y = float(t.mean()), np.log(values)
    t = t - middle
    slope = float(t @ y / (t @ t))
    rest = y - y.mean() - slope * t
    total, left = float(((y - y.mean()) ** 2).sum()), float(rest @ rest)
    rounding = len(y) * (4 * np.finfo(float).eps * max(1.0, np.abs(y).max())) ** 2
    if total <= rounding:
        return RateFit(0.0, 0.0, np.nan, float(np.exp(y.mean())), len(y))
    with np.errstate(over="ignore"):
        return RateFit(
            float(np.float64(-slope) / whole),
            float(np.sqrt(left / (len(y) - 2) / (t @ t)) / whole),
            1 - left / total,
            float(np.exp(y.mean() - slope * (middle + start / whole))),
            len(y),
        )


def fit_halves(times, values, *, floor=1e-8):
    """Fit a decay to the first and to the second half of the time that `fit_decay` uses.

    Parameters
    ----------
    times, values : array_like, shape (R,)
    floor : float
        As for `fit_decay`.

    Returns
    -------
    early, late : RateFit
        Equal rates for an exponential law; of what speeds up the late one is larger.

    Raises
    ------
    ValueError
        As `fit_decay`.

    Examples
    --------
    >>> t = np.linspace(0, 2, 41)
    >>> early, late = fit_halves(t, np.exp(-t - t**2))
    >>> bool(early.rate < 3 < late.rate)
    True
    """
    whole = fit_decay(times, values, floor=floor)
    times, values = _sequence(times, values)
    times, values = times[: whole.records], values[: whole.records]
    if not len(times):
        return NO_RATE, NO_RATE
    early = _in_units(times)[2] <= 0.5
    return tuple(fit_decay(times[part], values[part], floor=0) for part in (early, ~early))


def fit_approach(times, positions):
    r"""Fit :math:`p(t) = p_\infty + A e^{-rt}` to positions of a point, by least squares.

    Parameters
    ----------
    times : array_like, shape (R,)
        In rising order.
    positions : array_like, shape (R, d)
        Positions with a nan are left out.

    Returns
    -------
    RateFit
        All nan if fewer than four records are left, if the point rests, if the path bends so
        little that no limit is to be seen (the best rate is at most 0.1 over the whole time), or
        if all is over before the second record: then any larger rate fits as well.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    For a given rate limit and amplitude are a linear least-squares problem, so that the
    search is over the rate alone.

    Examples
    --------
    >>> t = np.linspace(0, 4, 9)
    >>> found = fit_approach(t, np.exp(-0.5 * t)[:, None] * [3.0, 4.0] + [1.0, 2.0])
    >>> round(found.rate, 9), round(found.amplitude, 9)
    (0.5, 5.0)
    """
    from scipy.optimize import minimize_scalar

    times, positions = _records(times, positions)
    if len(times) < 4:
        return NO_RATE
    start, whole, t = _in_units(times)
    positions, exponent = to_size_one(positions)
    Y = positions - positions.mean(axis=0)
    total = float((Y**2).sum())
    rounding = 8 * np.finfo(float).eps * np.abs(positions).max(initial=0.0)
    if total <= Y.size * rounding**2:
        return NO_RATE

    def left(log_rate):
        e = np.exp(-np.exp(log_rate) * t)
        e = e - e.mean()
        rest = Y - np.outer(e, e @ Y / (e @ e))
        return float((rest**2).sum())

    grid = np.linspace(np.log(SLOWEST), np.log(FASTEST * len(t)), GRID)
    best = int(np.argmin([left(g) for g in grid]))
    if best in (0, GRID - 1):
        return NO_RATE
    ends = grid[best - 1], grid[min(best + 1, GRID - 1)]
    found = minimize_scalar(left, bounds=ends, method="bounded", options={"xatol": 1e-10})
    rate, rest = float(np.exp(found.x)), float(found.fun)
    e = np.exp(-rate * t)
    centred = e - e.mean()
    A = centred @ Y / (centred @ centred)
    deviation = np.sqrt(rest / Y.size)
    if np.linalg.norm(A) * e[1] <= max(deviation, 8 * rounding):
        return NO_RATE
    # How the law moves with the rate, beyond what limit and amplitude make up for.
    basis = np.column_stack([np.ones_like(t), e])
    slope = t * e - basis @ np.linalg.lstsq(basis, t * e, rcond=None)[0]
    d = Y.shape[1]
    spare = max(d * len(t) - 2 * d - 1, 1)
    bend = float(np.linalg.norm(A) * np.linalg.norm(slope))
    with np.errstate(over="ignore"):
        return RateFit(
            float(np.float64(rate) / whole),
            float(np.float64(np.sqrt(rest / spare)) / bend / whole) if bend > 0 else np.nan,
            1 - rest / total,
            float(np.ldexp(np.linalg.norm(A) * np.exp(rate * (start / whole)), exponent)),
            len(t),
        )


def _in_units(times):
    """The first time, the whole time, and times from 0 to 1."""
    times, exponent = to_size_one(times)
    whole = times[-1] - times[0]
    with np.errstate(over="ignore"):
        return tuple(np.ldexp([times[0], whole], exponent)) + ((times - times[0]) / whole,)


def _sequence(times, values):
    """As `_records`, of one value per time."""
    values = as_measured(values, "values")
    if values.ndim != 1:
        raise ValueError(f"values must be one number per time, got shape {values.shape}")
    times, values = _records(times, values[:, None])
    return times, values[:, 0]


def _records(times, values):
    """Times and values (R, d), both finite, without the records that hold a nan."""
    times = as_array(times, "times", 1)
    values = as_measured(values, "values")
    if values.ndim != 2 or len(values) != len(times):
        raise ValueError(
            f"values must have one entry or row per time ({len(times)}), got shape {values.shape}"
        )
    falls = np.flatnonzero(np.diff(times) <= 0)
    if len(falls):
        before, after = times[falls[0]], times[falls[0] + 1]
        raise ValueError(f"times must rise, each above the one before, got {after} after {before}")
    keep = np.isfinite(values).all(axis=1)
    return times[keep], values[keep]
