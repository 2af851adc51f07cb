import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from constructions import Certificate, merged, recheck, suboptimal, verify
from constructions.proof.confirmation import confirmation
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


OPTIONS = ("rtol", "gtol", "exact")  # other options make another certificate, which may be true


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
