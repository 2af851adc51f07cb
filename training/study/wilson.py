"""The interval of a fraction that was counted."""

from __future__ import annotations

import numpy as np

from geomcore.arrays import as_count, as_number
from geomcore.foreign.keywords import answers_keywords


@answers_keywords
def wilson_interval(
    successes: int, trials: int, z: float = 1.959963984540054
) -> tuple[float, float]:
    r"""Wilson score interval of a fraction [1]_.

    .. math:: \frac{1}{1 + z^2/n} \left( \hat p + \frac{z^2}{2n}
              \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}} \right)

    Parameters
    ----------
    successes, trials : int
        ``0 <= successes <= trials`` and at least one trial.
    z : float
        Normal quantile; the default gives 95 %.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If these are no counts, or there are more successes than trials.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical
       inference", JASA 22 (1927), 209-212.

    Examples
    --------
    >>> low, high = wilson_interval(10, 10)
    >>> round(low, 3), high
    (0.722, 1.0)
    """
    trials = as_count(trials, "trials")
    if as_count(successes, "successes", 0) > trials:
        raise ValueError(f"successes must be at most trials ({trials}), got {successes}")
    z = as_number(z, "z", 0)
    p, shift = successes / trials, z**2 / trials
    half = z * np.sqrt(p * (1 - p) / trials + shift / (4 * trials))
    low, high = (p + shift / 2 - half) / (1 + shift), (p + shift / 2 + half) / (1 + shift)
    # At the ends rounding would leave 1e-17 where the formula gives exactly 0 or 1.
    return (float(low) if successes else 0.0), (float(high) if successes < trials else 1.0)
