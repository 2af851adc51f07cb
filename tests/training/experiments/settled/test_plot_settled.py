"""The figures of a settled network."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from geomcore import ReLUNetwork
from geomcore.datasets.dataset import Dataset
from geomcore.plot.style import class_style
from geomcore.regions.regions import linear_regions
from training.descent.losses import as_loss, offset_of, predicted
from training.experiments.regions.plot_found import PALE
from training.experiments.settled.plot_settled import (
    figure_of_regions,
    figure_of_spectrum,
    figures,
    scoring,
)
from training.settling.settled import KinkedPair, Settled

X = np.array([[0.0, 0.0], [1.0, 0.2], [3.0, 1.0], [0.0, 2.0]])
# One unit per side of the line x1 = 1, on which the second point lies.
NET = ReLUNetwork([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0]]], [[-1.0, 0.0], [0.0]])
TARGETS = {"targets": np.array([[0.0], [1.0]])}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def settled(net, kinks=(), spectrum=(0.5, 2.0)):
    return Settled(net, "critical point", 0.1, 0.2, 0.1, 0.0, False, kinks, 0.0, np.array(spectrum))


def data(points=X, y=("a", "a", "b", "a"), info=TARGETS):
    return Dataset(points, np.array(y), "four", info)


def cut(net, box=((-1.0, 4.0), (-1.0, 3.0))):
    return linear_regions(net, box)


# By hand


def test_a_point_with_a_unit_on_its_kink_is_circled_in_the_regions():
    found = settled(NET, (KinkedPair(1, 1, 0, 0.1, 0.2),))
    fig = figure_of_regions(cut(NET), found, data())
    (ring,) = fig.axes[0].lines
    assert ring.get_xydata().tolist() == [[1.0, 0.2]]


@pytest.mark.parametrize(
    ("targets", "loss", "level", "low"),
    [
        ([[0.0], [1.0]], "mse", 0.5, 0),
        ([[1.0], [0.0]], "mse", 0.5, 1),
        ([[-1.0], [2.0]], "mse", 0.5, 0),
        ([[0.0], [1.0]], "bce", 0.0, 0),
    ],
)
def test_colours_are_those_of_the_class_that_the_network_answers(targets, loss, level, low):
    # The output is max(x1 - 1, 0) - 0.25: low on the left, high on the right.
    net = ReLUNetwork(NET.weights, [NET.biases[0], [-0.25]])
    scores = scoring(net, np.array(targets), loss)
    fig = figure_of_regions(cut(scores), settled(net), data(), scores)
    drawn = fig.axes[0].collections[0]
    for x in np.linspace(-0.97, 3.97, 60):
        (holds,) = np.flatnonzero([p.contains_point((x, 1.1)) for p in drawn.get_paths()])
        answer = low if max(x - 1, 0) - 0.25 < level else 1 - low
        color = PALE + (1 - PALE) * np.array(to_rgb(class_style(answer)[0]))
        np.testing.assert_allclose(drawn.get_facecolor()[holds, :3], color)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["mse", "bce", "cross_entropy"]))
@settings(max_examples=20, deadline=None)
def test_the_largest_score_is_what_counts_as_predicted(seed, loss):
    rng = np.random.default_rng(seed)
    T = rng.random((4, 3))
    net = random_network((2, 3, 3), rng)
    points = rng.normal(size=(50, 2))
    known = predicted(net(points), T, offset_of(as_loss(loss), T))
    assert (scoring(net, T, loss)(points).argmax(axis=1) == known).all()


def test_negative_eigenvalues_have_empty_markers():
    fig = figure_of_spectrum(np.array([-2.0, -1.0, 0.0, 3.0]))
    full, empty = fig.axes[0].lines
    assert empty.get_xydata().tolist() == [[1, 2], [2, 1]]
    assert len(full.get_xydata()) == 2 and (full.get_ydata() > 0).all()


# Laws


def keys(found, one):
    return [key for key, *_ in figures(found, one)]


def test_there_is_a_figure_for_all_that_is_known():
    assert keys(settled(NET), data()) == ["spectrum", "cones", "regions"]
    assert keys(settled(NET, spectrum=()), data()) == ["cones", "regions"]


def test_what_cannot_be_drawn_is_left_out():
    line = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    assert keys(settled(line), data(X[:, :1])) == ["spectrum", "cones"]
    affine = ReLUNetwork([np.ones((1, 2))], [[0.0]])
    assert keys(settled(affine), data()) == ["spectrum", "regions"]
    deep = ReLUNetwork([1e200 * np.eye(2)] * 2 + [np.ones((1, 2))], [np.zeros(2)] * 2 + [[0.0]])
    assert keys(settled(deep), data()) == ["spectrum"]


@pytest.mark.parametrize("Q", [1, 2, 3, 25])
def test_regions_of_any_classes_are_drawn(Q):
    rng = np.random.default_rng(Q)
    net = ReLUNetwork(
        [rng.normal(size=(4, 2)), rng.normal(size=(Q, 4))], [rng.normal(size=4), np.zeros(Q)]
    )
    one = data(rng.normal(size=(50, 2)), np.arange(50) % Q, {})
    assert "regions" in keys(settled(net), one)


def test_values_to_fit_have_regions_without_classes():
    y = np.linspace(0, 1, 4)[:, None]
    fig = figure_of_regions(cut(NET), settled(NET), data(y=y, info={}))
    assert not fig.axes[0].images and not fig.legends
    captions = [caption for key, _, caption, _ in figures(settled(NET), data(y=y, info={}))]
    assert captions[-1].endswith("regions of the network.")
