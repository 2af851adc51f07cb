"""Entries of whatever holds them: lists, arrays with masks, data frames, nullable columns.

Data frames and series are known by what they can do, so that pandas need not be imported.
"""

from numbers import Real
from typing import NamedTuple

import numpy as np

from geomcore.foreign.wording import quoted


class Plain(NamedTuple):
    """Entries of an array_like, and which of them are missing.

    Attributes
    ----------
    array : ndarray
    missing : ndarray of bool, of the same shape, or None
        Masked, None, NA, NaT, and nan unless `array` is one of floats; None
        if there are none.
    """

    array: np.ndarray
    missing: np.ndarray | None


def plain(value):
    """Return any array_like as NumPy would, and what NumPy would not say: what is missing.

    Raises
    ------
    ValueError
        If it is not rectangular.
    """
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ma.MaskedArray) for v in value):
        value = np.ma.stack([np.ma.asarray(entry) for entry in value])
    array = np.asarray(value)
    if np.ma.is_masked(value):
        missing = np.ma.getmaskarray(value)
    elif array.dtype == object and hasattr(value, "isna"):
        missing = np.asarray(value.isna(), dtype=bool)
    elif array.dtype.kind in "OT":
        missing = _missing_objects(array)
    elif array.dtype.kind in "US" and isinstance(value, (list, tuple)):
        # NumPy writes nan and None out as text where there is text beside them.
        missing = _missing_objects(np.array(value, dtype=object)).reshape(array.shape)
    elif array.dtype.kind in "mM":
        missing = np.isnat(array)
    else:
        return Plain(array, None)
    if missing.any():
        return Plain(array, missing)
    return Plain(_numbers(value, array) if array.dtype == object else array, None)


def rows_of(missing):
    """The rows that have a missing entry, in words."""
    rows = np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1))
    shown = ", ".join(map(str, rows[:5]))
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def column(value):
    """The column of a data frame that has one, and all else as it is."""
    one = hasattr(value, "columns") and getattr(value, "shape", ())[1:] == (1,)
    return value[value.columns[0]] if one else value


def _missing_objects(array):
    return np.fromiter(map(_is_missing, array.flat), bool, array.size).reshape(array.shape)


def _is_missing(entry):
    if entry is None:
        return True
    try:
        return bool(entry != entry)  # of numbers and times only nan and NaT differ from themselves
    except (TypeError, ArithmeticError):
        return True  # NA does not tell, a signalling nan must not be asked
    except ValueError:
        return False


def _numbers(value, array):
    """The entries of nullable columns of numbers in the type that holds them all."""
    types = getattr(value, "dtypes", getattr(value, "dtype", None))
    types = list(types) if np.iterable(types) else [types]
    if not types or any(getattr(t, "kind", "O") not in "fiub" for t in types):
        return array
    common = np.result_type(*(getattr(t, "numpy_dtype", t) for t in types))
    return array.astype(common)


def first_other(value, array):
    """The first entry that is no real number, and the column of a data frame that it is in."""
    for position, entry in zip(np.ndindex(array.shape), array.flat, strict=True):
        entry = entry.item() if isinstance(entry, np.generic) else entry
        if not isinstance(entry, Real):
            columns = getattr(value, "columns", None)
            where = "" if columns is None else f" in column {quoted(columns[position[-1]])}"
            return f"{quoted(entry)}{where}"
    return f"numbers as {array.dtype}s, of which .astype(float) makes such"
