"""Writing a file so that a reader sees the old one or the new one, never half of one."""

import os
from contextlib import contextmanager

from geomcore.foreign.files import as_new_file


@contextmanager
def replacing(path):
    """Open a file beside `path` for writing bytes, which takes its place if all goes well.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    binary file object
        Flushed to the disk and renamed at the end, and gone after an exception.

    Raises
    ------
    ValueError
        If `path` is a directory or in none.
    OSError
        If the file cannot be written; an older file then is as it was.
    """
    path = as_new_file(path)
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
