"""Multipliers sum to exactly 0, scales keep below the weight decay, and bounds below the dual."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.two_layer.dual import balanced_multipliers, largest_scale
from constructions.two_layer.dual import dual_bound as bound_of


def dual_bound(L, Y, decay, bound, penalised=False):
    return bound_of(L, Y, decay, bound, penalised=penalised)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.sampled_from([1e-320, 1e-300, 1.0, 1e300]),
    st.booleans(),
)
def test_column_sums_are_exactly_zero(seed, n, size, mixed):
    rng = np.random.default_rng(seed)
    R = rng.normal(size=(n, 3)) * size
    if mixed:
        R *= 10.0 ** rng.integers(-200, 1, size=(n, 3))
    L = balanced_multipliers(R, True)
    assert [sum(map(Fraction, column)) for column in L.T.tolist()] == [0, 0, 0]
    assert np.abs(L).max() <= 1
    centred = (R - R.mean(axis=0)) / (np.abs(R).max() or 1)
    if np.abs(centred).max() > 1e-6 and size > 1e-310:
        cosine = (L * centred).sum() / np.linalg.norm(L) / np.linalg.norm(centred)
        assert cosine == pytest.approx(1, abs=1e-9)


def test_scales_and_sums_at_the_ends():
    assert largest_scale(0.1, 0.0) == np.inf and largest_scale(0.1, np.inf) == 0
    for decay, bound in ((0.1, 0.3), (1e-300, 3e300), (1e300, 3e-300), (5e-324, 3.0)):
        scale = largest_scale(decay, bound)
        assert Fraction(scale) * Fraction(bound) <= Fraction(decay)
    L, Y1 = np.array([[0.5], [-0.5]]), np.array([[-1.0], [1.0]])
    # -<L, Y> = 1 and N/4 |L|^2 = 1/4: the best factor is 2, where the bound is 1
    assert dual_bound(L, Y1, 1.0, 0.1) == (2.0, 1.0)
    assert dual_bound(L, Y1, 1.0, 1.0) == (1.0, 0.75)
    assert dual_bound(-L, Y1, 1.0, 1.0) == (0.0, 0.0)
    # a penalised bias, and sums of 1: 1/4 + 1/2 are taken off twice the square of the factor
    assert dual_bound(
        np.array([[0.5], [0.5]]), np.array([[-1.0], [-1.0]]), 1.0, 1.0, penalised=True
    ) == (
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
    )


def test_multipliers_have_the_direction_and_entries_of_at_most_1():
    R = np.array([[3.0], [-1.0], [-2.0]])
    for size in (1e-320, 1.0, 1e300):
        for free in (True, False):
            L = balanced_multipliers(R * size, free)
            assert 0.25 <= np.abs(L).max() <= 1
            assert L / L[0] == pytest.approx(R / 3, rel=1e-3 if size < 1 else 1e-12)
    # whole numbers of at least 50 bits times a power of two
    wanted = R / 3 + np.array([[0.0], [0.0], [1e-14]])
    L = balanced_multipliers(wanted, True)
    assert L / L[0] == pytest.approx((wanted - wanted.mean()) / (1 - wanted.mean()), abs=1e-14)
    # a mean that takes all digits but one is taken off before anything is rounded
    L = balanced_multipliers(R / 2 + 2.0**51, True)
    assert L / L[0] == pytest.approx(R / 3, abs=1e-12)
    assert (balanced_multipliers(np.ones((3, 1)), False) == 0.5).all()
    assert balanced_multipliers(np.zeros((0, 2)), True).shape == (0, 2)
    assert not balanced_multipliers(np.full((4, 1), 7.0), True).any()


def test_multipliers_that_are_the_rounding_of_a_mean_sum_to_zero_for_any_number_of_points():
    found = 0
    for n in range(8190, 8300):
        R = np.full((n, 1), 0.1)
        found += bool((R - R.mean(axis=0)).any())
        L = balanced_multipliers(R, True)
        assert sum(map(Fraction, L[:, 0].tolist())) == 0
    assert found


@settings(max_examples=60)
@given(st.floats(5e-324, 1.7e308), st.floats(5e-324, 1.7e308))
def test_a_scale_is_the_largest_float_that_fits(decay, bound):
    scale = largest_scale(decay, bound)
    assert Fraction(scale) * Fraction(bound) <= Fraction(decay)
    if scale < np.finfo(float).max:
        assert Fraction(float(np.nextafter(scale, np.inf))) * Fraction(bound) > Fraction(decay)


def test_where_there_is_no_multiplier_or_it_points_away_the_bound_is_0():
    L, Y = np.array([[0.5], [-0.5]]), np.array([[-1.0], [1.0]])
    for part in (1e-300, 0.125, 1.0, 1e300):
        assert dual_bound(-L, part * Y, 1.0, 1.0) == (0.0, 0.0)
        assert dual_bound(L, 0 * Y, 1.0, 1.0) == dual_bound(0 * L, part * Y, 1.0, 1.0) == (0, 0)
    assert dual_bound(L, Y, 1.0, np.inf) == (0.0, 0.0)
    # terms that cancel by more digits than are followed
    for part in (1e205, 1e206, 1e207, 3e207):
        scale, value = dual_bound(
            np.array([[0.5], [-0.5], [1e-3]]), np.array([[1e300], [1e300], [-part]]), 1.0, 1.0
        )
        assert value == 0 and scale >= 0
    # some multipliers may be 0, and the best factor may be small
    some = np.array([[0.5], [-0.5], [0.0]]), np.array([[-1.0], [1.0], [9.0]])
    assert dual_bound(*some, 1.0, 1.0) == (1.0, 0.625)
    assert dual_bound(L, Y / 16, 1.0, 1.0) == (0.125, 2.0**-8)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.booleans())
def test_the_bound_is_the_largest_float_below_the_dual(seed, n, penalised):
    rng = np.random.default_rng(seed)
    L, Y = rng.normal(size=(2, n, 2))
    decay, bound = rng.uniform(0.1, 1, size=2).tolist()
    scale, value = dual_bound(L, Y, decay, bound, penalised=penalised)
    exact = [[Fraction(v) for v in part.ravel().tolist()] for part in (L, Y)]
    linear = -sum(a * b for a, b in zip(*exact, strict=True))
    square = Fraction(n, 4) * sum(a * a for a in exact[0])
    if penalised:
        sums = [sum(map(Fraction, column)) for column in L.T.tolist()]
        square += sum(s * s for s in sums) / (2 * Fraction(decay))
    best = min(linear / (2 * square), Fraction(decay) / Fraction(bound))
    if best <= 0:
        assert (scale, value) == (0, 0)
        return
    assert scale == pytest.approx(float(best), rel=1e-15)
    dual = Fraction(scale) * linear - Fraction(scale) ** 2 * square
    assert Fraction(value) <= dual < Fraction(float(np.nextafter(value, np.inf)))
