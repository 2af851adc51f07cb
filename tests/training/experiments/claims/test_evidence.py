"""Tables of runs as verdicts on claims."""

import pytest

from training.experiments.claims.evidence import judgements
from training.experiments.claims.sources import WORKS

ALL = [work.folder for work in WORKS]


def test_without_runs_nothing_is_decided(tmp_path):
    rows = judgements(tmp_path, [], ALL)
    assert {row["verdict"] for row in rows} == {"not decided by this evidence"}
    assert {row["reason"] for row in rows if row["claim"] != "E1"} == {"no finished run"}
    assert [row["claim"] for row in rows] == sorted(row["claim"] for row in rows)


def test_parts_of_a_claim_are_told_apart(tmp_path):
    (tmp_path / "mesa").mkdir()
    text = "claim,d,about,verdict,reason\nA1,2,x,holds,a\nA1,10,x,does not hold,b\n"
    (tmp_path / "mesa" / "verdicts.csv").write_text(text)
    rows = judgements(tmp_path, [], [name for name in ALL if name != "mesa"])
    found = [(r["part"], r["verdict"], r["reason"]) for r in rows if r["claim"] == "A1"]
    assert found == [("d = 2", "holds", "a"), ("d = 10", "does not hold", "b")]


def test_a_verdict_that_is_none_is_refused(tmp_path):
    (tmp_path / "kernels").mkdir()
    text = 'claim,about,verdict,reason\n"C2, relu",x,proved,a\n'
    (tmp_path / "kernels" / "verdicts.csv").write_text(text)
    with pytest.raises(ValueError, match=r"kernels/verdicts\.csv has an unknown verdict, 'proved'"):
        judgements(tmp_path, [], [name for name in ALL if name != "kernels"])


def sparse(tmp_path, text):
    (tmp_path / "sparse").mkdir()
    (tmp_path / "sparse" / "verdicts.csv").write_bytes(text)
    return judgements(tmp_path, [], [name for name in ALL if name != "sparse"])


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
def test_damaged_tables_are_refused_by_name(tmp_path, text, told):
    with pytest.raises(ValueError, match=rf"sparse/verdicts\.csv.*{told}"):
        sparse(tmp_path, text)


def test_tables_without_rows_decide_nothing(tmp_path):
    kept = [name for name in ALL if name != "minima" and not name.startswith("study")]
    found = {r["claim"]: r["reason"] for r in judgements(tmp_path, [], kept)}
    assert found["E2"] == found["E3"] == "no row in minima.csv"
    assert found["E4"] == "no row in study-a/trials.csv"
