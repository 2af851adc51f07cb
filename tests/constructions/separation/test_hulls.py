from fractions import Fraction

import naive
import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from separations import check_hull_certificate

from constructions.separation.hulls import (
    _integer_root_above,
    certificate,
    common_rows,
    in_coordinates,
    independent_weights,
    nearest_points,
    root_above,
)

LARGEST, LEAST = np.finfo(float).max, 5e-324


def fractions(values):
    return [Fraction(int(v.p), int(v.q)) for v in values]


def check_nearest(found, A, B):
    """Convex weights of two points whose difference separates, or is zero: in Fractions."""
    ends = []
    for weights, points in ((found.weights_a, A), (found.weights_b, B)):
        shares = dict(zip(weights, fractions(weights.values()), strict=True))
        assert sum(shares.values()) == 1 and min(shares.values()) > 0
        rows = naive.exact(points)
        ends.append([sum(s * rows[i][k] for i, s in shares.items()) for k in range(A.shape[1])])
    way = fractions(found.difference)
    assert way == [a - b for a, b in zip(*ends, strict=True)]
    low = min(naive.dot(way, x) for x in naive.exact(A))
    high = max(naive.dot(way, x) for x in naive.exact(B))
    assert low - high >= naive.dot(way, way)
    assert found.meet == (not any(way))


# By hand


def test_roots_of_integers_are_rounded_up():
    for value in range(1, 400):
        root = _integer_root_above(Fraction(value))
        assert (root - 1) ** 2 < value <= root**2
        for part in (Fraction(1, 7), Fraction(6, 7)):
            assert _integer_root_above(value - part) == root
    assert root_above(fmpq(0)) == 0.0


def test_a_point_of_both_sets_is_found_and_zeros_have_no_sign():
    A, B = np.array([[1.0, 2.0], [0.0, -0.0]]), np.array([[3.0, 3.0], [-0.0, 0.0], [1.0, 2.0]])
    i, j = common_rows(A, B)
    assert (A[i] == B[j]).all()
    assert common_rows(A[1:], B) == (0, 1)
    assert common_rows(A, np.nextafter(B, 9)) is None


def test_the_nearest_points_of_a_segment_and_a_point():
    found = nearest_points(np.array([[0.0, 1.0], [4.0, 1.0]]), np.array([[1.0, 0.0]]))
    assert found.weights_a == {0: fmpq(3, 4), 1: fmpq(1, 4)} and found.weights_b == {0: 1}
    assert found.difference == [0, 1] and not found.meet
    assert found.half_length_above() == 0.5
    np.testing.assert_array_equal(found.direction(), [0, 1])


def test_lines_that_cross_meet_in_one_point():
    found = nearest_points(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert found.meet and found.half_length_above() == 0
    assert set(found.weights_a.values()) == {fmpq(1, 2)}


def test_nothing_is_said_when_the_rounds_are_used_up():
    rng = np.random.default_rng(0)
    assert nearest_points(*rng.normal(size=(2, 9, 4)), rounds=1) is None


def test_a_guess_that_is_the_answer_is_kept_and_any_other_is_mended():
    A, B = np.array([[0.0, 1.0], [4.0, 1.0], [2.0, 1.0]]), np.array([[1.0, 0.0], [9.0, 0.0]])
    right = nearest_points(A, B, start=({0: 3.0, 1: 1.0}, {0: 0.25}), rounds=1)
    assert right.weights_a == {0: fmpq(3, 4), 1: fmpq(1, 4)} and right.weights_b == {0: 1}
    check_nearest(nearest_points(A, B, start=({1: 1.0}, {1: 1.0})), A, B)
    # three points of one line, whose differences are affinely dependent
    found = nearest_points(A, B, start=({0: 1.0, 1: 1.0, 2: 1.0}, {0: 1.0, 1: 1e-300}))
    check_nearest(found, A, B)


@pytest.mark.parametrize("power", [-1074, -600, 0, 600, 1000])
def test_roots_are_rounded_up_at_every_size(power):
    for k in (1, 2, 3, 9, 12345):
        square = fmpq(k) * fmpq(4) ** power
        root = Fraction(root_above(square))
        true = Fraction(k) * Fraction(4) ** power
        assert root**2 >= true
        below = Fraction(float(np.nextafter(float(root), 0)))
        assert below**2 < true or root == Fraction(LEAST)
    assert root_above(fmpq(0)) == 0 and root_above(fmpq(10) ** 700) == np.inf


def test_a_certificate_speaks_of_the_coordinates_of_the_points_given():
    A, B = np.array([[100.0, 0.0], [102.0, 0.0]]), np.array([[101.0, 0.0]])
    found = certificate(A, B, [0, 1], [0], [0.5, 0.5], [1.0])
    np.testing.assert_array_equal(found.point, [101.0, 0.0])
    assert found.residual == 0 and found.exact
    moved = in_coordinates(found, A * 4, B * 4)
    np.testing.assert_array_equal(moved.point, [404.0, 0.0])
    check_hull_certificate(moved, A * 4, B * 4)
    # sums of the largest floats, and a weight that is off
    huge = certificate(A * 1e306, B * 1e306, [0, 1], [0], [0.5, 0.5 + 1e-16], [1.0])
    assert np.isfinite(huge.point).all() and huge.residual < 1e-15 * 1e308
    assert certificate(A, B, [0], [0], [1.0], [1.0]).residual == 1.0


# Against the naive oracle


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 9), st.floats(0, 3))
def test_nearest_points_are_as_far_from_each_other_as_the_hulls(seed, d, n, shift):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(n, d)), rng.normal(size=(n + 1, d)) + shift
    found = nearest_points(A, B)
    check_nearest(found, A, B)
    assert found.half_length_above() * 2 == pytest.approx(
        naive.hull_distance(A, B), rel=1e-5, abs=1e-6
    )
    rough = nearest_points(A, B, rtol=0.5)
    assert rough.half_length_above() <= 2 * found.half_length_above()


# Laws


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 9), st.sampled_from([0, 1, 3]))
def test_every_guess_leads_to_the_same_distance(seed, d, n, shift):
    rng = np.random.default_rng(seed)
    A, B = np.round(rng.normal(size=(n, d)), 1), np.round(rng.normal(size=(n + 1, d)) + shift, 1)
    plain = nearest_points(A, B)
    start = [
        {int(i): float(w) for i, w in zip(rows, 10.0 ** rng.uniform(-9, 0, len(rows)), strict=True)}
        for rows in (rng.permutation(k)[: rng.integers(1, k + 1)] for k in (n, n + 1))
    ]
    found = nearest_points(A, B, start=start)
    check_nearest(found, A, B)
    assert fractions(found.difference) == fractions(plain.difference)


ENTRIES = st.sampled_from([0.0, -0.0, LEAST, 1e-300, 1e-17, 0.5, 1.0, 3.0, 1e17, -1.0, LARGEST])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.data())
def test_nearest_points_are_exact_for_degenerate_points_of_any_size(d, n, m, data):
    A, B = (np.array([data.draw(ENTRIES) for _ in range(k * d)]).reshape(k, d) for k in (n, m))
    found = nearest_points(A, B)
    check_nearest(found, A, B)
    if found.meet:
        alpha, beta = independent_weights(A, B, found.weights_a, found.weights_b)
        assert len(alpha) + len(beta) <= d + 2
        for weights, all_of_them in ((alpha, found.weights_a), (beta, found.weights_b)):
            assert set(weights) <= set(all_of_them) and min(weights.values()) > 0
        ends = [
            [
                sum(w * Fraction(float(S[i, k])) for i, w in zip(use, shares, strict=True))
                for k in range(d)
            ]
            for S, use, shares in (
                (A, alpha, fractions(alpha.values())),
                (B, beta, fractions(beta.values())),
            )
        ]
        assert ends[0] == ends[1]
        assert sum(alpha.values()) == sum(beta.values()) == 1
