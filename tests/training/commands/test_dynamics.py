"""`geomcore dynamics`, as a user meets it."""

import csv
import json

import pytest

SMALL = ("--seeds", "3", "--points", "6", "--fractions", "0.3,0.7", "--steps", "60", "--jobs", "1")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# By hand


def test_the_command_tells_rates_models_and_verdicts(run, tmp_path):
    status, out, err = run("dynamics", *SMALL, "--out", "x")
    assert status == 0 and "seed 2" in err
    assert "no dependence" in out and "spread of the truncated class: " in out
    rows = rows_of(tmp_path / "x" / "runs.csv")
    assert [(r["seed"], r["fraction"]) for r in rows] == [
        (str(s), f) for s in range(3) for f in ("0.3", "0.7")
    ]
    verdicts = rows_of(tmp_path / "x" / "verdicts.csv")
    assert len(verdicts) == 3 and {v["claim"] for v in verdicts} == {"E5"}
    for row in verdicts:
        assert row["verdict"] in ("supported", "refuted", "not decided")
        assert f"{row['quantity']}: {row['verdict']}. " in out
    assert len(rows_of(tmp_path / "x" / "course.csv")) > 6 * 20
    record = json.loads((tmp_path / "x" / "run.json").read_text())
    assert record["command"] == "dynamics" and "runs" in record["timings"]
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 3 and verdicts[0]["verdict"] in page


def test_a_table_is_followed_by_the_class_that_is_named(run, tmp_path):
    lines = [
        f"{x},{y},{kind}"
        for kind, (a, b) in {"low": (0, 0), "up": (0, 3)}.items()
        for x, y in [(a, b), (a + 0.3, b), (a, b + 0.4), (a + 0.2, b + 0.3)]
    ]
    (tmp_path / "t.csv").write_text("\n".join(["u,v,kind", *lines]) + "\n")
    options = ("--seeds", "3", "--fractions", "0.25,0.5", "--steps", "20", "--follow", "up", "-q")
    status, _, err = run("dynamics", "t.csv", *options, "--out", "x")
    assert status == 0 and not err
    assert {row["class"] for row in rows_of(tmp_path / "x" / "course.csv")} == {"up"}


def test_data_with_a_generator_are_drawn_for_each_seed(run, tmp_path):
    options = ("--seeds", "2", "--fractions", "0.3,0.7", "--steps", "5", "-q", "--out", "x")
    assert run("dynamics", "sequential", *options)[0] == 0
    rows = rows_of(tmp_path / "x" / "runs.csv")
    assert rows[0]["spread_start"] != rows[2]["spread_start"]


# Bad input


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--fractions", "0.5"], "--fractions must be two different numbers"),
        (["--fractions", "a,b"], "--fractions must be two different numbers"),
        (["--fractions", "0,1"], "--fractions must be two different numbers"),
        (["--follow", "9"], "--follow must be one of"),
        (["--seeds", "0"], "--seeds"),
        (["--label", "kind"], "--label goes with a CSV file"),
        (["iris", "--seeds", "1", "--steps", "1"], "could be separated"),
        (["nothing.csv"], "nothing.csv"),
        (["wine", "--points", "9"], "--points goes with balls"),
        (["--radius", "nan"], "radius"),
        (["--others", "nan"], "--others"),
        (["--points", "6", "--fractions", "0.01,0.5"], "--fractions must truncate at least one"),
    ],
)
def test_wrong_calls_get_one_line_and_leave_nothing(run, tmp_path, arguments, reason):
    status, _, err = run("dynamics", *arguments, "--out", "x", "-q")
    assert status == 2 and len(err.splitlines()) == 1 and reason in err
    assert not (tmp_path / "x").exists()
