"""How far a study is, whether or not a process is at it."""

from pathlib import Path
from typing import NamedTuple

from training.output.connection import is_claimed
from training.study.result import StudyResult, result_of
from training.study.store import Store


class StudyStatus(NamedTuple):
    """How far a study is.

    Attributes
    ----------
    done, total : int
        Trials that are stored, and all there are to be.
    is_running : bool
        Whether a process was at it at the beginning of the look.
    started : str or None
        When the first process began.
    result : StudyResult
        Of the trials that are stored.
    """

    done: int
    total: int
    is_running: bool
    started: str | None
    result: StudyResult


def status_of(path):
    """Look at the file of a study, running or not, and change nothing.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    StudyStatus

    Raises
    ------
    ValueError
        If the file is no study.
    OSError
        If there is no such file, or it cannot be read.
    """
    is_running = is_claimed(Path(path))
    with Store.open(path, None, writing=False) as store:
        grid, result = store.configuration, result_of(store)
    # The references are measured when the first trials begin.
    names = grid.get("references", grid.get("networks"))
    count = len(result.references) or (len(names) if isinstance(names, dict) else 1)
    return StudyStatus(
        done=len(result.columns["trial"]),
        total=count * len(grid["scales"]) * grid["trials"],
        is_running=is_running,
        started=result.parts[0].started if result.parts else None,
        result=result,
    )
