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
