import numpy as np
import pytest
from builders import random_network

from geomcore.interop.chain import Chain
from geomcore.interop.state import add_linear_layers

KINDS = ("weight", "bias")
NET = random_network((3, 4, 4, 2))


def state(names, net=NET):
    pairs = zip(names, net.weights, net.biases, strict=True)
    return {f"{n}.{k}": part for n, *pair in pairs for k, part in zip(KINDS, pair, strict=True)}


def built(tensors, **given):
    chain = Chain("file")
    add_linear_layers(chain, tensors, **given)
    return chain.network()


@pytest.mark.parametrize(
    "names",
    [["0", "2", "10"], ["a.9.fc", "a.10.fc", "a.11.fc"], ["in", "mid", "out"]],
)
def test_the_order_of_layers_is_told_by_numbers_or_else_by_widths(names):
    tensors = state(names)
    for order in (sorted(tensors), sorted(tensors, reverse=True)):
        assert built({name: tensors[name] for name in order}, in_order=False) == NET


def test_the_order_of_a_state_dict_is_that_of_its_entries():
    assert built(state(["z", "y", "x"]), in_order=True) == NET


def test_biases_may_be_missing():
    net = built({"fc.weight": np.array([[1.0, 2.0]])}, in_order=False)
    np.testing.assert_array_equal(net.biases[0], [0])


def test_layers_in_no_clear_order_are_refused():
    square = random_network((3, 3, 3))
    with pytest.raises(ValueError, match=r"layers \['in', 'out'\] have no order that is clear"):
        built(state(["in", "out"], square), in_order=False)
    many = random_network((2,) * 10)
    with pytest.raises(ValueError, match="have no order that is clear"):
        built(state([*"abcdefghi"], many), in_order=False)


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({}, "it holds no tensor"),
        ({"bn.running_mean": np.ones(2)}, r"tensor 'bn.running_mean' \(2,\) is no linear layer's"),
        ({"conv.weight": np.ones((1, 1, 3, 3))}, r"tensor 'conv.weight' \(1, 1, 3, 3\) is no"),
        ({"fc.bias": np.ones(2)}, "tensor 'fc.bias' has no weights beside it"),
        ({"weight": np.ones(2)}, r"tensor 'weight' \(2,\) is no linear"),
        (
            {"0.weight": np.ones((2, 2)), "2.weight": np.ones((1, 3))},
            "layer '2' takes 3 numbers, 2 come",
        ),
    ],
)
def test_other_tensors_are_refused_by_name(tensors, sentence):
    with pytest.raises(ValueError, match=sentence):
        built(tensors, in_order=False)
