from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import suboptimal, verify
from constructions.proof.last_layer import last_layer_minimum, zero_loss
from constructions.verification.verification import examine
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


def problem_of(net, X, y, *, subset="last", loss="mse"):
    options = {"loss": loss, "weight_decay": 0.0, "exact": False, "rtol": 1e-8, "gtol": 1e-9}
    return examine(net, np.asarray(X), y, targets=None, subset=subset, **options)[1]


# three layers, so that no index of a layer stands for another: 1, 3, 2, 1 units
DEEP = ReLUNetwork(
    [[[1.0], [-1.0], [1.0]], [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], [[1.0, 1.0]]],
    [[0.0, 0.0, -9.0], [0.0, 0.0], [0.0]],
)


def test_a_zero_loss_is_zero_at_distance_zero():
    found = zero_loss(problem_of(DEEP, [[1.0], [-1.0]], [[1.0], [2.0]]), True, True)
    assert (found.distance, found.rank) == (0.0, 0)
    # a loss of exactly 1 is no loss of 0
    one = zero_loss(problem_of(DEEP, [[1.0]], [[2.0]]), True, True)
    assert one.distance == pytest.approx(0.5**0.5, rel=1e-12) and one.rank == 1


def test_zero_loss_is_looked_for_in_the_tensors_that_may_move_only():
    # hidden outputs (1, 0) and (0, 2), gaps 0.25 and -0.5
    problem = problem_of(DEEP, [[1.0], [-1.0]], [[1.25], [1.5]])
    fixed = zero_loss(problem, False, False)
    assert (fixed.distance, fixed.rank) == (None, 0) and "held fixed" in fixed.why
    weights = zero_loss(problem, True, False)
    assert weights.distance == pytest.approx(np.hypot(0.25, 0.25), rel=1e-12)
    assert weights.rank == 0
    both = zero_loss(problem, True, True)
    H, gap = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0]]), np.array([0.25, -0.5])
    assert both.distance == pytest.approx(np.linalg.norm(np.linalg.pinv(H) @ gap), rel=1e-12)
    assert both.rank == 2
    bias = zero_loss(problem, False, True)
    assert (bias.distance, bias.rank) == (None, 0)
    assert "2 different last hidden outputs, but only 1 are free" in bias.why


def test_zero_loss_in_the_cumulative_weight_has_no_rank():
    problem = problem_of(DEEP, [[1.0], [-1.0]], [[1.25], [1.5]], subset="cumulative")
    found = zero_loss(problem, True, True)
    # the cumulative bias of the hidden layers is 0: as for the weights alone
    assert found.distance == pytest.approx(np.hypot(0.25, 0.25), rel=1e-12) and found.rank == 0
    three = problem_of(DEEP, [[1.0], [2.0], [-1.0]], [[1.25], [2.0], [1.5]], subset="cumulative")
    assert (
        "3 different last hidden outputs, but only 2 are free" in zero_loss(three, True, True).why
    )


def test_why_there_is_no_last_layer_of_zero_loss():
    # in the second output only, the targets of two dead points differ
    dead = ReLUNetwork([[[1.0]], [[1.0], [1.0]]], [[-9.0], [0.0, 0.0]])
    X, Y = [[0.0], [1.0]], [[1.0, 2.0], [1.0, 3.0]]
    many = ReLUNetwork([[[1.0]], [[2.0]]], [[9.0], [0.0]])
    line = np.arange(5.0)[:, None]
    twins = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    cases = [
        (problem_of(dead, X, Y), "points with different targets share one"),
        (problem_of(many, line, line), "5 different last hidden outputs, but only 2 are free"),
        (problem_of(many, line[:3], line[:3]), "3 different last hidden outputs, but only 2"),
    ]
    for problem, why in cases:
        found = zero_loss(problem, True, True)
        assert (found.distance, found.rank) == (None, 0) and why in found.why
    # outputs (1, 0), (2, 0): dependent without a bias
    found = zero_loss(problem_of(twins, [[1.0], [2.0]], [[1.0], [3.0]]), True, False)
    assert (found.distance, found.rank) == (None, 0) and "not proved" in found.why


def test_a_part_that_the_output_does_not_depend_on_needs_no_move():
    dead = ReLUNetwork([[[1.0]], [[5.0]]], [[-9.0], [0.0]])
    found, _ = last_layer_minimum(problem_of(dead, [[1.0], [2.0]], [[1.0], [3.0]]), True, False)
    assert (found.distance, found.rank) == (0.0, 0)
    # 1e-600 is not zero, though it is as a float, and the other point is dead
    tiny = ReLUNetwork([[[1e-300]], [[1.0]]], [[0.0], [0.0]])
    problem = problem_of(tiny, [[1e-300], [-1.0]], [[1.0], [1.0]])
    found, why = last_layer_minimum(problem, True, False)
    assert found is None and "do not fit" in why


def test_the_sentence_names_what_moves_and_how_far():
    problem = problem_of(DEEP, [[1.0], [-1.0]], [[1.25], [1.5]])
    _, why = last_layer_minimum(problem, True, False)
    assert "least-squares weights of the last layer (2 inputs) are at most 0.35 away" in why


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
