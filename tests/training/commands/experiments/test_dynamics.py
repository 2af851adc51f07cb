"""`geomcore dynamics`, as a user meets it."""

import csv
import importlib
import json
import re

import numpy as np
import pytest
from PIL import Image

from training.dynamics.film.film import can_make_mp4

SMALL = ("--seeds", "3", "--points", "6", "--fractions", "0.3,0.7", "--steps", "60", "--jobs", "1")
TABLES = ("runs.csv", "course.csv", "verdicts.csv")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# By hand


@pytest.mark.usefixtures("in_full")
def test_the_command_tells_rates_models_and_verdicts(run, tmp_path):
    status, out, err = run("dynamics", *SMALL, "--no-film", "--out", "x")
    assert status == 0 and "seed 2" in err
    assert "no dependence" in out and "spread of the truncated class: " in out
    rows = rows_of(tmp_path / "x" / "runs.csv")
    assert [(r["seed"], r["fraction"]) for r in rows] == [
        (str(s), f) for s in range(3) for f in ("0.3", "0.7")
    ]
    verdicts = rows_of(tmp_path / "x" / "verdicts.csv")
    assert len(verdicts) == 3 and {v["claim"] for v in verdicts} == {"E5"}
    for row in verdicts:
        assert row["verdict"] in ("holds", "does not hold", "not decided by this evidence")
        assert f"{row['quantity']}: {row['verdict']}. " in out
    assert len(rows_of(tmp_path / "x" / "course.csv")) > 6 * 20
    record = json.loads((tmp_path / "x" / "run.json").read_text())
    assert record["command"] == "dynamics" and "runs" in record["timings"]
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 3 and verdicts[0]["verdict"] in page
    assert "dynamics-film" not in page and "<h2>Film" not in page
    assert not list((tmp_path / "x").glob("*film*"))


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_the_page_has_a_film_that_can_be_stopped_and_its_still(run, tmp_path):
    assert run("dynamics", *SMALL, "-q", "--out", "x")[0] == 0
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    with Image.open(tmp_path / "x" / "dynamics-film.gif") as film:
        assert film.format == "GIF" and film.n_frames > 10
    assert (tmp_path / "x" / "dynamics-film.gif").stat().st_size < 5_000_000
    (image,) = re.findall(r'<img src="dynamics-film.gif" alt="([^"]*)"', page)
    assert image.startswith("Film: ") and "from step 0 " in image and "layer 3 collapses" in image
    assert 'class="moving" open' in page and "prefers-reduced-motion: reduce" in page
    for kind in ("png", "svg"):
        assert (tmp_path / "x" / f"dynamics-strip.{kind}").exists()
    assert 'src="dynamics-strip.png"' in page
    files = json.loads((tmp_path / "x" / "run.json").read_text())["files"]
    assert ("dynamics-film.mp4" in files) == can_make_mp4()


def test_a_run_that_was_killed_goes_on_to_the_same_tables(run, tmp_path, monkeypatch):
    options = (*SMALL, "--no-film", "--seed", "5")
    assert run("dynamics", *options, "--out", "whole")[0] == 0
    module = importlib.import_module("training.experiments.dynamics")
    work, done = module.history_of, []

    def killed(started, *, time):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(started)
        return work(started, time=time)

    monkeypatch.setattr(module, "history_of", killed)
    status, _, err = run("dynamics", *options, "--out", "cut")
    assert status == 130 and "to go on: geomcore dynamics --resume --out cut" in err
    assert not (tmp_path / "cut" / "runs.csv").exists()
    done.clear()
    assert run("dynamics", "--resume", "--out", "cut")[0] == 0
    assert len(done) == 1
    for name in TABLES:
        whole, cut = ((tmp_path / folder / name).read_bytes() for folder in ("whole", "cut"))
        assert whole == cut
    record = json.loads((tmp_path / "cut" / "run.json").read_text())
    assert record["seed"] == 5 and record["arguments"]["film"] is False


def test_data_that_have_changed_are_not_gone_on_with(run, tmp_path, table):
    options = ("--seeds", "2", "--fractions", "0.3,0.6", "--steps", "5", "--no-film", "-q")
    table.write_text(table.read_text() + "\n".join(f".{i},.1,a" for i in range(5)) + "\n")
    assert run("dynamics", table, *options, "--out", "x")[0] == 0
    table.write_text(table.read_text().replace("0,3,c", "0,4,c"))
    status, _, err = run("dynamics", "--resume", "--out", "x")
    assert status == 2 and "another work: data was" in err


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_large_columns_are_standardised_unless_that_is_unwanted(run, tmp_path, size):
    rng = np.random.default_rng(0)
    points = [(x, y, k) for k in range(2) for x, y in rng.normal(size=(8, 2)) + [4 * k, 0]]
    lines = [f"{x},{size * y},{'ab'[k]}" for x, y, k in points]
    (tmp_path / "t.csv").write_text("\n".join(["u,v,kind", *lines]) + "\n")
    options = ("--seeds", "2", "--fractions", "0.3,0.6", "--steps", "40", "--no-film")
    status, out, _ = run("dynamics", "t.csv", *options, "--out", "x")
    assert status == 0 and ("are standardised" in out) == (size > 1)
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert ("are standardised" in page) == (size > 1)
    contrary = "--no-standardize" if size > 1 else "--standardize"
    status, out, _ = run("dynamics", "t.csv", *options, contrary, "--out", "y")
    assert status == 0 and ("are standardised" in out) == (size == 1)
    rates = [
        [row["learning_rate"] for row in rows_of(tmp_path / name / "runs.csv")] for name in "xy"
    ]
    assert not set(rates[0]) & set(rates[1])


# Bad input


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--fractions", "0.5"], "--fractions must be two different numbers"),
        (["--fractions", "a,b"], "--fractions must be two different numbers"),
        (["--fractions", "0,1"], "--fractions must be two different numbers"),
        (["--follow", "9"], "--follow must be one of"),
        (["--seeds", "0"], "--seeds"),
        (["--seeds", "1"], "--seeds"),
        (["--standardize"], "--standardize goes with DATA"),
        (["--fractions", ",".join(map(str, np.linspace(0.1, 0.9, 41)))], "at most 40"),
        (["--label", "kind"], "--label goes with a CSV file"),
        (["iris", "--seeds", "2", "--steps", "1"], "could be separated"),
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
