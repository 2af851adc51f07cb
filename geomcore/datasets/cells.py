"""What a cell of a table means: a number, nothing, or text; and what labels mean together."""

import re

import numpy as np

# What people write where a value is missing. A label or a text may well be "-" or "None".
MISSING = frozenset(
    ["", "?", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "#na", "null", "nat", "1.#qnan", "1.#ind"]
)
MISSING_NUMBER = MISSING | {"-", "--", ".", "*", "none"}

COMMA_NUMBER = re.compile(r"\s*[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?\s*")
THOUSANDS = re.compile(r"\s*[+-]?(0,000|[1-9][0-9]{0,2},[0-9]{3})\s*")
LIKE_A_NUMBER = re.compile(r"\s*[+-]?[0-9.,_]*[0-9][0-9.,_]*([eE][+-]?[0-9]+)?\s*")

PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*)?|-?\.[0-9]+")
# As printf writes all of a column with one format: equal numbers have equal texts.
PRINTED_NUMBER = re.compile(r"[+-]?[0-9]\.([0-9]{6,})e[+-][0-9]{2,3}")
MOST_BYTES = 2**30  # of what texts become, where a small file may make much of them
MOST_WHOLE = 2**53  # up to here all whole numbers are floats


def number(cell, decimal="."):
    """The number in a cell, nan if it is none.

    Examples
    --------
    >>> number(" 1e3 "), number("1,5", ","), number("1_000")
    (1000.0, 1.5, nan)
    """
    if "_" in cell:
        return np.nan  # for Python a number, for nobody else
    if decimal == ",":
        if "." in cell:
            return np.nan
        cell = cell.replace(",", ".")
    try:
        return float(cell)
    except ValueError:
        return np.nan


def is_number(cell, decimal="."):
    """Whether a cell holds a number; nan is none, infinity is one."""
    return not np.isnan(number(cell, decimal))


def is_missing(cell, known=MISSING):
    """Whether a cell says that there is no value."""
    return cell.strip().casefold() in known


def label_values(texts, decimal="."):
    """Labels as ints or floats if all are plain numbers that stay distinct, else as text.

    Parameters
    ----------
    texts : list of str
    decimal : str

    Returns
    -------
    ndarray, shape (N,)
        Ints if all numbers are whole.

    Notes
    -----
    Plain numbers have no leading zeros, no plus sign, no exponent unless all
    are printed in one format, and no more digits than a float holds.

    Examples
    --------
    >>> label_values(["1", "2"]), label_values(["1.0", "2.5"]), label_values(["1", "01"])
    (array([1, 2]), array([1. , 2.5]), array(['1', '01'], dtype='<U2'))
    """
    distinct = sorted(set(texts))
    values = _distinct_numbers(distinct, decimal)
    if values is None:
        return np.array(texts)
    if all(v.is_integer() for v in values):
        values = [int(v) for v in values]
    value_of = dict(zip(distinct, values, strict=True))
    return np.array([value_of[text] for text in texts])


def _distinct_numbers(texts, decimal):
    if decimal == ",":
        if any("." in text for text in texts):
            return None
        texts = [text.replace(",", ".") for text in texts]
    if not all(map(PLAIN_NUMBER.fullmatch, texts)):
        printed = [PRINTED_NUMBER.fullmatch(text) for text in texts]
        if not all(printed) or len({len(p.group(1)) for p in printed}) > 1:
            return None
    values = [float(text) for text in texts]
    lost = len(set(values)) < len(values) or any(abs(v) >= MOST_WHOLE for v in values)
    return None if lost else values
