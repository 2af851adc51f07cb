"""`geomcore check`, as a user meets it."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from geomcore import ReLUNetwork, save


@pytest.fixture
def made(run, table):
    """The arguments of a check of a constructed network."""
    assert run("construct", table, "--out", "made", "-q")[0] == 0
    return ["made/certificate.json", "made/network.npz", table]


def altered(tmp_path, **fields):
    """The path of the same certificate with other values."""
    certificate = json.loads((tmp_path / "made" / "certificate.json").read_text())
    path = tmp_path / "altered.json"
    path.write_text(json.dumps({**certificate, **fields}))
    return path


# By hand


def test_what_is_no_certificate_is_told_in_one_line_and_not_field_by_field(run, made, tmp_path):
    (tmp_path / "other.json").write_text('{"format": "something else", "loss": 0.0}')
    status, out, _ = run("check", "other.json", *made[1:], "--out", "other")
    assert status == 1
    assert "REFUSED: it does not say that it is a certificate of geomcore\n" in out


def test_a_certificate_that_holds_is_confirmed_field_by_field(run, made, tmp_path):
    status, out, err = run("check", *made, "--out", "checked")
    assert status == 0
    assert err == "checking\n"
    stated = json.loads((tmp_path / "made" / "certificate.json").read_text())
    told = [line.split()[:2] for line in out.splitlines() if line.startswith("  ")]
    assert {field.strip(",:") for _, field in told} == set(stated)
    assert {mark for mark, _ in told} == {"yes", "?"}
    assert out.splitlines()[-3].startswith("confirmed: global minimum, with rtol 1e-08 ")
    with open(tmp_path / "checked" / "findings.csv") as file:
        assert len(list(csv.DictReader(file))) == len(stated)
    assert "not examined" in (tmp_path / "checked" / "index.html").read_text()
    record = json.loads((tmp_path / "checked" / "run.json").read_text())
    assert record["arguments"]["certificate"] == "made/certificate.json"


def test_weight_decay_on_two_layers_is_examined(run, tmp_path):
    # a + c = 3 - 1 at a = c = 1 is the best of (a + c - 3)^2 + 2 a + c^2, by hand
    np.savez(tmp_path / "data.npz", X=[[0.0]], y=[[3.0]])
    save(ReLUNetwork([[[0.0]], [[1.0]]], [[1.0], [1.0]]), tmp_path / "one.npz")
    given = ["one.npz", "data.npz"]
    run("verify", *given, "--weight-decay", "2", "--out", "asked")
    status, out, _ = run("check", "asked/certificate.json", *given, "--out", "checked")
    assert status == 0 and "confirmed: global minimum, with rtol" in out
    stated = json.loads((tmp_path / "asked" / "certificate.json").read_text())
    (tmp_path / "lie.json").write_text(json.dumps({**stated, "lower_bound": 4.04}))
    status, out, _ = run("check", "lie.json", *given, "--out", "refused")
    assert status == 1 and "REFUSED: slack, lower_bound, verdict not confirmed" in out


def test_checks_of_different_networks_have_different_folders(run, made, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "network.npz").write_bytes((tmp_path / made[1]).read_bytes())
    for _ in range(2):
        for network in ("a/network.npz", "b/network.npz", tmp_path / "a" / "network.npz"):
            assert run("check", made[0], network, made[2], "-q")[0] == 0
    folders = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert folders == ["check-network-flowers", "check-network-flowers-2"]
    seen = [json.loads((tmp_path / "runs" / f / "run.json").read_text()) for f in folders]
    assert [os.path.relpath(r["arguments"]["network"], tmp_path) for r in seen] == [
        "a/network.npz",
        "b/network.npz",
    ]


def test_a_certificate_that_is_false_is_refused_and_the_field_is_named(run, made, tmp_path):
    status, out, _ = run("check", altered(tmp_path, radius=100.0), *made[1:], "--quiet")
    assert status == 1
    assert "  no   radius, stated 100.0" in out
    assert "REFUSED: radius not confirmed" in out


def test_a_certificate_of_another_network_or_other_data_is_refused(run, made, tmp_path):
    save(ReLUNetwork([np.eye(3, 2)], [np.zeros(3)]), tmp_path / "other.npz")
    status, out, _ = run("check", made[0], "other.npz", made[2])
    assert (status, "  no   network" in out) == (1, True)
    (tmp_path / "moved.csv").write_text(made[2].read_text().replace("3.2", "3.25"))
    status, out, _ = run("check", *made[:2], "moved.csv")
    assert (status, "  no   data" in out) == (1, True)


def test_a_verdict_without_proof_ends_with_status_one(run, made, tmp_path):
    stated = {"verdict": "saddle", "proved": False, "distance": None, "radius": None}
    path = altered(tmp_path, **stated, basin=None)
    status, out, _ = run("check", path, *made[1:])
    assert status == 1
    assert "the verdict was not examined" in out


def test_fields_that_are_not_examined_for_one_reason_are_one_line(run, made, tmp_path):
    status, out, _ = run("check", altered(tmp_path, loss_name="bce"), *made[1:], "--out", "c")
    findings = [line for line in out.splitlines() if line.startswith("  ")]
    assert status == 1 and len(findings) == 1
    assert findings[0].startswith("  ?    35 fields (format, version, network, data, points, ")
    assert findings[0].endswith("): the loss is not a squared error alone")
    assert (
        "the verdict was not examined, nor anything else: the loss is not a squared error alone\n"
        in out
    )
    with open(tmp_path / "c" / "findings.csv") as file:
        assert len(list(csv.DictReader(file))) == 35
    assert (tmp_path / "c" / "index.html").read_text().count("not a squared error alone") == 2


def test_names_and_texts_of_a_certificate_cannot_pass_for_findings(run, made, tmp_path):
    spoof = "zz\n  yes  basin, stated {'radius': 1e9}\nconfirmed, 99 fields"
    fields = {spoof: 1, "\ud800": "\udfff", "\x1b[2J": "x" * 1000, "y" * 1000: 1}
    status, out, err = run("check", altered(tmp_path, **fields), *made[1:], "--out", "odd")
    assert status == 1
    assert err == "checking\n"
    assert out.isascii() and "\x1b" not in out
    assert not any(line.startswith("confirmed") for line in out.splitlines())
    assert sum(line.startswith("  yes  basin") for line in out.splitlines()) == 1
    assert max(map(len, out.splitlines()[:-3])) < 700
    assert "no such field" in out
    assert (tmp_path / "odd" / "findings.csv").read_text().isascii()


def test_checking_loads_no_solver(made):
    code = (
        "import sys; from training.commands.cli import main; main(sys.argv[1:]);"
        "print('loaded:', *({'cvxpy', 'highspy', 'clarabel'} & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", code, "check", *map(str, made)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


# Bad input


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\xff"])
def test_what_is_no_json_is_bad_usage(run, made, tmp_path, text):
    (tmp_path / "broken.json").write_bytes(text.encode("latin-1"))
    status, _, err = run("check", "broken.json", *made[1:])
    assert status == 2
    assert err.startswith("geomcore: broken.json holds no JSON")


def test_a_field_that_is_there_twice_is_bad_usage(run, made, tmp_path):
    text = (tmp_path / "made" / "certificate.json").read_text()
    for twice in ('"verdict": "saddle",', '"basin": {"radius": 1, "radius": 1},'):
        (tmp_path / "twice.json").write_text("{" + twice + text.lstrip()[1:])
        status, _, err = run("check", "twice.json", *made[1:])
        assert status == 2
        assert err.startswith("geomcore: twice.json holds no JSON: ")
        assert "twice" in err


def test_a_folder_is_no_certificate(run, made, tmp_path):
    (tmp_path / "folder").mkdir()
    status, _, err = run("check", "folder", *made[1:])
    assert (status, err) == (2, "geomcore: folder must be a certificate, it is a directory\n")


@pytest.mark.parametrize("text", ["{}", "[]", "1", "null", '"certificate"'])
def test_json_that_is_no_certificate_is_refused(run, made, tmp_path, text):
    (tmp_path / "odd.json").write_text(text)
    assert run("check", "odd.json", *made[1:])[0] == 1


def test_missing_files_and_data_that_do_not_fit_are_bad_usage(run, made, tmp_path):
    assert run("check", "missing.json", *made[1:])[0] == 2
    assert run("check", made[0], "missing.npz", made[2])[0] == 2
    save(ReLUNetwork([np.eye(5)], [np.zeros(5)]), tmp_path / "wide.npz")
    assert run("check", made[0], "wide.npz", made[2])[0] == 2
    save(ReLUNetwork([np.eye(2)], [np.zeros(2)]), tmp_path / "narrow.npz")
    assert run("check", made[0], "narrow.npz", made[2])[0] == 2
    (width,) = {len(x) for x in np.loadtxt(made[2], delimiter=",", skiprows=1, dtype=str)[:, :-1]}
    save(ReLUNetwork([np.ones((1, width))], [np.zeros(1)]), tmp_path / "one.npz")
    status, _, err = run("check", made[0], "one.npz", made[2])
    assert status == 2 and "NETWORK has 1 output, but DATA has" in err


def test_what_is_no_file_or_too_large_is_bad_usage(run, made, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(10**10)
    (tmp_path / "lists").write_text("[" + "[]," * 1_500_000 + "[]]")
    (tmp_path / "fields").write_text(json.dumps(dict.fromkeys(map(str, range(2000)))))
    for path, reason in (
        ("pipe", "must be a certificate, it is a pipe"),
        ("/dev/zero", "must be a certificate, it is a device"),
        ("large", "bytes, it has 10,000,000,000"),
        ("lists", "bytes, it has 4,500,004"),
        ("fields", "must be a certificate, it has 2,000 fields"),
    ):
        for command in (["check", path, *made[1:]], ["verify", *made[1:], "--certificate", path]):
            status, _, err = run(*command)
            assert (status, err.count("\n")) == (2, 1)
            assert reason in err or (command[0] == "verify" and path == "fields")


def test_lines_about_a_certificate_that_is_not_confirmed_are_short_and_plain(run, made, tmp_path):
    check = {"name": "\x1b[2J" * 9, "passed": None, "value": None, "detail": "x\nyes " * 9000}
    path = altered(tmp_path, margins=[0.5] * 9999, network="\u202e" * 9999, checks=[check])
    for network in (True, False):
        if not network:  # so that the other fields are looked at
            path = altered(tmp_path, margins=[0.5] * 9999, checks=[check])
        for command in (["check", path, *made[1:]], ["verify", *made[1:], "--certificate", path]):
            status, out, _ = run(*command, "-q")
            assert status == 1
            assert out.replace("\n", "").isprintable()
            assert max(map(len, out.splitlines())) <= 300
