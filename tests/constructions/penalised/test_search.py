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
from flint import arb, arb_mat, fmpq_mat

from constructions.critical.minimum import Kink
from constructions.penalised import search
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


@pytest.mark.parametrize(("name", "limit"), [("MOST_PARAMETERS", 8), ("MOST_NUMBERS", 809)])
def test_what_is_too_large_is_said_before_it_is_tried(name, limit, monkeypatch):
    net, X, y, _ = convex("bce", 0.1)
    monkeypatch.setattr(f"constructions.penalised.search.{name}", limit)
    found, why = proved(net, X, y, "bce", 0.1)
    assert found is None
    assert why.startswith("9 parameters and 90 outputs are too many for a proof")
    monkeypatch.setattr(f"constructions.penalised.search.{name}", limit + 1)
    assert proved(net, X, y, "bce", 0.1)[0] is not None


def test_each_layer_says_how_far_it_moves_and_nothing_of_what_stays():
    # one point x = 1 at its minimum: w, b, v and c as in test_minimum.py
    t, decay = 3.0, 0.1
    c, e = 1 / np.sqrt(2), -decay / (2 * np.sqrt(2))
    r = np.sqrt((t + e - c) / np.sqrt(2))
    w = r / np.sqrt(2)
    net = ReLUNetwork([[[w]], [[r]]], [[w], [c]])
    for tensor, step in enumerate((1e-9, 1e-8, 1e-9, 1e-8)):
        layer, tensors = tensor // 2, [part.copy() for part in net.tensors]
        tensors[tensor].ravel()[0] += step
        found, _ = proved(net.rebuild(tensors), [[1.0]], [[t]], "mse", decay)
        assert found.moves[layer] == pytest.approx(step, rel=1e-4)
        assert found.moves[1 - layer] < 1e-14 and found.distance >= max(found.moves)
        assert not found.is_zero and not found.is_best_of_cell
    # a unit at rest does not move, and neither does its layer if it is all there is
    c = 2 * 0.5 / (2 + decay)
    rest = ReLUNetwork([[[0.0]], [[0.0]]], [[0.0], [c]])
    found, _ = proved(rest, [[1.0]], [[0.5]], "mse", decay)
    assert found.moves[0] == 0.0 and 0 < found.moves[1] < 1e-14
    near = ReLUNetwork([[[1e-9]], [[0.0]]], [[0.0], [c]])
    found, _ = proved(near, [[1.0]], [[0.5]], "mse", decay)
    assert found.moves[0] >= 1e-9 and found.moves[1] < 1e-14


def test_kinks_are_told_in_order_and_by_the_first_of_equal_points():
    made = (
        planted_decayed((2, 3, 2), 16, ONE, seed, loss="cross_entropy", kind="minimum")
        for seed in range(100)
    )
    for net, X, Y in filter(None, made):
        rows = 2 * [5, 1, 0, 2, 3, 4, *range(6, 16)]
        found, _ = proved(net, X[rows], Y[rows], "cross_entropy", 1e-3)
        if found is not None:
            told = [(k.layer, k.point, k.unit) for k in found.kinks]
            assert told == [(1, 1, 1), (1, 2, 0)]
            # a feature of zeros, of either sign, changes nothing
            wide = ReLUNetwork([np.c_[net.weights[0], np.zeros(3)], net.weights[1]], net.biases)
            X = np.c_[X, np.where(np.arange(16) % 2, 0.0, -0.0)]
            found, _ = proved(wide, X[rows], Y[rows], "cross_entropy", 1e-3)
            assert [(k.layer, k.point, k.unit) for k in found.kinks] == told
            return
    raise AssertionError("no minimum")


def test_kinks_of_one_point_are_told_by_units(monkeypatch):
    own = search.strict_point_near

    def with_kinks(problem, theta):
        found, why = own(problem, theta)
        places = [(2, 1, 0), (1, 1, 2), (1, 1, 0), (1, 0, 1)]
        return found._replace(kinks=tuple(Kink(*at, 0.1, 0.2) for at in places)), why

    monkeypatch.setattr(search, "strict_point_near", with_kinks)
    net, X, y, _ = convex("bce", 0.1)
    order = np.lexsort(X.T[::-1])  # so that points are numbered as rows are
    found, _ = proved(net, X[order], np.array(y)[order], "bce", 0.1)
    assert [k[:3] for k in found.kinks] == [(1, 0, 1), (1, 1, 0), (1, 1, 2), (2, 1, 0)]


def test_what_labels_at_one_point_differ_is_part_of_a_squared_loss_with_decay():
    t, decay, gap = 3.0, 0.1, 0.5
    c, e = 1 / np.sqrt(2), -decay / (2 * np.sqrt(2))
    r = np.sqrt((t + e - c) / np.sqrt(2))
    w = r / np.sqrt(2)
    net = ReLUNetwork([[[w]], [[r]]], [[w], [c]])
    found, _ = proved(net, [[1.0], [1.0]], [[t - gap], [t + gap]], "mse", decay)
    expected = e**2 + gap**2 + decay * (r**2 + c**2 / 2)
    assert float(found.loss.mid()) == pytest.approx(expected, rel=1e-12)


def test_slopes_that_do_not_vanish_are_said_once():
    net, X, y, _ = convex("bce", 0.1)
    moved = net.rebuild([part + 0.1 for part in net.tensors])
    labels = labels_of(np.asarray(y), len(X))
    per_class = [arb(1) / len(X)] * len(labels.classes)
    said = list(nearby_strict_points(moved, X, labels, per_class, "bce", 0.1))
    assert said == [(None, "the slope does not vanish, whatever is on its kink")]
    said = list(nearby_strict_points(net, X, labels, per_class, "bce", 0.1))
    assert [why for _, why in said] == ["a local minimum that is smooth, strict"]


@pytest.mark.parametrize("K", [1, 2, 3, 4])
def test_a_softmax_depends_on_the_differences_of_its_logits(K):
    within, functionals = search._that_matter("cross_entropy", K)
    assert within.ncols() == len(functionals) == K - 1
    columns = np.array([[float(v.mid()) for v in row] for row in within.tolist()]).reshape(K, -1)
    rows = np.array([[float(int(v.p)) / int(v.q) for v in row] for row in functionals])
    assert np.allclose(columns.T @ columns, np.eye(K - 1)) and np.allclose(columns.sum(axis=0), 0)
    rows = rows.reshape(-1, K)
    assert (np.linalg.svd(rows, compute_uv=False) > 1e-9).sum() == K - 1
    assert not rows.sum(axis=1).any()
    within, functionals = search._that_matter("bce", K)
    assert within == arb_mat(K, K, [int(i == j) for i in range(K) for j in range(K)])
    assert fmpq_mat(functionals) == fmpq_mat(np.eye(K, dtype=int).tolist())
