"""Scales that show the transition: from where trials leave to where none comes back."""

import numpy as np

# Where scales are looked for: powers of ten in quarters, from 1e-12 to 1e6.
QUARTERS, LOWEST, HIGHEST = 4, -48, 24
# The first scale that is tried, 0.01.
FIRST = -8
# Steps of the way up, half a decade each, and how many.
CLIMB, MOST_CLIMBS = 2, 10
# The fraction of pilot trials that are most.
MOST = 0.75
# Number of scales in a study where none are given, and these if nothing is found.
COUNT, USUAL = 6, (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def leaving(left):
    """The least scale at which most pilot trials leave, in quarters of powers of ten.

    Parameters
    ----------
    left : callable
        ``left(scale)`` is the fraction of pilot trials that leave.

    Returns
    -------
    int or None
        None if they leave at no scale.

    Examples
    --------
    >>> leaving(lambda scale: float(scale > 0.02))
    -6
    """
    return _least(lambda k: left(scale_of(k)) >= MOST)


def transition(low, back):
    """The scales between which the fraction that returns falls from most to none.

    Parameters
    ----------
    low : int
        From `leaving`.
    back : callable
        ``back(scale)`` is the number of pilot trials that return.

    Returns
    -------
    low, high : int
        In quarters of powers of ten: `low`, and the first scale above it, in steps of half a
        decade, from which none returns. If none returns from `low`, half a decade to both sides.
    ends : bool
        Whether there was such a scale on the way up; around a merge of all classes, for example,
        all return whatever the scale, since dead networks are where it is.

    Examples
    --------
    >>> transition(-6, lambda scale: 4 * (scale < 1)), transition(-6, lambda scale: 0)
    ((-6, 0, True), (-8, -4, True))
    """
    for k in range(low, low + CLIMB * MOST_CLIMBS, CLIMB):
        if not back(scale_of(k)):
            return (low, k, True) if k > low else (low - CLIMB, low + CLIMB, True)
    return low, k, False


def _least(holds):
    """The least k at which something holds that holds from there on; None if it never does."""
    k, high = FIRST, None
    while LOWEST <= k <= HIGHEST:
        if holds(k):
            high, k = k, k - QUARTERS
        elif high is None:
            k += QUARTERS
        else:
            break
    if high is None:
        return None
    low = max(high - QUARTERS, LOWEST - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def scale_of(k):
    """A scale from quarters of powers of ten."""
    return 10.0 ** (k / QUARTERS)


def between(low, high):
    """`COUNT` scales of two digits in a geometric sequence.

    Parameters
    ----------
    low, high : int
        In quarters of powers of ten.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> between(-6, 0)
    (0.032, 0.063, 0.13, 0.25, 0.5, 1.0)
    """
    found = np.geomspace(scale_of(low), scale_of(high), COUNT)
    return tuple(float(f"{scale:.2g}") for scale in found)
