import naive
import numpy as np
import pytest
from builders import random_network
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Network, ReLUNetwork, cumulative_parameters, layer_parameters
from geomcore.layers import ReLU

WIDTHS = [(1, 1), (3, 3, 3), (4, 3, 2, 2), (2, 5, 3), (3, 1, 1), (1, 2, 2, 1), (20, 20, 10, 4)]


def assert_same_parameters(found, wanted, rtol=1e-9):
    for p, q in zip(found[0] + found[1], wanted[0] + wanted[1], strict=True):
        np.testing.assert_allclose(p, q, rtol=rtol, atol=rtol * max(1, np.abs(q).max()))


def test_the_second_layer_multiplies_and_shifts_the_first():
    net = ReLUNetwork([[[1, 2], [0, 1]], [[1, -1]]], [[1, 0], [10]])
    Ws, bs = cumulative_parameters(net)
    np.testing.assert_array_equal(Ws[1], [[1, 1]])
    np.testing.assert_array_equal(bs[1], [11])


def test_layers_of_a_product_of_diagonal_matrices_are_its_quotients():
    net = layer_parameters([np.diag([2.0, 4]), np.diag([6.0, 2])], [[1, 1], [3, 0.5]])
    np.testing.assert_allclose(net.weights[1], np.diag([3, 0.5]))
    np.testing.assert_allclose(net.biases[1], [0, 0], atol=1e-15)


@pytest.mark.parametrize("widths", WIDTHS)
def test_cumulative_parameters_are_those_of_the_composed_affine_maps(widths):
    net = random_network(widths)
    assert_same_parameters(cumulative_parameters(net), naive.composed(net.weights, net.biases))


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(0, 10**6))
def test_layer_parameters_have_the_given_cumulative_parameters(widths, seed):
    wanted = cumulative_parameters(random_network(widths, seed))
    assert_same_parameters(cumulative_parameters(layer_parameters(*wanted)), wanted, 1e-6)


@given(st.integers(0, 10**6))
def test_layers_come_back_as_long_as_the_widths_do_not_grow(seed):
    net = random_network((5, 4, 4, 2), seed)
    found = layer_parameters(*cumulative_parameters(net))
    sizes = [np.linalg.cond(W) for W in cumulative_parameters(net)[0]]
    for W, V in zip(found.weights, net.weights, strict=True):
        np.testing.assert_allclose(W, V, atol=1e-11 * max(sizes) * np.abs(V).max())


def test_layers_of_a_rank_deficient_network_are_found():
    rng = np.random.default_rng(3)
    low = rng.normal(size=(4, 2)) @ rng.normal(size=(2, 4))
    net = ReLUNetwork(
        [low, rng.normal(size=(4, 4)), rng.normal(size=(2, 4))], [np.ones(4)] * 2 + [[0, 1]]
    )
    wanted = cumulative_parameters(net)
    assert_same_parameters(cumulative_parameters(layer_parameters(*wanted)), wanted)


def test_a_zero_layer_is_followed_by_zero_layers_only():
    zero = np.zeros((2, 2))
    net = layer_parameters([zero, zero], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(net.weights[1], zero)
    with pytest.raises(ValueError, match=r"Ws\[1\].*rank 0.*fraction 1"):
        layer_parameters([zero, np.eye(2)], [[1, 2], [3, 4]])


def test_an_ill_conditioned_square_layer_is_inverted():
    A = np.diag([1.0, 1e-12])
    net = layer_parameters([A, np.eye(2)], [[0, 0], [0, 0]])
    np.testing.assert_allclose(net.weights[1] @ A, np.eye(2), atol=1e-15)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_layer_parameters_do_not_depend_on_the_unit_of_length(scale):
    Ws, bs = cumulative_parameters(random_network((4, 3, 2)))
    found = layer_parameters([scale * W for W in Ws], bs)
    np.testing.assert_allclose(found.weights[1], layer_parameters(Ws, bs).weights[1])


@given(st.integers(-500, 500), st.integers(-500, 500), st.integers(0, 10**6))
def test_layers_of_any_size_are_found_or_refused_as_those_of_size_one(first, second, seed):
    rng = np.random.default_rng(seed)
    A, W = rng.normal(size=(2, 3)), rng.normal(size=(2, 2))
    inside, outside = W @ A, rng.normal(size=(1, 3))
    zeros = np.zeros(2)
    plain = layer_parameters([A, inside], [zeros, zeros]).weights[1]
    moved = layer_parameters([np.ldexp(A, first), np.ldexp(inside, second)], [zeros, zeros])
    np.testing.assert_array_equal(moved.weights[1], np.ldexp(plain, second - first))
    with pytest.raises(ValueError, match="must have its rows in the row space"):
        layer_parameters([np.ldexp(A, first), np.ldexp(outside, second)], [zeros, zeros[:1]])


def test_results_are_copies_the_network_does_not_share():
    net = random_network((2, 2))
    Ws, bs = cumulative_parameters(net)
    Ws[0][:] = 0
    bs[0][:] = 0
    assert net.weights[0].all() and net.biases[0].all()


def test_rows_outside_the_row_space_are_refused_naming_layer_and_size():
    with pytest.raises(ValueError, match=r"Ws\[1\] .* row space of Ws\[0\] \(rank 1.*0\.707"):
        layer_parameters([[[1, 0]], [[1, 1]]], [[0], [0]])


@pytest.mark.parametrize("size", [5e-324, 1e-170, 1e-155, 1e170, 1e308])
def test_small_and_large_rows_outside_the_row_space_are_refused_too(size):
    with pytest.raises(ValueError, match="a fraction 1 of it lies outside"):
        layer_parameters([[[1.0, 0.0]], [[0.0, size]]], [[0.0], [0.0]])
    with pytest.raises(ValueError, match="a fraction 1 of it lies outside"):
        layer_parameters([[[size, 0.0]], [[0.0, 1.0]]], [[0.0], [0.0]])


def test_weights_that_would_overflow_are_refused():
    with pytest.raises(ValueError, match="overflow"):
        layer_parameters([[[1e-200]], [[1e200]]], [[0.0], [0.0]])


def test_the_residual_may_be_as_large_as_a_looser_rtol_allows():
    Ws = [[[1, 0]], [[1, 1e-9]]]
    with pytest.raises(ValueError, match="row space"):
        layer_parameters(Ws, [[0], [0]])
    net = layer_parameters(Ws, [[0], [0]], rtol=1e-8)
    np.testing.assert_allclose(net.weights[1], [[1]])


@pytest.mark.parametrize(
    ("Ws", "bs", "message"),
    [
        ([np.eye(2)], [], "bs must"),
        ([], [], "Ws must hold at least one"),
        (np.ones((2, 2, 2)), np.ones((2, 2)), "Ws must be a list"),
        ([np.eye(2), np.eye(3)], [[0, 0], [0, 0, 0]], r"Ws\[1\] must have 2 columns"),
        ([np.eye(2)], [[0, 0, 0]], r"bs\[0\]"),
        ([[[1, np.nan]]], [[0]], r"Ws\[0\] must be finite"),
    ],
)
def test_cumulative_parameters_that_do_not_fit_together_are_refused(Ws, bs, message):
    with pytest.raises(ValueError, match=message):
        layer_parameters(Ws, bs)


@pytest.mark.parametrize("rtol", [-1, 1, np.nan, "small"])
def test_an_rtol_out_of_range_is_refused(rtol):
    with pytest.raises(ValueError, match="rtol must be"):
        layer_parameters([np.eye(2), np.eye(2)], [[0, 0]] * 2, rtol=rtol)


def test_only_relu_networks_have_cumulative_parameters():
    with pytest.raises(ValueError, match="net must be a ReLUNetwork, got Network"):
        cumulative_parameters(Network([ReLU()]))


def test_cumulative_parameters_that_overflow_are_refused():
    with pytest.raises(ValueError, match="layer 2 overflows"):
        cumulative_parameters(ReLUNetwork([[[1e200]], [[1e200]]], [[0], [0]]))
