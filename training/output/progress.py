"""What an argument `progress` means: a bar of this program, a function of the user, or nothing."""

import sys
from contextlib import contextmanager

from geomcore.foreign.wording import quoted

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
        raise ValueError(
            f"progress must be True, False, None or a function, got {quoted(progress)}"
        )
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield lambda done, total: None
        return
    from training.output.screen import Screen

    with Screen().trials(after=0.0 if progress else PATIENCE, first=first) as show:
        yield show
