import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from constructions import Certificate, merged, recheck, suboptimal, verify
from geomcore import datasets, save


@pytest.fixture(scope="module")
def data():
    return datasets.clusters(12, rng=0)


def make(name, data):
    if name == "state":
        return suboptimal(data.X, data.y, (0, 1, 0)).network
    return merged(data.X, data.y, [[0, 1], [2]]).network


# By hand


@pytest.mark.parametrize("name", ["state", "merge"])
def test_a_certificate_from_json_is_confirmed(name, data):
    net = make(name, data)
    text = verify(net, data.X, data.y).to_json()
    checks = recheck(Certificate.from_json(text), net, data.X, data.y)
    assert all(check.passed for check in checks)
    assert len(checks) == (4 if name == "state" else 3)


def test_the_loss_and_the_subset_are_those_of_the_certificate(data):
    net = suboptimal(data.X, data.y, (1, 1, 1), bias=False, loss="class_weighted").network
    for subset in ("cumulative", None, "W2"):
        found = verify(net, data.X, data.y, loss="class_weighted", subset=subset)
        assert all(check.passed for check in recheck(found, net, data.X, data.y))


# Laws


def test_what_has_been_tampered_with_is_not_confirmed(data):
    net = make("state", data)
    found = verify(net, data.X, data.y)
    witness = found.witness
    other = make("merge", data)
    for wrong in (
        dataclasses.replace(found, verdict="local minimum"),
        dataclasses.replace(found, loss=2 * found.loss),
        dataclasses.replace(found, points=7),
        dataclasses.replace(found, witness={**witness, "step": -witness["step"]}),
        dataclasses.replace(found, witness={**witness, "loss": 0.0}),
        dataclasses.replace(found, witness={"step": 1.0}),
    ):
        assert not all(check.passed for check in recheck(wrong, net, data.X, data.y))
    assert not all(check.passed for check in recheck(found, other, data.X, data.y))


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
