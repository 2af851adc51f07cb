"""A gradient is zero if it is no more than the rounding of what was added up in it."""

import numpy as np
import pytest
from builders import random_network
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Network, ReLUNetwork, input_gradients, linear_regions
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.mesa.zeros import zeros_at_points, zeros_in_regions


def path_sums(net, x, output):
    """By walking over all paths, one by one."""
    layers, values = net.layers, [x]
    for layer in layers:
        values.append(layer(values[-1][None])[0])

    def walk(l, unit):
        if l < 0:
            return np.eye(len(x))[unit]
        if isinstance(layers[l], ReLU):
            return walk(l - 1, unit) if values[l][unit] > 0 else np.zeros(len(x))
        weights = np.abs(layers[l].W[unit])
        return sum(w * walk(l - 1, k) for k, w in enumerate(weights) if w)

    return walk(len(layers) - 1, output) + np.zeros(len(x))


@given(st.integers(0, 2**32 - 1), st.sampled_from([(2, 3, 2, 1), (2, 3, 2), (3, 2, 2, 2, 2)]))
def test_the_threshold_is_the_rounding_of_the_sum_over_paths(widths_seed, widths):
    rng = np.random.default_rng(widths_seed)
    net = random_network(widths, widths_seed)
    if rng.random() < 0.5:
        net = Network([*net.layers, ReLU()])
    X, output = rng.normal(size=(5, widths[0])), widths[-1] - 1
    sums = np.array([path_sums(net, x, output) for x in X])
    for share, wanted in ((1.9e-14, True), (2.1e-14, False)):
        got = zeros_at_points(net, share * sums, X, output)
        np.testing.assert_array_equal(got, wanted | (sums == 0).all(axis=1))
    # one entry above is enough
    other = 1e-14 * sums
    other[:, 0] = 3e-14 * sums[:, 0]
    got = zeros_at_points(net, other, X, output)
    np.testing.assert_array_equal(got, sums[:, 0] == 0)


# maps in a row whose product has an entry that cancels
IN_A_ROW = [
    Affine([[1.0, 1.0], [1.0, -1.0]], [0.0, 0.0]),
    Affine([[1.0, 0.0], [1.0, 1.0]], [0.0, 0.0]),
]


@pytest.mark.parametrize("end", [[], [ReLU()], IN_A_ROW, [*IN_A_ROW, ReLU()]])
def test_regions_and_points_agree(end):
    net = Network([*random_network((2, 6, 4, 2), 1).layers, *end])
    found = linear_regions(net, [(-1, 1), (-1, 1)])
    X = found.centroids
    sums = np.array([path_sums(net, x, 1) for x in X])
    for share in (0.0, 1.9e-14, 2.1e-14):
        one = zeros_in_regions(net, share * sums, found.patterns, 1)
        np.testing.assert_array_equal(one, zeros_at_points(net, share * sums, X, 1))


def test_an_lp_head_and_foreign_layers():
    body = [Affine(np.eye(2), [0.0, 0.0]), ReLU()]
    lp = Network([*body, LpNorm([[1.0, -2.0]], [0.0], p=3)])
    X = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])
    tiny = np.tile([1.9e-14, 3.9e-14], (3, 1))
    assert zeros_at_points(lp, tiny, X, 0).tolist() == [True, False, False]
    assert zeros_at_points(lp, tiny * [0, 1], X, 0).tolist() == [True, True, False]
    assert zeros_at_points(lp, tiny * 0, X, 0).all()

    class Half:
        def __call__(self, X):
            return X / 2

        def pull_back(self, X, out, grad):
            return grad / 2

    foreign = Network([Half(), *body])
    assert zeros_at_points(foreign, tiny, X, 0).tolist() == [False] * 3
    assert zeros_at_points(foreign, tiny * 0, X, 0).all()


def test_where_the_sum_is_beyond_the_floats_only_0_is_zero():
    # paths of 1e308 each, which cancel
    W = np.full((4, 2), 1e154)
    net = ReLUNetwork([W, [[1e154, -1e154, 1e154, -1e154]]], [np.ones(4), [0.0]])
    X = np.ones((2, 2))
    gradients = np.array([[1e250, 0.0], [0.0, 0.0]])
    assert zeros_at_points(net, gradients, X, 0).tolist() == [False, True]
    on = np.ones((2, 4), dtype=bool)
    assert zeros_in_regions(net, gradients, on, 0).tolist() == [False, True]
    # a unit that is off, though its weights are infinite in a product
    assert zeros_in_regions(net, gradients, ~on, 0).tolist() == [False, True]


def test_a_unit_that_is_off_adds_nothing_however_large_its_weights():
    W = [[1.0, 0.0], [1.0, 0.0], [1e200, 0.0]]
    net = ReLUNetwork([W, [[1.0, -1.0, 1e200]]], [[1.0, 1.0, -1e300], [0.0]])
    X, tiny = np.array([[0.5, 0.5]]), np.array([[3.9e-14, 0.0]])
    assert zeros_at_points(net, tiny, X, 0).all()
    assert not zeros_at_points(net, tiny * 1.1, X, 0).any()
    on = np.array([[True, True, False]])
    assert zeros_in_regions(net, tiny, on, 0).all()
    assert not zeros_in_regions(net, tiny * 1.1, on, 0).any()
    # a unit that is 0 is off
    net = ReLUNetwork([np.eye(2), [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    tiny = np.array([[1e-14, 0.0], [1e-14, 0.0]])
    assert zeros_at_points(net, tiny, np.array([[0.0, 1.0], [1.0, 0.0]]), 0).tolist() == [
        False,
        True,
    ]


def test_off_everywhere_is_zero():
    net = random_network((2, 5, 1), 0)
    X = np.random.default_rng(0).normal(size=(9, 2))
    off = ReLUNetwork(net.weights, [net.biases[0] - 1e6, net.biases[1]])
    assert zeros_at_points(off, input_gradients(off, X), X, 0).all()
    assert not zeros_at_points(net, input_gradients(net, X) + 1.0, X, 0).any()
