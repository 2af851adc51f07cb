"""A network that is one affine layer: of what is convex in it, a minimum is a global one."""

import dataclasses
import json

import numpy as np
import pytest

from constructions import Certificate, check_certificate, merged, recheck, verify
from constructions.verdicts import CELL, CONVEX, part
from geomcore import ReLUNetwork, datasets
from geomcore.arrays import as_labels

RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 3))
Y = np.arange(24) % 3
LOSSES = ("mse", "class_weighted")


def best(X, y, loss="mse"):
    """The least-squares network, by LAPACK, and its loss."""
    labels = as_labels(y, len(X))
    size = 1 / len(X) if loss == "mse" else 1 / np.bincount(labels.index)[labels.index]
    root = np.sqrt(size * np.ones(len(X)))[:, None]
    rows = np.column_stack([X, np.ones(len(X))])
    T = np.linalg.lstsq(rows * root, labels.Y * root, rcond=None)[0]
    error = ((rows @ T - labels.Y) ** 2).sum(axis=1)
    return ReLUNetwork([T[:-1].T], [T[-1]]), float((size * error).sum())


def confirmed(found, net, X, y, targets=None):
    """What neither `recheck` nor the checker confirms, of the fields that they look at."""
    labels = as_labels(y, len(X), targets=targets)
    stated = json.loads(found.to_json())
    about = net.weights, net.biases, np.asarray(X, float), labels.targets, labels.index
    findings = check_certificate(stated, *about)
    checks = recheck(Certificate.from_json(found.to_json()), net, X, y, targets=targets)
    wrong = {f.field for f in findings if f.holds is False}
    return wrong | {c.name for c in checks if c.passed is False}


# By hand


@pytest.mark.parametrize("loss", LOSSES)
def test_the_least_squares_layer_is_a_global_minimum_of_its_own_loss(loss):
    net, least = best(X, Y, loss)
    found = verify(net, X, Y, loss=loss)
    assert (found.verdict, found.proved, found.slack) == ("global minimum", True, 0.0)
    assert found.lower_bound == pytest.approx(least, rel=1e-12) and found.lower_bound > 0.1
    assert found.lower_bound <= found.loss_bound and found.gap <= 1e-15
    assert confirmed(found, net, X, Y) == set()
    (cell,) = (check for check in found.checks if check.name == CELL)
    assert CONVEX in cell.detail and part(cell, found.verdict, True) == "proof"
    # no network that is drawn is lower
    for _ in range(50):
        other = ReLUNetwork([RNG.normal(size=(3, 3))], [RNG.normal(size=3)])
        assert verify(other, X, Y, loss=loss).loss_floor > found.lower_bound


def test_a_layer_of_another_loss_is_no_minimum():
    y = np.r_[np.zeros(18, int), np.arange(6) % 3]
    net, _ = best(X, y, "class_weighted")
    assert verify(net, X, y).verdict == "not stationary"
    assert verify(net, X, y, loss="class_weighted").verdict == "global minimum"


@pytest.mark.parametrize(("loss", "decay"), [("cross_entropy", 0.1), ("mse", 0.1), ("bce", 0.1)])
def test_the_other_losses_say_the_same_of_what_is_settled(loss, decay):
    settle = pytest.importorskip("training").settle
    net = settle(best(X, Y)[0], X, Y, loss=loss, weight_decay=decay).network
    found = verify(net, X, Y, loss=loss, weight_decay=decay)
    assert (found.verdict, found.proved) == ("global minimum", True)
    assert found.lower_bound == pytest.approx(found.loss, rel=1e-9)


# Laws


@pytest.mark.parametrize(
    "points",
    [
        np.column_stack([X, X[:, 0]]),
        np.column_stack([X, np.ones(24)]),
        np.zeros((24, 2)),
        X[:, :1],
        np.repeat(X[:4], 6, axis=0),
    ],
    ids=["equal columns", "a constant column", "zeros", "one column", "equal points"],
)
def test_dependent_columns_and_equal_points_change_nothing(points):
    net, least = best(points, Y)
    found = verify(net, points, Y)
    assert (found.verdict, found.proved) == ("global minimum", True)
    assert found.lower_bound == pytest.approx(least, rel=1e-11)
    assert confirmed(found, net, points, Y) == set()


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e150])
def test_a_verdict_at_any_scale_is_confirmed_or_not_given(scale):
    net, least = best(scale * X, Y)
    found = verify(net, scale * X, Y)
    if found.verdict == "global minimum":
        assert found.lower_bound <= least * (1 + 1e-9)
    assert confirmed(found, net, scale * X, Y) == set()


def test_one_point_and_two_answers_are_the_best_constant():
    net = ReLUNetwork([np.zeros((2, 1))], [[0.5, 0.5]])
    found = verify(net, [[3.0], [3.0]], [0, 1])
    assert (found.verdict, found.loss, found.lower_bound) == ("global minimum", 0.5, 0.5)
    assert confirmed(found, net, [[3.0], [3.0]], [0, 1]) == set()


@pytest.mark.parametrize("move", [1e-3, 1e-6])
def test_a_little_off_is_no_minimum(move):
    net, _ = best(X, Y)
    other = ReLUNetwork([net.weights[0] + move * RNG.normal(size=(3, 3))], net.biases)
    assert verify(other, X, Y).verdict == "not stationary"


# Bad input


def test_a_layer_alone_of_several_is_a_local_minimum_and_no_file_makes_it_more():
    data = datasets.clusters(n=30, rng=0)
    net = merged(data.X, data.y, [[0, 1], [2]]).network
    found = verify(net, data.X, data.y)
    assert found.verdict == "local minimum"
    claimed = dataclasses.replace(found, verdict="global minimum")
    assert "verdict" in confirmed(claimed, net, data.X, data.y)
    alone = verify(net, data.X, data.y, subset="last")
    claimed = dataclasses.replace(alone, verdict="global minimum")
    assert "verdict" in confirmed(claimed, net, data.X, data.y)


def test_a_file_that_claims_too_much_of_one_layer_is_refused():
    net, _ = best(X, Y)
    found = verify(net, X, Y)
    above = dataclasses.replace(found, lower_bound=found.lower_bound * (1 + 1e-9))
    assert "lower_bound" in confirmed(above, net, X, Y)
    other = ReLUNetwork([net.weights[0] + 1e-3], net.biases)
    claimed = dataclasses.replace(found, network=verify(other, X, Y).network)
    assert {"distance", "verdict"} <= confirmed(claimed, other, X, Y)
