"""Entries of whatever holds them, and which are missing."""

import decimal

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.foreign.entries import column, first_other, plain, rows_of

NAN = float("nan")
NOTHING = [
    None,
    NAN,
    np.float32("nan"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT"),
    decimal.Decimal("NaN"),
]


def test_many_rows_are_counted():
    assert rows_of(np.array([[0, 1], [0, 0]], bool)) == "row 0"
    assert rows_of(np.ones(8, bool)) == "rows 0, 1, 2, 3, 4 and 3 more"


@settings(max_examples=50)
@given(st.lists(st.one_of(st.sampled_from(NOTHING), st.text(), st.integers()), min_size=1))
def test_what_is_missing_is_found_wherever_it_is(entries):
    array, missing = plain(entries)
    if missing is None and array.dtype.kind == "f":
        missing = np.isnan(array)
    expected = [any(entry is n for n in NOTHING) for entry in entries]
    assert (np.zeros(len(entries), bool) if missing is None else missing).tolist() == expected


def test_only_a_data_frame_of_one_column_is_a_column():
    for value in (np.ones((3, 1)), [[1], [2]], pd.DataFrame(np.ones((2, 2))), pd.Series([1])):
        assert column(value) is value


def test_the_first_entry_that_is_no_number_is_told_with_its_column():
    assert first_other([[1, "a"]], np.array([[1, "a"]], object)) == "'a'"
    assert first_other(["x"], np.array(["x", "y"])) == "'x'"
    assert first_other(1j, np.array(1j)) == "1j"
    frame = pd.DataFrame({"u": [1, 2], "a b": [3, None], "v": ["x", "y"]})
    assert first_other(frame, np.asarray(frame)) == "'x' in column 'v'"
    numbers = np.array([[1, 2.5]], object)
    assert first_other(numbers, numbers).startswith("numbers as objects")
    assert len(first_other(["x" * 10**6], np.array(["x" * 10**6], object))) <= 60
