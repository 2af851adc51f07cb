"""Scales between which the fraction that returns changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.study.planning.scales import (
    CLIMB,
    HIGHEST,
    LOWEST,
    between,
    leaving,
    scale_of,
    transition,
)

# By hand


def test_nothing_that_leaves_gives_no_scale_and_all_that_leaves_the_lowest():
    assert leaving(lambda scale: 0.0) is None
    assert leaving(lambda scale: 1.0) == LOWEST


def test_a_way_up_that_never_ends_is_ended():
    assert transition(-8, lambda scale: 4) == (-8, 10, False)


# Laws


@given(st.integers(LOWEST, HIGHEST - 3), st.integers(0, 20))
def test_the_bracket_holds_both_ends_of_the_transition(first, higher):
    low = leaving(lambda scale: float(scale >= 0.999 * scale_of(first)))
    assert low == first
    lost = scale_of(first + higher)
    ends = transition(low, lambda scale: 4 * (scale < 0.999 * lost))
    assert ends[0] <= first and ends[1] >= min(first + higher, first + 9 * CLIMB)
    assert ends[1] - ends[0] <= max(2 * CLIMB, higher + CLIMB)


@given(st.integers(LOWEST, HIGHEST), st.integers(1, 40))
def test_scales_are_distinct_increasing_and_of_two_digits(low, width):
    found = between(low, low + width)
    assert len(found) == 6 and (np.diff(found) > 0).all()
    assert all(float(f"{scale:.2g}") == scale for scale in found)
    assert found[0] == pytest.approx(scale_of(low), rel=0.05)


def test_the_search_takes_few_looks():
    looks = []

    def left(scale):
        looks.append(scale)
        return float(scale >= 1e-9)

    assert scale_of(leaving(left)) == pytest.approx(1e-9)
    assert len(looks) <= 20
