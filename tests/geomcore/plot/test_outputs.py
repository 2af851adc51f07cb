"""Pictures of outputs, read back from what was drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.arrays import as_labels
from geomcore.plot.outputs import MOST_DOTS, nearer_to_another, nearest_targets, plot_outputs


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def dots(ax):
    """What is drawn of each class, and the crosses, each (n, 2)."""
    found = [line for line in ax.lines if line.get_linestyle() == "None"]
    crosses = [line.get_xydata() for line in found if line.get_marker() == "x"]
    return [line.get_xydata() for line in found if line.get_marker() != "x"], crosses


# By hand


def test_every_class_has_a_row_of_its_distances_with_its_name():
    out = np.eye(2)[[0, 1, 1]] + [[0, 1e-9], [0, 1e-3], [1e-6, 0]]
    ax = plot_outputs(out, ["a", "b", "b"])
    (first, second), crosses = dots(ax)
    np.testing.assert_allclose(first[:, 0], [1e-9], rtol=1e-6)
    np.testing.assert_allclose(second[:, 0], [1e-6, 1e-3], rtol=1e-6)
    assert (np.abs(first[:, 1]) < 0.5).all() and (np.abs(second[:, 1] - 1) < 0.5).all()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_xscale() == "log" and not crosses


def test_the_title_states_the_largest_distance_to_a_target():
    out = np.eye(2)[[0, 1, 1]]
    out[2] += [0.3, 0.4]
    assert plot_outputs(out, [0, 1, 1]).get_title().endswith("5.0e-01")


def test_outputs_that_are_nearer_to_another_target_are_crosses_right_of_the_dashed_line():
    out = np.array([[1.0, 0.1], [0.2, 0.9], [0.0, 1.0]])
    ax = plot_outputs(out, [0, 0, 1])
    (cross,) = dots(ax)[1]
    np.testing.assert_allclose(cross[:, 0], [np.hypot(0.8, 0.9)])
    (half,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(half.get_xdata(), np.sqrt(2) / 2)
    assert cross[0, 0] > np.sqrt(2) / 2


def test_exact_outputs_are_left_of_all_others_and_said_to_be():
    ax = plot_outputs([[1.0, 1e-30], [0.0, 1.0]], [0, 1])
    (first, second), _ = dots(ax)
    assert second[0, 0] < first[0, 0]
    assert [text.get_text() for text in ax.texts] == ["exact"]


# Laws


@pytest.mark.parametrize("k", [1, 2, 3, 5, 60])
@pytest.mark.parametrize("n", [0, 1, 200])
def test_outputs_of_any_width_are_drawn_with_labelled_axes(k, n):
    targets = np.eye(k)
    y = np.arange(n) % k
    if len(np.unique(y)) < k:
        return
    ax = plot_outputs(targets[y], y)
    assert ax.get_xlabel() and ax.get_ylabel() == "class"
    assert "0.0e+00" in ax.get_title()


def test_of_many_points_the_nearest_and_the_farthest_are_drawn():
    far = np.random.default_rng(0).permutation(10.0 ** np.linspace(-9, -1, 10 * MOST_DOTS))
    ax = plot_outputs(np.column_stack([1 + far, 0 * far]), np.zeros(len(far)), [[1, 0]])
    ((row,), _) = dots(ax)
    assert len(row) == MOST_DOTS
    np.testing.assert_allclose(row[[0, -1], 0], [far.min(), far.max()], rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))
def test_the_nearest_target_is_that_of_all_distances(n, k, count, seed):
    rng = np.random.default_rng(seed)
    out, targets = rng.normal(size=(n, k)), rng.normal(size=(count, k))
    gaps = np.linalg.norm(out[:, None] - targets, axis=2)
    np.testing.assert_array_equal(nearest_targets(out, targets), gaps.argmin(axis=1))
    labels = as_labels(rng.permutation(np.r_[np.arange(count), rng.integers(count, size=n)])[:n], n)
    labels = labels._replace(targets=targets[: len(labels.classes)])
    expected = gaps[:, : len(labels.classes)].min(axis=1) < np.linalg.norm(out - labels.Y, axis=1)
    np.testing.assert_array_equal(nearer_to_another(out, labels), expected)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_outputs_of_any_size_are_drawn(size):
    ax = plot_outputs(size * np.eye(2), [0, 1])
    assert np.isfinite(ax.get_xlim()).all()


def test_two_classes_with_one_target_are_not_nearer_to_another():
    ax = plot_outputs([[1.0], [1.0]], [0, 1], [[1.0], [1.0]])
    assert dots(ax)[1] == []


# Bad input


def test_outputs_of_another_width_are_refused():
    with pytest.raises(ValueError, match="out must have 1 columns"):
        plot_outputs([[1, 0]], [0])
