import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.datasets.cells import is_missing, is_number, label_values, number

# By hand


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "0", "-3"], [1, 0, -3]),
        (["0.0", "1.0"], [0, 1]),
        (["0.5", "1", ".25", "2."], [0.5, 1.0, 0.25, 2.0]),
        (["1.000000000000000000e+00", "0.000000000000000000e+00"], [1, 0]),
        ([str(2**53 - 1), "0"], [2**53 - 1, 0]),
    ],
)
def test_plain_numbers_that_stay_distinct_are_numbers(texts, expected):
    found = label_values(texts)
    assert found.tolist() == expected
    assert found.dtype.kind == ("f" if any(isinstance(x, float) for x in expected) else "i")


@pytest.mark.parametrize(
    "texts",
    [
        ["01", "1"],
        ["01", "02"],
        ["1e3", "1000"],
        ["1e3", "2e3"],
        ["1_000", "1000"],
        ["1_0", "2"],
        ["+1", "1"],
        ["1.0", "1"],
        ["0.50", "0.5"],
        ["-0", "0"],
        ["1.00e+00", "1.0e+00"],
        ["1234567890123456789", "1234567890123456788"],
        ["0.12345678901234567890", "0.12345678901234567891"],
        ["1", "inf"],
        ["١", "1"],
        ["1", "x"],
        ["0x1", "1"],
        [" 1", "1"],
    ],
)
def test_all_others_stay_text(texts):
    found = label_values(texts)
    assert found.tolist() == texts
    assert found.dtype.kind == "U"


def test_a_decimal_comma_is_the_mark_of_labels_too():
    assert label_values(["0,5", "1"], ",").tolist() == [0.5, 1.0]
    assert label_values(["0,5", "1.5"], ",").tolist() == ["0,5", "1.5"]
    assert label_values(["0,5", "1"]).tolist() == ["0,5", "1"]


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("1_000", ".", None),
        ("1,5", ".", None),
        ("1.5", ",", None),
        ("1,5", ",", 1.5),
        ("", ".", None),
    ],
)
def test_a_number_has_no_underscores_and_one_decimal_mark(cell, decimal, value):
    assert is_number(cell, decimal) == (value is not None)
    assert value is None or number(cell, decimal) == value


def test_a_label_may_be_called_none_or_minus_where_a_number_is_missing():
    missing = ["", "  ", "?", "NaN", "NA", "n/a", "<NA>", "null", "NULL"]
    assert all(map(is_missing, missing))
    assert not any(map(is_missing, ["-", "None", ".", "0", "nano"]))


# Laws


@given(st.lists(st.one_of(st.text(), st.from_regex(r"[+-]?0?[0-9.]{1,4}(e[0-9])?")), min_size=1))
def test_labels_that_differ_as_text_are_different_classes(texts):
    texts = [text.replace("\0", "") for text in texts]  # at the end NumPy drops it
    values = label_values(texts)
    assert len(np.unique(values)) == len(set(texts))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_to_its_last_bit_with_either_mark(x):
    assert number(repr(x)) == x
    assert number(repr(x).replace(".", ","), ",") == x
