"""`geomcore mesa`, as a user meets it; `geomcore nonneg` shares what is tested here."""

import csv
import hashlib
import importlib
import json
import sqlite3
from contextlib import closing

import msgspec
import pytest

SMALL = ("--seeds", "2", "--dims", "2,3", "--models", "lp,linear", "--epochs", "80", "--seed", "3")
ONE = ("--seeds", "4", "--dims", "2", "--models", "linear", "--epochs", "70", "--seed", "3")
TABLES = ("runs.csv", "comparisons.csv", "readings.csv", "verdicts.csv", "published.csv")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# By hand


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_the_command_tells_tables_and_verdicts(run, tmp_path):
    status, out, err = run("mesa", *SMALL, "--jobs", "1", "--out", "x")
    assert status == 0 and "networks" in err
    rows = rows_of(tmp_path / "x" / "runs.csv")
    assert [(r["d"], r["seed"], r["model"]) for r in rows] == [
        (d, s, m) for d in "23" for s in "34" for m in ("lp", "linear", "flipped")
    ]
    verdicts = rows_of(tmp_path / "x" / "verdicts.csv")
    assert {v["claim"] for v in verdicts} == {"A1", "A2", "A3", "A4"}
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    for row in verdicts:
        assert row["verdict"] == "not decided by this evidence"
        assert f"{row['claim']}, d = {row['d']}: {row['about']}: {row['verdict']}." in " ".join(
            out.split()
        )
        assert f"{row['claim']}, d = {row['d']}: {row['verdict']}." in page
    assert "A reading is answered" in out and "A reading is answered" in page
    assert page.count("<img") == 8 and "Published: one seed" in page
    assert (tmp_path / "x" / "mesa-lp.npz").exists()
    record = json.loads((tmp_path / "x" / "run.json").read_text())
    assert record["command"] == "mesa" and "runs" in record["timings"]


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(run, tmp_path, monkeypatch):
    assert run("mesa", *ONE, "--jobs", "2", "--out", "whole", "-q")[0] == 0
    module = importlib.import_module("training.experiments.mesa.survey")
    work, done = module._piece_of, []

    def killed(one):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(one)
        return work(one)

    monkeypatch.setattr(module, "_piece_of", killed)
    status, _, err = run("mesa", *ONE, "--jobs", "1", "--out", "cut")
    assert status == 130 and "to go on: geomcore mesa --resume --out cut" in err
    assert not (tmp_path / "cut" / "runs.csv").exists()
    done[:] = done[:1]
    assert run("mesa", "--resume", "--out", "cut", "--jobs", "1", "-q")[0] == 130
    monkeypatch.setattr(module, "_piece_of", work)
    assert run("mesa", "--resume", "--out", "cut", "--jobs", "1", "-q")[0] == 0
    for name in (*TABLES, "mesa-linear.npz", "mesa-regions.svg"):
        whole, cut = ((tmp_path / folder / name).read_bytes() for folder in ("whole", "cut"))
        assert whole == cut, name


def test_a_run_goes_on_with_what_it_was_begun_with_only(run, tmp_path):
    small = (*SMALL[:2], "--dims", "3", "--models", "linear", "--epochs", "1")
    assert run("mesa", *small, "--jobs", "1", "--out", "x", "-q")[0] == 0
    status, _, err = run("mesa", "--resume", "--out", "x", "--epochs", "2")
    assert status == 2 and "--epochs is 1 in x" in err
    status, _, err = run("nonneg", "--resume", "--out", "x")
    assert status == 2 and "must be of nonneg, it is of mesa" in err
    record = json.loads((tmp_path / "x" / "run.json").read_text())
    record["arguments"]["dims"] = "5"
    (tmp_path / "x" / "run.json").write_text(json.dumps(record))
    status, _, err = run("mesa", "--resume", "--out", "x")
    assert status == 2 and "another work: dims was [3], now it is [5]" in err


def test_a_piece_that_was_changed_is_not_gone_on_with(run, tmp_path):
    options = ("--seeds", "1", "--dims", "3", "--models", "linear", "--epochs", "1", "--jobs", "1")
    assert run("mesa", *options, "--out", "x", "-q")[0] == 0
    with closing(sqlite3.connect(tmp_path / "x" / "pieces.sqlite")) as file, file:
        file.execute("UPDATE piece SET content = substr(content, 1, length(content) - 8)")
    status, _, err = run("mesa", "--resume", "--out", "x")
    assert status == 2 and len(err.splitlines()) >= 1 and "d 3 seed 0 in it is damaged" in err


def test_a_piece_of_another_form_ends_in_a_sentence_though_its_digest_fits(run, tmp_path):
    options = ("--seeds", "1", "--dims", "3", "--models", "linear", "--epochs", "1", "--jobs", "1")
    assert run("mesa", *options, "--out", "x", "-q")[0] == 0
    content = msgspec.msgpack.encode([1])
    digest = hashlib.sha256(b"d 3 seed 0\0" + content).hexdigest()
    with closing(sqlite3.connect(tmp_path / "x" / "pieces.sqlite")) as file, file:
        file.execute("UPDATE piece SET content = ?, digest = ?", [content, digest])
    status, _, err = run("mesa", "--resume", "--out", "x", "-q")
    assert status == 2 and len(err.splitlines()) == 1
    assert "the piece d 3 seed 0 in it is damaged: it is not of linear, flipped" in err


def test_a_foreign_or_damaged_folder_is_left_alone(run, tmp_path):
    small = ("--seeds", "1", "--dims", "3", "--models", "linear", "--epochs", "1", "-q")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    status, _, err = run("mesa", *small, "--out", "mine")
    assert status == 2 and len(err.splitlines()) == 1
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert run("mesa", *small, "--out", "x")[0] == 0
    content = (tmp_path / "x" / "pieces.sqlite").read_bytes()
    (tmp_path / "x" / "pieces.sqlite").write_bytes(b"x" * 5000)
    status, _, err = run("mesa", "--resume", "--out", "x")
    assert status == 2 and "pieces.sqlite" in err and len(content) > 5000
    assert (tmp_path / "x" / "pieces.sqlite").read_bytes() == b"x" * 5000


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
@pytest.mark.parametrize("models", ["lp-2", "hard", "linear"])
def test_one_model_is_enough_where_no_claim_is_about_it(run, tmp_path, models):
    options = ("--seeds", "1", "--dims", "2", "--seed", "5", "--epochs", "80", "--jobs", "1")
    status, out, _ = run("mesa", *options, "--models", models, "--out", "x", "-q")
    assert status == 0 and ("A4, d = 2" in out) == (models == "linear")
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert ("It was not trained" in page) == (models != "linear")
    assert page.count("<img") == (6 if models == "lp-2" else 7)


def test_models_come_in_one_order_and_once(run, tmp_path):
    options = ("--seeds", "1", "--dims", "3,2,3", "--models", "linear, lp,linear", "--epochs", "1")
    assert run("mesa", *options, "--jobs", "1", "--out", "x", "-q")[0] == 0
    rows = rows_of(tmp_path / "x" / "runs.csv")
    assert [r["d"] + r["model"] for r in rows] == [
        d + m for d in "23" for m in ("lp", "linear", "flipped")
    ]


# Bad input


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--seeds", "0"], "--seeds must be a whole number from 1 to 1,000"),
        (["--seeds", "x"], "--seeds must be a whole number"),
        (["--dims", "1"], "--dims must be whole numbers from 2 to 64"),
        (["--dims", "2,,3"], "--dims must be whole numbers"),
        (["--dims", "2.5"], "--dims must be whole numbers"),
        (["--dims", "65"], "--dims must be whole numbers"),
        (["--dims", ""], "--dims must be whole numbers"),
        (["--models", "lp,relu"], "--models must be of lp, "),
        (["--models", ""], "--models must be of lp, "),
        (["--epochs", "0"], "--epochs must be a whole number"),
        (["--jobs", "0"], "--jobs must be a whole number"),
        (["--resume"], "--resume needs --out"),
        (["--resume", "--out", "nothing"], "there is no run in nothing"),
        (["lp"], "unexpected extra argument"),
    ],
)
@pytest.mark.parametrize("command", ["mesa", "nonneg"])
def test_wrong_calls_get_one_line_and_leave_nothing(run, tmp_path, command, arguments, reason):
    status, _, err = run(command, *arguments)
    assert status == 2 and len(err.splitlines()) == 1 and reason in err
    assert list(tmp_path.iterdir()) == []
