from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import suboptimal, verify
from geomcore import ReLUNetwork, datasets
from geomcore.cumulative import cumulative_parameters


def fitted(seed, widths=(2, 4, 3), n=12, weight=True, bias=True):
    """A random network whose last layer, or part of it, is the least-squares one."""
    rng = np.random.default_rng(seed)
    W1, b1 = rng.normal(size=(widths[1], widths[0])), rng.normal(size=widths[1])
    X, Y = rng.normal(size=(n, widths[0])), rng.normal(size=(n, widths[2]))
    H = np.maximum(X @ W1.T + b1, 0)
    W2, b2 = rng.normal(size=(widths[2], widths[1])), rng.normal(size=widths[2])
    if weight and bias:
        V = np.linalg.lstsq(np.column_stack([H, np.ones(n)]), Y, rcond=None)[0]
        W2, b2 = V[:-1].T, V[-1]
    elif weight:
        W2 = np.linalg.lstsq(H, Y - b2, rcond=None)[0].T
    else:
        b2 = (Y - H @ W2.T).mean(axis=0)
    return ReLUNetwork([W1, W2], [b1, b2]), X, Y


# By hand


def test_a_mean_is_the_best_constant():
    net = ReLUNetwork([[[0.0]]], [[2.0]])
    found = verify(net, [[1.0], [2.0]], [[1.0], [3.0]], subset="b1")
    assert (found.verdict, found.proved, found.subset) == ("local minimum", True, ("b1",))
    assert found.lower_bound == pytest.approx(1.0)


def test_a_layer_that_the_output_does_not_depend_on_is_at_a_minimum():
    dead = ReLUNetwork([[[1.0]], [[5.0]]], [[-9.0], [0.0]])
    found = verify(dead, [[1.0], [2.0]], [[1.0], [3.0]], subset="W2")
    assert (found.verdict, found.proved) == ("local minimum", True)


@pytest.mark.parametrize(("weight", "bias"), [(True, True), (True, False), (False, True)])
def test_least_squares_is_a_minimum_in_what_it_fits(weight, bias):
    net, X, Y = fitted(0, weight=weight, bias=bias)
    names = [n for n, on in (("W2", weight), ("b2", bias)) if on]
    found = verify(net, X, Y, subset=names)
    assert (found.verdict, found.proved) == ("local minimum", True)
    assert found.lower_bound <= found.loss * (1 + 1e-12)
    assert found.loss <= found.lower_bound * (1 + 1e-12)
    assert verify(net, X, Y).verdict == "not stationary"


def test_the_papers_points_are_minima_in_the_cumulative_weight_only():
    data = datasets.clusters(20, rng=1)
    net = suboptimal(data.X, data.y, (1, 1, 1), bias=False, loss="class_weighted").network
    weighted = {"loss": "class_weighted"}
    assert np.abs(cumulative_parameters(net)[1][-1]).max() <= 1e-12
    inner = verify(net, data.X, data.y, subset="cumulative", **weighted)
    assert (inner.verdict, inner.proved) == ("local minimum", True)
    assert inner.subset == ("cumulative",)
    assert verify(net, data.X, data.y, subset="last", **weighted).verdict == "not stationary"


def test_the_distance_counts_the_bias_that_follows_the_cumulative_weight():
    # the cumulative bias of the hidden layer is 1e6, so b2 moves a million times as far as W2
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[1e6], [-1e6]])
    X, Y = [[1.0], [2.0], [3.0]], [[1.0 + 1e-9], [2.0 + 2e-9], [3.0 + 4e-9]]
    found = verify(net, X, Y, subset="cumulative")
    slope = np.array([1.0, 2.0, 3.0]) @ np.array([1e-9, 2e-9, 4e-9]) / 14
    assert found.verdict == "local minimum"
    assert found.distance == pytest.approx(slope * np.hypot(1, 1e6), rel=1e-6)


@pytest.mark.parametrize("subset", ["W2", "b2"])
def test_the_distance_is_one_in_the_tensors_that_may_move(subset):
    # with both, a zero loss is 1e-9 away; with one alone there is none
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[3.0], [-3.0]])
    X, Y = [[0.0], [1.0]], [[1e-9], [1.0 + 2e-9]]
    assert verify(net, X, Y, subset="last").verdict == "global minimum"
    found = verify(net, X, Y, subset=subset)
    h, gap = np.array([3.0, 4.0]), np.array([1e-9, 2e-9])
    best = gap @ h / (h @ h) if subset == "W2" else gap.mean()
    assert found.verdict == "local minimum"
    assert found.distance == pytest.approx(best, rel=1e-6)


def test_the_cumulative_bias_is_not_rounded():
    # w2 b1 + b2 is rounding of numbers near 2^60, and all that the outputs differ by
    b1 = 2.0**60 + 256 * 123456789012345
    w2 = 0.7234567890123457
    net = ReLUNetwork([[[2.0**10]], [[w2]]], [[b1], [-(w2 * b1)]])
    X = np.array([[1.0], [2.0]])
    rounding = Fraction(w2) * Fraction(b1) - Fraction(w2 * b1)
    assert rounding != 0
    # without the rounding this would be the least-squares weight
    Y = w2 * 2.0**10 * X
    found = verify(net, X, Y, subset="cumulative")
    assert found.verdict != "local minimum"
    exact = float(rounding**2) * (1 - (1 + 2) ** 2 / (2 * (1 + 4)))
    assert found.lower_bound == pytest.approx(exact, rel=1e-9)


# Laws


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_no_other_last_layer_is_better_than_a_certified_one(seed):
    net, X, Y = fitted(seed)
    found = verify(net, X, Y, subset="last")
    rng = np.random.default_rng(seed)
    for size in (1e-3, 1.0):
        W = net.weights[1] + size * rng.normal(size=net.weights[1].shape)
        b = net.biases[1] + size * rng.normal(size=net.biases[1].shape)
        other = ReLUNetwork([net.weights[0], W], [net.biases[0], b])
        loss = ((other(X) - Y) ** 2).sum(axis=1).mean()
        assert found.verdict != "local minimum" or loss >= found.lower_bound


@pytest.mark.parametrize("collinear", [False, True])
def test_dependent_hidden_outputs_do_not_hide_a_minimum_of_the_last_layer(collinear):
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, size=(9, 1)) @ [[1.0, 2.0]] if collinear else rng.uniform(1, 2, (9, 2))
    W1 = rng.uniform(1, 2, size=(5, 2))  # all units active: 5 outputs of rank at most 3
    H = np.column_stack([X @ W1.T, np.ones(9)])
    Y = rng.normal(size=(9, 2))
    V = np.linalg.lstsq(H, Y, rcond=1e-10)[0]
    net = ReLUNetwork([W1, V[:-1].T], [np.zeros(5), V[-1]])
    found = verify(net, X, Y, subset="last")
    assert (found.verdict, found.proved) == ("local minimum", True)


# Bad input


@pytest.mark.parametrize("subset", ["W9", [], "first", 3])
def test_an_unknown_tensor_is_refused(subset):
    net, X, Y = fitted(0)
    with pytest.raises(ValueError, match="subset must be 'last', 'cumulative' or a list of"):
        verify(net, X, Y, subset=subset)
