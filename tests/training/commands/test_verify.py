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


def test_another_loss_with_decay_is_verified_and_confirmed(run, table, tmp_path):
    run("construct", table, "--out", "made", "-q")
    options = ["--loss", "cross_entropy", "--weight-decay", "1e-3", "--out", "asked"]
    status, out, _ = run("verify", "made/network.npz", table, *options)
    assert status == 1
    said = "for the mean cross-entropy of the softmax on one-hot targets with weight decay"
    assert said in " ".join(out.split())
    record = json.loads((tmp_path / "asked" / "run.json").read_text())
    asked = record["arguments"]["loss"], record["arguments"]["weight_decay"]
    assert asked == ("cross_entropy", 1e-3)
    assert "cross-entropy" in (tmp_path / "asked" / "index.html").read_text()
    options = ["--certificate", "asked/certificate.json", *options[:-1], "again"]
    status, out, _ = run("verify", "made/network.npz", table, *options)
    assert status == 0 and "the certificate holds: all 31 fields are what is found" in out
    arguments = ["asked/certificate.json", "made/network.npz", table]
    status, out, _ = run("check", *arguments, "--out", "checked")
    assert status == 1 and "the verdict was not examined" in out
    status, _, err = run("verify", "made/network.npz", table, "--loss", "hinge", "--out", "no")
    assert status == 2 and "geomcore: --loss must be one of" in err


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
