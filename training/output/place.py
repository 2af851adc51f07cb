"""The folder in which a run leaves its files, and who wrote what is there already.

Files are made in a hidden folder beside it, the draft, or inside it if what is beside is another
disk or may not be written, and then moved over one by one. Before that `run.json` names them all
with their fingerprints, old and new: whatever kills a run, each file is whole, and the next run
knows which ones are ours. Only those that are as a run left them are ever replaced or removed. A
file without a fingerprint, as older versions left them, is never known to be ours: times do not
tell, for copies and checkouts lose them.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from training.output.record import (
    NAME,
    PROGRAM,
    fingerprint,
    plain_names,
    read_record,
)

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

KEPT = ".kept"
# Commands whose runs no other one replaces.
COSTLY = {"study", "census", "trained", "dynamics", "mesa", "nonneg", "kernels", "sparse"}
COSTLY |= {"optimum", "claims"}
NOUNS = ("study", "census")
TOLD = 3  # names that a sentence tells


class Place:
    """The folder of one run, locked while the run goes on.

    Parameters
    ----------
    path : path-like
        A folder that is missing, empty, or holds an earlier run; or a link to one.
    command : str
    force : bool or None
        Whether to go on if the folder holds a study, or files of the earlier run that are not
        known to be as it left them. None: as False, and the command has no option for it.

    Attributes
    ----------
    draft : Path
        Where files are made.
    known, spared : set of str
        Names of files of earlier runs, and of those that this run has read: they stay.
    aside : dict of str to str
        Files that stood in the way and were not ours: their names, and what they are called now.

    Raises
    ------
    ValueError
        If the folder is something else, is in use, may not be replaced, or cannot be written.
    """

    def __init__(self, path, command, force):
        self.path, self.folder = Path(path), Path(os.path.realpath(path))
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"--out must be a folder, {path} is a file")
        self._new = not self.folder.exists()
        # The draft of a folder may stand beside that of its parent, or of one with a longer name.
        told = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        self._prefix = f".{PROGRAM}-{self.folder.name[:40]}-{told}-"
        self.draft, self.aside, self._locks = None, {}, []
        # What is there of ours: names, and fingerprints as far as they are told.
        self.known, self._prints, self._mine = set(), {}, set()
        self.spared = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take()
            self._look(command, force)
            self._begin_draft()
        except BaseException as error:
            self.leave()
            if isinstance(error, OSError):
                raise ValueError(f"--out {path} cannot be written: {error.strerror}") from None
            raise

    def leave(self):
        """Remove the draft, and the folder if there was none and there is nothing in it."""
        if self.draft is not None:
            shutil.rmtree(self.draft, ignore_errors=True)
        if self._new:
            with suppress(OSError):  # it is not empty, or was never made
                self.folder.rmdir()
        while self._locks:
            os.close(self._locks.pop())

    def _take(self):
        """Lock the folder, where that can be done, and remove the drafts of runs that died."""
        try:
            if not self._locked(self.folder):
                return
        except BlockingIOError:
            self._new = False
            raise ValueError(
                f"--out {self.path} is in use by another process, which writes a run there"
            ) from None
        # A draft has eight random characters at the end, so it is nobody else's.
        name = re.compile(re.escape(self._prefix) + r"\w{8}")
        for home in (self.folder, self.folder.parent):
            with suppress(OSError):  # the parent need not be readable
                for draft in filter(name.fullmatch, os.listdir(home)):
                    # It is in use still if its folder was renamed, and this is another.
                    with suppress(BlockingIOError):
                        if self._locked(home / draft):
                            shutil.rmtree(home / draft, ignore_errors=True)

    def _locked(self, folder):
        """Lock a folder until the run ends; whether there are locks. BlockingIOError: in use."""
        if fcntl is None:
            return False
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if isinstance(error, BlockingIOError):
                raise
            return False  # some network drives have none
        self._locks.append(lock)
        return True

    def _begin_draft(self):
        """Make it where nobody sees it, if files can be moved from there."""
        inside = Path(tempfile.mkdtemp(prefix=self._prefix, dir=self.folder))
        self.draft = inside
        self._locked(inside)
        with suppress(OSError):
            self.draft = inside.rename(self.folder.parent / inside.name)

    def _look(self, command, force):
        """Find out what is there, and whether it may be replaced."""
        if not any(self.folder.iterdir()):
            return
        earlier = read_record(self.folder)
        self.known = plain_names([*earlier.files, *earlier.written, *earlier.before])
        for told in (earlier.written, earlier.before):
            for name, found in told.items():
                self._prints.setdefault(name, set()).add(found)
        if force:
            return
        go_on = "" if force is None else ", or --force, which replaces only what nobody changed"
        if earlier.command in COSTLY and earlier.command != command:
            there = sorted(name for name in self.known if (self.folder / name).exists())
            state = "stopped" if earlier.seconds is None else "finished"
            what = earlier.command if earlier.command in NOUNS else f"run of {earlier.command}"
            raise ValueError(
                f"--out {self.path} holds a {state} {what} ({listed(there)}): give another "
                f"folder{go_on}"
            )
        stopped = [name for name in earlier.live if (self.folder / name).exists()]
        if earlier.seconds is None and stopped and earlier.command not in ("", "study"):
            raise ValueError(
                f"--out {self.path} holds a run that was stopped ({listed(stopped)}): go on with "
                f"--resume, give another folder{go_on}"
            )
        live = earlier.live if earlier.command == command else ()
        told = sorted(self.known - {*live})
        changed = [name for name in told if self._is_there(name) and not self._ours(name)]
        if changed:
            since = "" if earlier.written else ", or by a version that noted no digests"
            raise ValueError(
                f"--out {self.path} holds files that were changed since the run that wrote them"
                f"{since} ({listed(changed)}): move them away, give another folder{go_on}"
            )

    def inside(self, paths):
        """Names of those files of earlier runs to which some paths lead, by links or not."""
        files = [found for path in paths if (found := _file(path))]
        return {name for name in self.known if _file(self.folder / name) in files}

    def remove(self, name):
        """Remove a file that an earlier run went on writing to.

        Raises
        ------
        ValueError
            If no run wrote the file; it stays.
        """
        if self._is_there(name) and name not in self.known:
            raise ValueError(
                f"--out {self.path} holds a file {name} that no run wrote: move it away, or give "
                "another folder"
            )
        for end in ("", "-wal", "-shm"):
            (self.folder / f"{name}{end}").unlink(missing_ok=True)

    def _is_there(self, name):
        return os.path.lexists(self.folder / name)

    def _ours(self, name):
        """The fingerprint of a file that is as a run left it; None of any other."""
        found = fingerprint(self.folder / name)
        return found if found in self._prints.get(name, ()) else None

    def fill(self, record, live, *, final):
        """Move all files of the draft into the folder.

        Parameters
        ----------
        record : dict
            For `run.json`; ``files``, ``live``, ``written`` and ``before`` are added.
        live : set of str
            Names of files that are, or will be, written in the folder itself.
        final : bool
            Whether other files of earlier runs go.
        """
        made = {}
        for file in sorted(self.draft.iterdir()):
            found = fingerprint(file)
            if found == fingerprint(self.folder / file.name) and not self._ours(file.name):
                file.unlink()  # a user's copy of the same stays, and stays theirs
                continue
            _flush(file)
            made[file.name] = found
        before = {name: self._ours(name) for name in sorted(self.known - live)}
        before = {name: found for name, found in before.items() if found is not None}
        stay = (self._mine | self.spared) & {*before}
        mine = {**{name: before[name] for name in stay}, **made}
        if final:
            left = {name: fingerprint(self.folder / name) for name in live - {*made}}
            mine |= {name: found for name, found in left.items() if found is not None}
        self._mine |= {*made}
        written = mine if final else {**before, **mine}
        old = self.known - {*written, *live}
        record["files"] = sorted({*written, *live} | (set() if final else old))
        record["live"] = sorted(live)
        record["written"], record["before"] = written, before
        self._prints = {name: {found} for name, found in before.items()}
        self._write(record)
        for name, found in made.items():
            self._move(name, found)
            self._prints[name] = {found}
        for name in sorted(old) if final else ():
            if self._ours(name):
                (self.folder / name).unlink()
        if final:
            del record["before"]
            self._write(record)
        self.known |= {*made}
        _flush(self.folder)

    def _write(self, record):
        """Write `run.json`: all of it, or the old one stays."""
        text = json.dumps(msgspec.to_builtins(record), indent=2, ensure_ascii=False) + "\n"
        # Names of files that are no text in UTF-8 come to us with halves of surrogate pairs,
        # which JSON has no room for.
        (self.draft / NAME).write_text(text, encoding="utf-8", errors="replace")
        _flush(self.draft / NAME)
        os.replace(self.draft / NAME, self.folder / NAME)
        _flush(self.folder)

    def _move(self, name, found):
        """Move a file of the draft to its place; what is there and may not go goes aside."""
        there = fingerprint(self.folder / name)
        stays = name in self.spared or not self._ours(name)
        if self._is_there(name) and there != found and stays:
            free = (f"{name}{KEPT}{n or ''}" for n in [0, *range(2, 10**6)])
            self.aside[name] = next(other for other in free if not self._is_there(other))
            os.rename(self.folder / name, self.folder / self.aside[name])
        os.replace(self.draft / name, self.folder / name)


def _file(path):
    """Disk and number of the file to which a path leads, the same for all its names; or None."""
    with suppress(OSError, ValueError):  # it is not there; it cannot be a path
        found = os.stat(path)
        return found.st_dev, found.st_ino


def listed(names):
    """Some names in a sentence."""
    more = len(names) - TOLD
    return ", ".join(names[:TOLD]) + (f" and {more} more" if more > 0 else "")


def _flush(path):
    """Have a file or a folder written to the disk, as far as that can be done."""
    try:
        file = os.open(path, os.O_RDONLY)
    except PermissionError:  # of a folder on Windows
        return
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # no such thing for folders there
            raise
    finally:
        os.close(file)
