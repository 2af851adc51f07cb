"""What a certificate says of gradient descent with a step, or why it says nothing."""

import dataclasses
import json
import re
from functools import cache

import numpy as np
import pytest
from builders import random_network, random_points
from hypothesis import example, given, settings
from hypothesis import strategies as st

from constructions import (
    Certificate,
    balanced,
    check_certificate,
    construct,
    descent_basin,
    largest_step,
    merged,
    recheck,
    suboptimal,
    verify,
)
from constructions.verdicts import RETURN
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.datasets import clusters, concentric, sequential, single_cone
from geomcore.parameters import unflatten
from training import SGD, hessian, train_ensemble

KEYS = ["radius", "rate", "ball", "strength", "curvature"]


CONFIGURATIONS = {make.__name__: make for make in (clusters, sequential, single_cone, concentric)}
MERGES = {
    "state 000": lambda X, y: suboptimal(X, y, [0, 0, 0]),
    "state 111": lambda X, y: suboptimal(X, y, [1, 1, 1]),
    "merge 0 | 12": lambda X, y: merged(X, y, [[0], [1, 2]]),
}
MINIMA = [f"{name}{rest}" for name in CONFIGURATIONS for rest in ("", ", balanced")] + [*MERGES]


@cache
def minimum(name):
    """A proved minimum and its data: zero loss, balanced or not, a state or a merge."""
    if name in MERGES:
        data = clusters(15, rng=0)
        return MERGES[name](data.X, data.y).network, data
    configuration, _, rest = name.partition(", ")
    data = CONFIGURATIONS[configuration](30, rng=0)
    net = construct(data.X, data.y).network
    return balanced(net, data.X, evaluations=40) if rest else net, data


NET, DATA = minimum("clusters")


def half_way(net, data, **options):
    """The certificate with the largest step that returns from half the radius of the flow."""
    flow = verify(net, data.X, data.y, **options)
    step = largest_step(flow, net, data.X, data.y, flow.basin["radius"] / 2).step
    return flow, verify(net, data.X, data.y, step=step, **options)


def why(found):
    """What a certificate says where it has no basin of descent."""
    (check,) = [check for check in found.checks if check.name == RETURN]
    assert check.passed is None
    return check.detail


def findings(found, net, data):
    labels = as_labels(data.y, len(data.X))
    stated = found if isinstance(found, dict) else json.loads(found.to_json())
    given = net.weights, net.biases, data.X, labels.targets, labels.index
    return {f.field: f.holds for f in check_certificate(stated, *given)}


# By hand


@pytest.mark.parametrize("name", MINIMA)
@pytest.mark.parametrize("loss", ["mse", "class_weighted"])
def test_a_certificate_with_a_step_has_the_basin_of_the_function_beside_that_of_the_flow(
    name, loss
):
    net, data = minimum(name)
    flow, found = half_way(net, data, loss=loss)
    basin = descent_basin(flow, net, data.X, data.y, found.step)
    assert list(found.descent) == KEYS
    assert found.descent == {key: getattr(basin, key) for key in KEYS}
    assert 0.49 * flow.basin["radius"] < found.descent["radius"] < flow.basin["radius"]
    assert dataclasses.replace(found, step=None, descent=None) == flow
    # and another program confirms it, from first principles
    held = findings(found, net, data)
    assert held["step"] is held["descent"] is held["basin"] is True
    assert all(check.passed for check in recheck(found, net, data.X, data.y))


def test_a_summary_tells_of_both_basins():
    flow, found = half_way(NET, DATA)
    text = " ".join(found.summary().split())
    assert f"basin of return {found.basin['radius']:.3g}, rate" in text
    told = re.search(
        "basin of descent (\\S+) with steps of (\\S+), each of which takes (\\S+)", text
    )
    expected = found.descent["radius"], found.step, found.descent["rate"]
    assert [float(part) for part in told.groups()] == pytest.approx(expected, rel=1e-2)
    assert "basin of descent" not in flow.summary()
    large = verify(NET, DATA.X, DATA.y, step=1.0)
    assert "basin of descent none is proved with steps of 1" in " ".join(large.summary().split())
    assert RETURN in large.summary()


def test_a_file_has_both_and_one_that_was_written_before_has_none():
    flow, found = half_way(NET, DATA)
    for one in (flow, found, verify(NET, DATA.X, DATA.y, step=1.0)):
        text = one.to_json()
        again = Certificate.from_json(text)
        assert again == one and again.to_json() == text
        before = {k: v for k, v in json.loads(text).items() if k not in ("step", "descent")}
        read = Certificate.from_json(json.dumps(before))
        assert (read.step, read.descent, read.basin) == (None, None, one.basin)
    stated = json.loads(found.to_json())
    for change in (
        {"step": "0.1"},
        {"step": [0.1]},
        {"step": True},
        {"descent": 1.0},
        {"descent": {**found.descent, "more": 1.0}},
        {"descent": found.basin},
        {"descent": {**found.descent, "rate": "fast"}},
    ):
        with pytest.raises(ValueError, match="certificate"):
            Certificate.from_json(json.dumps(stated | change))


def test_what_differs_first_in_a_basin_is_named():
    _, found = half_way(NET, DATA)
    for key in KEYS:
        wrong = dataclasses.replace(found, descent={**found.descent, key: 0.25})
        (check,) = [c for c in recheck(wrong, NET, DATA.X, DATA.y) if not c.passed]
        assert (check.name, check.passed) == ("descent", False)
        assert check.detail.startswith(f"its {key} is stated 0.25, found ")
    both = dataclasses.replace(found, descent=dict.fromkeys(KEYS, 0.25))
    (check,) = [c for c in recheck(both, NET, DATA.X, DATA.y) if not c.passed]
    assert check.detail.startswith("its radius is stated")


def test_the_step_of_a_file_is_refused_as_that_of_a_call_is():
    _, found = half_way(NET, DATA)
    for step in (np.nan, np.inf, 0.0, -1.0, "0.1", 10**400, True):
        wrong = dataclasses.replace(found, step=step)
        (check,) = [c for c in recheck(wrong, NET, DATA.X, DATA.y) if not c.passed]
        assert (check.name, check.passed) == ("options", False)
        assert check.detail.startswith("step must be a positive number, got ")


# Why there is none


def test_a_step_that_is_too_large_is_told_with_the_curvature_from_both_sides():
    top = np.linalg.eigvalsh(hessian(NET, DATA.X, DATA.y))[-1]
    found = verify(NET, DATA.X, DATA.y, step=1.9 / top)
    assert found.descent is None and found.step == 1.9 / top
    pattern = "L, .* is at least (\\S+) and at most (\\S+) at the minimum; steps of (\\S+) ask for "
    least, most, step = map(float, re.search(pattern, why(found)).groups())
    assert 0 < least <= top <= most <= 3 * top
    assert step == pytest.approx(1.9 / top, rel=1e-3)
    # which steps would do is told, and true
    assert "below" in why(found)
    below = float(re.search("below (\\S+)", why(found)).group(1))
    assert verify(NET, DATA.X, DATA.y, step=below * 0.999).descent is not None
    assert verify(NET, DATA.X, DATA.y, step=below * 1.001).descent is None
    assert "no bound can say" in why(verify(NET, DATA.X, DATA.y, step=1.01 / least))


def test_where_the_last_layer_decides_alone_the_least_curvature_is_the_largest():
    # all points dead: only the last bias moves the output, and 2 is its curvature
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-10.0], [0.5]])
    X, y = [[0.0], [1.0]], [[0.0], [1.0]]
    assert verify(net, X, y, step=0.49).descent is not None
    for step in (0.5, 0.51, 1e308):
        told = why(verify(net, X, y, step=step))
        assert "at least 2 and at most 2.001 at the minimum" in told or "at least 1.99" in told


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"subset": "last"}, "not all parameters may move"),
        ({"subset": "cumulative"}, "not all parameters may move"),
        ({"subset": ("W1", "b1")}, "not all parameters may move"),
        ({"loss": "cross_entropy"}, "the loss is not a squared error alone"),
        ({"weight_decay": 0.01}, "the loss is not a squared error alone"),
    ],
)
def test_what_is_not_full_descent_on_a_squared_error_has_none_and_says_so(options, reason):
    found = verify(NET, DATA.X, DATA.y, step=0.01, **options)
    assert (found.step, found.descent) == (0.01, None)
    assert why(found) == f"none is proved: {reason}"
    assert all(check.passed for check in recheck(found, NET, DATA.X, DATA.y))


def test_all_tensors_by_name_are_all():
    plain = verify(NET, DATA.X, DATA.y, step=0.01)
    assert plain.descent is not None
    assert verify(NET, DATA.X, DATA.y, step=0.01, subset=NET.names) == plain


def test_what_is_no_minimum_or_is_not_pulled_back_has_none_and_says_so():
    state = suboptimal(DATA.X, DATA.y, [0, 0, 1]).network
    assert "no minimum is proved" in why(verify(state, DATA.X, DATA.y, step=0.01))
    # a bottleneck: the first layer is reached through a weight of 1/64 only
    X = np.random.default_rng(0).uniform(-1, 1, (12, 2))
    net = ReLUNetwork([[[1.0, 0.0]], [[2.0**-6]]], [[4.0], [0.0]])
    found = verify(net, X, net(X), step=0.01)
    assert "minimum" in found.verdict and found.basin is None
    assert "does not pull everything back" in why(found)
    # a pre-activation that is zero
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    found = verify(net, [[0.0], [1.0]], [[0.0], [1.0]], step=0.01)
    assert found.descent is None and "may be zero" in why(found)


# Bad input


@pytest.mark.parametrize(
    "step", [np.nan, np.inf, 0, 0.0, -0.0, -0.1, "0.1", 10**400, True, [0.1], 1j, np.array([0.1])]
)
def test_a_step_is_a_positive_number(step):
    with pytest.raises(ValueError, match=r"^step must be a positive number, got "):
        verify(NET, DATA.X, DATA.y, step=step)


@pytest.mark.parametrize("step", [np.float32(0.01), np.float64(0.01), 5e-324, 1e-300, 1e308])
def test_a_step_of_any_size_and_kind_is_answered(step):
    found = verify(NET, DATA.X, DATA.y, step=step)
    assert type(found.step) is float and found.step == step
    assert (found.descent is None) is (found.step in (5e-324, 1e308))
    assert findings(found, NET, DATA)["descent"] is True


# Laws


@pytest.mark.parametrize("name", MINIMA)
def test_a_thousand_runs_from_the_sphere_return_as_fast_as_the_certificate_says(name):
    net, data = minimum(name)
    _, found = half_way(net, data)
    theta, rng = net.packed()[0], np.random.default_rng(1)
    away = rng.normal(size=(1000, len(theta)))
    away *= found.descent["radius"] / np.linalg.norm(away, axis=1)[:, None]
    starts = [unflatten(net, theta + v) for v in away]
    done = train_ensemble(starts, data.X, data.y, optimizer=SGD(found.step), steps=60, record=1)
    above = done.losses.T - found.loss_floor
    promised = above[:, :1] * (1 - found.descent["rate"]) ** np.arange(61)
    assert (above[:, 0] > 0).all()
    # the losses are those of stored numbers, and rounded themselves
    assert (above <= promised * (1 + 1e-9) + 1e-12 * max(found.loss_bound, 1e-12)).all()
    ends = np.array([end.packed()[0] for end in done.networks])
    assert (np.linalg.norm(ends - theta, axis=1) <= found.descent["ball"]).all()


@pytest.mark.parametrize("name", ["clusters", "sequential, balanced", "merge 0 | 12", "state 111"])
def test_no_number_of_it_can_be_bettered_by_much(name):
    net, data = minimum(name)
    _, found = half_way(net, data)
    stated = json.loads(found.to_json())

    def holds(step=found.step, **changes):
        changed = {**stated, "step": step, "descent": {**stated["descent"], **changes}}
        return findings(changed, net, data)["descent"]

    own = found.descent
    assert holds() is True
    # weaker claims are true
    assert holds(radius=own["radius"] / 2) and holds(rate=own["rate"] / 2)
    assert holds(curvature=own["curvature"] * (1 - 1e-12), step=found.step * (1 + 1e-13))
    for better in (
        {"radius": own["radius"] * 1.02},
        {"rate": own["rate"] * (1 + 1e-9)},
        {"strength": own["strength"] * 1.001},
        {"curvature": own["curvature"] * 0.9999},
        {"ball": own["radius"]},
        {"ball": own["ball"] * 1e6},
        {"step": found.step * 1.001},
        {"step": found.step * 2},
        {"step": found.step / 2},  # at which the rate is half as large
    ):
        assert holds(**better) is False, better


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-150, 150), st.floats(-3, 1))
@example(0, 150, 0.0)
@example(0, -150, 0.0)
def test_what_is_claimed_on_any_scale_is_confirmed(seed, scale, share):
    rng = np.random.default_rng(seed)
    net, X = random_network([2, 4, 2], rng), random_points(4, 2, rng=rng)
    weights, biases = list(net.weights), list(net.biases)
    weights[0], biases[0] = weights[0] * 10.0**scale, biases[0] * 10.0**scale
    weights[1] = weights[1] * 10.0 ** -rng.choice([0, scale // 2, scale])
    net = ReLUNetwork(weights, biases)
    Y = net(X) if rng.integers(2) else random_points(4, 2, rng=rng)
    plain = verify(net, X, Y)
    wide = None if plain.basin is None else plain.basin["radius"]
    near = None if not wide else largest_step(plain, net, X, Y, wide * 1e-3)
    step = 0.1 if near is None else near.step * 10.0**share
    found = verify(net, X, Y, step=step)
    assert (found.descent is None) is any(check.name == RETURN for check in found.checks)
    labels = as_labels(Y, len(X))
    given = net.weights, net.biases, X, labels.targets, labels.index
    answer = check_certificate(json.loads(found.to_json()), *given)
    assert [(f.field, f.detail) for f in answer if f.holds is False] == []
