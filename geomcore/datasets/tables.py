"""A user's own data: CSV and npz tables."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Literal

from geomcore.arrays import as_labels, as_points
from geomcore.datasets.cells import MOST_BYTES, label_values
from geomcore.datasets.dataset import Dataset, prepare
from geomcore.datasets.dialect import read_text
from geomcore.datasets.gaps import complete_rows, features
from geomcore.datasets.reading import read_table
from geomcore.datasets.table_error import Option, TableError, shown
from geomcore.foreign.choices import as_flag
from geomcore.foreign.files import as_path, open_regular
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.npz import read_npz
from geomcore.typing import Path

LONGEST_NUMBER = 40  # characters


@answers_keywords
def load_table(
    path: Path,
    *,
    label: str | int | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: Literal[".", ","] | None = None,
    encoding: str | None = None,
    drop: str | int | Sequence[str | int] = (),
    drop_missing: bool = False,
    one_hot: bool = False,
    standardize: bool = False,
) -> Dataset:
    """Load labelled points from a CSV file, or from an npz file with arrays X and y.

    Where a file can be read in several ways, and nothing else decides, it is
    refused in one sentence that names the argument that does.

    Parameters
    ----------
    path : str or path-like
        CSV: one point per line, blank lines ignored. The features are numbers;
        the label may be text. Files that begin like a zip file are read as npz.
    label : str or int, optional
        Name of the label's column, or its number from 0; default the last.
    header : bool, optional
        Whether the first line holds names; default: if none of its features
        is a number, or if only its label is none.
    delimiter : str, optional
        What separates columns, one character or "tab"; a blank stands for runs
        of blanks. Default: the one of comma, semicolon, tab, bar and blanks
        that makes all lines equally wide and all features numbers.
    decimal : {".", ","}, optional
        Default: the one with which all features are numbers.
    encoding : str, optional
        Default UTF-8, or UTF-16 or UTF-32 with a byte order mark.
    drop : str, int or sequence of them, optional
        Columns to leave out, by name or number.
    drop_missing : bool, optional
        Leave out rows in which a feature or the label is missing (empty, "?",
        nan, NA, ...) instead of refusing them.
    one_hot : bool, optional
        Replace a feature that is text by one column of zeros and ones per
        text, in sorted order, named ``feature=text``.
    standardize : bool, optional
        If True, prepare the table as `geomcore.datasets.dataset.prepare` does.

    Returns
    -------
    Dataset
        Named after the file. Labels stay text unless all of them are plain
        numbers that stay distinct: then ints if all are whole, else floats.
        ``info`` says what was understood: ``"label"``, name or number of the
        label's column, and if there is a header ``"label_name"`` and
        ``"feature_names"``; ``"delimiter"`` and ``"decimal"``;
        ``"missing_rows"``, how many were left out. ``summary()`` says it in words.

    Raises
    ------
    ValueError
        If the file is missing, damaged, holds pickled objects, or is not such
        a table: one sentence of at most 300 characters that names the file, and
        the line where there is one.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = path.write_text("width;length;kind\\n1,5;2;rose\\n0;3e1;lily\\n")
    >>> data = load_table(path)
    >>> data.X.tolist(), data.y.tolist()
    ([[1.5, 2.0], [0.0, 30.0]], ['rose', 'lily'])
    >>> data.summary()
    "flowers: 2 points, 2 features, 2 classes in the column 'kind': lily (1), rose (1)"
    """
    path = as_path(path)
    options = {
        "label": label,
        "header": header,
        "delimiter": delimiter,
        "decimal": decimal,
        "encoding": encoding,
        "drop": _as_list(drop),
        "drop_missing": as_flag(drop_missing, "drop_missing"),
        "one_hot": as_flag(one_hot, "one_hot"),
    }
    standardize = as_flag(standardize, "standardize")
    try:
        return _opened(path, options, standardize)
    except MemoryError as error:
        raise _unreadable(path, error) from None


def _opened(path, options, standardize):
    if _start(path) == b"PK" or path.suffix.lower() == ".npz":
        defaults = {"drop": [], "drop_missing": False, "one_hot": False}
        given = [name for name, value in options.items() if value != defaults.get(name)]
        if given:
            raise TableError(Option(given[0]), " goes with CSV files, ", path, " is an npz file")
        X, y, info = _from_npz(path)
    else:
        X, y, info = _from_csv(path, **options)
    if standardize:
        X, y, more = prepare(X, y)
        info.update(more)
    return Dataset(X, y, path.stem, info)


def _as_list(drop):
    if drop is None:
        return []
    if isinstance(drop, (str, Integral)):
        return [drop]
    try:
        return list(drop)
    except TypeError:
        what = " must be a column, by name or number, or a sequence of them, got "
        raise TableError(Option("drop"), what, shown(str(drop))) from None


def _start(path):
    """The first two bytes of a file, and an error if it is none."""
    try:
        with open_regular(path, "a CSV or npz file") as file:
            return file.read(2)
    except (FileNotFoundError, ValueError) as error:
        raise TableError(str(error)) from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path, error):
    reason = getattr(error, "strerror", None) or str(error) or "it is too large for the memory"
    return TableError(path, f" cannot be read: {reason}")


def _from_npz(path):
    arrays = read_npz(path, ["X", "y"])
    try:
        X = as_points(arrays["X"])
        if 0 in X.shape:
            raise ValueError(f"X must not be empty, got shape {X.shape}")
        as_labels(arrays["y"], len(X))
    except ValueError as error:
        raise TableError(path, f": {error}") from None
    return X, arrays["y"], {}


def _from_csv(path, *, encoding, drop_missing, one_hot, **options):
    try:
        text = read_text(path, encoding)
    except OSError as error:
        raise _unreadable(path, error) from None
    reading = read_table(text, words=one_hot, **options)
    X, names, source = features(reading)
    labels, column = reading.body.labels, reading.columns.label
    keep = complete_rows(reading, X, source, drop_missing)
    if not keep.all():
        X = X[keep]
        labels = [label for label, kept in zip(labels, keep, strict=True) if kept]
    longest = max(map(len, labels))
    # NumPy gives every label the room of the longest; printed numbers are shorter.
    if longest > LONGEST_NUMBER and 4 * len(labels) * longest > MOST_BYTES:
        raise TableError(
            path,
            f": one of its {len(labels):,} labels has {longest:,} characters, and arrays of such "
            f"labels need more than {MOST_BYTES / 2**30:.3g} GiB; shorten the label ",
            shown(max(labels, key=len)),
        )
    info = {
        "label": column if reading.names is None else reading.names[column],
        "delimiter": reading.delimiter,
        "decimal": reading.decimal,
        "missing_rows": int((~keep).sum()),
    }
    if reading.names is not None:
        info["label_name"] = reading.names[column]
    if names is not None:
        info["feature_names"] = names
    return X, label_values(labels, reading.decimal), info
