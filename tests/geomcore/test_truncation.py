import naive
import numpy as np
import pytest
from builders import random_layer, random_network, random_points
from hypothesis import given
from hypothesis import strategies as st

from geomcore import (
    Network,
    ReLUNetwork,
    cumulative_parameters,
    truncate,
    truncation_defects,
    truncation_degree,
    truncation_map,
)
from geomcore.layers import ReLU

# Square, wide, tall, single, and wide enough for BLAS.
SHAPES = [(3, 3), (2, 4), (4, 2), (1, 1), (1, 3), (3, 1), (20, 20), (12, 30)]
SEEDS = st.integers(0, 10**6)


def test_coordinates_below_the_base_are_lifted_to_it():
    found = truncation_map(np.eye(2), [-1, -1], [[3, 2], [0, 2], [0, 0]])
    np.testing.assert_array_equal(found, [[3, 2], [1, 2], [1, 1]])


def test_one_neuron_projects_onto_its_half_line():
    found = truncation_map([[2, 0]], [-2], [[3, 7], [0, 7]])
    np.testing.assert_allclose(found, [[3, 0], [1, 0]])


def test_a_layer_of_zeros_sends_everything_to_zero():
    found = truncation_map(np.zeros((2, 3)), [1, -1], random_points(4, 3))
    np.testing.assert_array_equal(found, np.zeros((4, 3)))


def test_points_are_counted_per_class_by_sector():
    found = truncation_degree(
        np.eye(2), [0, 0], [[-1, -1], [0, 0], [1, 0], [1, -1], [2, 2]], list("aaabb")
    )
    np.testing.assert_allclose(found.backward, [2 / 3, 0])
    np.testing.assert_allclose(found.forward, [1 / 3, 0.5])
    np.testing.assert_allclose(found.mixed, [0, 0.5])


@pytest.mark.parametrize(("m", "d"), SHAPES)
def test_truncation_is_the_least_norm_solution_of_its_equation(m, d):
    W, b = random_layer(m, d)
    X = random_points(10, d)
    wanted = [naive.truncated(W, b, x) for x in X]
    limit = 1e-12 * np.linalg.cond(W) ** 2
    np.testing.assert_allclose(truncation_map(W, b, X), wanted, atol=limit * 10)


def test_truncation_by_a_rank_deficient_layer_is_the_least_norm_solution():
    rng = np.random.default_rng(5)
    W = rng.normal(size=(3, 1)) @ rng.normal(size=(1, 4))
    X = random_points(10, 4)
    wanted = [naive.truncated(W, [1, -1, 0.5], x) for x in X]
    np.testing.assert_allclose(truncation_map(W, [1, -1, 0.5], X), wanted, atol=1e-6)


@pytest.mark.parametrize(("m", "d"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_points_are_truncated_as_few_are(m, d, dtype):
    W, b = random_layer(m, d)
    X = random_points(70_001, d).astype(dtype)
    together = truncation_map(W, b, X)
    assert together.dtype == dtype
    apart = np.vstack([truncation_map(W, b, part) for part in np.array_split(X, 40)])
    limit = 20 * np.linalg.cond(W) * np.finfo(dtype).eps
    np.testing.assert_allclose(together, apart, atol=limit * np.abs(X).max() * d)


@given(st.integers(-900, 900), st.integers(0, 10**6))
def test_defects_change_with_the_unit_of_length_bit_for_bit(power, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(2, 3)), np.array([[1.0, 1.0], [-1.0, -1.0]]), np.eye(2)]
    biases, X = [rng.normal(size=2) for _ in range(3)], rng.normal(size=(9, 3))
    plain = truncation_defects(ReLUNetwork(weights, biases), X)
    scaled = ReLUNetwork(weights, [np.ldexp(b, power) for b in biases])
    for row, moved in zip(plain, truncation_defects(scaled, np.ldexp(X, power)), strict=True):
        assert moved == row._replace(defect=np.ldexp(row.defect, power))
    assert plain[1].defect > 0 or not any(net > 0 for net in biases[1])


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e200, 1e300])
def test_sectors_are_counted_at_every_size(size):
    X = size * np.array([[-1.0, -1.0], [-1.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
    found = truncation_degree(size * np.eye(2), [0.0, 0.0], X, [0, 0, 1, 1])
    np.testing.assert_array_equal(found, [[0.5, 0], [0, 1], [0.5, 0]])


@given(st.integers(1, 4), st.integers(0, 3), SEEDS)
def test_the_truncated_point_has_the_hidden_vector_as_its_coordinates(m, more, seed):
    W, b = random_layer(m, m + more, seed)
    X = random_points(20, m + more, seed + 1)
    tau = truncation_map(W, b, X)
    limit = 1e-12 * np.linalg.cond(W) * (10 + np.abs(W).max() * np.abs(X).max())
    np.testing.assert_allclose(tau @ W.T + b, np.maximum(X @ W.T + b, 0), atol=limit)
    np.testing.assert_allclose(
        truncation_map(W, b, tau), tau, atol=limit * np.linalg.norm(np.linalg.pinv(W))
    )


@given(st.integers(1, 4), st.integers(1, 4), st.integers(-900, 900), SEEDS)
def test_scaling_a_layer_by_a_power_of_two_changes_no_bit(m, d, exponent, seed):
    W, b = random_layer(m, d, seed)
    X = random_points(20, d, seed + 1)
    scaled = truncation_map(np.ldexp(W, exponent), np.ldexp(b, exponent), X)
    np.testing.assert_array_equal(scaled, truncation_map(W, b, X))


@given(st.integers(1, 4), SEEDS)
def test_scaling_the_rows_of_a_surjective_layer_changes_nothing(m, seed):
    W, b = random_layer(m, m, seed)
    X = random_points(20, m, seed + 1)
    factors = np.random.default_rng(seed).uniform(0.1, 10, size=m)
    found = truncation_map(factors[:, None] * W, factors * b, X)
    size = 1 + np.abs(X).max() + np.abs(np.linalg.pinv(W)).sum() * np.abs(b).max()
    limit = 1e-13 * (100 * np.linalg.cond(W)) * size
    np.testing.assert_allclose(found, truncation_map(W, b, X), atol=limit)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), SEEDS)
def test_surjective_chains_represent_the_network(widths, seed):
    net = random_network(sorted(widths, reverse=True), seed, scaled=True)
    X = random_points(10, net.widths[0], seed)
    worst = max(np.linalg.cond(W) for W in cumulative_parameters(net)[0])
    for row in truncation_defects(net, X):
        assert row.defect <= 1e-11 * worst**2


@given(st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_a_widening_first_layer_is_represented_on_padded_points(n, more, seed):
    net = random_network((n, n + more, n + more, 1), seed, scaled=True)
    X = random_points(10, n, seed)
    chain = truncate(net, X)
    assert [tau.shape for tau in chain] == [(10, n + more)] * 2
    rows = truncation_defects(net, X)
    assert [row.rank for row in rows] == [n + more, n + more, 1]
    assert rows[0].condition == pytest.approx(np.linalg.cond(net.weights[0]), rel=1e-8)
    assert max(row.defect for row in rows) <= 1e-10 * rows[0].condition * rows[1].condition ** 2


def test_the_chain_applies_the_maps_of_the_cumulative_parameters_in_turn():
    net = random_network((4, 4, 3, 2), scaled=True)
    X = random_points(10, 4)
    Ws, bs = cumulative_parameters(net)
    first = truncation_map(Ws[0], bs[0], X)
    second = truncation_map(Ws[1], bs[1], first)
    found = truncate(net, X)
    assert len(found) == 2
    np.testing.assert_allclose(found[0], first, atol=1e-12)
    np.testing.assert_allclose(found[1], second, atol=1e-12)


def test_rank_deficient_layers_show_a_defect_and_an_infinite_condition_number():
    rng = np.random.default_rng(0)
    low = rng.normal(size=(3, 1)) @ rng.normal(size=(1, 3))
    net = ReLUNetwork([np.eye(3), low, np.eye(3)], [np.zeros(3), [1, -1, 1], np.zeros(3)])
    first, second, third = truncation_defects(net, random_points(20, 3))
    assert (first.layer, first.rank, first.condition) == (1, 3, 1.0) and first.defect < 1e-14
    assert (second.rank, second.condition) == (1, np.inf) and second.defect > 0.1
    assert third.layer == 3 and third.defect > 0.1


def test_a_widening_layer_that_is_not_injective_shows_a_defect():
    net = ReLUNetwork([np.ones((3, 2)) * [[1], [2], [-1]], np.eye(3)], [[1, -1, 2], np.zeros(3)])
    X = random_points(20, 2)
    assert truncate(net, X)[0].shape == (20, 3)
    row = truncation_defects(net, X)[0]
    assert (row.rank, row.condition) == (2, np.inf)
    assert row.defect > 0.1


def test_the_defect_of_a_later_widening_layer_is_reported_not_raised():
    rows = truncation_defects(random_network((2, 2, 4, 1), scaled=True), random_points(20, 2))
    assert rows[1].rank == 2 and rows[1].defect > 1e-3


def test_a_rank_is_counted_relative_to_the_largest_singular_value():
    net = ReLUNetwork([np.diag([1e-20, 1e-25]), np.eye(2)], [[0, 0], [0, 0]])
    assert truncation_defects(net, [[1, 1]])[0].rank == 2
    assert truncation_defects(net, [[1, 1]], rtol=1e-4)[0].rank == 1


def test_a_network_without_hidden_layers_has_no_chain_and_no_defect():
    net = ReLUNetwork([[[1, 2]]], [[3]])
    assert truncate(net, [[1, 1]]) == []
    assert truncation_defects(net, [[1, 1]])[0].defect == 0
    wide = ReLUNetwork([[[1], [2]]], [[3, 4]])
    assert truncation_defects(wide, [[1.5]])[0].defect == 0


@pytest.mark.parametrize("widths", [(3, 3, 2), (2, 3, 2), (1, 1, 1)])
def test_no_points_are_truncated_to_no_points(widths):
    net = random_network(widths, scaled=True)
    X = np.empty((0, widths[0]))
    assert truncate(net, X)[0].shape == (0, max(widths))
    assert [row.defect for row in truncation_defects(net, X)] == [0, 0]


def test_lists_fortran_order_strides_and_read_only_arrays_give_the_same():
    W, b = random_layer(3, 3)
    X = random_points(5000, 3)
    wanted = truncation_map(W, b, X)
    frozen = X.copy()
    frozen.flags.writeable = False
    wide = np.zeros((5000, 6))
    wide[:, ::2] = X
    for same in (X.tolist(), np.asfortranarray(X), frozen, wide[:, ::2]):
        np.testing.assert_array_equal(truncation_map(W.tolist(), b.tolist(), same), wanted)
    np.testing.assert_array_equal(X, frozen)


@pytest.mark.parametrize(
    ("W", "b", "X", "message"),
    [
        (np.eye(2), [0], [[0, 0]], "b must have one entry per row of W"),
        (np.eye(2), [0, 0], [[0, 0, 0]], "X must have 2 columns"),
        (np.eye(2), [0, 0], [0, 0], "X must have 2 axes"),
        (np.eye(2), [0, np.nan], [[0, 0]], "b must be finite"),
        (np.eye(2), [0, 0], [[0, np.inf]], "X must be finite"),
        ([[1e-200]], [1e200], [[0]], "W and b must fit float64"),
        ([[1]], [1e60], np.zeros((1, 1), np.float32), "W and b must fit float32"),
    ],
)
def test_layers_and_points_that_do_not_fit_are_refused(W, b, X, message):
    with pytest.raises(ValueError, match=message):
        truncation_map(W, b, X)


def test_only_relu_networks_are_chains_of_truncation_maps():
    for function in (truncate, truncation_defects):
        with pytest.raises(ValueError, match="net must be a ReLUNetwork"):
            function(Network([ReLU()]), [[0]])


def test_each_point_needs_a_class():
    with pytest.raises(ValueError, match="index must have one label per point"):
        truncation_degree(np.eye(2), [0, 0], [[0, 0]], [0, 1])
