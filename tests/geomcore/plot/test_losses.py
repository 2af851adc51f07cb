"""Pictures of losses and of the fraction that returns, read back from what was drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from geomcore.plot import plot_histograms, plot_losses, plot_return
from geomcore.plot.losses import MOST_DOTS


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def line(ax, label):
    """What is drawn under a label, shape (n, 2)."""
    (found,) = [found for found in ax.lines if found.get_label() == label]
    return found.get_xydata()


# By hand


def test_losses_are_drawn_in_increasing_order_each_in_the_style_of_its_outcome():
    ax = plot_losses(
        {0.1: [1e-9, 1e-3, 1e-6, 1e-4]},
        outcomes={0.1: ["returned", "stuck", "returned", "falling"]},
    )
    back, stuck, falling = (line(ax, word) for word in ("returned", "stuck", "falling"))
    np.testing.assert_allclose(back[:, 1], [1e-9, 1e-6])
    np.testing.assert_allclose(np.r_[falling[:, 1], stuck[:, 1]], [1e-4, 1e-3])
    assert (np.diff([*back[:, 0], *falling[:, 0], *stuck[:, 0]]) > 0).all()
    assert len({found.get_color() for found in ax.lines}) == 3


def test_losses_before_training_are_drawn_by_themselves_and_the_tolerance_is_marked():
    ax = plot_losses({1: [3e-5, 2e-5]}, initial={1: [1e-1, 1e-2]}, tolerance=1e-3)
    np.testing.assert_allclose(line(ax, "before training")[:, 1], [1e-2, 1e-1])
    np.testing.assert_allclose(line(ax, "final loss")[:, 1], [2e-5, 3e-5])
    np.testing.assert_allclose(line(ax, "tolerance")[:, 1], [1e-3, 1e-3])
    assert plot_losses({1: [5.0]}, tolerance=1e-6).get_ylim()[0] < 1e-6


def test_losses_that_are_not_finite_are_above_all_others_and_zeros_at_the_floor():
    ax = plot_losses({1: [0.0, np.inf, np.nan, 5.0]}, floor=1e-20)
    heights = line(ax, "final loss")[:, 1]
    np.testing.assert_allclose(heights, [1e-20, 5, 50, 50])
    assert [text.get_text() for text in ax.texts] == ["beyond all bounds"]
    assert ax.get_ylim()[0] < 1e-20


def test_histograms_put_zeros_first_and_diverged_trials_last_and_lose_none():
    losses = {0.1: [0, 1e-30, 1e-3, 1e-3], 1: [1e-5, np.inf, np.nan, 10]}
    fig = plot_histograms(losses)
    for ax, first, last in zip(fig.axes, (0.5, 0), (0, 0.5), strict=True):
        heights = {bar.get_x(): bar.get_height() for bar in ax.patches}
        assert heights[min(heights)] == first
        assert heights[max(heights)] == last
        assert sum(heights.values()) == pytest.approx(1)


def test_the_reference_loss_is_marked_within_the_limits():
    (ax,) = plot_histograms({1: [1e-3]}, reference=1e-6).axes
    assert ax.lines[0].get_xdata()[0] == -6
    assert ax.get_xlim()[0] < -6


def test_the_fraction_that_returns_is_drawn_with_its_interval():
    ax = plot_return([1, 0.1], [0.5, 0.9], [[0.4, 0.6], [0.8, 0.95]])
    line, *_ = ax.lines
    np.testing.assert_array_equal(line.get_xydata(), [[0.1, 0.9], [1, 0.5]])
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(ends, [[0.8, 0.95], [0.4, 0.6]])


def test_fractions_before_training_are_a_second_curve_on_grey_ground_where_most_are_there():
    ax = plot_return([0.1, 1], [1, 0.5], [[0.5, 1], [0.2, 0.8]], untrained=[0.9, 0.1])
    np.testing.assert_array_equal(line(ax, "before training"), [[0.1, 0.9], [1, 0.1]])
    (ground,) = ax.patches
    low, high = ground.get_x(), ground.get_x() + ground.get_width()
    assert low < 0.1 < high < 1


def test_where_no_trial_left_there_is_no_fraction_and_where_the_budget_decides_an_empty_marker():
    ax = plot_return(
        [1, 2, 3], [np.nan, 0.5, 0.1], [[np.nan] * 2, [0.4, 0.6], [0, 0.3]], limited=[0, 0, 1]
    )
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[2, 0.5], [3, 0.1]])
    np.testing.assert_array_equal(line(ax, "the budget decides"), [[3, 0.1]])


# Laws


@pytest.mark.parametrize("count", [1, 2, MOST_DOTS, MOST_DOTS + 1, 3000])
def test_of_very_many_trials_a_regular_selection_is_drawn_from_the_least_to_the_largest(count):
    losses = np.random.default_rng(0).permutation(10.0 ** np.linspace(-12, 0, count))
    heights = line(plot_losses({1: losses}), "final loss")[:, 1]
    assert len(heights) == min(count, MOST_DOTS)
    assert (heights[0], heights[-1]) == (losses.min(), losses.max())
    assert (np.diff(heights) > 0).all()


@pytest.mark.parametrize("scales", [[0.0], [0.0, 0.1], [0.1], [1e-3, 0.1, 0.15, 3.0]])
def test_the_dots_of_one_scale_lie_around_it_and_apart_from_those_of_another(scales):
    ax = plot_losses({scale: [1.0, 2.0, 3.0] for scale in scales})
    strips = np.sort(line(ax, "final loss")[:, 0]).reshape(len(scales), 3)
    np.testing.assert_allclose(strips[:, 1], scales, rtol=1e-9, atol=1e-12)
    assert (strips[1:, 0] > strips[:-1, 2]).all()
    assert (np.diff(strips, axis=1) > 0).all()


@pytest.mark.parametrize("values", [[0.0], [np.inf], [np.nan, 0.0], [1e-300, 1e300, 1e199]])
def test_losses_of_every_kind_are_drawn_within_finite_limits(values):
    ax = plot_losses({1: values}, initial={1: values}, tolerance=0.0)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


@pytest.mark.parametrize("losses", [[0.0, 0.0], [1.0, 1.0], [np.inf], [1e-300, 1e300]])
def test_histograms_of_degenerate_losses_add_up_to_one(losses):
    (ax,) = plot_histograms({1: losses}).axes
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1)


# Bad input


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: plot_histograms({}), "losses must hold at least one scale"),
        (lambda: plot_histograms({1: [-1.0]}), r"losses\[1\] must be losses"),
        (lambda: plot_losses({}), "losses must hold at least one scale"),
        (lambda: plot_losses({1: []}), r"losses\[1\] must be losses of at least one trial"),
        (lambda: plot_losses({1: [1.0]}, initial={1: [1.0, 2.0]}), "as many initial"),
        (lambda: plot_losses({1: [1.0]}, outcomes={1: []}), "as many initial"),
        (lambda: plot_return([1], [1, 2], [[0, 1]]), "fractions must hold numbers in the shape"),
        (
            lambda: plot_return([1], [1], [[0, 1]], untrained=[1, 2]),
            "must hold numbers in the shape",
        ),
        (lambda: plot_return([1], [1], [[0, 1]], limited=[]), "must hold numbers in the shape"),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
