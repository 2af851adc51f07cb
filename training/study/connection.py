"""Connections to the file of a study, and what SQLite reports in plain words."""

import os
import sqlite3
from contextlib import contextmanager


def connect(path, writing):
    """An SQLite connection to a file, or to memory if `path` is None."""
    if path is None:
        return sqlite3.connect(":memory:", isolation_level=None)
    if writing:
        # Absolute, since some names are no files to SQLite.
        connection = sqlite3.connect(path.absolute(), isolation_level=None, timeout=0.5)
        # Held until the connection closes; also spares the shared-memory file of WAL.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
    address = path.absolute().as_uri()
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, isolation_level=None, timeout=0.5)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        # A closed store in a folder where not even the files of WAL can be made.
        return sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection


def check_writable(path):
    """Raise if the file or its folder is read-only; SQLite would report an I/O error."""
    ids = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    for place in (path.parent, path):
        if place.exists() and not os.access(place, os.W_OK, **ids):
            raise PermissionError(f"{path} cannot be written: {place} is read-only")


@contextmanager
def in_one_sentence(path):
    """Turn what SQLite reports into one sentence that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        match code:
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
                raise OSError(f"{path} cannot be written: {error}") from None
            # The plain SQLITE_ERROR is a table that is missing or of another form.
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_ERROR:
                raise ValueError(
                    f"{path} must be the file of a study, it is something else or damaged"
                ) from None
            case sqlite3.SQLITE_IOERR:
                raise OSError(
                    f"{path} cannot be read or written ({error}): what was stored before is "
                    "intact, resume when the disk works"
                ) from None
        raise
