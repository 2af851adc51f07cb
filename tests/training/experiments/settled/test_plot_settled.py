"""The figures of a settled network."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.datasets.dataset import Dataset
from geomcore.regions.regions import linear_regions
from training.experiments.settled.plot_settled import (
    _answers,
    figure_of_regions,
    figure_of_spectrum,
    figures,
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
    found, one = settled(NET, (KinkedPair(1, 1, 0, 0.1, 0.2),)), data()
    labels = as_labels(one.y, 4, targets=one.targets)
    fig, told = figure_of_regions(cut(NET), found, one, labels)
    (ring,) = fig.axes[0].lines
    assert ring.get_xydata().tolist() == [[1.0, 0.2]]
    assert "nearest target" in told


@pytest.mark.parametrize("targets", [[[0.0], [1.0]], [[1.0], [0.0]], [[-1.0], [1.0]]])
def test_colours_are_those_of_the_nearest_target(targets):
    labels = as_labels(np.array(["a", "b"]), 2, targets=np.array(targets))
    picture = _answers(NET, np.array([[-1.0, 4.0], [-1.0, 3.0]]), labels)
    # The output is max(x1 - 1, 0): low on the left, high on the right.
    left, right = picture[0, 0], picture[0, -1]
    assert not np.array_equal(left, right)
    is_first = np.abs(picture - left).sum(axis=2) < 1e-12
    x = -1 + 5 * (np.arange(picture.shape[1]) + 0.5) / picture.shape[1]
    assert (is_first == (np.maximum(x - 1, 0) <= np.mean(targets))).all()


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
    fig, told = figure_of_regions(cut(NET), settled(NET), data(y=y, info={}), as_labels(y, 4))
    assert told == "" and not fig.axes[0].images
