"""Verdicts for cross-entropies and with weight decay, and their certificates."""

import dataclasses
import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from decayed import blobs, loss_of, network_of, objective, planted_decayed, trained

from constructions import Certificate, check_certificate, recheck, verify
from constructions.verdicts import CRITICAL, DESCENT
from constructions.verification.near_strict import NOTHING, _rounded, _size
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import flatten, move, split
from training.settling.bfgs import bfgs

ONE = [(0, 0, 0), (0, 1, 1)]
LOSSES = ("mse", "class_weighted", "cross_entropy", "bce")


def settled(loss, decay, seed, widths=(2, 3, 3)):
    X, y = blobs(seed)
    return trained(widths, X, np.eye(3)[y], loss, decay, seed), X, y


@functools.cache
def example(k):
    """(network, X, y, loss, decay, verdict): settled, shaken, and planted ones."""
    if k == 6:
        net, X, Y = planted_decayed((2, 2, 2), 14, [], 5, loss="bce")
        return net, X, Y, "bce", 1e-3, None
    loss = ("mse", "cross_entropy", "bce")[k // 2]
    net, X, y = settled(loss, 0.02, 1)
    if k % 2 == 0:
        return net, X, y, loss, 0.02, "local minimum"
    way = np.random.default_rng(0).standard_normal(net.parameter_count)
    return move(net, way, 0.01), X, y, loss, 0.02, "not stationary"


@pytest.mark.parametrize("k", range(7))
def test_verdicts_are_proved_and_confirmed(k):
    net, X, y, loss, decay, verdict = example(k)
    found = verify(net, X, y, loss=loss, weight_decay=decay, rtol=1e-5)
    assert verdict in (None, found.verdict) and found.proved == (found.verdict != "undetermined")
    assert (found.loss_name, found.weight_decay) == (loss, decay)
    Y = as_labels(y, len(X)).Y
    value = float(loss_of(net.tensors, X, Y, loss, decay))
    assert found.loss_floor * (1 - 1e-12) <= value <= found.loss_bound * (1 + 1e-12)
    assert found.loss_floor <= found.loss <= found.loss_bound and found.radius is None
    again = Certificate.from_json(found.to_json())
    assert again == found
    assert all(check.passed for check in recheck(again, net, X, y))
    if found.witness is not None:
        assert found.witness["loss"] < found.loss_floor
        step = found.witness["step"]
        tensors = [
            np.array(p[key]) for p in found.witness["direction"] for key in ("weights", "biases")
        ]
        after = split(flatten(net.tensors) + step * flatten(tensors), net)
        reached = float(loss_of(after, X, Y, loss, decay))
        assert reached <= found.witness["loss"] * (1 + 1e-12) < found.loss


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_an_altered_certificate_is_not_confirmed(k):
    net, X, y, loss, decay, _ = example(k)
    found = verify(net, X, y, loss=loss, weight_decay=decay, rtol=1e-5)
    changes = {
        "loss": found.loss * 1.01,
        "loss_bound": found.loss_bound * 1.01,
        "loss_floor": found.loss_floor * 0.9,
        "loss_name": "bce" if loss != "bce" else "mse",
        "weight_decay": decay * 1.1,
        "verdict": "global minimum",
        "accuracy": found.accuracy + 0.1,
        "gradient_norm": found.gradient_norm + 1,
        "distance": 1e-30 if found.distance else 1.0,
        "lower_bound": found.loss_floor,
    }
    if found.witness is not None:
        changes["witness"] = {**found.witness, "loss": found.witness["loss"] * 0.9}
    for name, value in changes.items():
        wrong = dataclasses.replace(found, **{name: value})
        bad = {check.name for check in recheck(wrong, net, X, y) if check.passed is not True}
        assert bad, name
        assert name in bad or name in ("loss_name", "weight_decay")


def test_the_checker_says_that_it_does_not_examine_them():
    net, X, y, *_ = example(0)
    labels = as_labels(y, len(X))
    data = net.weights, net.biases, X, labels.targets, labels.index
    for options in ({"loss": "bce"}, {"loss": "cross_entropy"}):
        found = verify(net, X, y, rtol=1e-5, **options)
        findings = check_certificate(json.loads(found.to_json()), *data)
        assert {f.holds for f in findings} == {None}
        assert {f.detail for f in findings} == {"the loss is not a squared error alone"}
    # of one with decay, all but that a local minimum is one
    found = json.loads(verify(net, X, y, rtol=1e-5, weight_decay=0.02).to_json())
    holds = {f.field: f.holds for f in check_certificate(found, *data)}
    assert found["verdict"] == "local minimum" and False not in holds.values()
    assert holds["loss"] and holds["lower_bound"] and holds["gap"]
    assert holds["verdict"] is holds["distance"] is holds["critical"] is None
    found = json.loads(verify(net, X, y).to_json())
    assert all(f.holds is not False for f in check_certificate(found, *data))
    # said of one loss, shown for another
    for lie in ({"weight_decay": 0.02}, {"loss_name": "bce"}, {"weight_decay": "0"}):
        holds = {f.field: f.holds for f in check_certificate(found | lie, *data)}
        assert holds["verdict"] is not True
    assert not all(f.holds for f in check_certificate(found | {"loss_name": "hinge"}, *data))


def test_one_affine_layer_has_a_global_minimum():
    X, y = blobs(0, N=30)
    Y = np.eye(3)[y]
    for loss, decay in (("cross_entropy", 0.01), ("bce", 0.01), ("mse", 0.01), ("bce", 0.0)):
        function, theta = objective((2, 3), X, Y, loss, decay), np.zeros(9)
        for _ in range(3):
            theta = bfgs(function, theta, iterations=500).theta
        net = network_of((2, 3), theta)
        found = verify(net, X, y, loss=loss, weight_decay=decay, rtol=1e-6)
        assert found.verdict == "global minimum" and found.proved and found.gap < 1e-12
        assert 0 < found.lower_bound <= found.loss
        assert found.lower_bound <= function(np.zeros(9))[0]


def test_a_loss_of_zero_with_decay_is_that_of_zeros():
    net = ReLUNetwork([np.zeros((2, 1)), np.zeros((1, 2))], [np.zeros(2), np.zeros(1)])
    found = verify(net, [[1.0], [2.0]], [[0.0], [0.0]], weight_decay=0.1)
    assert (found.verdict, found.distance, found.proved) == ("global minimum", 0.0, True)


def test_separable_labels_without_decay_are_never_at_a_minimum():
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    for scale in (1.0, 20.0, 300.0, 1e5, 1e300):
        net = ReLUNetwork([[[-scale], [scale]]], [[0.0, 0.0]])
        deep = ReLUNetwork([[[1.0], [-1.0]], [[-scale, scale], [scale, -scale]]], [[0, 0], [0, 0]])
        for one in (net, deep):
            for loss in ("cross_entropy", "bce"):
                found = verify(one, X, y, loss=loss)
                assert found.verdict in ("not stationary", "undetermined")
                if scale == 1:  # later every slope is rounding
                    assert found.verdict == "not stationary" and found.proved


@pytest.mark.parametrize("kind", ["minimum", "falls", "rises too little"])
def test_a_saddle_next_to_it_is_told_as_one_with_a_step_from_the_stored_network(kind):
    """Smooth ones; what falls over a kink is not stationary, whatever the stored slope is."""
    kinks, widths, N = ([], (2, 2, 2), 14) if kind == "minimum" else (ONE, (2, 3, 2), 16)
    count = 0
    for seed in range(12):
        made = planted_decayed(widths, N, kinks, seed, loss="bce", kind=kind)
        if made is None:
            continue
        net, X, Y = made
        found = verify(net, X, Y, loss="bce", weight_decay=1e-3, rtol=1e-6)
        if not found.proved or found.verdict == "local minimum":
            assert not (found.proved and kinks)
            continue
        count += 1
        if kind == "minimum":
            assert (found.verdict, found.critical["argument"]) == ("saddle", "saddle")
            assert found.distance < 1e-6
        else:
            assert found.verdict == "not stationary" and found.critical is None
        way = [np.array(p[k]) for p in found.witness["direction"] for k in ("weights", "biases")]
        after = split(flatten(net.tensors) + found.witness["step"] * flatten(way), net)
        assert float(loss_of(after, X, Y, "bce", 1e-3)) <= found.witness["loss"] * (1 + 1e-12)
        assert found.witness["loss"] < found.loss_floor
        again = Certificate.from_json(found.to_json())
        assert all(check.passed for check in recheck(again, net, X, Y))
    assert count >= 2


def test_far_from_the_exact_point_it_is_not_stationary():
    net, X, y, loss, decay, _ = example(0)
    far = net.rebuild([t * (1 + 1e-6) for t in net.tensors])
    assert verify(far, X, y, loss=loss, weight_decay=decay, rtol=1e-4).verdict == "local minimum"
    near = verify(far, X, y, loss=loss, weight_decay=decay, rtol=1e-8)
    assert near.verdict != "local minimum"


def is_next_to_minimum(shift, rtol=1e-8):
    """One point and one unit, at their minimum with decay 0.1 but for a shift of the last bias."""
    c, e = 1 / np.sqrt(2), -0.1 / (2 * np.sqrt(2))
    w = np.sqrt((3 + e - c) / np.sqrt(2)) / np.sqrt(2)
    net = ReLUNetwork([[[w]], [[w * np.sqrt(2)]]], [[w], [c + shift]])
    found = verify(net, [[1.0]], [[3.0]], weight_decay=0.1, rtol=rtol)
    return found.verdict == "global minimum" and found.distance is not None


def test_near_is_told_by_the_layers():
    assert is_next_to_minimum(1e-9)
    # the loss is higher by 1e-14 only
    assert not is_next_to_minimum(1e-7)


def test_near_is_told_by_the_loss(monkeypatch):
    monkeypatch.setattr("constructions.verification.near_strict.is_close", lambda *given: True)
    assert is_next_to_minimum(1e-8, rtol=1e-11)
    # the loss is higher by 7e-14, where 9e-15 are allowed
    assert not is_next_to_minimum(2.5e-7, rtol=1e-11)
    assert is_next_to_minimum(2.5e-7, rtol=1e-8)


def test_a_layer_of_zeros_is_not_near_one_that_is_none(monkeypatch):
    """The last bias should be 8e-4 and is 0."""
    monkeypatch.setattr(
        "constructions.penalised.search.looks_critical", lambda *given: (True, True)
    )
    net = ReLUNetwork([np.zeros((2, 1)), np.zeros((1, 2))], [np.zeros(2), np.zeros(1)])
    found = verify(net, [[1.0]], [[1e-3]], weight_decay=0.5)
    assert found.distance is None
    exact = ReLUNetwork([np.zeros((2, 1)), np.zeros((1, 2))], [np.zeros(2), [8e-4]])
    found = verify(exact, [[1.0]], [[1e-3]], weight_decay=0.5)
    assert found.verdict == "global minimum" and found.distance is not None


def test_what_is_said_names_the_loss():
    net, X, y, loss, decay, _ = example(2)
    found = verify(net, X, y, loss=loss, weight_decay=decay, rtol=1e-5)
    text = " ".join(found.summary().split())
    assert "mean cross-entropy of the softmax on one-hot targets with weight decay 0.02" in text
    assert "mean squared" not in text and "such as cross-entropy" not in text


# Found by a hostile reader


def test_a_cross_entropy_of_targets_that_do_not_sum_to_one_has_no_bound_of_zero():
    X, Y = np.zeros((2, 1)), np.array([[1 + 5e-7, 0.0]] * 2)
    net = ReLUNetwork([np.zeros((2, 1))], [[50.0000000013978, -1.92874983e-14]])
    found = verify(net, X, Y, loss="cross_entropy", weight_decay=1e-8)
    assert found.loss < 0 and found.loss_floor <= found.loss <= found.loss_bound < 0
    assert found.gap > 0 and found.lower_bound < -1.25e-5
    natural = np.array([[0.1, 0.9], [0.3, 0.7000000000000001]])
    far = ReLUNetwork([np.zeros((2, 1))], [[1e19, 1e19]])
    for one in (far, ReLUNetwork([np.zeros((2, 1))], [[0.0, 0.0]])):
        found = verify(one, [[0.0], [1.0]], natural, loss="cross_entropy")
        assert found.lower_bound == -np.inf and found.gap == np.inf
        assert found.loss_floor <= found.loss_bound and found.verdict != "global minimum"
        again = Certificate.from_json(found.to_json())
        assert again == found


def test_a_witness_lowers_a_negative_loss_too():
    X, Y = np.zeros((2, 1)), np.array([[1 + 5e-7, 0.0]] * 2)
    b = (Y[0, 0] - 1) / 1e-9 * (1 - 1.3472639602911813e-07)
    net = ReLUNetwork([np.zeros((2, 1))], [[b, 0.0]])
    found = verify(net, X, Y, loss="cross_entropy", weight_decay=1e-9)
    assert (found.verdict, found.proved) == ("not stationary", True)
    assert found.witness["loss"] < found.loss_floor < 0


def regression(scale, shift):
    """The exact ridge regression of six points, but for a factor, in other units."""
    x, y = np.array([-2.0, -1, 0.5, 1, 2, 3]), np.array([0.0, 1, 0, 1, 0, 1.5])
    A = np.c_[x, np.ones(6)]
    q = np.linalg.solve(A.T @ A / 3 + 0.01 * np.eye(2), A.T @ y / 3) * scale * (1 + shift)
    return ReLUNetwork([q[None, :1]], [q[1:]]), x[:, None], (y * scale)[:, None]


@pytest.mark.parametrize("scale", [1.0, 2.0**-100, 2.0**100, 2.0**512])
def test_what_is_near_does_not_depend_on_units(scale):
    exact = verify(*regression(scale, 0.0), weight_decay=0.01)
    assert exact.verdict == "global minimum"
    assert verify(*regression(scale, 1e-6), weight_decay=0.01).verdict == "not stationary"


def test_a_tie_goes_to_the_first_class_whatever_the_loss():
    X = np.array([[0.0], [1.0], [2.0]])
    one = ReLUNetwork([np.zeros((1, 1))], [[0.0]])
    for loss in ("mse", "bce"):
        assert verify(one, X, [[0.0], [0.0], [1.0]], loss=loss).accuracy == 2 / 3
    two = ReLUNetwork([np.zeros((2, 1))], [[0.0, 0.0]])
    halves = [[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]]
    for loss in ("mse", "cross_entropy"):
        assert verify(two, X, halves, loss=loss).accuracy == 1 / 3
    # classes are in the order of their targets: (0, 1) before (1, 0)
    assert verify(two, X, [[1.0, 0.0]] * 2 + [[0.0, 1.0]], loss="cross_entropy").accuracy == 1 / 3
    assert verify(two, X, [0, 0, 1], loss="cross_entropy").accuracy == 2 / 3


def test_a_loss_of_exactly_zero_is_a_global_minimum_where_it_stands():
    net = ReLUNetwork([np.zeros((2, 1)), np.zeros((1, 2))], [np.zeros(2), np.zeros(1)])
    found = verify(net, [[1.0], [2.0]], [[0.0], [0.0]], weight_decay=0.5)
    assert (found.verdict, found.proved) == ("global minimum", True)
    assert (found.distance, found.lower_bound, found.slack, found.gap) == (0.0, 0.0, 0.0, 0.0)
    (check,) = [c for c in found.checks if c.name == CRITICAL]
    assert check.passed and check.value == 0.0


def test_a_minimum_has_no_slack_and_a_saddle_bends_down():
    net, X, y, loss, decay, _ = example(2)
    found = verify(net, X, y, loss=loss, weight_decay=decay, rtol=1e-5)
    assert (found.slack, found.lower_bound) == (0.0, 0.0)
    # a unit at rest that would be of use: f = v max(w x + b, 0) + c for y = x on -1 and 1
    zeros = ReLUNetwork([[[0.0]], [[0.0]]], [[0.0], [0.0]])
    found = verify(zeros, [[-1.0], [1.0]], [[-1.0], [1.0]], weight_decay=0.1)
    assert (found.verdict, found.proved, found.slack) == ("saddle", True, 0.0)
    witness = found.witness
    assert witness["order"] == 2 and witness["coefficient"] < 0
    way = np.concatenate([np.ravel(p[k]) for p in witness["direction"] for k in p])
    w, b, v, c = way / np.linalg.norm(way)
    # along t way the loss is 1 + t^2 (0.05 - v max(+-w + b, 0) ...) and higher powers
    gain = v * (max(w + b, 0) - max(b - w, 0))
    exact = 0.05 - gain + c * c
    assert exact <= witness["coefficient"] <= exact + 1e-9


def test_a_layer_of_zeros_may_move_by_next_to_nothing_and_no_other():
    layers = [np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 1))], [[0.0], [0.0], [1e-30]]
    moves = [NOTHING, NOTHING, NOTHING]
    assert _rounded(ReLUNetwork(*layers), moves) == [0.0, NOTHING, NOTHING]
    assert _rounded(ReLUNetwork(*layers), [2 * NOTHING] * 3) == [2 * NOTHING] * 3
    # one weight, or one bias, that is not zero is a size
    parts = ReLUNetwork([[[0.0], [1.0]], [[0.0, 0.0]] * 2], [[0.0, 0.0], [0.0, 1.0]])
    assert _rounded(parts, [NOTHING, NOTHING]) == [NOTHING, NOTHING]


def test_a_loss_is_small_beside_the_longest_target_or_one():
    targets = SimpleNamespace(targets=np.array([[0.0, 3.0], [4.0, 0.0]]))
    for loss, size in (("bce", 1.0), ("cross_entropy", 1.0), ("mse", 16.0)):
        assert _size(SimpleNamespace(loss_name=loss, labels=targets)) == pytest.approx(size)


def test_a_step_down_is_a_check_that_has_not_passed():
    X, y = np.array([[-1.0], [1.0], [2.0]]), [[0.0], [1.0], [0.0]]
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.5], [0.0]])
    found = verify(net, X, y, loss="bce", weight_decay=0.01)
    assert found.verdict == "not stationary"
    assert [c.passed for c in found.checks if c.name == DESCENT] == [False]
