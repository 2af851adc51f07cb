"""Many networks of one shape: their passes against those of single networks."""

import naive
import numpy as np
import pytest
from builders import random_network

from geomcore import Network, ReLUNetwork
from geomcore.layers import Affine, ReLU
from geomcore.parameters import flatten, split
from geomcore.stack import stack

T, N = 3, 6


def networks(widths=(3, 4, 2)):
    rng = np.random.default_rng(0)
    return [random_network(widths, rng) for _ in range(T)]


def loss_gradient(stacked, params, X, Y):
    outputs = stacked.forward(params, X)
    return stacked.backward(params, outputs, 2 * (outputs[-1] - Y))


# Against the naive oracle


def test_outputs_are_those_of_the_loops():
    nets, X = networks(), np.random.default_rng(1).normal(size=(N, 3))
    stacked, params = stack(nets)
    found = stacked.output(params, X)
    assert found.shape == (T, N, 2)
    for net, outputs in zip(nets, found, strict=True):
        expected = [naive.relu_layers(net.weights, net.biases, x)[-1] for x in X]
        np.testing.assert_allclose(outputs, expected, rtol=1e-12)
    np.testing.assert_array_equal(stacked.forward(params, X)[-1], found)


def test_products_with_the_second_derivative_are_limits_of_difference_quotients():
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(N, 3)), rng.normal(size=(N, 2))
    stacked, params = stack(networks())
    dparams = [rng.normal(size=p.shape) for p in params]
    outputs = stacked.forward(params, X)
    tangents = stacked.tangents(params, outputs, dparams)
    assert [t.shape for t in tangents[1:]] == [out.shape for out in outputs[1:]]
    found = stacked.backward_tangent(
        params, outputs, 2 * (outputs[-1] - Y), dparams, tangents, 2 * tangents[-1]
    )
    ends = []
    for t in (1e-6, -1e-6):
        moved = [p + t * d for p, d in zip(params, dparams, strict=True)]
        ends.append(flatten(loss_gradient(stacked, moved, X, Y)))
    np.testing.assert_allclose(flatten(found), (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-4)


# Laws


def test_second_derivatives_are_symmetric():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(N, 3)), rng.normal(size=(N, 2))
    stacked, params = stack(networks()[:1])
    outputs = stacked.forward(params, X)

    def product(vector):
        dparams = [part[None] for part in split(vector, stacked.template)]
        tangents = stacked.tangents(params, outputs, dparams)
        return flatten(
            stacked.backward_tangent(
                params, outputs, 2 * (outputs[-1] - Y), dparams, tangents, 2 * tangents[-1]
            )
        )

    P = stacked.template.parameter_count
    H = np.stack([product(e) for e in np.eye(P)])
    np.testing.assert_allclose(H, H.T, rtol=1e-10, atol=1e-10)


def test_networks_come_back_as_they_were():
    nets = networks()
    stacked, params = stack(nets)
    assert [stacked.network(params, t) for t in range(T)] == nets
    assert stacked.names == ("W1", "b1", "W2", "b2")
    chains = [Network(net.layers) for net in nets]
    stacked, params = stack(chains)
    assert type(stacked.network(params, 0)) is Network and stacked.network(params, 1) == chains[1]


def test_patterns_are_those_of_each_network_also_before_the_first_tensors():
    X = np.random.default_rng(4).normal(size=(N, 3))
    nets = [Network([ReLU(), *net.layers, ReLU()]) for net in networks()]
    stacked, params = stack(nets)
    found = stacked.patterns(stacked.forward(params, X))
    assert found.shape == (T, N, 3 + 4 + 2)
    for net, pattern in zip(nets, found, strict=True):
        values, active = X, []
        for layer in net.layers:
            values = layer(values)
            active += [values > 0] if isinstance(layer, ReLU) else []
        np.testing.assert_array_equal(pattern, np.hstack(active))


# Bad input


class Square:
    """A layer of a user, without the calculus."""

    def __call__(self, X):
        return X**2

    def pull_back(self, X, out, grad):
        return 2 * X * grad


class Otherwise(ReLUNetwork):
    """A network of a user whose layers are not those of its tensors."""

    @property
    def layers(self):
        return (ReLU(), *super().layers)


@pytest.mark.parametrize(
    ("nets", "message"),
    [
        ([], "networks must be a non-empty list"),
        (networks()[0], "networks must be a non-empty list"),
        ([networks()[0], networks((3, 5, 2))[0]], r"networks\[1\] must have the shape"),
        ([networks()[0], 3], r"networks\[1\] must be a Network, got int"),
        ([Network([Affine([[1.0]], [0.0]), Square()])], "a layer that cannot be trained"),
        ([Network([ReLU()])], "net must have tensors"),
        ([Otherwise([[[1.0]]], [[0.0]])], "net must have the layers that it was made of"),
        (
            [networks()[0], Network(networks()[1].layers)],
            r"networks\[1\] must have the shape of the others, got Network",
        ),
    ],
)
def test_what_cannot_be_stacked_is_named(nets, message):
    with pytest.raises(ValueError, match=message):
        stack(nets)
