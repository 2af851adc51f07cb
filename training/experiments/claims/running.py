"""Run the commands behind the claims in folders of their own, or take what is there."""

import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from training.experiments.claims.child import wait_for_orphan
from training.experiments.claims.children import Children
from training.output.record import NAME, fingerprint, plain_names, read_record

REUSED, RESUMED, RAN, FAILED = "taken as it was", "went on", "run", "failed"
FINISHED, STOPPED, CHANGED = "finished", "stopped", "changed"
AT_ONCE = 2  # commands


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


def ensure_all(works, folder, *, quick, seed, jobs, quiet, watch):
    """Have finished runs, two at a time where there are two jobs.

    Parameters
    ----------
    works : list of Work
    folder : Path
    quick : bool
    seed, jobs : int
    quiet : bool
    watch : object
        Is told that work ``began(work)`` and ``ended(work)``, and each line that one of two says,
        ``heard(work, line)``; from any thread. One at a time shows its progress itself.

    Returns
    -------
    list of (str, str)
        How each was had, and what is told of it; see `ensure`.
    """
    children, at_once = Children(), min(AT_ONCE, jobs)
    given = {"quick": quick, "seed": seed, "jobs": jobs // at_once, "quiet": quiet}

    def one(work):
        watch.began(work)
        hear = partial(watch.heard, work) if at_once > 1 else None
        found = ensure(work, folder, **given, run=partial(children.run, hear=hear))
        watch.ended(work)
        return found

    with ThreadPoolExecutor(at_once) as pool:
        try:
            had = [pool.submit(one, work) for work in works]
            for first in wait(had, return_when=FIRST_EXCEPTION).done:
                first.result()  # raises what it raised
            return [each.result() for each in had]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            children.stop()
            raise


def ensure(work, folder, *, quick, seed, jobs, quiet=False, run=None):
    """Have a finished run: as it is, gone on with, or new.

    Parameters
    ----------
    work : Work
    folder : Path
    quick : bool
        With its smaller arguments.
    seed, jobs : int
    quiet : bool
    run : callable, optional
        As `Children.run`, which it is by default.

    Returns
    -------
    how : str
        `REUSED`, `RESUMED`, `RAN` or `FAILED`.
    told : str
        What a failed command said, or why what is in the folder is no run that can be judged.
    """
    try:
        run = Children().run if run is None else run
        return _ensured(work, folder, run, quick=quick, seed=seed, jobs=jobs, quiet=quiet)
    except (ValueError, OSError) as error:
        # What is wrong with one run leaves the others alone.
        return FAILED, str(error)


def _ensured(work, folder, run, *, quick, seed, jobs, quiet):
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
    status, last = run(typed, quiet=quiet)
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
