"""What the columns of a table are: the label, the features, what is left out; their names."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from geomcore.datasets.cells import LIKE_A_NUMBER, is_missing, is_number, number
from geomcore.datasets.table_error import Option, TableError, listed, shown

MOST_COLUMNS = 2**20
# What people call a label; no class is called so.
WORDS = {"label", "labels", "class", "target", "kind", "type", "species", "category", "y"}
FEW = 2  # rows, in which it says nothing that a label occurs once
FEWER = 20  # rows, in which a class need not have two points on average


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
    below = Counter(other for other in body.labels if not is_missing(other))
    numbered = found.label > 0 and _is_above_row_numbers(first, rows)
    if numbered:
        return True
    if numbered is None and first[found.label].strip() not in below:
        raise ask("the empty first cell may stand above the numbers of the rows")
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
    if is_missing(label) or not below:
        return False  # a name is never missing
    distinct = len(set(row.values())) == len(row)
    above_numbers = all(is_number(b, decimal) for b in below)
    # A name above numbers that are left out: those of the rows, which programs do not count.
    start = 0 not in (*row, found.label) and not is_number(first[0], decimal)
    start = int(start and all(is_number(cells[0], decimal) for cells in rows))
    if is_number(label, decimal):
        may_be = len(numbers) == len(row) and distinct
        if may_be and _may_be_names(row, label, below, found, body, rows, decimal, start):
            raise ask("these numbers may be names or a point")
        return False
    if label in below:
        return False
    words = not numbers and any(cell.isalpha() for cell in row.values())  # NA may be sodium
    if above_numbers or (words and label.casefold() in WORDS):
        if distinct and (words or len(numbers) == len(row)):
            return True
        raise ask(f"the label {shown(label)} stands above numbers")
    differs = _counts(row, start) and _is_written_otherwise(row, rows)
    if words or differs or label.casefold() in WORDS or below.total() > FEW:
        raise ask(f"the label {shown(label)} occurs only here, it may be a name")
    return False


def _is_above_row_numbers(first, rows):
    """Whether a first row without first cell names the columns beside the names of rows.

    None if it may also be a point of which the first feature is missing.
    """
    corner, *names = [cell.strip() for cell in first]
    index = [cells[0].strip() for cells in rows]
    if corner or not all(names) or not all(index) or not index:
        return False
    counted = any(index == [str(i + start) for i in range(len(index))] for start in (0, 1))
    if counted or all(name == str(k) for k, name in enumerate(names)):
        return True
    return None if len(set(index)) == len(index) > 1 and all(map(_is_whole, index)) else False


def _may_be_names(row, label, below, found, body, rows, decimal, start):
    """Whether a row of different numbers, by column, and a number as label may be names."""
    values = [number(cell, decimal) for cell in row.values()]
    columns_of_row = [j for j, k in enumerate(found.features) if k in row]
    again = (body.X[:, columns_of_row] == values).all(axis=1).any()
    if not any(is_number(other, decimal) for other in below):
        return not again or below.total() > FEW
    row = dict(sorted({**row, found.label: label}.items()))
    if _counts(row, start):
        return len(row) > 2 or _is_written_otherwise(row, rows, found.label) or not again
    N = below.total()
    if label in below or max(below.values()) == 1:
        return False
    values = [number(cell, decimal) for cell in row.values()]
    if len(row) > 2 and _has_equal_steps(values):
        return True
    # Years and the like above a few classes.
    few = 2 * len(below) <= N or N < FEWER
    known = [number(other, decimal) for other in below if is_number(other, decimal)]
    outside = not min(known) <= number(label, decimal) <= max(known)
    alike = len(set(map(_is_whole, row.values()))) == 1
    return few and outside and alike and (len(row) == 2 or _is_monotone(values))


def _counts(row, start=0):
    """Whether the cells are the numbers of their columns, as programs name columns by default."""
    return all(cell == str(k - start) for k, cell in row.items())


def _is_written_otherwise(row, rows, label=None):
    """Whether whole numbers stand above a column without any: 0.0 is written otherwise than 0."""
    features = [k for k in row if k != label]
    return any(
        _is_whole(row[k]) and not any(_is_whole(cells[k]) for cells in rows) for k in features
    )


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
