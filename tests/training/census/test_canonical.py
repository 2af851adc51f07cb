"""The form of a network that the order and the scales of its units do not change."""

from itertools import pairwise, permutations, product

import naive
import numpy as np
import pytest
from builders import random_network, random_points
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from training.census.canonical import canonical

SHAPES = [(2, 1, 1), (2, 3, 2), (1, 2, 3, 1), (3, 2, 2, 2), (2, 3, 2, 3, 1), (2, 2)]
SEEDS = st.integers(0, 2**32 - 1)


def moved(net, rng):
    """The same network with its units in another order and at other scales."""
    weights, biases = [W.copy() for W in net.weights], [b.copy() for b in net.biases]
    for l in range(len(weights) - 1):
        order, scale = rng.permutation(len(biases[l])), np.exp(2 * rng.normal(size=len(biases[l])))
        weights[l] = (scale[:, None] * weights[l])[order]
        biases[l] = (scale * biases[l])[order]
        weights[l + 1] = (weights[l + 1] / scale)[:, order]
    return ReLUNetwork(weights, biases)


def with_unit(net, layer, w, b, v):
    """A network with one more unit in a hidden layer."""
    weights, biases = list(net.weights), list(net.biases)
    weights[layer] = np.vstack([weights[layer], w])
    biases[layer] = np.append(biases[layer], b)
    weights[layer + 1] = np.column_stack([weights[layer + 1], v])
    return ReLUNetwork(weights, biases)


# By hand


def test_units_are_sorted_and_of_norm_one():
    net = ReLUNetwork([[[2.0], [-1.0], [1.0]], [[1.0, 1.0, 1.0]]], [[0.0, 0.5, 2.0], [0.0]])
    found = canonical(net, [[-1.0], [1.0]])
    (units,) = found.units
    np.testing.assert_allclose(np.linalg.norm(units, axis=0), 1)
    # on at both points first, then that which is lower at the first point
    expected = np.array([[1.0, 3.0], [-2.0, 2.0], [1.5, -0.5]]).T
    np.testing.assert_allclose(units, expected / np.linalg.norm(expected, axis=0))
    assert (found.dead, found.idle) == ((0,), (0,))


def test_a_unit_at_rest_is_dead_and_one_that_only_the_dead_read_is_idle():
    W1, W2, W3 = [[1.0], [2.0], [0.0]], [[1.0, 0.0, 1.0], [0.0, -1.0, 5.0]], [[1.0, 3.0]]
    net = ReLUNetwork([W1, W2, W3], [[0.0, 1.0, 0.0], [0.0, -1.0], [0.0]])
    found = canonical(net, [[0.0], [1.0]])
    assert (found.dead, found.idle) == ((1, 1), (1, 0))
    assert [units.shape for units in found.units] == [(2, 1), (2, 1)]


def test_linear_units_that_mix_are_another_network_of_one_family():
    X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    net = ReLUNetwork([np.eye(2), [[1.0, 2.0]]], [[1.0, 1.0], [0.0]])
    Q = np.array([[0.8, 0.3], [0.1, 0.9]])
    other = ReLUNetwork([Q, [[1.0, 2.0]] @ np.linalg.inv(Q)], [Q @ [1.0, 1.0], [0.0]])
    a, b = canonical(net, X), canonical(other, X)
    assert not a.is_same(b) and a.is_same_family(b)
    bent = canonical(ReLUNetwork([np.eye(2), [[1.0, 2.0]]], [[1.0, -0.5], [0.0]]), X)
    assert not a.is_same_family(bent)


def test_networks_of_other_sizes_are_others():
    X = [[0.5], [1.0]]
    nets = [
        ReLUNetwork([[[1.0]]], [[0.0]]),
        ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]]),
        ReLUNetwork([[[1.0], [1.0]]], [[0.0, 0.0]]),
    ]
    for one, other in permutations([canonical(net, X) for net in nets], 2):
        assert not one.is_same(other) and not one.is_same_family(other)
    assert not canonical(nets[0], X).is_same(canonical(nets[0], X[:1]))


def test_equal_outputs_in_another_cell_are_another_family():
    X = [[-1.0], [1.0]]
    one = ReLUNetwork([[[1.0], [-1.0]], [[1.0, -1.0]]], [[0.0, 0.0], [0.0]])
    two = ReLUNetwork([[[1.0], [1.0]], [[0.5, 0.5]]], [[2.0, 2.0], [-2.0]])
    a, b = canonical(one, X), canonical(two, X)
    np.testing.assert_allclose(a.outputs, b.outputs)
    assert not a.is_same(b) and not a.is_same_family(b)


# Against the oracle, which compares parameters in all orders


@given(SEEDS, st.sampled_from(SHAPES[:-1]), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_it_is_the_same_exactly_if_some_order_and_scales_make_the_networks_one(
    seed, widths, is_moved, is_changed
):
    rng = np.random.default_rng(seed)
    # whole numbers, so that units are often dead, idle, or alike but for their scale
    net = ReLUNetwork(
        [rng.integers(-1, 2, size=(m, n)) for n, m in pairwise(widths)],
        [rng.integers(-1, 2, size=m) for m in widths[1:]],
    )
    other = moved(net, rng) if is_moved else net
    if is_changed:
        tensors = [t.copy() for t in other.tensors]
        tensor = tensors[rng.integers(len(tensors))]
        tensor.flat[rng.integers(tensor.size)] += rng.choice([-1.0, 0.25, 1.0])
        other = other.rebuild(tensors)
    X = 2 * np.array(list(product((-1.0, -0.3, 0.4, 1.0), repeat=widths[0])))
    parts = [naive.live_part(n.weights, n.biases, X) for n in (net, other)]
    for weights, biases in parts:
        layers = [naive.relu_layers(weights, biases, x)[:-1] for x in X]
        for l in range(len(weights) - 1):
            read = np.array([np.append(np.maximum(values[l], 0), 1) for values in layers])
            # what no point sees, the oracle does not know of
            assume(np.linalg.matrix_rank(read) == read.shape[1])
    found = [canonical(n, X) for n in (net, other)]
    assert found[0].is_same(found[1]) == naive.same_up_to_units(*parts)


# Laws


@given(SEEDS, st.sampled_from(SHAPES))
@settings(max_examples=40, deadline=None)
def test_order_and_scales_of_units_change_nothing(seed, widths):
    rng = np.random.default_rng(seed)
    net, X = random_network(widths, rng), random_points(12, widths[0], rng)
    a, b = canonical(net, X), canonical(moved(net, rng), X)
    assert a.is_same(b) and a.is_same_family(b) and (a.dead, a.idle) == (b.dead, b.idle)
    for one, two in zip(a.units, b.units, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)


@given(SEEDS, st.sampled_from(SHAPES[1:-1]))
@settings(max_examples=40, deadline=None)
def test_another_last_bias_is_another_network(seed, widths):
    rng = np.random.default_rng(seed)
    net, X = random_network(widths, rng), random_points(12, widths[0], rng)
    tensors = [t.copy() for t in net.tensors]
    size = np.abs(net(X) - net(X).mean(axis=0)).max()
    assume(size > 1e-3 * np.abs(net(X)).max())
    for part, same in ((1e-8, True), (1e-4, False)):
        tensors[-1] = net.tensors[-1] + part * size
        assert canonical(net, X).is_same(canonical(net.rebuild(tensors), X)) == same


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("part", [1e-8, 1e-4])
def test_outputs_are_compared_by_their_size(size, part):
    X = [[0.0], [1.0]]
    first, second = (canonical(ReLUNetwork([[[w]]], [[0.0]]), X) for w in (size, size * (1 + part)))
    same = part < 1e-6
    assert first.is_same(second) == second.is_same(first) == same
    assert first.is_same_family(second) == first.has_same_outputs(second) == same


@given(SEEDS, st.sampled_from(SHAPES[1:-1]), st.integers(0, 1))
@settings(max_examples=40, deadline=None)
def test_units_of_no_account_change_nothing_but_their_number(seed, widths, layer):
    rng = np.random.default_rng(seed)
    layer = min(layer, len(widths) - 3)
    net, X = random_network(widths, rng), random_points(12, widths[0], rng)
    w, v = rng.normal(size=widths[layer]), rng.normal(size=widths[layer + 2])
    a = canonical(net, X)
    size = 1 + np.abs(net.hidden(X)[layer - 1] if layer else X).sum(axis=1).max()
    dead = canonical(with_unit(net, layer, w, -size * np.abs(w).max(), v), X)
    assert a.is_same(dead) and sum(dead.dead) == sum(a.dead) + 1
    idle = canonical(with_unit(net, layer, w, size * np.abs(w).max(), 0 * v), X)
    assert a.is_same(idle) and sum(idle.idle) == sum(a.idle) + 1


def test_what_no_point_sees_is_not_compared():
    X = np.outer([-1.0, 0.5, 2.0], [1.0, 1.0])  # a line in the plane
    net = random_network((2, 3, 1), 4)
    tensors = [t.copy() for t in net.tensors]
    tensors[0] += np.outer([1.0, -2.0, 3.0], [1.0, -1.0])
    other = net.rebuild(tensors)
    assert canonical(net, X).is_same(canonical(other, X))
    X[0, 0] += 0.1
    assert not canonical(net, X).is_same(canonical(other, X))


# Bad input


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"X": [[1.0]]}, "X must"), ({"X": [[np.nan, 1.0]]}, "X must"), ({"rtol": 0}, "rtol must")],
)
def test_wrong_calls_are_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        canonical(**{"net": random_network((2, 2, 1)), "X": [[0.0, 1.0]], **change})


def test_an_offset_of_the_outputs_hides_no_difference():
    X = np.array([[-1.0], [0.2], [1.0], [2.0]])
    a, b = (ReLUNetwork([[[1.0]], [[s]]], [[0.3], [1e7]]) for s in (1.0, -1.0))
    assert not canonical(a, X).is_same(canonical(b, X))
    assert canonical(a, X).is_same(canonical(a, X))


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e3])
def test_units_of_other_slopes_are_others_however_far_the_points_are(offset):
    X = offset + np.array([[0.0], [1.0], [2.0], [3.0]])

    def kinked(at, v=1.0):
        # The same outputs by a unit that is on at all points, with its kink further away.
        return ReLUNetwork([[[1 / v]], [[v]]], [[-at / v], [at]])

    a, b, c = (canonical(net, X) for net in (kinked(-1.0), kinked(-1.5), kinked(-1.0, 4.0)))
    assert a.has_same_outputs(b) and not a.is_same(b)
    assert a.is_same(c) and a.is_same(a)


def test_slopes_are_told_apart_where_pre_activations_differ_by_a_millionth():
    X = 1e6 + np.array([[0.0], [1.0], [2.0], [3.0]])
    a, b = (
        canonical(ReLUNetwork([[[w]], [[1 / w]]], [[1e6 - 1e6 * w], [1e6 - 1e6 / w]]), X)
        for w in (1.0, 1.5)
    )
    gap = np.abs(a.units[0] - b.units[0]).max()
    assert gap < 1e-6 and a.has_same_outputs(b) and not a.is_same(b)


def test_units_that_are_constant_on_the_data_are_the_same_but_for_rounding():
    X = np.array([[-1.0], [0.0], [2.0]])
    a, b = (
        canonical(ReLUNetwork([[[1.0], [w]], [[1.0, 3.0]]], [[0.0, 2.0], [0.0]]), X)
        for w in (1e-13, -1e-13)
    )
    assert a.is_same(b)


@pytest.mark.parametrize("scale", [1e-170, 1e-155, 1e155, 1e160])
def test_units_of_any_scale_are_told_apart(scale):
    X = np.array([[-1.0], [0.2], [1.0]])

    def shifted(b):
        return ReLUNetwork([[[scale]], [[1 / scale]]], [[scale * b], [0.0]])

    assert not canonical(shifted(5.0), X).is_same(canonical(shifted(7.0), X))
    plain = ReLUNetwork([[[1.0]], [[1.0]]], [[5.0], [0.0]])
    found = canonical(shifted(5.0), X)
    assert found.is_same(canonical(plain, X)) and found.dead == (0,)
