"""The run folders that a report joins: what each says of itself, and whether it is as it was."""

import os
from pathlib import Path
from typing import NamedTuple

from geomcore.foreign.files import read_whole
from geomcore.foreign.wording import printable
from training.output.place import listed
from training.output.record import NAME, PROGRAM, Record, fingerprint, plain_names, read_record

PAGE = "index.html"
LARGEST = 2**24  # bytes of a page
REPORT = "report"  # the command whose runs are reports themselves


class StoredRun(NamedTuple):
    """A run in its folder.

    Attributes
    ----------
    folder : Path
    name : str
        Of the folder, as it was given, printable.
    record : Record
        Its `run.json`.
    page : str or None
        Its `index.html`, if it has one that can be read.
    changed, missing : list of str
        Files that are not as `run.json` says, and files that are not there.
    """

    folder: Path
    name: str
    record: Record
    page: str | None
    changed: list
    missing: list

    @property
    def is_finished(self):
        """Whether the run came to its end."""
        return self.record.seconds is not None

    @property
    def state(self):
        """In words: finished, unfinished, and whether files are damaged."""
        found = [] if self.is_finished else ["unfinished"]
        found += ["changed since"] if self.changed or self.missing else []
        return ", ".join(found) or "finished"

    @property
    def notes(self):
        """Sentences about what a reader must know of the files before believing them."""
        told = []
        if not self.is_finished:
            told.append(
                "This run has not come to its end: it goes on elsewhere, or was stopped. What is "
                "shown is what was there when this page was made."
            )
        if self.changed:
            told.append(
                f"Changed since the run wrote {_them(self.changed)}, by the digests in {NAME}: "
                f"{listed(self.changed)}."
            )
        if self.missing:
            told.append(f"No longer there: {listed(self.missing)}.")
        if self.page is None:
            told.append(f"It has no {PAGE} that can be read, so there is nothing of it to show.")
        return told


def read_runs(paths):
    """Read the run folders that were given, each once.

    Parameters
    ----------
    paths : sequence of path-like

    Returns
    -------
    runs : list of StoredRun
        In the order in which they were given.
    left_out : list of str
        Sentences about those that are not among them: given twice, copies, reports.

    Raises
    ------
    ValueError
        If one of them is no run folder of this program, or none is left.
    """
    runs, left_out, seen = [], [], {}
    for path in map(Path, paths):
        record = _record(path)
        name = printable(str(path))
        if record.command == REPORT:
            left_out.append(f"{name} is a report itself")
            continue
        try:
            place, text = os.path.realpath(path), (path / NAME).read_bytes()
        except OSError as error:
            raise ValueError(f"{name} cannot be read: {error.strerror}") from None
        if place in seen:
            left_out.append(f"{name} is the same folder as {seen[place]}")
            continue
        run = _stored(path, name, record)
        # A copy is as good as the other one if both are as the run left them.
        key = place if run.changed or run.missing or not run.is_finished else text
        if key in seen:
            left_out.append(f"{name} is a copy of {seen[key]}")
            continue
        seen |= {place: name, key: name}
        runs.append(run)
    if not runs:
        raise ValueError(f"RUN must be the folder of a run, got none: {listed(left_out)}")
    return runs, left_out


def _record(path):
    name = printable(str(path))
    if not path.exists():
        raise ValueError(f"RUN must be the folder of a run, there is no {name}")
    if not path.is_dir():
        hint = f"; give its folder {path.parent}" if path.name in (NAME, PAGE) else ""
        raise ValueError(f"RUN must be the folder of a run, {name} is a file{hint}")
    if not (path / NAME).exists():
        inside = any((folder / NAME).exists() for folder in _folders(path))
        hint = f"; give the runs in it, {name}/*" if inside else ""
        raise ValueError(f"RUN must be the folder of a run, {name} holds no {NAME}{hint}")
    try:
        return read_record(path)
    except ValueError as error:
        if "is damaged" in str(error):
            raise
        raise ValueError(
            f"RUN must be the folder of a run, the {NAME} in {name} is none of {PROGRAM}"
        ) from None


def _folders(path):
    try:
        return [entry for entry in path.iterdir() if entry.is_dir()]
    except OSError:
        return []


def _stored(path, name, record):
    changed, missing = [], []
    live = set() if record.seconds is not None else {*record.live}
    for file in sorted(plain_names(record.written) - live):
        try:
            found = fingerprint(path / file)
        except OSError:
            found = False
        if found is None and not os.path.lexists(path / file):
            missing.append(printable(file))
        elif found != record.written[file]:
            changed.append(printable(file))
    return StoredRun(path, name, record, _page(path), changed, missing)


def _page(path):
    try:
        return read_whole(path / PAGE, "a page", LARGEST).decode("utf-8")
    except (OSError, ValueError):
        return None


def _them(names):
    return "it" if len(names) == 1 else "them"
