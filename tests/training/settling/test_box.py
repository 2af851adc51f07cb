"""Quadratic programs in a box, by the conditions of their minimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.settling.box import least_in_box


def test_one_unknown_ends_inside_or_at_a_bound():
    M = np.array([[2.0]])
    for q, expected in [(-1.0, 0.5), (-9.0, 3.0), (4.0, 0.0), (0.0, 0.0)]:
        found = least_in_box(M, np.array([q]), np.array([3.0]), np.array([9.0]))
        assert found == pytest.approx([expected], abs=1e-9)
    assert least_in_box(np.zeros((0, 0)), *[np.zeros(0)] * 3).shape == (0,)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([1e-8, 1.0, 1e8]))
def test_the_slope_vanishes_inside_and_points_outwards_at_bounds(seed, n, size):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((rng.integers(1, n + 2), n))  # often of too small a rank
    M, q = size * A.T @ A, size * rng.standard_normal(n)
    upper = np.where(rng.random(n) < 0.2, 0.0, rng.exponential(size=n))
    x = least_in_box(M, q, upper, rng.exponential(size=n))
    slope = (M @ x + q) / size
    assert ((x >= 0) & (x <= upper)).all()
    assert (slope[(x <= 0) & (upper > 0)] >= -1e-7).all()
    assert (slope[(x >= upper) & (upper > 0)] <= 1e-7).all()
    assert (np.abs(slope[(x > 0) & (x < upper)]) <= 1e-7).all()


@pytest.mark.parametrize("size", [1.0, 1e200, 1e-200])
def test_inside_of_the_box_the_slope_is_rounding_where_M_is_nearly_singular(size):
    rng = np.random.default_rng(1)
    v = rng.standard_normal(8)
    M, x = 0.2 * np.eye(8) + 1e6 * np.outer(v, v), rng.uniform(0.2, 0.8, 8)
    found = least_in_box(size * M, -size * (M @ x), np.ones(8), np.full(8, 0.5))
    assert np.abs(found - x).max() < 1e-8
    assert np.abs(M @ (found - x)).max() < 1e-8
