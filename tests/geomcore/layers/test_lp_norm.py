"""The Lp-norm layer, where powers overflow, underflow or meet zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Network, input_gradients
from geomcore.layers import Affine, LpNorm, ReLU

ONES = [[1.0, 1.0]]


# By hand


@pytest.mark.parametrize(("p", "norm"), [(1, 7.0), (2, 5.0), (1e6, 4.0)])
def test_norms_of_three_and_four(p, norm):
    np.testing.assert_allclose(LpNorm(ONES, [1.0], p)(np.array([[-3.0, 4.0]])), [[norm + 1]])


def test_each_output_has_weights_of_its_own():
    layer = LpNorm([[1, 0], [2, 2]], [0, 10], 2)
    np.testing.assert_allclose(layer(np.array([[3.0, 4.0]])), [[3, 20]])


@pytest.mark.parametrize(("p", "curvature"), [(2, 1.0), (3, 0.0), (1, 0.0)])
def test_across_a_term_of_zero_the_norm_is_curved_for_p_two_only(p, curvature):
    layer, X, zero = LpNorm(ONES, [0.0], p), np.array([[0.0, 1.0]]), [np.zeros((1, 2)), np.zeros(1)]
    one, across = np.ones((1, 1)), np.array([[1.0, 0.0]])
    found = layer.cotangent_tangent(layer.tensors, X, layer(X), one, zero, across, 0 * one)
    np.testing.assert_array_equal(found, [[curvature, 0.0]])


# Laws


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, 1000.0])
@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norms_and_slopes_scale_without_overflow_or_underflow(p, size):
    X = np.array([[3.0, -4.0], [0.5, 0.0], [2.0, 2.0]])
    layer = LpNorm(ONES, [0.0], p)
    np.testing.assert_allclose(layer(X * size), layer(X) * size, rtol=1e-12)
    slopes = layer.pull_back(X * size, layer(X * size), np.ones((3, 1)))
    np.testing.assert_allclose(slopes, layer.pull_back(X, layer(X), np.ones((3, 1))), rtol=1e-9)


@given(st.floats(1, 50), st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2))
def test_the_norm_lies_between_the_largest_term_and_the_sum(p, x):
    norm = LpNorm(ONES, [0.0], p)(np.array([x]))[0, 0]
    assert max(map(abs, x)) * (1 - 1e-12) <= norm <= sum(map(abs, x)) * (1 + 1e-12)


def test_for_p_one_after_a_relu_it_is_affine_with_the_moduli_of_the_weights():
    rng = np.random.default_rng(0)
    first, W = Affine(rng.normal(size=(5, 2)), rng.normal(size=5)), rng.normal(size=(1, 5))
    X = rng.normal(size=(40, 2))
    norm = Network([first, ReLU(), LpNorm(W, [0.3], 1)])
    affine = Network([first, ReLU(), Affine(np.abs(W), [0.3])])
    np.testing.assert_allclose(norm(X), affine(X), rtol=1e-12)
    np.testing.assert_allclose(input_gradients(norm, X), input_gradients(affine, X), atol=1e-12)


@pytest.mark.parametrize("p", [1.0, 1.2, 2.0, 3.0, 500.0])
@pytest.mark.parametrize("x", [[0.0, 0.0], [0.0, 1.0], [1e-310, 1.0], [1e-300, 1e300]])
def test_derivatives_are_finite_at_zero_and_beside_it(p, x):
    layer, X = LpNorm([[1.0, 2.0]], [0.0], p), np.array([x])
    tensors, out, one = layer.tensors, layer(np.array([x])), np.ones((1, 1))
    along = ([np.array([[0.5, 1.0]]), np.zeros(1)], np.array([[0.0, 1e-3]]), one)
    parts = [
        *layer.gradients(tensors, X, out, one),
        layer.cotangent(tensors, X, out, one),
        layer.tangent(tensors, X, out, along[0], along[1]),
        *layer.gradients_tangent(tensors, X, out, one, *along),
        layer.cotangent_tangent(tensors, X, out, one, *along),
    ]
    assert all(np.isfinite(part).all() for part in parts)
    if x == [0.0, 0.0]:
        np.testing.assert_array_equal(layer.cotangent(tensors, X, out, one), [[0, 0]])


# Bad input


@pytest.mark.parametrize(
    "p", [0.5, 0, -1, np.inf, np.nan, "2", None, True, 10**400, np.longdouble("1e400")]
)
def test_p_must_be_a_finite_number_from_one_on(p):
    with pytest.raises(ValueError, match="p must be a finite number, at least 1"):
        LpNorm(ONES, [0.0], p)


def test_tensors_must_fit():
    with pytest.raises(ValueError, match="b must have one entry per row of W"):
        LpNorm(ONES, [0.0, 1.0], 2)
