"""From a text file to the columns of a table: of all ways to read it, the one that makes sense."""

from itertools import islice
from typing import NamedTuple

import numpy as np

from geomcore.datasets.body import Body, NotNumbersError, read_body
from geomcore.datasets.cells import COMMA_NUMBER, THOUSANDS, is_number
from geomcore.datasets.columns import Columns, check_reference, columns, has_names, names_of
from geomcore.datasets.dialect import SAMPLE, Text, delimiters, likeliest
from geomcore.datasets.table_error import Option, TableError, brief, shown

MANY = 20  # rows, of which a class should have several


class Reading(NamedTuple):
    """A table as one separator and one decimal mark make it.

    Attributes
    ----------
    text : Text
    delimiter, decimal : str
    columns : Columns
    line : int
        Of the first row.
    first : list of str
        The cells of the first row.
    body : Body
        All points; as long as it is open what the first row is, those after it.
    names : list of str or None
        Of all columns, if there is a header.
    """

    text: Text
    delimiter: str
    decimal: str
    columns: Columns
    line: int
    first: list
    body: Body
    names: list | None = None

    @property
    def texts(self):
        """The columns of features that are text; of a single row, those that are no numbers."""
        if self.body.labels:
            return set(self.body.texts)
        cells = ((k, self.first[k]) for k in self.columns.features)
        return {k for k, cell in cells if not is_number(cell, self.decimal)}

    @property
    def labels(self):
        """The labels; of a single row, the one there."""
        return set(self.body.labels) or {self.first[self.columns.label].strip()}


def read_table(text, *, label, header, delimiter, decimal, drop, words):
    """Return the `Reading` of a table that makes sense; see `geomcore.datasets.load_table`.

    Parameters
    ----------
    text : Text
    label, header, delimiter, decimal, drop
        As in `load_table`.
    words : bool
        Whether features may be text.

    Raises
    ------
    TableError
        If no way to read it makes sense, or several do.
    """
    if header is not None and not isinstance(header, bool):  # 0 and 1 are the numbers of lines
        what = f" must be True, False or None, got {repr(header)[:40]}"
        raise TableError(Option("header"), what)
    if decimal is not None and (not isinstance(decimal, str) or decimal not in (".", ",")):
        raise TableError(Option("decimal"), f" must be '.' or ',', got {shown(str(decimal))}")
    possible = delimiters(text, delimiter)
    if decimal == "," and len(possible) > 1:
        possible = [one for one in possible if one != ","]
    about = {"label": label, "header": header, "drop": drop}
    readings, errors = [], {}
    for one in possible:
        try:
            readings.append(_attempt(text, one, decimal, about, words))
        except TableError as error:
            errors[one] = error
    if not readings:
        raise errors[likeliest(text, possible)]
    found = _with_first_row(_sensible(readings), about, words)
    if decimal is None and found.decimal == ",":
        _check_thousands(found)
    if delimiter is None and text.separator is None:
        _check_labels(found)
    if label is None:
        _check_last_column(found)
    if found.names is not None and header is None:
        for option, ref in [("label", label), *(("drop", ref) for ref in drop)]:
            check_reference(text.path, ref, found.names, option)
    return found


def _attempt(text, delimiter, decimal, about, words):
    """The table under one separator; its first row may still be names."""
    line, first = next(text.rows(delimiter), (0, None))
    if first is None:
        raise TableError(text.path, " must hold a table, it is empty")
    found = columns(text.path, line, first, **about)
    named = about["header"] or found.by_name
    cells = [first[k] for k in found.features]
    names = first if named or not any(map(is_number, cells)) else None
    options = {"names": names, "words": words}
    start = Reading(text, delimiter, decimal or ",", found, line, first, None)
    if decimal is None and (named or not any(map(COMMA_NUMBER.fullmatch, cells))):
        try:
            body = read_body(text, found, delimiter, ".", **options)
            return start._replace(decimal=".", body=body)
        except NotNumbersError as error:
            if not COMMA_NUMBER.fullmatch(error.cell):
                raise
    return start._replace(body=read_body(text, found, delimiter, start.decimal, **options))


def _check_thousands(reading):
    """Raise if every decimal comma of a number may be one between thousands."""
    numbers = [k for k in reading.columns.features if k not in reading.body.texts]
    rows = islice(reading.text.rows(reading.delimiter), reading.names is not None, None)
    cells = (
        cells[k]
        for _, cells in rows
        for k in numbers
        if "," in cells[k] and COMMA_NUMBER.fullmatch(cells[k])
    )
    first = next((cell for cell in cells if cell.strip("+- ") != "0,000"), None)
    if first and THOUSANDS.fullmatch(first) and all(map(THOUSANDS.fullmatch, cells)):
        raise TableError(
            reading.text.path,
            f": the comma in {shown(first)} may separate thousands or decimals, as in all "
            "numbers here; if decimals, give ",
            Option("decimal", ","),
        )


def _sensible(found):
    """Of several readings the one without text, or with most numbers; they must not disagree."""
    if len(found) == 1:
        return found[0]
    best = max(map(_sense, found))
    found = [one for one in found if _sense(one) == best]
    found = [one for one in found if not any(_is_broken(one, other) for other in found)]
    first = found[0]
    for other in found[1:]:
        same = np.array_equal(first.body.X, other.body.X, equal_nan=True)
        if not same or first.body.labels != other.body.labels or first.first != other.first:
            raise TableError(
                first.text.path,
                f": {_mark(first)} or {_mark(other)} may separate its columns; give ",
                Option("delimiter", first.delimiter),
                " or ",
                Option("delimiter", other.delimiter),
            )
    return first


def _sense(reading):
    numbers = len(reading.columns.features) - len(reading.texts)
    return (not reading.texts, numbers if reading.texts else 0)


def _is_broken(reading, other):
    """Whether a reading leaves cells together that `other` separates, or breaks them at blanks."""
    if other is reading or other.delimiter == " ":
        return False
    together = all(other.delimiter in text for text in reading.labels)
    if reading.delimiter == " ":
        return together or other.delimiter == "\t"
    return together and other.columns.width > reading.columns.width


def _mark(reading):
    name = {"\t": "a tab", " ": "blanks"}.get(reading.delimiter, shown(reading.delimiter))
    return name + (" beside decimal commas" if reading.decimal == "," else "")


def _check_labels(reading):
    """Raise if every label is a number, a separator and something else: that is two cells."""
    texts = reading.labels
    for other in (",", ";", "\t", "|", " "):
        parts = [text.split(other) for text in texts]
        if other == reading.delimiter or not all(len(p) > 1 for p in parts):
            continue
        if other == " ":  # "3 stars" may be a label, "3 0" is none
            two_cells = all(is_number(cell) for part in parts for cell in part)
        else:
            two_cells = any(all(is_number(part[end]) for part in parts) for end in (0, -1))
        if two_cells:
            raise TableError(
                reading.text.path,
                f": all labels, such as {shown(min(texts))}, hold a separator; if that is right, "
                "give ",
                Option("delimiter", reading.delimiter),
            )


def _check_last_column(reading):
    """Raise if the last column has a label for nearly every row, and the first one has few."""
    N, (first, *_) = len(reading.body.labels), reading.columns.features
    if N < MANY or first in reading.body.texts or len(reading.labels) <= N / 2:
        return
    values = np.unique(reading.body.X[:, 0])
    if 1 < len(values) <= N / 4 and (values == np.round(values)).all():
        columns = (first, reading.columns.label)
        names = [k if reading.names is None else brief(reading.names[k]) for k in columns]
        raise TableError(
            reading.text.path,
            f": {len(reading.labels):,} labels are different in {N:,} rows, in the column "
            f"{names[0]!r} only {len(values)} numbers; give ",
            Option("label", names[0]),
            " or ",
            Option("label", names[1]),
        )


def _with_first_row(reading, about, words):
    """The reading with its header as names, or with its first row as a point."""
    text, path, found = reading.text, reading.text.path, reading.columns
    line, first = reading.line, reading.first
    header = about["header"]
    if header is None and found.by_name:
        header = True
    elif header is None:
        below = [cells for _, cells in islice(text.rows(reading.delimiter), 1, 1 + SAMPLE)]
        header = has_names(path, line, first, found, reading.body, below, reading.decimal)
    if header:
        if not reading.body.labels:
            raise TableError(path, " holds a header but no points")
        return reading._replace(names=names_of(path, line, first, found))
    top = read_body(text, found, reading.delimiter, reading.decimal, skip=0, most=1, words=words)
    rest = reading.body
    body = Body(
        np.vstack([top.X, rest.X]),
        top.labels + rest.labels,
        top.lines + rest.lines,
        {**rest.texts, **top.texts},
    )
    return reading._replace(body=body)
