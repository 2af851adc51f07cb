"""What is missing in a table, and features that are text."""

import numpy as np

from geomcore.datasets.body import not_numbers
from geomcore.datasets.cells import MOST_BYTES, is_missing, is_number
from geomcore.datasets.table_error import Option, TableError, brief, shown
from geomcore.foreign.wording import counted

MOST_WORDS = 1000  # columns that one column of text may become
MOST_NUMBERS = 20  # a column of more numbers than that has no text among them, but mistakes


def features(reading):
    """Return the features of a table, columns of text as one column per text.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    X : ndarray, shape (N, d)
        nan where a value is missing.
    names : list of str or None
        Of the features; None if the table has no header and no column of text.
    source : list of int
        The column of the table from which each feature comes.

    Raises
    ------
    TableError
        If a column of text is one of numbers with mistakes, or the texts are
        so many that their columns would not fit into the memory.
    """
    found, names = reading.columns, reading.names
    texts = _words(reading)
    if not texts:
        return (
            reading.body.X,
            None if names is None else [names[k] for k in found.features],
            found.features,
        )
    classes = {}
    for k, cells in texts.items():
        classes[k] = sorted(word for word in set(cells) if not is_missing(word))
        _check_words(reading, k, classes[k])
    N, d = len(reading.body.labels), sum(len(classes.get(k, "1")) for k in found.features)
    if 8 * N * d > MOST_BYTES:
        widest = max(classes, key=lambda k: len(classes[k]))
        raise TableError(
            reading.text.path,
            f": {N:,} points of {d:,} features, most of them for texts, would need more than "
            f"{MOST_BYTES / 2**30:.3g} GiB; leave out columns, such as ",
            Option("drop", _title(reading, widest)),
            f" with {len(classes[widest]):,} texts",
        )
    X, titles, source = np.zeros((N, d)), [], []
    for j, k in enumerate(found.features):
        title, first = str(k) if names is None else names[k], len(titles)
        if k not in texts:
            X[:, first] = reading.body.X[:, j]
            titles.append(title)
        else:
            place = {word: first + i for i, word in enumerate(classes[k])}
            at = np.fromiter((place.get(cell, -1) for cell in texts[k]), int, N)
            X[np.flatnonzero(at >= 0), at[at >= 0]] = 1
            X[at < 0, first : first + len(place)] = np.nan
            titles += [f"{title}={word}" for word in classes[k]]
        source += [k] * (len(titles) - first)
    return X, titles, source


def complete_rows(reading, X, source, drop_missing):
    """Which rows lack nothing.

    Parameters
    ----------
    reading : Reading
    X : ndarray, shape (N, d)
    source : list of int
    drop_missing : bool
        Whether others may be left out.

    Returns
    -------
    ndarray of bool, shape (N,)

    Raises
    ------
    TableError
        If there are others and they may not be left out, or no row is complete.
    """
    labels, lines, path = reading.body.labels, reading.body.lines, reading.text.path
    empty = {label for label in set(labels) if is_missing(label)}
    unlabelled = np.fromiter((label in empty for label in labels), bool, len(labels))
    gaps = np.isnan(X)
    complete = ~(unlabelled | gaps.any(axis=1))
    if drop_missing and not complete.any():
        raise TableError(path, f": in each of its {len(labels)} rows something is missing")
    if drop_missing or complete.all():
        return complete
    if unlabelled.any():
        i = int(np.flatnonzero(unlabelled)[0])
        what = "is empty" if not labels[i] else f"is missing, got {shown(labels[i])}"
        advice = _advice(reading, reading.columns.label, unlabelled)
        what = f", line {lines[i]}: the label {what}, so in {_count(unlabelled)}; "
        raise TableError(path, what, *advice)
    columns = np.array(source)
    told, advice = [], None
    gone_in = list(dict.fromkeys(columns[gaps.any(axis=0)].tolist()))
    for k in gone_in[:3]:
        gone = gaps[:, columns == k].any(axis=1)
        first = lines[int(np.flatnonzero(gone)[0])]
        told.append(f"column {_title(reading, k)!r} ({_count(gone)}, first line {first})")
        advice = _advice(reading, k, gone) if advice is None or gone.all() else advice
    more = f" and {counted(len(gone_in) - 3, 'more column')}" if len(gone_in) > 3 else ""
    what = f": values are missing in {_count(~complete)}: {', '.join(told)}{more}; "
    raise TableError(path, what, *advice)


def _advice(reading, k, gone):
    """What to do about a column `k` in which values are missing in some rows or in all."""
    if gone.all():
        return Option("drop", _title(reading, k)), " leaves this column out"
    return Option("drop_missing", True), " leaves such rows out"


def _title(reading, k):
    """The name of a column, cut short, or its number."""
    return k if reading.names is None or not reading.names[k] else brief(reading.names[k])


def _count(mask):
    count = int(mask.sum())
    return f"{count:,} row{'s' if count > 1 else ''}"


def _words(reading):
    """The cells of each column that holds text, stripped, row by row."""
    wanted = reading.body.texts
    cells = {k: [] for k in wanted}
    if not wanted:
        return cells
    rows = reading.text.rows(reading.delimiter)
    if reading.names is not None:
        next(rows)
    for _, row in rows:
        for k in wanted:
            cells[k].append(row[k].strip())
    return cells


def _check_words(reading, k, classes):
    """Raise if a column of text is one of numbers with mistakes, or of names."""
    numbers = [text for text in classes if is_number(text, reading.decimal)]
    if len(numbers) > MOST_NUMBERS:
        line, cell = reading.body.texts[k]
        raise not_numbers(reading.text.path, line, k, cell, reading.names)
    if len(classes) > MOST_WORDS:
        raise TableError(
            reading.text.path,
            f": column {_title(reading, k)!r} holds {len(classes):,} different texts, more than "
            f"{MOST_WORDS:,}; leave it out with ",
            Option("drop", k),
        )
