"""`geomcore minima`, as a user meets it."""

import csv
import json

import numpy as np
import pytest

from training.commands.cli import main

SMALL = ["--points", "8", "--steps", "50", "--trials", "2", "--quiet", "--jobs", "1"]


def rows_of(folder):
    with open(folder / "minima.csv", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


# By hand


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_the_command_tells_minima_from_the_rest(tmp_path, capsys):
    assert main(["minima", *SMALL, "--out", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    assert "merge 0 1 | 2" in out and "not stationary (proved)" in out
    assert "differ from their closed forms, and must" in " ".join(out.split())
    rows = rows_of(tmp_path / "run")
    assert len(rows) == 1 + 8 + 5 + 8
    assert rows["state 111"]["verdict"] == "local minimum"
    assert rows["state 010"]["verdict"] == "not stationary"
    assert float(rows["merge 0 1 | 2"]["loss"]) == pytest.approx(1 / 3, abs=1e-12)
    paper = rows["paper 111"]
    assert float(paper["loss"]) == pytest.approx(float(paper["closed_form"]), abs=1e-10)
    assert paper["verdict"] == "not stationary"
    assert paper["verdict_in_cumulative"] == "local minimum (proved)"
    assert float(rows["clustered"]["balanced_basin"]) >= float(rows["clustered"]["basin"]) > 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["command"] == "minima" and "3 balls" in record["timings"]
    assert record["arguments"] == {
        "data": None,
        "classes": "3",
        "radius": 0.15,
        "points": 8,
        "label": None,
        "steps": 50,
        "trials": 2,
        "scale": 0.001,
        "jobs": 1,
    }
    page = (tmp_path / "run" / "index.html").read_text()
    for name in record["files"]:
        assert not name.endswith(".png") or name in page
    assert page.count("<img") == 3


@pytest.mark.usefixtures("in_full")
@pytest.mark.slow
def test_several_numbers_of_balls_go_in_one_command(tmp_path, capsys):
    options = ["--classes", "2,3", "--trials", "0", "--steps", "0", "--points", "5"]
    out = tmp_path / "run"
    assert main(["minima", *options, "--quiet", "--out", str(out)]) == 0
    with open(out / "growth.csv", newline="") as file:
        growth = list(csv.DictReader(file))
    assert [(g["data"], g["states"], g["merges"]) for g in growth] == [
        ("2 balls", "4 + 4", "2"),
        ("3 balls", "8 + 8", "5"),
    ]


# Bad input


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--classes", "1"], "--classes must be numbers from 2 to 6"),
        (["--classes", "three"], "--classes must be numbers from 2 to 6"),
        (["--radius", "3"], "radius"),
        (["--label", "kind"], "--label goes with a CSV file"),
        (["nothing.csv"], "nothing.csv"),
        (["digits"], "10 classes"),
    ],
)
def test_wrong_calls_get_one_line(options, reason, tmp_path, capsys):
    assert main(["minima", *options, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and reason in error


@pytest.mark.parametrize(
    ("size", "labels", "reason"),
    [
        (1.0, [7, 7, 7, 7], "DATA must hold at least two classes, got 1"),
        (1e300, [0, 1, 0, 1], "DATA must have numbers up to 1e+100 in size"),
    ],
)
def test_data_of_one_class_or_too_large_are_refused(size, labels, reason, tmp_path, capsys):
    X = size * np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]])
    np.savez(tmp_path / "data.npz", X=X, y=labels)
    assert main(["minima", str(tmp_path / "data.npz"), "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith(f"geomcore: {reason}")
