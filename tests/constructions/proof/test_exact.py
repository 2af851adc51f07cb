import math
from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from separations import exact_solution

from constructions.proof.exact import (
    above,
    ball_matrix,
    below,
    heights,
    least_height,
    length_above,
    nearest,
    precision,
    rational,
    rational_matrix,
    rounded_down,
    rounded_weight,
    signs,
    solve_nonnegative,
)

LARGEST, LEAST = np.finfo(float).max, 5e-324
ANY_FLOAT = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, LEAST, -LEAST, 1e-17, 1.0, -1.0, LARGEST, -LARGEST, 2.0**-1022]),
)


# By hand


def test_a_tenth_is_not_the_rational_one_tenth():
    assert rational(0.1) != rational(1) / 10
    assert rational(0.1) == rational(3602879701896397) / rational(36028797018963968)


def test_signs_see_what_floating_point_rounds_away():
    # 0.1 + 0.2 - 0.3 is 5.6e-17 in doubles, but 0.1 + 0.2 > 0.3 exactly by 2.8e-17
    X = np.array([[0.1, 0.2, -0.3], [1e16, 1.0, -1e16], [1.0, -1.0, 0.0]])
    np.testing.assert_array_equal(signs(X, np.ones(3), 0.0), [1, 1, 0])


@pytest.mark.parametrize(
    "x, w, c, sign",
    [
        ([1e200, 1e200], [1e200, -1e200], 1.0, 1),  # inf - inf
        ([1e200, 1e200, 1.0], [1e200, -1e200, -1.0], 0.0, -1),
        ([LARGEST, LARGEST], [LARGEST, -LARGEST], 0.0, 0),
        ([LARGEST, LARGEST], [1.0, 1.0], -LARGEST, 1),
        ([1e-200], [1e-200], 0.0, 1),  # the product underflows
        ([-LEAST], [LEAST], 0.0, -1),
        ([LEAST, LEAST], [0.5, -0.25], 0.0, 1),
        ([1e200, 1e-200], [1e-200, -1e200], 0.0, 0),
    ],
)
def test_signs_survive_overflow_and_underflow(x, w, c, sign):
    x, w = np.array([x]), np.array(w)
    assert naive.exact_signs(x, w, c) == [sign]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(signs(np.tile(x, (60, 1)), w, c), np.full(60, sign))


def test_rational_numbers_are_rounded_to_the_nearest_float_or_down_or_away_from_zero():
    third = rational(1) / 3
    assert nearest(third) == 1 / 3 and nearest(-third) == -1 / 3
    assert Fraction(rounded_down(third)) < Fraction(1, 3) < Fraction(np.nextafter(1 / 3, 1))
    assert Fraction(rounded_down(-third)) < Fraction(-1, 3)
    huge, tiny = rational(LARGEST) * 2, rational(LEAST) / 4
    assert (nearest(huge), nearest(-huge)) == (np.inf, -np.inf)
    assert (rounded_down(huge), rounded_down(-huge)) == (LARGEST, -np.inf)
    assert (nearest(tiny), rounded_down(tiny), rounded_down(-tiny)) == (0.0, 0.0, -LEAST)
    assert (rounded_weight(tiny), rounded_weight(0 * tiny), rounded_weight(third)) == (
        LEAST,
        0.0,
        1 / 3,
    )


def test_the_least_height_is_the_least_number_rounded_down():
    assert least_height(np.array([[3.0], [1.0], [2.0]]), np.array([2.0]), -1.0) == 1.0
    X = np.full((200, 2), 1e12) + np.arange(200)[:, None] / 64  # far away, all heights near 1/64
    assert least_height(X, np.array([1.0, -1.0]), 2.0**-6) == 2.0**-6
    assert least_height(np.array([[1e200, 1e200]]), np.array([1e200, -1e200]), 7.0) == 7.0


def test_the_least_height_is_below_all_numbers_where_the_slack_decides():
    # Heights from 1 - 4e-4 to 1 + 4e-4, each with an error of about 5e-4: all may be the lowest.
    low = np.linspace(-4e-4, 4e-4, 60)
    X = np.column_stack([np.full(60, 1e11), np.round(1 + low, 5) - 1e11])
    w = np.ones(2)
    exact = min(naive.dot(row, naive.exact(w)) for row in naive.exact(X))
    assert (heights(X, w, 0.0)[1] > 4e-4).all()
    for rtol in (1e-2, 1e-6):
        found = Fraction(least_height(X, w, 0.0, rtol=rtol))
        assert exact * (1 - Fraction(rtol)) <= found <= exact
    # with a slack, too few digits do; without, or near a centre, exactly
    assert least_height(X, w, 0.0) == float(exact)


def test_the_sign_of_one_point_of_many_coordinates_is_exact():
    x = np.zeros((3, 60))
    x[:, 0], x[1, 1], x[1, 2] = (5.0, 1.0, -5.0), 2.0**60, -(2.0**60)
    assert signs(x, np.ones(60), -1.0).tolist() == [1, 0, -1]


def test_signs_see_what_underflows():
    # the products are 0.6, -0.45 and -0.45 of the smallest number, and 1, 0 and 0 of it as floats
    X, w = np.full((1, 3), 2.0**-537), np.array([0.6, -0.45, -0.45]) * 2.0**-537
    assert (X @ w > 0).all()
    assert signs(X, w, 0.0).tolist() == [-1]


def test_floats_above_and_below_a_ball_are_tight():
    ball = ball_matrix(np.array([[0.1]]))[0, 0]
    assert below(ball) == above(ball) == 0.1
    assert above(-ball) == -0.1
    assert above(0 * ball) == 0.0
    third = ball / 3
    assert Fraction(below(third)) < Fraction(0.1) / 3 < Fraction(above(third))
    assert above(third) - below(third) < 1e-16


def test_floats_above_and_below_are_on_the_safe_side_at_every_precision():
    for bits in (53, 128, 300):
        with precision(bits):
            one = ball_matrix(np.ones((1, 1)))[0, 0]
            for k in range(3, 40):
                low, high = Fraction(below(one / k)), Fraction(above(one / k))
                assert low <= Fraction(1, k) <= high
                assert high - low <= Fraction(1, k * 2**48)
            wide = one.union(-one)
            assert -1 - 1e-8 <= below(wide) <= -1 and 1 <= above(wide) <= 1 + 1e-8


def test_a_length_is_bounded_from_above_and_tightly():
    assert length_above(ball_matrix(np.array([[3.0, -4.0]])).entries()) == 5.0
    assert length_above([]) == 0.0
    third = ball_matrix(np.array([[1.0, 1.0]]))[0, 0] / 3
    assert Fraction(length_above([third - third, third])) >= Fraction(1, 3)
    assert length_above([third]) - 1 / 3 < 1e-15


def test_precision_is_put_back_after_an_error():
    from flint import ctx

    before = ctx.prec
    with pytest.raises(RuntimeError), precision(300):
        assert ctx.prec == 300
        raise RuntimeError
    assert ctx.prec == before


@pytest.mark.parametrize(
    "M, r, expected",
    [
        ([[2.0]], [1.0], [0.5]),  # square, positive
        ([[2.0]], [-1.0], None),  # square, negative
        ([[1.0, 1.0], [0.0, 1.0]], [1.0, 1.0], [0.0, 1.0]),  # a zero weight
        ([[1.0], [2.0]], [1.0, 2.0], [1.0]),  # tall, consistent
        ([[1.0], [2.0]], [1.0, 3.0], None),  # tall, contradictory
        ([[1.0, 1.0]], [1.0], None),  # wide: not unique
        ([[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0], None),  # singular
        ([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]], [1.0, 1.0, 0.0], None),  # tall, dependent columns
        ([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]], [1.0, 1.0, 1.0], None),  # and contradictory
    ],
)
def test_nonnegative_solutions_are_found_where_unique_and_refused_otherwise(M, r, expected):
    found = solve_nonnegative(np.array(M), np.array(r))
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "sides, exponents, r",
    [
        (
            [[-1, 0, 1], [1, 1, 1], [-1, -1, 1]],
            [[-132, 0, -264], [-264, 132, 220], [-176, -44, -176]],
            [0.0, 2.0**-20, 0.0],
        ),
        (
            [
                [-1, -1, 1, 1, -1],
                [-1, 1, 1, 1, 0],
                [1, 1, -1, 1, 1],
                [-1, 0, 1, 0, 1],
                [-1, 1, 1, -1, 0],
            ],
            [
                [-72, -108, 108, 108, 216],
                [216, -180, -144, 216, 0],
                [-72, 216, -108, 72, 144],
                [180, 0, -108, 0, 36],
                [-144, -108, 216, 72, 0],
            ],
            [0.0, 2.0**52, 2.0**-42, 0.0, 2.0**31],
        ),
        # in balls of 256 bits the first unknown is positive, with an accuracy of 28 bits
        ([[-1, 1], [1, 1]], [[0, 116], [0, -118]], [5 * 2.0**110, 5 * 2.0**-116]),
    ],
)
def test_a_solution_is_the_exact_one_rounded_however_ill_conditioned_the_system(
    sides, exponents, r
):
    M, r = np.ldexp(np.array(sides, float), exponents), np.array(r)
    columns = [naive.exact(M[:, k]) for k in range(len(r))]
    expected = [float(u) for u in exact_solution(columns, naive.exact(r))]
    assert min(expected) > 0
    np.testing.assert_array_equal(solve_nonnegative(M, r), expected)


# Against the naive oracle


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 1), (4, 4), (3, 9)])
def test_signs_agree_with_fractions(shape):
    rng = np.random.default_rng(shape[0])
    X, w = rng.integers(-3, 4, shape) / 7, rng.integers(-3, 4, shape[1]) / 3
    c = float(-(X[0] @ w)) if len(X) else 0.0  # the first point is on the plane, or nearly so
    np.testing.assert_array_equal(signs(X, w, c), naive.exact_signs(X, w, c))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(1, 30), st.booleans(), st.data())
def test_heights_and_signs_are_true_of_any_floats(d, n, on_the_plane, data):
    x = np.array([data.draw(ANY_FLOAT) for _ in range(n * d)]).reshape(n, d)
    w = np.array([data.draw(ANY_FLOAT) for _ in range(d)])
    c = data.draw(ANY_FLOAT)
    with np.errstate(all="ignore"):
        through = -float(x[0] @ w)
    if on_the_plane and np.isfinite(through):
        c = through
    exact = [naive.dot(row, naive.exact(w)) + naive.exact(c) for row in naive.exact(x)]
    np.testing.assert_array_equal(signs(x, w, c), naive.exact_signs(x, w, c))
    for origin in (None, x[0]):
        value, error = heights(x, w, c, origin)
        for v, e, true in zip(value, error, exact, strict=True):
            assert e == np.inf or abs(Fraction(v) - true) <= Fraction(e)
    for rtol in (0.0, 1e-3):
        least = least_height(x, w, c, rtol=rtol)
        if np.isfinite(least):
            assert Fraction(least) <= min(exact)
            slack = Fraction(rtol) * abs(min(exact)) + Fraction(math.ulp(least))
            assert least == LARGEST or Fraction(least) >= min(exact) - slack
        else:
            assert min(exact) < -Fraction(LARGEST)


def test_rational_matrices_hold_the_same_numbers_as_fractions():
    array = np.random.default_rng(0).normal(size=(3, 2)) * [1e-200, 1e200]
    entries = [Fraction(int(q.p), int(q.q)) for q in rational_matrix(array).entries()]
    assert entries == [v for row in naive.exact(array) for v in row]


def test_signs_are_exact_where_a_sum_of_positive_numbers_meets_the_constant():
    # then w.x is no larger than |w|.|x| and c its opposite: only both together bound the rounding
    rng = np.random.default_rng(0)
    X, w, c = rng.uniform(1, 2, (400, 12)), rng.uniform(1, 2, 12), -30.0
    X[:, -1] = (-c - X[:, :-1] @ w[:-1]) / w[-1]
    expected = np.array(naive.exact_signs(X, w, c))
    assert (np.sign(X @ w + c) == -expected).any()
    np.testing.assert_array_equal(signs(X, w, c), expected)


# Laws


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3),
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3),
    st.sampled_from([1.0, 1e-150, 1e150, 2.0**-1000]),
)
def test_signs_are_exact_next_to_the_plane_and_at_every_scale(x, w, scale):
    x, w = np.array(x), np.array(w) * scale
    c = -float(x @ w)
    X = np.vstack([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf)])
    np.testing.assert_array_equal(signs(X, w, c), naive.exact_signs(X, w, c))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 2))
def test_solutions_solve_the_system_and_are_not_negative(seed, k, extra):
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(k + extra, k))
    u = rng.uniform(size=k) * rng.integers(0, 2, k)
    M = np.round(M * 64) / 64 + 8 * np.eye(k + extra, k)  # independent columns
    r = M @ (np.round(u * 64) / 64)  # exact: small dyadic numbers
    found = solve_nonnegative(M, r)
    np.testing.assert_allclose(found, np.round(u * 64) / 64, atol=1e-15)
    assert (found >= 0).all()
    assert solve_nonnegative(M, M @ np.r_[-1.0, np.ones(k - 1)]) is None
