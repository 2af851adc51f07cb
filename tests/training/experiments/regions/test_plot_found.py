"""What a picture of regions says is what the network answers there."""

import matplotlib.pyplot as plt
import numpy as np
from builders import random_network

from geomcore import input_jacobians, linear_regions
from training.experiments.regions.plane import plane_of
from training.experiments.regions.plot_found import answers, figures, steepness


def test_answers_and_steepness_are_those_of_the_network():
    net = random_network((4, 6, 6, 3), 0, scaled=True)
    X = np.random.default_rng(1).normal(size=(30, 4))
    plane = plane_of(4, X)
    found = linear_regions(net, plane.box, plane.origin, 2 * plane.basis)
    points = found.points(found.centroids)
    np.testing.assert_array_equal(answers(found), net(points).argmax(axis=1))
    # lengths are those of input space, whatever the length of the basis
    slopes = input_jacobians(net, points) @ plane.basis.T
    np.testing.assert_allclose(steepness(found), np.linalg.norm(slopes, 2, axis=(1, 2)), rtol=1e-9)


def test_both_figures_with_one_output_and_with_classes():
    for widths, names in (((2, 6, 1), None), ((2, 6, 3), ["a", "b", "c"])):
        net = random_network(widths, 0, scaled=True, bias=0.3)
        X = np.random.default_rng(1).normal(size=(30, 2))
        plane = plane_of(2, X)
        found = linear_regions(net, plane.box)
        drawn = list(figures(found, plane, np.arange(30) % 3, names))
        assert [key for key, *_ in drawn] == ["answers", "steepness"]
        for _, fig, caption, alt in drawn:
            assert caption and alt and fig.axes[0].get_xlabel() == "x1"
            fig.canvas.draw()
            plt.close(fig)
