"""A study goes on from its folder alone: elsewhere, after its data have moved, as it was begun."""

import json
import os
import shutil
import sqlite3

import numpy as np
import pytest

from geomcore.datasets.dataset import Dataset
from training.commands.cases.case import Case
from training.commands.cases.case_study import told_parts
from training.commands.cases.origin import (
    Made,
    Origin,
    data_of,
    keep_origin,
    read_json,
    read_origin,
)
from training.commands.cli import main
from training.commands.study import Arguments, _arguments
from training.output.folder import RunFolder
from training.study.records import Part
from training.study.result import load_study
from training.study.store import Store

SMALL = ["--scales", "0.1,1", "--trials", "3", "--steps", "4", "-q"]


def rows(folder):
    connection = sqlite3.connect(folder / "study.sqlite")
    found = connection.execute("SELECT * FROM trial").fetchall()
    connection.close()
    return found


def forget(folder, trials=4):
    """Take some trials out of a study, as if it had been killed before them."""
    connection = sqlite3.connect(folder / "study.sqlite")
    connection.execute("DELETE FROM trial WHERE (scale, trial) > (0, ?)", [6 - trials])
    connection.commit()
    connection.close()


def content(folder):
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with a table and a finished study of it."""
    place = tmp_path_factory.mktemp("whole")
    table = place / "flowers.csv"
    table.write_text("u,v,kind\n0,0,a\n.1,.2,a\n3,0,b\n3,.2,b\n0,3,c\n.1,3.2,c\n")
    assert main(["study", str(table), *SMALL, "--out", str(place / "r")]) == 0
    return place


@pytest.fixture
def begun(whole, tmp_path):
    """A study of a table, half of it forgotten, and the rows of the whole."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "r"
    complete = rows(folder)
    forget(folder)
    assert 0 < len(rows(folder)) < len(complete)
    return folder, complete


# By hand


def test_a_study_goes_on_elsewhere_after_its_table_is_gone(run, table, begun, tmp_path):
    folder, whole = begun
    table.unlink()
    (tmp_path / "there").mkdir()
    moved = shutil.move(folder, tmp_path / "there" / "other")
    os.chdir(tmp_path / "there")
    assert run("study", "--resume", "--out", "other", "-q")[0] == 0
    assert rows(moved) == whole
    record = json.loads((moved / "run.json").read_text())
    assert {"data.npz", "origin.json", "references.json"} <= set(record["files"])


def test_labels_of_every_kind_are_kept(tmp_path):
    X = np.array([[0.0], [1.0], [2.0]])
    for number, y in enumerate([["b", "a", "b"], [2, 1, 2], [0.5, 0.1, 0.5]]):
        case = Case(Dataset(X, np.array(y), "mine", {}))
        with RunFolder(tmp_path / f"r{number}", "study", {}, 0) as folder:
            keep_origin(folder, case, "mine.csv")
            folder.publish()
        origin = read_origin(tmp_path / f"r{number}")
        data = data_of(tmp_path / f"r{number}", origin, "mine.csv", None)
        assert data.name == "mine"
        assert np.unique(data.y, return_inverse=True)[1].tolist() == [1, 0, 1]
        np.testing.assert_array_equal(data.X, X)


def test_target_vectors_are_kept_as_they_are(run, tmp_path):
    X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.1], [-1.0], [0.1]])
    np.savez("t.npz", X=X, y=Y)
    assert run("study", "t.npz", *SMALL, "--out", "r")[0] == 0
    whole = rows(tmp_path / "r")
    data = data_of(tmp_path / "r", read_origin(tmp_path / "r"), "t.npz", None)
    np.testing.assert_array_equal(data.y, Y)
    forget(tmp_path / "r")
    assert run("study", "--resume", "--out", "r", "-q")[0] == 0
    assert rows(tmp_path / "r") == whole


def test_data_that_are_too_large_are_found_where_they_were_or_where_they_are_said_to_be(
    run, table, tmp_path, monkeypatch
):
    monkeypatch.setattr("training.commands.cases.origin.MOST_BYTES", 10)
    run("study", table.name, *SMALL, "--out", "r")
    whole = rows(tmp_path / "r")
    assert not (tmp_path / "r" / "data.npz").exists()
    (tmp_path / "there").mkdir()
    os.chdir(tmp_path / "there")
    origin = read_origin(tmp_path / "r")
    assert len(data_of(tmp_path / "r", origin, table.name, None).X) == 6
    table.rename(tmp_path / "moved.csv")
    forget(tmp_path / "r")
    before = content(tmp_path / "r")
    status, _, err = run("study", "--resume", "--out", "../r", "-q")
    assert status == 2
    assert err.endswith("flowers.csv: say --data PATH\n")
    assert content(tmp_path / "r") == before
    arguments = ["--resume", "--out", "../r", "--data", "../moved.csv", "-q"]
    assert run("study", *arguments)[0] == 0
    assert rows(tmp_path / "r") == whole


def test_other_data_are_refused_and_the_same_ones_under_another_name_are_not(run, table, begun):
    folder, whole = begun
    other = table.with_name("other.csv")
    other.write_text(table.read_text().replace("3.2", "3.25"))
    before = content(folder)
    for arguments in (["--data", other], [other]):
        status, _, err = run("study", *arguments, "--resume", "--out", folder, "-q")
        assert status == 2
        assert "must be the data of the study" in err and len(err) < 300
    table.write_text(other.read_text())
    assert run("study", table, "--resume", "--out", folder, "-q")[0] == 2
    assert content(folder) == before
    same = table.with_name("same.csv")
    same.write_text(other.read_text().replace("3.25", "3.2"))
    assert run("study", same, "--resume", "--out", folder, "-q")[0] == 0
    assert rows(folder) == whole


def test_a_study_is_looked_at_while_it_is_half_done_and_nothing_changes(run, begun):
    folder, _ = begun
    before = content(folder)
    status, out, _ = run("study", "--status", "--out", folder)
    assert status == 0
    assert "2 of 6 trials" in out or "3 of 6 trials" in out
    assert f"stopped, to go on: geomcore study --resume --out {folder}" in out
    assert content(folder) == before
    run("study", "--resume", "--out", folder, "-q")
    assert "6 of 6 trials" in run("study", "--status", "--out", folder)[1]


def test_a_running_study_is_looked_at(run, begun):
    folder, _ = begun
    with Store.open(folder / "study.sqlite", None):
        status, out, _ = run("study", "--status", "--out", folder)
        assert status == 0
        assert "a process is at it" in out
        status, _, err = run("study", "--resume", "--out", folder, "-q")
        assert status == 2
        assert "in use by another process" in err


def test_the_page_of_a_resumed_study_says_how_its_network_was_made_and_all_its_time(run, begun):
    folder, _ = begun
    first = (folder / "index.html").read_text()
    method = read_origin(folder).made.method
    assert run("study", "--resume", "--out", folder, "-q")[0] == 0
    page = (folder / "index.html").read_text()
    assert f"built by the method “{method}”" in first and f"built by the method “{method}”" in page
    assert "read from a file" not in page
    assert "resumed once" in page and "all parts together" not in first
    assert read_origin(folder).made.summary.splitlines()[0] in page
    record = json.loads((folder / "run.json").read_text())
    parts = load_study(folder / "study.sqlite").parts
    assert len(parts) == 2
    assert record["timings"]["study"] == pytest.approx(sum(p.seconds for p in parts), abs=2e-3)
    assert record["timings"]["construct"] == pytest.approx(
        read_origin(folder).seconds["construct"], abs=1e-3
    )


def test_the_page_says_from_which_file_a_network_was_read(run, table, tmp_path):
    run("construct", table, "--out", "c", "-q")
    run("study", table, *SMALL, "--network", "c/network.npz", "--out", "r")
    assert "read from c/network.npz" in (tmp_path / "r" / "index.html").read_text()
    run("study", "--resume", "--out", "r", "-q")
    assert "read from c/network.npz" in (tmp_path / "r" / "index.html").read_text()


def test_the_time_of_all_parts_is_one_sum():
    parts = [Part("monday", 1.5), Part("tuesday", None), Part("friday", 2.25)]
    origin = Origin("geomcore study x", "x", "", None, Made(), {})
    told = told_parts(parts, origin)
    assert "begun by “geomcore study x” on monday" in told
    assert "resumed 2 times" in told and "3.8 s" in told
    assert told.endswith("stored; 1 of them stored none.")
    assert told_parts(parts[1:2], None) == ""
    assert told_parts(parts[:1], None) == "Its trials took 1.5 s."


# Laws


def test_a_folder_of_an_older_version_goes_on_with_its_table(run, begun):
    folder, whole = begun
    for name in ("data.npz", "origin.json"):
        (folder / name).unlink()
    record = json.loads((folder / "run.json").read_text())
    record["files"] = [n for n in record["files"] if n not in ("data.npz", "origin.json")]
    del record["arguments"]["tolerance"]
    (folder / "run.json").write_text(json.dumps(record))
    assert run("study", "--resume", "--out", folder, "-q")[0] == 0
    assert rows(folder) == whole


# Bad input


WRONG = [None, 3, -1.5, "x\x1b[31m" * 200, [], {}, True, 10**30, [[[]]]]


def refused(run, folder):
    """Resume a folder that is damaged; whether that is refused as it must be."""
    before = content(folder)
    status, _, err = run("study", "--resume", "--out", folder, "-q")
    if status == 2:
        assert len(err) <= 330 and len(err.splitlines()) == 1
        assert err.rstrip("\n").isprintable()
        assert content(folder) == before
    return status == 2


@pytest.mark.parametrize("name", list(Arguments.__struct_fields__))
def test_a_wrong_argument_in_run_json_is_refused(run, begun, name):
    folder, _ = begun
    file, count = folder / "run.json", 0
    text = file.read_text()
    for value in WRONG:
        record = json.loads(text)
        record["arguments"][name] = value
        file.write_text(json.dumps(record))
        try:
            assert isinstance(_arguments({}, folder, True), dict)
        except ValueError as error:
            assert len(str(error)) <= len(str(folder)) + 250 and str(error).isprintable()
            count += 1
    # A text fits some, and so does what is nothing or a number of the right size.
    assert count >= 4
    if name in ("scales", "trials"):
        record["arguments"][name] = {}
        file.write_text(json.dumps(record))
        assert refused(run, folder)


@pytest.mark.parametrize("name", ["run.json", "origin.json", "references.json"])
def test_a_file_of_the_folder_that_says_something_else_is_refused(run, begun, name):
    folder, _ = begun
    file = folder / name
    text = file.read_text()
    texts = ["", "null", "3", "[]", "{}", "[" * 100_000, text[:-9], text.replace('"', "", 1)]
    texts += [
        '{"a": "../x.npz"}',
        '{"a": "missing.npz"}',
        '{"a": "\\u001b.npz"}',
        '{"a": 3}',
        "\xff\x00",
    ]
    for wrong in texts:
        file.write_text(wrong, encoding="latin-1")
        assert refused(run, folder)
    file.unlink()
    os.mkfifo(file)
    if name != "run.json":
        with pytest.raises(ValueError, match="no such file, or none of ours"):
            read_json(file, dict)


@pytest.mark.parametrize("name", ["", ".", "..", "../out", "/tmp/out", "a/b", "x" * 5000])
def test_a_name_that_would_lead_out_of_the_folder_is_refused(run, begun, name):
    folder, _ = begun
    file = folder / "origin.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "name": name}))
    assert refused(run, folder)


def test_what_is_known_of_the_data_is_known_again(begun):
    folder, _ = begun
    origin = read_origin(folder)
    assert "u" in str(origin.info) and "kind" in str(origin.info)
    assert data_of(folder, origin, "flowers.csv", None).info == origin.info


def test_damaged_data_in_the_folder_are_refused_and_replaced_by_data(run, table, begun):
    folder, whole = begun
    data = (folder / "data.npz").read_bytes()
    for wrong in (b"", data[:100], b"x" * 500):
        (folder / "data.npz").write_bytes(wrong)
        assert refused(run, folder)
    np.savez(folder / "data.npz", X=np.ones((2, 2)), y=[0, 1])
    assert refused(run, folder)
    (folder / "data.npz").unlink()
    assert run("study", "--resume", "--out", folder, "--data", table, "-q")[0] == 0
    assert rows(folder) == whole


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--status"], "--status needs DATA or --out"),
        (["--status", "--out", "nowhere"], "--status: there is no study in nowhere"),
        (["clusters", "--data", "x.csv"], "--data goes with --resume"),
        (["clusters", "--tolerance", "-1"], "tolerance must be a finite number, at least 0"),
        (["clusters", "--tolerance", "nan"], "tolerance must be a finite number, at least 0"),
    ],
)
def test_wrong_use_is_one_line(run, arguments, reason):
    status, _, err = run("study", *arguments, "-q")
    assert status == 2
    assert reason in err
