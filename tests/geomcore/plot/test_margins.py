"""Margins of points in the cones of the layers, and their picture."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import PolyhedralCone, ReLUNetwork
from geomcore.plot.margins import MOST_DOTS, margins, plot_margins


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def network(layers=1, d=2):
    return ReLUNetwork([np.eye(d)] * (layers + 1), [np.zeros(d)] * (layers + 1))


# By hand


def test_a_margin_is_negative_where_all_units_are_off_and_zero_in_between():
    X = [[-4.0, -1.0], [2.0, 3.0], [-1.0, 2.0], [0.0, 1.0]]
    (first,) = margins(network(), X)
    np.testing.assert_allclose(first, [-0.25, 0.5, 0, 0])


def test_every_layer_has_a_strip_named_after_the_class_that_it_collapses():
    X = np.array([[-4.0, -1.0], [-1.0, -1.0], [2.0, 3.0], [1.0, 3.0]])
    (ax,) = plot_margins(network(), X, ["a", "a", "b", "b"]).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["layer 1: class a"]
    off, on = (line.get_xdata() for line in ax.lines if line.get_linestyle() == "None")
    np.testing.assert_allclose(off, [-0.25, -0.25])
    np.testing.assert_allclose(on, [0.25, 0.5])


def test_a_class_that_a_layer_collapses_in_part_is_named_as_such():
    (ax,) = plot_margins(network(), [[-1.0, -1.0], [1.0, 1.0], [2.0, 1.0]], [7, 7, 8]).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["layer 1: part of 7"]


# Laws


def test_long_names_of_classes_leave_the_strips_as_wide_as_short_ones():
    X, long = (
        np.array([[-4.0, -1.0], [-1.0, -1.0], [2.0, 3.0], [1.0, 3.0]]),
        "Escherichia coli, wild",
    )
    widths = []
    for y in (["a", "a", "b", "b"], [f"{long} type 1", f"{long} type 1", f"{long} 2", f"{long} 2"]):
        (ax,) = plot_margins(network(), X, y).axes
        ax.figure.canvas.draw()
        widths.append(ax.get_window_extent().width)
    assert widths[1] > 0.8 * widths[0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999))
def test_the_sign_of_the_margin_is_the_sector_of_the_cone(seed):
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(3, 3)), rng.normal(size=3)
    net = ReLUNetwork([W, np.eye(3)], [b, np.zeros(3)])
    X = rng.normal(size=(40, 3), scale=3)
    (found,) = margins(net, X)
    np.testing.assert_array_equal(np.sign(found), PolyhedralCone.from_layer(W, b).sector(X))
    assert np.abs(found).max() <= 1


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_margins_do_not_depend_on_the_scale_of_a_layer(scale):
    X = np.random.default_rng(0).normal(size=(9, 2))
    net = ReLUNetwork([scale * np.eye(2), np.eye(2)], [np.zeros(2)] * 2)
    np.testing.assert_allclose(margins(net, X), margins(network(), X))


@pytest.mark.parametrize("n", [1, 3, 500])
def test_pictures_of_any_number_of_layers_and_points_are_drawn_and_thinned(n):
    X = np.random.default_rng(0).normal(size=(n, 2))
    fig = plot_margins(network(40), X, np.zeros(n), most=7)
    fig.draw_without_rendering()
    (ax,) = fig.axes
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(names) == 7
    assert names[0].startswith("layer 1") and names[-1].startswith("layer 40")
    (row,) = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert len(row.get_xdata()) == 7 * min(n, MOST_DOTS)


# Bad input


def test_a_network_without_a_hidden_layer_has_no_margins():
    with pytest.raises(ValueError, match="net must have a hidden layer"):
        plot_margins(network(0), np.eye(2), [0, 1])
