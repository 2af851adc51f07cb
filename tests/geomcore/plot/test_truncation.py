"""Pictures of truncated data, read back from what was drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from geomcore.plot.truncation import MOST_NAMES, plot_truncation


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def labelled(d, classes=3, n=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), np.arange(n) % classes


def piled(X, y, piles):
    """A copy of the points in which each class j of `piles` is at one place."""
    Z = X.copy()
    for j, place in piles.items():
        Z[y == j] = place
    return Z


def clouds(ax):
    return [np.asarray(c.get_offsets()) for c in ax.collections if hasattr(c, "get_sizes")]


def titles(fig):
    return [" ".join(ax.get_title().split()) for ax in fig.axes if ax.get_visible()]


def written(ax):
    return {text.get_text() for text in ax.texts}


# By hand


def test_a_collapsed_class_is_one_large_marker_below_the_points_that_are_left():
    X, y = labelled(2)
    fig = plot_truncation([X, piled(X, y, {1: [5, 5]})], y)
    before, after = (clouds(ax) for ax in fig.axes)
    assert [len(p) for p in before] == [4, 4, 4]
    assert sorted(len(p) for p in after) == [1, 4, 4]
    pile = next(c for c in fig.axes[1].collections if len(c.get_offsets()) == 1)
    np.testing.assert_array_equal(pile.get_offsets(), [[5, 5]])
    others = [c for c in fig.axes[1].collections if len(c.get_offsets()) == 4]
    assert pile.get_zorder() < min(c.get_zorder() for c in others)
    assert pile.get_sizes()[0] > max(c.get_sizes()[0] for c in others)


def test_the_title_of_a_panel_names_the_classes_that_its_layer_collapses():
    X, y = labelled(2, classes=4)
    y = np.array(["ant", "bee", "cow", "dog"])[y]
    one = piled(X, y, {"cow": [5, 5]})
    part = one.copy()
    part[0] += 1
    two = piled(one, y, {"ant": [-5, 5], "dog": [5, -5]})
    assert titles(plot_truncation([X, one, one, part, two], y)) == [
        "data",
        "layer 1 collapses class cow",
        "layer 2",
        "layer 3 moves points of class ant",
        "layer 4 collapses classes ant, dog",
    ]


def test_piles_are_named_in_every_panel_in_which_they_are():
    X, y = labelled(2)
    one = piled(X, y, {1: [5, 5]})
    fig = plot_truncation([X, one, piled(one, y, {0: [-5, 5]})], y)
    assert [written(ax) for ax in fig.axes] == [set(), {"1"}, {"0", "1"}]


def test_piles_that_hide_each_other_are_drawn_once_more_enlarged_and_named_apart():
    X, y = labelled(2)
    near = piled(X, y, {0: [0, 0], 1: [0.01, 0], 2: [0, 0.01]})
    fig = plot_truncation([X, near], y)
    assert titles(fig)[-1] == "the piles, enlarged"
    last = fig.axes[-1]
    assert np.ptp(last.get_xlim()) < 0.03
    assert sorted(map(tuple, np.vstack(clouds(last)))) == [(0, 0), (0, 0.01), (0.01, 0)]
    places = np.array([text.get_position() for text in last.texts]) / np.ptp(last.get_xlim())
    gaps = np.linalg.norm(places[:, None] - places, axis=2)[np.triu_indices(3, 1)]
    assert gaps.min() > 0.1


def test_piles_apart_from_each_other_need_no_second_picture():
    X, y = labelled(2)
    fig = plot_truncation([X, piled(X, y, {0: [0, 0], 1: [3, 0], 2: [0, 3]})], y)
    assert titles(fig) == ["data", "layer 1 collapses classes 0, 1, 2"]


def test_points_of_a_line_have_one_row_per_class_that_bears_its_name():
    X, y = np.array([[1.0], [2.0], [4.0]]), ["bee", "ant", "bee"]
    fig = plot_truncation([X, np.array([[3.0], [2.0], [3.0]])], y)
    for ax, rows in zip(fig.axes, ([[2, 0], [1, 1], [4, 1]], [[2, 0], [3, 1]]), strict=True):
        np.testing.assert_array_equal(
            sorted(map(tuple, np.vstack(clouds(ax)))), sorted(map(tuple, rows))
        )
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["ant", "bee"]


# Laws


def test_every_stage_has_the_same_limits_and_size_and_shows_every_point():
    X, y = labelled(4)
    stages = [X, 2 * X, np.hstack([3 * X, X]), X, X, piled(X, y, {0: 0, 1: 1e-3})]
    fig = plot_truncation(stages, y)
    fig.draw_without_rendering()
    axes = fig.axes[: len(stages)]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1
    sizes = [ax.get_window_extent().size for ax in axes]
    np.testing.assert_allclose(sizes, np.tile(sizes[0], (len(axes), 1)), atol=0.5)
    low, high = np.transpose([axes[0].get_xlim(), axes[0].get_ylim()])
    for ax in axes:
        for points in clouds(ax):
            assert (points >= low).all()
            assert (points <= high).all()


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("at", [0.0, 1e-12, 1.0])
def test_degenerate_stages_are_drawn(d, at):
    X, y = labelled(d)
    for points in (X, np.zeros_like(X)):
        fig = plot_truncation([points, piled(points, y, {0: at, 1: at, 2: -at})], y)
        fig.draw_without_rendering()
        assert titles(fig)[0] == "data"


def test_very_many_piles_are_told_by_the_legend_alone():
    count = 10 * MOST_NAMES
    X, y = labelled(2, classes=count, n=2 * count)
    fig = plot_truncation([X, piled(X, y, {j: [1e-6 * j, 0] for j in range(count)})], y)
    assert not any(written(ax) for ax in fig.axes)


# Bad input


LONG = ["Escherichia coli O157:H7 (enterohaemorrhagic)", "Saccharomyces cerevisiae boulardii", "c$"]


@pytest.mark.parametrize("shape", [(2, 1.0), (2, 5.0), (6, 1.0)])
def test_long_names_of_classes_leave_titles_apart_and_panels_as_wide_as_short_ones(shape):
    d, stretch = shape
    X, y = labelled(d)
    X[:, 1] *= stretch
    stages = [X]
    for j in range(3):
        stages.append(piled(stages[-1], y, {j: j * np.ones(d)}))
    widths = []
    for names in (np.array(["a", "b", "c"]), np.array(LONG)):
        fig = plot_truncation(stages, names[y])
        fig.canvas.draw()
        axes = [ax for ax in fig.axes if ax.get_visible()]
        boxes = [ax.title.get_window_extent() for ax in axes]
        assert not any(one.overlaps(two) for one in boxes for two in boxes if one is not two)
        widths.append(axes[0].get_window_extent().width)
    assert widths[1] > 0.8 * widths[0]


def test_stages_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="must have 2 points, as the first has, got 3"):
        plot_truncation([np.eye(2), np.eye(3)], [0, 1])
