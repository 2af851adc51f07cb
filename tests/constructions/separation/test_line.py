from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from separations import check_separation

from constructions.separation import line
from constructions.separation.hyperplane import Hyperplane, local_coordinates
from constructions.separation.line import separate_intervals


def answer(A, B, rtol=1e-6):
    A, B = (np.array(S, float)[:, None] for S in (A, B))
    found = separate_intervals(A, B, local_coordinates(A, B), rtol)
    if found is not None:
        check_separation(found, A, B)
    return found


# By hand


def test_a_gap_is_cut_in_the_middle_from_either_side():
    right = answer([5.0, 3.0], [1.0, -7.0])
    assert (right.normal.tolist(), right.offset, right.margin, right.bound) == ([1.0], -2, 1, 1)
    assert [rows.tolist() for rows in right.support] == [[1], [0]]
    left = answer([1.0, -7.0], [5.0, 3.0])
    assert (left.normal.tolist(), left.offset, left.margin, left.bound) == ([-1.0], 2, 1, 1)
    assert [rows.tolist() for rows in left.support] == [[0], [1]]


def test_intervals_that_meet_share_the_first_point_of_one_of_them():
    first = answer([0.0, 8.0, 4.0], [2.0, 9.0]).certificate
    assert first.point == [2] and first.weights_a.tolist() == [0.75, 0.25, 0]
    assert first.weights_b.tolist() == [1, 0]
    second = answer([2.0, 9.0], [0.0, 8.0, 4.0]).certificate
    assert second.point == [2] and second.weights_b.tolist() == [0.75, 0.25, 0]
    assert second.weights_a.tolist() == [1, 0]


@pytest.mark.parametrize(
    "A, B", [([0, 1], [1, 2]), ([1, 2], [0, 1]), ([1], [1, 1]), ([1, 1], [1]), ([0, 0], [0, 3])]
)
def test_intervals_that_touch_meet(A, B):
    assert answer(A, B).separable is False


def test_nothing_is_said_where_no_float_lies_in_the_gap():
    assert answer([0.0], [5e-324]) is None
    assert answer([1e-322], [1.05e-322]) is None
    assert answer([1.0], [np.nextafter(1, 2)]).margin > 0  # a normal of length not quite 1


def test_where_the_middle_is_no_float_the_tolerance_decides():
    # the gap is three spacings of floats there, so that the nearer side has a third less
    A, B = [2.0**53], [2.0**53 + 6]
    assert answer(A, B, rtol=0.4).margin >= 2
    far = answer(A, B)
    assert far is None or far.margin >= 3 * (1 - 1e-6)


@pytest.mark.parametrize("lost, kept", [(0.5e-6, True), (1.5e-6, False)])
def test_a_margin_short_of_the_tolerance_is_left_to_others(lost, kept, monkeypatch):
    plane = Hyperplane(np.ones(1), -2.0, 1 - lost)
    monkeypatch.setattr(line, "stored_hyperplane", lambda *_, **__: plane)
    assert (answer([3.0], [1.0]) is not None) is kept


# Laws

ENDS = st.sampled_from([0.0, -0.0, 5e-324, 1e-300, 0.1, 0.3, 1.0, 1 + 2**-30, 1e17, -2.5, 1.7e308])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(ENDS, min_size=1, max_size=3), st.lists(ENDS, min_size=1, max_size=3))
def test_the_ends_of_the_intervals_tell_the_answer(A, B):
    found = answer(A, B)
    apart = min(A) > max(B) or max(A) < min(B)
    gap = max(Fraction(min(A)) - Fraction(max(B)), Fraction(min(B)) - Fraction(max(A)))
    if found is None:
        assert apart
    else:
        assert found.separable is apart
        assert Fraction(found.bound) >= gap / 2 if apart else found.bound == 0
        assert not apart or found.margin >= (1 - 1e-6) * found.bound
