"""`geomcore landscape` leaves a page, tables and figures, and says what does not fit."""

import json

import pandas as pd
import pytest
from builders import random_network

from geomcore import save


@pytest.fixture
def networks(tmp_path):
    for k in range(2):
        save(random_network((4, 3, 3), k, scaled=True), tmp_path / f"{k}.npz")
    save(random_network((4, 2, 3), 0), tmp_path / "other.npz")
    return tmp_path


@pytest.mark.usefixtures("in_full")
def test_a_run_between_two_networks(run, networks):
    options = ("--points", 5, "--bend", 30, "--extent", 0.5)
    status, out, err = run("landscape", "0.npz", "iris", "--to", "1.npz", "--out", "r", *options)
    assert status == 0 and "verdict of verify" in out and "ways" in out
    folder = networks / "r"
    page = (folder / "index.html").read_text()
    assert "The way to 1.npz" in page and 'alt="' in page
    assert "<th>length of t = 1</th>" in page and "Length of t = 1: the norm of v" in page
    assert "between t = &minus;0.5\nand 0.5" in page and "Least loss" in page
    ways = pd.read_csv(folder / "ways.csv")
    assert (ways["largest loss, at least"] <= ways["at most"]).all() and len(ways) == 3
    line = pd.read_csv(folder / "line-1.csv")
    assert line["left"].iloc[0] == -0.5 and line["right"].iloc[-1] == 0.5
    for name in ("lines", "surface", "spectrum", "ways"):
        assert (folder / f"landscape-{name}.png").exists()
        assert (folder / f"landscape-{name}.svg").exists()
    record = json.loads((folder / "run.json").read_text())
    assert record["arguments"]["to"] == "1.npz" and record["seed"] == 0
    assert "spectrum" in err


@pytest.mark.usefixtures("in_full")
def test_another_loss_has_no_exact_lines(run, networks):
    options = ("--loss", "cross_entropy", "--weight-decay", "0.01", "--points", 3, "--quiet")
    status, out, err = run("landscape", "0.npz", "iris", "--to", "1.npz", "--out", "r", *options)
    assert status == 0 and err == ""
    assert not (networks / "r" / "line-1.csv").exists() and "cells" not in out
    page = (networks / "r" / "index.html").read_text()
    assert "Length of t = 1: the norm of v" in page and "Cells" not in page
    ways = pd.read_csv(networks / "r" / "ways.csv")
    assert (ways["at most"] <= 1.000001 * ways["largest loss, at least"]).all() and len(ways) == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("0.npz", "iris", "--points", 4), "--points must be odd"),
        (("0.npz", "iris", "--extent", 0), "--extent must be a positive number"),
        (("0.npz", "iris", "--to", "other.npz"), "--to must have widths (4, 3, 3), got (4, 2, 3)"),
        (("0.npz", "wine"), "NETWORK takes 4 inputs"),
        (("no.npz", "iris"), "no.npz"),
        (("0.npz", "iris", "--loss", "hinge"), "--loss must"),
    ],
)
def test_wrong_calls_end_in_one_line_before_any_work(run, networks, options, told):
    status, out, err = run("landscape", *options, "--out", "r")
    assert status == 2 and out == "" and told in err and err.count("\n") == 1
    assert not (networks / "r").exists()
