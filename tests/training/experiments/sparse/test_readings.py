"""Readings of numbers over seeds, with numbers that leave no doubt."""

import numpy as np
import pytest

from training.experiments.sparse.readings import Table, paired, same, share, smaller

SEEDS = range(12)
ONES = dict.fromkeys(SEEDS, 1.0)


def around(value, spread=0.01):
    rng = np.random.default_rng(int(100 * value))
    return {s: value + spread * rng.standard_normal() for s in SEEDS}


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (around(1), around(2), "yes"),
        (around(2), around(1), "no"),
        (around(1, 0.5), around(1.01, 0.5), "open"),
        (ONES, ONES, "no"),
        (dict.fromkeys(SEEDS, 0.0), dict.fromkeys(SEEDS, 0.0), "open"),
        (dict.fromkeys(SEEDS, 0.0), ONES, "yes"),
        ({0: 1.0}, {0: 2.0}, "open"),
        ({}, ONES, "open"),
    ],
)
def test_what_is_smaller(one, other, answer):
    assert smaller("a", one, other, is_source=True).answer == answer


def test_a_ratio_is_told_where_nothing_is_0():
    assert "ratio 0.5" in smaller("a", ONES, around(2, 0.0), is_source=True).told
    told = smaller("a", dict.fromkeys(SEEDS, 0.0), ONES, is_source=True).told
    assert told == "0 against 1; difference -1 (-1 to -1)"


@pytest.mark.parametrize(
    ("one", "is_part", "answer"),
    [
        (around(1.05), False, "yes"),
        (around(1.5), False, "no"),
        (around(0.5), True, "no"),
        (around(1.1, 0.05), False, "open"),
        ({0: 1.0}, False, "open"),
    ],
)
def test_what_is_the_same(one, is_part, answer):
    assert same("a", [("q", one, ONES, is_part)], is_source=False).answer == answer


def test_one_quantity_that_differs_is_enough():
    pairs = [("q", ONES, ONES, False), ("r", around(3), ONES, False)]
    assert same("a", pairs, is_source=True).answer == "no"


@pytest.mark.parametrize(
    ("values", "wanted", "answer"),
    [
        ({1.0: around(0.2), 3.0: around(0.8)}, True, "yes"),
        ({1.0: around(0.2), 3.0: around(0.8)}, False, "no"),
        ({1.0: around(0.2), 3.0: around(0.3)}, True, "no"),
        ({1.0: around(0.2), 3.0: {}}, False, "yes"),
        ({1.0: around(0.5, 0.1)}, True, "open"),
        ({1.0: {}, 3.0: {}}, True, "open"),
    ],
)
def test_what_appears(values, wanted, answer):
    assert share("a", values, is_source=True, wanted=wanted).answer == answer


def test_a_penalty_with_few_seeds_is_not_the_best_one():
    one = share("a", {1.0: around(0.2), 3.0: {0: 1.0}}, is_source=True, wanted=True)
    assert one.answer == "no" and "at the penalty 1, the best one" in one.told
    assert "the penalty 3 has too few seeds (1)" in one.told


def test_values_are_nan_for_what_diverged_or_is_none():
    row = {"data": "patches", "treatment": "free", "penalty": 1.0, "loop": 0, "diverged": False}
    row |= {"interaction": "dictionary", "decoder_bias": "mean", "gamma": "fixed", "live": 10}
    rows = [row | {"seed": s, "dead": v, "helped": 0.5} for s, v in enumerate([1, np.nan, 3, 4])]
    rows[2]["diverged"], rows[3]["live"] = True, 9
    table = Table(rows)

    def of(quantity, treatment="free"):
        return [*table.values(quantity, treatment=treatment).values()]

    assert np.array_equal(of("dead"), [1.0, np.nan, np.nan, 4.0], equal_nan=True)
    assert np.array_equal(of("helped"), [0.5, 0.5, np.nan, np.nan], equal_nan=True)
    assert np.isnan(of("missed")).all() and of("dead", "columns") == []
    rows[0]["live"] = 0
    assert of("dead")[0] == 1 and np.isnan(of("live")[0])
    assert [v.tolist() for v in paired({0: 1.0, 2: 5.0}, {2: 6.0, 3: 0.0})] == [[5.0], [6.0]]
    assert [v.tolist() for v in paired({0: 1.0, 2: np.nan}, {0: 6.0, 2: 0.0})] == [[1.0], [6.0]]
