"""Constraints on weights: their derivatives, where they are seen, and when they say something."""

import numpy as np
import pytest
from flint import arb, fmpq

from constructions.critical.balls import Balls
from constructions.critical.cell import Cell
from constructions.critical.fitted.constraints import (
    Across,
    Parallel,
    across,
    parallel_classes,
)
from constructions.critical.fitted.fewer import Asked

WIDTHS = (2, 3, 4, 3)
CELL = Cell(WIDTHS, None, None, [], [], [])
KINDS = [
    Parallel(2, True, 1, 0, 3),
    Parallel(2, True, 0, 2, 1),
    Parallel(0, False, 1, 2, 0),
    Parallel(1, False, 0, 1, 3),
    Across(2, (fmpq(1), fmpq(-2), fmpq(1, 2)), [arb(1), arb(-2), arb(0.5)], 2),
]


def weights(theta):
    sizes = zip(CELL.places, WIDTHS, WIDTHS[1:], strict=False)
    return [theta[at].reshape(m, n) for (at, _), n, m in sizes]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_slopes_are_derivatives_of_values(kind):
    rng = np.random.default_rng(1)
    P = CELL.places[-1][1].stop
    theta = rng.integers(-5, 6, P).astype(float)
    slopes = kind.slopes([Balls(W) for W in weights(theta)], CELL)
    assert slopes.rad.max() < 1e-15
    for j, e in enumerate(np.eye(P)):  # of polynomials of degree 2, halves are exact
        ends = [kind.values(weights(theta + side * e)) for side in (1.0, -1.0)]
        assert [float(v) for v in (ends[0] - ends[1]) / 2] == slopes.mid[:, j].tolist()


def test_values_vanish_where_columns_or_rows_are_parallel():
    V = np.array([[1.0, 2.0, -3.0], [2.0, 4.0, 0.0]])
    assert Parallel(0, True, 0, 0, 1).values([V]).tolist() == [0.0]
    assert Parallel(0, True, 0, 0, 2).values([V]).tolist() != [0.0]
    assert Parallel(0, False, 0, 0, 1).values([V.T]).tolist() == [0.0]
    assert float(Across(2, None, [arb(0), arb(1)], 0).values([V])[0]) == 0


def test_a_pivot_that_may_be_zero_says_nothing():
    # with both columns 0 in a row, the equations would hold whatever the others are
    one = Parallel(0, True, 0, 0, 1)
    V = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert one.stands([Balls(V, np.full((2, 2), 0.9))])
    assert not one.stands([Balls(V, np.full((2, 2), 1.0))])
    assert not one.stands([Balls(V * [[0.0], [1.0]])])


def test_sets_that_share_a_unit_are_one_class_and_ask_once_for_each_other_unit():
    V = np.array([[1.0, -2.0, 0.5, 1.0, 0.0], [2.0, -4.0, 1.0, 0.0, 3.0]])
    sets = [np.array(s) for s in ([0, 1], [1, 2], [3], [3, 4], [0, 3])]
    found = parallel_classes(sets, V, 5, True)
    assert [(one.layer, one.pivot, one.unit) for one in found] == [(5, 1, 0), (5, 1, 2)]
    assert {one.place for one in found} == {1}
    assert parallel_classes(sets, V[:1], 5, True) == []  # of one output all are parallel
    assert parallel_classes([np.array([0, 1])], 0 * V, 5, True) == []


@pytest.mark.parametrize(("off", "count"), [(0.9, 1), (1.1, 0)])
def test_columns_are_parallel_but_for_a_small_part(off, count):
    V = np.array([[1e8, 1.0], [0.0, off * 1e-6]])
    assert len(parallel_classes([np.array([0, 1])], V, 0, True)) == count


@pytest.mark.parametrize(("off", "count"), [(0.9, 1), (1.1, 0)])
def test_columns_are_across_but_for_a_small_part(off, count):
    V = np.array([[1.0, off * 1e-6], [1.0, 1.0]])
    one = Asked(0, (fmpq(7), fmpq(0)), [arb(7), arb(0)], fmpq(0), arb(0), 0)
    found = across([np.array([0, 1])], [one], V, 3, {})
    assert [(own.unit, own.layer) for own in found] == [(1, 3)] * count
    led = across([np.array([0, 1])], [one, one][:1], V, 3, {1: 0})
    assert [own.unit for own in led] == [0] * count


def test_what_is_asked_for_twice_is_one_constraint():
    V = np.array([[1.0, 0.0], [1.0, 1.0]])
    one = Asked(0, (fmpq(1), fmpq(0)), [arb(1), arb(0)], fmpq(0), arb(0), 0)
    sets = [np.array([0, 1]), np.array([1])]
    assert len(across(sets, [one, one._replace(point=1)], V, 1, {})) == 1


def test_units_of_any_size_are_seen():
    V = 1e-100 * np.array([[1.0, 2.0], [2.0, 4.0]])
    assert len(parallel_classes([np.array([0, 1])], V, 0, True)) == 1
    assert KINDS[-1].stands(None)  # nothing but its equation
