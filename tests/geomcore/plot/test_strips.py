"""Rows of dots: a regular selection, rows with names."""

import numpy as np
import pytest

from geomcore.plot.strips import MOST_ROWS, class_rows, few_of
from geomcore.plot.style import close, new_axes

# By hand


def test_the_first_class_is_on_top():
    ax = new_axes(2)
    class_rows(ax, ["a", "b$"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b\\$"]
    assert ax.get_ylim() == (1.5, -0.5)
    close(ax.figure)


# Laws


@pytest.mark.parametrize("count", [0, 1, 5, 99])
@pytest.mark.parametrize("most", [1, 5, 98])
def test_a_selection_keeps_the_order_and_if_there_is_room_both_ends(count, most):
    chosen = few_of(np.arange(count), most)
    assert len(chosen) == min(count, most)
    assert (np.diff(chosen) > 0).all()
    if min(count, most) > 1:
        assert (chosen[0], chosen[-1]) == (0, count - 1)


@pytest.mark.parametrize("count", [1, MOST_ROWS, MOST_ROWS + 1, 500])
def test_of_very_many_rows_some_are_named(count):
    ax = new_axes(2)
    class_rows(ax, list(range(count)))
    assert 1 <= len(ax.get_yticks()) <= MOST_ROWS
    assert ax.get_ylim() == (count - 0.5, -0.5)
    close(ax.figure)
