"""Which runs end at one point, and which at one function."""

from itertools import permutations

import numpy as np
import pytest
from census_runs import BEND, LINE, MOVED, TWICE, census_of, ending, unproved

from training.census.points import end_points, loss_level
from training.settling.settled import RUNAWAY


def test_order_and_scales_of_units_make_no_other_point():
    found = end_points(census_of(ending(0), ending(1, LINE), ending(2, MOVED)))
    numbers = [[one.number for one in point.endings] for point in found]
    assert numbers == [[0, 2], [1]]
    assert [point.number for point in found] == [1, 2]
    assert [point.function for point in found] == [1, 2]


def test_a_point_is_told_by_the_ending_of_which_most_is_proved():
    slack = ending(1, MOVED, slack=1e-20)
    whole = ending(2, loss=0.5 + 1e-11)
    (point,) = end_points(census_of(unproved(0), slack, whole))
    assert point.best is whole and point.kind == "local minimum" and point.loss == whole.loss
    (point,) = end_points(census_of(unproved(0), slack))
    assert point.best is slack
    (point,) = end_points(census_of(unproved(0), unproved(1)))
    assert point.best.number == 0 and point.kind == "undetermined"


def test_the_points_do_not_depend_on_the_order_of_the_runs():
    runs = [ending(0), ending(1, LINE), ending(2, MOVED), ending(3, LINE, loss=0.4)]
    expected = [[one.number for one in p.endings] for p in end_points(census_of(*runs))]
    for order in permutations(runs):
        found = end_points(census_of(*order))
        assert [[one.number for one in p.endings] for p in found] == expected
    assert expected == [[3], [0, 2], [1]]


def test_equal_outputs_in_another_cell_are_another_point_of_one_function():
    found = end_points(census_of(ending(0), ending(1, TWICE), ending(2, LINE)))
    assert [point.function for point in found] == [1, 1, 2]
    assert [point.family for point in found] == [1, 2, 3]


def test_losses_are_equal_to_a_part_of_the_loss_of_the_best_constant():
    found = census_of(ending(0), ending(1))
    assert loss_level(found.question) == pytest.approx(1e-9 * 0.25)
    for shift, count in ((2e-10, 1), (3e-10, 2)):
        assert len(end_points(census_of(ending(0), ending(1, loss=0.5 + shift)))) == count


def test_losses_are_compared_with_the_first_of_a_point_so_that_no_chain_joins_them():
    steps = [ending(k, loss=0.5 + 2e-10 * k) for k in range(4)]
    found = end_points(census_of(*steps))
    assert [[one.number for one in point.endings] for point in found] == [[0, 1], [2, 3]]


def test_runs_without_an_end_have_none_but_a_proof_makes_one():
    lost = {"is_critical": False, "reason": RUNAWAY, "rank": None, "flat": None}
    assert end_points(census_of(unproved(0, **lost))) == []
    (point,) = end_points(census_of(ending(0, **lost)))
    assert point.kind == "local minimum"


def test_a_census_of_another_loss_is_compared_on_its_own_scale():
    found = census_of(ending(0), loss="bce")
    assert loss_level(found.question) == pytest.approx(1e-9 * np.log(2))
    assert BEND.widths == found.widths


def test_of_one_class_losses_of_rounding_are_equal():
    one = census_of(ending(0, loss=3e-32), ending(1, MOVED, loss=5e-32), ending(2, loss=1e-20))
    one = one._replace(question=one.question._replace(y=np.zeros(len(one.question.X), int)))
    assert 1e-25 < loss_level(one.question) < 1e-23
    assert [[e.number for e in point.endings] for point in end_points(one)] == [[0, 1], [2]]
