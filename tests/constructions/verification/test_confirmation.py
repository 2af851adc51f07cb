import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from builders import random_network
from kinds import a_minimum

from constructions import Certificate, recheck, suboptimal, verify
from constructions.proof.certificate import Check
from constructions.verification.confirmation import confirmation
from geomcore import datasets, save


@pytest.fixture(scope="module")
def data():
    return datasets.clusters(12, rng=0)


# By hand


@pytest.mark.parametrize("name", ["state", "merge"])
def test_a_certificate_from_json_is_confirmed_field_by_field(name, data):
    net = a_minimum(name, data)
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


def test_options_that_verify_refuses_are_no_options(data):
    net = a_minimum("merge", data)
    found = verify(net, data.X, data.y)
    wrong = dataclasses.replace(found, rtol=-1.0)
    (check,) = [check for check in recheck(wrong, net, data.X, data.y) if not check.passed]
    assert (check.name, check.passed) == ("options", False)
    assert check.detail.startswith("rtol must be")


def test_points_have_as_many_columns_as_the_network_has_inputs():
    net = random_network((3, 2, 1), 0)
    X, y = np.ones((4, 3)), np.ones((4, 1))
    found = verify(net, X, y)
    assert all(check.passed for check in recheck(found, net, X, y))
    with pytest.raises(ValueError, match="X must have 3 columns"):
        recheck(found, net, X[:, :2], y)


def test_a_confirmation_names_the_first_field_that_differs(data):
    yes, no, open_ = (recheck_check(p) for p in (True, False, None))
    assert confirmation([yes, yes]) == "the certificate holds: all 2 fields are what is found"
    assert confirmation([yes, open_]).splitlines() == [
        "the certificate holds but for rounding in what is marked ?",
        "  ?    None: seen",
    ]
    assert confirmation([yes, open_, no]).splitlines() == [
        "the certificate does not hold: False is not what is found",
        "  no   False: seen",
        "  ?    None: seen",
    ]


def recheck_check(passed):
    return Check(str(passed), passed, None, "seen")


def test_the_certificate_of_other_networks_or_data_is_not_confirmed(data):
    found = verify(a_minimum("state", data), data.X, data.y)
    (network, same_data) = recheck(found, a_minimum("merge", data), data.X, data.y)
    assert (network.name, network.passed, same_data.passed) == ("network", False, True)
    moved = data.X.copy()
    moved[0, 0] = np.nextafter(moved[0, 0], 9)
    for X, y in ((moved, data.y), (data.X, np.roll(data.y, 1))):
        checks = recheck(found, a_minimum("state", data), X, y)
        assert [c.passed for c in checks] == [True, False]


@pytest.mark.slow
def test_the_command_confirms_certificates_without_cvxpy(data, tmp_path):
    np.savez(tmp_path / "data.npz", X=data.X, y=data.y)
    calls, expected = [], []
    for name in ("state", "merge"):
        net = a_minimum(name, data)
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
        recheck("{}", a_minimum("merge", data), data.X, data.y)
