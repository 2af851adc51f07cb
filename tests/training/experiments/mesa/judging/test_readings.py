"""From intervals to answers."""

import pytest

from training.experiments.judging.intervals import Interval
from training.experiments.judging.verdict import (
    NO,
    OPEN,
    SIZE,
    YES,
    too_few,
)
from training.experiments.mesa.judging.readings import (
    LEAST_RUNS,
    RULE,
    about,
    equal,
    in_points,
    more,
    mostly,
    none,
    sized,
)


def interval(low, high, pairs=30):
    return Interval((low + high) / 2, low, high, pairs)


# By hand


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (0.01, 0.3, YES),
        (-0.01, 0.3, OPEN),
        (-0.3, -0.1, NO),
        (0.01, 0.04, NO),  # more, but not by what counts
        (0.0, 0.0, NO),
        (0.0, 0.3, OPEN),
    ],
)
def test_more(low, high, answer):
    assert more(interval(low, high)) == answer


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (-0.02, 0.04, YES),
        (0.01, 0.04, YES),
        (0.0, 0.0, YES),
        (-0.06, 0.04, OPEN),
        (0.04, 0.06, OPEN),
        (0.06, 0.3, NO),
        (-0.3, -0.06, NO),
    ],
)
def test_equal(low, high, answer):
    assert equal(interval(low, high)) == answer


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(0.0, 0.0, YES), (0.0, 0.1, YES), (0.05, 0.2, OPEN), (0.2, 0.3, NO)],
)
def test_none(low, high, answer):
    assert none(interval(low, high)) == answer


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (0.6, 1.1, YES),
        (0.6, 0.8, SIZE),
        (0.9, 1.2, SIZE),
        (0.4, 0.9, OPEN),
        (0.1, 0.4, NO),
        (-0.5, 0.4, NO),
    ],
)
def test_about(low, high, answer):
    assert about(interval(low, high), 0.85, least=0.5) == answer


@pytest.mark.parametrize(
    ("low", "high", "answer"), [(1, 2.5, YES), (0.1, 1, SIZE), (2, 3, SIZE), (0.1, 2.5, OPEN)]
)
def test_sized(low, high, answer):
    assert sized(interval(low, high), 1.8, 1.0) == answer


@pytest.mark.parametrize("few", [0, 1, 9])
def test_few_pairs_answer_nothing(few):
    for question in (more, equal, none):
        assert question(interval(0.2, 0.3, few)) == OPEN
    assert about(interval(0.8, 0.9, few), 0.85, least=0.5) == OPEN
    assert sized(interval(0.8, 0.9, few), 0.85, 1.0) == OPEN
    assert mostly(few, few)[0] == OPEN


@pytest.mark.parametrize(
    ("number", "runs", "answer"), [(30, 30, YES), (22, 30, OPEN), (3, 30, NO), (15, 15, YES)]
)
def test_mostly(number, runs, answer):
    found, told = mostly(number, runs)
    assert found == answer and f"{number} of {runs} runs" in told


def test_no_runs_are_too_few():
    assert mostly(0, 0) == (OPEN, too_few(LEAST_RUNS))


def test_most_runs_can_be_answered_either_way_or_not_at_all():
    for runs in range(1, 31):
        answers = {mostly(number, runs)[0] for number in range(runs + 1)}
        assert answers in ({OPEN}, {YES, OPEN, NO})
        assert (answers == {OPEN}) == (runs < LEAST_RUNS)
    assert f"at least {LEAST_RUNS}" in RULE


def test_the_rule_tells_its_numbers():
    for number in ("10 pairs", "5%", "1%", "10%", "75%"):
        assert number in RULE


def test_an_interval_in_words():
    assert in_points(interval(0.1, 0.3)) == "20.0 % (10.0 to 30.0; 30 seeds)"
    nothing = "too few runs that did not collapse (0; 10 are needed)"
    assert in_points(interval(0.1, 0.3, 0)) == nothing


def test_one_run_has_no_interval():
    assert in_points(interval(0.2, 0.2, 1)) == "20.0 % (1 seed)"
    assert str(interval(0.2, 0.2, 1)) == "0.2 (1 seed)"
