"""How every run starts: with a folder, a screen and as many threads as it may have."""

import errno
import itertools
from contextlib import contextmanager
from pathlib import Path

from geomcore.threads import limited_threads
from training.output.folder import PIECES, PROGRAM, RunFolder, read_run, stem
from training.output.place import listed
from training.output.screen import Screen

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# These have places of their own in `run.json`, or leave no trace in a run.
NOT_KEPT = ("seed", "out", "quiet", "force", "resume")


@contextmanager
def started(command, given, *, about="", apart=(), kept=None):
    """Yield the `RunFolder` and the `Screen` of a command, with limited threads inside.

    Parameters
    ----------
    command : str
    given : dict
        The arguments of the command by name; of these, ``out`` is where the
        run is published, ``seed`` is noted, ``jobs`` limits the threads,
        ``quiet`` the screen, and ``force``, if there, is that of the `RunFolder`.
    about : str, optional
        What the run is about, for the name of its folder if ``out`` is None:
        runs/command-about.
    apart : sequence of str, optional
        Arguments that name files (or bundled data) and tell one run from
        another: if ``out`` is None, a run of other ones is not replaced, but has
        its own folder, runs/command-about-2 and so on. Nor is the folder taken
        in which one of the files lies.
    kept : sequence of str, optional
        The arguments that `run.json` keeps. Default all but `NOT_KEPT`.

    Raises
    ------
    ValueError
        If ``out`` cannot or may not be written, see `RunFolder`.
    """
    if kept is None:
        kept = [name for name in given if name not in NOT_KEPT]
    arguments = {name: _plain(given[name]) for name in kept}
    out = given["out"]
    if out is None:
        base = Path("runs") / (f"{command}-{stem(about)}" if about else command)
        out = _free(base, {name: given[name] for name in apart})
    folder = RunFolder(out, command, arguments, given["seed"], force=given.get("force"))
    with limited_threads(given["jobs"]), folder as run:
        # A network that was read from the folder is not removed as one of an earlier run; nor is
        # what the record does not keep, as the certificate that `verify` confirms.
        run.spare([value for value in given.values() if isinstance(value, str | Path)])
        screen = Screen(given["quiet"])
        try:
            yield run, screen
        except KeyboardInterrupt:
            if (run.path / PIECES).exists():
                screen.err.print(
                    f"to go on: {PROGRAM} {command} --resume --out {out}", markup=False
                )
            raise
        except OSError as error:
            if error.errno in FULL:  # some libraries do not say which file it was
                raise OSError(error.errno, error.strerror, str(run.path)) from None
            raise
        if run.aside:
            told = listed([f"{name} is now {now}" for name, now in run.aside.items()])
            screen.err.print(f"your {told}", markup=False)


def _free(base, files):
    """The first of base, base-2, base-3, ... without a run of other files than these."""
    inside = {_resolved(file).parent for file in files.values()}
    for k in itertools.count(1):
        folder = base if k == 1 else base.with_name(f"{base.name}-{k}")
        if _resolved(folder) in inside:
            continue
        if not files or not (folder / "run.json").exists():
            return folder
        told = read_run(folder)["arguments"]
        if all(_resolved(told.get(name)) == _resolved(file) for name, file in files.items()):
            return folder


def _resolved(file):
    return Path(str(file)).resolve()


def _plain(value):
    return str(value) if isinstance(value, Path) else value
