"""`geomcore verify`, as a user meets it."""

import json

import numpy as np
import pytest

from geomcore import ReLUNetwork, load, save

# By hand


@pytest.mark.usefixtures("in_full")
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
    assert "the certificate holds: all 33 fields are what is found" in out
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
    assert status == 0 and "the certificate holds: all 33 fields are what is found" in out
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


# A step of gradient descent


def test_a_step_is_answered_by_a_basin_that_is_confirmed_twice(run, table, tmp_path):
    run("construct", table, "--out", "made", "-q")
    options = ["made/network.npz", table, "--step", "0.001", "--out", "asked"]
    status, out, _ = run("verify", *options)
    assert status == 0
    text = " ".join(out.split())
    assert "basin of descent" in text and "with steps of 0.001, each of which takes" in text
    assert json.loads((tmp_path / "asked" / "run.json").read_text())["arguments"]["step"] == 0.001
    assert "basin of descent" in (tmp_path / "asked" / "index.html").read_text()
    stated = json.loads((tmp_path / "asked" / "certificate.json").read_text())
    assert stated["step"] == 0.001 and 0 < stated["descent"]["radius"] < stated["basin"]["radius"]
    options = ["--certificate", "asked/certificate.json", "--out", "again"]
    status, out, _ = run("verify", "made/network.npz", table, *options)
    assert status == 0 and "the certificate holds: all 33 fields are what is found" in out
    arguments = ["made/network.npz", table]
    status, out, _ = run("check", "asked/certificate.json", *arguments, "--out", "checked")
    assert status == 0 and "yes  descent" in out
    for key in stated["descent"]:
        value = stated["descent"][key]
        worse = value * (0.9 if key == "curvature" else 1.5)
        other = {**stated, "descent": {**stated["descent"], key: worse}}
        (tmp_path / "other.json").write_text(json.dumps(other))
        status, out, _ = run("check", "other.json", *arguments, "--force", "--out", "checked")
        assert status == 1 and "REFUSED: descent not confirmed" in out, key
        options = ["--certificate", "other.json", "--force", "--out", "again"]
        status, out, _ = run("verify", *arguments, *options)
        assert status == 1 and "does not hold: descent is not what is found" in out
        assert f"no   descent: its {key} is stated {worse}" in " ".join(out.split("\n"))


def test_a_step_that_is_too_large_is_answered_with_the_numbers(run, table):
    run("construct", table, "--out", "made", "-q")
    status, out, _ = run("verify", "made/network.npz", table, "--step", "100", "--out", "asked")
    assert status == 0  # the verdict is what it was
    text = " ".join(out.split())
    assert "basin of descent none is proved with steps of 100" in text
    assert "L, the norm of the Hessian, is at least" in text


@pytest.mark.parametrize("step", ["0", "-1", "nan", "inf", "1e400"])
def test_a_step_that_is_none_is_refused(run, table, step):
    run("construct", table, "--out", "made", "-q")
    status, out, err = run("verify", "made/network.npz", table, f"--step={step}", "--out", "asked")
    assert status == 2 and not out
    assert err.startswith("geomcore: --step must be a positive number, got ")


def test_the_step_is_that_of_the_certificate(run, table):
    run("construct", table, "--out", "made", "-q")
    run("verify", "made/network.npz", table, "--step", "0.001", "--out", "asked", "-q")
    for folder, told in (("made", "which has none"), ("asked", "which has 0.001")):
        options = ["--certificate", f"{folder}/certificate.json", "--step", "0.002", "--out", "no"]
        status, _, err = run("verify", "made/network.npz", table, *options)
        assert status == 2 and f"--step must be that of the certificate, {told}" in err
