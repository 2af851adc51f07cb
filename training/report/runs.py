"""The run folders that a report joins: what each says of itself, and whether it is as it was."""

import os
from pathlib import Path
from typing import NamedTuple

from geomcore.foreign.files import read_whole
from geomcore.foreign.wording import printable
from training.output.place import listed
from training.output.record import NAME, PROGRAM, Record, fingerprint, plain_names, read_record
from training.report.pictures import inside

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
    unknown : list of str
        Files of which `run.json` does not say how they were.
    """

    folder: Path
    name: str
    record: Record
    page: str | None
    changed: list
    missing: list
    unknown: list

    @property
    def is_finished(self):
        """Whether the run came to its end."""
        return self.record.seconds is not None

    @property
    def state(self):
        """In words: finished, unfinished, and whether files are damaged, or cannot be judged."""
        found = [] if self.is_finished else ["unfinished"]
        found += ["changed since"] if self.changed or self.missing else []
        found += ["not all can be checked"] if self.unknown else []
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
        if self.unknown:
            told.append(
                f"There is no digest of {listed(self.unknown)} in {NAME}, so it cannot be told "
                f"whether the run left {_them(self.unknown)} so."
            )
        if self.page is None:
            told.append(
                f"It has no {PAGE} that can be read (text in UTF-8, in its folder, at most "
                f"{LARGEST:,} bytes), so there is nothing of it to show."
            )
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
        key = text if run.state == "finished" else place
        if key in seen:
            left_out.append(f"{name} is a copy of {seen[key]}")
            continue
        seen |= {place: name, key: name}
        runs.append(run)
    if not runs:
        raise ValueError(f"RUN must be the folder of a run, got none: {listed(left_out)}")
    return runs, left_out


def is_run_of(path, runs):
    """Whether a folder is one of some runs that are no reports, though it may be a copy.

    Parameters
    ----------
    path : Path
    runs : sequence of Path
        Each with a `run.json`.
    """
    same = [run for run in runs if os.path.realpath(run) == os.path.realpath(path)]
    return any(read_record(run).command != REPORT for run in same)


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
    there = {PAGE} if os.path.lexists(path / PAGE) else set()
    unknown = (plain_names(record.files) | there) - {*record.written} - live
    unknown = [printable(file) for file in sorted(unknown)]
    return StoredRun(path, name, record, _page(path), changed, missing, unknown)


def with_shown(run, shown):
    """A run that knows of the files in it that are shown, also of those of runs within it.

    Parameters
    ----------
    run : StoredRun
    shown : iterable of Path
        Real paths inside the folder.

    Returns
    -------
    StoredRun
    """
    home, records = Path(os.path.realpath(run.folder)), {}
    live = set() if run.is_finished else {*run.record.live}
    changed, unknown = {*run.changed}, {*run.unknown}
    for path in {*shown}:
        told = printable(path.relative_to(home).as_posix())
        if path.parent == home:
            if path.name not in {*run.record.written} | live:
                unknown.add(told)
            continue
        record = records.setdefault(path.parent, _record_within(path.parent))
        if record is None or path.name not in record.written:
            unknown.add(told)
        elif fingerprint(path) != record.written[path.name]:
            changed.add(told)
    return run._replace(changed=sorted(changed), unknown=sorted(unknown))


def _record_within(path):
    try:
        return read_record(path)
    except ValueError:
        return None


def _page(path):
    """The page of a folder; None if it leads out of it, or cannot be read."""
    found = inside(path, PAGE)
    try:
        return found and read_whole(found, "a page", LARGEST).decode("utf-8")
    except (OSError, ValueError):
        return None


def _them(names):
    return "it" if len(names) == 1 else "them"
