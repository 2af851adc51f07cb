"""Strips around the sizes on an axis."""

import numpy as np
import pytest

from geomcore.plot.sizes import shade_met, slots, spread
from geomcore.plot.style import close, logarithmic, new_axes


@pytest.fixture
def ax():
    made = new_axes(2)
    yield made
    close(made.figure)


# By hand


def test_on_a_logarithmic_axis_strips_meet_at_the_geometric_mean(ax):
    logarithmic(ax, [1, 100])
    np.testing.assert_allclose(slots(ax, [1, 100]), [[0.1, 10], [10, 1000]])
    np.testing.assert_allclose(spread(ax, [1, 100], 1, [0.5]), [1])


def test_the_ground_is_grey_where_half_of_the_trials_meet_the_tolerance(ax):
    logarithmic(ax, [1, 10, 100])
    shade_met(ax, np.array([1, 10, 100]), np.array([1.0, 0.5, 0.49]))
    ends = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]
    np.testing.assert_allclose(ends, np.sqrt([[0.1, 10], [10, 1000]]))


# Laws


@pytest.mark.parametrize("sizes", [[0.0], [0.3], [0.0, 0.1, 1.0], [0.1, 0.11, 5.0]])
def test_strips_are_in_order_around_their_sizes(ax, sizes):
    logarithmic(ax, sizes)
    strips = slots(ax, sizes)
    assert ((strips[:, 0] < sizes) & (sizes < strips[:, 1])).all()
    np.testing.assert_array_equal(strips[1:, 0], strips[:-1, 1])
    for size, (low, high) in zip(sizes, strips, strict=True):
        places = spread(ax, sizes, size, [0, 0.25, 1])
        assert (np.diff(places) > 0).all()
        assert low < places[0] and places[-1] < high
