"""Whatever the networks of a piece compute lies in its model, which is no wider than needed."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from builders import random_data, random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from training_lines import exact_between

from constructions.critical.balls import Balls
from geomcore import ReLUNetwork
from training.landscape.lines.costs import squared_error
from training.landscape.lines.models import (
    _affine,
    _range,
    _rectified,
    _widened,
    largest,
    loss_models,
    segment_between,
    values_at,
)

AT = [Fraction(k, 3) for k in range(-3, 4)]
CLOSE = 1e-13


def polynomial(*coefficients):
    """One model: a piece, a point and a unit, with exact coefficients."""
    return [Balls(np.full((1, 1, 1), float(c))) for c in coefficients]


def numbers(model):
    """Midpoints and radii of the coefficients of one model."""
    return [(c.mid.item(), c.rad.item()) for c in model]


def enclosures(model, u):
    """Exact bounds of a polynomial in balls at a rational u, for one model."""
    ends = [[Fraction(m) - Fraction(r), Fraction(m) + Fraction(r)] for m, r in numbers(model)]
    powers = [u**k for k in range(len(ends))]
    low, high = (
        sum(pick(p * e for e in c) for p, c in zip(powers, ends, strict=True))
        for pick in (min, max)
    )
    return low, high


def exact_value(coefficients, u):
    return sum(Fraction(c) * u**k for k, c in enumerate(coefficients))


# By hand


def test_an_affine_layer_multiplies_polynomials_and_keeps_the_cube_as_a_radius():
    # inputs (1 + 2u + 3u^2, -1 + u), W = (2, -1) + t (1, 3), b = 5 + 7 t, on t = 1/2 + u/4
    A = [Balls(np.array(c, dtype=float)[None, None]) for c in ([1, -1], [2, 1], [3, 0])]
    W, b = np.array([[2.0, -1.0]]), np.array([5.0])
    dW, db = Balls(np.array([[1.0, 3.0]])), Balls(np.array([7.0]))
    m, h = np.full((1, 1, 1), 0.5), np.full((1, 1, 1), 0.25)
    # still = 3 + 3u + 6u^2, moved = -2 + 5u + 3u^2
    wanted = [3 + 0.5 * -2 + 5 + 3.5, 3 + 0.5 * 5 + 0.25 * -2 + 7 / 4, 6 + 0.5 * 3 + 0.25 * 5]
    (c0, r0), (c1, r1), (c2, r2) = numbers(_affine(A, W, b, dW, db, m, h))
    assert [c0, c1, c2] == wanted
    assert 0.75 <= r0 <= 0.75 + CLOSE and max(r1, r2) <= CLOSE
    # of one that is linear, nothing is lost
    (c0, r0), (c1, r1), (c2, r2) = numbers(_affine(A[:2], W, b, dW, db, m, h))
    assert [c0, c1, c2] == [wanted[0], wanted[1], 0.25 * 5] and max(r0, r1, r2) <= CLOSE
    # and a point becomes linear
    (c0, r0), (c1, r1) = numbers(_affine(A[:1], W, b, dW, db, m, h))
    assert [c0, c1] == [wanted[0], 0.25 * -2 + 7 / 4] and max(r0, r1) <= CLOSE


@pytest.mark.parametrize(
    ("coefficients", "low", "high"),
    [
        ((3.0,), 3, 3),
        ((3.0, 2.0), 1, 5),
        ((3.0, -2.0), 1, 5),
        ((3.0, -2.0, 4.0), 1, 9),  # the square between 0 and 4
        ((3.0, 2.0, -4.0), -3, 5),
        ((3.0, 0.0, -4.0), -1, 3),
    ],
)
def test_the_range_takes_a_square_between_zero_and_one(coefficients, low, high):
    found = [v.item() for v in _range(polynomial(*coefficients))]
    assert low - CLOSE <= found[0] <= low and high <= found[1] <= high + CLOSE


def test_a_range_has_room_for_the_radii():
    model = [
        Balls(np.full((1, 1, 1), c), np.full((1, 1, 1), r)) for c, r in ((0, 1), (2, 1), (0, 1))
    ]
    low, high = (v.item() for v in _range(model))
    assert -5 - CLOSE <= low <= -5 and 5 <= high <= 5 + CLOSE


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_is_on_or_off_is_not_changed(sign):
    ball = Balls(np.full((1, 1, 1), 3.0 * sign), np.full((1, 1, 1), 0.5))
    edge = polynomial(2.0 * sign, 1.0, sign)  # from 1 upwards, or to -1
    zero = polynomial(1.0 * sign, 0.0, 0.0)
    for model in ([ball], edge, zero):
        wanted = numbers(model) if sign > 0 else [(0.0, 0.0)] * len(model)
        assert numbers(_rectified(model)) == wanted
    # no kink makes more of nothing than the rounding
    assert np.abs(numbers(_rectified(polynomial(0.0, 0.0)))).max() < 1e-300


@pytest.mark.parametrize(("low", "high"), [(-1, 3), (-3, 1), (-2, 2), (-1e-9, 1), (-1, 1e-9)])
def test_a_kink_is_the_chord_with_the_gap_below_it(low, high):
    # z from low to high in u; s z + [0, gap] with s = high / (high - low)
    z = ((low + high) / 2, (high - low) / 2)
    (c0, r0), (c1, r1) = numbers(_rectified(polynomial(*z)))
    s = high / (high - low)
    gap = max(-s * low, (1 - s) * high)
    assert c1 == pytest.approx(s * z[1], rel=1e-12) and r1 <= CLOSE * abs(z[1])
    assert c0 == pytest.approx(s * z[0] + gap / 2, rel=1e-9, abs=1e-12)
    assert r0 == pytest.approx(gap / 2, rel=1e-6)


@pytest.mark.parametrize("size", [0.9e308, 1.2e308, 1.5e308])
def test_a_kink_whose_range_overflows_has_no_slope_and_all_of_it_as_the_gap(size):
    model = polynomial(0.0, size)
    low, high = enclosures(_rectified(model), Fraction(1))
    assert low <= Fraction(size) <= high
    low, high = enclosures(_rectified(model), Fraction(-1))
    assert low <= 0 <= high


def test_the_largest_value_takes_an_even_power_between_zero_and_one():
    for c, wanted in (
        ((1.0, 2.0, 4.0, 8.0, 16.0), 31.0),
        ((1.0, -2.0, 4.0, -8.0, 16.0), 31.0),
        ((1.0, 2.0, -4.0, 8.0, -16.0), 11.0),
        ((-100.0, 2.0, -4.0, 8.0, 16.0), -74.0),
    ):
        found = largest(polynomial(*c)).item()
        assert wanted <= found <= wanted + 1e-12 * abs(wanted)
    radius = [Balls(np.zeros((1, 1, 1)), np.ones((1, 1, 1))) for _ in range(5)]
    assert 5 <= largest(radius).item() <= 5 + 1e-12


def test_a_widened_ball_has_room_for_what_is_added():
    found = _widened(Balls(np.array([1.0]), np.array([0.1])), np.array([[0.2], [1e-300]]))
    assert found.mid.tolist() == [[1.0], [1.0]] and found.shape == (2, 1)
    for rad, by in zip(found.rad[:, 0], (0.2, 1e-300), strict=True):
        exact = Fraction(0.1) + Fraction(by)
        assert exact <= Fraction(rad) <= exact * Fraction(1 + 1e-15)


# Against rationals


@settings(max_examples=25)
@given(st.lists(st.floats(-4, 4), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_every_rectified_polynomial_is_in_its_model(coefficients, seed):
    rng = np.random.default_rng(seed)
    radii = 0.3 * rng.random(len(coefficients)) * rng.integers(0, 2, len(coefficients))
    model = [
        Balls(np.full((1, 1, 1), c), np.full((1, 1, 1), r))
        for c, r in zip(coefficients, radii, strict=True)
    ]
    out = _rectified(model)
    for signs in product((-1, 0, 1), repeat=len(coefficients)):
        some = [
            Fraction(c) + s * Fraction(r)
            for c, r, s in zip(coefficients, radii, signs, strict=True)
        ]
        for u in AT:
            low, high = enclosures(out, u)
            assert low <= max(exact_value(some, u), 0) <= high


SHAPES = [(1, 1), (2, 2, 1), (1, 3, 2), (2, 2, 2, 1), (1, 2, 2, 2, 1)]


@pytest.mark.parametrize("decay", [0.0, 0.75])
@pytest.mark.parametrize("widths", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_every_loss_is_in_the_model_of_its_piece(widths, seed, decay):
    rng = np.random.default_rng(seed)
    a, b = (random_network(widths, rng, scaled=True) for _ in range(2))
    X, Y = random_data(widths, 2, rng)
    weights = Balls(np.array([0.5, 0.5]))
    segment = segment_between(a, b, X, Y, weights, decay, squared_error)
    middle, half = np.array([0.5, 0.3125, 0.75]), np.array([0.5, 0.0625, 2.0**-10])
    model = loss_models(segment, middle, half)
    top = largest(model)
    for u in (-1, Fraction(-1, 3), 0, Fraction(3, 4), 1):
        at = values_at(model, np.full(3, float(u)))
        for k in range(3):
            one = [Balls(c.mid[k : k + 1], c.rad[k : k + 1]) for c in model]
            loss = exact_between(a, b, X, Y, Fraction(middle[k]) + u * Fraction(half[k]), decay)
            low, high = enclosures(one, u)
            assert low <= loss <= high and loss <= top[k]
            if Fraction(float(u)) == u:
                assert at.lower[k] <= loss <= at.upper[k]
    # of order h^3, but for kinks
    assert (top - np.maximum(*(values_at(model, np.full(3, s)).lower for s in (-1.0, 1.0))))[
        2
    ] < 0.05


def test_the_loss_of_an_active_network_is_a_polynomial_of_degree_four():
    # y = w2 (w1 x + b1) + b2 with w1 = 1 + t, b1 = 2, w2 = 3 - t, b2 = -t, on t = 1/2 + u/2
    a = ReLUNetwork([[[1.0]], [[3.0]]], [[2.0], [0.0]])
    b = ReLUNetwork([[[2.0]], [[2.0]]], [[2.0], [-1.0]])
    X, Y = np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]])
    weights = Balls(np.array([0.25, 2.0]))
    middle, half = np.array([0.5]), np.array([0.5])
    model = loss_models(segment_between(a, b, X, Y, weights, 3.0, squared_error), middle, half)
    P = np.polynomial.Polynomial
    t = P([0.5, 0.5])
    wanted = P([0.0])
    for x, y, w in ((1, 1, 0.25), (2, 4, 2.0)):
        out = (3 - t) * ((1 + t) * x + 2) - t - y
        wanted = wanted + w * out * out
    wanted = wanted + 1.5 * ((1 + t) ** 2 + 4 + (3 - t) ** 2 + t**2)
    assert [c.mid.item() for c in model] == pytest.approx(wanted.coef.tolist(), rel=1e-12)
    assert max(c.rad.item() for c in model) < 1e-11


def test_decay_is_that_of_all_parameters_and_their_moves():
    a, b = random_network((2, 3, 2), 0), random_network((2, 3, 2), 1)
    X, Y = random_data((2, 2), 1, 2)
    p, q = a.packed()[0], b.packed()[0] - a.packed()[0]
    segment = segment_between(a, b, X, Y, Balls(np.ones(1)), 0.5, squared_error)
    wanted = [0.25 * p @ p, 0.5 * p @ q, 0.25 * q @ q]
    assert [c.mid.item() for c in segment.decay] == pytest.approx(wanted, rel=1e-12)
    still = segment_between(a, b, X, Y, Balls(np.ones(1)), 0.0, squared_error)
    assert max(c.largest.item() for c in still.decay) < 1e-300
