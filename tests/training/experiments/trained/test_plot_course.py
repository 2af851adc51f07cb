"""Figures over training."""

import numpy as np
import pytest

from training.experiments.trained.plot_course import (
    MEASURES,
    figure_of_courses,
    figure_of_ladder,
    figure_of_noise,
)


def test_each_start_has_a_line_of_its_losses(found):
    fig = figure_of_courses(found)
    assert [ax.get_title() for ax in fig.axes] == ["squared error", "cross-entropy"]
    for ax, loss in zip(fig.axes, found.losses, strict=True):
        courses = [line for line in ax.lines if len(line.get_xdata()) > 2]
        assert len(courses) == 3 and ax.get_yscale() == "log"
        np.testing.assert_array_equal(courses[0].get_ydata(), found.courses[loss, 0][1])
        assert courses[0].get_color() == "black"


def test_the_ladder_shows_medians_of_each_layer(found):
    fig = figure_of_ladder(found)
    assert len(fig.axes) == 2 * len(MEASURES)
    ax = fig.axes[0]
    assert ax.get_ylabel() == "condition of W⁽ˡ⁾"
    thick = [line for line in ax.lines if line.get_linewidth() > 1]
    assert len(thick) == 3
    own = [r for r in found.layers if (r["loss_name"], r["layer"]) == ("mse", 1)]
    thresholds, values = thick[0].get_data()
    for t, value in zip(thresholds, values, strict=True):
        here = [r["condition"] for r in own if r["threshold"] == t]
        assert value == pytest.approx(np.median(here))
    assert ax.get_xlim()[0] > ax.get_xlim()[1]


def test_a_ladder_without_a_rung_is_drawn_empty(found):
    layers = [row | {"threshold": np.inf} for row in found.layers]
    collapse = [row | {"threshold": np.inf} for row in found.collapse]
    fig = figure_of_ladder(found._replace(layers=layers, collapse=collapse))
    assert not any(len(ax.lines) for ax in fig.axes)
    figure_of_courses(found._replace(layers=layers))


def test_accuracy_under_noise_has_a_line_for_each_network(found):
    (ax,) = figure_of_noise(found).axes
    assert len(ax.lines) == 4 and len(ax.collections) == 3
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["constructed", "squared error", "cross-entropy"]
    own = [r["accuracy"] for r in found.noise if r["network"] == "mse" and r["noise"] == 0.3]
    at = list(ax.lines[1].get_xdata()).index(0.3)
    assert ax.lines[1].get_ydata()[at] == pytest.approx(np.mean(own))


def test_two_numbers_stand_at_an_axis_with_one_power_of_ten(found):
    collapse = [row | {"nc1": 0.03 * 3 ** (row["layer"] % 3)} for row in found.collapse]
    ax = figure_of_ladder(found._replace(collapse=collapse)).axes[2 * (len(MEASURES) - 1)]
    ax.figure.draw_without_rendering()
    low, high = ax.get_ylim()
    shown = [t.get_text() for t in ax.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert ax.get_ylabel() == "NC1, output" and {"0.05", "10⁻¹", "0.2"} <= {*shown}
