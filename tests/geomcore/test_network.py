import copy
import pickle

import naive
import numpy as np
import pytest
from builders import random_network
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Network, ReLUNetwork
from geomcore.layers import Affine, Layer, ReLU

SEEDS = st.integers(0, 10**6)


def test_the_absolute_value_is_a_network():
    net = ReLUNetwork([[[1], [-1]], [[1, 1]]], [[0, 0], [0]])
    np.testing.assert_array_equal(net([[-2], [3]]), [[2], [3]])
    np.testing.assert_array_equal(net.hidden([[-2], [3]])[0], [[0, 2], [3, 0]])
    assert net.widths == (1, 2, 1)
    assert net.parameter_count == 7


def test_packing_writes_rows_of_weights_and_then_biases_layer_by_layer():
    parameters, widths = ReLUNetwork([[[1, 2], [3, 4]], [[5, 6]]], [[7, 8], [9]]).packed()
    np.testing.assert_array_equal(parameters, [1, 2, 3, 4, 7, 8, 5, 6, 9])
    np.testing.assert_array_equal(widths, [2, 2, 1])
    assert widths.dtype == np.int64


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), SEEDS)
def test_outputs_and_hidden_layers_are_those_of_the_loops(widths, seed):
    net = random_network(widths, seed)
    X = np.random.default_rng(seed).normal(size=(4, widths[0]))
    hidden = net.hidden(X)
    assert len(hidden) == len(widths) - 2
    for i, (x, y) in enumerate(zip(X, net(X), strict=True)):
        values = naive.relu_layers(net.weights, net.biases, x)
        np.testing.assert_allclose(y, values[-1], rtol=1e-10, atol=1e-10)
        for found, z in zip(hidden, values[:-1], strict=True):
            np.testing.assert_allclose(found[i], np.maximum(z, 0), rtol=1e-10, atol=1e-10)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), SEEDS)
def test_the_chain_of_layers_is_the_network(widths, seed):
    net = random_network(widths, seed)
    X = np.random.default_rng(seed).normal(size=(4, widths[0]))
    assert len(net.layers) == 2 * len(widths) - 3
    np.testing.assert_allclose(Network(net.layers)(X), net(X), rtol=1e-12, atol=1e-12)


@given(st.floats(1e-3, 1e3), SEEDS)
def test_scaling_a_hidden_layer_and_unscaling_the_next_changes_nothing(factor, seed):
    net = random_network((3, 4, 2), seed)
    (V, W), (b, c) = net.weights, net.biases
    X = np.random.default_rng(seed).normal(size=(5, 3))
    scaled = ReLUNetwork([factor * V, W / factor], [factor * b, c])
    np.testing.assert_allclose(scaled(X), net(X), rtol=1e-9, atol=1e-9)


def test_networks_are_equal_if_their_parameters_are():
    assert random_network((2, 3, 1)) == random_network((2, 3, 1))
    assert random_network((2, 3, 1)) != random_network((2, 3, 1), 1)
    assert random_network((2, 3, 1)) != random_network((2, 3, 3, 1))
    assert random_network((2, 3, 1)) != "network"


def test_parameters_are_read_only_copies():
    W = np.eye(2)
    net = ReLUNetwork([W], [[0, 0]])
    W[:] = 5
    np.testing.assert_array_equal(net.weights[0], np.eye(2))
    with pytest.raises(ValueError, match="read-only"):
        net.weights[0][0, 0] = 1
    with pytest.raises(AttributeError):
        net.weights = ()
    net.packed()[0][:] = 3
    np.testing.assert_array_equal(net.weights[0], np.eye(2))


def test_calls_leave_the_points_alone():
    net = random_network((2, 3, 1))
    X = np.ones((4, 2))
    net(X)
    net.hidden(X)
    np.testing.assert_array_equal(X, 1)


@pytest.mark.parametrize("widths", [(2, 1), (2, 3, 1)])
def test_float32_points_give_float32_outputs(widths):
    net = random_network(widths)
    X = np.ones((3, 2), np.float32)
    assert net(X).dtype == np.float32
    assert all(x.dtype == np.float32 for x in net.hidden(X))
    assert Network(net.layers)(X).dtype == np.float32
    assert net.packed(np.float32)[0].dtype == np.float32
    np.testing.assert_allclose(net(X), net(X.astype(float)), rtol=1e-5)


def test_no_points_give_no_outputs():
    net = random_network((2, 3, 4))
    assert net(np.empty((0, 2))).shape == (0, 4)
    assert net.hidden(np.empty((0, 2)))[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], [], "weights must hold at least one"),
        ([np.eye(2)], [], "biases must"),
        (np.ones((1, 2, 2)), [[0, 0]], "weights must be a list"),
        ([np.eye(2), np.eye(3)], [[0, 0], [0, 0, 0]], r"weights\[1\] must have 2 columns"),
        ([np.eye(2)], [[0, 0, 0]], r"biases\[0\] must have one entry per row of weights\[0\]"),
        ([np.eye(2)], [[0, np.nan]], r"biases\[0\] must be finite"),
        ([[[1, 2], [3]]], [[0, 0]], r"weights\[0\] must be a rectangular array, its rows"),
        ([[["a"]]], [[0]], r"weights\[0\] must hold real numbers"),
        ([np.empty((0, 2))], [[]], r"weights\[0\] must not be empty"),
    ],
)
def test_layers_that_do_not_chain_are_refused(weights, biases, message):
    with pytest.raises(ValueError, match=message):
        ReLUNetwork(weights, biases)


@pytest.mark.parametrize("X", [[[1, 2, 3]], [1, 2], [[np.nan, 0]], [["a", "b"]], [[1j, 0]]])
def test_points_that_do_not_fit_are_refused(X):
    for function in (random_network((2, 3, 1)), random_network((2, 3, 1)).hidden):
        with pytest.raises(ValueError, match="X must"):
            function(X)


def test_weights_beyond_float32_are_refused_for_float32_points():
    net = ReLUNetwork([[[1e60]]], [[0]])
    with pytest.raises(ValueError, match=r"weights\[0\] must fit float32"):
        net(np.ones((1, 1), np.float32))


def test_widths_and_names_of_a_chain_are_those_of_its_layers():
    chain = Network([ReLU(), Affine([[1, 2]], [3]), ReLU(), Affine([[4]], [5])])
    assert (chain.widths, chain.names) == ((2, 1, 1), ("W1", "b1", "W2", "b2"))
    assert repr(chain) == "Network(ReLU(), Affine(2 -> 1), ReLU(), Affine(1 -> 1))"
    assert (Network([ReLU()]).widths, Network([ReLU()]).names) == ((None,), ())


def test_a_relu_network_is_the_chain_of_its_layers():
    net = random_network((2, 3, 1))
    assert net == Network(net.layers) and Network(net.layers) == net
    assert Network(net.layers).widths == net.widths
    assert Network(net.layers[:-1]) != net


class Tripled:
    """A layer of a user, which tells nothing of its width."""

    def __call__(self, X):
        return np.repeat(X, 3, axis=1)

    def pull_back(self, X, out, grad):
        return grad.reshape(len(X), -1, 3).sum(axis=2)


def test_a_layer_that_does_not_tell_its_width_is_taken_at_its_word():
    chain = Network([Affine([[1.0, 1.0]], [0.0]), Tripled(), Affine(np.eye(3), np.zeros(3))])
    assert chain.widths == (2, 1, None, 3)
    np.testing.assert_array_equal(chain([[1.0, 2.0]]), [[3, 3, 3]])
    assert Network([Tripled(), Affine([[1.0]], [0.0])]).widths == (None, None, 1)


def test_copies_of_networks_stay_read_only():
    for net in (random_network((2, 3, 1)), Network([Affine([[1.0]], [2.0])])):
        for copied in (copy.deepcopy(net), copy.copy(net), pickle.loads(pickle.dumps(net))):
            assert copied == net and type(copied) is type(net)
            assert not any(tensor.flags.writeable for tensor in copied.tensors)


def test_integers_are_points_too():
    np.testing.assert_array_equal(Affine([[0.5]], [0.5])(np.array([[1]])), [[1.0]])
    pulled = Affine([[0.5]], [0.5]).pull_back(np.array([[1]]), np.array([[1]]), np.array([[3]]))
    np.testing.assert_array_equal(pulled, [[1.5]])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_network_is_rebuilt_from_all_of_its_tensors(count):
    chain = Network([Affine([[1.0]], [0.0])])
    with pytest.raises(ValueError, match=f"tensors must be W1, b1, got {count} of them"):
        chain.rebuild([np.ones((1, 1)), np.ones(1), np.ones(1)][:count])


def test_widths_must_chain():
    with pytest.raises(
        ValueError, match=r"layers\[2\] must take 3 inputs, .* got Affine\(2 -> 1\)"
    ):
        Network([Affine(np.ones((3, 2)), np.ones(3)), ReLU(), Affine([[1, 2]], [3])])


def test_a_chain_holds_layers_only():
    with pytest.raises(ValueError, match=r"layers\[1\] must be a layer"):
        Network([ReLU(), np.tanh])
    with pytest.raises(ValueError, match=r"layers\[0\] must be a layer"):
        Network([ReLU])

    class Bare(Layer):
        def forward(self, tensors, X):
            return X

    with pytest.raises(ValueError, match=r"layers\[0\] must be a dataclass, got Bare"):
        Network([Bare()])
    with pytest.raises(ValueError, match="layers must hold at least one"):
        Network([])
    with pytest.raises(ValueError, match="b must have one entry per row"):
        Affine([[1, 2]], [1, 2])


def test_the_first_layers_are_a_network():
    net = ReLUNetwork([np.eye(2), [[1, -1]], [[2]]], [[0, 0], [-1], [3]])
    X = [[3.0, 1.0], [1.0, 3.0]]
    np.testing.assert_array_equal(net[:3](X), [[1], [-3]])
    np.testing.assert_array_equal(net[:4](X), net.hidden(X)[1])
    assert net[:] == net and net[:3].widths == (2, 2, 1)
    np.testing.assert_array_equal(net[3:]([[-3.0], [4.0]]), [[3], [11]])


@pytest.mark.parametrize("part", [0, -1, slice(3, 3), slice(None, None, 2), slice(9, None), "W1"])
def test_what_is_no_slice_of_layers_is_refused(part):
    net = ReLUNetwork([np.eye(2), [[1, -1]]], [[0, 0], [-1]])
    with pytest.raises(ValueError, match="layers must be a slice that holds some of 3"):
        net[part]
    with pytest.raises(TypeError):
        list(net)
