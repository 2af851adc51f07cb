"""Parameters as one vector, and the names of tensors."""

import numpy as np
import pytest
from builders import random_network
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Network, ReLUNetwork
from geomcore.layers import Affine, ReLU
from geomcore.parameters import flatten, move, selected, split, tensor_names, unflatten

NET = ReLUNetwork([[[1, 2], [3, 4]], [[5, 6]]], [[7, 8], [9]])


# By hand


def test_the_order_is_that_of_packing():
    np.testing.assert_array_equal(flatten(NET), [1, 2, 3, 4, 7, 8, 5, 6, 9])
    np.testing.assert_array_equal(flatten(NET), NET.packed()[0])


def test_layers_without_tensors_do_not_count():
    chain = Network([ReLU(), Affine([[1.0]], [2.0]), ReLU(), ReLU(), Affine([[3.0]], [4.0])])
    assert tensor_names(chain) == ["W1", "b1", "W2", "b2"] == tensor_names(NET)
    np.testing.assert_array_equal(flatten(chain), [1, 2, 3, 4])


def test_a_network_without_tensors_has_no_parameters():
    net = Network([ReLU()])
    assert (tensor_names(net), flatten(net).shape, net.parameter_count) == ([], (0,), 0)
    assert unflatten(net, np.empty(0)) == net


def test_chosen_tensors_are_found_in_the_order_of_the_network():
    assert selected(tensor_names(NET), ["b2", "W1"]) == [0, 3]
    assert selected(tensor_names(NET), None) == [0, 1, 2, 3]


def test_a_vector_with_a_leading_axis_is_cut_for_every_entry():
    parts = split(np.arange(18.0).reshape(2, 9), NET)
    assert [part.shape for part in parts] == [(2, 2, 2), (2, 2), (2, 1, 2), (2, 1)]
    np.testing.assert_array_equal(parts[3], [[8], [17]])


def test_a_tensor_may_be_one_number():
    parts = split(np.array([1.0, 2.0, 3.0]), [(), (2,)])
    assert [part.shape for part in parts] == [(), (2,)]
    np.testing.assert_array_equal(flatten(parts), [1, 2, 3])


# Laws


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.integers(0, 1000))
def test_vectors_and_networks_are_two_forms_of_one_thing(widths, seed):
    net = random_network(widths, seed)
    again = unflatten(net, flatten(net))
    assert again == net and type(again) is ReLUNetwork
    chain = Network(net.layers)
    assert (
        unflatten(chain, flatten(chain)) == chain
        and type(unflatten(chain, flatten(net))) is Network
    )
    assert flatten(split(flatten(net), net)).tobytes() == flatten(net).tobytes()


@given(st.floats(-5, 5), st.integers(0, 1000))
def test_a_move_goes_along_the_vector_and_leaves_the_network(step, seed):
    net = random_network((3, 2, 2), seed)
    v = np.random.default_rng(seed).normal(size=net.parameter_count)
    before = flatten(net).copy()
    np.testing.assert_array_equal(flatten(move(net, v, step)), before + step * v)
    np.testing.assert_array_equal(flatten(net), before)


# Bad input


@pytest.mark.parametrize("chosen", ["W1", [], ["W9"], ["W1", 3], 7, {"W1": 1}, [["W1"]]])
def test_what_names_no_tensor_is_refused(chosen):
    with pytest.raises(ValueError, match="tensors must be a list of some of W1, b1, W2, b2, got"):
        selected(tensor_names(NET), chosen)


def test_a_tensor_that_is_nearly_right_is_answered_with_the_right_one():
    with pytest.raises(ValueError, match=r"got \['b1', 'w2'\], did you mean 'W2'\?"):
        selected(tensor_names(NET), ["b1", "w2"])


@pytest.mark.parametrize("size", [0, 8, 10])
def test_vectors_of_another_length_are_refused(size):
    for name, function in (("vector", unflatten), ("direction", move)):
        with pytest.raises(ValueError, match=f"{name} must have 9 entries, got {size}"):
            function(NET, np.zeros(size))


def test_infinite_parameters_are_refused():
    with pytest.raises(ValueError, match=r"direction must be finite"):
        move(NET, np.where(np.arange(9) == 8, np.inf, 0.0))


def test_only_networks_have_names():
    with pytest.raises(ValueError, match="net must be a Network, got list"):
        tensor_names([NET])
