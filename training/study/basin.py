"""The basin radius: the size of a perturbation from which half of the trials return."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array, as_count, as_rng
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import ArrayLike, Seed
from training.study.outcomes import RETURNED, STAYED, limit_in_words, tally


class ReturnRadius(NamedTuple):
    """What `return_radius` returns.

    Attributes
    ----------
    radius : float
        0 if fewer than half return even at the smallest scale, inf if at least
        half do at the largest: the radius then is outside of what was tried.
    low, high : float
        The 95 % bootstrap interval.
    """

    radius: float
    low: float
    high: float


@answers_keywords
def return_radius(
    scales: ArrayLike, returned: ArrayLike, *, resamples: int = 2000, rng: Seed = 0
) -> ReturnRadius:
    r"""Scale at which the fraction of returning trials crosses one half.

    The fractions of the scales are first made non-increasing by least squares
    (isotonic regression), then interpolated, linearly in the logarithm of the
    scale (in the scale itself between 0 and the next one).

    Parameters
    ----------
    scales : array_like, shape (T,)
        Perturbation scale of every trial, at least 0.
    returned : array_like of bool, shape (T,)
        Whether it returned.
    resamples : int
        Bootstrap samples: the trials of each scale are drawn anew, with
        replacement.
    rng : Generator or seed, optional

    Returns
    -------
    ReturnRadius

    Raises
    ------
    ValueError
        If there is no trial, or the shapes do not fit.

    Notes
    -----
    The interval speaks of the randomness of the trials, not of how the curve
    runs between two scales.

    Examples
    --------
    >>> scales = [0.1] * 4 + [1.0] * 4
    >>> returned = [True] * 4 + [False] * 4
    >>> round(return_radius(scales, returned).radius, 3)
    0.316
    >>> return_radius(scales, [True] * 8)
    ReturnRadius(radius=inf, low=inf, high=inf)
    """
    scales = as_array(scales, "scales", 1)
    try:
        returned = np.asarray(returned)
    except ValueError:  # rows of several lengths
        returned = np.empty(0, object)
    if returned.shape != scales.shape or returned.dtype != bool or not len(scales):
        raise ValueError(
            "returned must be one bool for each of at least one trial, "
            f"got shape {returned.shape} of {returned.dtype} for {len(scales)} scales"
        )
    if (scales < 0).any():
        raise ValueError(f"scales must be at least 0, got {scales.min()}")
    grid, index = np.unique(scales, return_inverse=True)
    trials = np.bincount(index)
    successes = np.bincount(index, weights=returned)
    # Drawing trials with replacement draws the number of successes from a binomial.
    draws = as_rng(rng).binomial(
        trials, successes / trials, size=(as_count(resamples, "resamples"), len(grid))
    )
    found = [_crossing(grid, row) for row in _decreasing(np.vstack([successes, draws]), trials)]
    low = np.quantile(found[1:], 0.025, method="lower")
    high = np.quantile(found[1:], 0.975, method="higher")
    return ReturnRadius(float(found[0]), float(low), float(high))


def basin_of(study, *, rng=0):
    """The return radius of those trials of a study that left, or why it has none.

    Parameters
    ----------
    study : StudyResult
        With one reference.
    rng : Generator or seed, optional

    Returns
    -------
    dict
        radius, low, high; least and most, the smallest and the largest scale at which a trial
        left; reason, a text, where those are nan: no trial left, or at a scale up to the one
        where fewer than half return the steps or the rate decided; kept, kept_low, kept_high,
        the scale at which half of all trials end within the tolerance, whether they left or not,
        nan where the steps or the rate decided.
    """
    stayed, returned = (study.outcome == word for word in (STAYED, RETURNED))
    kept, _ = _crossed(study, np.full(len(stayed), True), stayed | returned, rng)
    found = dict(zip(("kept", "kept_low", "kept_high"), kept, strict=True))
    found |= dict.fromkeys(("radius", "low", "high", "least", "most"), np.nan)
    scales = study.columns["scale"][~stayed]
    if not len(scales):
        return found | {"reason": "no trial left its reference at the scales tried"}
    radius, reason = _crossed(study, ~stayed, returned, rng)
    ends = {"least": scales.min(), "most": scales.max()}
    return found | ends | radius._asdict() | {"reason": reason}


def _crossed(study, some, back, rng):
    """The `ReturnRadius` of some trials, of nan if steps or rate decided it; and why, or ""."""
    scales = study.columns["scale"]
    radius = return_radius(scales[some], back[some], rng=rng)
    grid = np.unique(scales[some])
    crossed = grid[: np.searchsorted(grid, radius.radius, side="right") + 1]
    for scale in crossed.tolist() if radius.radius < np.inf else ():
        at = scales == scale
        is_limited = tally(study.outcome[at], study.undecided[at])["limited"]
        if is_limited and back[at & some].mean() < 0.5:
            why = limit_in_words(study.outcome[at][study.undecided[at]], scale)
            return ReturnRadius(np.nan, np.nan, np.nan), why
    return radius, ""


def radius_in_words(radius, scales):
    """A basin radius as text; one outside of the scales that were tried says so.

    Parameters
    ----------
    radius : float
        Of a `ReturnRadius`.
    scales : array_like, shape (k,)

    Returns
    -------
    str

    Examples
    --------
    >>> [radius_in_words(radius, [0.1, 3]) for radius in (0.0, 0.25, np.inf, np.nan)]
    ['below 0.1', '0.25', 'beyond 3', '-']
    """
    if radius != radius:
        return "-"
    if radius == 0:
        return f"below {np.min(scales):g}"
    return f"{radius:.3g}" if radius < np.inf else f"beyond {np.max(scales):g}"


def _decreasing(successes, trials):
    """Rows of fractions (B, k), made non-increasing by weighted least squares.

    By the formula max over b >= i of min over a <= i of the mean over a..b.
    """
    k = len(trials)
    total = np.concatenate([np.zeros((len(successes), 1)), successes.cumsum(axis=1)], axis=1)
    weight = np.r_[0, trials.cumsum()]
    fitted = np.empty(successes.shape)
    for i in range(k):
        a, b = np.arange(i + 1), np.arange(i + 1, k + 1)
        means = (total[:, None, b] - total[:, a, None]) / (weight[b] - weight[a][:, None])
        fitted[:, i] = means.min(axis=1).max(axis=1)
    return fitted


def _crossing(grid, fractions):
    """Where a non-increasing curve crosses one half; 0 or inf if it does so outside the grid."""
    # Rounding must not turn a mean of one half into something below.
    below = np.flatnonzero(fractions < 0.5 - 1e-12)
    if not len(below):
        return np.inf
    i = below[0]
    if i == 0:
        return 0.0
    share = (fractions[i - 1] - 0.5) / (fractions[i - 1] - fractions[i])
    low, high = grid[i - 1], grid[i]
    return low + share * (high - low) if low == 0 else low * (high / low) ** share
