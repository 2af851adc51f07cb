"""What an experiment lacks."""

from training.experiments.mesa.judging.judgements import judgements
from training.experiments.mesa.shortfalls import shortfalls


def _collapsed(found, dims):
    rows = [row | {"collapsed": True, "left_out": True, "w3_start": 1.0} for row in found.rows]
    return found._replace(rows=[r for r in rows if r["d"] in dims], dims=dims)


def test_runs_that_all_collapsed_decide_nothing(found):
    found = _collapsed(found, (2,))
    verdicts, _ = judgements(found)
    told = "6 of 6 runs collapsed (of those, 6 started with w3 > 0); fewer than 10 pairs are left: "
    told += "nothing is decided; use --seeds 30."
    assert shortfalls(found, verdicts, epochs=200) == [told]
    for row in verdicts:
        assert row["reason"] == "too few runs that did not collapse (0; 10 are needed)"
    (told,) = shortfalls(found._replace(seeds=40), verdicts, epochs=200)
    assert told.endswith("use more than --seeds 40.")


def test_dimensions_in_which_something_is_decided_are_not_told(found):
    found = _collapsed(found, (2, 3))
    verdicts, _ = judgements(found)
    verdicts = [v | {"verdict": "holds"} if v["d"] == 2 else v for v in verdicts]
    (told,) = shortfalls(found, verdicts, epochs=200)
    assert told.startswith("6 of 6 runs in d = 3 collapsed (of those, 6 ")
    assert "nothing is decided in d = 3; " in told


def test_enough_runs_that_leave_a_claim_open_are_not_few(found):
    rows = [
        row | {"collapsed": False, "seed": row["seed"] + 3 * k}
        for row in found.rows
        for k in range(4)
    ]
    verdicts = [{"claim": "A1", "d": d, "verdict": "not decided by this evidence"} for d in (2, 3)]
    assert shortfalls(found._replace(rows=rows), verdicts, epochs=200) == []


def test_fewer_epochs_than_the_source_are_told(found):
    assert shortfalls(found, [], epochs=200) == []
    told = "Trained for 1 epoch at most; the source has 200."
    assert shortfalls(found, [], epochs=1) == [told]
