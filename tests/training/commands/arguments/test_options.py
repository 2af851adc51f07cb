"""The options that say how a CSV file is read, the same in every command and in Python."""

import inspect
import json

import numpy as np
import pytest

from constructions import Certificate, recheck
from geomcore import load
from geomcore.datasets import load_table
from training.commands import check, construct, minima, settle, study, verify
from training.commands.arguments.options import TABLE, Targets, noted, reads_table

COMMANDS = (check.check, construct.construct, minima.minima, study.study, verify.verify)

# By hand


def test_the_options_stand_in_the_place_of_the_parameter():
    @reads_table
    def command(data: str, table=None, seed: int = 0):
        return data, table, seed

    assert list(inspect.signature(command).parameters) == ["data", *TABLE, "seed"]
    data, table, seed = command(data="t.csv", label="kind", seed=3)
    assert (data, seed, table.pop("label")) == ("t.csv", 3, "kind")
    assert set(table.values()) == {None}


def test_what_is_not_given_is_not_noted():
    table = dict.fromkeys(TABLE) | {"header": False, "drop": []}
    assert noted({"data": "t.csv", "table": table, "seed": 0}) == {
        "data": "t.csv",
        "seed": 0,
        "label": None,
        "header": False,
    }


# Laws


def test_python_has_the_same_options():
    keywords = inspect.signature(load_table).parameters
    assert set(TABLE) == set(keywords) - {"path", "standardize"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_reads_a_table_has_them(command):
    parameters = inspect.signature(command).parameters
    assert all(parameters[name].annotation is kind for name, kind in TABLE.items())


@pytest.mark.parametrize("command", [*COMMANDS[:2], *COMMANDS[3:], settle.settle])
def test_every_command_with_a_network_and_labels_takes_targets(command):
    assert inspect.signature(command).parameters["targets"].annotation is Targets


def test_a_network_with_one_output_is_used_with_labels_that_are_any(run, table, tmp_path):
    table.write_text("u,v,kind\n0,0,no\n.1,.2,no\n3,0,yes\n3,.2,yes\n0,3,no\n.1,3.2,no\n")
    signs = ["--targets", "-1,1", "--quiet"]
    status, out, _ = run("construct", table, *signs, "--out", "made")
    assert status == 0 and "no (4) as -1, yes (2) as 1" in " ".join(out.split())
    net, X = load("made/network.npz"), load_table(table).X
    np.testing.assert_allclose(net(X)[:, 0], [-1, -1, 1, 1, -1, -1], atol=1e-12)
    made = ["made/network.npz", table]
    stated = Certificate.from_file("made/certificate.json", net)
    checks = recheck(stated, net, X, load_table(table).y, targets=[[-1], [1]])
    assert all(check.passed for check in checks)
    held = ["--certificate", "made/certificate.json"]
    status, out, _ = run("verify", *made, *held, *signs, "--out", "v")
    assert status == 0 and "the certificate holds" in out
    assert json.loads((tmp_path / "v" / "run.json").read_text())["arguments"]["targets"] == "-1,1"
    assert run("check", "made/certificate.json", *made, *signs, "--out", "c")[0] == 0
    assert run("settle", *made, *signs, "--out", "s")[0] == 0
    for command in (["check", "made/certificate.json"], ["verify"], ["settle"]):
        status, _, err = run(*command, *made, "--out", "other")
        assert status == 2 and "NETWORK has 1 output, but DATA has 2 classes; say what" in err
        status, _, err = run(*command, *made, "--targets", "0,1,2", "--out", "other")
        assert status == 2 and "--targets must have one row per class (2), got shape (3, 1)" in err


@pytest.mark.slow
def test_a_study_of_one_output_goes_on_without_its_file_of_targets(run, tmp_path):
    (tmp_path / "t.csv").write_text("0,0,a\n.1,.2,a\n3,0,b\n3,.2,b\n")
    (tmp_path / "wanted.csv").write_text("-1\n0.1\n")
    small = ["--trials", "1", "--steps", "1", "--scales", "1", "--quiet", "--out", "made"]
    wanted = ["--targets", "wanted.csv"]
    assert run("study", "t.csv", *wanted, "--states", "--merges", *small)[0] == 0
    assert run("study", "--resume", *wanted, "--out", "made", "--quiet")[0] == 0
    (tmp_path / "wanted.csv").unlink()
    assert run("study", "--resume", "--out", "made", "--quiet")[0] == 0
    assert run("study", "--resume", "--targets=-1,.1", "--out", "made", "--quiet")[0] == 0
    status, _, err = run("study", "--resume", "--targets", "0,1", "--out", "made", "--quiet")
    assert status == 2 and "--targets is -1;0.1 in made" in err
    assert load(tmp_path / "made" / "network-0.npz").widths[-1] == 1
    status, _, err = run("study", "t.csv", "--network", "made/network-0.npz", "--out", "other")
    assert status == 2 and "NETWORK has 1 output, but DATA has 2 classes; say what" in err


def test_a_table_in_a_foreign_dialect_is_constructed_verified_and_checked(run, tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(
        "id:c:u:k\n1:red:0,5:a\n2:red:0,75:a\n3:blue:?:b\n4:blue:5,5:b\n".encode("utf-16-be")
    )
    how = ["--encoding", "utf-16-be", "--delimiter", ":", "--decimal", ",", "--label", "k"]
    how += ["--header", "--drop", "id", "--drop-missing", "--one-hot", "--quiet"]
    status, out, _ = run("construct", path, *how, "--out", "made")
    told = (
        "t: 3 points, 3 features, 1 row with missing values left out, 2 classes in the column 'k'"
    )
    assert (status, told in " ".join(out.split())) == (0, True)
    assert told.replace("'", "&#39;") in (tmp_path / "made" / "index.html").read_text()
    noted = json.loads((tmp_path / "made" / "run.json").read_text())["arguments"]
    assert noted["drop"] == ["id"] and noted["one_hot"] is True and noted["encoding"] == "utf-16-be"
    made = ["made/network.npz", path, *how]
    status, out, _ = run("verify", *made, "--out", "verified")
    assert (status, told in " ".join(out.split())) == (0, True)
    status, out, _ = run("check", "made/certificate.json", *made, "--out", "checked")
    assert (status, told in " ".join(out.split())) == (0, True)
    assert told.replace("'", "&#39;") in (tmp_path / "checked" / "index.html").read_text()


def test_a_study_is_resumed_with_the_table_as_it_was_read(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("7;0,5;a\n8;0,75;a\n9;5;b\n9;5,5;b\n")
    small = ["--trials", "1", "--steps", "1", "--scales", "1", "--quiet", "--out", "made"]
    assert run("study", path, "--drop", "0", "--decimal", ",", *small)[0] == 0
    assert run("study", "--resume", "--out", "made", "--quiet")[0] == 0
    status, _, err = run("study", "--resume", "--out", "made", "--drop", "1")
    assert status == 2 and "--drop is ['0'] in made" in err


def test_minima_reads_a_table_and_tells_it(run, tmp_path):
    (tmp_path / "t.csv").write_text("0,1,9,a\n0,1.1,8,a\n1,0,7,b\n1.1,0,6,b\n")
    few = ["--steps", "1", "--trials", "0", "--out", "made", "--quiet"]
    status, out, _ = run("minima", "t.csv", "--drop", "2", *few)
    assert (status, "t: 4 points, 2 features, 2 classes" in out) == (0, True)
    assert "t: 4 points, 2 features" in (tmp_path / "made" / "index.html").read_text()
