"""The compiled gradients in the plane are those that the network gives for a few points."""

import numpy as np
import pytest
from builders import random_network

from geomcore import ReLUNetwork, input_gradients
from geomcore.kernels import TILE
from geomcore.layers import plane

WIDTHS = [(2, 1, 1), (2, 3, 2), (2, 4, 3), (2, 7, 1, 1, 1), (2, 32, 1, 1), (2, 129, 1)]


def compiled(net, X, output=0):
    parameters, widths = net.packed(X.dtype)
    assert plane.is_for(widths)
    out = np.full_like(X, np.nan)
    plane.input_gradients(parameters, widths, X, output, out)
    return out


# By hand


def test_a_unit_or_a_head_exactly_at_zero_is_off():
    net = ReLUNetwork([np.eye(2), [[3.0, 5.0]], [[2.0]]], [[0.0, 0.0], [-3.0], [0.0]])
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 1.0], [0.0, 0.0]])
    assert compiled(net, X).tolist() == [[0, 0], [0, 10], [6, 10], [0, 10], [0, 0]]


# Against the general pass


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [0, 1, TILE, 2 * TILE + 37])
@pytest.mark.parametrize("widths", WIDTHS)
def test_gradients_are_those_of_few_points(widths, n, dtype):
    net = random_network(widths)
    X = np.random.default_rng(n).normal(size=(n, 2)).astype(dtype)
    for output in range(widths[-1]):
        wanted = input_gradients(net, X, output)
        atol = 100 * np.finfo(dtype).eps * np.abs(wanted).max(initial=1.0)
        np.testing.assert_allclose(compiled(net, X, output), wanted, rtol=0, atol=atol)


@pytest.mark.parametrize("sign", [1, -1])
def test_factors_that_overflow_or_underflow_without_each_other_do_not(sign):
    # the product of the first two is 1e400 or 1e-400
    inner, head, last = (10.0 ** (sign * k) for k in (200, 200, -250))
    net = ReLUNetwork(
        [[[inner, 0.0], [0.0, -inner]], [[head, head]], [[last]]], [[0.0, 0.0], [1.0], [0.0]]
    )
    X = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]) * 10.0 ** (-200 * sign)
    slope = 10.0 ** (sign * 150)
    wanted = np.array([[slope, 0], [0, -slope], [slope, -slope], [0, 0]])
    np.testing.assert_allclose(compiled(net, X), wanted, rtol=1e-12)


def test_a_slope_that_overflows_is_no_nan_where_its_unit_is_off():
    net = ReLUNetwork(
        [[[1.0, 0.0], [1.0, 0.0]], [[1e200, 0.0]], [[1e200]]], [[0.0, 0.0], [0.0], [0.0]]
    )
    with np.errstate(over="ignore", invalid="ignore"):
        found = compiled(net, np.array([[-1.0, 0.0], [1.0, 0.0]]))
    assert found[0].tolist() == [0, 0]
    assert np.isinf(found[1, 0])
