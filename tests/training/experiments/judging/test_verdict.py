"""What answers add up to."""

import pytest

from training.experiments.judging.verdict import (
    NO,
    OPEN,
    SIZE,
    UNDECIDED,
    YES,
    Reading,
    both,
    judged,
    too_few,
)
from training.output.verdicts import VERDICTS


def test_several_answers_at_once():
    assert both(YES, YES) == YES and both(YES, OPEN) == OPEN
    assert both(NO, OPEN) == NO and both(SIZE, YES) == SIZE and both(SIZE, OPEN) == OPEN


def reading(answer, is_source=False, name="other"):
    return Reading(name, is_source, answer, "1 %")


def test_each_verdict_can_be_reached():
    yes = reading(YES, True, "own")
    cases = {
        "holds": [yes, reading(YES)],
        "holds with a correction": [yes, reading(NO)],
        "does not hold": [reading(NO, True), reading(YES)],
        "not decided by this evidence": [reading(OPEN, True), reading(YES)],
    }
    assert set(cases) == set(VERDICTS)
    for verdict, readings in cases.items():
        assert judged(readings).verdict == verdict


def test_one_reading_of_the_source_that_fails_is_enough():
    assert judged([reading(YES, True), reading(NO, True)]).verdict == "does not hold"
    assert judged([reading(NO, True), reading(OPEN, True)]).verdict == "does not hold"
    assert judged([reading(YES, True), reading(OPEN, True)]).verdict == VERDICTS[3]


def test_another_size_is_a_correction_and_is_told_once():
    judged_size = judged([reading(SIZE, True, "own")])
    assert judged_size == ("holds with a correction", "own: size, 1 %")


def test_what_is_open_beside_the_source_is_named_and_no_correction():
    verdict, reason = judged([reading(YES, True, "own"), reading(OPEN, name="logit")])
    assert verdict == "holds" and reason.endswith("open: logit")


def test_readings_without_runs_are_told_once():
    nothing, other = too_few(), too_few(12, which="with negative weights")
    readings = [Reading(name, True, OPEN, nothing) for name in "ab"]
    assert judged(readings) == (UNDECIDED, nothing)
    told = judged([*readings, Reading("c", True, OPEN, other)]).reason
    assert told == f"a: open, {nothing}; b: open, {nothing}; c: open, {other}"


def test_a_claim_without_its_source_is_no_claim():
    with pytest.raises(ValueError, match="one of the source"):
        judged([reading(YES)])
