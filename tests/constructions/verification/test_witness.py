import dataclasses
import json

import numpy as np
import pytest
from builders import random_network
from kinds import REFUTED

from constructions import recheck, verify
from geomcore import ReLUNetwork

STEP = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
POINTS = [[0.0], [2.0], [3.0]]


def differing(found, net, X, y):
    return [check.name for check in recheck(found, net, X, y) if not check.passed]


def test_a_witness_of_a_rising_line_is_not_confirmed():
    y = [[1.5], [0.0], [0.0]]
    found = verify(STEP, POINTS, y)
    back = [
        {"weights": (-np.array(p["weights"])).tolist(), "biases": [-b for b in p["biases"]]}
        for p in found.witness["direction"]
    ]
    changes = {"direction": back, "step": -found.witness["step"], "slope": -found.witness["slope"]}
    wrong = dataclasses.replace(found, witness=found.witness | changes)
    assert differing(wrong, STEP, POINTS, y) == ["witness"]
    wrong = dataclasses.replace(found, witness=found.witness | {"step": np.inf})
    assert differing(wrong, STEP, POINTS, y) == ["witness"]


def test_a_witness_that_moves_what_is_held_is_not_confirmed():
    y = [[1.5], [0.0], [0.0]]
    found = verify(STEP, POINTS, y, subset=["b2"])
    other = verify(STEP, POINTS, y, subset=["b1"]).witness
    wrong = dataclasses.replace(found, witness=other)
    assert differing(wrong, STEP, POINTS, y) == ["witness"]


def test_a_witness_whose_bias_does_not_follow_the_cumulative_weight_is_not_confirmed():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    X, y = [[1.0], [2.0], [3.0]], [[1.5], [1.0], [0.0]]
    found = verify(net, X, y, subset="cumulative")
    assert found.verdict == "not stationary" and not differing(found, net, X, y)
    free = verify(net, X, y, subset="last").witness
    assert differing(dataclasses.replace(found, witness=free), net, X, y) == ["witness"]


KEY = {"slope": "slope", "following": "slope", "curvature": "curvature"}
MISFIT = "its direction or step does not fit the network, or moves what is held"


def witnessed(kind, **changes):
    """What is found of the witness of an example, if some of it is changed."""
    net, X, y, subset = REFUTED[kind]
    found = verify(net, X, y, subset=subset)
    wrong = dataclasses.replace(found, witness=found.witness | changes)
    checks = recheck(wrong, net, X, y)
    assert all(check.passed for check in checks if check.name != "witness")
    return next(check for check in checks if check.name == "witness")


def witness(kind):
    net, X, y, subset = REFUTED[kind]
    return verify(net, X, y, subset=subset).witness


def scaled(parts, factor):
    """A direction, a factor times as long."""
    return [{k: (factor * np.array(v)).tolist() for k, v in p.items()} for p in parts]


@pytest.mark.parametrize("kind", REFUTED)
def test_a_witness_of_each_kind_is_confirmed(kind):
    assert witnessed(kind).passed is True
    key = KEY.get(kind, "coefficient")
    assert key in witness(kind)
    assert witnessed(kind).detail.endswith(f"{key} {witness(kind)[key]:.6g}")


@pytest.mark.parametrize("kind", REFUTED)
def test_loss_and_derivative_of_a_witness_may_differ_by_rounding_alone(kind):
    honest = witness(kind)
    for key in ("loss", KEY.get(kind, "coefficient")):
        for factor, passed in (
            (1 + 5e-10, None),
            (1 - 5e-10, None),
            (1 + 1.5e-9, False),
            (2, False),
        ):
            changed = witnessed(kind, **{key: honest[key] * factor})
            assert changed.passed is passed, (key, factor)
            assert ", stated " in changed.detail
        assert witnessed(kind, **{key: honest[key] - 1e-6}).passed is False


@pytest.mark.parametrize("kind", REFUTED)
def test_steps_and_directions_that_do_not_fit_are_refused(kind):
    honest = witness(kind)
    unfit = [{"step": 0.0}, {"step": np.nan}, {"step": np.inf}]
    if kind not in ("curvature", "second"):  # of which both sides fall
        unfit.append({"step": -honest["step"]})
    unfit += [{"direction": scaled(honest["direction"], f)} for f in (1 + 2e-6, 1 - 2e-6, -2)]
    unfit += [{"direction": honest["direction"][1:]}, {"direction": honest["direction"] * 2}]
    ragged = [part | {"weights": [[1.0], [1.0, 0.0]]} for part in honest["direction"]]
    unfit.append({"direction": ragged})
    for change in unfit:
        changed = witnessed(kind, **change)
        assert (changed.passed, changed.detail) == (False, MISFIT), change
    near = witnessed(kind, direction=scaled(honest["direction"], 1 + 5e-7))
    assert near.passed is False and near.detail.startswith("the step leads from")


def test_where_the_loss_is_even_the_other_side_is_a_witness_too():
    assert witnessed("curvature", step=-0.25).detail.startswith("the step leads from")
    changed = witnessed("curvature", step=-witness("curvature")["step"])
    assert changed.passed is not False and changed.detail.startswith("the step leads from")
    # of a coefficient of second order, the step may be negative, if the loss is as it says
    assert witnessed("second", step=-witness("second")["step"]).detail.startswith("the step leads")


@pytest.mark.parametrize(
    ("kind", "order", "fits"),
    [("second", 0, False), ("second", 1, True), ("second", 6, True), ("second", 7, False)],
)
def test_the_order_of_a_coefficient_has_a_range(kind, order, fits):
    changed = witnessed(kind, order=order)
    assert changed.passed is False and (changed.detail != MISFIT) is fits


def test_a_witness_has_the_keys_of_the_one_that_is_found():
    slope = witness("slope")
    net, X, y, _ = REFUTED["slope"]
    found = verify(net, X, y)
    for keys in ("curvature", "coefficient"):
        other = {k: v for k, v in slope.items() if k != "slope"} | {keys: slope["slope"]}
        checks = recheck(dataclasses.replace(found, witness=other), net, X, y)
        (check,) = [c for c in checks if not c.passed]
        assert (check.name, check.passed) == ("witness", False)
        assert check.detail == f"stated {sorted(other)}, found {sorted(slope)}"


def test_a_witness_is_there_where_one_is_found_and_only_there():
    net, X, y, _ = REFUTED["slope"]
    found = verify(net, X, y)
    (check,) = [c for c in recheck(dataclasses.replace(found, witness=None), net, X, y) if not c[1]]
    assert (check.name, check.passed, check.detail) == ("witness", False, "stated None, found one")
    at_zero = [[0.5], [0.0], [0.0]]
    lowest = ReLUNetwork([[[-1.0]], [[0.5]]], [[1.0], [0.0]])
    none = verify(lowest, X, at_zero)
    assert none.verdict == "global minimum"
    wrong = dataclasses.replace(none, witness=found.witness)
    (check,) = [c for c in recheck(wrong, lowest, X, at_zero) if not c[1]]
    assert (check.name, check.passed, check.detail) == ("witness", False, "stated one, found None")


def test_a_step_that_does_not_prove_a_lower_loss_is_no_witness():
    net, X, y, _ = REFUTED["slope"]
    found, reached = verify(net, X, y), set()
    parts = [{"weights": [[0.0]], "biases": [0.0]}, {"weights": [[0.0]], "biases": [1.0]}]
    # Steps of the last bias from no change at all to more than the width of the enclosure.
    for step in (1e-300, *np.geomspace(2e-17, 2e-16, 5)):
        after = verify(ReLUNetwork(net.weights, [net.biases[0], [step]]), X, y).loss_bound
        stated = []
        for slope in (-1 / 3, np.nextafter(-1 / 3, 0)):  # one is the least float above -1/3
            claim = {"direction": parts, "step": float(step), "loss": after, "slope": float(slope)}
            checks = recheck(dataclasses.replace(found, witness=claim), net, X, y)
            stated += [check.passed for check in checks if check.name == "witness"]
        assert any(stated) is bool(after < found.loss_floor), step
        reached.add(np.sign(after - found.loss_floor))
    assert reached == {-1, 0, 1}


def test_a_lower_loss_far_along_a_flat_line_is_no_witness():
    # The unit is off: its bias changes nothing here, and lowers the loss from 2 on.
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-2.0], [0.5]])
    found = verify(net, [[1.0]], [[30.0]])
    assert "slope" in found.witness
    flat = [{"weights": [[0.0]], "biases": [1.0]}, {"weights": [[0.0]], "biases": [0.0]}]
    after = verify(ReLUNetwork(net.weights, [[3.0], [0.5]]), [[1.0]], [[30.0]])
    assert after.loss_bound < found.loss_floor
    for slope in (0.0, -5e-324):
        claim = {"direction": flat, "step": 5.0, "loss": after.loss_bound, "slope": slope}
        wrong = dataclasses.replace(found, witness=claim)
        (check,) = [c for c in recheck(wrong, net, [[1.0]], [[30.0]]) if not c.passed]
        assert (check.name, check.passed) == ("witness", False)


def test_beyond_the_reach_of_balls_a_slope_is_compared_in_floating_point(monkeypatch):
    monkeypatch.setattr("constructions.proof.stationarity.MOST_BALLS", 0)
    slope, parts = witness("slope")["slope"], witness("slope")["direction"]
    assert witnessed("slope").passed is True
    assert witnessed("slope", slope=slope * (1 + 5e-7)).passed is None
    assert witnessed("slope", slope=slope * (1 + 2e-6)).passed is False
    changed = witnessed("slope", direction=scaled(parts, 1 + 5e-7))
    assert changed.passed is None and "out of reach" in changed.detail


@pytest.mark.parametrize("seed", range(5))
def test_biases_that_follow_are_confirmed_however_they_are_rounded(seed):
    rng = np.random.default_rng(seed)
    net = random_network((3, 4, 3), rng)
    X, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    y[:, 0] = net(X)[:, 0]  # the first output does not move
    found = verify(net, X, y, subset="cumulative")
    assert found.verdict == "not stationary" and not differing(found, net, X, y)
    parts = found.witness["direction"]
    assert not np.any(parts[1]["weights"][0])
    for k in (1, 2):
        wrong = json.loads(json.dumps(parts))
        wrong[1]["biases"][k] += 1e-8
        changed = dataclasses.replace(found, witness=found.witness | {"direction": wrong})
        (check,) = [c for c in recheck(changed, net, X, y) if not c.passed]
        assert (check.passed, check.detail) == (False, MISFIT)
