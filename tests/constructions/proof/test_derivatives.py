from fractions import Fraction

import naive
import numpy as np
import pytest
from builders import random_data, random_network
from flint import arb, arb_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.proof.derivatives import (
    _active_after,
    gradient,
    hessian,
    hessian_vector,
    joined,
    length,
    line_series,
    one_sided_slope,
    output_series,
    pairs_of,
)
from constructions.proof.exact import precision
from geomcore import ReLUNetwork
from geomcore.parameters import move

SHAPES = [(2, 3, 2), (3, 1, 1), (1, 4, 3, 2), (2, 2), (1, 1, 1, 1)]


def random_problem(seed, widths, n=5):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng)
    X, Y = random_data(widths, n, rng)
    return net, X, Y, np.full(n, 1 / n), rng.normal(size=net.parameter_count)


def exact_series(net, X, Y, vector, step=Fraction(1, 10**9)):
    """Taylor coefficients of the loss along a line, t > 0, by interpolation in Fractions."""
    pairs = pairs_of(net, vector)
    degree = 2 * len(net.weights)
    ts = [step * k for k in range(degree + 1)]
    values = []
    for t in ts:
        weights = [
            [[Fraction(w) + t * Fraction(v) for w, v in zip(r, s, strict=True)] for r, s in pair]
            for pair in (
                zip(W.tolist(), V.tolist(), strict=True)
                for W, (V, _) in zip(net.weights, pairs, strict=True)
            )
        ]
        biases = [
            [Fraction(w) + t * Fraction(v) for w, v in zip(b.tolist(), c.tolist(), strict=True)]
            for b, (_, c) in zip(net.biases, pairs, strict=True)
        ]
        values.append(fraction_loss(weights, biases, X.tolist(), Y.tolist()))
    return interpolate(ts, values)


def fraction_loss(weights, biases, X, Y):
    total = Fraction(0)
    for x, y in zip(X, Y, strict=True):
        h = [Fraction(v) for v in x]
        for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
            h = [naive.dot(row, h) + c for row, c in zip(W, b, strict=True)]
            if l < len(weights) - 1:
                h = [max(v, Fraction(0)) for v in h]
        total += sum((a - Fraction(t)) ** 2 for a, t in zip(h, y, strict=True))
    return total / len(X)


def interpolate(ts, values):
    """Coefficients of the polynomial through the points (Newton's divided differences)."""
    n, table = len(ts), list(values)
    for k in range(1, n):
        for i in range(n - 1, k - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (ts[i] - ts[i - k])
    poly = [Fraction(0)]
    for k in range(n - 1, -1, -1):  # poly = poly * (t - ts[k]) + table[k]
        shifted = [Fraction(0), *poly]
        poly = [s - ts[k] * p for s, p in zip(shifted, [*poly, Fraction(0)], strict=True)]
        poly[0] += table[k]
    return poly[:n]


def check_series(net, X, Y, vector):
    with precision(512):
        weights = [arb(1) / len(X)] * len(X)
        found = line_series(net, X, Y, weights, vector, order=2 * len(net.weights))
        for ball, value in zip(found, exact_series(net, X, Y, vector), strict=True):
            exact = arb(value.numerator) / value.denominator
            assert ball.overlaps(exact)
            assert float(ball.rad()) <= 1e-30


# By hand


def test_derivatives_of_a_parabola_are_those_of_the_parabola():
    # (w x + b - y)^2 at w = 2, b = 1, x = 3, y = 5: gap 2
    net = ReLUNetwork([[[2.0]]], [[1.0]])
    data = net, np.array([[3.0]]), np.array([[5.0]]), np.ones(1)
    np.testing.assert_array_equal(gradient(*data), [12, 4])
    np.testing.assert_array_equal(hessian(*data), [[18, 6], [6, 2]])
    np.testing.assert_array_equal(hessian_vector(*data, np.array([1.0, 0])), [18, 6])
    series = line_series(net, data[1], data[2], [arb(1)], np.array([1.0, 0]), 3)
    assert [float(c) for c in series] == [4, 12, 9, 0]


def test_one_sided_slopes_at_a_kink_follow_the_side():
    # loss (max(w, 0) - 1)^2 at w = 0, one unit, output weight 1
    net = ReLUNetwork([[[0.0]], [[1.0]]], [[0.0], [0.0]])
    X, Y, ones = np.array([[1.0]]), np.array([[1.0]]), np.ones(1)
    up, down = np.array([1.0, 0, 0, 0]), np.array([-1.0, 0, 0, 0])
    assert one_sided_slope(net, X, Y, ones, up) == -2
    assert one_sided_slope(net, X, Y, ones, down) == 0
    assert [float(c) for c in line_series(net, X, Y, [arb(1)], up)] == [1, -2, 1]
    assert [float(c) for c in line_series(net, X, Y, [arb(1)], down)] == [1, 0, 0]


def test_split_and_join_are_inverse_in_the_order_of_packed():
    net, *_, vector = random_problem(0, (2, 3, 2))
    np.testing.assert_array_equal(joined(pairs_of(net, vector)), vector)
    pairs = list(zip(net.weights, net.biases, strict=True))
    np.testing.assert_array_equal(joined(pairs), net.packed()[0])


# Against the naive oracle


@pytest.mark.parametrize("widths", SHAPES)
def test_the_series_of_the_loss_is_the_exact_polynomial(widths):
    net, X, Y, _, vector = random_problem(1, widths, n=3)
    check_series(net, X, Y, vector)


@pytest.mark.parametrize("seed", range(4))
def test_the_series_on_a_kink_is_the_exact_one_sided_polynomial(seed):
    net, X, Y, _, vector = random_problem(seed, (2, 3, 2, 2), n=3)
    zero = [np.zeros_like(net.weights[0]), *net.weights[1:]]
    net = ReLUNetwork(zero, [np.zeros(3), *net.biases[1:]])  # all first pre-activations are 0
    check_series(net, X, Y, vector)


@pytest.mark.parametrize("widths", SHAPES)
def test_gradient_and_hessian_are_those_of_the_exact_polynomial(widths):
    net, X, Y, weights, vector = random_problem(2, widths)
    _, slope, bend, *_ = exact_series(net, X, Y, vector)
    assert gradient(net, X, Y, weights) @ vector == pytest.approx(float(slope), rel=1e-9)
    product = hessian_vector(net, X, Y, weights, vector)
    assert vector @ product == pytest.approx(2 * float(bend), rel=1e-9)
    np.testing.assert_allclose(hessian(net, X, Y, weights) @ vector, product, atol=1e-9)


# Laws


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), widths=st.sampled_from(SHAPES))
def test_the_loss_does_not_change_along_the_scaling_symmetry(seed, widths):
    net, X, Y, weights, _ = random_problem(seed, widths)
    if len(net.weights) == 1:
        return
    layers = zip(net.weights, net.biases, strict=True)
    pairs = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in layers]
    pairs[0] = net.weights[0], net.biases[0]
    pairs[1] = -net.weights[1], np.zeros_like(net.biases[1])
    g = gradient(net, X, Y, weights)
    assert (
        abs(g @ joined(pairs)) <= 1e-12 * np.linalg.norm(g) * np.linalg.norm(joined(pairs)) + 1e-300
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), widths=st.sampled_from(SHAPES))
def test_the_hessian_is_symmetric(seed, widths):
    net, X, Y, weights, vector = random_problem(seed, widths)
    other = np.random.default_rng(seed + 1).normal(size=len(vector))
    one = other @ hessian_vector(net, X, Y, weights, vector)
    assert one == pytest.approx(vector @ hessian_vector(net, X, Y, weights, other), rel=1e-8)


def test_moved_by_zero_is_the_same_function():
    net, X, *_, vector = random_problem(3, (2, 3, 2))
    np.testing.assert_array_equal(move(net, vector, 0.0)(X), net(X))


# Bad input


def test_a_sign_that_is_not_decided_gives_no_series():
    # the sum is 1, but 16 bits cannot tell
    net = ReLUNetwork([[[1e30], [1.0]], [[1.0, 1e30]], [[1.0]]], [[1.0, 0.0], [-2e30], [0.0]])
    X, Y = np.array([[1.0]]), np.array([[1.0]])
    vector = np.zeros(net.parameter_count)
    with precision(16):
        assert line_series(net, X, Y, [arb(1)], vector) is None
    with precision(256):
        assert line_series(net, X, Y, [arb(1)], vector) is not None


# What a proof rests on


def test_a_unit_is_active_by_its_first_coefficient_that_is_not_zero():
    series = [[0.0, 0.0, 2.0, -2.0, 0.0], [0.5, -0.5, -1.0, 1.0, 0.0]]
    assert _active_after([arb_mat([row]) for row in series]) == [True, False, True, False, False]


@pytest.mark.parametrize("radius", [1e-3, 0.5, 3.0])
def test_a_coefficient_that_may_be_zero_decides_nothing(radius):
    assert _active_after([arb_mat([[arb(0, radius)]]), arb_mat([[1.0]])]) is None
    assert _active_after([arb_mat([[arb(2 * radius, radius)]])]) == [True]
    assert _active_after([arb_mat([[arb(-2 * radius, radius)]])]) == [False]


def test_a_length_is_finite_where_its_squares_are_not():
    assert length(np.array([3.0, -4.0])) == 5.0
    assert length(np.array([3e-200, -4e-200])) == pytest.approx(5e-200, rel=1e-15, abs=0)
    assert length(np.array([3e200, -4e200])) == pytest.approx(5e200, rel=1e-15)
    assert length(np.zeros(2)) == length(np.empty(0)) == 0.0
    assert length(np.array([np.inf, 1.0])) == length(np.array([1.0, np.nan])) == np.inf


def test_the_last_bias_may_move_by_a_ball_of_its_own():
    # (2 x + b t - y)^2 at x = 1, y = 0: 4 + 4 b t + b^2 t^2
    net = ReLUNetwork([[[1.0]], [[2.0]]], [[0.0], [0.0]])
    X, Y, still = np.array([[1.0]]), np.array([[0.0]]), np.zeros(4)
    found = line_series(net, X, Y, [arb(1)], still, 2, last_bias=[arb(3)])
    assert [float(c) for c in found] == [4, 12, 9]
    assert [float(c) for c in line_series(net, X, Y, [arb(1)], still, 5)] == [4, 0, 0, 0, 0, 0]


def test_a_short_series_has_the_terms_of_the_outputs_up_to_its_order():
    # ((1 + t) (1 + t))^2
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    X, Y, both = np.array([[1.0]]), np.array([[0.0]]), np.array([1.0, 0.0, 1.0, 0.0])
    for order, expected in ((1, [1, 4]), (2, [1, 4, 6]), (4, [1, 4, 6, 4, 1])):
        assert [float(c) for c in line_series(net, X, Y, [arb(1)], both, order)] == expected


@pytest.mark.parametrize("widths", [(1, 1), (3, 2), (2, 3, 1), (1, 2, 3, 2)])
@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_a_series_of_outputs_has_as_many_terms_as_are_asked_for(widths, order):
    net, X, *_, way = random_problem(0, widths)
    series = output_series(net, X, way, order)
    assert [(term.nrows(), term.ncols()) for term in series] == [(5, widths[-1])] * (order + 1)
    assert all(v == 0 for term in series[len(widths) :] for v in term.entries())


def test_slopes_through_two_layers_follow_the_chain_rule():
    # (3 (2 x + 1) + b - y)^2 at x = 1, b = 0, y = 4: gap 5
    net = ReLUNetwork([[[2.0]], [[3.0]]], [[1.0], [0.0]])
    X, Y, ones = np.array([[1.0]]), np.array([[4.0]]), np.ones(1)
    slopes = [one_sided_slope(net, X, Y, ones, e) for e in np.eye(4)]
    assert slopes == [30, 30, 30, 10]
    np.testing.assert_array_equal(gradient(net, X, Y, ones), slopes)
    # an output may be negative, and a hidden output below 1
    small = ReLUNetwork([[[0.5]], [[-1.0]]], [[0.0], [0.0]])
    assert [one_sided_slope(small, X, 0 * Y, ones, e) for e in np.eye(4)] == [1, 1, -0.5, -1]
    # a dead unit passes nothing, whatever its own derivative
    dead = ReLUNetwork([[[-2.0]], [[3.0]]], [[1.0], [0.0]])
    assert [one_sided_slope(dead, X, Y, ones, e) for e in np.eye(4)] == [0, 0, 0, -8]


def test_a_gradient_is_found_where_what_comes_back_to_it_underflows():
    # h = 3, residual -2 e, and what comes back to the first layer is -2 e^2 for e = 2^-600
    e, x = 2.0**-600, 2.0**900
    net = ReLUNetwork([[[3 / x]], [[e]]], [[0.0], [0.0]])
    found = gradient(net, np.array([[x]]), np.array([[5 * e]]), np.ones(1))
    assert found.tolist() == [-4 * (e * x) * e, 0.0, -12 * e, -4 * e]
    # and where it overflows: e = 2^600, x = 2^-900
    net = ReLUNetwork([[[3 * x]], [[1 / e]]], [[0.0], [0.0]])
    found = gradient(net, np.array([[1 / x]]), np.array([[5 / e]]), np.ones(1))
    assert found.tolist() == [-4 / (e * x) / e, -np.inf, -12 / e, -4 / e]


def test_gradients_at_a_kink_are_those_of_the_side_asked_for():
    net = ReLUNetwork([[[0.0]], [[1.0]]], [[0.0], [0.0]])
    X, Y, ones = np.array([[1.0]]), np.array([[1.0]]), np.ones(1)
    np.testing.assert_array_equal(gradient(net, X, Y, ones), [0, 0, 0, -2])
    np.testing.assert_array_equal(gradient(net, X, Y, ones, kinks=True), [-2, -2, 0, -2])
