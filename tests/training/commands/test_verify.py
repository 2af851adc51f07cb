"""`geomcore verify`, as a user meets it."""

import json

import numpy as np
import pytest

from geomcore import ReLUNetwork, load, save

# By hand


def test_verify_of_an_untrained_network_ends_with_status_one(run, table, tmp_path):
    rng = np.random.default_rng(0)
    save(
        ReLUNetwork([rng.normal(size=(4, 2)), rng.normal(size=(3, 4))], [np.ones(4), np.ones(3)]),
        tmp_path / "net.npz",
    )
    status, out, _ = run("verify", "net.npz", table)
    assert status == 1
    assert "(proved)" not in out.splitlines()[0] or "global minimum" not in out.splitlines()[0]
    assert (tmp_path / "runs" / "verify-flowers" / "certificate.json").exists()


def test_a_certificate_that_holds_is_said_to_hold(run, table, tmp_path):
    run("construct", table, "--out", "made", "-q")
    options = ["--certificate", "made/certificate.json", "--out", "checked"]
    status, out, _ = run("verify", "./made/network.npz", table, *options)
    assert status == 0
    assert "the certificate holds: all 31 fields are what is found" in out
    record = json.loads((tmp_path / "checked" / "run.json").read_text())
    assert record["arguments"].pop("jobs") >= 1
    assert record["arguments"] == {
        "network": "made/network.npz",
        "data": str(table),
        "label": None,
    }


def test_a_network_of_another_library_is_verified_and_kept_as_one_of_ours(run, table, tmp_path):
    pytest.importorskip("onnx")
    run("construct", table, "--out", "made", "-q")
    net = load("made/network.npz")
    save(net, "net.onnx")
    status, out, err = run("verify", "net.onnx", table, "--out", "checked", "-q")
    assert status == 0 and not err
    assert "global minimum (proved)" in out
    assert load(tmp_path / "checked" / "network.npz") == net
    (tmp_path / "net.onnx").write_bytes(b"spoiled")
    status, _, err = run("verify", "net.onnx", table, "--out", "other", "-q")
    assert status == 2 and err.startswith("geomcore: net.onnx must be an ONNX file")
