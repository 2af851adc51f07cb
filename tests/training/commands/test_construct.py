"""`geomcore construct`, as a user meets it."""

import errno
import json
import re
from urllib.parse import unquote

import numpy as np
import pytest

from constructions import Certificate
from geomcore import load

# By hand


@pytest.mark.usefixtures("in_full")
def test_construct_writes_a_run_folder_whose_network_verify_proves(run, table, tmp_path):
    status, out, _ = run("construct", table, "--out", "made")
    assert status == 0
    assert "verdict            global minimum (proved)" in out
    folder = tmp_path / "made"
    certificate = Certificate.from_json((folder / "certificate.json").read_text())
    assert certificate.verdict == "global minimum"
    assert certificate.loss <= 1e-20
    net = load(folder / "network.npz")
    np.testing.assert_allclose(net([[0.0, 0.0]]), [[1, 0, 0]], atol=1e-9)
    record = json.loads((folder / "run.json").read_text())
    assert record["arguments"].pop("jobs") >= 1
    assert record["arguments"] == {"data": str(table), "method": "auto", "label": None}
    assert "<img" in (folder / "index.html").read_text()
    status, out, _ = run("verify", folder / "network.npz", table, "--out", "checked")
    assert status == 0
    assert "global minimum (proved)" in out


def test_a_method_that_does_not_apply_ends_with_status_one_and_its_reason(run, tmp_path):
    status, out, _ = run("construct", "concentric", "--method", "clustered")
    assert status == 1
    assert "clustered:" in out
    folder = tmp_path / "runs" / "construct-concentric"
    assert json.loads((folder / "refusal.json").read_text())["reasons"]["clustered"]
    assert "No construction applies" in (folder / "index.html").read_text()


def test_label_column_is_chosen_by_name_or_number(run, tmp_path):
    (tmp_path / "t.csv").write_text("u,k,v\n0,a,0\n.2,a,.1\n3,b,3\n3.1,b,2.9\n")
    for label in ("k", "1"):
        assert run("construct", "t.csv", "--label", label, "--quiet")[0] == 0


# Laws


def test_same_seed_gives_the_same_network_and_another_seed_another_one(run, tmp_path):
    for out, seed in (("one", 1), ("again", 1), ("two", 2)):
        run("construct", "clusters", "--seed", seed, "--out", out, "-q")
    one, again, two = (load(tmp_path / out / "network.npz") for out in ("one", "again", "two"))
    assert one == again
    assert one != two


def test_progress_goes_to_standard_error_line_by_line_and_quiet_silences_it(run, table):
    _, out, err = run("construct", table)
    assert err.splitlines() == ["constructing", "verifying", "drawing"]
    _, quiet_out, quiet_err = run("construct", table, "--quiet")
    assert quiet_err == ""
    assert quiet_out == out


def test_a_run_over_another_run_replaces_it(run, table, tmp_path):
    for command in ("construct", "construct"):
        assert run(command, table, "--out", "made", "-q")[0] == 0
    made = ["made/certificate.json", "made/network.npz"]
    (tmp_path / "made" / "notes.txt").write_text("mine")
    assert run("check", *made, table, "--out", "made", "-q")[0] == 0
    # What was checked is still there, and so are the notes.
    there = {p.name for p in (tmp_path / "made").iterdir()} - {"index.html", "run.json"}
    assert there == {"certificate.json", "findings.csv", "network.npz", "notes.txt"}


@pytest.mark.usefixtures("in_full")
@pytest.mark.parametrize("name", ["\udcff\n 木 #1 $a$ <b>", "x" * 240])
def test_a_file_of_any_name_is_constructed(run, table, tmp_path, name):
    table.rename(tmp_path / f"{name}.csv")
    status, _, err = run("construct", f"./{name}.csv", "-q")
    assert (status, err) == (0, "")
    (folder,) = (tmp_path / "runs").iterdir()
    page = (folder / "index.html").read_text()
    assert "<b>" not in page.split("<h2")[1].split("<p>")[0]
    figures = re.findall('<img src="([^"]*)"', page)
    assert figures and all((folder / unquote(figure)).is_file() for figure in figures)


def test_progress_names_each_method_that_may_take_long(run):
    _, _, err = run("construct", "concentric")
    tried = [f"constructing: {name}" for name in ("cone", "simplex")]
    assert err.splitlines() == ["constructing", *tried, "verifying", "drawing"]


# Bad input


def test_a_study_is_replaced_with_force_only_and_what_is_mine_stays(run, table, tmp_path):
    small = ["--scales", "0.1", "--trials", "2", "--steps", "2", "-q"]
    assert run("study", table, *small, "--out", "st")[0] == 0
    (tmp_path / "st" / "notes.txt").write_text("mine")
    (tmp_path / "st" / "summary.csv").write_text("edited")
    before = {p.name: p.read_bytes() for p in (tmp_path / "st").iterdir()}
    status, _, err = run("construct", table, "--out", "st", "-q")
    assert (status, err.count("\n")) == (2, 1)
    assert "holds a finished study (" in err and "--force" in err
    assert {p.name: p.read_bytes() for p in (tmp_path / "st").iterdir()} == before
    assert run("construct", table, "--out", "st", "-q", "--force")[0] == 0
    there = {p.name: p.read_bytes() for p in (tmp_path / "st").iterdir()}
    assert (there["notes.txt"], there["summary.csv"]) == (b"mine", b"edited")
    assert "study.sqlite" not in there and "network.npz" in there


def test_a_full_disk_is_one_line_and_leaves_the_earlier_run(run, table, tmp_path, monkeypatch):
    run("construct", table, "--out", "made")
    before = {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("training.output.folder.RunFolder.text", full)
    status, _, err = run("construct", table, "--out", "made", "--seed", "1", "-q")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "No space left" in err
    assert {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()} == before
