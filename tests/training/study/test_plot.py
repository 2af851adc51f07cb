"""Figures of a study: everything that was found is in them, whatever came out."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from geomcore.network import ReLUNetwork
from training.descent.optimizers import SGD
from training.study import plot as plot_study
from training.study.study import perturbation_study
from training.study.wilson import wilson_interval

X = np.array([[0.0, 0.1], [0.2, 0.0], [1.0, 0.9], [0.8, 1.0]])
NET = ReLUNetwork(
    [[[1.0, 1.0], [-1.0, -1.0]], [[-1.0, 1.0], [1.0, -1.0]]], [[-1.0, 1.0], [0.5, 0.5]]
)

OUTCOMES = ("stayed", "returned", "falling", "stuck", "diverged")
WORDS = (*OUTCOMES, "not returned", "below")
FIGURES = (
    plot_study.figure_of_comparison,
    plot_study.figure_of_start_and_end,
    plot_study.figure_of_return,
    plot_study.figure_of_losses,
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
    left = [line for line in back.lines if line.get_linestyle() == "--"]
    curves = left + [line for ax in (loss, hits) for line in ax.lines if line.get_label() in names]
    assert len(curves) == 6
    for curve in curves:
        np.testing.assert_allclose(np.array(curve.get_xdata(), float), [0.2, 2, 20])
    summary = study.of("one").frame("scale")
    np.testing.assert_allclose(hits.lines[0].get_ydata(), summary["accuracy"])
    np.testing.assert_allclose(loss.lines[0].get_ydata(), np.maximum(summary["median"], 1e-20))
    assert "(= 2 λ)" in hits.get_xlabel()


def test_certified_radius_is_a_line_at_its_norm_in_every_panel():
    fig = result(certified_radius=0.05).plot()
    assert [len(lines_at(ax, 0.05)) for ax in fig.axes] == [1, 1, 1]
    assert not any(lines_at(ax, 0.05) for ax in result().plot().axes)


def test_a_certified_radius_far_below_all_norms_is_told_and_leaves_the_picture_alone():
    fig = result(certified_radius=1e-9).plot()
    assert fig.axes[-1].get_xlim()[0] > 0.01
    (legend,) = fig.legends
    assert any("1.0e-09" in text.get_text() for text in legend.get_texts())


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


def counted(study, words):
    """The study with these outcomes of its trials, and with the table that follows from them."""
    rows = []
    for part in map(study.of, [ref.name for ref in study.references]):
        for scale in part.scales:
            own = words[(study.columns["reference"] == part.reference.name)
                        & (study.columns["scale"] == scale)]  # fmt: skip
            tally = {word: int((own == word).sum()) for word in OUTCOMES}
            left = len(own) - tally["stayed"]
            back = tally["returned"]
            low, high = wilson_interval(back, left) if left else (np.nan, np.nan)
            rows.append(
                tally
                | {"left": left, "untrained": tally["stayed"] / len(own), "low": low, "high": high}
                | {"fraction": back / left if left else np.nan, "limited": tally["falling"] > 0}
            )

    class Counted(type(study)):
        outcome, below = words, np.zeros(len(words), bool)

        def frame(self, per="trial"):
            found = super().frame(per)
            return found.assign(**{k: [row[k] for row in rows] for k in rows[0]})

    return Counted(study.references, study.seed, study.columns)


def test_the_fraction_that_returns_speaks_of_those_that_left_beside_the_losses():
    study = result(trials=4)
    words = np.array(["stayed"] * 4 + ["stayed", "returned", "falling", "returned"]
                     + ["diverged", "stuck", "stuck", "returned"])  # fmt: skip
    fig = plot_study.figure_of_return(counted(study, words))
    back, loss = fig.axes
    (bars,) = back.containers
    np.testing.assert_allclose(bars.lines[0].get_xydata(), [[1, 2 / 3], [10, 1 / 4]])
    curves = {line.get_label(): line.get_xydata() for line in back.lines}
    np.testing.assert_allclose(curves["before training"], [[0.1, 1], [1, 0.25], [10, 0]])
    np.testing.assert_allclose(curves["the budget decides"], [[1, 2 / 3]])
    assert [text.get_text() for text in back.texts] == ["0/0", "2/3", "1/4"]
    dots = {line.get_label(): len(line.get_xydata()) for line in loss.lines}
    assert [dots[word] for word in OUTCOMES] == [5, 3, 1, 2, 1]
    assert [len(ax.patches) for ax in (back, loss)] == [1, 1]
    height = study.reference.loss + study.reference.tolerance
    (tolerance,) = [line for line in loss.lines if line.get_label() == "tolerance"]
    np.testing.assert_allclose(tolerance.get_ydata(), height)


def test_losses_show_every_trial_before_and_after_training():
    study = result(scales=[0.1])
    (ax,) = plot_study.figure_of_losses(study).axes
    starts = [line.get_ydata() for line in ax.lines if line.get_label() == "before training"]
    np.testing.assert_allclose(starts[0], np.sort(study.columns["initial_loss"]))
    drawn = [y for line in ax.lines if line.get_label() in WORDS for y in line.get_ydata()]
    np.testing.assert_allclose(np.sort(drawn), np.sort(np.maximum(study.losses(0.1), 1e-20)))


def test_trials_that_end_below_their_reference_are_not_called_stuck():
    study = result(scales=[1.0], trials=20, steps=50)
    assert study.below.any()
    (ax,) = plot_study.figure_of_losses(study).axes
    (below,) = [line for line in ax.lines if line.get_label() == "below"]
    assert len(below.get_ydata()) == study.below.sum()
    assert (below.get_ydata() < study.reference.loss).all()


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
    for k, draw in enumerate(FIGURES):
        fig = draw(study)
        fig.savefig(tmp_path / f"{k}.png")
        for ax in fig.axes:
            assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_references_of_different_depth_show_no_common_lambda():
    deeper = ReLUNetwork(
        [NET.weights[0], np.eye(2), NET.weights[1]], [NET.biases[0], np.zeros(2), NET.biases[1]]
    )
    label = result({"one": NET, "two": deeper}).plot().axes[-1].get_xlabel()
    assert "λ" not in label


def test_names_of_references_are_drawn_as_they_are_whatever_they_look_like():
    names = ["$x^$", "_hidden", "<b>&", "\\frac{", "50 %", "$"]
    study = result(dict.fromkeys(names, NET), scales=[0.1], trials=2, steps=1)
    for figure in (study.plot(), plot_study.figure_of_start_and_end(study)):
        figure.canvas.draw()
    (legend,) = study.plot().legends
    told = [text.get_text().replace("\\$", "$").strip() for text in legend.get_texts()]
    assert told[: len(names)] == names
