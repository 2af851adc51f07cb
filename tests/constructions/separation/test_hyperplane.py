from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.separation.hulls import nearest_points
from constructions.separation.hyperplane import (
    _proved,
    local_coordinates,
    margin_bound,
    stored_hyperplane,
)

LARGEST = np.finfo(float).max


def check_margin(plane, A, B):
    """All points are at least the margin away, for the floats as stored."""
    normal, offset = naive.exact(plane.normal), Fraction(plane.offset)
    square, margin = naive.dot(normal, normal), Fraction(plane.margin)
    assert margin >= 0
    for points, side in ((A, 1), (B, -1)):
        for x in naive.exact(points):
            height = side * (naive.dot(normal, x) + offset)
            assert height > 0 and height >= margin and height**2 >= margin**2 * square


# By hand


def test_local_coordinates_are_in_the_unit_box_at_every_size_and_place():
    for size in (5e-324, 1e-300, 1.0, 1e12, LARGEST / 2):
        A, B = np.array([[1.0, 0.0]]) * size, np.array([[-1.0, 1.0], [2.0, 0.0]]) * size
        M, n, origin, exponent = local_coordinates(A, B)
        assert n == 1 and np.abs(M).max() == 1 and np.abs(M[:, :-1]).max() >= 0.25
        np.testing.assert_array_equal(np.sign(M[:, -1]), [1, -1, -1])
        back = np.ldexp(M[:, :-1] * M[:, -1:], exponent) + origin
        np.testing.assert_allclose(back, np.vstack([A, B]), rtol=0, atol=1e-15 * size)


def test_far_points_lose_no_digits_in_local_coordinates():
    A, B = np.array([[1e12], [1e12 + 2.0**-10]]), np.array([[1e12 + 2.0**-9]])
    M = local_coordinates(A, B).M
    np.testing.assert_array_equal(M[:, 0], [-0.25, 0.0, -0.25])


def test_the_plane_in_the_middle_has_the_margin_of_its_floats():
    A, B = np.array([[3.0, 0.0], [3.0, 1.0]]), np.array([[1.0, 5.0]])
    plane = stored_hyperplane(A, B, np.array([2.0, 0.0]), local_coordinates(A, B), rtol=1e-6)
    np.testing.assert_array_equal(plane.normal, [1, 0])
    assert (plane.offset, plane.margin) == (-2.0, 1.0)
    assert stored_hyperplane(A, B, np.array([0.0, 1.0]), local_coordinates(A, B), rtol=0.1) is None


@pytest.mark.parametrize("d", [1, 2, 5])
def test_far_from_the_origin_other_floats_keep_the_margin(d):
    rng = np.random.default_rng(d)
    A, B = 1e12 + rng.uniform(0, 1, (2, 6, d))
    A[:, 0] += 1.5
    local = local_coordinates(A, B)
    found = nearest_points(A, B)
    half = found.half_length_above()
    plane = stored_hyperplane(A, B, found.direction(), local, rtol=1e-6, half=half)
    check_margin(plane, A, B)
    assert half * (1 - 1e-6) <= plane.margin <= half


def test_the_bound_is_half_the_distance_of_two_means_rounded_up():
    A, B = np.array([[3.0, 0.0], [5.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 4.0]])
    local = local_coordinates(A, B)
    found = margin_bound(A, B, np.array([0, 1, 2, 3]), np.ones(4), local, wanted=0.0)
    assert found == 1.5
    rough = margin_bound(A, B, np.array([0, 1, 2, 3]), np.ones(4), local, wanted=9.0)
    assert 1.5 <= rough < 1.5 + 1e-13
    assert margin_bound(A, B, np.array([0, 1]), np.ones(2), local, wanted=0.0) == np.inf


@pytest.mark.parametrize("power", [-1074, -1073, -1023, -1021, -1000, -600, -520])
def test_a_bound_holds_where_the_square_of_the_distance_underflows(power):
    gap = 2.0**power
    A = np.array([[0.0, gap], [1.0, gap], [-1.0, gap]])
    local = local_coordinates(A, -A)
    assert margin_bound(A, -A, np.array([0, 3]), np.ones(2), local, wanted=np.inf) >= gap
    assert margin_bound(A, -A, np.array([0, 3]), np.ones(2), local, wanted=0.0) == gap


@pytest.mark.parametrize("exchanged", [False, True])
def test_points_on_a_plane_or_beyond_are_not_proved_to_be_separated(exchanged):
    # heights below the least float, of which only the sign can be told: x = 2^-1074, w = 1/2
    least, w = 2.0**-1074, np.array([0.5])
    one, other = (np.array([[-least]]), np.array([[least]]))
    A, B = (one, other) if exchanged else (other, one)
    w = -w if exchanged else w
    plane = _proved(A, B, w, 0.0, 1e-6)
    assert (plane.offset, plane.margin) == (0.0, 0.0)
    for wrong in (0.0, -A[0, 0], -2 * A[0, 0]):
        assert _proved(np.array([[A[0, 0]], [wrong]]), B, w, 0.0, 1e-6) is None
        assert _proved(np.array([[wrong], [A[0, 0]]]), B, w, 0.0, 1e-6) is None
    for wrong in (0.0, -B[0, 0], -2 * B[0, 0]):
        assert _proved(A, np.array([[B[0, 0]], [wrong]]), w, 0.0, 1e-6) is None
        assert _proved(A, np.array([[wrong], [B[0, 0]]]), w, 0.0, 1e-6) is None
    assert _proved(A, B, w, np.inf, 1e-6) is None


# Laws


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(-300, 300), st.floats(-3, 15))
def test_margins_and_bounds_are_true_at_every_size_and_place(seed, d, logarithm, far):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(2, 5, d))
    A[:, 0] += rng.uniform(0, 8)
    A, B = (np.minimum(10.0**logarithm, 1e290) * (S + 10.0**far) for S in (A, B))
    local = local_coordinates(A, B)
    near = nearest_points(A, B)
    weights = rng.uniform(size=10)
    bound = margin_bound(A, B, np.arange(10), weights, local, wanted=np.inf)
    square = sum(Fraction(int(v.p), int(v.q)) ** 2 for v in near.difference)
    assert bound == np.inf or Fraction(bound) ** 2 * 4 >= square
    tight = margin_bound(A, B, np.arange(10), weights, local, wanted=0.0)
    assert tight <= bound and Fraction(tight) ** 2 * 4 >= square
    if not near.meet:
        plane = stored_hyperplane(A, B, near.direction(), local, rtol=1e-6)
        if plane is not None:
            check_margin(plane, A, B)
            assert Fraction(plane.margin) ** 2 * 4 <= square


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(-100, 100), st.integers(2, 9))
def test_a_bound_in_floating_point_is_above_the_distance_of_the_exact_means(seed, d, logarithm, n):
    rng = np.random.default_rng(seed)
    A, B = 10.0**logarithm * rng.normal(size=(2, n, d))
    weights = rng.uniform(size=2 * n)
    local = local_coordinates(A, B)
    bound = margin_bound(A, B, np.arange(2 * n), weights, local, wanted=np.inf)
    shares = naive.exact(weights[None])[0]
    means = [
        [
            sum(w * x[k] for w, x in zip(part, naive.exact(S), strict=True)) / sum(part)
            for k in range(d)
        ]
        for S, part in ((A, shares[:n]), (B, shares[n:]))
    ]
    square = sum((a - b) ** 2 for a, b in zip(*means, strict=True))
    assert square <= 4 * Fraction(bound) ** 2
