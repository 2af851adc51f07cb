"""How every run starts: with a folder, a screen and as many threads as it may have."""

from contextlib import contextmanager
from pathlib import Path

import numba
from threadpoolctl import threadpool_limits

from training.output.folder import RunFolder
from training.output.screen import Screen

# These have places of their own in `run.json`, or leave no trace in a run.
NOT_KEPT = ("seed", "out", "quiet")


@contextmanager
def started(command, given, *, about="", kept=None):
    """Yield the `RunFolder` and the `Screen` of a command, with limited threads inside.

    Parameters
    ----------
    command : str
    given : dict
        The arguments of the command by name; of these, ``out`` is where the
        run is published, ``seed`` is noted, ``jobs`` limits the threads and
        ``quiet`` the screen.
    about : str, optional
        What the run is about, for the name of its folder if ``out`` is None:
        runs/command-about.
    kept : sequence of str, optional
        The arguments that `run.json` keeps. Default all but ``seed``, ``out``
        and ``quiet``.

    Raises
    ------
    ValueError
        If ``out`` is a file, a folder with something else in it, or cannot be written.
    """
    if kept is None:
        kept = [name for name in given if name not in NOT_KEPT]
    arguments = {name: _plain(given[name]) for name in kept}
    out = given["out"]
    if out is None:
        out = Path("runs") / (f"{command}-{about}" if about else command)
    with limited_threads(given["jobs"]), RunFolder(out, command, arguments, given["seed"]) as run:
        yield run, Screen(given["quiet"])


@contextmanager
def limited_threads(jobs):
    """At most `jobs` threads in compiled kernels and matrix products."""
    numba.set_num_threads(min(jobs, numba.config.NUMBA_NUM_THREADS))
    with threadpool_limits(jobs):
        yield


def _plain(value):
    return str(value) if isinstance(value, Path) else value
