"""Verdicts on tables that are made so that they follow."""

import numpy as np
import pytest

from training.experiments.sparse.claims import CLAIMS, verdicts
from training.experiments.sparse.survey import Found, grid_of

SEEDS = 12
# A world in which all claims are right.
USUAL = {
    "encoder_norm": 1.0,
    "dictionary_norm": 1.0,
    "sum": 1.0,
    "before_loop": 2.0,
    "cost": 1.0,
    "active": 0.2,
    "missed": 0.3,
    "dead": 5,
    "live": 91,
    "field_gabor": 0.9,
    "atom_gabor": 0.9,
    "field_beyond_phases": 0.9,
    "recovered": 0.9,
    "steps_to_sparse": 100.0,
    "helped": 0.9,
    "diverged": False,
}


def row_of(data, run, seed, rng):
    row = {"data": data, "seed": seed, "name": run.name, **run._asdict(), **USUAL}
    if run.treatment == "free":
        row |= {"field_gabor": 0.1, "atom_gabor": 0.1}
        if run.penalty:
            row |= {"encoder_norm": 0.5, "dictionary_norm": 0.5, "sum": 0.3}
        if run.loop:
            row |= {"active": 0.1, "dead": 2, "steps_to_sparse": 10.0, "missed": 0.2}
    if run.loop:
        row["before_loop"] = row["sum"] * (0.5 if run.penalty == 3 else 2.0)
    noise = {k: v * (1 + 1e-3 * rng.standard_normal()) for k, v in row.items() if k in USUAL}
    return row | noise | {"diverged": False}


def found(change=lambda row: {}, seeds=SEEDS):
    rng = np.random.default_rng(0)
    rows = [
        row_of(data, run, seed, rng)
        for data in ("patches", "synthetic")
        for seed in range(seeds)
        for run in grid_of(data)
    ]
    rows = [row | change(row) for row in rows]
    return Found(None, seeds, 0, rows, [], {}, {}, {}, [])


def told(found_):
    return {row["claim"]: row["verdict"] for row in verdicts(found_)[0]}


def test_where_all_is_as_claimed_all_claims_hold():
    assert told(found()) == dict.fromkeys(CLAIMS, "holds")


def test_a_few_seeds_decide_nothing():
    assert set(told(found(seeds=9)).values()) == {"not decided by this evidence"}


def free(row, **loop):
    return row["treatment"] == "free" and all(row[k] == v for k, v in loop.items())


@pytest.mark.parametrize(
    ("claim", "change", "verdict"),
    [
        ("D1", lambda r: {"encoder_norm": 3.0} if free(r, penalty=1.0) else {}, "does not hold"),
        (
            "D1",
            lambda r: {"dictionary_norm": 3.0} if free(r) and r["penalty"] else {},
            "holds with a correction",
        ),
        ("D2", lambda r: {"field_gabor": 0.1}, "does not hold"),
        ("D2", lambda r: {"field_gabor": 0.9}, "does not hold"),
        (
            "D2",
            lambda r: {"field_gabor": 0.2} if r["treatment"] == "inverse" else {},
            "holds with a correction",
        ),
        (
            "D3",
            lambda r: {"active": 0.1} if r["treatment"] == "columns" and r["loop"] else {},
            "does not hold",
        ),
        (
            "D3",
            lambda r: {"recovered": 0.2} if r["data"] == "synthetic" and r["loop"] else {},
            "holds with a correction",
        ),
        ("D4", lambda r: {"dead": 9} if free(r, loop=6) else {}, "does not hold"),
        ("D4", lambda r: {"dead": 0} if free(r) else {}, "not decided by this evidence"),
        (
            "D4",
            lambda r: {"active": 0.5} if free(r, loop=6, penalty=3.0) else {},
            "holds with a correction",
        ),
        ("D5", lambda r: {"before_loop": 9.0} if r["loop"] else {}, "does not hold"),
        ("D5", lambda r: {"helped": 0.1}, "holds with a correction"),
    ],
)
def test_one_number_that_is_not_as_claimed_changes_its_verdict(claim, change, verdict):
    assert told(found(change))[claim] == verdict


def test_runs_that_diverged_count_for_nothing():
    few = found(lambda r: {"diverged": r["seed"] > 4, "encoder_norm": np.nan})
    assert set(told(few).values()) == {"not decided by this evidence"}


DEAD = {"dead": 96, "live": 0, "active": 0.0, "sum": 0.0, "cost": 0.0, "missed": 1.0}
NOT_THERE = ("helped", "field_gabor", "field_beyond_phases", "atom_gabor", "steps_to_sparse")


def test_where_all_units_are_dead_nothing_is_read():
    dead = found(lambda r: {**DEAD, **dict.fromkeys(NOT_THERE, np.nan)})
    assert {row["answer"] for row in verdicts(dead)[1]} == {"open"}


def test_a_loop_in_which_all_units_die_has_no_fewer_dead_ones():
    dead = found(lambda r: DEAD if free(r, loop=6) else {})
    answers = {row["name"]: row["answer"] for row in verdicts(dead)[1] if row["claim"] == "D4"}
    assert {v for k, v in answers.items() if "fewer units are dead" in k} == {"no"}
    assert {v for k, v in answers.items() if "fewer units are on" in k} == {"open"}


@pytest.mark.parametrize(("live", "best"), [(9, "1"), (10, "3")])
def test_a_share_of_a_few_live_units_is_not_the_best_one(live, best):
    few = found(
        lambda r: {"live": live, "dead": 96 - live, "field_gabor": 1.0} if r["penalty"] == 3 else {}
    )
    rows = {row["name"]: row for row in verdicts(few)[1]}
    told = rows["they appear with unit columns"]["told"]
    assert ("penalty 3, the best one" in told) == (best == "3")
    assert ("the penalty 3 has too few seeds (0)" in told) == (best != "3")


def test_readings_tell_how_many_seeds_ended():
    few = found(lambda r: {"diverged": free(r, loop=6) and r["seed"] >= 10})
    rows = {row["name"]: row for row in verdicts(few)[1]}
    told = rows["fewer units are on (patches, penalty 1)"]["told"]
    assert "10 of 12 seeds ended with enough live units to tell" in told
    assert "seeds ended" not in rows["they appear with unit columns"]["told"]


def test_readings_of_all_claims_are_told_with_their_numbers():
    rows = verdicts(found())[1]
    assert {row["claim"] for row in rows} == set(CLAIMS) and all(row["told"] for row in rows)
    assert len({(row["claim"], row["name"]) for row in rows}) == len(rows)
