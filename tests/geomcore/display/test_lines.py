from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.display.lines import (
    LONGEST,
    MOST_LINES,
    WIDTH,
    abbreviated,
    brief,
    folded,
    listed,
    wrapped,
)
from geomcore.foreign.wording import printable


class Pair(NamedTuple):
    one: object
    other: object


# By hand


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (np.True_, "True"),
        (7, "7"),
        (0.1, "0.1"),
        (np.float32(0.1), "0.1"),
        (float("inf"), "inf"),
        ("a\nb", r"'a\nb'"),
        (np.arange(3.0), "[0, 1, 2]"),
        (np.array(["a", "b"]), "['a', 'b']"),
        (np.array(5.0), "5"),
        (np.zeros(7), "<array 7>"),
        (np.zeros((0, 2)), "<array 0 x 2>"),
        ((), "()"),
        ((1,), "(1,)"),
        ([1, "a"], "[1, 'a']"),
        (list(range(7)), "[0, 1, 2, ..., 4, 5, 6]"),
        ([[1]], "<list of 1>"),
        ([np.eye(2)], "[<array 2 x 2>]"),
        ({"a": 1, "b": [1]}, "{'a': 1, 'b': ...}"),
        ({"x" * 50: 1, "y" * 50: 2}, "<dict of 2>"),
        (Pair(1, 2), "Pair(one=1, other=2)"),
        (Pair("x" * 50, 2), "<Pair>"),
    ],
)
def test_values_are_told_shortly(value, text):
    assert abbreviated(value) == text


def test_whole_numbers_that_python_does_not_write_out_are_measured():
    assert abbreviated(10**5000) == "<whole number of 16610 bits>"
    assert abbreviated(-(10**40)) == str(-(10**40))


def test_a_list_that_holds_itself_is_counted():
    loop = []
    loop.append(loop)
    assert abbreviated(loop) == "<list of 1>"


def test_the_fields_of_a_tuple_stand_on_one_line_if_they_fit():
    assert brief(Pair(np.eye(3), "a")) == "Pair(one=<array 3 x 3>, other='a')"
    assert listed(Pair(0, 0), {}) == "Pair()"


def test_of_many_parts_the_middle_is_counted():
    text = wrapped(Pair(0, 0), [f"part{i:04d}" for i in range(500)])
    lines = text.splitlines()
    assert len(lines) == MOST_LINES and lines[0].startswith("Pair(part0000, part0001, ")
    assert text.endswith("part0499)")
    left, more, right = text.partition(" more ...")
    told = left.count("part") + right.count("part")
    assert more and told + int(left.rsplit(" ", 1)[1]) == 500


# Laws

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(np.zeros, st.lists(st.integers(0, 4), max_size=3)),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.builds(Pair, inner, inner)
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(VALUES)
def test_any_value_is_one_short_printable_line(value):
    text = abbreviated(value)
    assert text.isprintable() and len(text) <= LONGEST


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=200), max_size=150))
def test_any_parts_are_at_most_five_lines_of_80_columns(parts):
    lines = wrapped(Pair(0, 0), parts).split("\n")
    assert len(lines) <= MOST_LINES and max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)


def test_a_class_may_have_a_long_name():
    long = type("L" * 500, (), {})()
    assert len(wrapped(long, ["a" * 100])) <= WIDTH


# Folded lines


def test_a_value_goes_on_below_itself_and_a_sentence_to_the_right_of_its_beginning():
    long = "to be told in many words " * 4
    assert folded([f"verdict        {long}", f"  {long}"]).split("\n") == [
        "verdict        to be told in many words to be told in many words to be told in",
        "               many words to be told in many words",
        "  to be told in many words to be told in many words to be told in many words to",
        "    be told in many words",
    ]


def test_a_name_that_is_long_leaves_room_for_its_value():
    lines = folded([f"{'n' * 70}  {'word ' * 40}"]).split("\n")
    assert max(map(len, lines)) <= 80 and len(lines[1]) - len(lines[1].lstrip()) == 30


@given(st.lists(st.text(st.sampled_from("ab  -:\x1b\n"), max_size=300), max_size=4))
def test_folding_keeps_every_character_but_blanks(lines):
    text = folded(lines)
    assert all(len(line) <= 80 and line.isprintable() for line in text.split("\n"))
    kept = [printable(line) for line in lines]
    assert "".join(text.split()) == "".join("".join(kept).split())
    short = [line for line in kept if len(line) <= 80]
    assert all(line in text for line in short)
