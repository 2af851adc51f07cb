"""Merging neurons and going to a vertex: the function on the data stays, the decay falls."""

import numpy as np
import pytest

from constructions.two_layer.generation.merge import at_a_vertex, merged_neurons


def centred(Xt, W):
    hidden = np.maximum(Xt @ W.T, 0)
    return hidden - hidden.mean(axis=0)


def outputs(Xt, W, V):
    return centred(Xt, W) @ V


def unit(W):
    return W / np.linalg.norm(W, axis=1, keepdims=True)


def test_two_neurons_of_one_cell_become_their_sum():
    Xt = np.array([[1.0, 1.0], [2.0, 1.0], [-5.0, 1.0]])
    W = unit(np.array([[1.0, 0.0], [1.0, 1.0]]))
    V = np.array([[3.0, 0.0], [1.0, 0.0]])
    new, out = merged_neurons(Xt, W, V)
    assert len(new) == 1
    np.testing.assert_allclose(new[0] * out[0, 0], 3 * W[0] + W[1])
    np.testing.assert_allclose(outputs(Xt, new, out), outputs(Xt, W, V), atol=1e-14)
    assert np.linalg.norm(out) < 4


@pytest.mark.parametrize("V", [[[1.0, 0.0], [-1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]], ids=str)
def test_outputs_that_are_not_parallel_stay_apart(V):
    W = unit(np.array([[1.0, 0.1], [1.0, 0.2]]))
    assert len(merged_neurons(np.array([[1.0, 1.0], [2.0, 1.0]]), W, np.array(V))[0]) == 2


def test_neurons_of_different_cells_stay_apart():
    Xt = np.array([[1.0, 1.0], [-1.0, 1.0]])
    W = unit(np.array([[1.0, 0.5], [0.5, 1.0]]))  # the second is on at both points
    assert len(merged_neurons(Xt, W, np.ones((2, 1)))[0]) == 2


@pytest.mark.parametrize("seed", range(20))
def test_merging_keeps_the_function_and_lowers_the_decay(seed):
    rng = np.random.default_rng(seed)
    N, Q = rng.integers(1, 6), rng.integers(1, 4)
    Xt = np.column_stack([np.round(2 * rng.normal(size=(N, 2))), np.ones(N)])
    W = unit(rng.normal(size=(25, 3)))
    V = rng.uniform(0.1, 1, size=(25, 1)) * np.eye(Q)[rng.integers(0, Q, 25)]
    new, out = merged_neurons(Xt, W, V)
    assert len(new) < 25
    np.testing.assert_allclose(outputs(Xt, new, out), outputs(Xt, W, V), atol=1e-12)
    assert np.linalg.norm(out, axis=1).sum() < np.linalg.norm(V, axis=1).sum()
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), 1, rtol=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_a_vertex_has_few_neurons_and_no_more_decay(seed):
    rng = np.random.default_rng(seed)
    N, Q = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    Xt = np.column_stack([rng.normal(size=(N, 2)), np.ones(N)])
    W, V = unit(rng.normal(size=(20, 3))), rng.normal(size=(20, Q))
    new, out = at_a_vertex(W, V, centred(Xt, W))
    assert len(new) <= (N - 1) * Q
    np.testing.assert_allclose(outputs(Xt, new, out), outputs(Xt, W, V), atol=1e-8)
    size = np.linalg.norm(V, axis=1).sum()
    assert np.linalg.norm(out, axis=1).sum() <= size * (1 + 1e-12)


def test_independent_neurons_stay_as_they_are():
    Xt = np.array([[1.0, 1.0], [-1.0, 1.0], [3.0, 1.0]])
    W = unit(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    new, out = at_a_vertex(W, np.ones((2, 1)), centred(Xt, W))
    np.testing.assert_array_equal(new, W)
    np.testing.assert_array_equal(out, np.ones((2, 1)))
