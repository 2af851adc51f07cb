"""The Lp-norm layer with orders of its own, where orders are extreme or terms are zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Network
from geomcore.layers import LearnedLpNorm, LpNorm
from training import Adam, train

ONES = [[1.0, 1.0]]
ORDERS = [1 + 1e-12, 1.5, 2.0, 3.0, 1e6, 1e300]


# By hand


def test_each_output_has_an_order_of_its_own():
    layer = LearnedLpNorm.of_orders([[1, 1], [1, 1]], [0, 1], [2, 1e6])
    np.testing.assert_allclose(layer(np.array([[3.0, -4.0]])), [[5, 5]])
    np.testing.assert_allclose(layer.p, [2, 1e6])


def test_a_parameter_of_zero_is_the_order_one_plus_log_two():
    assert LearnedLpNorm(ONES, [0.0], [0.0]).p == pytest.approx(1 + np.log(2))


# Laws


@pytest.mark.parametrize("p", ORDERS)
def test_it_is_the_norm_of_that_order(p):
    rng = np.random.default_rng(0)
    W, b, X = rng.normal(size=(2, 5)), rng.normal(size=2), rng.normal(size=(30, 5))
    learned, fixed = LearnedLpNorm.of_orders(W, b, [p, p]), LpNorm(W, b, p)
    np.testing.assert_allclose(learned.p, p, rtol=1e-14)
    np.testing.assert_allclose(learned(X), fixed(X), rtol=1e-12)
    one = np.ones((30, 2))
    pulled = [layer.pull_back(X, layer(X), one) for layer in (learned, fixed)]
    np.testing.assert_allclose(*pulled, rtol=1e-9, atol=1e-12)


@given(st.floats(1.0001, 1e300))
def test_orders_come_back(p):
    assert LearnedLpNorm.of_orders(ONES, [0.0], [p]).p == pytest.approx(p, rel=1e-12)


@given(st.floats(-800, 800), st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2))
def test_a_larger_order_never_gives_a_larger_norm(r, x):
    layer, X = LearnedLpNorm(ONES, [0.0], [r]), np.array([x])
    gradient = layer.gradients(layer.tensors, X, layer(X), np.ones((1, 1)))[2]
    assert gradient[0] <= 0
    assert (layer.p >= 1).all()


@pytest.mark.parametrize("r", [-800.0, -40.0, 0.0, 1.0, 500.0, 1e306])
@pytest.mark.parametrize("x", [[0.0, 0.0], [0.0, 1.0], [1e-310, 1.0], [1e-300, 1e300], [1, 1]])
def test_derivatives_are_finite_at_zero_and_beside_it(r, x):
    layer, X = LearnedLpNorm([[1.0, 2.0]], [0.0], [r]), np.array([x])
    tensors, out, one = layer.tensors, layer(np.array([x])), np.ones((1, 1))
    along = ([np.array([[0.5, 1.0]]), np.zeros(1), np.ones(1)], np.array([[0.0, 1e-3]]), one)
    parts = [
        *layer.gradients(tensors, X, out, one),
        layer.cotangent(tensors, X, out, one),
        layer.tangent(tensors, X, out, along[0], along[1]),
        *layer.gradients_tangent(tensors, X, out, one, *along),
        layer.cotangent_tangent(tensors, X, out, one, *along),
    ]
    assert all(np.isfinite(part).all() for part in parts)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_training_finds_the_order_of_a_norm(engine):
    X = np.random.default_rng(0).normal(size=(200, 3))
    Y = LpNorm(np.ones((1, 3)), [0.0], 3)(X)
    net = Network([LearnedLpNorm.of_orders(np.ones((1, 3)), [0.0], [1.5])])
    found = train(net, X, Y, optimizer=Adam(0.05), steps=3000, engine=engine).network
    np.testing.assert_allclose(found.layers[0].p, [3.0], rtol=1e-3)


# Bad input


@pytest.mark.parametrize("p", [1.0, 0.5, -2.0])
def test_orders_must_be_above_one(p):
    with pytest.raises(ValueError, match="p must be above 1"):
        LearnedLpNorm.of_orders(ONES, [0.0], [p])


def test_tensors_must_fit():
    with pytest.raises(ValueError, match="r must have one entry per row of W"):
        LearnedLpNorm(ONES, [0.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="r must be finite"):
        LearnedLpNorm(ONES, [0.0], [-np.inf])
