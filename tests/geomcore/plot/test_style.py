"""What pictures share: panels, axes of sizes, error bars, legends, weight in files."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.cbook import is_math_text

from geomcore.plot.style import (
    MANY_POINTS,
    add_figure_legend,
    add_legend,
    arms,
    close,
    legible,
    lighten,
    logarithmic,
    new_axes,
    panels,
)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


# By hand


def test_five_panels_in_rows_of_three_are_five_of_six_places():
    fig, axes = panels(5, columns=3, size=(2, 1), margin=(0.5, 0.25))
    assert len(axes) == 5
    assert tuple(fig.get_size_inches()) == (6.5, 2.25)
    assert [ax.get_visible() for ax in fig.axes] == [True] * 5 + [False]


def test_the_last_row_is_not_left_with_one_panel():
    fig, axes = panels(5, columns=4, size=(2, 1), margin=(0, 0))
    assert tuple(fig.get_size_inches()) == (6, 2)
    labelled = [ax.xaxis.get_major_ticks()[0].label1.get_visible() for ax in axes]
    assert labelled == [False, False, True, True, True]


def test_fewer_panels_than_columns_take_no_more_room_than_they_need():
    fig, axes = panels(2, columns=4, size=(2, 1), margin=(0, 0))
    assert len(axes) == len(fig.axes) == 2
    assert tuple(fig.get_size_inches()) == (4, 1)


@pytest.mark.parametrize(
    ("sizes", "scale"),
    [([0.1, 1], "log"), ([0, 0.1, 1], "symlog"), ([0, 0], "linear")],
)
def test_an_axis_of_sizes_is_logarithmic_as_far_as_zeros_allow(sizes, scale):
    ax = new_axes(2)
    logarithmic(ax, sizes)
    assert ax.get_xscale() == scale


def test_what_is_marked_is_not_in_the_linear_part():
    for marked, least in (((), 0.1), ((None, 0.03), 0.03), ((5.0,), 0.1)):
        ax = new_axes(2)
        logarithmic(ax, [0, 0.1, 1], marked)
        assert ax.xaxis.get_transform().linthresh == least


def test_error_bars_have_no_negative_arm():
    bars = arms(np.array([0.5, 1.0]), np.array([0.2, 0.7]), np.array([0.6, 1 - 1e-16]))
    np.testing.assert_allclose(bars, [[0.3, 0.3], [0.1, 0]])
    assert (bars >= 0).all()


def test_the_legend_of_a_figure_names_every_class():
    fig, _ = panels(1, columns=1, size=(2, 2), margin=(1, 0))
    add_figure_legend(fig, ["a", "b"], title="class")
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    assert legend.get_title().get_text() == "class"


HOSTILE = {
    "$x^$": "\\$x^\\$",
    "$\\frac{$": "\\$\\frac{\\$",
    "a$b": "a\\$b",
    "_hidden": "_hidden",
    "木\x1b[2J\u202e\ud800": "\\u6728\\x1b[2J\\u202e\\ud800",
    "<b>&amp;": "<b>&amp;",
    "x" * 130_000: "x" * 17 + "..." + "x" * 10,
    "two\nlines": "two\\nlines",
    "": "",
}


@pytest.mark.filterwarnings("error")
def test_names_of_any_kind_are_drawn_as_they_are_and_none_is_left_out(tmp_path):
    fig, (ax,) = panels(1, columns=1, size=(14, 5), margin=(1, 0))
    add_figure_legend(fig, HOSTILE)
    add_legend(ax, HOSTILE)
    for legend in (*fig.legends, ax.get_legend()):
        assert [text.get_text() for text in legend.get_texts()] == [*HOSTILE.values()]
    ax.set_title(legible("$_$$"))
    ax.set_yticks(range(len(HOSTILE)), map(legible, HOSTILE))
    for kind in ("png", "svg"):
        fig.savefig(tmp_path / f"a.{kind}")
    close(fig)


# Laws


@settings(max_examples=30)
@given(st.text(st.characters(codec=None), max_size=60))
def test_a_name_is_never_read_as_mathematics(name):
    shown = legible(name)
    assert len(shown) <= 2 * 30
    assert not is_math_text(shown)


@pytest.mark.parametrize("count", range(1, 8))
def test_panels_share_their_limits(count):
    _, axes = panels(count, columns=3, size=(1, 1), margin=(0, 0))
    axes[0].set(xlim=(-3, 4), ylim=(5, 6))
    assert {(*ax.get_xlim(), *ax.get_ylim()) for ax in axes} == {(-3, 4, 5, 6)}


@pytest.mark.parametrize("more", [0, 1])
def test_only_scatters_of_many_points_become_pictures_in_vector_files(more):
    ax = new_axes(2)
    half = MANY_POINTS // 2
    for n in (half, MANY_POINTS - half + more):
        ax.scatter(np.zeros(n), np.zeros(n))
    line = ax.plot([0, 1])[0]
    assert lighten(ax.figure) is ax.figure
    assert [bool(cloud.get_rasterized()) for cloud in ax.collections] == [bool(more)] * 2
    assert not line.get_rasterized()
