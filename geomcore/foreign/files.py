"""Files that somebody else names or made: regular files only, and not more than is expected."""

import os
import stat
from itertools import islice
from pathlib import Path

from geomcore.foreign.wording import quoted, suggestion

MOST = 1000  # files of a folder among which a misspelt one is looked for
KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def as_path(value, name="path"):
    """Return the path of a file that was given for an argument.

    Parameters
    ----------
    value : str or path-like
    name : str, optional
        Of the argument.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If it is something else, empty, or no path on any system.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise ValueError(f"{name} must be a str or path-like, got {type(value).__name__}")
    if not os.fspath(value) or "\0" in os.fspath(value):
        raise ValueError(f"{name} must name a file, got {quoted(os.fspath(value))}")
    return Path(value)


def as_new_file(value, name="path"):
    """Return the path of a file that is to be written, which its folder is there for.

    Parameters and Raises as for `as_path`.
    """
    path = as_path(value, name)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"{name} must be a file in an existing folder, got {path}")
    return path


def open_regular(path, what):
    """Open a regular file, or a link to one, for reading bytes.

    A pipe would be waited for and a device has no end, so neither is opened.

    Parameters
    ----------
    path : str or path-like
    what : str
        What the file must be, for the sentences: "a network file".

    Returns
    -------
    binary file object

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no regular file.
    OSError
        If it cannot be opened.
    """
    path = as_path(path)
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind == stat.S_IFREG:
            return open(path, "rb")
    except (FileNotFoundError, NotADirectoryError):
        near = _near(path)
        raise FileNotFoundError(f"{path} must be {what}, there is no such file{near}") from None
    raise ValueError(f"{path} must be {what}, it is {KINDS.get(kind, 'no regular file')}")


def _near(path):
    """A question that names the nearest file in the same folder, or nothing if none is near."""
    try:
        return suggestion(path.name, [other.name for other in islice(path.parent.iterdir(), MOST)])
    except OSError:
        return ""


def read_whole(path, what, most):
    """Return the bytes of a regular file that has at most `most` of them.

    Parameters
    ----------
    path, what
        As for `open_regular`, whose exceptions these are too.
    most : int

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the file is larger, which is known before it is read.
    """
    with open_regular(path, what) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(f"{path} must be {what} of at most {most:,} bytes, it has {size:,}")
        return file.read(size)
