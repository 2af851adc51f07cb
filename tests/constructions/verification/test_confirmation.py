import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from builders import random_network

from constructions import Certificate, merged, recheck, suboptimal, verify
from constructions.proof.certificate import Check
from constructions.verification.confirmation import confirmation
from geomcore import ReLUNetwork, datasets, save


@pytest.fixture(scope="module")
def data():
    return datasets.clusters(12, rng=0)


def make(name, data):
    if name == "zero":
        return suboptimal(data.X, data.y, (0, 0, 0)).network
    if name == "state":
        return suboptimal(data.X, data.y, (0, 1, 0)).network
    return merged(data.X, data.y, [[0, 1], [2]]).network


# By hand


@pytest.mark.parametrize("name", ["state", "merge"])
def test_a_certificate_from_json_is_confirmed_field_by_field(name, data):
    net = make(name, data)
    text = verify(net, data.X, data.y).to_json()
    checks = recheck(Certificate.from_json(text), net, data.X, data.y)
    assert all(check.passed for check in checks)
    assert [check.name for check in checks] == [f.name for f in dataclasses.fields(Certificate)]


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "class_weighted", "subset": "cumulative"},
        {"loss": "class_weighted", "subset": None},
        {"loss": "class_weighted", "subset": "W2"},
        {"subset": ["W1", "b1"]},
        {"subset": "last", "rtol": 1e-3, "gtol": 1e-3},
        {"exact": True},
    ],
)
def test_the_options_are_those_of_the_certificate(options, data):
    net = suboptimal(data.X, data.y, (1, 1, 1), bias=False, loss="class_weighted").network
    found = verify(net, data.X, data.y, **options)
    assert all(check.passed for check in recheck(found, net, data.X, data.y))


# Laws


OPTIONS = (
    "rtol",
    "gtol",
    "exact",
    "weight_decay",
)  # other options make another certificate, which may be true


def altered(value):
    """Values that differ from one of a certificate, by a lot and by a little."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 0]
    if isinstance(value, float):
        return [2 * value + 1, -value - 1, value + 1e-3 * (abs(value) + 1)]
    if isinstance(value, tuple) and value and isinstance(value[0], float):
        return [value[:-1], (*value[:-1], 1.01 * value[-1]), (*value, 1.0)]
    return []


@pytest.mark.parametrize("name", ["state", "merge", "zero"])
def test_no_field_can_be_altered(name, data):
    net = make(name, data)
    found = verify(net, data.X, data.y)
    for field in dataclasses.fields(Certificate):
        if field.name in OPTIONS:
            continue
        for value in altered(getattr(found, field.name)):
            wrong = dataclasses.replace(found, **{field.name: value})
            bad = [check.name for check in recheck(wrong, net, data.X, data.y) if not check.passed]
            assert bad == [field.name], (field.name, value)


def tampered(found):
    """Certificates that say something else than `verify` found, each in one place."""
    replace = dataclasses.replace
    other = "0" * 64
    yield "network", replace(found, network=other)
    yield "data", replace(found, data=other)
    yield "verdict", replace(found, verdict="saddle")
    yield "loss_bound", replace(found, loss_name="class_weighted")
    yield "widths", replace(found, widths=(3, 3))
    first, *rest = found.checks
    yield "checks", replace(found, checks=(first, *rest[:-1]))
    yield "checks", replace(found, checks=(first._replace(passed=False), *rest))
    yield "checks", replace(found, checks=(first._replace(detail="all is well"), *rest))
    yield "checks", replace(found, checks=(first._replace(value=7.0), *rest))
    if found.basin is not None:
        for key in found.basin:
            yield "basin", replace(found, basin={**found.basin, key: 1.1 * found.basin[key]})
        yield "basin", replace(found, basin=None)
    if found.witness is not None:
        witness = found.witness
        yield "witness", replace(found, witness=None)
        zero = [
            {
                "weights": [[0.0 for _ in r] for r in p["weights"]],
                "biases": [0.0] * len(p["biases"]),
            }
            for p in witness["direction"]
        ]
        for change in (
            {"step": -witness["step"]},
            {"step": 0.0},
            {"loss": 0.0},
            {"loss": witness["loss"] * 1.001},
            {"slope": 2 * witness["slope"]},
            {"slope": witness["slope"] / 2},
            {"direction": zero},
            {"direction": zero, "step": 0.0},
            {"direction": witness["direction"][:-1]},
        ):
            yield "witness", replace(found, witness={**witness, **change})
        yield "witness", replace(found, witness={"step": 1.0, "loss": 0.0, "direction": []})


@pytest.mark.parametrize("name", ["state", "merge", "zero"])
def test_what_has_been_tampered_with_is_not_confirmed_and_named(name, data):
    net = make(name, data)
    found = verify(net, data.X, data.y)
    for field, wrong in tampered(found):
        assert wrong != found
        bad = [check.name for check in recheck(wrong, net, data.X, data.y) if not check.passed]
        assert bad and bad[0] == field, field


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


# Witnesses, one of each kind: a slope, one in the cumulative weight, a curvature, and
# coefficients of second and third order.
KINDS = {
    "slope": (STEP, POINTS, [[1.5], [0.0], [0.0]], None),
    "following": (
        ReLUNetwork([[[1.0]], [[1.0], [-1.0]]], [[1.0], [0.0, 0.5]]),
        [[1.0], [2.0], [3.0]],
        [[1.5, 0.0], [1.0, 1.0], [0.0, 2.0]],
        "cumulative",
    ),
    "curvature": (
        ReLUNetwork([[[0.0]], [[0.0]]], [[1.0], [0.5]]),
        [[-1.0], [1.0]],
        [[0.0], [1.0]],
        None,
    ),
    "second": (
        ReLUNetwork([np.zeros((4, 2)), np.zeros((1, 4))], [np.zeros(4), [0.5]]),
        [[-1.0, 0.5], [0.25, 1.0]],
        [[1.5], [-0.5]],
        None,
    ),
    "third": (
        ReLUNetwork(
            [np.zeros((4, 2)), np.zeros((4, 4)), np.zeros((1, 4))],
            [np.zeros(4), np.zeros(4), [0.5]],
        ),
        [[-1.0, 0.5], [0.25, 1.0]],
        [[1.5], [-0.5]],
        None,
    ),
}
KEY = {"slope": "slope", "following": "slope", "curvature": "curvature"}
MISFIT = "its direction or step does not fit the network, or moves what is held"


def witnessed(kind, **changes):
    """What is found of the witness of an example, if some of it is changed."""
    net, X, y, subset = KINDS[kind]
    found = verify(net, X, y, subset=subset)
    wrong = dataclasses.replace(found, witness=found.witness | changes)
    checks = recheck(wrong, net, X, y)
    assert all(check.passed for check in checks if check.name != "witness")
    return next(check for check in checks if check.name == "witness")


def witness(kind):
    net, X, y, subset = KINDS[kind]
    return verify(net, X, y, subset=subset).witness


def scaled(parts, factor):
    """A direction, a factor times as long."""
    return [{k: (factor * np.array(v)).tolist() for k, v in p.items()} for p in parts]


@pytest.mark.parametrize("kind", KINDS)
def test_a_witness_of_each_kind_is_confirmed(kind):
    assert witnessed(kind).passed is True
    key = KEY.get(kind, "coefficient")
    assert key in witness(kind)
    assert witnessed(kind).detail.endswith(f"{key} {witness(kind)[key]:.6g}")


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("kind", KINDS)
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
    net, X, y, _ = KINDS["slope"]
    found = verify(net, X, y)
    for keys in ("curvature", "coefficient"):
        other = {k: v for k, v in slope.items() if k != "slope"} | {keys: slope["slope"]}
        checks = recheck(dataclasses.replace(found, witness=other), net, X, y)
        (check,) = [c for c in checks if not c.passed]
        assert (check.name, check.passed) == ("witness", False)
        assert check.detail == f"stated {sorted(other)}, found {sorted(slope)}"


def test_a_witness_is_there_where_one_is_found_and_only_there():
    net, X, y, _ = KINDS["slope"]
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
    net, X, y, _ = KINDS["slope"]
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


# What is in floating point, and bounds


def standing(found, net, X, y, **changes):
    """How the fields stand that are not confirmed if some are changed."""
    checks = recheck(dataclasses.replace(found, **changes), net, X, y)
    return {check.name: check.passed for check in checks if not check.passed}


def test_a_loss_is_confirmed_within_its_bounds():
    net, X, _, _ = KINDS["slope"]
    sides = set()
    for k in range(1, 5):
        y = [[1.0 + k / 10], [0.1], [0.1]]  # two classes of unequal sizes
        found = verify(net, X, y)
        for field, name in (("loss", "mse"), ("class_weighted_loss", "class_weighted")):
            bounds = verify(net, X, y, loss=name)
            low, high = bounds.loss_floor, bounds.loss_bound
            assert high == np.nextafter(low, 9)
            sides.add((field, getattr(found, field) == low))
            for value in (low, high):
                assert standing(found, net, X, y, **{field: value}) == {}
            for value in (np.nextafter(low, 0), np.nextafter(high, 9)):
                assert standing(found, net, X, y, **{field: float(value)}) == {field: False}
    assert len(sides) == 4  # the float that stands there is now the lower end, now the upper


@pytest.mark.parametrize(
    ("kind", "name"), [("slope", "gradient_norm"), ("curvature", "smallest_eigenvalue")]
)
def test_what_is_in_floating_point_is_confirmed_to_six_digits(kind, name):
    net, X, y, _ = KINDS[kind]
    found = verify(net, X, y)
    value = getattr(found, name)
    for factor, holds in ((1 + 5e-7, True), (1 - 5e-7, True), (1 + 2e-6, False), (1 - 2e-6, False)):
        expected = {} if holds else {name: False}
        assert standing(found, net, X, y, **{name: value * factor}) == expected, factor
    assert standing(found, net, X, y, **{name: -value}) == {name: False}
    assert standing(found, net, X, y, **{name: None}) == {name: False}


def test_a_gradient_that_cancels_is_confirmed_as_far_as_its_terms_allow():
    # residuals 1, -1, 1, -1 but for 2^-24: terms that cancel, of norm sqrt(8) without their signs
    net = ReLUNetwork([[[1 + 2.0**-24]]], [[0.0]])
    X, y = [[1.0], [1.0], [-1.0], [-1.0]], [[0.0], [2.0], [-2.0], [0.0]]
    found = verify(net, X, y)
    norm = found.gradient_norm
    assert 1e-7 < norm < 1.3e-7
    for change, expected in ((2e-9, {}), (-2e-9, {}), (4e-9, {"gradient_norm": False})):
        assert standing(found, net, X, y, gradient_norm=norm + change) == expected, change


def test_bounds_that_differ_by_more_than_rounding_are_refused(data):
    net = make("merge", data)
    found = verify(net, data.X, data.y)
    for name in (
        "loss_bound",
        "loss_floor",
        "lower_bound",
        "activation_margin",
        "distance",
        "radius",
    ):
        value = getattr(found, name)
        assert value is not None and abs(value) < 1
        close, far = value * (1 + 5e-10), value * 1.01 + 1e-30
        assert standing(found, net, data.X, data.y, **{name: far}) == {name: False}, name
        if value != 0:
            assert standing(found, net, data.X, data.y, **{name: close}) == {name: None}, name
    longer = (*found.margins, found.margins[-1])
    assert standing(found, net, data.X, data.y, margins=longer) == {"margins": False}
    assert standing(found, net, data.X, data.y, bits=found.bits + 1) == {"bits": False}


def test_checks_for_readers_have_the_same_words_and_may_have_other_digits(data):
    net = make("merge", data)
    found = verify(net, data.X, data.y)
    numbered = next(i for i, c in enumerate(found.checks) if any(d.isdigit() for d in c.detail))

    def changed(**changes):
        checks = list(found.checks)
        checks[numbered] = checks[numbered]._replace(**changes)
        return standing(found, net, data.X, data.y, checks=tuple(checks))

    detail = found.checks[numbered].detail
    digit = next(d for d in detail if d.isdigit())
    assert changed(detail=detail.replace(digit, "9" if digit != "9" else "8", 1)) == {
        "checks": None
    }
    assert changed(detail=detail + ".") == {"checks": False}
    assert changed(name="other") == {"checks": False}
    assert changed(passed=not found.checks[numbered].passed) == {"checks": False}
    assert changed(passed=None) == {"checks": False}
    for checks in (found.checks[:-1], (*found.checks, found.checks[-1]), ()):
        assert standing(found, net, data.X, data.y, checks=checks) == {"checks": False}


def test_options_that_verify_refuses_are_no_options(data):
    net = make("merge", data)
    found = verify(net, data.X, data.y)
    wrong = dataclasses.replace(found, rtol=-1.0)
    assert standing(wrong, net, data.X, data.y) == {"options": False}
    assert recheck(wrong, net, data.X, data.y)[-1].detail.startswith("rtol must be")


def test_points_have_as_many_columns_as_the_network_has_inputs():
    net = random_network((3, 2, 1), 0)
    X, y = np.ones((4, 3)), np.ones((4, 1))
    found = verify(net, X, y)
    assert not differing(found, net, X, y)
    with pytest.raises(ValueError, match="X must have 3 columns"):
        recheck(found, net, X[:, :2], y)


def test_a_confirmation_names_the_first_field_that_differs(data):
    yes, no, open_ = (recheck_check(p) for p in (True, False, None))
    assert confirmation([yes, yes]) == "the certificate holds: all 2 fields are what is found"
    assert confirmation([yes, open_]).splitlines() == [
        "the certificate holds but for rounding; geomcore check decides the rest",
        "  ?    None: seen",
    ]
    assert confirmation([yes, open_, no]).splitlines() == [
        "the certificate does not hold: False is not what is found",
        "  no   False: seen",
        "  ?    None: seen",
    ]


def recheck_check(passed):
    return Check(str(passed), passed, None, "seen")


@pytest.mark.parametrize("key", ["radius", "rate", "ball", "strength"])
@pytest.mark.parametrize("factor", [1 - 5e-10, 1 + 5e-10])
def test_a_bound_that_differs_by_rounding_is_left_open(key, factor, data):
    net = make("merge", data)
    found = verify(net, data.X, data.y)
    wrong = dataclasses.replace(found, basin=found.basin | {key: found.basin[key] * factor})
    (check,) = [c for c in recheck(wrong, net, data.X, data.y) if not c.passed]
    assert (check.name, check.passed) == ("basin", None)
    assert "geomcore check decides" in confirmation([check])


def test_the_certificate_of_other_networks_or_data_is_not_confirmed(data):
    found = verify(make("state", data), data.X, data.y)
    (network, same_data) = recheck(found, make("merge", data), data.X, data.y)
    assert (network.name, network.passed, same_data.passed) == ("network", False, True)
    moved = data.X.copy()
    moved[0, 0] = np.nextafter(moved[0, 0], 9)
    for X, y in ((moved, data.y), (data.X, np.roll(data.y, 1))):
        checks = recheck(found, make("state", data), X, y)
        assert [c.passed for c in checks] == [True, False]


def test_the_command_confirms_certificates_without_cvxpy(data, tmp_path):
    np.savez(tmp_path / "data.npz", X=data.X, y=data.y)
    calls, expected = [], []
    for name in ("state", "merge"):
        net = make(name, data)
        save(net, tmp_path / f"{name}.npz")
        text = verify(net, data.X, data.y).to_json()
        broken = json.loads(text)
        broken["loss"] += 0.5
        for content, status in ((text, 0), (json.dumps(broken), 1), ("{}", 2)):
            certificate = tmp_path / f"{name}-{status}.json"
            certificate.write_text(content)
            calls.append(
                ["verify", f"{name}.npz", "data.npz", "--certificate", certificate.name, "-q"]
            )
            expected.append(status)
    # One process for all, since most of its time goes into starting.
    program = (
        f"import sys; from training.commands.cli import main; print([main(c) for c in {calls}])\n"
        "assert 'cvxpy' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == str(expected), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# Bad input


def test_only_a_certificate_can_be_checked(data):
    with pytest.raises(ValueError, match="certificate must be a Certificate"):
        recheck("{}", make("merge", data), data.X, data.y)
