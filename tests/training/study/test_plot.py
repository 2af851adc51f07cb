"""Figures of a study: everything that was found is in them, whatever came out."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from geomcore.network import ReLUNetwork
from training.descent.optimizers import SGD
from training.study import plot as plot_study
from training.study.study import perturbation_study

X = np.array([[0.0, 0.1], [0.2, 0.0], [1.0, 0.9], [0.8, 1.0]])
NET = ReLUNetwork(
    [[[1.0, 1.0], [-1.0, -1.0]], [[-1.0, 1.0], [1.0, -1.0]]], [[-1.0, 1.0], [0.5, 0.5]]
)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def result(net=NET, **changes):
    arguments = {"scales": [0.1, 1.0, 10.0], "trials": 6, "steps": 20, "seed": 0, **changes}
    return perturbation_study(net, X, [0, 0, 1, 1], **arguments)


def lines_at(ax, x):
    return [line for line in ax.lines if np.allclose(np.array(line.get_xdata(), float), x)]


# By hand


def test_comparison_has_one_curve_per_reference_over_the_total_norm():
    names = ("one", "two")
    study = result(dict.fromkeys(names, NET))
    back, loss, hits = study.plot().axes
    curves = [bars.lines[0] for bars in back.containers]
    curves += [line for ax in (loss, hits) for line in ax.lines if line.get_label() in names]
    assert len(curves) == 6
    for curve in curves:
        np.testing.assert_allclose(np.array(curve.get_xdata(), float), [0.2, 2, 20])
    summary = study.of("one").frame("scale")
    np.testing.assert_allclose(hits.lines[0].get_ydata(), summary["accuracy"])
    np.testing.assert_allclose(loss.lines[0].get_ydata(), np.maximum(summary["median"], 1e-20))
    fractions = np.array(back.containers[0].lines[0].get_ydata(), float)
    np.testing.assert_allclose(fractions, summary["fraction"])
    assert "2" in hits.get_xlabel()


def test_certified_radius_is_a_line_at_its_norm_in_every_panel():
    fig = result(certified_radius=0.05).plot()
    assert [len(lines_at(ax, 0.05)) for ax in fig.axes] == [1, 1, 1]
    assert not any(lines_at(ax, 0.05) for ax in result().plot().axes)


def test_the_norm_at_which_half_return_is_marked():
    study = result(scales=[1e-3, 50.0], steps=0, tolerance=0.05)
    back = study.plot().axes[0]
    dotted = [line for line in back.lines if line.get_linestyle() == ":"]
    assert dotted == lines_at(back, study.basins()["norm"][0])[:1]


def test_start_and_end_has_one_point_per_trial():
    fig = plot_study.figure_of_start_and_end(result({"one": NET, "two": NET}))
    points = [sum(len(c.get_offsets()) for c in ax.collections) for ax in fig.axes]
    assert points == [18, 18]
    assert [ax.get_title() for ax in fig.axes] == ["one", "two"]


def test_histogram_and_return_fraction_have_one_place_per_scale():
    study = result()
    fig = plot_study.figure_of_losses(study)
    assert [ax.get_ylabel() for ax in fig.axes] == [
        f"$\\lambda$ = {scale:g}" for scale in study.scales
    ]
    (bars,) = plot_study.figure_of_return(study).axes[0].containers
    np.testing.assert_allclose(np.array(bars.lines[0].get_xdata(), float), study.scales)
    np.testing.assert_allclose(
        np.array(bars.lines[0].get_ydata(), float), study.frame("scale")["fraction"]
    )


# Laws


@pytest.mark.parametrize(
    "changes",
    [
        {"scales": [0.0]},
        {"scales": [0.0, 0.1]},
        {"scales": [1.0], "trials": 1},
        {"optimizer": SGD(1e200)},
        {"steps": 0},
        {"relative": True},
    ],
)
def test_every_outcome_can_be_drawn_and_saved(changes, tmp_path):
    study = result(**changes)
    for k, fig in enumerate((study.plot(), plot_study.figure_of_start_and_end(study))):
        fig.savefig(tmp_path / f"{k}.png")
        for ax in fig.axes:
            assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_references_of_different_depth_show_no_common_lambda():
    deeper = ReLUNetwork(
        [NET.weights[0], np.eye(2), NET.weights[1]], [NET.biases[0], np.zeros(2), NET.biases[1]]
    )
    label = result({"one": NET, "two": deeper}).plot().axes[-1].get_xlabel()
    assert "lambda" not in label


def test_names_of_references_are_drawn_as_they_are_whatever_they_look_like():
    names = ["$x^$", "_hidden", "<b>&", "\\frac{", "50 %", "$"]
    study = result(dict.fromkeys(names, NET), scales=[0.1], trials=2, steps=1)
    for figure in (study.plot(), plot_study.figure_of_start_and_end(study)):
        figure.canvas.draw()
    (legend,) = study.plot().legends
    told = [text.get_text().replace("\\$", "$").strip() for text in legend.get_texts()]
    assert told == names
