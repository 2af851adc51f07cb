"""Claim E1, and how its rows are read."""

import pytest

from training.experiments.claims.zero_loss import zero_loss_readings, zero_losses


@pytest.fixture(scope="module")
def rows():
    return zero_losses(1, seed=3)


def test_zero_loss_is_proved_for_all_four_types(rows):
    assert [row["type"] for row in rows] == list("abcd")
    assert {row["verdict"] for row in rows} == {"global minimum"}
    assert all(r.answer == "yes" for r in zero_loss_readings(rows))


def test_one_that_is_not_proved_leaves_it_open(rows):
    spoilt = [{**row, "proved": row["type"] != "b"} for row in rows]
    assert [r.answer for r in zero_loss_readings(spoilt)] == ["yes", "open", "yes", "yes"]
    assert [r.answer for r in zero_loss_readings([])] == ["open"] * 4
