"""Polynomials on [-1, 1]: every change of sign is found, another variable changes no value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import polynomial

from training.landscape.lines.polynomials import (
    bounds_below,
    derivative,
    means,
    roots,
    shifted,
    squares,
    values,
)

INNER = st.floats(-0.999, 0.999)


def changes(rows, u, coefficients):
    """Where a polynomial changes sign among the places that were found for it."""
    ends = np.concatenate([[-1.0], np.unique(u), [1.0]])
    sign = np.sign(polynomial.polyval((ends[:-1] + ends[1:]) / 2, coefficients))
    return ends[1:-1][sign[1:] * sign[:-1] < 0]


@given(st.lists(INNER, min_size=1, max_size=5, unique=True), st.floats(-300, 300))
def test_every_simple_root_inside_is_found(wanted, exponent):
    wanted = np.sort(wanted)
    if len(wanted) > 1 and np.diff(wanted).min() < 1e-3:
        return
    c = polynomial.polyfromroots(wanted)
    c = c / np.abs(c).max() * 10.0 ** (exponent * 0.9)
    rows, u = roots(c[None])
    assert (rows == 0).all()
    found = changes(rows, u, c)
    assert len(found) == len(wanted)
    # the conditioning of roots 1e-3 apart
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_no_change_of_sign_on_a_grid_is_missed(degree, seed):
    c = np.random.default_rng(seed).normal(size=(20, degree + 1))
    rows, u = roots(c)
    grid = np.linspace(-1, 1, 501)
    for k, row in enumerate(c):
        sign = np.sign(polynomial.polyval(grid, row))
        for i in np.flatnonzero(sign[1:] * sign[:-1] < 0):
            assert ((u[rows == k] >= grid[i]) & (u[rows == k] <= grid[i + 1])).any()
    # nothing is found where there is no root
    size = np.abs(c).sum(axis=1)[rows]
    assert (np.abs(values(c[rows], u)) <= 1e-12 * size).all()


@pytest.mark.parametrize(
    ("coefficients", "wanted"),
    [
        ([0.0, 1.0], [0.0]),
        ([0.0, 0.0, 0.0, 1.0], [0.0]),  # at the first halving, exactly
        ([0.5, 1.0, 0.0], [-0.5]),
        ([1.0, 1.0], []),  # at the end
        ([1.0, 0.0, 1.0], []),
        ([0.0, 0.0, 0.0], []),
        ([3.0], []),
        ([-0.25, 0.0, 1.0], [-0.5, 0.5]),
        ([0.0, -0.25, 0.0, 1.0], [-0.5, 0.0, 0.5]),
    ],
)
def test_places_that_halving_hits_exactly(coefficients, wanted):
    c = np.array(coefficients)
    rows, u = roots(c[None])
    # a triple root is known to the third root of the rounding
    atol = 1e-5 if np.count_nonzero(c) == 1 and len(c) > 2 else 1e-15
    np.testing.assert_allclose(changes(rows, u, c), wanted, atol=atol)


@given(st.integers(0, 8), st.integers(0, 2**32 - 1), st.floats(-1, 1), st.floats(0, 1))
def test_a_polynomial_in_another_variable_has_the_same_values(degree, seed, center, half):
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(3, degree + 1, 2))
    u = rng.uniform(-1, 1, size=3)
    moved = shifted(c, np.full(3, center), np.full(3, half))
    reach = np.abs(c).sum(axis=1) * 2.0**degree
    assert (np.abs(values(moved, u) - values(c, center + half * u)) <= 1e-14 * reach).all()


@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_squares_derivatives_and_means_are_those_of_numpy(degree, seed):
    c = np.random.default_rng(seed).normal(size=(4, degree + 1, 3))
    for k in range(4):
        square = sum(polynomial.polymul(c[k, :, i], c[k, :, i]) for i in range(3))
        square = np.pad(square, (0, 2 * degree + 1 - len(square)))
        np.testing.assert_allclose(squares(c)[k], square, rtol=1e-12, atol=1e-12)
        integral = polynomial.polyint(c[k, :, 0])
        mean = (polynomial.polyval(1, integral) - polynomial.polyval(-1, integral)) / 2
        np.testing.assert_allclose(means(c)[k, 0], mean, rtol=1e-12, atol=1e-12)
        slope = polynomial.polyder(c[k, :, 0])
        np.testing.assert_allclose(derivative(c[:, :, 0])[k], slope, rtol=1e-15)


@pytest.mark.parametrize(
    "coefficients",
    [[3.0], [0.0], [1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [1.0, 2.0, 1.0], [-1.0, 2.0, -1.0]],
)
def test_what_is_constant_or_zero_at_an_end_only_has_no_root_inside(coefficients):
    for sign in (1, -1):
        rows, u = roots(sign * np.array([coefficients]))
        assert len(rows) == len(u) == 0 and rows.dtype.kind == "i"
    for n in (1, 2, 3):
        assert [len(part) for part in roots(np.zeros((0, n)))] == [0, 0]


def test_a_linear_polynomial_is_solved():
    c = np.array([[1e-20, 1.0], [1.0, 2.0], [-3.0, 4.0], [1e300, -1.5e300], [2.0, 1.0]])
    rows, u = roots(c)
    assert rows.tolist() == [0, 1, 2, 3] and u.tolist() == [-1e-20, -0.5, 0.75, 1 / 1.5]
    # numbers that are next to each other: inside, in floats too
    below = np.nextafter(1.0, 0)
    for sign in (1.0, -1.0):
        assert roots(np.array([[sign * below, 1.0]]))[1].tolist() == [-sign * below]


def test_a_root_that_halving_hits_is_found_beside_others_that_it_does_not():
    rows, u = roots(np.array([[-0.25, 0.0, 1.0], [-0.1, 1.0, 0.0]]))
    assert rows.tolist() == [0, 0, 1] and u[:2].tolist() == [-0.5, 0.5]
    assert u[2] == pytest.approx(0.1, abs=1e-15)


def test_a_root_next_to_an_end_is_inside():
    eps = 2.0**-52
    for sign in (1.0, -1.0):
        _, u = roots(np.array([[1.0, sign * (1 + eps), 0.0]]))
        assert len(u) == 1 and -1 <= u[0] <= 1
        assert abs(u[0] + sign * (1 - eps)) <= eps


@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_a_bound_from_below_is_below_and_is_reached_by_what_is_linear(degree, seed):
    c = np.random.default_rng(seed).normal(size=(4, degree + 1))
    low = bounds_below(c)
    for u in np.linspace(-1, 1, 21):
        assert (low <= values(c, np.full(4, u)) + 1e-12).all()
    if degree < 2:
        np.testing.assert_allclose(low, c[:, 0] - np.abs(c[:, 1:]).sum(axis=1), atol=1e-14)


def test_the_bound_from_below_is_the_least_coefficient_of_bernstein():
    # u^2 = (2 v - 1)^2 = (1 - v)^2 - 2 v (1 - v) + v^2
    assert bounds_below(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])).tolist() == [-1.0, -1.0]
    # u^3 = (v - (1 - v))^3: coefficients -1, 1, -1, 1
    assert bounds_below(np.array([[0.0, 0.0, 0.0, 2.0]])).tolist() == [-2.0]
