"""Labels of axes in plain characters."""

import numpy as np
import pytest
from matplotlib.cbook import is_math_text

from geomcore.plot.style import close, lay_out, logarithmic, new_axes
from geomcore.plot.ticks import Powers, coordinate, powers


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


def test_a_figure_is_laid_out_once_and_stays_so():
    ax = new_axes(2)
    lay_out(ax.figure)
    place = ax.get_position().bounds
    ax.set_ylabel("a label\nof three\nlines")
    ax.figure.draw_without_rendering()
    assert ax.get_position().bounds == place
    lay_out(ax.figure)
    close(ax.figure)
