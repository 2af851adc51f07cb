"""Pictures of piles, read back from what was drawn."""

import matplotlib
import numpy as np
import pytest

from geomcore import ReLUNetwork
from geomcore.plot.piles import plot_piles

matplotlib.use("Agg")

# Two classes on a line, in the plane: (x, 0) with classes a, b, a. The first layer sends the
# left piece of a to (-1.2, 1) and the second one the right piece of a with it to (0.5, 0.25).
X = np.array([[-2.0], [-1.8], [0.0], [2.0]])
Y = np.array(["a", "a", "b", "a"])


def collapse(points, fixed, base):
    """Cumulative (W, b) of a layer in the plane that sends `points` to `base` and keeps `fixed`."""
    for angle in np.linspace(0, 2 * np.pi, 721):
        for tilt in (0.5, 0.1, 0.02):
            h = np.array([np.cos(angle), np.sin(angle)])
            W = np.stack([h + tilt * h[::-1] * [-1, 1], h - tilt * h[::-1] * [-1, 1]])
            b = -W @ base
            if (points @ W.T + b < -1e-6).all() and (fixed @ W.T + b > 1e-6).all():
                return W, b
    raise AssertionError("no collapse layer of this kind")


def network():
    """Two collapse layers in R^2 for the padded line, and the last layer."""
    start = np.pad(X, ((0, 0), (0, 1)))
    p, q = np.array([-1.2, 1.0]), np.array([0.5, 0.25])
    W1, b1 = collapse(start[:2], start[2:], p)
    W2, b2 = collapse(np.vstack([p, start[3:]]), start[2:3], q)
    W21 = W2 @ np.linalg.inv(W1)
    h_a, h_b = np.maximum(W2 @ q + b2, 0), W2 @ start[2] + b2
    A = np.linalg.pinv(np.column_stack([np.stack([h_a, h_b]), np.ones(2)])) @ np.eye(2)
    return ReLUNetwork([W1[:, :1], W21, A[:-1].T], [b1, b2 - W21 @ b1, A[-1]])


def titles(fig):
    return [ax.get_title() for ax in fig.axes if ax.get_visible()]


def numbers(ax):
    return sorted(int(text.get_text()) for text in ax.texts)


# By hand


def test_each_panel_says_which_class_moved_and_counts_its_pile():
    net = network()
    np.testing.assert_allclose(net(X), [[1, 0], [1, 0], [0, 1], [1, 0]], atol=1e-9)
    fig = plot_piles(net, X, Y)
    assert titles(fig) == ["data", "layer 1: class a", "layer 2: class a"]
    assert [numbers(ax) for ax in fig.axes[:3]] == [[], [2], [3]]


def test_points_that_no_layer_moves_stay_where_they_are_in_every_panel():
    fig = plot_piles(network(), X, Y)
    for ax in fig.axes[:3]:
        drawn = np.vstack([c.get_offsets() for c in ax.collections])
        assert np.abs(drawn - [0, 0]).max(axis=1).min() < 1e-9


def test_the_pile_of_the_last_layer_lies_outside_of_the_data():
    fig = plot_piles(network(), X, Y)
    pile = [c.get_offsets()[0] for c in fig.axes[2].collections if c.get_sizes()[0] > 50]
    assert len(pile) == 1
    assert np.linalg.norm(pile[0]) == pytest.approx(1.3 * 2)


@pytest.mark.parametrize("size", [1e-200, 1e300])
def test_data_of_which_squares_overflow_or_vanish_have_the_same_picture(size):
    net = network()
    W, b = [w.copy() for w in net.weights], [size * c for c in net.biases]
    large = ReLUNetwork([*W[:-1], W[-1] / size], [*b[:-1], net.biases[-1]])
    fig = plot_piles(large, size * X, Y)
    assert [numbers(ax) for ax in fig.axes[:3]] == [[], [2], [3]]
    pile = [c.get_offsets()[0] for c in fig.axes[2].collections if c.get_sizes()[0] > 50]
    assert np.hypot(*(pile[0] / size)) == pytest.approx(1.3 * 2)


def test_layers_that_make_no_piles_become_one_last_panel_with_the_outputs():
    W, b = np.array([[1.0], [-1.0]]), np.zeros(2)
    net = ReLUNetwork([W, np.eye(2)], [b, b])
    fig = plot_piles(net, [[-1.0], [-2.0], [3.0]], [1, 1, 0])
    assert titles(fig) == ["data", "layer 1: the rest"]
    assert numbers(fig.axes[1]) == [1, 2]


def test_a_network_without_hidden_layers_shows_the_data_alone():
    fig = plot_piles(ReLUNetwork([np.eye(2)], [np.zeros(2)]), np.eye(2), [0, 1])
    assert titles(fig) == ["data"]


# Laws


def test_a_long_network_is_thinned_to_the_number_of_panels_asked_for():
    layers = [np.eye(2)] * 30
    net = ReLUNetwork(layers, [np.ones(2)] * 30)
    fig = plot_piles(net, np.eye(2), [0, 1], most=5)
    assert len(titles(fig)) == 6
    assert titles(fig)[-1] == "layer 29"


def test_the_inputs_are_left_alone():
    net, points = network(), X.copy()
    points.flags.writeable = False
    plot_piles(net, points, Y)
    np.testing.assert_array_equal(points, X)


# Bad input


@pytest.mark.parametrize(
    ("points", "labels", "most", "word"),
    [
        (X, Y[:3], 5, "4"),
        (np.zeros((0, 1)), [], 5, "X must hold at least one point"),
        (X, Y, 0, "most"),
        (np.zeros((4, 3)), Y, 5, "X"),
    ],
)
def test_what_does_not_fit_is_refused(points, labels, most, word):
    with pytest.raises(ValueError, match=word):
        plot_piles(network(), points, labels, most=most)
