"""`geomcore census`, as a user meets it."""

import csv
import json

import pytest

from constructions import Certificate, recheck
from geomcore import load
from geomcore.datasets import load_table

SMALL = ("--runs", "4", "--steps", "150", "--jobs", "1", "-q")
SHAPES = ("--widths", "2,2,3", "--widths", "2,3")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tables_of(folder):
    names = ("runs.csv", "end_points.csv", "summary.csv")
    networks = sorted(p.name for p in folder.glob("*-end-*"))
    return {name: (folder / name).read_bytes() for name in (*names, *networks)}


# By hand


@pytest.mark.usefixtures("in_full")
def test_it_tells_where_training_ends_and_keeps_each_end_with_its_certificate(run, table, tmp_path):
    status, out, err = run("census", table, *SHAPES, *SMALL, "--out", "x")
    assert status == 0 and not err
    folder = tmp_path / "x"
    runs, ends = rows_of(folder / "runs.csv"), rows_of(folder / "end_points.csv")
    summary = rows_of(folder / "summary.csv")
    assert [row["widths"] for row in summary] == ["2-2-3", "2-3"]
    assert [row["widths"] for row in runs] == ["2-2-3"] * 4 + ["2-3"] * 4
    data = load_table(table)
    for row in ends:
        own = [r for r in runs if (r["widths"], r["end"]) == (row["widths"], f"{row['end']}.0")]
        assert len(own) == int(row["times"]) or len(own) == 0
        net = load(folder / row["network"])
        told = Certificate.from_file(folder / row["certificate"], net)
        assert all(check.passed is not False for check in recheck(told, net, data.X, data.y))
        assert (told.verdict if told.proved else "undetermined") == row["kind"]
    # one affine layer has one minimum
    assert [row["times"] for row in ends if row["widths"] == "2-3"] == ["4"]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 3 and "flowers 2-2-3" in page and "flowers 2-3" in page
    assert json.loads((folder / "run.json").read_text())["arguments"]["widths"] == ["2,2,3", "2,3"]
    assert "flowers 2-3" in out and "4 of 4 runs (100%" in out
    # No rank of those with best fits is proved, which a star tells.
    assert any(row["flat_proved"] == "False" for row in ends)
    assert "* rank and flat are computed in floating point, not proved" in out


def test_verify_and_check_confirm_the_certificate_of_an_end(run, table, tmp_path):
    assert run("census", table, "--widths", "2,2,3", *SMALL, "--out", "x")[0] == 0
    (row, *_) = rows_of(tmp_path / "x" / "end_points.csv")
    certificate, network = (tmp_path / "x" / row[name] for name in ("certificate", "network"))
    status, out, _ = run("verify", network, table, "--certificate", certificate, "-q")
    assert status == 0 and "(proved)" in out and "the certificate holds" in out
    status, out, _ = run("check", certificate, network, table, "-q")
    assert "REFUSED" not in out and "yes  loss_bound" in out


def test_several_data_sets_each_take_the_shapes_that_fit(run, table, tmp_path):
    (tmp_path / "two.csv").write_text("u,kind\n0,a\n1,b\n2,a\n4,b\n")
    shapes = ("--widths", "2,3", "--widths", "1,2,2", "--widths", "1,2")
    assert run("census", table, "two.csv", *shapes, *SMALL, "--out", "x")[0] == 0
    told = [(r["data"], r["widths"]) for r in rows_of(tmp_path / "x" / "summary.csv")]
    assert told == [("flowers", "2-3"), ("two", "1-2-2"), ("two", "1-2")]
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 4


def test_targets_loss_and_decay_are_those_of_the_options(run, tmp_path):
    (tmp_path / "two.csv").write_text("u,kind\n0,a\n1,b\n2,a\n4,b\n")
    options = ("--targets", "0,1", "--loss", "bce", "--weight-decay", "0.01", "--widths", "1,2,1")
    assert run("census", "two.csv", *options, *SMALL, "--out", "x")[0] == 0
    (row, *_) = rows_of(tmp_path / "x" / "end_points.csv")
    told = Certificate.from_file(tmp_path / "x" / row["certificate"])
    assert (told.loss_name, told.weight_decay, told.widths) == ("bce", 0.01, (1, 2, 1))


# Laws


def test_stopped_and_resumed_it_ends_with_the_same_files(run, table, tmp_path, monkeypatch):
    from training.census import census

    assert run("census", table, *SHAPES, *SMALL, "--out", "whole")[0] == 0
    settled, known = [], census.ending_of

    def ending_of(number, *rest):
        settled.append(number)
        if len(settled) in (3, 7):
            raise KeyboardInterrupt
        return known(number, *rest)

    monkeypatch.setattr(census, "ending_of", ending_of)
    status, _, err = run("census", table, *SHAPES, *SMALL, "--out", "x")
    assert status == 130 and "census --resume --out x" in err
    resume = ("census", "--resume", "--out", "x", "-q", "--jobs", "1")
    assert run(*resume)[0] == 130
    status, _, _ = run(*resume)
    assert status == 0 and settled == [0, 1, 2, 2, 3, 0, 1, 1, 2, 3]
    assert tables_of(tmp_path / "x") == tables_of(tmp_path / "whole")


def test_the_number_of_jobs_changes_nothing(run, table, tmp_path):
    for out, jobs in (("one", "1"), ("two", "2")):
        assert run("census", table, *SHAPES[:2], *SMALL, "--jobs", jobs, "--out", out)[0] == 0
    assert tables_of(tmp_path / "one") == tables_of(tmp_path / "two")


# Bad input


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "DATA is missing"),
        (["iris"], "--widths is missing"),
        (["iris", "--widths", "4"], "--widths must be two positive whole numbers or more"),
        (["iris", "--widths", "4,x,3"], "--widths must be two positive whole numbers or more"),
        (["iris", "--widths", "4,0,3"], "--widths must be two positive whole numbers or more"),
        (["iris", "--widths", "2,3,3"], "--widths must begin with 4 and end with 3 for iris"),
        (["iris", "--widths", "4,3", "--widths", "5,3"], "--widths 5,3 fits none of the data"),
        (["iris", "iris", "--widths", "4,3"], "DATA must have different names"),
        (["nothing.csv", "--widths", "4,3"], "nothing.csv"),
        (["iris", "--widths", "4,3", "--runs", "0"], "--runs"),
        (["iris", "--widths", "4,3", "--loss", "hinge"], "--loss must be"),
        (["iris", "--widths", "4,3", "--weight-decay", "nan"], "--weight-decay must"),
        (["iris", "--widths", "4,3", "--learning-rate", "0"], "--learning-rate must"),
        (["iris", "--widths", "4,3", "--seconds", "0"], "--seconds must"),
        (["iris", "--widths", "4,900,900,3"], "parameters"),
        (["--resume", "--out", "x"], "--resume: there is no run in x"),
    ],
)
def test_wrong_calls_get_one_line_and_leave_nothing(run, tmp_path, arguments, reason):
    status, _, err = run("census", *arguments, "--out", "x", "-q", "--steps", "1")
    assert status == 2 and len(err.splitlines()) == 1 and reason in err
    assert not (tmp_path / "x").exists()
