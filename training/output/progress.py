"""What an argument `progress` means: a bar of this program, a function of the user, or nothing."""

import sys
from contextlib import contextmanager

# Seconds after which a terminal shows that something goes on.
PATIENCE = 2.0


@contextmanager
def reporting(progress, *, first=""):
    """Yield a function ``(done, total)`` that tells how far trials are, as `progress` wishes.

    Parameters
    ----------
    progress : callable, bool or None
        A function is called itself. True: a bar on standard error if that is a terminal, a line
        every ten seconds elsewhere. None: the same bar, if `PATIENCE` was not enough, and nothing
        elsewhere. False: nothing.
    first : str, optional
        What is done until there is a number of trials.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if callable(progress):
        yield progress
        return
    if not (progress is None or isinstance(progress, bool)):
        raise ValueError(f"progress must be True, False, None or a function, got {progress!r:.60}")
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield lambda done, total: None
        return
    from training.output.screen import Screen

    with Screen().trials(after=0.0 if progress else PATIENCE, first=first) as show:
        yield show


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
