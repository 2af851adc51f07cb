"""A picture of regions has all of them, and data over them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import random_network
from matplotlib.colors import LogNorm, Normalize, to_rgba

from geomcore import linear_regions
from geomcore.plot import plot_boundary, plot_regions
from geomcore.plot.regions import PALE


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
        seen = ax.figure.get_tightbbox().bounds  # of all labels, in inches
        width, height = ax.figure.get_size_inches()
        assert seen[0] > 0 and seen[1] > 0
        assert seen[0] + seen[2] < width and seen[1] + seen[3] < height
        plt.close(ax.figure)


def test_pale_colours_count_units_whatever_the_number_of_regions(monkeypatch):
    found = linear_regions(random_network((2, 8, 8, 1), 0, scaled=True), [(-1, 1), (-1, 1)])
    wanted = plot_regions(found).collections[0].get_facecolor()
    monkeypatch.setattr("geomcore.plot.regions.ROWS", 7)
    np.testing.assert_array_equal(plot_regions(found).collections[0].get_facecolor(), wanted)
    numbers = [int(np.flatnonzero(on).sum() + on.sum()) for on in found.patterns]
    wanted = [to_rgba(PALE[k % len(PALE)]) for k in numbers]
    np.testing.assert_array_equal(plot_regions(found).collections[0].get_facecolor(), wanted)
    plt.close("all")


def test_many_polygons_are_filled_up_to_as_many_corners_and_cover_the_same(monkeypatch):
    found = linear_regions(random_network((2, 8, 8, 1), 0, scaled=True), [(-1, 1), (-1, 1)])
    few = plot_regions(found, found.areas).collections[0].get_paths()
    monkeypatch.setattr("geomcore.plot.regions.MANY", 2)
    many = plot_regions(found, found.areas).collections[0].get_paths()
    assert len(many) == len(few) == len(found) > 2
    for one, other in zip(few, many, strict=True):
        corners = len(one.vertices)
        np.testing.assert_array_equal(other.vertices[: corners - 1], one.vertices[:-1])
        assert (other.vertices[corners - 1 : -1] == one.vertices[-2]).all()
        np.testing.assert_array_equal(other.vertices[-1], one.vertices[-1])
    # not where one has very many
    monkeypatch.setattr("geomcore.plot.regions.LONGEST", 3)
    long = plot_regions(found, found.areas).collections[0].get_paths()
    assert all(len(a.vertices) == len(b.vertices) for a, b in zip(few, long, strict=True))
    plt.close("all")


def test_values_that_do_not_fit_are_refused():
    found = linear_regions(random_network((2, 3, 1), 0), [(-1, 1), (-1, 1)])
    with pytest.raises(ValueError, match=f"values must be {len(found)} numbers"):
        plot_regions(found, [1.0])
    with pytest.raises(ValueError, match="points must"):
        plot_regions(found, points=[1.0])


def test_the_bar_is_as_high_as_the_axes_and_ends_in_arrows_where_values_are_beyond():
    found = linear_regions(random_network((2, 8, 1), 0), [(-1, 1), (-1, 1)])
    values = np.linspace(0, 9, len(found))
    cases = {
        "neither": None,
        "max": Normalize(0, 5),
        "min": Normalize(2, 9),
        "both": LogNorm(1, 5),
    }
    for extend, norm in cases.items():
        ax = plot_regions(found, values, norm=norm)
        bar = ax.collections[0].colorbar
        assert bar.extend == extend
        ax.figure.canvas.draw()
        # arrows are 1/20 of it each
        arrows = {"neither": 0, "max": 1, "min": 1, "both": 2}[extend]
        share = bar.ax.get_window_extent().height / ax.get_window_extent().height
        assert share == pytest.approx(1 / (1 + 0.05 * arrows), rel=1e-2)
        plt.close(ax.figure)
    # a logarithm leaves 0 out: it is not below
    ax = plot_regions(found, np.where(values < 1, 0, values), norm=LogNorm(1, 9))
    assert ax.collections[0].colorbar.extend == "neither"
    plt.close(ax.figure)
