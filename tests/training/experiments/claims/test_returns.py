"""Claim E4 as readings of trials."""

from training.experiments.claims.returns import return_readings
from training.experiments.judging.verdict import judged


def trials(back, n=100, *, loss=0.4, accuracy=0.85, least=0.1):
    """Trials of three sizes: at 1 and 3 none comes back, at the least `back` of n do."""
    rows = []
    for scale, count in ((least, back), (1.0, 0), (3.0, 0)):
        for k in range(n):
            outcome = "returned" if k < count else "stuck"
            row = {"scale": scale, "outcome": outcome, "final_loss": loss, "accuracy": accuracy}
            rows.append(row)
    return rows


def test_small_ones_that_return_and_large_ones_that_do_not():
    readings = return_readings({"c": trials(100)})
    assert [r.answer for r in readings] == ["yes"] * 4
    assert judged(readings).verdict == "holds"


def test_another_loss_at_one_is_a_correction():
    readings = return_readings({"c": trials(100, loss=0.08)})
    assert judged(readings).verdict == "holds with a correction"
    assert "0.08" in judged(readings).reason


def test_few_trials_leave_it_open_and_many_that_stay_away_refute_it():
    assert return_readings({"c": trials(10, 10)})[0].answer == "open"
    assert return_readings({"c": trials(50)})[0].answer == "no"


def test_large_ones_that_return_refute_it():
    rows = trials(100)
    for row in rows:
        row["outcome"] = "returned"
    assert return_readings({"c": rows})[1].answer == "no"


def test_what_never_left_counts_as_back_and_is_told():
    rows = [{**row, "outcome": "stayed"} if row["scale"] < 1 else row for row in trials(0)]
    found = return_readings({"c": rows})[0]
    assert found.answer == "yes" and "100 of them never left it" in found.told


def test_other_types_are_no_reading_of_the_source():
    readings = return_readings({"a": trials(0), "c": trials(100)})
    assert [r.is_source for r in readings] == [False, False, True, True, False, False]
    assert judged(readings).verdict == "holds with a correction"


def test_nan_and_no_trials_are_open():
    readings = return_readings({"c": trials(100, loss=None, accuracy=float("nan"))})
    assert [r.answer for r in readings] == ["yes", "yes", "open", "open"]
    assert {r.answer for r in return_readings({"c": []})} == {"open"}
