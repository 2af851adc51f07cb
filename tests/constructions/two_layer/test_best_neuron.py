"""The best neuron is at least as good as any that is tried, and no better than its bound."""

from fractions import Fraction
from itertools import combinations, product
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import best_neuron
from constructions.two_layer import best_neuron as room
from constructions.two_layer.best_neuron_kernel import climb, descend


def rows_of(X, bias=True):
    return np.column_stack([X, np.ones(len(X))]) if bias else np.asarray(X, dtype=float)


def values_at(rows, L, W):
    return np.linalg.norm(np.maximum(np.atleast_2d(W) @ rows.T, 0) @ L, axis=1)


def square_at(rows, L, w):
    """The square of the value at w over that of |w|, a fraction of the stored floats."""
    w = [Fraction(float(v)) for v in w]
    total = [Fraction(0)] * L.shape[1]
    for row, multipliers in zip(rows.tolist(), L.tolist(), strict=True):
        z = sum(Fraction(x) * v for x, v in zip(row, w, strict=True))
        if z > 0:
            total = [t + Fraction(m) * z for t, m in zip(total, multipliers, strict=True)]
    return sum(t * t for t in total) / sum(v * v for v in w)


def whole_numbers(seed, n, d, q):
    """Points that lie on each other and on each other's planes."""
    rng = np.random.default_rng(seed)
    return rng.integers(-2, 3, size=(n, d)) * 1.0, rng.integers(-3, 4, size=(n, q)) * 1.0


def best_in_the_plane(rows, L):
    """The maximum for D = 2, arc by arc between neighbouring zeros of the rows.

    The sum is linear on an arc: its length is largest at an end, or along a singular vector.
    """
    turns = [np.arctan2(-r[0], r[1]) + turn for r in rows if r.any() for turn in (0, np.pi)]
    turns = np.sort(np.array(turns) % (2 * np.pi))
    best = values_at(rows, L, np.column_stack([np.cos(turns), np.sin(turns)])).max()
    for low, high in zip(turns, np.append(turns[1:], turns[0] + 2 * np.pi), strict=True):
        middle = np.array([np.cos((low + high) / 2), np.sin((low + high) / 2)])
        on = rows @ middle > 0
        w = np.linalg.svd(L[on].T @ rows[on])[2][0]
        best = max(best, values_at(rows, L, np.array([w, -w])).max())
    return best


def best_in_space(rows, L):
    """The maximum for D = 3 and rows in general position: inside all cells, and on all planes."""
    best = 0.0
    for row in rows:
        basis = np.linalg.svd(row[None])[2][1:]
        best = max(best, best_in_the_plane(rows @ basis.T, L))
    for i, j in combinations(range(len(rows)), 2):
        on = rows @ np.cross(rows[i], rows[j]) > 0
        for turned, first, second in product((False, True), repeat=3):
            cell = on ^ turned
            cell[i], cell[j] = first, second
            w = np.linalg.svd(L[cell].T @ rows[cell])[2][0]
            best = max(best, values_at(rows, L, np.array([w, -w])).max())
    return best


def test_two_points_by_hand():
    # on at both points the sum is (1, 2) . w, whose largest value is the root of 5
    found = best_neuron([[0.0], [1.0]], [[1.0], [1.0]])
    assert found.value <= 5**0.5 <= found.bound <= found.value * 1.0001
    assert found.direction == pytest.approx([5**-0.5, 2 * 5**-0.5], abs=1e-6)
    assert found.output == pytest.approx([1.0])
    # opposite multipliers: best on at the first point alone, at (0, 1) with w = (-1, 1) / sqrt 2
    # or at the second alone; the latter may use w along (1, 1) minus what reaches the first
    found = best_neuron([[0.0], [1.0]], [[1.0], [-1.0]])
    # on at both (0, 1) - (1, 1) = (-1, 0): 1; only at the second, w_2 <= 0: (1, 1) . w <= 1
    assert found.value <= 1 <= found.bound <= 1.0001


@pytest.mark.parametrize("q", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_on_a_line_and_through_the_origin_of_a_plane_it_is_the_best_of_all_arcs(q, bias):
    for seed in range(30):
        n = 1 + seed % 12
        X, L = whole_numbers(seed, n, 1 if bias else 2, q)
        rows = rows_of(X, bias)
        best = best_in_the_plane(rows, L) if rows.any() else 0.0
        found = best_neuron(X, L, bias=bias, rtol=1e-9)
        assert found.finished and found.value <= best * (1 + 1e-12)
        assert best * (1 - 1e-12) <= found.bound <= best * (1 + 1e-8) + 1e-11


@pytest.mark.parametrize("q", [1, 2])
def test_in_the_plane_it_is_the_best_of_all_cells(q):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, L = rng.normal(size=(4 + seed, 2)), rng.normal(size=(4 + seed, q))
        best = best_in_space(rows_of(X), L)
        found = best_neuron(X, L, rtol=1e-6)
        assert found.finished and found.value <= best * (1 + 1e-12)
        assert best * (1 - 1e-12) <= found.bound <= best * (1 + 2e-6)


def test_a_million_directions_are_no_better():
    rng = np.random.default_rng(0)
    for d, q in ((2, 1), (2, 3), (4, 1)):
        X, L = rng.normal(size=(30, d)), rng.normal(size=(30, q))
        L -= L.mean(axis=0)
        found = best_neuron(X, L)
        most = 0.0
        for _ in range(20):
            W = rng.normal(size=(50_000, d + 1))
            W /= np.linalg.norm(W, axis=1, keepdims=True)
            most = max(most, values_at(rows_of(X), L, W).max())
        assert found.finished and most <= found.bound <= found.value * 1.00011


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
    st.integers(1, 400),
)
def test_bound_and_value_hold_in_fractions_wherever_the_search_ends(seed, n, d, q, bias, nodes):
    X, L = whole_numbers(seed, n, d, q)
    found = best_neuron(X, L, bias=bias, nodes=nodes)
    rows, rng = rows_of(X, bias), np.random.default_rng(seed)
    assert square_at(rows, L, found.direction) >= Fraction(found.value) ** 2
    tried = [found.direction, *found.candidates[:3], *rng.normal(size=(5, rows.shape[1]))]
    for w in tried:
        assert square_at(rows, L, w) <= Fraction(found.bound) ** 2


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from([1e-300, 1e-160, 1e-5, 1.0, 1e7, 1e150, 1e300]),
    st.sampled_from([1e-300, 1e-160, 1.0, 1e150]),
)
def test_bounds_hold_at_any_scale(seed, n, d, size, force):
    rng = np.random.default_rng(seed)
    X, L = rng.normal(size=(n, d)) * size, rng.normal(size=(n, 2)) * force
    found = best_neuron(X, L, nodes=2000)
    rows = rows_of(X)
    assert square_at(rows, L, found.direction) >= Fraction(found.value) ** 2
    for w in [*found.candidates[:3], *rng.normal(size=(5, d + 1))]:
        if np.isfinite(found.bound):
            assert square_at(rows, L, w) <= Fraction(found.bound) ** 2
    # units of the answer, when nothing over- or underflows
    if size in (1e-5, 1.0, 1e7) and force == 1.0:
        assert 0 < found.value <= found.bound


def test_powers_of_two_change_nothing_but_the_scale():
    rng = np.random.default_rng(3)
    X, L = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    found, scaled = best_neuron(X, L), best_neuron(X, L * 2.0**-900)
    assert scaled.bound == found.bound * 2.0**-900 and scaled.nodes == found.nodes
    assert (scaled.direction == found.direction).all()
    free = best_neuron(X, L, bias=False)
    large = best_neuron(X * 2.0**800, L, bias=False)
    assert large.bound == free.bound * 2.0**800 and (large.direction == free.direction).all()


def test_rows_without_a_say_and_no_rows_at_all():
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))
    L[3:] = 0
    some, all_rows = best_neuron(X[:3], L[:3]), best_neuron(X, L)
    assert some.bound == all_rows.bound and some.nodes == all_rows.nodes
    for nothing in (best_neuron(X, 0 * L), best_neuron(np.zeros((0, 2)), np.zeros((0, 1)))):
        assert nothing.finished and nothing.bound == nothing.value == nothing.excess == 0
        assert nothing.nodes == 0 and not nothing.output.any()
    zeros = best_neuron(np.zeros((2, 2)), L[:2], bias=False)
    assert zeros.finished and zeros.bound == 0


def test_points_that_cancel_are_bounded_by_rounding():
    X, L = np.tile(np.random.default_rng(0).normal(size=(5, 2)), (2, 1)), np.ones((10, 1))
    L[5:] = -1
    found = best_neuron(X, L)
    assert found.finished and found.value == 0 and 0 < found.bound < 1e-10


def test_many_copies_count_as_often():
    rng = np.random.default_rng(1)
    X, L = rng.normal(size=(7, 2)), rng.normal(size=(7, 2))
    one, many = best_neuron(X, L), best_neuron(np.tile(X, (64, 1)), np.tile(L, (64, 1)) / 64)
    assert many.value == pytest.approx(one.value, rel=1e-10)


def test_a_budget_ends_the_search_and_the_bound_falls_as_it_grows():
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(60, 4)), rng.normal(size=(60, 1))
    found = [best_neuron(X, L, nodes=nodes) for nodes in (10, 1000, 100_000)]
    assert [f.finished for f in found[:2]] == [False, False]
    assert found[0].bound >= found[1].bound > found[2].bound >= found[2].value
    assert all(f.nodes <= nodes for f, nodes in zip(found, (10, 1000, 100_000), strict=True))
    quick = best_neuron(X, L, seconds=0.01)
    assert quick.seconds < 1 and not quick.finished and quick.bound >= found[2].value


@pytest.mark.parametrize("d", [1, 3, 20])
def test_without_time_one_direction_is_climbed_from_and_the_bound_holds(d, monkeypatch):
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(30, d)), rng.normal(size=(30, 2))
    ample, climbed = best_neuron(X, L, nodes=500), []

    def watched(problem, w):
        climbed.append(len(w))
        return climb(problem, w)

    monkeypatch.setattr("constructions.two_layer.best_neuron.climb", watched)
    short = best_neuron(X, L, seconds=1e-9, incumbent=rng.normal(size=(5, d + 1)))
    assert climbed == [d + 1]
    assert 0 < short.value <= ample.bound and ample.value <= short.bound
    assert short.nodes == 0 and len(short.candidates) == 1


def test_the_search_gets_on_with_as_little_work_at_a_time_as_there_can_be(monkeypatch):
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    plain, seen = best_neuron(X, L), []

    def watched(*arguments):
        found = descend(*arguments)
        seen.append(found[1])
        return found

    monkeypatch.setattr("constructions.two_layer.cones.descend", watched)
    monkeypatch.setattr("constructions.two_layer.cones.WORK", 1)
    found = best_neuron(X, L)
    assert set(seen) == {1} and found.nodes == len(seen)
    assert found.finished and plain.value <= found.bound and found.value <= plain.bound


def test_an_incumbent_is_climbed_from():
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    best = best_neuron(X, L).direction
    for given_ in (best, 1e300 * best, [best, 0 * best], 1e-300 * best):
        again = best_neuron(X, L, incumbent=given_, nodes=1)
        assert again.direction == pytest.approx(best, abs=1e-9)


def test_in_many_dimensions_the_bound_is_one_of_norms():
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(50, 30)), rng.normal(size=(50, 2))
    found = best_neuron(X, L)
    assert found.nodes == 0 and not found.finished
    # rows may be scaled if their multipliers are scaled back
    rows = rows_of(X)
    size = 2.0 ** np.ceil(np.log2(np.abs(rows).max(axis=1, keepdims=True)))
    A, B = rows / size, L * size
    half = (np.linalg.norm(B.T @ A, 2) + np.linalg.norm(B, 2) * np.linalg.norm(A, 2)) / 2
    assert found.value < half <= found.bound < half * 1.001
    # one point: exactly half of twice its length
    one = best_neuron(X[:1], L[:1])
    assert one.finished and one.value == pytest.approx(
        np.linalg.norm(L[0]) * np.linalg.norm(rows[0])
    )


@pytest.mark.parametrize("seed", range(5))
def test_rows_and_multipliers_are_scaled_exactly_and_equal_rows_are_one(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(9, 3)) * 2.0 ** rng.integers(-400, 400, size=(9, 1))
    L = rng.normal(size=(9, 2)) * 2.0 ** rng.integers(-20, 20, size=(9, 1))
    rows[1], rows[2], rows[3], rows[:4, 0] = 4 * rows[0], rows[0] / 2, 2 * rows[0], 0.0
    rows[1, 0] = -0.0
    rows[4] = 0.0
    L[3], L[5], L[6, 0] = -L[0] / 2, 0.0, 0.0
    if seed == 4:  # equal rows that cancel are none
        L[:4] = np.outer([1.0, -0.5, 4.0, -0.5], [1.0, -2.0])
    L[7:] *= 2.0**-800 if seed == 3 else 1.0
    problem, (terms, size), exponent = room.scaled(rows, L)
    peak = np.abs(problem.rows).max(axis=1)
    assert ((0.5 <= peak) & (peak < 1)).all()
    assert terms == 7 and len(problem.rows) == (3 if seed == 4 else 4)
    scaled = np.abs(rows).max(axis=1, keepdims=True)
    scaled = np.abs(L) * 2.0 ** np.frexp(scaled)[1].clip(-1000) / 2.0**exponent
    assert 0.5 <= scaled[rows.any(axis=1)].max() < 1
    assert size == pytest.approx(scaled[rows.any(axis=1)].sum(), rel=1e-12)
    for w in rng.normal(size=(4, 3)):
        scale = Fraction(2) ** (2 * exponent)
        found = square_at(problem.rows, problem.multipliers, w) * scale
        wanted = square_at(rows, L, w)
        assert abs(found - wanted) <= wanted * Fraction(1e-10)


def test_values_that_are_hardly_floats_are_rounded_down_and_bounds_up():
    for k in range(1, 40):
        X, L = np.array([[0.75]]), np.array([[5e-324 * k]])
        found = best_neuron(X, L, bias=False)
        assert Fraction(found.value) <= square_root(square_at(X, L, [1.0]))
        assert Fraction(found.bound) >= square_root(square_at(X, L, [1.0]))


def square_root(fraction):
    """Of a square of fractions."""
    parts = isqrt(fraction.numerator), isqrt(fraction.denominator)
    assert Fraction(*parts) ** 2 == fraction
    return Fraction(*parts)


def test_the_output_and_the_candidates_are_those_of_the_best_direction():
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(20, 2)), rng.normal(size=(20, 2))
    L -= L.mean(axis=0)
    for options in ({}, {"nodes": 1}):
        found = best_neuron(X, L, **options)
        assert (rows_of(X) @ found.direction < 0).any()
        sums = np.maximum(rows_of(X) @ found.direction, 0) @ L
        assert found.output == pytest.approx(sums / np.linalg.norm(sums), abs=1e-12)
        assert found.values == pytest.approx(values_at(rows_of(X), L, found.candidates), rel=1e-12)
        assert (found.direction == found.candidates[0]).all()
        assert (np.diff(found.values) <= 0).all() and len(found.values) > 2
        assert found.value == pytest.approx(found.values[0], rel=1e-9)
        cosines = found.candidates @ found.candidates.T
        assert (cosines - 2 * np.eye(len(cosines))).max() < 1 - 1e-12
    many = best_neuron(rng.normal(size=(20, 20)), L)
    assert many.value == pytest.approx(many.values[0], rel=1e-9) and len(many.values) > 2


def test_what_the_cones_find_beside_the_ascents_is_taken(monkeypatch):
    rng = np.random.default_rng(0)
    X, L = rng.normal(size=(9, 2)), rng.normal(size=(9, 2))
    rows = rows_of(X)
    best = best_neuron(X, L)

    def nothing(problem, given, D, is_over):
        return np.eye(D)[:2], np.array([1e-9, 1e-10])

    monkeypatch.setattr(room, "_local_maxima", nothing)
    for turned in (rows, rows * [1, 1, -1]):
        found = best_neuron(turned, L, bias=False)
        assert found.finished and found.value == pytest.approx(best.value, rel=2e-4)
        assert values_at(turned, L, found.direction)[0] == pytest.approx(found.values[0])
        assert len(found.candidates) == 3 and (found.candidates[1:] == np.eye(3)[:2]).all()


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"multipliers": [[1.0]]}, r"^multipliers must have one row per point \(2\), got shape"),
        ({"multipliers": [1.0, 2.0]}, "^multipliers must have 2 axes"),
        ({"X": [[np.inf], [0.0]]}, "^X must be finite"),
        ({"X": np.zeros((2, 0)), "bias": False}, "^X must have at least one column"),
        ({"multipliers": np.zeros((2, 0))}, "^multipliers must have at least one column"),
        ({"rtol": -1e-3}, "^rtol must be a finite number, at least 0"),
        ({"rtol": 1.5}, "^rtol must be a finite number, at least 0 and at most 1"),
        ({"nodes": 0}, "^nodes must be a whole number, at least 1"),
        ({"seconds": 0.0}, "^seconds must be a positive number"),
        ({"incumbent": [1.0, 2.0, 3.0]}, "^incumbent must have 2 columns"),
    ],
)
def test_what_is_wrong_is_said(given_, sentence):
    with pytest.raises(ValueError, match=sentence):
        best_neuron(**{"X": [[0.0], [1.0]], "multipliers": [[1.0], [-1.0]]} | given_)


def test_it_says_what_it_found():
    found = best_neuron([[0.0], [1.0]], [[1.0], [1.0]])
    assert "(proved)" in found.summary() and "finished" in found.summary()
    assert "stopped" in best_neuron(np.eye(4), np.eye(4) - 0.5, nodes=1).summary()
    assert len(repr(found).splitlines()) <= 5
    assert max(map(len, found.summary().splitlines())) <= 80
