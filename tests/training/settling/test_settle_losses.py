"""Cross-entropies and weight decay: where networks settle, and where they run to infinity."""

import numpy as np
import pytest
from settling_problems import corners, loss_by_loops, norm, random_network, shaken

from geomcore import ReLUNetwork
from training import settle
from training.settling.settled import SEPARATED

CASES = [
    ("cross_entropy", 0.0),
    ("bce", 0.0),
    ("mse", 0.02),
    ("cross_entropy", 0.02),
    ("bce", 0.01),
    ("class_weighted", 0.05),
]


def confused(n=10):
    """Corners with some labels changed, so that a few units cannot tell the classes apart."""
    X, y = corners(n)
    y = y.copy()
    y[::4] = 1 - y[::4]
    return X, y


def weights_of(loss, y):
    return 1 / np.bincount(y)[y] if loss == "class_weighted" else np.full(len(y), 1 / len(y))


@pytest.mark.parametrize(("loss", "decay"), CASES)
def test_they_settle_where_no_slope_is_left_but_what_kinks_hold(loss, decay):
    X, y = confused()
    found = settle(random_network((2, 3, 2), 0), X, y, loss=loss, weight_decay=decay)
    assert found.is_critical and not found.is_fitted and found.smallest_eigenvalue > 0
    assert found.gradient_norm < 1e-13 and found.loss < found.loss_before
    own = loss_by_loops(found.network, X, np.eye(2)[y], weights_of(loss, y), loss, decay)
    assert found.loss == pytest.approx(own, rel=1e-12)
    rng = np.random.default_rng(0)
    for size in (1e-5, 1e-3):
        for _ in range(50):
            other = shaken(found.network, size, rng)
            lower = loss_by_loops(other, X, np.eye(2)[y], weights_of(loss, y), loss, decay)
            assert lower >= own - 1e-14


@pytest.mark.parametrize(("loss", "decay"), CASES)
def test_what_is_settled_stays_where_it_is(loss, decay):
    X, y = confused()
    first = settle(random_network((2, 3, 2), 1), X, y, loss=loss, weight_decay=decay)
    second = settle(first.network, X, y, loss=loss, weight_decay=decay)
    assert first.is_critical and second.is_critical
    assert second.moved < 1e-11 * norm(first.network)
    assert [k[:3] for k in second.kinks] == [k[:3] for k in first.kinks]
    assert first.summary().startswith("critical point; ")
    assert ("weight decay" in first.summary()) == bool(decay)


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_told_apart_runs_to_infinity(loss, seed):
    X, y = corners()
    found = settle(random_network((2, 12, 2), seed), X, y, loss=loss)
    assert found.reason == SEPARATED and found.loss <= found.loss_before
    assert (found.network(X).argmax(axis=1) == y).all()
    again = settle(found.network, X, y, loss=loss)
    assert again.reason == SEPARATED and again.moved < 1e-12 * norm(again.network)


def test_one_output_may_tell_two_classes_apart():
    X, y = corners()
    found = settle(random_network((2, 12, 1), 0), X, y[:, None].astype(float), loss="bce")
    assert found.reason == SEPARATED
    assert ((found.network(X)[:, 0] > 0) == y).all()


def test_targets_that_leave_doubt_are_reached_and_not_run_after():
    X = np.array([[0.0], [1.0]])
    soft = np.array([[0.8, 0.2], [0.3, 0.7]])
    found = settle(random_network((1, 4, 2), 1), X, soft, loss="cross_entropy")
    p = np.exp(found.network(X))
    np.testing.assert_allclose(p / p.sum(axis=1, keepdims=True), soft, rtol=1e-9)
    assert found.is_critical


def test_units_that_are_never_on_go_to_zero_with_strong_weight_decay():
    X, y = confused()
    W1, b1 = np.array([[1.0, 0.5], [-1, -1], [-0.5, 1]]), np.array([0.1, -9.0, 0.3])
    net = ReLUNetwork([W1, np.ones((2, 3))], [b1, np.zeros(2)])
    found = settle(net, X, y, weight_decay=0.3)
    assert found.is_critical and all(k.unit != 1 for k in found.kinks)
    W1, b1, W2, _ = found.network.tensors
    assert not W1[1].any() and b1[1] == 0 and not W2[:, 1].any()
    free = settle(net, X, y)
    assert free.network.weights[0][1].any()


def test_strong_decay_leaves_nothing_but_zero():
    X, y = confused()
    found = settle(random_network((2, 3, 2), 0), X, y, loss="cross_entropy", weight_decay=50.0)
    assert found.is_critical and norm(found.network) < 0.1
    assert not found.network.weights[0].any()


@pytest.mark.parametrize("decay", [1e-4, 0.01])
def test_units_at_rest_that_would_be_of_use_are_put_to_use(decay):
    X, y = corners()
    dead = ReLUNetwork([np.zeros((3, 2)), np.zeros((2, 3))], [np.zeros(3), np.zeros(2)])
    found = settle(dead, X, y, weight_decay=decay)
    assert found.is_critical and found.loss < 0.45  # 0.5 is what a constant reaches
    assert (found.network.weights[0] != 0).any()


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_the_cross_entropy_of_one_output_is_constant_and_leaves_the_decay(decay):
    X, net = corners()[0], random_network((2, 3, 1), 0)
    found = settle(net, X, np.zeros(len(X), int), loss="cross_entropy", weight_decay=decay)
    assert found.is_critical and found.loss == found.gradient_norm == 0.0
    assert (found.network.packed()[0] == 0).all() if decay else found.moved == 0.0
