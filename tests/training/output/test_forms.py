"""What was read from a file has the form in which it was written, or it is said where not."""

import numpy as np
import pytest

from training.output.forms import KNOWN, NUMBER, Array, Parts, check_form, formed
from training.output.pieces import Pieces

FORM = {
    "loss": float,
    "rank": (int, None),
    "is_cone": KNOWN,
    "rows": [{"a": NUMBER}],
    "pair": Parts([Array((2, None)), Array((None,), "i")]),
}


def right():
    return {
        "loss": float("nan"),
        "rank": None,
        "is_cone": True,
        "rows": [{"a": 1}, {"a": 1.5}],
        "pair": [np.zeros((2, 5)), np.arange(3)],
    }


# By hand


def test_what_is_right_passes_whatever_is_empty_in_it():
    check_form(right(), FORM)
    check_form(right() | {"rows": [], "rank": 3, "is_cone": None}, FORM)
    check_form(right() | {"pair": [np.zeros((2, 0)), np.zeros(0, int)]}, FORM)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"loss": 1}, "loss is not of type float"),
        ({"loss": True}, "loss is not of type float"),
        ({"loss": "0.5"}, "loss is not of type float"),
        ({"rank": False}, "rank is of another type"),
        ({"is_cone": 1}, "is_cone is of another type"),
        ({"rows": {}}, "rows is not a list"),
        ({"rows": [{"a": 1}, {"b": 1}]}, "rows 1 has other names"),
        ({"rows": [{"a": 1}, {"a": "1"}]}, "a of rows 1 is of another type"),
        ({"rows": [None]}, "rows 0 has other names"),
        ({"pair": [np.zeros((2, 5))]}, "pair is not a list of 2"),
        ({"pair": [np.zeros((3, 5)), np.arange(3)]}, "pair 0 is not an array of the shape"),
        ({"pair": [np.zeros(2), np.arange(3)]}, "pair 0 is not an array of the shape"),
        ({"pair": [np.zeros((2, 5)), np.zeros(3)]}, "pair 1 is not an array of the shape"),
        ({"pair": [np.zeros((2, 5), np.float32), np.arange(3)]}, "pair 0 is not an array"),
        ({"pair": [[[0.0], [0.0]], np.arange(3)]}, "pair 0 is not an array of the shape"),
        ({"more": 1}, "it has other names"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(change, told):
    with pytest.raises(ValueError, match=told):
        check_form(right() | change, FORM)
    missing = {key: value for key, value in right().items() if key != next(iter(change))}
    with pytest.raises(ValueError, match="it has other names"):
        check_form(missing | {"x": 1}, FORM)


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, np.zeros(2)], ids=str)
def test_nothing_else_passes_for_a_dict(value):
    with pytest.raises(ValueError, match="it has other names"):
        check_form(value, FORM)


def test_numbers_that_must_be_finite_are():
    for bad in (np.nan, np.inf):
        check_form(np.array([1.0, bad]), Array((2,)))
        with pytest.raises(ValueError, match="w is not finite"):
            check_form(np.array([1.0, bad]), Array((2,), is_finite=True), "w")


# In a file


def test_a_piece_of_another_form_is_told_with_its_name():
    def check(piece):
        raise ValueError("it is odd")

    with Pieces.open(None, {}) as pieces:
        pieces["a"] = {"loss": 0.5}
        assert formed(pieces, "a", {"loss": float}) == {"loss": 0.5}
        for form, told in (({"loss": int}, "loss is not of type int"), (check, "it is odd")):
            with pytest.raises(ValueError, match=f"the piece a in it is damaged: {told}"):
                formed(pieces, "a", form)
        with pytest.raises(ValueError, match="is not of type str"):
            formed(pieces, "a", str)
        with pytest.raises(KeyError):
            formed(pieces, "b", str)
    assert formed({"a": (1, 2)}, "a", str) == (1, 2)
