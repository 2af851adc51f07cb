"""Tables of runs as verdicts on claims."""

import re

import pytest

from training.experiments.claims.evidence import judgements
from training.experiments.claims.sources import CLAIMS
from training.experiments.claims.works import WORKS

ALL = {work.folder: f"{work.folder} was not run" for work in WORKS}


def but(*names):
    """Why all runs are missing but those of some names."""
    return {name: why for name, why in ALL.items() if name not in names}


def test_without_runs_nothing_is_decided(tmp_path):
    rows = judgements(tmp_path, [], ALL)
    assert [row["claim"] for row in rows] == [claim.name for claim in CLAIMS]
    found = {row["claim"]: (row["verdict"], row["reason"]) for row in rows}
    assert found.pop("E1")[0] == "not decided by this evidence"
    assert {verdict for verdict, _ in found.values()} == {"not available"}
    assert found["A1"][1] == found["A4"][1] == "mesa was not run"
    assert found["E4"][1].startswith("study-a: study-a was not run; study-b: ")


def test_parts_of_a_claim_are_told_apart(tmp_path):
    (tmp_path / "mesa").mkdir()
    text = "claim,d,about,verdict,reason\nA1,2,x,holds,a\nA1,10,x,does not hold,b\n"
    (tmp_path / "mesa" / "verdicts.csv").write_text(text)
    rows = judgements(tmp_path, [], but("mesa"))
    found = [(r["part"], r["verdict"], r["reason"]) for r in rows if r["claim"] == "A1"]
    assert found == [("d = 2", "holds", "a"), ("d = 10", "does not hold", "b")]


def test_a_verdict_that_is_none_is_refused(tmp_path):
    (tmp_path / "kernels").mkdir()
    text = 'claim,about,verdict,reason\n"C2, relu",x,proved,a\n'
    (tmp_path / "kernels" / "verdicts.csv").write_text(text)
    found = [r for r in judgements(tmp_path, [], but("kernels")) if r["run"] == "kernels"]
    assert [(row["claim"], row["verdict"]) for row in found] == [
        ("C1", "not available"),
        ("C2", "not available"),
    ]
    assert {r["reason"] for r in found} == {"kernels/verdicts.csv has an unknown verdict, 'proved'"}


def sparse(tmp_path, text):
    (tmp_path / "sparse").mkdir()
    (tmp_path / "sparse" / "verdicts.csv").write_bytes(text)
    return judgements(tmp_path, [], but("sparse"))


def test_a_claim_without_a_row_is_told_as_undecided(tmp_path):
    rows = sparse(tmp_path, b"claim,verdict,reason\nD1,holds,y\n")
    found = {r["claim"]: (r["verdict"], r["reason"]) for r in rows}
    assert found["D1"] == ("holds", "y")
    assert found["D2"] == ("not decided by this evidence", "no row in verdicts.csv")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"claim,verdict,reason\nD1,holds,y\nD1,does not hold,y\n", "has two rows of 'D1'"),
        (b"claim,verdict,reason\nA1,holds,y\n", "has a row of 'A1'"),
        (b"claim\nD1\n", "must have a column verdict"),
        (b"claim,verdict,reason\nD1,holds\n", "must have rows of one length"),
        (b"\x00\xff", "must be a CSV file in UTF-8"),
    ],
)
def test_damaged_tables_are_told_by_name_and_leave_other_claims_alone(tmp_path, text, told):
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "verdicts.csv").write_text("claim,verdict,reason\nC1,holds,x\n")
    (tmp_path / "sparse").mkdir()
    (tmp_path / "sparse" / "verdicts.csv").write_bytes(text)
    found = {row["claim"]: row for row in judgements(tmp_path, [], but("sparse", "kernels"))}
    assert found["C1"]["verdict"] == "holds"
    for claim in ("D1", "D2", "D3", "D4", "D5"):
        assert found[claim]["verdict"] == "not available"
        assert re.match(rf"sparse/verdicts\.csv.*{told}", found[claim]["reason"])


def test_what_is_no_file_is_told_as_well(tmp_path):
    (tmp_path / "sparse" / "verdicts.csv").mkdir(parents=True)
    found = {row["claim"]: row for row in judgements(tmp_path, [], but("sparse"))}
    assert found["D1"]["verdict"] == "not available" and "verdicts.csv" in found["D1"]["reason"]


def test_one_study_that_is_missing_is_told_of_the_claim_of_all_four(tmp_path):
    studies = [name for name in ALL if name.startswith("study")]
    found = {row["claim"]: row for row in judgements(tmp_path, [], {"study-b": "it failed"})}
    assert found["E4"]["verdict"] == "not available"
    assert found["E4"]["reason"] == "study-b: it failed"
    for name in studies:
        (tmp_path / name).mkdir()
        text = "scale,outcome,final_loss,accuracy\n0.1,returned,0,1\n"
        (tmp_path / name / "trials.csv").write_text(text)
    (tmp_path / "study-d" / "trials.csv").write_text("scale\nnan\n")
    found = {row["claim"]: row for row in judgements(tmp_path, [], but(*studies))}
    assert found["E4"]["reason"] == "study-d/trials.csv must have a column outcome, it has none"


def test_tables_without_rows_decide_nothing(tmp_path):
    own = [name for name in ALL if name == "minima" or name.startswith("study")]
    found = {r["claim"]: r["reason"] for r in judgements(tmp_path, [], but(*own))}
    assert found["E2"] == found["E3"] == "no row in minima.csv"
    assert found["E4"] == "no row in study-a/trials.csv"
