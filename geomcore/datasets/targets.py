"""What a network is to put out for each class, as it is written in a line or a file."""

import os
import re
from pathlib import Path

from geomcore.arrays import as_array
from geomcore.foreign.files import read_whole
from geomcore.foreign.npz import read_npz
from geomcore.foreign.wording import quoted

LARGEST = 2**24  # bytes of a file
ENDS = (".csv", ".txt", ".npz")  # of the names of files


def read_targets(source):
    """Return the targets that a text or a file tells.

    Parameters
    ----------
    source : str or path-like
        Numbers with commas between, one for each label in sorted order, such as ``"0,1"``;
        or as many for each label, with semicolons between labels, such as ``"1,0;0,1"``.
        A file holds the same, with one line per label; an npz file an array ``targets``.

    Returns
    -------
    ndarray, shape (Q, k)
        One row per label.

    Raises
    ------
    ValueError
        If it is neither, or a number is not finite.

    Examples
    --------
    >>> read_targets("-1,1")
    array([[-1.],
           [ 1.]])
    >>> read_targets("1,0; 0,1; 0,0.5").shape
    (3, 2)
    """
    path = Path(source)
    if path.suffix.lower() == ".npz":
        return as_array(read_npz(path, ["targets"])["targets"], "targets", 2)
    text, where = str(source), ""
    if path.suffix.lower() in ENDS or os.path.isfile(path):
        text = read_whole(path, "a file of targets", LARGEST).decode("utf-8", "replace")
        where = f"{path}: "
    lines = [line.strip() for line in re.split(r"[;\n]", text.removeprefix("\ufeff"))]
    rows = [re.split(r"\s*,\s*|\s+", line) for line in lines if line]
    try:
        numbers = [[float(part) for part in row] for row in rows]
    except ValueError:
        numbers = []
    if not numbers or len({len(row) for row in numbers}) > 1:
        raise ValueError(
            f"{where}targets must be one number per label with commas between, such as 0,1, or "
            f"as many for each label with semicolons between labels, got {quoted(text.strip())}"
        )
    table = as_array(numbers, "targets", 2)
    # One line of numbers has one for each label.
    return table if len(table) > 1 else table.T.copy()


def written(targets):
    """The text that `read_targets` reads as these targets.

    Parameters
    ----------
    targets : ndarray, shape (Q, k)

    Returns
    -------
    str

    Examples
    --------
    >>> written(read_targets("0.1; 1e3")), written(read_targets("1,0;0,1"))
    ('0.1;1000', '1,0;0,1')
    """
    rows = [",".join(repr(number).removesuffix(".0") for number in row) for row in targets.tolist()]
    return ";".join(rows)
