"""The rows of a table as numbers: all at once by pandas where they are many, else one by one."""

import re
from array import array
from itertools import islice
from typing import NamedTuple

import numpy as np

from geomcore.datasets.cells import COMMA_NUMBER, MISSING_NUMBER, is_missing, number
from geomcore.datasets.table_error import Option, TableError, brief, shown
from geomcore.foreign.wording import counted

LARGE = 2**20  # bytes, from which pandas is worth its import
WIDEST = 2**12  # columns, of which pandas makes much ado
CHUNK = 2**22  # cells that pandas reads at a time
LONGEST_LABEL = 1000  # characters; NumPy gives every label the room of the longest
# Words that pandas takes for numbers where a column holds nothing else.
BOOLEANS = re.compile(rb"true|false", re.IGNORECASE)


class Body(NamedTuple):
    """Rows of a table.

    Attributes
    ----------
    X : ndarray, shape (n, d)
        Features in the order of the columns; nan where there is no number.
    labels : list of str
        Stripped.
    lines : list of int
        Where the rows are, at least up to the last one in which something is missing.
    texts : dict of int to (int, str)
        Columns that hold text, and the first line and cell that does.
    """

    X: np.ndarray
    labels: list
    lines: list
    texts: dict


class NotNumbersError(TableError):
    """A feature is not a number; `cell` is what it is."""

    def __init__(self, cell, *parts):
        super().__init__(*parts)
        self.cell = cell


def read_body(text, found, delimiter, decimal, *, names=None, skip=1, most=None, words=False):
    """Return the `Body` of a table.

    Parameters
    ----------
    text : Text
    found : Columns
    delimiter, decimal : str
    names : list of str, optional
        Of all columns, for what is said about them.
    skip : int
        Rows that are left out at the beginning.
    most : int, optional
        Rows that are read.
    words : bool
        Whether features may be text.

    Raises
    ------
    TableError
        If a row is not as wide as the first one, or a feature is infinite, or
        (`NotNumbersError`) is neither a number nor missing.
    """
    large = len(text.raw) >= LARGE and found.width <= WIDEST
    if large and most is None and delimiter != decimal:
        body = _read_at_once(text, found, delimiter, decimal, skip)
        if body is not None:
            return body
    values, labels, lines, texts = array("d"), [], [], {}
    d = len(found.features)
    # float alone is faster than `number`, and the same where no cell holds what it takes too well.
    plain = decimal == "." and b"_" not in text.raw
    rows = islice(text.rows(delimiter), skip, None if most is None else skip + most)
    for line, cells in rows:
        if len(cells) != found.width:
            what = f", line {line}: expected {counted(found.width, 'column')}, got {len(cells)}"
            if not lines and skip == 1 and len(cells) == found.width + 1:
                what += (
                    "; if the first line holds names and the others begin with the name of the "
                    "row, give that column a name"
                )
            raise TableError(text.path, what)
        labels.append(_label(text.path, line, cells[found.label]))
        lines.append(line)
        given = [cells[k] for k in found.features]
        start = len(values)
        try:
            if not plain:
                raise ValueError
            values.extend(map(float, given))
        except ValueError:
            del values[start:]
            values.extend(number(cell, decimal) for cell in given)
            for k, cell, value in zip(found.features, given, values[start:], strict=True):
                if value != value and not is_missing(cell, MISSING_NUMBER):
                    texts.setdefault(k, (line, cell))
                    if not words or COMMA_NUMBER.fullmatch(cell):
                        raise not_numbers(text.path, line, k, cell, names) from None
    X = np.frombuffer(values).reshape(-1, d)
    if np.isinf(X).any():
        i = np.flatnonzero(np.isinf(X).any(axis=1))[0]
        value = X[i][np.isinf(X[i])][0]
        raise TableError(text.path, f", line {lines[i]}: features must be finite, got {value}")
    return Body(X, labels, lines, texts)


def not_numbers(path, line, k, cell, names):
    """The error of a feature that is no number."""
    column = k if names is None or not names[k].strip() else brief(names[k].strip())
    return NotNumbersError(
        cell,
        path,
        f", line {line}: features must be numbers, got {shown(cell)} in column ",
        f"{column!r}; give ",
        Option("label", column),
        " if that is the label, ",
        Option("one_hot", True),
        " if it is text, or ",
        Option("drop", column),
    )


def _label(path, line, cell):
    if len(cell) > LONGEST_LABEL:
        what = f", line {line}: the label has {len(cell):,} characters, more than {LONGEST_LABEL:,}"
        raise TableError(path, what)
    return cell.strip()


def _read_at_once(text, found, delimiter, decimal, skip):
    """The body of a table without any blemish, or None: then it must be looked at row by row."""
    import pandas as pd

    # Single letters are found ten times as fast as words.
    if any(c in text.raw for c in b"uUsS") and BOOLEANS.search(text.raw):
        return None
    version = tuple(map(int, pd.__version__.split(".")[:2]))
    exact = {} if version >= (3, 1) else {"float_precision": "round_trip"}
    rows = text.rows(delimiter)
    try:
        for _ in range(skip):
            line, _ = next(rows)
        start = line if skip else text.skip
        numbers = dict.fromkeys(found.features, float)
        parts = pd.read_csv(
            text.lines(start),
            sep=r"\s+" if delimiter == " " else delimiter,
            decimal=decimal,
            header=None,
            dtype={k: numbers.get(k, str) for k in range(found.width)},
            keep_default_na=False,
            na_filter=False,
            skipinitialspace=True,
            low_memory=False,
            chunksize=max(1, CHUNK // found.width),
            **exact,
        )
        blocks, labels = [], []
        with parts:
            for part in parts:
                if part.shape[1] != found.width:
                    return None
                words = part.drop(columns=found.features)
                # Where a row is too short, pandas puts empty cells.
                if (words == "").any(axis=None):
                    return None
                blocks.append(part[found.features].to_numpy())
                labels += [label.strip() for label in words[found.label]]
    except (ValueError, TypeError, StopIteration):
        return None
    sound = all(np.isfinite(block).all() for block in blocks)
    if not sound or any(is_missing(x) or len(x) > LONGEST_LABEL for x in set(labels)):
        return None
    return Body(np.concatenate(blocks), labels, [], {})
