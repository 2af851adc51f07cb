"""Names beside points: apart from each other, whatever the points."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.plot.names import name_points, places_beside


def apart(places, points):
    """Smallest distance of two places, and of a place and a point."""
    gaps = np.linalg.norm(places[:, None] - places, axis=2)[np.triu_indices(len(places), 1)]
    return min(gaps.min(initial=np.inf), np.linalg.norm(places[:, None] - points, axis=2).min())


# By hand


def test_the_name_of_one_point_stands_near_it():
    (place,) = places_beside([[3.0, 4.0]], 0.1)
    assert 0.1 <= np.linalg.norm(place - [3, 4]) <= 0.2


def test_each_name_is_written_with_a_line_to_its_point():
    _, ax = plt.subplots()
    name_points(ax, [[0, 0], [1, 0]], ["a$", "b"], places=[[0, 1], [1, 1]], colors=["red", "blue"])
    assert [(t.get_text(), t.get_position()) for t in ax.texts] == [("a\\$", (0, 1)), ("b", (1, 1))]
    (lines,) = ax.collections
    np.testing.assert_array_equal(lines.get_segments(), [[[0, 0], [0, 1]], [[1, 0], [1, 1]]])
    plt.close("all")


def test_no_points_need_no_places():
    assert places_beside(np.empty((0, 2)), 1.0).shape == (0, 2)


# Laws


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.sampled_from([0.0, 1e-9, 0.05, 1.0]), st.integers(0, 99))
def test_names_are_apart_from_each_other_and_from_all_points(k, size, seed):
    points = size * np.random.default_rng(seed).uniform(size=(k, 2))
    assert apart(places_beside(points, 0.1), points) >= 0.1


@pytest.mark.parametrize("k", [1, 2, 10])
def test_the_same_points_have_the_same_places(k):
    points = np.random.default_rng(0).uniform(size=(k, 2))
    given = points.copy()
    np.testing.assert_array_equal(places_beside(points, 0.1), places_beside(points, 0.1))
    np.testing.assert_array_equal(points, given)
