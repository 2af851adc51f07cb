"""Pictures and films of a run, as parts of a page: no file beside the page is needed."""

import base64
import os
from pathlib import Path
from urllib.parse import unquote

from geomcore.foreign.files import read_whole

KINDS = {
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".gif": ("image/gif", b"GIF8"),
    ".mp4": ("video/mp4", b""),
}
LARGEST = 2**26  # bytes of a picture or a film


def file_of(folder, address):
    """The file of a run to which an address on its page leads.

    Parameters
    ----------
    folder : Path
    address : str
        As in ``src``, with escapes.

    Returns
    -------
    Path or None
        None if it leads out of the folder, or nowhere.
    """
    name = unquote(address)
    return None if ":" in name else inside(folder, name)


def inside(folder, name):
    """The file of this name in a folder.

    Parameters
    ----------
    folder : Path
    name : str
        Relative to the folder.

    Returns
    -------
    Path or None
        None if it leads out of the folder, by links or otherwise, or there is no such file.
    """
    if not name or "\0" in name:
        return None
    home = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(home, name))
    inside = path.startswith(os.path.join(home, ""))
    return Path(path) if inside and os.path.isfile(path) else None


def embedded(path):
    """A file as a ``data:`` address; None if it is no picture or film, or too large, or damaged.

    Parameters
    ----------
    path : Path or None

    Returns
    -------
    str or None
    """
    if path is None or path.suffix.lower() not in KINDS:
        return None
    kind, start = KINDS[path.suffix.lower()]
    try:
        content = read_whole(path, "a picture", LARGEST)
    except (OSError, ValueError):
        return None
    if not content.startswith(start) or not content:
        return None
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
