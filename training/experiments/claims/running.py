"""Run the commands behind the claims in folders of their own, or take what is there."""

import subprocess
import sys

from training.output.record import NAME, read_record

REUSED, RESUMED, RAN, FAILED = "taken as it was", "went on", "run", "failed"
FLAGS = ("quick",)  # options without a word for no
_MAIN = "import sys; from training.commands.cli import main; sys.exit(main())"


def done(work, folder, *, quick, seed):
    """How far a run has come: "finished", "stopped", or "" where it is to begin.

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
        A run of other arguments, another seed or another version does not count.
    """
    place = folder / work.folder
    if not (place / NAME).exists():
        return ""
    from importlib.metadata import version

    record = read_record(place)
    wanted = work.quick if quick else work.full
    is_same = (
        record.command == work.command
        and record.seed == seed
        and record.versions.get("geomcore") == version("geomcore")
        and all(record.arguments.get(name) == value for name, value in wanted.items())
    )
    if not is_same:
        return ""
    return "finished" if record.seconds is not None else "stopped"


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
        What a failed command said.
    """
    state = done(work, folder, quick=quick, seed=seed)
    if state == "finished":
        return REUSED, ""
    place = folder / work.folder
    goes_on = state == "stopped" and work.resumes
    if goes_on:
        typed = [work.command, "--resume"]
    else:
        typed = [work.command, *_options(work.quick if quick else work.full), "--seed", str(seed)]
        typed += ["--force"] if state and work.command != "study" else []
    typed += ["--out", str(place), "--jobs", str(jobs), *(["--quiet"] if quiet else [])]
    folder.mkdir(parents=True, exist_ok=True)
    # Its results are for its own folder; progress, on standard error, is shown.
    ran = subprocess.run(
        [sys.executable, "-c", _MAIN, *typed],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if quiet else None,
        text=True,
        check=False,
    )
    if done(work, folder, quick=quick, seed=seed) == "finished":
        return (RESUMED if goes_on else RAN), ""
    last = (ran.stderr or "").strip().splitlines()[-1:]
    return FAILED, f"exit status {ran.returncode}{': ' if last else ''}{''.join(last)}"


def _options(given):
    """Arguments as they are typed.

    Examples
    --------
    >>> _options({"data": "iris", "balance": False, "film": True, "quick": False, "seeds": 3})
    ['iris', '--no-balance', '--film', '--seeds', '3']
    """
    typed = []
    for name, value in given.items():
        option = name.replace("_", "-")
        if name == "data":
            typed.append(value)
        elif isinstance(value, bool):
            typed += [] if name in FLAGS and not value else [f"--{'' if value else 'no-'}{option}"]
        else:
            typed += [f"--{option}", str(value)]
    return typed
