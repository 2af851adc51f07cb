"""Which columns of a table hold words, and which tables are wide."""

import pytest

from training.output.columns import NARROW, columns_of_words, is_wide

# By hand


@pytest.mark.parametrize(
    "texts",
    [
        ["1", "2"],
        ["0.1 to 0.2", "none"],
        ["12 of 20", "none left", "3 of 20"],
        ["-1.2e-3", "\u22124", "+0.7 (-1.2 to 3.1) *"],
        ["\u2264 3", "~ 4", "< 1e-3", ".5"],
        ["inf", "nan", "-inf", "\u221e"],
        ["100%", "90\u00b0", "2.1 s"],
        ["-", "", "?", "none"],
        [1, 2.5, 30_000],
    ],
    ids=str,
)
def test_a_column_of_numbers_is_none_of_words(texts):
    assert columns_of_words([{"a": text} for text in texts]) == set()


@pytest.mark.parametrize(
    "texts",
    [
        ["saddle", "local minimum (proved)"],
        ["yes", "no"],
        ["steps, rate", "-", "-", "-"],
        ["W1", "b1"],
        ["infinite", "nano"],
        ["kernel >= 0", "free"],
        ["landscape", "12", "steps"],
    ],
    ids=str,
)
def test_a_column_of_words_is_found_whatever_is_missing_in_it(texts):
    assert columns_of_words([{"a": text} for text in texts]) == {"a"}


# Laws


def test_columns_are_judged_one_by_one():
    rows = [{"x": "1", "y": "one", "z": "-"}, {"x": "2", "y": "two", "z": "3"}]
    assert columns_of_words(rows) == {"y"}


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_a_table_is_wide_by_its_longest_cell_in_each_column(count):
    wide = [n for n in range(80) if is_wide([{str(k): "x" * n for k in range(count)}] * 2)]
    assert wide == list(range(wide[0], 80))
    # about as many characters as fit in a line of a page at that width
    assert 300 < NARROW < 8.5 * wide[0] * count + 20 * count
    short = {str(k): "" for k in range(count)}
    assert is_wide([short, short | {"0": "x" * 80}])


def test_words_of_a_heading_stand_in_lines_of_their_own():
    assert not is_wide([{"of all of these at the " * 5: "1", "b": "2"}])
    assert is_wide([{"x" * 60: "1"}])


# Degenerate


def test_of_no_rows_nothing_is_said():
    assert columns_of_words([]) == set() and not is_wide([])
