"""A user's own data: CSV and npz tables."""

import csv
import io
import math
from pathlib import Path

import numpy as np

from geomcore.arrays import as_labels, as_points
from geomcore.datasets.dataset import Dataset, prepare
from geomcore.foreign.npz import read_npz


def load_table(path, *, label=None, header=None, standardize=False):
    """Load labelled points from a CSV file, or from an npz file with arrays X and y.

    Parameters
    ----------
    path : str or path-like
        CSV: one point per line, separated by commas, semicolons or tabs,
        UTF-8, blank lines ignored. The features are numbers; the label may be
        text. Files that begin like a zip file are read as npz.
    label : str or int, optional
        Name of the label's column, or its number from 0; default the last.
    header : bool, optional
        Whether the first line holds names; default: if none of its features
        is a number.
    standardize : bool, optional
        If True, prepare the table as `geomcore.datasets.dataset.prepare` does.

    Returns
    -------
    Dataset
        Named after the file. Labels that are all whole numbers become ints,
        all numbers floats, else all stay text. ``info["feature_names"]`` if
        there is a header.

    Raises
    ------
    ValueError
        If the file is missing, damaged, holds pickled objects, or is not such
        a table: the message names the file, and the line where there is one.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = path.write_text("width,length,kind\\n1.5,2,rose\\n0,3e1,lily\\n")
    >>> data = load_table(path)
    >>> data.X.tolist(), data.y.tolist()
    ([[1.5, 2.0], [0.0, 30.0]], ['rose', 'lily'])
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} must be a CSV or npz file, it is a directory")
    try:
        with open(path, "rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise ValueError(f"{path} must be a CSV or npz file, there is no such file") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if start[:2] == b"PK" or path.suffix.lower() == ".npz":
        if label is not None or header is not None:
            raise ValueError(f"label and header go with CSV files, {path} is an npz file")
        X, y, info = _from_npz(path)
    else:
        X, y, info = _from_csv(path, label, header)
    if standardize:
        X, y, more = prepare(X, y)
        info.update(more)
    return Dataset(X, y, path.stem, info)


def _from_npz(path):
    arrays = read_npz(path, ["X", "y"])
    try:
        X = as_points(arrays["X"])
        if 0 in X.shape:
            raise ValueError(f"X must not be empty, got shape {X.shape}")
        as_labels(arrays["y"], len(X))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return X, arrays["y"], {}


def _from_csv(path, label, header):
    lines = _lines(path)
    first_line, first = lines[0]
    width = len(first)
    if width < 2:
        raise ValueError(
            f"{path}, line {first_line}: a table needs at least two columns, features and a "
            "label, got one"
        )
    names = None
    named = isinstance(label, str)
    if named or header or (header is None and _looks_like_names(path, first_line, first, label)):
        names = [cell.strip() for cell in first]
        lines = lines[1:]
        if "" in names:
            raise ValueError(
                f"{path}, line {first_line}: column {names.index('') + 1} has no name; name it, "
                "or remove it if it only numbers the rows"
            )
    column = _label_column(path, label, names, width)
    if not lines:
        raise ValueError(f"{path} holds a header but no points")
    X = np.empty((len(lines), width - 1))
    labels = []
    for i, (line, cells) in enumerate(lines):
        if len(cells) != width:
            raise ValueError(f"{path}, line {line}: expected {width} columns, got {len(cells)}")
        labels.append(cells.pop(column).strip())
        try:
            X[i] = [float(cell) for cell in cells]
        except ValueError:
            bad = next(cell for cell in cells if not _is_number(cell))
            raise ValueError(
                f"{path}, line {line}: features must be numbers, got {bad!r}"
            ) from None
        if not labels[-1]:
            raise ValueError(f"{path}, line {line}: the label is empty")
    if not np.isfinite(X).all():
        i, k = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"{path}, line {lines[i][0]}: features must be finite, got {X[i, k]}")
    info = {}
    if names is not None:
        info["label_name"] = names.pop(column)
        info["feature_names"] = names
    return X, _labels(path, lines, labels), info


def _lines(path):
    """Numbered lines of a CSV file, blank ones left out, as lists of cells."""
    raw = path.read_bytes()
    if b"\0" in raw:
        raise ValueError(f"{path} must be a CSV file of text, it holds binary data")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: the file is not UTF-8 text") from None
    start = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=start.count))
    lines = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((reader.line_num, cells))
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    if not lines:
        raise ValueError(f"{path} must hold a table, it is empty")
    return lines


def _looks_like_names(path, line, cells, label):
    column = _label_column(path, label, None, len(cells))
    numbers = [_is_number(cell) for k, cell in enumerate(cells) if k != column % len(cells)]
    if any(numbers) and not all(numbers):
        bad = next(c for k, c in enumerate(cells) if k != column and not _is_number(c))
        raise ValueError(
            f"{path}, line {line}: features must be numbers, got {bad!r}; give header=True if "
            "the line holds names"
        )
    return not any(numbers)


def _label_column(path, label, names, width):
    if label is None:
        return width - 1
    if isinstance(label, str):
        if names is None or names.count(label) != 1:
            have = "no header" if names is None else f"the columns {names}"
            raise ValueError(f"label must name one column of {path}, got {label!r} and {have}")
        return names.index(label)
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < width:
        raise ValueError(f"label must be a name or a number from 0 to {width - 1}, got {label!r}")
    return label


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _labels(path, lines, labels):
    """Labels as ints or floats if all of them are, else as text."""
    if not all(map(_is_number, labels)):
        return np.array(labels)
    try:
        return np.array([int(cell) for cell in labels])
    except (ValueError, OverflowError):
        pass
    values = [float(cell) for cell in labels]
    for (line, _), value in zip(lines, values, strict=True):
        if not math.isfinite(value):
            raise ValueError(f"{path}, line {line}: the label must be finite, got {value}")
    if all(v.is_integer() and abs(v) < 2**53 for v in values):
        return np.array([int(v) for v in values])
    return np.array(values)
