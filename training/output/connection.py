"""Connections to a file of SQLite: one writer, any number of readers, plain words for errors.

The writer holds an exclusive lock of SQLite on an empty file beside the study, named
``...-lock``, until it closes; the operating system drops the lock with the process, however
that ends. The file itself is in WAL mode, so that readers see whole chunks of trials while
the writer goes on. Locks of SQLite are those of the file system: on a network file system
without locks a study cannot be written, and readers and the writer of a running study must
be on one machine, since they share memory.
"""

import os
import sqlite3
import stat
from contextlib import contextmanager, suppress

# Seconds to wait for another connection that is only looking.
PATIENCE = 0.5
# What SQLite reports where not even the shared memory of WAL can be made.
NO_ROOM = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
)


def connect_to_write(path):
    """An SQLite connection to a file, or to memory if `path` is None."""
    if path is None:
        return sqlite3.connect(":memory:", isolation_level=None)
    # Absolute, since some names are no files to SQLite.
    connection = sqlite3.connect(path.absolute(), isolation_level=None, timeout=PATIENCE)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def connect_to_read(path):
    """An SQLite connection that changes nothing, and sees the file as it is at this moment.

    Returns
    -------
    connection : sqlite3.Connection
        Within a transaction.
    seen : tuple or None
        If the connection takes the file for unchangeable, its `fingerprint`, which must be
        the same in the end.
    """
    # Without a log there is no writer or it has not begun, and nobody need make shared memory.
    check_beside(path)
    logs = [_beside(path, end) for end in ("-wal", "-journal")]
    closed = not any(log.exists() and log.stat().st_size for log in logs)
    if closed and (less := _missing_part(path)):
        # SQLite itself may take the pages that are missing for empty ones.
        raise damaged(path, less)
    ways = ["immutable=1"] if closed else ["", "readonly_shm=1"]
    for way in ways:
        seen = fingerprint(path) if closed else None
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&{way}",
            uri=True,
            isolation_level=None,
            timeout=PATIENCE,
        )
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            connection.close()
            if _code(error) not in NO_ROOM or way == ways[-1]:
                raise
        else:
            return connection, seen


def fingerprint(path):
    """What tells a file from itself before a change."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def claim(path):
    """Take the right to write a study file; the connection that holds it is for `release`.

    Raises
    ------
    sqlite3.Error
        If another process has it (SQLITE_BUSY), or there are no locks.
    OSError
        If no file can be made beside the study.
    """
    check_beside(path)
    lock = _beside(path.absolute(), "-lock")
    while True:
        try:
            # Never opened by us where it exists: closing it would drop a lock of this process.
            lock.touch()
        except OSError as error:
            raise OSError(f"{path} cannot be written: {error.strerror}") from None
        before = _identity(lock)
        held = sqlite3.connect(lock, isolation_level=None, timeout=PATIENCE)
        try:
            held.execute("PRAGMA journal_mode = OFF")
            held.execute("BEGIN EXCLUSIVE")
        except BaseException:
            held.close()
            raise
        # The one before us may have removed the file that we waited for.
        if before is not None and before == _identity(lock):
            return held
        held.close()


def release(path, held):
    """Give up the right to write a study file."""
    lock = _beside(path.absolute(), "-lock")
    # Removed while it is held, so that nobody else can have taken it.
    if lock.exists() and not lock.stat().st_size:
        lock.unlink()
    held.close()


def settle(connection):
    """Move what was written from the log into the file itself, as far as readers let us.

    The last connection to close does so anyway, but that may be a reader, who cannot.
    """
    # On a full disk it stays in the log, where it is as safe.
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def is_claimed(path):
    """Whether a process has the right to write a study file at this moment."""
    lock = _beside(path.absolute(), "-lock")
    if not lock.is_file():
        return False
    look = sqlite3.connect(f"{lock.as_uri()}?mode=ro", uri=True, timeout=0)
    try:
        look.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return _code(error) == sqlite3.SQLITE_BUSY
    finally:
        look.close()
    return False


def check_beside(path):
    """Raise if something that is no file stands where SQLite would look, and wait for it."""
    for end in ("-lock", "-wal", "-shm", "-journal"):
        other = _beside(path, end)
        try:
            mode = other.stat().st_mode  # once: the file of another process may go at any time
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(mode):
            raise damaged(path, f"{other.name} beside it is no file")


def check_writable(path):
    """Raise if the file or its folder is read-only; SQLite would report an I/O error."""
    ids = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    for place in (path.parent, path):
        if place.exists() and not os.access(place, os.W_OK, **ids):
            raise PermissionError(f"{path} cannot be written: {place} is read-only")


@contextmanager
def in_one_sentence(path, kind="a study"):
    """Turn what SQLite reports of a file of `kind` into one sentence that says what to do."""
    try:
        yield
    except sqlite3.IntegrityError:
        # Two rows for one trial: a fault of the caller, which the file has kept out.
        raise
    except sqlite3.Error as error:
        match _code(error):
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise OSError(
                    f"{path} is in use by another process: wait for its end, or give another file"
                ) from None
            case sqlite3.SQLITE_FULL:
                raise OSError(
                    f"{path} cannot grow, the disk is full: what was stored before is intact, "
                    "make room and resume"
                ) from None
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                raise OSError(f"{path} cannot be opened or written: {error}") from None
            case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_PROTOCOL | sqlite3.SQLITE_NOLFS:
                raise OSError(
                    f"{path} cannot be read or written ({error}): what was stored before is "
                    "intact, resume when the disk works"
                ) from None
        # Not a database, pages or texts that are spoilt, tables of another form.
        raise damaged(path, "it is something else or damaged", kind) from None


def damaged(path, what, kind="a study"):
    """The ValueError that says what is wrong with a file, which should be that of `kind`."""
    return ValueError(f"{path} must be the file of {kind}, {what}")


def _missing_part(path):
    """What is missing in a file without a log, which is shorter than it says; None if it is not."""
    with open(path, "rb") as file:
        head = file.read(100)
        size = file.seek(0, os.SEEK_END)
    # The length in the header holds if it was written together with the last change.
    if head[:16] != b"SQLite format 3\0" or len(head) < 100 or head[24:28] != head[92:96]:
        return None
    page = int.from_bytes(head[16:18], "big")
    whole = (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
    if size >= whole:
        return None
    return f"it is something else or damaged: truncated, {size} of {whole} bytes are there"


def _identity(path):
    """Which file this is, whatever is in it; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _beside(path, ending):
    return path.with_name(path.name + ending)


def _code(error):
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
