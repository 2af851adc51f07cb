"""The parts of the search of the checker: exact numbers by hand, its bound by its definition."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from cone_bounds import least_length, levels_of

from constructions.two_layer import checker
from constructions.two_layer.checker import EACH, POWER, WORK, _Cone, search

ONE = 2**POWER


def whole(values):
    return np.array(values, dtype=object)


def cone_of(V, rows=(), L=(), G=None):
    """A cone with the heights of its rows."""
    V = whole(V)
    D = len(V)
    G = whole(np.zeros((D, 1), dtype=int)) if G is None else whole(G)
    rows, L = whole(rows).reshape(-1, D), whole(L).reshape(-1, G.shape[1])
    return _Cone(V, rows @ V.T, rows, L, G)


def random_cone(seed):
    """A cone after some bisections, with points that are undecided in it, and tied heights."""
    rng = np.random.default_rng(seed)
    D, Q, n = 2 + seed % 3, 1 + seed // 3 % 3, int(rng.integers(1, 9))
    cone = cone_of(
        np.diag(whole(rng.choice([-1, 1], D))) * ONE,
        [[int(v) for v in row] for row in rng.integers(-3, 4, (n, D))],
        whole(rng.integers(-3, 4, (n, Q))) * 2**60,
        whole(rng.integers(-2, 3, (D, Q))) * 2**60,
    )
    for _ in range(seed % 4):
        cone = checker._bisected(cone)[rng.integers(2)]
    return checker._decided(cone)


# roots, and vectors of whole numbers


def test_roots_are_the_least_whole_numbers_above():
    for n in range(50):
        r = checker._roots_above(whole([n]))[0]
        assert r * r >= n and (r == 0 or (r - 1) ** 2 < n)
    assert checker._roots_above(whole([-5]))[0] == 0
    big = 3**200
    assert checker._roots_above(whole([big * big, big * big + 1])).tolist() == [big, big + 1]


def test_bits_and_floors_of_each_entry():
    assert checker._bits(whole([0, 1, -8, 2**70])).tolist() == [0, 1, 4, 71]
    exact = checker._fractions(np.array([[0.1, -0.5]]))
    assert exact.tolist() == [[checker.fraction(0.1), checker.fraction(-0.5)]]
    assert checker._floors(exact * 2).tolist() == [[0, -1]]
    assert checker._floors(exact * 4 + 1).tolist() == [[1, -1]]


@pytest.mark.parametrize("size", [1, 2**10, 2**58, 2**59, 2**60, 2**61, 2**62, 2**400])
@pytest.mark.parametrize("g", [(3, 4), (-5, 1, 7), (0, -2), (1, 0, 0, 0)])
def test_a_direction_is_near_to_the_vector_and_of_whole_numbers(g, size):
    g = whole(g) * size
    e = checker._along(g)
    assert all(type(v) is int for v in e)
    cosine = (float(Fraction(int(e @ g), size)) / np.linalg.norm(e.astype(float))) / np.linalg.norm(
        (g // size).astype(float)
    )
    assert cosine > 1 - 1e-12
    assert 2**39.9 < np.linalg.norm(e.astype(float)) < 2**40.1


def test_numbers_far_from_each_other_do_not_overflow():
    far = whole([1, -(2**1200)])
    e = checker._along(far)
    assert e[0] == 0 and -(2**40) - 1 <= e[1] <= -(2**40) + 1
    M = checker._hint(whole([[ONE, 0], [0, ONE]]), -far)
    assert M[1] == 2 ** (1200 - POWER) and abs(M[0]) <= 1


def test_a_direction_is_never_zero():
    assert checker._along(whole([0, 0, 0])).tolist() == [1, 0, 0]
    assert [checker._along(whole([v])).tolist() for v in (-7, -1, 0, 1, 7)] == [
        [-1],
        [-1],
        [1],
        [1],
        [1],
    ]


# a cone


def test_points_on_or_off_in_a_cone_leave_it():
    rows = [[0, 5], [0, -5], [1, -1], [2, 1], [-3, 0]]
    cone = cone_of([[1, 0], [0, 1]], rows, [[1], [2], [4], [8], [16]], [[100], [200]])
    left = checker._decided(cone)
    assert left.rows.tolist() == [[1, -1]] and left.L.tolist() == [[4]]
    assert left.H.tolist() == [[1, -1]]
    assert left.G.tolist() == [[100 + 16], [200 + 5 + 8]]


def values_of(cone):
    """Squares of the function over those of the length, at the vertices and at the middle."""
    points = [*cone.V, sum(cone.V)]
    found = []
    for w in points:
        total = w @ cone.G
        for row, multiplier in zip(cone.rows, cone.L, strict=True):
            total = total + max(0, row @ w) * multiplier
        found.append(Fraction(int(total @ total), int(w @ w)))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_what_exceeds_a_limit_by_its_definition(seed):
    rng = np.random.default_rng(seed)
    V = [[1, 0], [0, 1]] if seed % 2 else [[3, 0], [1, -2]]
    cone = cone_of(V, rng.integers(-3, 4, (3, 2)), rng.integers(-3, 4, (3, 2)), [[1, 2], [-1, 0]])
    values = values_of(cone)
    for value in values:
        # limits are floors of the exact one: more than `limit + 1` is more than that
        first = int(checker.isqrt(int(value * ONE**2)))
        for limit in (first - 2, first - 1, first, first + 1):
            expected = [v * ONE**2 > (limit + 1) ** 2 for v in values]
            assert checker._exceeding(cone, limit).tolist() == expected


def test_to_attain_the_next_number_is_not_to_exceed():
    cone = cone_of([[1, 0], [0, 1]], G=[[5], [0]])
    assert checker._exceeding(cone, 5 * ONE - 1).tolist() == [False, False, False]
    assert checker._exceeding(cone, 5 * ONE - 2).tolist() == [True, False, False]
    assert checker._exceeding(cone_of([[1, 0], [0, 1]], G=[[5], [5]]), 7 * ONE).tolist() == [
        False,
        False,
        True,
    ]


def bound_of(cone):
    """The bound in floats, for multipliers times 2^-60; also with the slope as M."""
    V, H = (a.astype(float) / ONE for a in (cone.V, cone.H))
    L, G = (a.astype(float) / 2**60 for a in (cone.L, cone.G))
    levels, M = levels_of(V, H, cone.rows.astype(float), L, G)
    lack = max(0, (levels - V @ M).max())
    return min(least_length(V, levels), np.linalg.norm(M) + np.sqrt(len(V)) * lack)


@pytest.mark.parametrize("seed", range(36))
def test_the_bound_of_a_cone_is_that_of_its_definition(seed):
    cone = random_cone(seed)
    bound = bound_of(cone)
    limit = int(bound * 2**60) * ONE
    assert checker._is_within(cone, limit + (limit >> 28))
    assert not checker._is_within(cone, limit - (limit >> 28) - 1)


@pytest.mark.parametrize("seed", range(40))
def test_of_one_output_the_bound_is_exact_down_to_the_last_number(seed):
    # the cone is so small that what counts are the levels, in whole numbers
    rng = np.random.default_rng(seed)
    cone = cone_of(
        [[3, 0], [1, 2]],
        rng.integers(-2, 3, (4, 2)),
        rng.integers(-3, 4, (4, 1)),
        rng.integers(-1, 2, (2, 1)),
    )
    slope, levels = cone.G[:, 0], []
    on = [sum(h) > 0 for h in cone.H]
    for row, (m,), is_on in zip(cone.rows, cone.L, on, strict=True):
        slope = slope + is_on * m * row
    sign = 1 if slope @ sum(cone.V) >= 0 else -1
    for k, u in enumerate(cone.V):
        up, down = sign * (slope @ u), -sign * (slope @ u)
        for h, (m,), is_on in zip(cone.H[:, k], cone.L, on, strict=True):
            rest = max(h, 0) - is_on * h
            up, down = up + max(sign * m, 0) * rest, down + max(-sign * m, 0) * rest
        levels.append(max(up, down))

    def reach(M):
        lack = max(0, *(level - u @ M for level, u in zip(levels, cone.V, strict=True)))
        roots = checker._roots_above(whole([M @ M, 2 * lack**2]))
        return roots[0] * ONE + roots[1]

    least = min(reach(sign * slope), reach(0 * slope))
    assert checker._is_within(cone, least)
    assert not least or not checker._is_within(cone, least - 1)


@pytest.mark.parametrize("seed", range(20))
def test_no_point_of_a_cone_exceeds_what_it_is_within(seed):
    cone = random_cone(seed)
    T = np.random.default_rng(seed).exponential(size=(500, len(cone.V)))
    W = T @ (cone.V / ONE).astype(float)
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    on = np.maximum(W @ cone.rows.astype(float).T, 0) @ cone.L.astype(float)
    largest = np.linalg.norm(W @ cone.G.astype(float) + on, axis=1).max()
    assert not checker._is_within(cone, int(largest * (1 - 1e-9)) * ONE - 1)


def test_a_reach_by_hand():
    V = whole([[1, 0], [0, 1]])
    M = whole([3, 4])
    assert checker._reach(M, V, whole([3, 4])) == 5 * ONE
    assert checker._reach(M, V, whole([1, 2])) == 5 * ONE  # nothing is lacking
    assert checker._reach(M, V, whole([3, 54])) == 5 * ONE + 71  # of 50 sqrt(2)
    assert checker._reach(whole([1, 1]), V, whole([1, 1])) == 2 * ONE


@pytest.mark.parametrize("exponent", [-5, 40, 68, 69, 70, 71, 72, 200])
@pytest.mark.parametrize("seed", range(12))
def test_a_hint_is_the_shortest_vector_over_the_levels(seed, exponent):
    rng = np.random.default_rng(seed)
    cone = random_cone(seed)
    V, D = cone.V, len(cone.V)
    levels = rng.random(D) if seed % 2 else rng.random(D) * np.eye(D)[rng.integers(D)] + 0.01
    # of levels that have 200 bits or more beside it, so that the rounding of M is nothing
    scaled = whole([int(v * 2**60) for v in levels]) * 2 ** (150 + exponent)
    M = checker._hint(V, scaled)
    assert all(type(v) is int for v in M)
    length = np.linalg.norm((M / Fraction(2) ** (50 + exponent)).astype(float))
    assert length == pytest.approx(least_length((V / ONE).astype(float), levels), rel=1e-9)
    lack = (scaled - V @ M).max() / Fraction(2) ** (210 + exponent)
    assert lack < 1e-9


# bisection


def bisected_edge(cone):
    """The edge that is cut, found from what both halves keep."""
    first, second = checker._bisected(cone)
    a = [k for k in range(len(cone.V)) if (first.V[k] != cone.V[k]).any()]
    b = [k for k in range(len(cone.V)) if (second.V[k] != cone.V[k]).any()]
    assert len(a) == len(b) == 1
    (a,), (b,) = a, b
    for half, gone in ((first, a), (second, b)):
        middle = (cone.V[a] + cone.V[b]) // 2
        assert half.V[gone].tolist() == middle.tolist()
        assert half.H.tolist() == (cone.rows @ half.V.T).tolist()
        assert half.G is cone.G and half.L is cone.L
    return {a, b}


@pytest.mark.parametrize(
    ("rows", "L", "edge"),
    [
        ([[3, -3, 1]], [[1]], {0, 1}),  # the lesser height counts
        ([[9, -1, 0], [0, 2, -2]], [[1], [1]], {1, 2}),
        ([[9, -1, 0], [0, 2, -2]], [[3], [1]], {0, 1}),  # times the multiplier
        ([[9, -1, 0], [0, 2, -2]], [[-3], [1]], {0, 1}),
        ([[5, -5, 0], [0, 2, -2]], [[1, 1], [1, -5]], {1, 2}),  # over all outputs
        ([[5, 5, -1]], [[1]], {1, 2}),  # with equal costs the last one
        ([[0, -5, 5]], [[1]], {1, 2}),  # from 0 nothing turns
        ([[0, 7, 7], [1, 0, -1]], [[9], [1]], {0, 2}),
        ([[0, 0, -4], [-1, 1, 0]], [[9], [1]], {0, 1}),
        ([[7, 0, 7], [0, 1, -1]], [[9], [1]], {1, 2}),
    ],
)
def test_the_edge_with_the_largest_cost_is_cut(rows, L, edge):
    cone = cone_of(np.eye(3, dtype=int) * whole(ONE), rows, L, np.zeros((3, len(L[0])), dtype=int))
    assert bisected_edge(cone) == edge


@pytest.mark.parametrize(
    ("length", "aside", "edge"), [(8, 0, {0, 2}), (10, 0, {0, 1}), (12, 0, {0, 1}), (10, 4, {0, 2})]
)
def test_an_edge_shorter_than_a_quarter_of_the_longest_is_left(length, aside, edge):
    # the edge with the largest cost, and one of 30 + length, or a little more than that
    V = whole([[32, 0, 0], [32 + length, 0, 0], [2, aside, 0]])
    heights = whole([[100, -100, -1]])
    cone = _Cone(V, heights, whole([[0, 0, 0]]), whole([[1]]), whole([[0]] * 3))
    first, second = checker._bisected(cone)
    assert {k for k in range(3) if (first.V[k] != second.V[k]).any()} == edge


def test_a_middle_that_is_no_whole_number_is_not_taken():
    assert checker._bisected(cone_of([[1, 0], [0, 3]])) is None
    assert checker._bisected(cone_of([[2, 1], [0, 3]])) is not None
    assert checker._bisected(cone_of([[2, 1], [0, 2]])) is None
    assert checker._bisected(cone_of([[6, 0], [0, 2]])) is not None


# the search


@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_every_orthant_is_searched(signs):
    # one point, whose relu is largest at (2, 3, 6) / 7 with these signs: 7
    rows = whole([[s * v for s, v in zip(signs, (2, 3, 6), strict=True)]])
    one = whole([[2**60]])
    for limit, holds in ((7 - 2**-30, False), (7 + 2**-10, True), (8, True)):
        most = int(limit * 2**60) * ONE
        assert search(rows, one, most, most)[0] is holds


def test_between_both_limits_it_is_left_open():
    rows, one = whole([[3, 4]]), whole([[2**60]])
    low, high = int(4.99 * 2**60) * ONE, int(5.01 * 2**60) * ONE
    assert search(rows, one, low, high)[0] is None
    assert search(rows, one, low, low)[0] is False
    assert search(rows, one, high, high)[0] is True


def test_what_is_looked_at_is_counted():
    # two quarters are decided at once, and the others after one cut; two heights for each point
    rows, L = whole([[1, 1], [2, 2], [1, 1]]), whole([[2], [-1], [0]])
    each = EACH + 6
    assert search(rows, L, 1, 1) == (True, WORK - 8 * each)
    # the fifth cone is the last one that is cut, and by then the work may not be more than done
    assert search(rows, L, 1, 1, 5 * each) == (True, -3 * each)
    assert search(rows, L, 1, 1, 5 * each - 1) == (None, -1)


def test_a_bound_of_norms_by_hand(monkeypatch):
    one = 2**60
    for rows, L, bound in (
        ([[3, 0]], [[2]], 6),  # |6| and 3 times 2, half of it
        ([[3, 0], [-3, 0]], [[2], [2]], (0 + np.sqrt(8)) / 2),  # the sum cancels; rows as units
        ([[3, 0], [0, 3]], [[2], [2]], 0),
    ):
        rows, L = whole(rows), whole(L) * one
        # each row counts as long as 2^2
        sizes = np.array([[4.0]] * len(rows))
        A, B = rows.astype(float) / sizes, L.astype(float) / one * sizes
        exact = (np.linalg.norm(B.T @ A, 2) + np.linalg.norm(B, 2) * np.linalg.norm(A, 2)) / 2
        if len(rows) == 1:
            assert exact == bound
        for part, holds in ((1 + 1e-9, True), (1 - 1e-9, None)):
            limit = checker.fraction(float(exact * part * one))
            assert checker._by_norms(rows, L, limit) is holds
    exact = checker._by_norms(whole([[4, 0]]), whole([[2]]), checker.fraction(8.0))
    assert exact in (True, None)
    assert checker._by_norms(whole(np.zeros((0, 2))), whole(np.zeros((0, 1))), 1) is True
    # with rows of sizes far from each other
    rows, L = whole([[1, 0], [0, 2**40]]), whole([[2**40], [1]])
    assert checker._by_norms(rows, L, checker.fraction(2.0**40 * 1.5)) is True
    monkeypatch.setattr(checker, "MOST", 8)
    assert checker._by_norms(rows, L, checker.fraction(2.0**40 * 1.5)) is True
    monkeypatch.setattr(checker, "MOST", 7)
    assert checker._by_norms(rows, L, checker.fraction(2.0**40 * 1.5)) is None
