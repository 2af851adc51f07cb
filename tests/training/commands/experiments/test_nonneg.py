"""`geomcore nonneg`, as a user meets it; what it shares with `geomcore mesa` is tested there."""

import csv

import pytest

from training.experiments.mesa.published import PENALISED

MODELS = "lp,linear,negative-1,hard"


@pytest.mark.usefixtures("in_full")
def test_the_command_tells_tables_and_verdicts(run, tmp_path):
    options = ("--seeds", "2", "--dims", "2", "--models", MODELS, "--epochs", "3", "--seed", "3")
    status, out, _ = run("nonneg", *options, "--jobs", "1", "--out", "x", "-q")
    assert status == 0
    with open(tmp_path / "x" / "verdicts.csv", newline="", encoding="utf-8") as file:
        verdicts = list(csv.DictReader(file))
    assert [v["claim"] for v in verdicts] == ["B1", "B2", "B3"]
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    flat = " ".join(out.split())
    for told in ("nothing is decided; use --seeds 30.", "3 epochs at most; the source has 500."):
        assert told in flat and told in page
    assert flat.index("the source has 500") < flat.index("collapsed kept accuracy")
    assert max(map(len, out[out.index("B1, d = 2") :].split("run folder")[0].split("\n"))) <= 80
    for row in verdicts:
        assert f"{row['claim']}, d = 2: {row['about']}: {row['verdict']}." in flat
        assert f"{row['claim']}, d = 2: {row['verdict']}." in page
    assert "batches of 256, a partial batch kept" in page and "at most 3 epochs" in page
    with open(tmp_path / "x" / "published.csv", newline="", encoding="utf-8") as file:
        told = [row for row in csv.DictReader(file) if row["numbers"] == "published"]
    assert len(told) == len(set(PENALISED) & set(MODELS.split(",")))
