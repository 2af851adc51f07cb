from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.proof.exact import (
    above,
    ball_matrix,
    below,
    length_above,
    precision,
    rational,
    rational_matrix,
    signs,
    solve_nonnegative,
)

# By hand


def test_a_tenth_is_not_the_rational_one_tenth():
    assert rational(0.1) != rational(1) / 10
    assert rational(0.1) == rational(3602879701896397) / rational(36028797018963968)


def test_signs_see_what_floating_point_rounds_away():
    # 0.1 + 0.2 - 0.3 is 5.6e-17 in doubles, but 0.1 + 0.2 > 0.3 exactly by 2.8e-17
    X = np.array([[0.1, 0.2, -0.3], [1e16, 1.0, -1e16], [1.0, -1.0, 0.0]])
    np.testing.assert_array_equal(signs(X, np.ones(3), 0.0), [1, 1, 0])


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
    ],
)
def test_nonnegative_solutions_are_found_where_unique_and_refused_otherwise(M, r, expected):
    found = solve_nonnegative(np.array(M), np.array(r))
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)


# Against the naive oracle


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 1), (4, 4), (3, 9)])
def test_signs_agree_with_fractions(shape):
    rng = np.random.default_rng(shape[0])
    X, w = rng.integers(-3, 4, shape) / 7, rng.integers(-3, 4, shape[1]) / 3
    c = float(-(X[0] @ w)) if len(X) else 0.0  # the first point is on the plane, or nearly so
    np.testing.assert_array_equal(signs(X, w, c), naive.exact_signs(X, w, c))


def test_rational_matrices_hold_the_same_numbers_as_fractions():
    array = np.random.default_rng(0).normal(size=(3, 2)) * [1e-200, 1e200]
    entries = [Fraction(int(q.p), int(q.q)) for q in rational_matrix(array).entries()]
    assert entries == [v for row in naive.exact(array) for v in row]


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
