"""Figures of hyperplanes as images."""

import numpy as np
from matplotlib.colors import to_hex

from geomcore import ReLUNetwork
from training.experiments.trained.measures import layer_rows
from training.experiments.trained.plot_hyperplanes import COLORS, OFF, figure_of_hyperplanes
from training.experiments.trained.views import separating, view


def test_images_are_rows_of_weights_over_the_pixels(found):
    seen = view(found.last("mse"), found.digits.X, found.layers_of("mse"), name="mse")
    fig = figure_of_hyperplanes(seen, found.digits)
    assert len(fig.axes) == 2 * 3 * len(COLORS)
    index = np.searchsorted(found.digits.chosen, found.digits.y)
    plane = separating(seen.weights[1], seen.biases[1], seen.stages[1], index, 3)[2]
    ax, below = fig.axes[2 * len(COLORS) + 2], fig.axes[3 * len(COLORS) + 2]
    (image,) = ax.images
    shown = image.get_array()
    weights = seen.weights[1][plane.unit].reshape(4, 6)
    np.testing.assert_array_equal(shown.data, weights)
    # The last pixel of the images never varies.
    assert shown.mask.sum() == 1 and shown.mask[3, 5]
    assert f"unit {plane.unit + 1}: " in ax.get_title()
    # Points are coloured by their side.
    for line in below.lines[:-1]:
        x, color = line.get_xdata(), to_hex(line.get_color())
        assert (x > 0).all() if color == to_hex(COLORS[2]) else (x <= 0).all()
        assert color in (to_hex(COLORS[2]), to_hex(OFF))
    drawn = np.concatenate([line.get_xdata() for line in below.lines[:-1]])
    np.testing.assert_array_equal(np.sort(drawn), np.sort(plane.distances))
    assert "defect" in fig.axes[0].get_ylabel()


def test_a_layer_without_such_hyperplanes_says_so(found):
    net = ReLUNetwork([np.eye(24), np.zeros((3, 24))], [np.ones(24), np.zeros(3)])
    X, index = found.digits.X, np.searchsorted(found.digits.chosen, found.digits.y)
    seen = view(net, X, layer_rows(net, X, index, 3)[0], name="mse")
    fig = figure_of_hyperplanes(seen, found.digits)
    assert "no hyperplane" in fig.axes[0].get_title()
    assert not any(ax.images for ax in fig.axes)
