"""How fast something goes on, in words."""

import time

from geomcore.foreign.wording import counted


class Pace:
    """The rate of a count since its first report, in words.

    Parameters
    ----------
    what : str
        What is counted, one of it.
    clock : callable
        Seconds.

    Examples
    --------
    >>> seconds = iter([0.0, 2.0])
    >>> pace = Pace(clock=lambda: next(seconds))
    >>> pace(100, 1000)
    '100 of 1,000 trials'
    >>> pace(300, 1000)
    '300 of 1,000 trials, 100 per second, 7 s left'
    """

    def __init__(self, what="trial", *, clock=time.monotonic):
        self._what, self._clock, self._first = what, clock, None

    def __call__(self, done, total):
        now = self._clock()
        if self._first is None:
            self._first = (now, done)
        start, there = self._first
        text = f"{done:,} of {counted(total, self._what)}"
        if done == there or now <= start:
            return text
        rate = (done - there) / (now - start)
        return f"{text}, {rate:.3g} per second, {duration((total - done) / rate)} left"


def duration(seconds):
    """A time in words.

    Examples
    --------
    >>> duration(0.4), duration(61), duration(40_000), duration(1e9)
    ('0 s', '1 min 1 s', '11 h 6 min', '11,574 days')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24:,} days"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
