"""The compiled bound of a cone is that of its definition, and its margins are what they should be.

Run it with NUMBA_DISABLE_JIT=1 under tests/mutants.py, which cannot change what is compiled.
"""

from fractions import Fraction

import numpy as np
import pytest
from cone_bounds import least_length, levels_of

from constructions.two_layer import cone_kernel as kernel
from constructions.two_layer.cone_kernel import Problem, bound_of_cone, length, scratch_for


def cut(cone, rng, cuts):
    """A cone after some bisections of edges."""
    for _ in range(cuts if len(cone) > 1 else 0):
        a, b = rng.choice(len(cone), size=2, replace=False)
        cone[b] = (cone[a] + cone[b]) / 2
    return cone


def bound_and_scratch(cone, slope, points, heights, problem):
    """The bound, with memory that holds nan before."""
    scratch = scratch_for(cone.shape[0], problem.multipliers.shape[1])
    scratch[:] = np.nan
    return bound_of_cone(cone, slope, points, heights, problem, scratch), scratch


@pytest.mark.parametrize("seed", range(60))
def test_the_bound_of_a_cone_is_that_of_its_definition(seed):
    rng = np.random.default_rng(seed)
    D, Q, n = 1 + seed % 4, 1 + seed // 4 % 3, int(rng.integers(1, 9))
    cone = cut(np.diag(rng.choice([-1.0, 1.0], D)), rng, seed % 5)
    problem = Problem(rng.integers(-4, 5, (n, D)) / 4, rng.integers(-4, 5, (n, Q)) / 4)
    H = problem.rows @ cone.T
    points = np.flatnonzero((H.min(axis=1) < 0) & (H.max(axis=1) > 0))
    slope = rng.integers(-4, 5, (D, Q)) / 4
    found, scratch = bound_and_scratch(cone, slope, points, H[points].copy(), problem)
    levels, _ = levels_of(cone, H[points], problem.rows[points], problem.multipliers[points], slope)
    assert found == pytest.approx(least_length(cone, levels), rel=1e-9, abs=1e-300)
    middle = cone.sum(axis=0)
    total = middle @ slope
    for i in points:
        total = total + max(problem.rows[i] @ middle, 0) * problem.multipliers[i]
    assert scratch[kernel.MIDDLE, :D] == pytest.approx(middle, rel=1e-15)
    assert scratch[kernel.VALUE, 0] == pytest.approx(
        np.linalg.norm(total) / np.linalg.norm(middle), rel=1e-12, abs=1e-15
    )


@pytest.mark.parametrize("Q", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_where_nothing_is_on_at_the_middle_a_direction_is_taken(Q, seed):
    rng = np.random.default_rng(seed)
    rows = np.array([[0.25, -0.5], [-1.0, 0.75], [0.125, -1.0]])
    problem = Problem(rows, rng.integers(-4, 5, (3, Q)) / 4)
    points, slope = np.arange(3), np.zeros((2, Q))
    found, scratch = bound_and_scratch(np.eye(2), slope, points, rows.copy(), problem)
    levels, _ = levels_of(np.eye(2), rows, rows, problem.multipliers, slope)
    assert found == pytest.approx(least_length(np.eye(2), levels), rel=1e-12, abs=0)
    assert scratch[kernel.VALUE, 0] == 0


NONE = np.empty(0, np.int64), np.empty((0, 2))
NOTHING = Problem(np.zeros((0, 2)), np.zeros((0, 1)))


def of_slope(slope, cone=((1.0, 0.0), (0.0, 1.0))):
    return bound_and_scratch(np.array(cone), np.array(slope), *NONE, NOTHING)[0]


def test_the_margins_of_rounding_are_added():
    # of M = (3, 4): 2 ROUNDING of its largest entry times the root of D, and 2 ROUNDING of all
    unit = 2.0**-50
    over = Fraction(of_slope([[3.0], [4.0]])) - 5
    assert 5 * 2 * unit + 0.9 * 2**0.5 * 8 * unit < over < 5 * 2 * unit + 1.1 * 2**0.5 * 8 * unit
    over = Fraction(of_slope([[-3.0], [-4.0]])) - 5
    assert over > 5 * 2 * unit + 0.9 * 2**0.5 * 8 * unit
    # where only one corner is above 0, that is all of M
    over = Fraction(of_slope([[3.0], [0.0]])) - 3
    assert 3 * 2 * unit + 0.9 * 2**0.5 * 6 * unit < over < 3 * 2 * unit + 1.1 * 2**0.5 * 6 * unit


def test_a_bound_of_nothing_is_zero_and_a_small_one_is_not():
    assert of_slope([[0.0], [0.0]]) == 0
    assert of_slope([[1e-200], [0.0]]) == pytest.approx(1e-200, rel=1e-12, abs=0)
    # rows that are no cone: no M is exact, and what it misses is added
    assert of_slope([[1.0], [1.0]], ((0.5, 0.5), (0.5, 0.5))) >= 2**0.5 * (1 - 1e-12)


def test_what_a_vector_misses_is_added_and_what_it_exceeds_is_not_taken_off():
    missed = getattr(kernel._with_what_it_misses, "py_func", kernel._with_what_it_misses)
    cone, scratch, unit = np.eye(2), scratch_for(2, 1), 2.0**-50
    for levels, lack in (([3.0, 4.0], 0), ([1.0, 2.0], 0), ([3.5, 4.0], 0.5), ([4.0, 6.0], 2)):
        scratch[kernel.LEVELS, :2], scratch[kernel.LONG, :2] = levels, [3, 4]
        wanted = (5 + 2**0.5 * (lack + 8 * unit)) * (1 + 2 * unit)
        assert missed(scratch, cone) == pytest.approx(wanted, rel=4e-16, abs=0)
    for wrong in (np.inf, -np.inf, np.nan):
        scratch[kernel.LONG, 0] = wrong
        assert missed(scratch, cone) == np.inf
        with np.errstate(invalid="ignore"):  # where it is not compiled
            assert of_slope([[1.0], [wrong]]) == np.inf


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1.0, 1e300])
def test_lengths_of_any_size(size):
    for v, factor in (([3.0, 4.0], 5), ([-3.0, 0.0, 4.0], 5), ([2.0], 2), ([-2.0], 2), ([0.0], 0)):
        assert length(np.array(v) * size) == pytest.approx(factor * size, rel=1e-15, abs=0)
    assert length(np.empty(0)) == 0
