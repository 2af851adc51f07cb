"""Opening files that somebody else made: regular files only, and not more than is expected."""

import os
import stat
from pathlib import Path

KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


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
    path = Path(path)
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind == stat.S_IFREG:
            return open(path, "rb")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path} must be {what}, there is no such file") from None
    raise ValueError(f"{path} must be {what}, it is {KINDS.get(kind, 'no regular file')}")


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
