"""Pictures of single networks."""

import numpy as np

from geomcore.layers import LpNorm
from geomcore.network import Network
from training.experiments.mesa import plot_maps


def test_the_seed_is_that_in_which_fewest_models_collapsed(found):
    rows = [row | {"collapsed": row["seed"] < 5} for row in found.rows]
    assert plot_maps.seed_shown(found._replace(rows=rows)) == 5
    rows = [row | {"collapsed": False} for row in found.rows]
    assert plot_maps.seed_shown(found._replace(rows=rows)) == 3
    assert plot_maps.seed_shown(found._replace(dims=(3,))) is None


def test_regions_are_exact_and_the_polytope_is_over_them(found):
    fig = plot_maps.figure_of_regions(found, 3)
    ax = fig.axes[0]
    assert len(ax.collections[0].get_paths()) > 32  # one unit more, one region more at least
    assert len(ax.lines[0].get_xdata()) >= 4
    values = ax.collections[0].get_array()
    assert (values >= plot_maps.LEAST).all()


def test_heads_that_are_not_piecewise_linear_are_sampled(found):
    net = found.networks[2, 3, "lp"]
    head = LpNorm(*net.layers[2].tensors, p=2)
    bent = Network([*net.layers[:2], head, *net.layers[3:]])
    networks = found.networks | {(2, 3, "lp"): bent}
    fig = plot_maps.figure_of_regions(found._replace(networks=networks), 3)
    shades = fig.axes[0].collections[0].get_array()
    assert shades.size == plot_maps.PIXELS**2 and np.isfinite(shades).all()


def test_surfaces_have_the_polytope_below(found):
    fig = plot_maps.figure_of_surfaces(found, 3)
    ax = fig.axes[0]
    floor = ax.lines[0].get_data_3d()[2]
    assert np.ptp(floor) == 0 and floor[0] <= ax.get_zlim()[0] + 1e-9
