"""Claims of an experiment, dimension by dimension."""

import pytest

from training.experiments.mesa.judging import claims_mesa, claims_nonneg
from training.experiments.mesa.judging.judgements import judgements, rule_of
from training.experiments.mesa.protocol import MESA
from training.output.verdicts import VERDICTS


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


@pytest.mark.parametrize(
    ("name", "module", "numbers"),
    [
        ("mesa", claims_mesa, ("factor of 2", "holds 70", "from 7 to 700", "5% of the slopes")),
        (
            "nonneg",
            claims_nonneg,
            ("85%", "50%", "0.2 counts", "fewer than 10", "10% of the polytope", "0.001"),
        ),
    ],
)
def test_the_rule_tells_the_numbers_of_each_claim(name, module, numbers):
    told = rule_of(name)
    assert told.startswith("A reading is answered") and all(n in told for n in numbers)
    # A1 is told by the general part.
    assert all(f"{claim}: " in told for claim in module.CLAIMS if claim != "A1")


def test_the_rule_follows_its_numbers():
    """What is printed is what is computed with: no constant of a claim is missing in its rule."""
    constants = {
        claims_mesa: ("TIMES", "LEAST_TIMES", "SLIGHT"),
        claims_nonneg: ("SHARE", "HALF", "IS_FLAT", "CANCELS", "CORRELATED", "LEAST_PAIRS"),
    }
    for module, names in constants.items():
        for name in names:
            value = getattr(module, name)
            assert any(f"{value:{form}}" in module.RULE for form in ("g", ".0%")), name
