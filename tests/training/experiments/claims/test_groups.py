"""Verdicts arranged for a reader."""

import struct

import pytest

from training.experiments.claims.evidence import judgements
from training.experiments.claims.groups import (
    as_markdown,
    counted_verdicts,
    grouped,
    rows_for_a_table,
)
from training.experiments.claims.rules import RULES
from training.experiments.claims.sources import CLAIMS
from training.experiments.claims.works import WORKS

RECORD = {"seed": 0, "started": "2026-01-02T03:04:05+0000", "versions": {"numpy": "2"}}


@pytest.fixture
def found(tmp_path):
    """Rows of a folder in which one run, of kernels, is there."""
    (tmp_path / "kernels").mkdir()
    text = 'claim,verdict,reason\nC1,holds,a|b\n"C2, relu",does not hold,c\n"C2, linear",holds,d\n'
    (tmp_path / "kernels" / "verdicts.csv").write_text(text)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 900, 300)
    (tmp_path / "kernels" / "kernels-losses.png").write_bytes(head)
    missing = {work.folder: "it failed" for work in WORKS if work.folder != "kernels"}
    rows = judgements(tmp_path, [], missing)
    table = rows_for_a_table(rows, quick=True, seed=2, draws=3)
    groups = grouped(rows, table, WORKS, tmp_path, missing, quick=True)
    return rows, table, {group["about"]: group for group in groups}


def test_every_claim_has_one_rule():
    assert [name for rule in RULES for name in rule.claims] == [claim.name for claim in CLAIMS]
    assert all("nan" not in rule.text and "{" not in rule.text for rule in RULES)


def test_what_is_not_available_is_counted_apart_and_only_if_there_is_any(found):
    counts = counted_verdicts(found[0])
    assert counts["holds"] == 2 and counts["does not hold"] == 1
    assert counts["not decided by this evidence"] == 1  # E1, of no draw
    assert counts["not available"] == len(CLAIMS) - 3
    assert "not available" not in counted_verdicts([{"verdict": "holds"}])


def test_each_row_tells_what_was_run(found):
    ran = {row["claim"]: row["ran"] for row in found[1]}
    assert ran["C1"] == "geomcore kernels --seeds 4 --seed 2"
    assert ran["E1"].startswith("networks of 3 draws") and "seeds 2 to 4" in ran["E1"]
    assert ran["E4"].count("geomcore study") == 4
    assert {row["published"] for row in found[1] if row["claim"] == "C2"} == {
        "linear -0, -0, 0, 4, 8; rectified zeros"
    }


def test_a_field_has_its_pictures_and_says_what_a_full_run_has_more_of(found):
    kernels = found[2]["Kernels without negative weights"]
    assert [picture["path"] for picture in kernels["figures"]] == ["kernels/kernels-losses.png"]
    assert kernels["figures"][0]["is_broad"]
    assert [row["part"] for row in kernels["claims"][1]["rows"]] == ["relu", "linear"]
    assert kernels["less"] == "geomcore kernels: seeds 4 (in full 20)"
    assert not kernels["undecided"]
    points = found[2]["Zero loss, and the points above it"]
    assert points["figures"] == [] and points["undecided"]


def test_the_text_has_each_verdict_once_and_no_bar_that_parts_a_cell(found):
    told = as_markdown(list(found[2].values()), RECORD)
    assert told.startswith("Seed 0, 2026-01-02, numpy 2.")
    assert "a\\|b" in told and told.count("| **holds** |") == 2
    assert told.count("| **not available** |") == len(CLAIMS) - 3
    rows = [line for line in told.splitlines() if line.startswith("| **")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}
