"""A picture of regions has all of them, and data over them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import random_network

from geomcore import linear_regions
from geomcore.plot import plot_boundary, plot_regions


def test_all_regions_are_drawn_and_the_boundary_over_them():
    net = random_network((2, 8, 8, 3), 0, scaled=True, bias=0.3)
    found = linear_regions(net, [(-1, 1), (-1, 1)])
    for values in (None, found.areas):
        X = np.random.default_rng(0).uniform(-1, 1, size=(9, 2))
        ax = plot_regions(found, values, label="area", points=X, labels=np.arange(9) % 3)
        assert len(ax.collections[0].get_paths()) == len(found)
        plot_boundary(found.class_boundary(), ax=ax)
        assert ax.get_xlim() == (-1, 1) and ax.get_xlabel()
        ax.figure.canvas.draw()
        plt.close(ax.figure)


def test_values_that_do_not_fit_are_refused():
    found = linear_regions(random_network((2, 3, 1), 0), [(-1, 1), (-1, 1)])
    with pytest.raises(ValueError, match=f"values must be {len(found)} numbers"):
        plot_regions(found, [1.0])
    with pytest.raises(ValueError, match="points must"):
        plot_regions(found, points=[1.0])
