"""Figures over seeds."""

import numpy as np

from training.experiments.mesa import plot_flatness
from training.experiments.mesa.judging.columns import Columns


def test_histograms_have_all_points_of_runs_that_did_not_collapse(found):
    fig = plot_flatness.figure_of_gradients(found, 2)
    panels = [ax for ax in fig.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == ["Lp, p = 1", "Linear", "Linear, flipped"]
    for ax in panels:
        # Bars of the head output; what is beyond the last bin is in it.
        heights = ax.patches[0].get_xy()[:, 1]
        assert np.isclose(heights[: len(heights) // 2].max(), heights.max())


def test_bars_are_means_over_seeds(found):
    fig = plot_flatness.figure_of_thresholds(found, 2)
    values = Columns(found.rows, 2).values("head_points_1", "linear")[:, 0]
    container = fig.axes[0].containers
    bars = [c for c in container if hasattr(c, "patches")][1]
    assert np.isclose(bars.patches[1].get_height(), 100 * values.mean())


def test_dots_are_runs(found):
    fig = plot_flatness.figure_of_masses(found, 2)
    columns = Columns(found.rows, 2)
    dots = fig.axes[1].collections[0].get_offsets()
    row = columns.row("linear", columns.trained("linear")[0])
    assert np.allclose(dots[0], [row["negative_mass"], 100 * row["logit_area_1"]])
    assert len(dots) == len(columns.trained("linear"))


def test_weights_are_drawn_with_their_signs(found):
    fig = plot_flatness.figure_of_weights(found, 2)
    ax = next(ax for ax in fig.axes if ax.get_title() == "Linear")
    heights = [patch.get_height() for patch in ax.patches]
    assert np.isclose(sum(heights), 1)
    assert any(h > 0 for p, h in zip(ax.patches, heights, strict=True) if p.get_x() < -0.05)


def test_models_that_collapsed_everywhere_have_no_panel(found):
    rows = [row | {"collapsed": row["model"] == "lp"} for row in found.rows]
    found = found._replace(rows=rows)
    assert plot_flatness.shown_models(found, 2) == ["linear", "flipped"]
    assert plot_flatness.figure_of_dimensions(found).axes


def test_the_legend_of_two_models_is_inside_the_figure(found):
    rows = [row for row in found.rows if row["model"] != "flipped"]
    fig = plot_flatness.figure_of_thresholds(found._replace(rows=rows), 2)
    fig.canvas.draw()
    box = fig.legends[0].get_window_extent()
    assert fig.bbox.x0 <= box.x0 and box.x1 <= fig.bbox.x1


def test_one_run_has_no_strokes_and_few_have_one_each_instead_of_an_interval(found):
    found = found._replace(rows=[row | {"collapsed": False} for row in found.rows])
    for seeds, strokes in (((3,), set()), ((3, 4, 5), {("_", 3)})):
        own = found._replace(rows=[row for row in found.rows if row["seed"] in seeds])
        fig = plot_flatness.figure_of_thresholds(own, 2)
        drawn = {(line.get_marker(), len(line.get_xdata())) for line in fig.axes[0].lines}
        assert drawn == strokes
        assert any(bar.get_height() > 0 for bar in fig.axes[0].patches)


def test_dots_are_whole(found):
    for mass in (0.0, 0.005, 20.0):
        rows = [row | {"negative_mass": mass, "collapsed": False} for row in found.rows]
        fig = plot_flatness.figure_of_masses(found._replace(rows=rows), 2)
        fig.canvas.draw()
        for ax in fig.axes:
            dots = ax.collections[0]
            radius = np.sqrt(dots.get_sizes()[0]) / 2 * fig.dpi / 72
            x = ax.transData.transform(dots.get_offsets())[:, 0]
            assert (x - radius >= ax.bbox.x0).all() and (x + radius <= ax.bbox.x1).all()
