"""Labels of axes in plain characters."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.cbook import is_math_text

from geomcore.plot import plot_return
from geomcore.plot.style import close, lay_out, logarithmic, new_axes
from geomcore.plot.ticks import Powers, coordinate, places_apart, powers


def labels(axis):
    return [t.get_text() for t in (*axis.get_majorticklabels(), *axis.get_minorticklabels())]


# By hand


@pytest.mark.parametrize(
    ("value", "text"), [(1e-12, "10⁻¹²"), (1, "10⁰"), (1e30, "10³⁰"), (0, "0"), (-0.01, "-10⁻²")]
)
def test_powers_of_ten_are_written_with_raised_figures(value, text):
    assert Powers()(value).replace("−", "-") == text


def test_the_eleventh_coordinate_has_two_lowered_figures():
    assert [coordinate(k) for k in (0, 10)] == ["x₁", "x₁₁"]


# Laws


@pytest.mark.parametrize("ends", [(1e-20, 1.0), (1e-2, 1.0), (2.0, 5.0), (1.0, 1.1), (1e-9, 1e-7)])
def test_every_range_has_labels_and_none_is_a_formula(ends):
    ax = new_axes(2)
    ax.set_yscale("log")
    ax.set_ylim(*ends)
    powers(ax.yaxis, *ends)
    ax.figure.draw_without_rendering()
    shown = [text for text in labels(ax.yaxis) if text]
    assert shown
    assert not any(map(is_math_text, shown))
    close(ax.figure)


@pytest.mark.parametrize("sizes", [[0, 0.1, 1], [1e-3, 3.0], [0.5]])
def test_axes_of_sizes_are_labelled_in_plain_characters(sizes):
    ax = new_axes(2)
    ax.plot(sizes, np.ones(len(sizes)), "o")
    logarithmic(ax, sizes)
    ax.figure.draw_without_rendering()
    assert not any(map(is_math_text, labels(ax.xaxis)))
    close(ax.figure)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0.1, 3)), max_size=20), st.integers(1, 4))
def test_labels_on_one_level_do_not_cover_each_other(labels, most):
    labels = sorted(labels)
    levels = places_apart(*zip(*labels, strict=True), most) if labels else []
    for level in range(most):
        own = [label for label, k in zip(labels, levels, strict=True) if k == level]
        for (a, wide), (b, wider) in pairwise(own):
            assert b - a >= (wide + wider) / 2 - 1e-9
    assert -1 not in places_apart(*zip(*labels, strict=True), len(labels)) if labels else True


@pytest.mark.parametrize(
    "scales",
    [[0.03], [1.0, 1.1], [0.1, 0.2, 0.3, 0.4], [0.0, 0.1, 1], [1e-9, 1, 1e4], [*range(1, 40)]],
)
def test_every_scale_has_a_tick_and_no_two_numbers_touch(scales):
    ax = plot_return(scales, [0.5] * len(scales), [[0.4, 0.6]] * len(scales))
    ax.figure.draw_without_rendering()
    assert ax.get_xticks().tolist() == scales
    shown = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
    assert shown
    assert all(a.x1 < b.x0 for a, b in pairwise(shown))
    close(ax.figure)


def test_a_figure_is_laid_out_once_and_stays_so():
    ax = new_axes(2)
    lay_out(ax.figure)
    place = ax.get_position().bounds
    ax.set_ylabel("a label\nof three\nlines")
    ax.figure.draw_without_rendering()
    assert ax.get_position().bounds == place
    lay_out(ax.figure)
    close(ax.figure)
