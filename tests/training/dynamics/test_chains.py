"""Truncation by many networks at a time."""

from itertools import pairwise

import numpy as np
import pytest
from builders import random_network, random_points, wild_network
from dynamics_by_loops import truncation

from geomcore import ReLUNetwork, truncation_degree
from geomcore.stack import stack
from geomcore.truncation import step_defect, truncation_steps
from training.dynamics.chains import truncations

SHAPES = [(3, 3, 3), (4, 4, 4, 3), (5, 3, 2, 2), (1, 1, 1), (4, 2, 1, 2), (3, 2, 4, 3)]


def truncated(networks, X, index, Q, **options):
    _, params = stack(networks)
    return truncations(params, np.asarray(X, float), np.asarray(index), Q, **options)


# By hand


def test_one_unit_collapses_what_is_below_its_base():
    net = ReLUNetwork([[[2.0]], [[1.0]]], [[-2.0], [0.0]])  # base 1
    found = truncated([net], [[0.0], [1], [2], [5], [-3]], [0, 0, 0, 1, 1], 2)
    assert found.base[0, 0, 0] == 1 and found.rank[0, 0] == 1 and found.condition[0, 0] == 1
    np.testing.assert_allclose(found.backward[0, 0], [2 / 3, 1 / 2])
    np.testing.assert_allclose(found.forward[0, 0], [1 / 3, 1 / 2])
    np.testing.assert_allclose(found.spread[0, 0], [np.sqrt(2) / 3, 2])  # 1, 1, 2 and 5, 1
    np.testing.assert_allclose(found.distance[0, 0], [1 / 3, 2])
    assert np.isnan(found.largest_angle[0, 0]) and found.defect[0, 0] == 0


def test_the_cone_of_a_layer_has_the_angles_of_its_edges():
    edges = np.array([[1.0, 0], [1, 1]])
    net = ReLUNetwork([np.linalg.inv(edges.T), np.eye(2)], [[0.0, 0], [0, 0]])
    found = truncated([net], np.eye(2), [0, 0], 1)
    assert found.largest_angle[0, 0] == pytest.approx(np.pi / 4, rel=1e-14)
    assert found.smallest_angle[0, 0] == found.largest_angle[0, 0]


# Against loops, and against one network at a time


@pytest.mark.parametrize("widths", SHAPES)
def test_it_is_what_loops_over_points_give(widths):
    nets = [random_network(widths, seed, scaled=True) for seed in range(3)]
    X, index = random_points(8, widths[0]), np.arange(8) % 2
    found = truncated(nets, X, index, 2)
    for s, net in enumerate(nets):
        expected = truncation(net.weights, net.biases, X, index, 2)
        for name, value in expected.items():
            got = getattr(found, name)[s]
            np.testing.assert_allclose(got, value, rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("widths", [*SHAPES, (2, 5, 3, 2), (1, 3, 2)])
def test_it_is_what_the_chain_of_each_network_gives(widths):
    nets = [random_network(widths, seed, scaled=True) for seed in range(4)]
    X, index = random_points(40, widths[0]), np.arange(40) % 3
    found = truncated(nets, X, index, 3)
    for s, net in enumerate(nets):
        before = np.hstack([X, np.zeros((40, max(widths[1] - widths[0], 0)))])
        for l, step in enumerate(list(truncation_steps(net, X))[:-1]):
            degree = truncation_degree(step.W, step.b, before, index)
            np.testing.assert_array_equal(found.backward[s, l], degree.backward)
            np.testing.assert_array_equal(found.forward[s, l], degree.forward)
            spreads = [np.sqrt(step.truncated[index == q].var(axis=0).sum()) for q in range(3)]
            np.testing.assert_allclose(found.spread[s, l], spreads, rtol=1e-9, atol=1e-12)
            assert found.rank[s, l] == step.rank
            assert found.condition[s, l] == pytest.approx(step.condition)
            assert found.defect[s, l] == pytest.approx(step_defect(step).defect, abs=1e-10)
            base = -np.linalg.pinv(step.W) @ step.b
            np.testing.assert_allclose(found.base[s, l], base[: widths[0]], atol=1e-9)
            assert found.largest_angle[s, l] <= np.pi or widths[l + 1] == 1
            before = step.truncated


# Laws


def test_scaling_the_units_changes_only_the_defect():
    net, X, index = random_network((3, 3, 3, 2), 5), random_points(20, 3), np.arange(20) % 2
    (U, V, W), (a, b, c) = net.weights, net.biases
    scaled = ReLUNetwork([1e250 * U, V / 1e250, W], [1e250 * a, b, c])
    found = truncated([net, scaled], X, index, 2)
    for name, value in found._asdict().items():
        if name != "defect":
            np.testing.assert_allclose(value[1], value[0], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("exponent", [-600, 600, 1000])
def test_points_and_biases_of_any_size_scale_lengths_and_no_more(exponent):
    net, X, index = random_network((3, 3, 3, 2), 5), random_points(20, 3), np.arange(20) % 2
    scaled = ReLUNetwork(net.weights, [np.ldexp(b, exponent) for b in net.biases])
    found, far = truncated([net], X, index, 2), truncated([scaled], np.ldexp(X, exponent), index, 2)
    for name, value in found._asdict().items():
        lengths = name in ("spread", "distance", "base", "defect")
        expected = np.ldexp(value, exponent) if lengths else value
        np.testing.assert_array_equal(getattr(far, name), expected, err_msg=name)


def test_the_networks_beside_it_have_no_influence():
    nets = [random_network((3, 4, 2, 2), seed) for seed in range(5)]
    X, index = random_points(10, 3), np.arange(10) % 2
    together = truncated(nets, X, index, 2)
    for s, net in enumerate(nets):
        for got, alone in zip(together, truncated([net], X, index, 2), strict=True):
            np.testing.assert_allclose(got[s], alone[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", range(40))
def test_networks_of_any_size_have_sectors_that_add_up(seed):
    rng = np.random.default_rng(seed)
    net = wild_network(rng)
    X = rng.choice([1, 1e150, 1e-150, 1e300]) * random_points(7, net.widths[0], seed)
    found = truncated([net], X, np.arange(7) % 2, 2)
    total = found.backward + found.forward + found.mixed
    lost = np.isnan(total)
    assert lost.all() or not lost.any()
    np.testing.assert_allclose(total[~lost], 1, rtol=1e-15)
    assert (found.rank[~lost.any(axis=2)] >= 0).all()


# Degenerate


def test_a_rank_deficient_layer_has_a_defect_and_dead_points_are_those_of_the_network():
    weights = [np.eye(2), [[1.0, 1.0], [-1.0, -1.0]], np.eye(2), np.eye(2)]
    net = ReLUNetwork(weights, [[0.0, 0], [-1, 0], [0, 0], [0, 0]])
    found = truncated([net], [[2.0, 3.0], [0.2, 0.2]], [0, 1], 2)
    assert found.rank[0].tolist() == [2, 1, 1] and np.isinf(found.condition[0, 1:]).all()
    assert found.defect[0, 0] == 0 and found.defect[0, 1] > 1
    assert found.smallest_angle[0, 1] == pytest.approx(np.pi)  # of two opposite vectors
    # (4, 0) is on at layer 3 of the network; (0, 0) is off at layer 2, and stays so
    assert found.dead[0].tolist() == [[0, 0], [0, 1], [0, 1]]


@pytest.mark.parametrize("widths", [(3, 2, 2), (2, 4, 2)])
def test_a_layer_without_weights_truncates_all_to_the_origin(widths):
    zero = [np.zeros((m, n)) for n, m in pairwise(widths)]
    net = ReLUNetwork(zero, [-np.ones(m) for m in widths[1:]])
    found = truncated([net], random_points(6, widths[0]), np.zeros(6, int), 1)
    if widths[1] <= widths[0]:
        assert found.rank[0, 0] == 0 and np.isnan(found.largest_angle[0, 0])
        assert found.spread[0, 0, 0] == 0
    assert found.backward[0, 0, 0] == 1 and not found.base.any()


def test_what_overflows_is_nan_and_leaves_the_others_alone():
    small = random_network((2, 2, 2, 2), 1)
    large = ReLUNetwork([1e200 * W for W in small.weights], small.biases)
    scales = (1e-200, 1e200, 1.0)  # cumulative weights of size 1, and biases beyond all floats
    weights = [scale * W for scale, W in zip(scales, small.weights, strict=True)]
    shifted = ReLUNetwork(weights, [1e200 * small.biases[0], *small.biases[1:]])
    X, index = random_points(6, 2), np.zeros(6, int)
    nets = [small, large, shifted]
    found, alone = truncated(nets, X, index, 1), truncated([small], X, index, 1)
    for together, one in zip(found, alone, strict=True):
        np.testing.assert_allclose(together[0], one[0], rtol=1e-12)
        assert np.isnan(together[1:]).all()


@pytest.mark.parametrize("size", [1e-290, 1e-150])
def test_a_product_of_small_weights_keeps_its_rank(size):
    net = random_network((3, 3, 3, 2), 4)
    zero = [np.zeros_like(b) for b in net.biases]
    usual = truncated([ReLUNetwork(net.weights, zero)], random_points(9, 3), np.arange(9) % 2, 2)
    small = ReLUNetwork([size * W for W in net.weights], zero)
    found = truncated([small], random_points(9, 3), np.arange(9) % 2, 2)
    for name in ("rank", "backward", "mixed"):
        np.testing.assert_array_equal(getattr(found, name), getattr(usual, name))
    np.testing.assert_allclose(found.condition, usual.condition, rtol=1e-9)
    np.testing.assert_allclose(found.spread, usual.spread, rtol=1e-9)
