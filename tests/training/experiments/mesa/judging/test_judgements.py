"""Claims of an experiment, dimension by dimension."""

from training.experiments.mesa.judging.judgements import judgements
from training.experiments.mesa.judging.readings import VERDICTS
from training.experiments.mesa.protocol import MESA


def test_each_claim_is_judged_in_each_dimension(found):
    verdicts, readings = judgements(found)
    assert [(v["claim"], v["d"]) for v in verdicts] == [
        (claim, d) for d in (2, 3) for claim in ("A1", "A2", "A3", "A4")
    ]
    # Three seeds decide nothing.
    assert {v["verdict"] for v in verdicts} == {VERDICTS[3]}
    assert {r["answer"] for r in readings} == {"open"}
    assert all(any(r["claim"] == v["claim"] and r["is_source"] for r in readings) for v in verdicts)


def test_claims_about_models_that_were_not_trained_are_left_out(found):
    rows = [row for row in found.rows if row["model"] != "lp"]
    verdicts, _ = judgements(found._replace(rows=rows))
    assert {v["claim"] for v in verdicts} == {"A4"}
    assert judgements(found._replace(rows=found.rows[:0])) == ([], [])


def test_the_draws_are_those_of_the_seed(found):
    assert judgements(found) == judgements(found._replace(protocol=MESA))
