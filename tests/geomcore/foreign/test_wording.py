"""Texts of others: printable, short, and still telling."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.foreign.wording import (
    counted,
    named,
    one_line,
    printable,
    quoted,
    rounded,
    shortened,
    suggestion,
    told_apart,
)

ANY = st.text(st.characters(codec=None), max_size=200)

# By hand


def test_letters_of_all_alphabets_stay_and_what_moves_a_cursor_is_escaped():
    assert printable("Größe 木星 ή") == "Größe 木星 ή"
    assert printable("a\x1b[2J\r\n\x00\u202e\ud800") == r"a\x1b[2J\r\n\x00\u202e\ud800"


def test_beginning_and_end_of_a_long_text_stay():
    assert shortened("abcdefghijklmno", 15) == "abcdefghijklmno"
    assert shortened("abcdefghijklmnop", 15) == "abcdefgh...mnop"


def test_values_are_quoted_as_python_writes_them():
    assert quoted("it's") == '"it\'s"'
    assert quoted(3) == "3"
    assert quoted("\x1b" * 500, most=20) == r"'\x1b\x1b\x...b\x1b'"


def test_the_nearest_known_word_is_suggested():
    known = ("auto", "sequential", "class_weighted")
    assert suggestion("seqential", known) == ", did you mean 'sequential'?"
    assert suggestion("Class-Weighted", known) == ", did you mean 'class_weighted'?"
    assert suggestion("median", known) == suggestion(None, known) == suggestion("", ()) == ""
    assert suggestion("a" * 10**7, known) == ""


def test_a_number_stands_with_its_noun_in_the_right_form():
    assert [counted(n, "class") for n in (0, 1, 2)] == ["0 classes", "1 class", "2 classes"]
    assert counted(1000, "boundary") == "1,000 boundaries" and counted(2, "day") == "2 days"
    assert counted(-1, "step") == "-1 steps"


def test_a_label_of_any_type_stands_in_a_line():
    assert (named(3), named(("a", 1)), named("x\ny")) == ("3", "('a', 1)", r"x\ny")
    assert len(named("x" * 1000)) == 60 and len(named("x" * 1000, most=20)) == 20


# Laws


@given(ANY, st.integers(10, 80))
def test_whatever_comes_is_one_printable_line_of_bounded_length(text, most):
    for told in (one_line(text, most), quoted(text, most), quoted([text], most)):
        assert told.isprintable()
        assert len(told) <= most


@given(st.text(st.characters(categories=["L", "N", "P"]), max_size=60))
def test_what_is_plain_and_short_stays_as_it_is(text):
    assert printable(text) == text
    assert one_line(text, 60) == text


@pytest.mark.parametrize("size", [10**6, 10**7])
def test_a_text_of_megabytes_is_shortened_without_a_look_at_all_of_it(size):
    assert len(one_line("\x1b " * size, 300)) == 300


@given(st.floats(0, 1e300))
def test_a_loss_that_is_rounded_upwards_is_not_above_what_is_told(loss):
    # in fractions: four digits of 1e-05, which is a little above 10^-5, are 1.001e-05
    told, exact = Fraction(rounded(loss, up=True)), Fraction(loss)
    assert exact <= told <= exact * (1 + Fraction(1, 10 if loss < 1e-20 else 1000)) or loss < 1e-300
    assert abs(float(rounded(loss)) - loss) <= loss * 0.05 + 1e-320


@given(st.floats(0, 1e300), st.floats(0, 1e300))
def test_two_numbers_are_told_apart_if_they_differ(a, b):
    low, high = sorted((a, b))
    told = told_apart(low, high)
    assert (told[0] != told[1]) == (low != high)
    assert float(told[0]) <= float(told[1])  # in the order that they have
    assert float(told[0]) == pytest.approx(low, rel=0.01)
