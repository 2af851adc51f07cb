"""Layers of one size: the same function to the last bit, and fewer steps."""

import numpy as np
import pytest
from builders import random_start
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import construct, merged
from geomcore import datasets
from geomcore.arrays import as_labels
from geomcore.layers import ReLU
from geomcore.network import Network, ReLUNetwork
from training.descent.curvature import largest_curvature
from training.descent.losses import CrossEntropy, SquaredError
from training.study.planning.balance import (
    balanced_for_descent,
    curvature_by_layer,
    reported,
)

DATA = datasets.clusters(n=30, classes=3, rng=0)
LABELS = as_labels(DATA.y, len(DATA.X))


def scaled(net, exponents):
    weights, biases, down = [], [], 1.0
    for W, b, k in zip(net.weights, net.biases, [*exponents, 0], strict=True):
        weights.append(W * (2.0**k / down))
        biases.append(b * 2.0**k)
        down = 2.0**k
    return ReLUNetwork(weights, biases)


def hessian_trace(net, X):
    """Trace of the Gauss-Newton matrix by layer, from difference quotients in each parameter."""
    found = []
    for l in range(len(net.weights)):
        parts = []
        for kind in ("weights", "biases"):
            total, size = 0.0, 1e-6
            for place in np.ndindex(getattr(net, kind)[l].shape):
                ends = []
                for sign in (1, -1):
                    tensors = {"weights": list(net.weights), "biases": list(net.biases)}
                    moved = tensors[kind][l].copy()
                    moved[place] += sign * size
                    tensors[kind][l] = moved
                    ends.append(ReLUNetwork(tensors["weights"], tensors["biases"])(X))
                total += 2 * (((ends[0] - ends[1]) / (2 * size)) ** 2).sum() / len(X)
            parts.append(total)
        found.append(parts)
    return np.array(found)


# By hand


def test_two_numbers_far_apart_meet():
    net = ReLUNetwork([[[2.0**10]], [[2.0**-10]]], [[0.0], [0.0]])
    X = np.array([[1.0], [2.0]])
    labels = as_labels(X, 2)
    found = balanced_for_descent(net, X, labels, SquaredError())
    assert found.exponents == (-10,)
    assert found.network.weights[0] == found.network.weights[1] == 1.0


def test_a_merge_of_all_classes_needs_nothing():
    # All its activations are off: what the hidden layers are does not matter to the loss.
    net = merged(DATA.X, DATA.y, [[0, 1, 2]]).network
    assert balanced_for_descent(net, DATA.X, LABELS, SquaredError()).exponents == ()


@pytest.mark.parametrize(
    ("net", "loss"),
    [
        (ReLUNetwork([np.eye(3)], [np.zeros(3)]), SquaredError()),
        (random_start((3, 4, 3)), CrossEntropy()),
        (Network([*random_start((3, 4, 3)).layers, ReLU()]), SquaredError()),
        (ReLUNetwork([1e200 * np.eye(3)] * 3, [np.zeros(3)] * 3), SquaredError()),
    ],
)
def test_what_cannot_be_balanced_is_left_alone(net, loss):
    assert balanced_for_descent(net, DATA.X, LABELS, loss) == (net, ())


# Against the naive oracle


def test_traces_are_those_of_difference_quotients():
    net = random_start((3, 5, 4, 2))
    weights = np.full(len(DATA.X), 1 / len(DATA.X))
    found = curvature_by_layer(net, DATA.X, weights)
    np.testing.assert_allclose(found, hessian_trace(net, DATA.X), rtol=1e-5)


# Laws


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.lists(st.integers(-25, 25), min_size=4, max_size=4),
)
def test_the_function_is_the_same_to_the_last_bit(seed, hidden, exponents):
    rng = np.random.default_rng(seed)
    widths = [3, *hidden, 3]
    pairs = list(zip(widths[1:], widths[:-1], strict=True))
    net = ReLUNetwork(
        [rng.normal(size=pair) for pair in pairs], [rng.normal(size=m) for m, _ in pairs]
    )
    unequal = scaled(net, exponents[: len(hidden)])
    found = balanced_for_descent(unequal, DATA.X, LABELS, SquaredError())
    points = np.vstack([DATA.X, 100 * rng.normal(size=(50, 3))])
    np.testing.assert_array_equal(found.network(points), unequal(points))
    assert all(isinstance(k, int) for k in found.exponents)


@pytest.mark.parametrize("name", ["sequential", "single_cone", "iris"])
def test_constructions_need_fewer_steps_after_it(name):
    make = getattr(datasets, name)
    data = make() if name == "iris" else make(rng=0)
    net = construct(data.X, data.y).network
    found = reported(net, data.X, as_labels(data.y, len(data.X)), SquaredError())
    np.testing.assert_array_equal(found.network(data.X), net(data.X))
    before, after = (a / b for a, b in zip(found.largest, found.slowest, strict=True))
    assert after < 1.2 * before
    if name != "single_cone":
        assert after < 0.01 * before
    expected = largest_curvature(found.network, data.X, data.y, rtol=1e-2)
    assert found.largest[1] == pytest.approx(expected)
    assert max(map(len, found.in_words("zero loss").splitlines())) <= 80
