from fractions import Fraction

import naive
import numpy as np
import pytest
from flint import arb, arb_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.proof.affine import (
    RoundedProduct,
    affine_of_balls,
    affine_of_points,
    lengths_above,
    middle_and_radius,
)
from constructions.proof.exact import ball_matrix, precision


def fraction(value):
    """A point of a ball, or its radius, as a Fraction."""
    value = value.fmpq()
    return Fraction(int(value.p), int(value.q))


def contains(ball, value):
    return abs(value - fraction(ball.mid())) <= fraction(ball.rad())


def exact_map(W, b, x):
    rows = [naive.dot(row, naive.exact(x)) for row in map(naive.exact, W)]
    return [value + offset for value, offset in zip(rows, naive.exact(b), strict=True)]


# By hand


def test_the_map_of_no_points_is_no_points():
    W, b = ball_matrix(np.eye(2)), ball_matrix(np.zeros((2, 1)))
    assert affine_of_balls([], W, b) == affine_of_points(np.empty((0, 2)), W, b) == []


def test_balls_of_small_numbers_are_exact():
    W, b = ball_matrix(np.array([[1.0, 2.0], [0.0, -1.0]])), ball_matrix(np.array([[0.5], [4.0]]))
    (at,) = affine_of_points(np.array([[3.0, 5.0]]), W, b)
    assert at == [13.5, -1.0]
    assert affine_of_balls([at], W, b) == [[12.0, 5.0]]


def test_a_product_that_cancels_is_off_by_no_more_than_it_says():
    W, b = ball_matrix(np.array([[1e16, 1.0, -1e16]])), ball_matrix(np.zeros((1, 1)))
    X = np.array([[1.0, 1.0, 1.0]])
    value, error = RoundedProduct(W, b)(X, np.linalg.norm(X, axis=1))
    assert abs(value[0, 0] - 1.0) <= error[0, 0] < 1e3


@pytest.mark.parametrize("scale", [2.0**-1070, 2.0**-600, 1.0, 2.0**600, 2.0**1021])
def test_lengths_hold_at_every_size(scale):
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -1.0], [2.0**-40, 1.0]]) / 4 * scale
    for row, length in zip(rows, lengths_above(rows), strict=True):
        exact = sum(Fraction(v) ** 2 for v in row)
        assert exact <= Fraction(length) ** 2 <= exact * Fraction(1001, 1000) + Fraction(2) ** -2140


def test_a_sum_that_overflows_on_the_way_is_not_trusted():
    # 3e308 - 2.5e308: its parts are infinite, with a sign that may be wrong
    W, b = ball_matrix(np.array([[1.5e308, 1.5e308, -1.25e308, -1.25e308, -1e308]])), arb_mat(1, 1)
    X = np.ones((1, 5))
    value, error = RoundedProduct(W, b)(X, lengths_above(X))
    assert np.isfinite(value).all() or error[0, 0] == np.inf
    assert not np.abs(value)[0, 0] > error[0, 0] or abs(
        Fraction(value[0, 0]) + Fraction(5 * 10**307)
    ) < Fraction(error[0, 0])


# Against the naive oracle


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5), st.floats(-30, 30))
def test_balls_and_error_bounds_hold_the_exact_value(seed, d, m, logarithm):
    rng = np.random.default_rng(seed)
    W, b, X = rng.normal(size=(m, d)), rng.normal(size=m), rng.normal(size=(4, d))
    X *= 10.0**logarithm
    balls = ball_matrix(W), ball_matrix(b[:, None])
    lengths = np.linalg.norm(X, axis=1) * (1 + 1e-9)
    value, error = RoundedProduct(*balls)(X, lengths)
    hidden = [ball_matrix(x[None]).entries() for x in X]
    for i, (x, once, again) in enumerate(
        zip(X, affine_of_points(X, *balls), affine_of_balls(hidden, *balls), strict=True)
    ):
        for k, exact in enumerate(exact_map(W, b, x)):
            assert contains(once[k], exact) and contains(again[k], exact)
            assert abs(Fraction(value[i, k]) - exact) <= Fraction(error[i, k])
    # no less than the bound for sums in any order, and of the same size
    eps = np.finfo(float).eps
    assert (error >= (d + 2) * eps / 2 * (np.abs(X) @ np.abs(W).T + np.abs(b))).all()
    size = np.outer(lengths, np.linalg.norm(W, axis=1)) + np.abs(b)
    assert (error <= 4 * (d + 4) * eps * size + 1e-280).all()


# Laws


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(-12, -3))
def test_the_error_bound_covers_every_map_in_the_balls(seed, logarithm):
    rng = np.random.default_rng(seed)
    W, b, X = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=(5, 2))
    wide = ball_matrix(np.zeros((1, 1)))[0, 0]
    wide = (wide + 10.0**logarithm).union(wide - 10.0**logarithm)
    W_balls = arb_mat(3, 2, [a + wide for a in ball_matrix(W).entries()])
    b_balls = arb_mat(3, 1, [a + wide for a in ball_matrix(b[:, None]).entries()])
    value, error = RoundedProduct(W_balls, b_balls)(X, np.linalg.norm(X, axis=1))
    for sign in (-1, 1):
        shifts = sign * np.sign(X) * 10.0**logarithm
        extreme = X @ W.T + b + (shifts * X).sum(axis=1)[:, None] + sign * 10.0**logarithm
        assert (np.abs(extreme - value) <= error + 1e-14).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([0, -1074, -1030, -600, 300, 1000])
)
def test_lengths_are_bounded_from_above_and_tightly_at_every_scale(seed, d, power):
    rng = np.random.default_rng(seed)
    rows = np.ldexp(rng.normal(size=(3, d)) * 10.0 ** rng.integers(-3, 1, (3, d)), power)
    rows[1] = 0
    found = lengths_above(rows)
    assert found[1] == 0
    for row, length in zip(rows, found, strict=True):
        square = sum(v * v for v in naive.exact(row))
        assert square <= Fraction(length) ** 2
        # near the smallest numbers two floats are far apart in relative terms
        below = Fraction(float(np.nextafter(np.nextafter(length, 0), 0)))
        assert below**2 <= square * (1 + Fraction(3, 10**9))


def test_lengths_that_overflow_are_infinite_and_without_columns_zero():
    assert lengths_above(np.array([[1.5e308, 1.5e308], [np.inf, 1.0]])).tolist() == [np.inf] * 2
    assert lengths_above(np.empty((2, 0))).tolist() == [0.0, 0.0]


def test_the_square_of_a_long_vector_is_not_rounded_away():
    # each square is just below one half of a unit in the last place of the sum
    row = np.r_[1.0, np.full(100_000, 2.0**-26.6)]
    assert sum(v * v for v in naive.exact(row)) <= Fraction(lengths_above(row[None])[0]) ** 2


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_the_error_bound_is_the_stated_one_and_a_millionth(seed, d):
    # 4 (d + 4) u (|x| |w| + |b|), and 2 u of each entry, whose middle is rounded to a float
    rng = np.random.default_rng(seed)
    w, x, b = rng.normal(size=d), rng.normal(size=d), rng.normal()
    w *= 10.0 ** rng.integers(-3, 4)
    balls = ball_matrix(w[None]), ball_matrix(np.array([[b]]))
    length = lengths_above(x[None])
    _, error = RoundedProduct(*balls)(x[None], length)
    u, reach = Fraction(1, 2**53), Fraction(length[0])
    entries = sum(abs(v) for v in naive.exact(w))
    lower = 4 * (d + 4) * u * reach * Fraction(np.linalg.norm(w)) + 2 * u * reach * entries
    lower += (4 * (d + 4) + 2) * u * abs(Fraction(b))
    assert lower * (1 + Fraction(5, 10**7)) <= Fraction(error[0, 0])
    assert Fraction(error[0, 0]) <= lower * (1 + Fraction(15, 10**7))


def test_middles_and_radii_cover_balls_that_are_no_floats():
    with precision(128):
        tiny = arb(2) ** -1100
        third = arb(1) / 3
        wide = third.union(third + arb(2) ** -20)
    (zero, small, near, broad), radius = middle_and_radius([arb(0), tiny, third, wide])
    assert (zero, small) == (0, 0) and 2.0**-1100 <= radius[0] <= 1e-290
    assert Fraction(radius[1]) >= Fraction(1, 2**1100)
    assert abs(Fraction(1, 3) - Fraction(near)) <= Fraction(radius[2]) <= Fraction(1, 2**53)
    for end in (Fraction(1, 3), Fraction(1, 3) + Fraction(1, 2**20)):
        assert abs(end - Fraction(broad)) <= Fraction(radius[3])
    own = fraction(wide.rad()) + Fraction(2**-52 * broad)
    assert own * (1 + Fraction(5, 10**7)) <= Fraction(radius[3]) <= own * (1 + Fraction(15, 10**7))


def test_a_sum_that_overflows_on_the_way_says_nothing():
    # 1.9e308 - 2e308 is -1e307, but the first product alone is beyond the floats
    balls = (
        ball_matrix(np.array([[1.9e8, -1e8, -1e8], [1.0, 1.0, 1.0]])),
        ball_matrix(np.zeros((2, 1))),
    )
    X = np.full((1, 3), 1e300)
    value, error = RoundedProduct(*balls)(X, lengths_above(X))
    assert error[0, 0] == np.inf or abs(value[0, 0] + 1e307) <= error[0, 0]
    assert abs(value[0, 1] - 3e300) <= error[0, 1] < 1e290


def test_what_underflow_takes_away_is_in_the_bound():
    # the products are 0.6 and -0.45 of the smallest number: as floats 1, 0 and 0 of it
    x = np.array([2.0**-537] * 3)
    w = np.array([0.6, -0.45, -0.45]) * 2.0**-537
    value, error = RoundedProduct(ball_matrix(w[None]), ball_matrix(np.zeros((1, 1))))(
        x[None], lengths_above(x[None])
    )
    (exact,) = exact_map(w[None], [0.0], x)
    assert exact < 0
    assert abs(Fraction(value[0, 0]) - exact) <= Fraction(error[0, 0])
