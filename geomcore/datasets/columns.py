"""What the columns of a table are: the label, the features, what is left out; their names."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from geomcore.datasets.cells import LIKE_A_NUMBER, is_missing, is_number, number
from geomcore.datasets.table_error import Option, TableError, listed, shown

MOST_COLUMNS = 2**20
# What people call a label; no class is called so.
WORDS = {"label", "labels", "class", "target", "kind", "type", "species", "category", "y"}


class Columns(NamedTuple):
    """The columns of a table, as numbers from 0.

    Attributes
    ----------
    width : int
    label : int
    features : list of int
        All others that are not left out.
    by_name : bool
        Whether the caller has named one, so that there must be a header.
    """

    width: int
    label: int
    features: list
    by_name: bool


def columns(path, line, first, *, label=None, drop=(), header=None):
    """Return the `Columns` of a table whose first row is `first`.

    Parameters
    ----------
    path : Path
    line : int
        Of the first row.
    first : list of str
    label : str or int, optional
        Name or number; default the last column that is not left out.
    drop : sequence of str or int
    header : bool, optional

    Raises
    ------
    TableError
        If there is no such column, or no column of features.
    """
    width = len(first)
    if width < 2:
        raise TableError(
            path,
            f", line {line}: a table needs at least two columns, features and a label, got one; "
            "if they are separated by something unusual, give ",
            Option("delimiter"),
        )
    if width > MOST_COLUMNS:
        raise TableError(path, f", line {line}: more than {MOST_COLUMNS:,} columns, got {width:,}")
    names = None if header is False else [cell.strip() for cell in first]
    names_first = header is True
    dropped = {_column(path, ref, "drop", names, width, names_first) for ref in drop}
    by_name = any(_is_name(ref) for ref in [*drop, label])
    if label is not None:
        label = _column(path, label, "label", names, width, names_first)
    else:
        label = next((k for k in reversed(range(width)) if k not in dropped), -1)
    if label in dropped or label < 0:
        raise TableError(Option("drop"), " must leave the column of the label in ", path)
    features = [k for k in range(width) if k != label and k not in dropped]
    if not features:
        raise TableError(Option("drop"), " must leave at least one column of features in ", path)
    return Columns(width, label, features, by_name)


def has_names(path, line, first, found, body, rows, decimal):
    """Whether the first row holds the names of the columns.

    It does if there is no number among its features, or if the label in it is
    text where all others are numbers. Names may themselves be numbers; where
    the row may be either, the caller is asked.

    Parameters
    ----------
    path : Path
    line : int
        Of the first row.
    first : list of str
    found : Columns
    body : Body
        The rows after the first.
    rows : list of list of str
        Some of them as they are written.
    decimal : str

    Raises
    ------
    TableError
        If it cannot be told.
    """

    def ask(reason):
        return TableError(
            path,
            f", line {line}: {reason}; give ",
            Option("header", True),
            " if the line holds names, ",
            Option("header", False),
            " if it is a point",
        )

    row = {k: first[k].strip() for k in found.features if k not in body.texts}
    if not row:
        raise ask("all features are text, as in the rows below")
    numbers = {k for k, cell in row.items() if is_number(cell, decimal)}
    texts = [cell for k, cell in row.items() if k not in numbers and not is_missing(cell)]
    odd = next((text for text in texts if numbers or LIKE_A_NUMBER.fullmatch(text)), None)
    if odd is not None:
        raise ask(f"features must be numbers, got {shown(odd)}")
    if texts:
        return True
    label = first[found.label].strip()
    below = Counter(other for other in body.labels if not is_missing(other))
    if len(numbers) < len(row) or is_missing(label) or not below:
        return False  # a name is never missing
    distinct = len(set(row.values())) == len(row)
    if not is_number(label, decimal) and all(is_number(b, decimal) for b in below):
        if distinct:
            return True
        raise ask(f"the label {shown(label)} stands above numbers")
    if distinct and _may_be_names(row, label, below, found, body, rows, decimal):
        raise ask("these numbers may be names or a point")
    return False


def _may_be_names(row, label, below, found, body, rows, decimal):
    """Whether a row of different numbers, by column, may be names rather than a point."""
    alone, most, least = label not in below, max(below.values()), min(below.values())
    values = [number(cell, decimal) for cell in row.values()]
    columns_of_row = [j for j, k in enumerate(found.features) if k in row]
    again = (body.X[:, columns_of_row] == values).all(axis=1).any()
    # A program that writes 0.0 in a column has not written 0 above.
    differs = any(_is_whole(row[k]) and not any(_is_whole(cells[k]) for cells in rows) for k in row)
    if is_number(label, decimal):
        if not again and not any(is_number(other, decimal) for other in below):
            return True
        row = dict(sorted({**row, found.label: label}.items()))
        if _counts(row):
            return len(row) > 2 or differs or not again
        values = [number(cell, decimal) for cell in row.values()]
        return alone and most > 1 and len(row) > 2 and _has_equal_steps(values)
    if not alone:
        return False
    if label.casefold() in WORDS or (_counts(row) and differs):
        return True
    if again or most == 1 or min(values) < 0 or len(set(map(_is_whole, row.values()))) > 1:
        return False
    in_order = _has_equal_steps(values) or (len(values) > 2 and _is_monotone(values))
    # Names that leave points of one class would leave nothing to learn.
    return len(below) > 1 and (_counts(row) or in_order or least > 1)


def _counts(row):
    """Whether the cells are the numbers of their columns, as programs name columns by default."""
    return all(cell == str(k) for k, cell in row.items())


def _is_whole(cell):
    return cell.strip().lstrip("+-").isdigit()


def _has_equal_steps(values):
    if len(values) < 3:
        return False
    steps = np.diff(values)
    return bool(steps[0]) and np.allclose(steps, steps[0], rtol=1e-6, atol=0)


def _is_monotone(values):
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all())


def names_of(path, line, first, found):
    """The names in the first row, stripped; those of all columns that are used must be there."""
    names = [cell.strip() for cell in first]
    empty = [k for k in (*found.features, found.label) if not names[k]]
    if empty:
        raise TableError(
            path,
            f", line {line}: column {empty[0] + 1} has no name; name it, or give ",
            Option("drop", empty[0]),
            " if it only numbers the rows",
        )
    return names


def check_reference(path, ref, names, option):
    """Raise if a number that was given as text is the name of another column, too."""
    if isinstance(ref, str) and not _is_name(ref) and ref in names and names[int(ref)] != ref:
        raise TableError(
            Option(option),
            f" {shown(ref)} is the number of one column of ",
            path,
            " and the name of another; give ",
            Option("header", True),
            " for the name",
        )


def _column(path, ref, option, names, width, names_first):
    """The number of a column; digits are one, unless `names_first` and there is such a name."""
    if isinstance(ref, str):
        if _is_name(ref) or (names_first and ref in names):
            if names is None or names.count(ref) != 1:
                have = "no header" if names is None else f"the columns {listed(names)}"
                what = f", got {shown(ref)} and {have}"
                raise TableError(Option(option), " must name one column of ", path, what)
            return names.index(ref)
        ref = int(ref[:9])
    if isinstance(ref, bool) or not isinstance(ref, (int, np.integer)) or not 0 <= ref < width:
        what = f" must be a name or a number from 0 to {width - 1}, got {repr(ref)[:40]}"
        raise TableError(Option(option), what)
    return int(ref)


def _is_name(ref):
    return isinstance(ref, str) and not (ref.isascii() and ref.isdigit())
