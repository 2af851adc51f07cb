"""What is found next to trained networks, with weight decay and of cross-entropies."""

import numpy as np
import pytest
from decayed import (
    blobs,
    first_minimum,
    labels_of,
    loss_of,
    objective,
    planted_decayed,
    trained,
)
from flint import arb

from constructions.penalised.search import nearby_strict_points
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, split
from training.settling.bfgs import bfgs

LOSSES = ("mse", "cross_entropy", "bce")


def proved(net, X, y, loss, decay):
    labels = labels_of(np.asarray(y), len(X))
    per_class = [arb(1) / len(X)] * len(labels.classes)
    points = nearby_strict_points(net, np.asarray(X, float), labels, per_class, loss, decay)
    return first_minimum(points)


@pytest.mark.parametrize(
    ("loss", "widths"), [*((loss, (2, 3, 3)) for loss in LOSSES), ("cross_entropy", (2, 2, 3, 3))]
)
def test_trained_networks_are_proved_and_no_descent_ends_below(loss, widths):
    rng, count = np.random.default_rng(0), 0
    for seed in range(4):
        X, y = blobs(seed)
        Y = np.eye(3)[y]
        net = trained(widths, X, Y, loss, 0.01, seed)
        found, _ = proved(net, X, y, loss, 0.01)
        if found is None:
            continue
        count += 1
        value, theta = float(loss_of(net.tensors, X, Y, loss, 0.01)), flatten(net.tensors)
        assert value - float(found.loss.mid()) > -1e-13
        for _ in range(100):
            way = 1e-3 * rng.random() * rng.standard_normal(len(theta))
            other = loss_of(split(theta + way, net), X, Y, loss, 0.01)
            assert float(other) > float(found.loss.mid()) - 1e-13
        function = objective(widths, X, Y, loss, 0.01)
        start = theta + 1e-4 * rng.standard_normal(len(theta))
        assert bfgs(function, start, iterations=200).loss > float(found.loss.mid()) - 1e-13
    assert count >= 3


def convex(loss, decay, seed=0):
    """One affine layer at its minimum, by Newton's method on all parameters."""
    X, y = blobs(seed, N=30)
    Y = np.eye(3)[y]
    function, theta = objective((2, 3), X, Y, loss, decay), np.zeros(9)
    for _ in range(60):
        slope, h = function(theta)[1], 1e-6
        H = [(function(theta + h * e)[1] - function(theta - h * e)[1]) / (2 * h) for e in np.eye(9)]
        theta = theta - np.linalg.lstsq(np.array(H), slope, rcond=1e-8)[0]
    return ReLUNetwork([theta[:6].reshape(3, 2)], [theta[6:]]), X, y, Y


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("decay", [1e-1, 1e-4, 0.0])
def test_one_layer_is_proved_with_decay_and_without(loss, decay):
    net, X, y, Y = convex(loss, decay)
    if not decay and loss == "mse":
        return  # verify asks elsewhere
    found, _ = proved(net, X, y, loss, decay)
    assert found.distance < 1e-8 and found.rank.error < 1e-20
    assert found.rank.rank == (6 if loss == "cross_entropy" and not decay else 9)
    value = float(loss_of(net.tensors, X, Y, loss, decay))
    assert abs(float(found.loss.mid()) - value) < 1e-13


def test_labels_that_a_line_separates_have_no_minimum_without_decay():
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    for scale in (1.0, 30.0, 1000.0):
        net = ReLUNetwork([[[-scale], [scale]]], [[0.0, 0.0]])
        for loss in ("cross_entropy", "bce"):
            assert proved(net, X, y, loss, 0.0)[0] is None


ONE = [(0, 0, 0), (0, 1, 1)]


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
@pytest.mark.parametrize("kind", ["minimum", "falls", "rises too little"])
def test_cross_entropies_without_decay_are_proved_on_kinks(loss, kind):
    rng, count = np.random.default_rng(0), 0
    for seed in range(12):
        made = planted_decayed((2, 3, 2), 16, ONE, seed, loss=loss, decay=0.0, kind=kind)
        if made is None:
            continue
        net, X, Y = made
        found, _ = proved(net, X, Y, loss, 0.0)
        if found is None:
            continue
        count += 1
        theta = flatten(net.tensors)
        for _ in range(100):
            way = 1e-4 * rng.random() * rng.standard_normal(len(theta))
            other = loss_of(split(theta + way, net), X, Y, loss, 0.0)
            assert float(other) > float(found.loss.mid()) - 1e-13
    assert count >= 2 if kind == "minimum" else count == 0


def test_targets_that_do_not_sum_to_one_tie_down_the_constant_in_the_logits():
    net, X, _, Y = convex("cross_entropy", 0.0)
    Y[:, 0] *= 1 + 1e-9
    found, why = proved(net, X, Y, "cross_entropy", 0.0)
    assert found is None and why.startswith("targets do not sum to one exactly")


def test_equal_points_with_different_labels_are_one_point_with_their_mean():
    X, y = np.array([[1.0], [1.0], [1.0], [-1.0], [-1.0]]), [0, 0, 1, 1, 0]
    for loss, logits in (("bce", np.log(2.0)), ("cross_entropy", np.log(2.0) / 2)):
        # odds of two to one at x = 1, even ones at x = -1: f = logits (x + 1) / 2
        W = [[logits / 2], [-logits / 2]]
        net = ReLUNetwork([W], [[logits / 2, -logits / 2]])
        found, _ = proved(net, X, y, loss, 0.0)
        entropy = -(2 * np.log(2 / 3) + np.log(1 / 3) + 2 * np.log(1 / 2)) / 5
        expected = entropy * (2 if loss == "bce" else 1)
        assert found.distance < 1e-14 and abs(float(found.loss.mid()) - expected) < 1e-14


def test_what_is_too_large_is_said_before_it_is_tried(monkeypatch):
    net, X, y, _ = convex("bce", 0.1)
    monkeypatch.setattr("constructions.penalised.search.MOST_PARAMETERS", 8)
    monkeypatch.setattr("constructions.critical.search.MOST_PARAMETERS", 8)
    found, why = proved(net, X, y, "bce", 0.1)
    assert found is None
    assert why.startswith("9 parameters and 90 outputs are too many for a proof")
    assert "up to 8 parameters" in why
