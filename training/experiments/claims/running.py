"""Run the commands behind the claims in folders of their own, or take what is there."""

import os
import subprocess
import sys

from training.experiments.claims.child import wait_for_orphan
from training.output.record import NAME, fingerprint, plain_names, read_record

REUSED, RESUMED, RAN, FAILED = "taken as it was", "went on", "run", "failed"
SAID = 4096  # bytes of what a command said that are kept
FINISHED, STOPPED, CHANGED = "finished", "stopped", "changed"
_MAIN = """\
import sys
from training.experiments.claims.child import end_with_parent
end_with_parent()
from training.commands.cli import main
sys.exit(main())
"""


def done(work, folder, *, quick, seed):
    """How far a run has come: "finished", "stopped", "changed", or "" where it is to begin.

    Parameters
    ----------
    work : Work
    folder : Path
        That of the claims; the run is in the folder of its name inside.
    quick : bool
    seed : int

    Returns
    -------
    str
        A run of other arguments, another seed or another version does not count. One that has
        ended is finished if each of its files is as it left them, and changed otherwise.
    """
    place = folder / work.folder
    if not (place / NAME).exists():
        return ""
    from importlib.metadata import version

    record = read_record(place)
    wanted = {**work.left, **(work.quick if quick else work.full)}
    is_same = (
        record.command == work.command
        and record.seed == seed
        and record.versions.get("geomcore") == version("geomcore")
        and all(record.arguments.get(name) == value for name, value in wanted.items())
    )
    if not is_same:
        return ""
    if record.seconds is None:
        return STOPPED
    return CHANGED if _changed(place, record, work) else FINISHED


def ensure(work, folder, *, quick, seed, jobs, quiet=False):
    """Have a finished run: as it is, gone on with, or new.

    Parameters
    ----------
    work : Work
    folder : Path
    quick : bool
        With its smaller arguments.
    seed, jobs : int
    quiet : bool

    Returns
    -------
    how : str
        `REUSED`, `RESUMED`, `RAN` or `FAILED`.
    told : str
        What a failed command said, or why what is in the folder is no run that can be judged.
    """
    try:
        return _ensured(work, folder, quick=quick, seed=seed, jobs=jobs, quiet=quiet)
    except (ValueError, OSError) as error:
        # What is wrong with one run leaves the others alone.
        return FAILED, str(error)


def _ensured(work, folder, *, quick, seed, jobs, quiet):
    # What an orphan writes at its end is to be seen by `done`.
    wait_for_orphan(folder / work.folder)
    state = done(work, folder, quick=quick, seed=seed)
    if state == FINISHED:
        return REUSED, ""
    place = folder / work.folder
    goes_on = state == STOPPED and work.resumes
    if state == CHANGED and work.resumes:
        # What a run goes on from is believed by the command, so it has to be as it was.
        record = read_record(place)
        changed = [name for name in _changed(place, record, work) if name in record.live]
        there = [name for name in changed if os.path.lexists(place / name)]
        if there:
            told = f"{place / there[0]} was changed since the run: move {place} away"
            return FAILED, told
        goes_on = not changed
    if goes_on:
        typed = [work.command, "--resume"]
    else:
        typed = [work.command, *work.options(quick=quick, seed=seed)]
        typed += ["--force"] if state and work.command != "study" else []
    typed += ["--out", str(place), "--jobs", str(jobs), *(["--quiet"] if quiet else [])]
    folder.mkdir(parents=True, exist_ok=True)
    status, last = _run(typed, quiet=quiet)
    state = done(work, folder, quick=quick, seed=seed)
    if state == FINISHED:
        return (RESUMED if goes_on else RAN), ""
    if state == CHANGED and status == 0:
        (name, *_) = _changed(place, read_record(place), work)
        return FAILED, f"{place / name} is not what the run wrote: move it away"
    return FAILED, f"exit status {status}{': ' if last else ''}{last}"


def _changed(place, record, work):
    """Names of the files of a run that are not as it left them, or never were its own."""
    names = plain_names(record.written)
    changed = {
        name
        for name, told in record.written.items()
        if name not in names or fingerprint(place / name) != told
    }
    return sorted(changed | ({work.table} - {*record.written}))


def _run(typed, *, quiet):
    """Run a command that ends when this process does; its exit status and what it said last.

    Progress bars need the terminal itself, so what is said there is on no page.
    """
    is_seen = not quiet and sys.stderr.isatty()
    command = subprocess.Popen(
        [sys.executable, "-c", _MAIN, *typed],
        stdin=subprocess.PIPE,  # held open, and closed however this process ends
        # Its results are for its own folder; progress, on standard error, is shown.
        stdout=subprocess.DEVNULL,
        stderr=None if is_seen else subprocess.PIPE,
    )
    with command:
        try:
            said = "" if is_seen else _listened(command.stderr, quiet=quiet)
            status = command.wait()
        except BaseException:
            command.kill()
            raise
    last = "".join(said.strip().splitlines()[-1:])
    return status, "see the terminal" if status and is_seen else last


def _listened(stream, *, quiet):
    """The end of what is said, which is passed on as it comes."""
    said = b""
    while chunk := stream.read1(SAID):
        said = (said + chunk)[-SAID:]
        if not quiet:
            print(chunk.decode(errors="replace"), end="", file=sys.stderr, flush=True)
    return said.decode(errors="replace")
