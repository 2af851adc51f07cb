"""What `verify` says of trained networks: exact minima next to them, and minima with a slack."""

import dataclasses
import json
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import naive
import numpy as np
import pytest
from flint import arb
from planted import planted
from scipy.optimize import minimize

from constructions import Certificate, check_certificate, recheck, verify
from constructions.proof.exact import precision
from constructions.verdicts import SLACK
from constructions.verification.near import _apart, nearest
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, move, split

APART = [(0, 0, 0), (0, 1, 1)]


def first_minimum(kinks=APART):
    for seed in range(200):
        made = planted((2, 3, 2), 14, kinks, seed)
        if made is not None and verify(*made).verdict == "local minimum":
            return made
    raise AssertionError("no planted minimum is proved")


def trained(widths, X, Y, seed):
    """A network that BFGS has brought to where it stops."""
    rng = np.random.default_rng(seed)
    shapes = [(m, n) for n, m in pairwise(widths)]
    start = ReLUNetwork(
        [rng.standard_normal(s) * np.sqrt(2 / s[1]) for s in shapes],
        [0.1 * rng.standard_normal(s[0]) for s in shapes],
    )

    def loss(theta):
        tensors, h, seen = split(theta, start), X, []
        for W, b in zip(tensors[0:-2:2], tensors[1:-2:2], strict=True):
            seen.append((h, h @ W.T + b))
            h = np.maximum(seen[-1][1], 0)
        error = h @ tensors[-2].T + tensors[-1] - Y
        slope = 2 * error / len(X)
        parts = [slope.T @ h, slope.sum(axis=0)]
        for l in reversed(range(len(seen))):
            slope = (slope @ tensors[2 * l + 2]) * (seen[l][1] > 0)
            parts = [slope.T @ seen[l][0], slope.sum(axis=0), *parts]
        return (error**2).sum() / len(X), np.concatenate([p.ravel() for p in parts])

    found = minimize(loss, flatten(start.tensors), jac=True, method="BFGS", options={"gtol": 1e-14})
    tensors = split(found.x, start)
    return ReLUNetwork(tensors[0::2], tensors[1::2])


def test_a_trained_network_is_proved_to_be_next_to_a_minimum():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 2))
    Y = np.stack([np.abs(X[:, 0]), X[:, 1] ** 2], axis=1)
    verdicts = []
    for seed in range(6):
        found = verify(trained((2, 3, 2), X, Y, seed), X, Y)
        verdicts.append(found.verdict)
        if found.verdict == "local minimum":
            assert found.proved and found.distance < 1e-6 and found.witness is None
            assert found.critical["rank"] > 0 and found.critical["eigenvalue"] > 0
            # only of the best of a cell is it said that no network within a radius is lower
            assert found.critical["argument"] == "critical point" and found.radius is None
    assert verdicts.count("local minimum") >= 2


def test_kinks_are_told_with_their_multipliers():
    found = verify(*first_minimum())
    assert {(k.layer, k.point, k.unit) for k in found.kinks} == {(1, 0, 0), (1, 1, 1)}
    assert all(0 < k.multiplier < k.rise for k in found.kinks)
    assert (found.slack, found.radius, found.basin, found.lower_bound) == (0.0, None, None, 0.0)
    summary = found.summary()
    assert "on a kink          layer 1, unit 0 at point 0: 0 < " in summary
    assert "exact point        at most" in summary


def test_slopes_at_a_kink_are_what_multipliers_say():
    net, X, Y = first_minimum([(0, 0, 0)])
    (kink,) = verify(net, X, Y).kinks

    def loss(shift):
        biases = [b.astype(np.longdouble) for b in net.biases]
        biases[0][kink.unit] += shift
        h = np.maximum(X @ net.weights[0].T + biases[0], 0)
        return ((h @ net.weights[1].T + biases[1] - Y) ** 2).sum(axis=1).mean()

    # the bias moves the unit at all points, but the loss is stationary in it where it is off
    step = 2.0**-26
    slopes = [float((loss(s * step) - loss(0)) / step) for s in (-1, 1)]
    assert slopes[0] == pytest.approx(kink.multiplier, rel=1e-3)
    assert slopes[1] == pytest.approx(kink.rise - kink.multiplier, rel=1e-3)


def test_a_certificate_of_a_critical_point_goes_to_a_file_and_back_and_is_confirmed():
    net, X, Y = first_minimum()
    found = verify(net, X, Y)
    again = Certificate.from_json(found.to_json())
    assert again == found
    assert all(check.passed for check in recheck(again, net, X, Y))


@pytest.mark.parametrize(
    "change",
    [
        {"rank": 3},
        {"rank_error": 0.0},
        {"argument": "fit"},
        {"eigenvalue": 1e9},
        {"uniqueness": 1.0},
        {"kinks": []},
    ],
)
def test_what_is_altered_in_a_critical_point_is_named(change):
    net, X, Y = first_minimum()
    found = verify(net, X, Y)
    if all(found.critical[key] == value for key, value in change.items()):
        return  # it says that already
    other = dataclasses.replace(found, critical={**found.critical, **change})
    assert "critical" in [c.name for c in recheck(other, net, X, Y) if c.passed is False]


@pytest.mark.parametrize("key", ["multiplier", "rise", "point", "unit", "layer"])
def test_an_altered_kink_is_named(key):
    net, X, Y = first_minimum()
    found = verify(net, X, Y)
    first, *rest = found.critical["kinks"]
    wrong = {**first, key: first[key] + 1}
    other = dataclasses.replace(found, critical={**found.critical, "kinks": [wrong, *rest]})
    assert "critical" in [c.name for c in recheck(other, net, X, Y) if c.passed is False]


@pytest.mark.parametrize("field", ["distance", "gap", "slack"])
def test_altered_bounds_of_a_critical_point_are_named(field):
    net, X, Y = first_minimum()
    found = verify(net, X, Y)
    value = getattr(found, field)
    other = dataclasses.replace(found, **{field: value / 8 if value else 1e-3})
    assert field in [c.name for c in recheck(other, net, X, Y) if c.passed is False]


@pytest.mark.parametrize(
    ("above", "move", "is_next"),
    [
        (0.99e-12, 0.0, True),  # 1e-4 rtol of the longest squared target, which is 1
        (1.01e-12, 0.0, False),
        (-0.99e-12, 0.0, True),
        (-1.01e-12, 0.0, False),
        (0.0, 4.99e-8, True),  # rtol times the norm of (3, 4)
        (0.0, 5.01e-8, False),
    ],
)
def test_next_to_an_exact_point_are_parameters_and_loss(above, move, is_next):
    net = ReLUNetwork([[[3.0]]], [[4.0]])
    labels = SimpleNamespace(targets=np.array([[0.5], [-1.0]]))
    with precision(192):
        problem = SimpleNamespace(net=net, labels=labels, loss=arb(0.25) + arb(above))
    found = SimpleNamespace(moves=[move], distance=move, is_zero=False, loss=arb(0.25))
    assert (_apart(problem, found, 1e-8, None) is None) == is_next


@pytest.mark.parametrize(("share", "told"), [(0.9e-6, True), (1.1e-6, False)])
def test_a_slack_is_far_below_what_a_curvature_does_in_the_cell(monkeypatch, share, told):
    # a local one: the last point twice, with two labels
    net, X, y = bottleneck(2.0**-52)
    V = net.weights[1].copy()
    V[:, 4] = [0.0, -0.25, 0.0, 0.25]
    about = ReLUNetwork([net.weights[0], V], net.biases), np.vstack([X, X[-1:]]), np.r_[y, 1]
    slack = verify(*about).slack
    radius = (slack / share / 5.0) ** 0.5
    near = "constructions.verification.near."
    monkeypatch.setattr(near + "smallest_eigenpair", lambda *a: (0.0, 5.0, None))
    monkeypatch.setattr(near + "cell_radius", lambda *a: radius)
    assert (verify(*about).slack > 0) == told


def test_the_checker_examines_all_but_the_critical_point_itself():
    net, X, Y = first_minimum()
    stated = json.loads(verify(net, X, Y).to_json())
    answer = check_certificate(
        stated, net.weights, net.biases, X, np.unique(Y, axis=0), _classes(Y)
    )
    open_ = {field for field, holds, _ in answer if holds is None}
    assert {"critical", "distance", "verdict", "slack"} <= open_
    assert not [field for field, holds, _ in answer if holds is False]


def _classes(Y):
    return np.unique(Y, axis=0, return_inverse=True)[1].ravel()


@pytest.mark.parametrize("step", [1e-5, 1e-3])
def test_what_is_not_next_to_the_minimum_is_not_called_one(step):
    net, X, Y = first_minimum()
    way = np.random.default_rng(0).standard_normal(net.parameter_count)
    other = move(net, way, step / np.linalg.norm(way))
    found = verify(other, X, Y)
    assert found.verdict not in ("global minimum", "local minimum")


def test_a_layer_may_not_move_by_more_than_its_own_size_allows():
    # all of the network is large, its last layer small
    net, X, Y = first_minimum([])
    weights = [net.weights[0] * 1e8, net.weights[1] * (1e-8 * (1 + 1e-6))]
    moved = ReLUNetwork(weights, [net.biases[0] * 1e8, net.biases[1]])
    assert verify(moved, X, Y).verdict not in ("global minimum", "local minimum")


def test_a_subset_of_the_parameters_is_not_what_is_proved():
    net, X, Y = first_minimum()
    assert verify(net, X, Y, subset=["W1", "b1", "W2"]).critical is None


def test_the_best_of_a_cell_has_a_radius_and_a_bound_but_no_basin():
    found = verify(*first_minimum([]))
    assert found.critical["argument"] == "fit" and found.kinks == ()
    assert found.radius > 0 and found.basin is None
    assert 0 < found.lower_bound <= found.loss_bound and found.gap < 1e-12


@pytest.mark.parametrize(
    ("factor", "passed"), [(1.0, True), (0.5, None), (2.0, None), (0.1, False), (10.0, False)]
)
def test_distances_that_are_rounding_are_compared_loosely(factor, passed):
    net, X, Y = first_minimum()
    found = verify(net, X, Y)
    other = dataclasses.replace(found, distance=found.distance * factor)
    assert {c.name: c.passed for c in recheck(other, net, X, Y)}["distance"] is passed


def test_a_critical_point_that_is_not_there_or_not_stated_is_named():
    net, X, Y = first_minimum()
    found = verify(net, X, Y)
    for other, about in (
        (dataclasses.replace(found, critical=None), (net, X, Y)),
        (dataclasses.replace(verify(*bottleneck(0.0)), critical=found.critical), bottleneck(0.0)),
    ):
        assert "critical" in [c.name for c in recheck(other, *about) if c.passed is False]


# With a slack


def bottleneck(step):
    """Four classes; what three units pass of the first one is constant, but for `step` of a weight.

    On the first class F = v_1 (h_1 - h_3) + v_2 (h_2 - h_3) has to be constant: V W = 0 with V of
    rank 2 and W of rank 1, which are more equations than V and W answer to, and no two columns of V
    are parallel.
    """
    rng = np.random.default_rng(0)
    near, far = rng.uniform(-1, 1, (8, 2)) + [3.0, 0.0], rng.uniform(-1, 1, (8, 2)) - [5.0, 0.0]
    X = np.vstack([near, far, [[-5.0, 7.0], [-5.0, -7.0]]])
    W = np.array([[1.0, 0.3], [1.0 + step, 0.3], [1.0, 0.3], [0.0, 1.0], [0.0, -1.0]])
    first, second = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, -1.0, -3.0, 3.0])
    T = np.eye(4)
    V = [first, second, -first - second, (T[2] - T[1]) / 2, (T[3] - T[1]) / 2]
    biases = [1.0, 0.5, 0.25, -5.0, -5.0], T[1]
    return ReLUNetwork([W, np.column_stack(V)], biases), X, np.repeat(np.arange(4), [8, 8, 1, 1])


def narrow_bottleneck(step):
    """Three classes, and V and W of rank 1: the two columns of V are parallel."""
    net, X, y = bottleneck(step)
    V = np.array([[2.0, -2.0, 0.0], [-2.0, 2.0, -0.5], [0.0, 0.0, 0.5]])
    return (
        ReLUNetwork([net.weights[0][[0, 1, 3]], V], [[1.0, 0.5, -5.0], [0, 1, 0]]),
        X[:-1],
        y[:-1],
    )


def test_behind_parallel_columns_an_exact_point_is_proved():
    found = verify(*narrow_bottleneck(2.0**-52))
    assert (found.verdict, found.proved, found.slack) == ("global minimum", True, 0.0)
    assert found.critical["argument"] == "fit" and 0 < found.distance < 1e-14
    assert all(check.passed for check in recheck(found, *narrow_bottleneck(2.0**-52)))


def test_where_no_exact_point_is_proved_the_statement_has_a_slack():
    found = verify(*bottleneck(2.0**-52))
    assert (found.verdict, found.proved) == ("global minimum", True)
    assert found.critical["argument"] == "slack" and found.distance is None
    assert 1e-33 < found.loss_bound <= found.slack <= 1e-29 and found.lower_bound == 0
    assert found.radius > 0.1
    assert "slack" in found.summary()
    again = Certificate.from_json(found.to_json())
    assert all(check.passed for check in recheck(again, *bottleneck(2.0**-52)))


def test_a_slack_is_all_that_is_said_of_it():
    assert verify(*bottleneck(2.0**-52)).critical == {
        "argument": "slack",
        "rank": 0,
        "rank_error": 0.0,
        "eigenvalue": 0.0,
        "uniqueness": 0.0,
        "kinks": [],
    }


def test_a_slack_above_a_bound_that_is_not_0_is_that_of_a_local_minimum():
    # the last point twice, with two labels: its share of the loss stays
    net, X, y = bottleneck(2.0**-52)
    V = net.weights[1].copy()
    V[:, 4] = [0.0, -0.25, 0.0, 0.25]
    net = ReLUNetwork([net.weights[0], V], net.biases)
    X, y = np.vstack([X, X[-1:]]), np.r_[y, 1]
    found = verify(net, X, y)
    assert (found.verdict, found.critical["argument"]) == ("local minimum", "slack")
    least = Fraction(1, 19)  # 2 (1/2)^2 2 / 19
    assert 0 < least - Fraction(found.lower_bound) < Fraction(1, 2**55)
    assert 0 < Fraction(found.loss_bound) - least and 1e-33 < found.slack < 1e-28
    exact = naive.exact_loss(net.weights, net.biases, X, np.eye(4)[y])
    assert 0 <= Fraction(found.slack) - (exact - least) < Fraction(1, 10**36)


@pytest.mark.parametrize(("error", "told"), [(2.0**-24, True), (2.0**-23, False)])
def test_a_loss_that_is_next_to_zero_needs_no_cell(error, told):
    # on a kink at the second point; the last three are not on a line; 9e-16 is what may be told
    X = np.array([[-1.0], [0.0], [1.0], [2.0], [3.0]])
    Y = np.maximum(X, 0)
    Y[3] += error
    found = verify(ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]]), X, Y)
    assert found.loss == error**2 / 5
    if told:
        assert (found.verdict, found.proved, found.distance) == ("global minimum", True, None)
        assert found.slack == found.loss_bound and found.radius is None
    else:
        assert found.verdict not in ("global minimum", "local minimum") and found.slack == 0


def test_a_slack_is_small_beside_the_targets():
    for step, told in ((0.97e-9, True), (1.1e-9, False)):
        net, X, y = bottleneck(step)
        weights, biases = ([t[0], t[1] * 1e-3] for t in (net.weights, net.biases))
        found = verify(ReLUNetwork(weights, biases), X, y, targets=np.eye(4) * 1e-3)
        assert found.loss == pytest.approx(96.685e-6 * step**2, rel=1e-4)
        assert (found.slack > 0) == told


def test_bounds_of_the_best_of_a_cell_are_confirmed_by_exact_arithmetic():
    count = 0
    for seed in range(12):
        made = planted((2, 2, 1), 16, [], seed)
        found = None if made is None else verify(*made)
        if found is None or found.critical is None or found.critical["argument"] != "fit":
            continue
        (net, X, Y), count = made, count + 1
        answer = check_certificate(
            json.loads(found.to_json()),
            net.weights,
            net.biases,
            X,
            np.unique(Y, axis=0),
            _classes(Y),
        )
        holds = {field: held for field, held, _ in answer}
        assert holds["lower_bound"] and holds["gap"] and holds["loss_bound"]
    assert count >= 5


@pytest.mark.parametrize(
    ("step", "rtol", "told"),
    [
        (0.97e-9, 1e-8, True),
        (1.1e-9, 1e-8, False),
        (0.97e-9, 1e-9, False),
        (0.97e-7, 1e-5, True),
        (1.1e-7, 1e-5, False),
    ],
)
def test_a_slack_is_at_most_the_square_of_the_tolerance_and_small(step, rtol, told):
    found = verify(*bottleneck(step), rtol=rtol)
    assert found.loss == pytest.approx(96.685 * step**2, rel=1e-4)
    if told:
        assert found.verdict == "global minimum" and found.slack == found.loss_bound
        assert found.slack <= 1e-6 * found.radius**2
    else:
        assert found.slack == 0.0 and found.critical is None


def test_an_exact_bottleneck_needs_no_slack():
    found = verify(*bottleneck(0.0))
    assert (found.verdict, found.slack, found.critical) == ("global minimum", 0.0, None)


# Which of several points is told


def points(*kinds):
    """Points of some kinds, "minimum", "saddle" or None, with a distance each."""
    for i, kind in enumerate(kinds):
        ways = (np.ones(1),) if kind == "saddle" else ()
        yield (None if kind is None else SimpleNamespace(ways_down=ways, distance=i)), f"{kind} {i}"


def test_a_minimum_is_told_first_and_then_a_saddle():
    found, told, saddle = nearest(points(None, "saddle", "minimum"), lambda one: None)
    assert found.distance == 2 and saddle is None
    assert (told.passed, told.value, told.detail) == (True, 2, "minimum 2")
    found, told, saddle = nearest(points(None, "saddle", "saddle"), lambda one: None)
    assert found is None and saddle[1] == "saddle 1"
    assert (told.passed, told.value, told.detail) == (False, None, "None 0")
    found, told, saddle = nearest(points("saddle", "minimum", "minimum"), lambda one: "it is far")
    assert found is None and saddle is None
    assert (told.passed, told.value, told.detail) == (False, 1, "minimum 1, but it is far")


def test_a_slack_that_is_told_has_passed_its_check():
    found = verify(*bottleneck(2.0**-52))
    checks = {check.name: check for check in found.checks}
    assert checks[SLACK].passed and checks[SLACK].value == found.slack
    none = verify(*first_minimum([]))
    assert SLACK not in {check.name for check in none.checks if check.passed}
