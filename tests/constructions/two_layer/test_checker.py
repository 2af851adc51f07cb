"""The second checker confirms what is true of the bound for all widths, and nothing else."""

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import best_two_layer, check_certificate, verify
from constructions.two_layer.checker import CLAIMS, POWER, _Cone, _is_within, search
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels

RNG = np.random.default_rng(3)


def moons(n):
    """Two noisy half circles, with targets of one output."""
    turn = np.linspace(0, np.pi, n // 2)
    upper, lower = (np.cos(turn), np.sin(turn)), (1 - np.cos(turn), 0.5 - np.sin(turn))
    X = np.concatenate([np.transpose(upper), np.transpose(lower)])
    return X + 0.15 * RNG.normal(size=X.shape), np.repeat([[-1.0], [1.0]], n // 2, axis=0)


LINE = np.linspace(-2, 2, 9)[:, None]
THREE = np.arange(9) % 3
PLANE = RNG.normal(size=(9, 2)) + np.array([[0, 0], [2, 0], [0, 2]])[THREE]
TWICE = np.repeat(np.arange(4.0), 2)[:, None]
# points, targets, decay
PROBLEMS = {
    "moons": (*moons(30), 0.1),
    "line": (LINE, np.sin(2 * LINE), 0.01),
    "two outputs on a line": (LINE, np.column_stack([abs(LINE), np.sign(LINE)]), 0.02),
    "three classes": (PLANE, np.eye(3)[THREE], 0.1),
    "points twice with other targets": (TWICE, np.array([[0.0, 1, 1, 3, 0, 0, 1, -2]]).T, 0.05),
    "one point": (np.array([[1.0, 2.0]]), np.array([[3.0]]), 0.1),
    "large decay": (LINE, np.sin(2 * LINE), 10.0),
}


@cache
def optimum(name):
    X, Y, decay = PROBLEMS[name]
    return best_two_layer(X, Y, weight_decay=decay, gap=1e-9, output_bias="penalised")


@cache
def best_of(name):
    """The best network of a problem, and what its certificate says."""
    X, Y, decay = PROBLEMS[name]
    net = optimum(name).network
    return net, stated(net, X, Y, decay)


def moved(name, by):
    """That network with all parameters moved a little, and what its certificate says."""
    X, Y, decay = PROBLEMS[name]
    tensors = [
        t + by * np.sin(1 + np.arange(t.size)).reshape(t.shape) for t in best_of(name)[0].tensors
    ]
    net = ReLUNetwork(tensors[::2], tensors[1::2])
    return net, stated(net, X, Y, decay)


def stated(net, X, Y, decay, **options):
    """What a certificate of `verify` says, as a file holds it."""
    options = {"rtol": 1e-3} | options
    return json.loads(verify(net, X, Y, weight_decay=decay, **options).to_json())


def findings(certificate, net, X, Y):
    """Whether each field holds."""
    labels = as_labels(Y, len(X))
    about = list(net.weights), list(net.biases), X, labels.targets, labels.index
    return {f.field: f.holds for f in check_certificate(certificate, *about)}


def refused(certificate, net, X, Y):
    return {field for field, holds in findings(certificate, net, X, Y).items() if holds is False}


# by hand: one point at 0 with target 3 and decay 2. An output bias c and a unit with output a cost
# (a + c - 3)^2 + 2 a + c^2, at best 4, at a = c = 1.
POINT, THERE, OPTIMUM = np.zeros((1, 1)), np.array([[3.0]]), 4.0


def one_unit(bias, weight, shift):
    return ReLUNetwork([[[0.0]], [[weight]]], [[bias], [shift]])


@pytest.mark.parametrize("net", [one_unit(1, 1, 1), one_unit(1, 1, 0), one_unit(0.5, 1, -1)])
def test_of_one_point_the_bound_is_the_optimum_by_hand(net):
    given = stated(net, POINT, THERE, 2.0)
    for low, holds in ((1 - 1e-13, True), (1 + 1e-9, False), (1.01, False), (0, True), (-1, True)):
        found = findings({**given, "lower_bound": OPTIMUM * low}, net, POINT, THERE)
        assert found["lower_bound"] is holds


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_best_network_is_confirmed(name):
    (X, Y, _), (net, given) = PROBLEMS[name], best_of(name)
    assert given["verdict"] == "global minimum" and given["slack"] > 0
    found = findings(given, net, X, Y)
    held = {"lower_bound", "gap", "slack", "verdict", "loss", "loss_bound", "loss_floor"}
    assert {field for field in held if found[field] is not True} == set()
    assert False not in found.values() and list(found) == list(CLAIMS)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("shift", [0.01, 0.03])
def test_a_worse_network_is_confirmed_with_its_witness(name, shift):
    (X, Y, _), (net, given) = PROBLEMS[name], moved(name, shift)
    assert given["verdict"] == "not stationary"
    found = findings(given, net, X, Y)
    assert False not in found.values()
    assert found["lower_bound"] and found["gap"] and found["witness"] and found["verdict"]
    fall = {**given["witness"], "loss": given["witness"]["loss"] * (1 - 1e-6)}
    steep = {**given["witness"], "slope": given["witness"]["slope"] * 1.001}
    for witness in (fall, steep):
        assert refused({**given, "witness": witness}, net, X, Y) == {"witness", "verdict"}
    assert refused({**given, "gap": given["gap"] * 0.5}, net, X, Y) == {"gap"}
    if found["gradient_norm"]:  # no unit is so near to its kink that floats may see another one
        wrong = {**given, "gradient_norm": given["gradient_norm"] * 1.01}
        assert refused(wrong, net, X, Y) == {"gradient_norm"}


@pytest.mark.parametrize(
    ("field", "change", "also"),
    [
        ("lower_bound", lambda c: c["lower_bound"] * 1.01, {"slack", "verdict"}),
        ("lower_bound", lambda c: c["lower_bound"] * 0.9, {"lower_bound"}),
        ("lower_bound", lambda c: "inf", {"gap", "slack", "verdict"}),
        ("lower_bound", lambda c: None, {"gap", "slack", "verdict"}),
        ("slack", lambda c: c["slack"] * 0.999, {"verdict"}),
        ("slack", lambda c: 0.0, {"verdict"}),
        ("slack", lambda c: -c["slack"], {"verdict"}),
        ("slack", lambda c: c["rtol"] * c["loss"] * 1.001, {"verdict"}),
        ("rtol", lambda c: c["slack"] / c["loss"] / 2, {"rtol", "slack", "verdict"}),
        ("gap", lambda c: -c["gap"], set()),
        ("loss", lambda c: c["loss"] * (1 + 1e-7), set()),
        ("class_weighted_loss", lambda c: c["class_weighted_loss"] * (1 + 1e-7), set()),
        ("loss_bound", lambda c: c["loss_floor"] * (1 - 1e-12), {"loss"}),
        ("loss_floor", lambda c: c["loss_bound"] * (1 + 1e-12), {"loss"}),
        ("network", lambda c: c["data"], set()),
        ("data", lambda c: c["network"], set()),
        ("points", lambda c: 31, set()),
        ("widths", lambda c: [2, 1, 1], set()),
        ("accuracy", lambda c: 0.1, set()),
        ("margins", lambda c: [1.0], {"activation_margin"}),
        ("subset", lambda c: ["W2", "b2"], set()),
        ("version", lambda c: 2, set()),
        ("proved", lambda c: False, {"proved", "verdict"}),
        ("verdict", lambda c: "saddle", {"slack", "verdict"}),
        ("verdict", lambda c: "not stationary", {"slack"}),
        ("verdict", lambda c: "best", {"slack"}),
        ("colour", lambda c: "red", set()),
    ],
)
def test_what_is_altered_is_refused(field, change, also):
    # "rtol", "proved" and a smaller bound are true themselves; what rests on them is refused
    (X, Y, _), (net, given) = PROBLEMS["line"], best_of("line")
    wrong = refused({**given, field: change(given)}, net, X, Y)
    expected = {field} ^ also if field in also else {field} | also
    if field == "lower_bound" and also == {"lower_bound"}:
        expected = {"slack", "verdict", "gap"} & wrong | {"slack", "verdict"}
    assert wrong == expected


def test_another_weight_decay_has_another_loss():
    (X, Y, decay), (net, given) = PROBLEMS["line"], best_of("line")
    for other in (decay * 1.001, decay * 0.999, decay * 2):
        wrong = refused({**given, "weight_decay": other}, net, X, Y)
        assert wrong >= {"loss", "verdict"}
    for other in (-decay, 0.0, True, "0.01", [decay], np.inf, 10**400):
        assert findings({**given, "weight_decay": other}, net, X, Y)["verdict"] is not True


@pytest.mark.parametrize("name", ["line", "two outputs on a line", "three classes", "one point"])
@pytest.mark.parametrize("shift", [0.0, 1e-4, 0.1])
def test_a_bound_above_the_optimum_is_never_confirmed(name, shift):
    (X, Y, _), (net, given) = PROBLEMS[name], moved(name, shift)
    loss = optimum(name).loss
    for part in (2e-9, 1e-7, 1e-3):
        low = loss * (1 + part)
        lie = {
            "lower_bound": low,
            "slack": max(given["loss_bound"] - low, 0),
            "verdict": "global minimum",
        }
        lie |= {"gap": lie["slack"], "rtol": 0.9, "proved": True, "witness": None}
        found = findings({**given, **lie}, net, X, Y)
        assert found["lower_bound"] is not True and found["verdict"] is not True
        assert found["gap"] is not True


@pytest.mark.parametrize("exponent", [-100, -30, 30, 100])
@pytest.mark.parametrize("name", ["line", "three classes", "points twice with other targets"])
def test_at_any_scale_of_the_targets(name, exponent):
    # f -> s f, with v and w by sqrt(s): the loss without decay is s^2 times, the decay s times;
    # but for the output bias, whose decay does not follow, so that this is not the best one then
    (X, Y, decay), (net, _) = PROBLEMS[name], best_of(name)
    (W, V), (b, c), r = net.weights, net.biases, 2.0**exponent
    net = ReLUNetwork([W * r, V * r], [b * r, c * r * r])
    given = stated(net, X, Y * r * r, decay * r * r)
    found = findings(given, net, X, Y * r * r)
    assert False not in found.values() and found["lower_bound"] is True
    if given["lower_bound"]:
        assert refused({**given, "lower_bound": given["lower_bound"] * 1.5}, net, X, Y * r * r)


@pytest.mark.parametrize("size", [2.0**-200, 2.0**-40, 2.0**40, 2.0**200])
def test_at_any_scale_of_the_points(size):
    X, Y, decay = PROBLEMS["line"]
    net = ReLUNetwork([[[1 / size], [-1 / size]], [[0.5, 0.25]]], [[0.5, 0.25], [0.1]])
    given = stated(net, X * size, Y, decay)
    found = findings(given, net, X * size, Y)
    assert False not in found.values() and found["lower_bound"] is True


def test_residuals_of_zero_prove_nothing():
    net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    X = np.array([[-2.0], [-1.0], [0.0], [1.0]])
    given = stated(net, X, abs(X), 0.01)
    assert given["lower_bound"] == 0 and False not in findings(given, net, X, abs(X)).values()
    assert "lower_bound" in refused({**given, "lower_bound": 1e-300}, net, X, abs(X))
    zeros = ReLUNetwork([np.zeros((2, 1)), np.zeros((1, 2))], [np.zeros(2), np.zeros(1)])
    given = stated(zeros, X, 0 * X, 0.01)
    found = findings(given, zeros, X, 0 * X)
    assert given["verdict"] == "global minimum" and found["verdict"] is True
    assert "lower_bound" in refused({**given, "lower_bound": 1e-300}, zeros, X, 0 * X)


def test_a_search_that_does_not_end_leaves_it_open(monkeypatch):
    (X, Y, _), (net, given) = PROBLEMS["moons"], best_of("moons")
    monkeypatch.setattr("constructions.two_layer.checker.WORK", 2000)
    found = findings(given, net, X, Y)
    for field in ("lower_bound", "gap", "slack", "verdict"):
        assert found[field] is None
    assert False not in found.values() and found["loss"] is True


def test_of_many_coordinates_the_bound_of_norms_is_examined():
    X = RNG.normal(size=(15, 14))
    Y = np.sign(X[:, :1])
    net = ReLUNetwork([np.eye(14)[:2], np.array([[0.2, 0.1]])], [np.zeros(2), np.zeros(1)])
    given = stated(net, X, Y, 3.0)
    assert given["lower_bound"] > 0 and findings(given, net, X, Y)["lower_bound"] is True
    more = {**given, "lower_bound": given["lower_bound"] * 1.5}
    assert findings(more, net, X, Y)["lower_bound"] is not True


@pytest.mark.parametrize(
    ("layers", "loss"), [((1,), "mse"), ((2, 2, 1), "mse"), ((2, 1), "class_weighted")]
)
def test_other_depths_and_losses_with_decay_are_not_examined(layers, loss):
    ends = (1, *layers[:-1])
    net = ReLUNetwork(
        [np.ones((m, n)) for m, n in zip(layers, ends, strict=True)], [np.ones(m) for m in layers]
    )
    given = stated(net, LINE, np.sign(LINE), 0.01, loss=loss)
    assert set(findings(given, net, LINE, np.sign(LINE)).values()) == {None}


def sampled(rows, L, seed, count=4000):
    """The largest value among many unit vectors, in floats."""
    W = np.random.default_rng(seed).normal(size=(count, rows.shape[1]))
    W = np.concatenate([W / np.linalg.norm(W, axis=1, keepdims=True), np.eye(rows.shape[1])])
    return np.linalg.norm(np.maximum(W @ rows.T, 0) @ L, axis=1).max()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 3), st.integers(1, 3))
def test_no_direction_exceeds_what_the_search_confirms(seed, n, d, q):
    # points on each other and on each other's planes, ties everywhere
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.integers(-2, 3, size=(n, d)), np.ones(n, dtype=int)])
    L = rng.integers(-3, 4, size=(n, q))
    tried = sampled(rows, L, seed)
    if not tried:
        return
    for part in (0.5, 0.9, 0.999, 1.001, 1.02, 1.2):
        limit = int(part * tried * 2**60) * 2**POWER
        found, _ = search(rows.astype(object), L.astype(object) * 2**60, limit, limit)
        assert found is False if part < 1 else found is True or part < (1.02, 1.02, 1.2)[d - 1]


def test_where_all_cancels_nothing_is_exceeded():
    rows, L = np.array([[1, 1], [2, 2]], dtype=object), np.array([[2], [-1]], dtype=object)
    assert search(rows, L, 1, 1)[0] is True
    assert search(rows[:1], 0 * L[:1], 0, 0)[0] is True


def test_a_cone_is_within_a_limit_in_both_signs():
    # linear in the first orthant, 10, 10 and -19 at its vertices, and 1 at the middle
    V, one = np.diag(np.array([2**POWER] * 3, dtype=object)), 2**100
    G = np.array([[10], [10], [-19]], dtype=object) * one
    cone = _Cone(V, *(np.zeros((0, k), dtype=object) for k in (3, 3, 1)), G)
    assert not _is_within(cone, 18 * one * 2**POWER)
    assert _is_within(cone, 24 * one * 2**POWER)
