"""The bound of a cone holds on the cone, and bisections cover everything exactly."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.critical.balls import Balls
from constructions.proof.exact import EPS
from constructions.two_layer.best_neuron_kernel import DEEPEST, Open, climb, descend
from constructions.two_layer.cone_kernel import VALUE, Problem, bound_of_cone, length, scratch_for
from constructions.two_layer.cones import ConeSearch, _norm, bound_of_norms, compiled


def some_problem(rng, n, D, q):
    rows = rng.integers(-4, 5, size=(n, D)) / 4
    L = rng.integers(-4, 5, size=(n, q)) / 4
    return Problem(rows, L)


def some_cone(rng, D, cuts):
    """A cone reached by bisecting random edges."""
    cone = np.diag(rng.choice([-1.0, 1.0], size=D))
    for _ in range(cuts if D > 1 else 0):
        a, b = rng.choice(D, size=2, replace=False)
        cone[b] = (cone[a] + cone[b]) / 2
    return cone


def decided(problem, cone):
    """Slope of the points on everywhere, the undecided points and their heights."""
    heights = problem.rows @ cone.T
    on, off = (heights >= 0).all(axis=1), (heights <= 0).all(axis=1)
    points = np.flatnonzero(~on & ~off)
    slope = problem.rows[on].T @ problem.multipliers[on]
    return np.ascontiguousarray(slope), points, np.ascontiguousarray(heights[points])


def values_at(problem, W):
    return np.linalg.norm(np.maximum(W @ problem.rows.T, 0) @ problem.multipliers, axis=1)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 30),
)
def test_no_direction_of_a_cone_is_above_its_bound(seed, n, D, q, cuts):
    rng = np.random.default_rng(seed)
    problem, cone = some_problem(rng, n, D, q), some_cone(rng, D, cuts)
    scratch = scratch_for(D, q)
    bound = bound_of_cone(cone, *decided(problem, cone), problem, scratch)
    T = np.concatenate([np.eye(D), rng.exponential(size=(300, D)) ** rng.uniform(0.2, 5)])
    W = T @ cone
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    assert values_at(problem, W).max() <= bound + 1e-12
    middle = cone.sum(axis=0)
    assert scratch[VALUE, 0] == pytest.approx(
        values_at(problem, middle[None] / np.linalg.norm(middle))[0], abs=1e-12
    )


def test_where_all_is_decided_the_bound_is_attained():
    # one point that is on: the bound is its length in the cone that holds it, else that of its
    # projection on a face, or 0
    problem, scratch = Problem(np.array([[0.5, 0.75]]), np.array([[1.0]])), scratch_for(2, 1)
    row = problem.rows[0]
    for cone, expected in (
        ([[1.0, 0.0], [0.0, 1.0]], np.hypot(*row)),
        ([[1.0, 0.0], [0.5, 0.5]], row.sum() / 2**0.5),
        ([[-1.0, 0.0], [0.0, -1.0]], 0.0),
    ):
        cone = np.array(cone)
        bound = bound_of_cone(cone, *decided(problem, cone), problem, scratch)
        assert bound == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("multiplier", [1.0, -1.0])
@pytest.mark.parametrize(("row", "most"), [([0.5, -0.25], 5**0.5 / 4), ([0.25, -0.5], 0.25)])
def test_one_undecided_point_adds_what_it_has_at_the_corners(row, most, multiplier):
    # off at the middle, it has what it has at the corners, 1/4 and 0; on at the middle, 1/2 and 0,
    # but minus the sum is at most 1/4 at the second corner, and the larger of the two signs counts
    cone, problem = np.eye(2), Problem(np.array([row]), np.array([[multiplier]]))
    parts = decided(problem, cone)
    assert len(parts[1]) == 1
    assert bound_of_cone(cone, *parts, problem, scratch_for(2, 1)) == pytest.approx(most, rel=1e-12)


def test_the_bound_of_a_thin_cone_is_near_its_values():
    rng = np.random.default_rng(0)
    problem = some_problem(rng, 40, 3, 2)
    for cuts, excess in ((20, 1e-2), (60, 1e-7)):
        cone = some_cone(np.random.default_rng(1), 3, 0)
        for k in range(cuts):
            a, b = ((0, 1), (1, 2), (2, 0))[k % 3]
            cone[b] = (cone[a] + cone[b]) / 2
        bound = bound_of_cone(cone, *decided(problem, cone), problem, scratch_for(3, 2))
        W = cone / np.linalg.norm(cone, axis=1, keepdims=True)
        most = values_at(problem, W).max()
        assert most * (1 - 1e-12) <= bound <= most * (1 + excess)


def descended(problem, D, q, level, seen, room=None):
    """Descend from the orthants; what is left open and what the kernel says."""
    signs = np.array(np.meshgrid(*[[1.0, -1.0]] * D)).reshape(D, -1).T
    cones = np.ascontiguousarray(signs[:, :, None] * np.eye(D))
    out = Open(np.full((2 * DEEPEST + 999, D, D), np.nan), np.full(2 * DEEPEST + 999, np.nan))
    best, limits = np.zeros(D + 1), np.array([level, 0.0, 1e-9, seen, np.inf])
    best[0] = 1.0
    room = room or 16 * len(problem.rows)
    answer = descend(cones, np.full(len(cones), 99.0), problem, best, limits, room, out)
    return cones, out, best, answer


@pytest.mark.parametrize("D", [1, 2, 3, 4])
def test_cones_that_are_left_cover_what_is_not_closed(D):
    rng = np.random.default_rng(D)
    problem = Problem(rng.uniform(-1, 1, size=(20, D)), rng.uniform(-1, 1, size=(20, 1)))
    cones, out, best, (taken, _, left, closed) = descended(problem, D, 1, 0.0, 37)
    # volumes of the simplices add up, in fractions, to at most those of the orthants
    kept = [out.cones[k] for k in range(left)]
    volume = sum(abs(determinant(cone)) for cone in kept)
    assert volume + len(cones) - taken <= len(cones)
    for cone in kept:
        assert [sum(map(abs, map(Fraction, row))) for row in cone.tolist()] == [1] * D
        assert (np.sign(cone).max(axis=0) - np.sign(cone).min(axis=0) <= 1).all()
    # every direction is in a cone that is left, or not yet taken, or its value is below `closed`
    W = rng.normal(size=(400, D))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    everywhere = kept + list(cones[taken:])
    is_held = np.zeros(len(W), bool)
    for cone in everywhere:
        is_held |= (np.linalg.solve(cone.T, W.T) >= -1e-9).all(axis=0)
    assert (is_held | (values_at(problem, W) <= closed + 1e-9)).all()
    assert best[-1] <= max([closed, *out.bounds[:left], *[99.0] * (len(cones) - taken)])


def determinant(cone):
    """Of a matrix of floats, a fraction."""
    if not len(cone):
        return Fraction(1)
    minors = [determinant(np.delete(cone[1:], j, axis=1)) for j in range(len(cone))]
    return sum((-1) ** j * Fraction(v) * minors[j] for j, v in enumerate(cone[0].tolist()))


def test_little_room_for_lists_changes_nothing_but_what_is_left():
    rng = np.random.default_rng(0)
    problem = Problem(rng.uniform(-1, 1, size=(30, 3)), rng.uniform(-1, 1, size=(30, 1)))
    *_, wide = descended(problem, 3, 1, 0.0, 10**6)
    _, out, _, narrow = descended(problem, 3, 1, 0.0, 10**6, room=40)
    assert wide[2] == 0 and narrow[2] > 0
    # what is left is followed later, and closes as well
    best, limits = np.zeros(4), np.array([0.0, 0.0, 1e-9, 10**6, np.inf])
    best[0] = 1.0
    rest = descend(
        out.cones[: narrow[2]].copy(),
        out.bounds[: narrow[2]].copy(),
        problem,
        best,
        limits,
        480,
        out,
    )
    assert rest[2] == 0
    assert max(narrow[3], rest[3]) == pytest.approx(wide[3], rel=1e-8)


def test_a_cone_that_cannot_be_bisected_in_floats_is_closed_with_its_bound():
    problem = Problem(np.array([[1.0, -1.0], [0.25, 0.5]]), np.array([[1.0], [-1.0]]))
    near = np.nextafter(0.5, 1)
    cone = np.array([[[0.5, 0.5], [near, 1 - near]]])
    assert Fraction(cone[0, 1, 0]) + Fraction(cone[0, 1, 1]) == 1
    out = Open(np.empty((2 * DEEPEST + 9, 2, 2)), np.empty(2 * DEEPEST + 9))
    best, limits = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, -1.0, 1000, np.inf])
    taken, seen, left, closed = descend(cone, np.array([9.0]), problem, best, limits, 99, out)
    assert (taken, left) == (1, 0) and seen < 20 and 0 <= closed < 9


def test_ascents_go_up_and_keep_their_length():
    rng = np.random.default_rng(0)
    for _ in range(50):
        D, q = rng.integers(1, 6), rng.integers(1, 4)
        problem = Problem(rng.uniform(-1, 1, size=(20, D)), rng.uniform(-1, 1, size=(20, q)))
        w = rng.normal(size=D)
        w /= np.linalg.norm(w)
        before = values_at(problem, w[None])[0]
        value = climb(problem, w)
        assert value >= before * (1 - 1e-12)
        assert values_at(problem, w[None])[0] == pytest.approx(value, rel=1e-12)
        assert np.linalg.norm(w) == pytest.approx(1, abs=1e-15)


def test_lengths_at_the_ends():
    assert length(np.zeros(3)) == 0
    assert length(np.array([3e300, 4e300])) == pytest.approx(5e300)
    assert length(np.array([3e-320, 4e-320])) == pytest.approx(5e-320, rel=1e-3)


def test_spectral_norms_are_bounded_from_above_and_nearly():
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (3, 9), (9, 3), (5, 5)):
        A = rng.normal(size=shape)
        size = np.linalg.norm(A, 2)
        assert size <= _norm(A) <= size * 1.001
        assert _norm(Balls(A, np.full(shape, 0.1))) >= np.linalg.norm(A + 0.1 * np.sign(A), 2)
    assert 0 <= _norm(np.zeros((3, 2))) < 1e-150
    flat = Problem(np.ones((4, 2)), np.zeros((4, 1)))
    assert 0 <= bound_of_norms(flat) < 1e-150


def test_levels_fall_until_all_is_closed():
    compiled()
    rng = np.random.default_rng(0)
    problem = Problem(rng.uniform(-1, 1, size=(30, 3)), rng.uniform(-1, 1, size=(30, 2)))
    search = ConeSearch(problem, 1e-6, 30, 30.0)
    search.improve(np.array([1.0, 0.0, 0.0]), 0.0)
    assert search.run(10**6, lambda: False)
    assert search.best[-1] <= search.closed <= search.best[-1] * (1 + 1e-6) + 1e-9
    assert search.attained() <= search.best[-1] <= search.proved()


def search_of(closed=0.0, value=0.0, terms=50, size=7.0):
    """A search in four dimensions with two outputs."""
    search = ConeSearch(Problem(np.ones((3, 4)), np.ones((3, 2))), 0.25, terms, size)
    assert not search.best.any() and search.best.shape == (5,)
    assert search.closed == search.nodes == 0
    search.closed, search.best[-1] = closed, value
    return search


def test_what_is_proved_and_attained_has_room_for_the_rounding():
    # 8u (n + 2D + 2 64 + Q + 16) S, u half of EPS, times the root of D
    search = search_of(closed=3.0, value=5.0)
    noise = 4 * (50 + 8 + 128 + 2 + 16) * EPS * 7
    assert search.noise == pytest.approx(noise, rel=1e-15, abs=0)
    assert search.root == 2 * (1 + EPS)
    proved, attained = Fraction(search.proved()), Fraction(search.attained())
    exact = 2 * Fraction(search.noise)
    assert 3 + exact < proved < (3 + exact) * (1 + 16 * Fraction(EPS))
    assert abs(5 - 100 * Fraction(EPS) - exact - attained) <= 8 * Fraction(EPS)
    assert search_of().attained() == 0
    assert search_of(size=0.0).proved() == 0


def test_enough_is_what_exceeds_the_best_by_what_was_asked_for_or_rounding():
    search = search_of(value=5.0)
    assert search.is_enough(6.25 + 3.9 * search.noise)
    assert not search.is_enough(6.25 + 4.1 * search.noise)
    assert search_of(value=5.0, size=0.0).is_enough(6.25)


def test_what_is_as_good_is_taken_and_what_is_worse_is_not():
    search, w = search_of(), np.array([0.0, 0.6, 0.8, 0.0])
    search.improve(w, 0.0)
    assert (search.best == [*w, 0.0]).all()
    search.improve(w[::-1], 2.0)
    search.improve(w, 1.0)
    assert (search.best == [*w[::-1], 2.0]).all()


def test_norms_of_balls_that_are_small_or_wide_are_bounded():
    for size in (1.0, 1e-3):
        # too wide for a bound of the middle alone
        wide = _norm(Balls(np.array([[size]]), np.array([[0.1 * size]])))
        assert 1.1 * size <= wide <= 1.1001 * size
        A = size * np.array([[1.0, 0.5], [-0.5, 1.0]])
        assert 1.25**0.5 * size <= _norm(A) <= 1.0001 * 1.25**0.5 * size


def test_few_open_cones_and_a_budget_change_how_the_search_goes_and_not_what_it_proves(monkeypatch):
    rng = np.random.default_rng(0)
    problem = Problem(rng.uniform(-1, 1, size=(6, 3)), rng.uniform(-0.1, 0.1, size=(6, 2)))
    W = rng.normal(size=(20_000, 3))
    most = values_at(problem, W / np.linalg.norm(W, axis=1, keepdims=True)).max()

    def searched(nodes):
        search = ConeSearch(problem, 1e-6, 6, 1.2)
        search.improve(np.array([1.0, 0.0, 0.0]), 0.0)
        return search.run(nodes, lambda: False), search

    for room in (2**28, 1):
        monkeypatch.setattr("constructions.two_layer.cones.MOST_OPEN", room)
        is_closed, search = searched(10**6)
        assert is_closed and most <= search.proved() <= 1.001 * most
        for nodes in (1, 20):
            is_closed, search = searched(nodes)
            assert not is_closed and search.nodes == nodes
            assert most <= search.proved() <= bound_of_norms(problem) * (1 + 1e-12) + search.noise


def test_the_search_begins_with_all_orthants_with_rows_of_length_1(monkeypatch):
    seen = []

    def watched(cones, *rest):
        seen.append(cones.copy())
        return descend(cones, *rest)

    monkeypatch.setattr("constructions.two_layer.cones.descend", watched)
    search = ConeSearch(Problem(np.eye(3), np.ones((3, 1))), 1e-6, 3, 3.0)
    search.run(8, lambda: False)
    found = {tuple(np.diag(cone)) for cone in seen[0]}
    assert len(seen[0]) == 8 and found == set(product([1.0, -1.0], repeat=3))
    assert (np.abs(seen[0]) == np.eye(3)).all()


def test_cones_that_are_left_until_the_best_is_near_enough_count(monkeypatch):
    def leaving(cones, bounds, problem, best, limits, room, out):
        n = len(cones)
        out.cones[:n], out.bounds[:n], best[-1] = cones, np.arange(1.0, n + 1), n
        return n, n, n, 0.0

    monkeypatch.setattr("constructions.two_layer.cones.descend", leaving)
    search = ConeSearch(Problem(np.eye(3), np.ones((3, 1))), 1e-6, 3, 3.0)
    assert search.run(100, lambda: False) and search.closed == 8


def test_only_a_level_above_all_eigenvalues_is_a_bound_and_sums_are_rounded_up(monkeypatch):
    monkeypatch.setattr("constructions.two_layer.cones.smallest_eigenvalue", lambda A: -0.5)
    assert 2**0.5 <= _norm(np.eye(2)) <= 2**0.5 * (1 + 1e-12)
    monkeypatch.setattr("constructions.two_layer.cones._norm", lambda A: 3.0)
    assert 6 < bound_of_norms(Problem(np.eye(2), np.eye(2))) <= 6 * (1 + 8 * EPS)
