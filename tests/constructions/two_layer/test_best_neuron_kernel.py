"""The compiled search loses no cone, closes none too early, and keeps its budgets.

Run it with NUMBA_DISABLE_JIT=1 under tests/mutants.py, which cannot change what is compiled.
"""

from itertools import product

import numpy as np
import pytest

from constructions.two_layer import best_neuron_kernel as kernel
from constructions.two_layer.best_neuron_kernel import DEEPEST, Open, climb, descend
from constructions.two_layer.cone_kernel import Problem


def random_problem(seed):
    """Few integer rows in up to three dimensions, so that many heights are zero or tied."""
    rng = np.random.default_rng(seed)
    N, D, Q = int(rng.integers(1, 12)), 1 + seed % 3, 1 + seed // 3 % 2
    return Problem(rng.integers(-4, 5, (N, D)) / 4, rng.integers(-4, 5, (N, Q)) / 4)


def values(problem, W):
    """The objective of each row of W, by its definition."""
    return np.linalg.norm(np.maximum(W @ problem.rows.T, 0) @ problem.multipliers, axis=1)


def directions(D, count, seed=0):
    W = np.random.default_rng(seed).normal(size=(count, D))
    return W / np.linalg.norm(W, axis=1, keepdims=True)


def orthants(D):
    return np.array(list(product([1.0, -1.0], repeat=D)))[:, :, None] * np.eye(D)


def searched(problem, limits, *, room=1000, size=400, bounds=None):
    """What `descend` returns from all orthants, the best direction, and what it left open."""
    D = problem.rows.shape[1]
    cones = orthants(D)
    bounds = np.full(len(cones), np.inf) if bounds is None else bounds
    out = Open(np.full((2 * DEEPEST + size, D, D), np.nan), np.full(2 * DEEPEST + size, np.nan))
    best = np.zeros(D + 1)
    told = descend(cones, bounds, problem, best, np.array(limits, dtype=float), room, out)
    return told, best, out


def assert_nothing_is_lost(problem, told, out):
    """No direction of a cone that was taken is better than what is said of the cones it is in."""
    taken, _, left, closed = told
    D = problem.rows.shape[1]
    assert not (np.isnan(out.cones[:left]).any() or np.isnan(out.bounds[:left]).any())
    W = directions(D, 300)
    first = [next(i for i, s in enumerate(orthants(D)) if (s @ w >= 0).all()) for w in W]
    known = np.full(len(W), closed)
    for cone, bound in zip(out.cones[:left], out.bounds[:left], strict=True):
        inside = (np.linalg.solve(cone.T, W.T) >= -1e-12).all(axis=0)
        known[inside] = np.maximum(known[inside], bound)
    known[np.array(first) >= taken] = np.inf
    assert (values(problem, W) <= known * (1 + 1e-12)).all()


@pytest.mark.parametrize("seed", range(24))
def test_a_search_to_the_end_encloses_the_best_value(seed):
    problem = random_problem(seed)
    told, best, _ = searched(problem, [-1, 1e-2, 1e-9, 5000, 1e9])
    taken, seen, left, closed = told
    assert (taken, left) == (len(orthants(problem.rows.shape[1])), 0) and taken <= seen < 5000
    found, w = best[-1], best[:-1]
    assert found <= closed * (1 + 1e-12) and closed <= found * 1.01 + 1e-9
    assert values(problem, directions(len(w), 2000)).max() <= closed * (1 + 1e-12)
    if found > 0:
        assert np.linalg.norm(w) == pytest.approx(1, rel=1e-12)
        assert values(problem, w[None])[0] == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("limits", [(-1, 3, 1e9), (-1, 40, 1e9), (-1, 1000, 25), (np.inf, 99, 1e9)])
@pytest.mark.parametrize("seed", range(12))
def test_a_search_that_is_stopped_leaves_open_what_it_has_not_closed(seed, limits):
    level, nodes, work = limits
    problem = random_problem(seed)
    told, _, out = searched(problem, [level, 1e-4, 1e-12, nodes, work])
    assert told[1] <= nodes
    assert_nothing_is_lost(problem, told, out)


@pytest.mark.parametrize("seed", range(6))
def test_where_there_is_no_room_cones_are_left(seed):
    problem = random_problem(seed)
    N = len(problem.rows)
    told, _, out = searched(problem, [-1, 1e-4, 1e-12, 5000, 1e9], room=2 * N)
    assert_nothing_is_lost(problem, told, out)
    told, _, out = searched(problem, [-1, 1e-4, 1e-12, 5000, 1e9], size=1)
    assert told[2] <= 2 * DEEPEST + 1
    assert_nothing_is_lost(problem, told, out)


def test_a_cone_is_never_worse_than_what_it_is_a_part_of():
    problem = Problem(np.array([[1.0, 0.5], [-0.5, 1.0]]), np.array([[1.0], [-1.0]]))
    true = values(problem, directions(2, 5000)).max()
    told, best, _ = searched(problem, [-1, 1e-3, 0, 5000, 1e9], bounds=np.full(4, true * 1.0005))
    assert best[-1] <= told[3] <= true * 1.0005


@pytest.mark.parametrize("seed", range(12))
def test_a_climb_never_ends_below_its_start(seed):
    problem = random_problem(seed)
    for w in directions(problem.rows.shape[1], 10, seed):
        start, end = values(problem, w[None])[0], w.copy()
        value = climb(problem, end)
        assert value >= start * (1 - 1e-12) and np.linalg.norm(end) == pytest.approx(1, rel=1e-12)
        assert values(problem, end[None])[0] == pytest.approx(value, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("seed", [2, 5, 8])
def test_what_is_never_good_enough_is_left_at_the_deepest_level(seed):
    problem = random_problem(seed)
    # a relative excess of -1: no bound above 0 is enough
    told, _, out = searched(problem, [-1, -1, 0, 400, 1e9])
    assert told[1] == 400 and told[2] > DEEPEST
    # every bisection halves the determinant of a cone, which is 1 for an orthant
    sizes = np.abs(np.linalg.det(out.cones[: told[2]]))
    assert sizes.min() == pytest.approx(2.0**-DEEPEST, rel=1e-9, abs=0)
    assert_nothing_is_lost(problem, told, out)


def test_what_goes_out_has_room():
    problem = random_problem(2)
    told, _, out = searched(problem, [np.inf, -1, 0, 400, 1e9], size=1)
    assert told[:3] == (1, 1, 1)
    assert_nothing_is_lost(problem, told, out)
    assert searched(problem, [np.inf, -1, 0, 400, 1e9], size=8)[0][:3] == (8, 8, 8)


@pytest.mark.parametrize(
    ("x", "y", "exact"),
    [(1.0, 0.5, True), (1.0, 2.0**-60, False), (2.0**-60, 1.0, False), (5e-324, 0.0, False)],
)
def test_edges_are_bisected_where_the_middle_is_a_row_of_floats(x, y, exact):
    is_exact = getattr(kernel._is_exact, "py_func", kernel._is_exact)
    for sign in (1.0, -1.0):
        assert is_exact(np.array([[0.5, sign * x], [0.25, sign * y]]), 0, 1) is exact
