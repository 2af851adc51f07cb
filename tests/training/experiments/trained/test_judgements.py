"""All claims of a survey, judged."""

import numpy as np
import pytest

from training.experiments.trained.judgements import compared, judgements


def test_every_claim_is_judged_for_every_loss(found):
    rows = judgements(found)
    assert {row["claim"] for row in rows} == {"E6", "E7", "E8"}
    assert {row["verdict"] for row in rows} <= {
        "holds",
        "does not hold",
        "not decided by this evidence",
    }
    per_loss = [row for row in rows if row["loss"] == "mse"]
    assert len(per_loss) == 1 + 4 + 2 == len([r for r in rows if r["loss"] == "cross_entropy"])
    first, second = rows[:2]
    assert first["verdict"] == "holds" and first["quantity"].endswith("tiny")
    assert second["verdict"] == "not decided by this evidence" and "--mnist" in second["reason"]


def test_of_mnist_itself_there_is_one_verdict_on_the_order(found):
    named = found._replace(digits=found.digits._replace(name="mnist"))
    rows = [row for row in judgements(named) if row["claim"] == "E6"]
    assert len(rows) == 1 and rows[0]["verdict"] == "holds" and "MNIST" in rows[0]["quantity"]


def test_one_loss_is_compared_with_nothing(found):
    rows = judgements(found._replace(losses=("mse",)))
    assert not [row for row in rows if "differ" in row["quantity"]]


def test_what_is_compared_stands_in_the_tables(found):
    pairs = compared(found)
    for k, loss in enumerate(found.losses):
        own = [r for r in found.layers if r["loss_name"] == loss and r["layer"] == 3]
        for start in range(3):
            mine = [r for r in own if r["start"] == start]
            lowest = min(mine, key=lambda row: row["threshold"])
            assert pairs["condition"][k][start] == pytest.approx(np.log10(lowest["condition"]))
        held = [r["held_accuracy"] for r in found.comparison if r["network"] == loss]
        assert pairs["held_accuracy"][k] == held


def without_rungs(found, starts):
    """The same, as if these starts had come to no rung."""

    def lost(rows):
        return [
            row | {"threshold": np.inf} if row.get("start") in starts else row
            for row in rows
            if row["loss_name"] != "constructed"
        ]

    tables = {name: lost(getattr(found, name)) for name in ("layers", "classes", "collapse")}
    return found._replace(**tables)


def test_what_is_not_trained_has_no_part_in_verdicts(found):
    # With five starts whose networks are still random, "no cones" would be a verdict.
    many = found._replace(starts=12)
    for name in ("layers", "classes", "collapse", "comparison"):
        rows = [r | {"start": r["start"] + 3 * k} for r in getattr(found, name) for k in range(4)]
        many = many._replace(**{name: rows})
    assert [r["verdict"] for r in judgements(many)].count("does not hold") > 2
    for row in judgements(without_rungs(many, range(12))):
        if row["claim"] != "E6":
            assert row["verdict"] == "not decided by this evidence"
        if row["loss"]:
            assert "12 of 12 starts are left out" in row["reason"]


def test_one_start_without_a_rung_is_left_out(found):
    rows = judgements(without_rungs(found, [1]))
    told = [row["reason"] for row in rows if row["loss"] == "mse"]
    assert all("; 1 of 3 starts are left out" in reason for reason in told)
    assert any(reason.startswith("0 of 2 runs") for reason in told)
    assert np.isnan(compared(without_rungs(found, [1]))["held_accuracy"][0][1])
    assert not any("left out" in row["reason"] for row in judgements(found))
