import numpy as np
import pytest

from geomcore.foreign.choices import as_choice, as_flag

# By hand


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_a_bool_of_python_or_numpy_is_a_flag(value):
    flag = as_flag(value, "exact")
    assert type(flag) is bool and flag == value


def test_a_known_word_is_a_choice():
    assert as_choice("b", ("a", "b"), "which") == "b"
    assert type(as_choice(np.str_("a"), ("a", "b"), "which")) is str


# Bad input


@pytest.mark.parametrize("value", ["yes", "False", "", 0, 1, 1.0, None, [], np.array([True])])
def test_what_only_seems_true_or_false_is_no_flag(value):
    with pytest.raises(ValueError, match=r"^exact must be True or False, got"):
        as_flag(value, "exact")


def test_a_long_text_is_not_repeated_in_whole():
    with pytest.raises(ValueError, match=r"^exact must be True or False, got .*\.\.\.") as caught:
        as_flag("x" * 10**6, "exact")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("value", "known", "told"),
    [
        ("b", ("a",), "must be 'a', got 'b'"),
        ("A", ("a", "z"), "must be 'a' or 'z', got 'A', did you mean 'a'?"),
        ("z", ("a", "b", "c"), "must be one of 'a', 'b', 'c', got 'z'"),
        (None, ("a", "b"), "must be 'a' or 'b', got None"),
        (["a"], ("a", "b"), "must be 'a' or 'b', got ['a']"),
    ],
)
def test_another_word_is_answered_with_the_nearest(value, known, told):
    with pytest.raises(ValueError) as caught:
        as_choice(value, known, "which")
    assert str(caught.value) == f"which {told}"
    with pytest.raises(ValueError) as caught:
        as_choice(value, known, "which", ", say")
    assert str(caught.value) == f"which {told}".replace(", got", ", say, got", 1)
