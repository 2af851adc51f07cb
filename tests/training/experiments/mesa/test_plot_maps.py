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


def test_profiles_are_those_of_the_head_output(found):
    fig = plot_maps.figure_of_profiles(found, 3)
    ax = fig.axes[0]
    (line,) = ax.lines
    slack, output = line.get_data()
    assert slack[0] < 0 < slack[-1] and output[-1] > output[0]
    row = next(r for r in found.rows if (r["d"], r["seed"], r["model"]) == (2, 3, "lp"))
    assert ax.get_title().endswith(
        f"r\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{row['head_by_distance']:.2f}"
    )


def test_a_grid_that_is_not_full_can_be_laid_out(found):
    models = ("lp", "linear", "lp-2", "hard", "l1")
    rows = [
        row | {"model": model, "collapsed": False}
        for model in models
        for row in found.rows
        if row["model"] == "lp"
    ]
    networks = {(d, s, m): found.networks[d, s, "lp"] for m in models for d, s, _ in found.networks}
    found = found._replace(rows=rows, models=models, networks=networks)
    for draw in (plot_maps.figure_of_surfaces, plot_maps.figure_of_profiles):
        fig = draw(found, 3)
        fig.canvas.draw()
        assert len(fig.axes) == 5


def test_the_correlation_in_a_title_is_not_broken(found, monkeypatch):
    monkeypatch.setattr(plot_maps, "name_of", lambda model: "Linear, started as Lp")
    for ax in plot_maps.figure_of_profiles(found, 3).axes:
        first, second = ax.get_title().split("\n")
        assert first == "Linear, started as Lp,"
        assert second.startswith("r\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
