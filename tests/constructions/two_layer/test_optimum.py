"""The best two-layer network: against the convex program over all cells, and by its proof."""

from itertools import pairwise

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris, make_moons

from constructions import best_two_layer, two_layer_bound
from constructions.two_layer.answer import REASONS
from tests.constructions.two_layer.convex import least_loss, two_points


def loss_of(net, X, Y, omega):
    """The loss, with decay of all but the output bias."""
    squares = sum((W**2).sum() for W in net.weights) + (net.biases[0] ** 2).sum()
    return ((net(X) - Y) ** 2).sum() / len(X) + omega / 2 * squares


def check(found, X, Y, omega):
    """What every answer keeps."""
    loss = loss_of(found.network, X, Y, omega)
    assert found.lower_bound <= found.loss
    assert loss <= found.loss * (1 + 1e-12) and found.loss <= loss * (1 + 1e-9) + 1e-300
    W, b = found.network.weights[0], found.network.biases[0]
    into = np.hypot(np.linalg.norm(W, axis=1), b)
    np.testing.assert_allclose(into, np.linalg.norm(found.network.weights[1], axis=0), rtol=1e-9)
    assert found.reason in REASONS and found.rounds == len(found.history) >= 1
    losses = [r.loss for r in found.history]
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(losses))
    assert found.neurons <= max(1, (len(X) - 1) * Y.shape[1])
    return found


@pytest.mark.parametrize(
    "x",
    [[[0.0], [1.0]], [[-1.0], [1.0]], [[3.0], [3.5]], [[-2.0], [-9.0]], [[1.0, 2.0], [1.5, -4.0]]],
    ids=str,
)
@pytest.mark.parametrize("omega", [0.01, 0.2, 5.0])
def test_two_points_by_hand(x, omega):
    y = np.array([0.25, -1.0])
    found = check(best_two_layer(x, y[:, None], weight_decay=omega), np.array(x), y[:, None], omega)
    exact = two_points(x, y, omega)
    assert found.lower_bound <= exact * (1 + 1e-12) and exact <= found.loss * (1 + 1e-12)
    assert found.gap <= 1e-4 and found.reason == "gap"


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("omega", [0.003, 0.05])
@pytest.mark.parametrize("output_bias", ["free", "none"])
def test_it_is_the_optimum_over_all_cells(d, omega, output_bias):
    rng = np.random.default_rng(d)
    X, y = rng.normal(size=(7, d)), 1 + rng.normal(size=7)
    options = {"weight_decay": omega, "gap": 1e-7, "output_bias": output_bias}
    found = check(best_two_layer(X, y[:, None], **options), X, y[:, None], omega)
    assert output_bias == "free" or not found.network.biases[1].any()
    value = least_loss(X, y, omega, output_bias)
    assert found.gap <= 1e-7
    assert found.lower_bound <= value * (1 + 1e-6) and value <= found.loss * (1 + 1e-6)


@pytest.mark.parametrize("Q", [1, 2])
def test_moons_have_a_gap_as_small_as_was_asked_for(Q):
    X, y = make_moons(60, noise=0.15, random_state=3)
    Y = 2.0 * y[:, None] - 1 if Q == 1 else np.eye(2)[y]
    found = check(best_two_layer(X, Y, weight_decay=0.01, gap=1e-4), X, Y, 0.01)
    assert found.gap <= 1e-4 and found.finished
    again = two_layer_bound(found.network, X, Y, weight_decay=0.01)
    assert again.loss <= found.loss * (1 + 1e-12) and again.lower_bound <= found.loss
    rng = np.random.default_rng(0)
    for width in (1, 5, 30):
        net = random_network((2, width, Q), rng=rng)
        assert loss_of(net, X, Y, 0.01) > found.lower_bound
        assert two_layer_bound(net, X, Y, weight_decay=0.01, nodes=500).lower_bound <= found.loss


def test_labels_are_one_hot_and_runs_are_repeatable():
    data = load_iris()
    X, y = data.data[::5, :2], np.array(["a", "b", "c"])[data.target[::5]]
    one = best_two_layer(X, y, weight_decay=0.02, gap=1e-3)
    two = best_two_layer(X, np.eye(3)[data.target[::5]], weight_decay=0.02, gap=1e-3, rng=0)
    assert one.loss == two.loss and one.lower_bound == two.lower_bound
    np.testing.assert_array_equal(one.network.weights[0], two.network.weights[0])
    mirrored = best_two_layer(X, y, weight_decay=0.02, gap=1e-3, targets=np.eye(3)[::-1])
    assert abs(mirrored.loss - one.loss) <= 2e-3 * one.loss


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    N=st.integers(1, 9),
    d=st.integers(1, 3),
    Q=st.integers(1, 2),
    omega=st.sampled_from([1e-4, 1e-2, 1.0, 100.0]),
    ties=st.booleans(),
)
def test_ties_and_few_points(seed, N, d, Q, omega, ties):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(N, d)), rng.normal(size=(N, Q))
    if ties:
        X, Y = np.round(X), np.round(Y)
    found = check(best_two_layer(X, Y, weight_decay=omega, gap=1e-3), X, Y, omega)
    assert found.gap <= 1e-3


@pytest.mark.parametrize("exponent", [300, 25, 15, -30, -300])
def test_points_of_any_size(exponent):
    x = np.ldexp(np.array([[-3.0, 1.0], [1.0, 0.5], [2.0, 4.0], [0.25, -1.0]]), exponent)
    Y = np.array([[0.0], [1.0], [-1.0], [1.0]])
    found = best_two_layer(x, Y, weight_decay=0.01, gap=1e-3)
    assert 0 <= found.lower_bound <= found.loss <= 1.0
    # the decay that is left at 2**300 is far below the rounding of the outputs
    assert found.loss < 1e-28 if exponent == 300 else found.gap <= 1e-3


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1e3), (1e4, 1.0), (1e2, 1e2)])
def test_features_far_from_zero_and_of_different_sizes(shift, scale):
    rng = np.random.default_rng(0)
    X, y = (rng.normal(size=(20, 2)) + shift) * [1.0, scale], rng.integers(0, 2, 20)
    found = check(best_two_layer(X, y, weight_decay=0.01, gap=1e-3), X, np.eye(2)[y], 0.01)
    assert found.gap <= 1e-3


@pytest.mark.parametrize("exponent", [200, 30, -30, -400])
def test_targets_of_any_size(exponent):
    x = np.array([[-3.0, 1.0], [1.0, 0.5], [2.0, 4.0], [0.25, -1.0]])
    Y = np.array([[0.0], [1.0], [-1.0], [1.0]])
    found = best_two_layer(x, np.ldexp(Y, exponent), weight_decay=np.ldexp(0.01, exponent))
    plain = best_two_layer(x, Y, weight_decay=0.01)
    assert found.gap <= 1e-4
    np.testing.assert_allclose(found.loss, np.ldexp(plain.loss, 2 * exponent), rtol=1e-3)


def test_a_decay_beyond_the_largest_slope_leaves_nothing_but_the_mean():
    X, Y = np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [0.0], [3.0]])
    found = best_two_layer(X, Y, weight_decay=1e3)
    assert found.neurons == 0 and found.rounds == 1
    np.testing.assert_allclose([found.loss, found.lower_bound], 2.0, rtol=1e-12)
    np.testing.assert_allclose(found.network(X), 1.0)


def test_constant_targets_have_no_loss():
    found = best_two_layer([[0.0], [1.0]], [[2.0], [2.0]], weight_decay=0.1)
    assert (found.loss, found.lower_bound, found.gap, found.neurons) == (0.0, 0.0, 0.0, 0)
    alone = best_two_layer([[5.0]], [[2.0]], weight_decay=0.1)
    assert alone.loss == 0 and alone.network([[5.0]]) == 2


def test_equal_points_with_different_targets_cost_what_they_must():
    X, Y = np.array([[0.0], [1.0], [1.0]]), np.array([[0.0], [1.0], [3.0]])
    found = check(best_two_layer(X, Y, weight_decay=1e-3), X, Y, 1e-3)
    assert found.gap <= 1e-4 and found.lower_bound > 2 / 3  # that of the best function is 2 / 3


@pytest.mark.parametrize("output_bias", ["free", "none"])
@pytest.mark.parametrize("omega", [1e-150, 1e-40, 1e-25, 1e-18])
def test_few_neurons_are_left_where_the_loss_is_rounding(omega, output_bias):
    X = [[0.41830551, -0.21790665], [-0.09418999, -0.96394423], [-0.13434619, -0.31865581]]
    Y = [[0.69954882, -0.02339261], [-0.16569302, 0.86152663], [-0.64008057, 0.73901144]]
    options = {"weight_decay": omega, "output_bias": output_bias, "rounds": 1, "nodes": 1}
    found = best_two_layer(X, Y, **options)
    assert found.neurons <= (4 if output_bias == "free" else 6)
    # outputs are sums of terms below 1e2, whose rounding is 1e-16 of them
    assert found.loss <= found.history[-1].loss * (1 + 1e-9) + 1e-28


def test_a_width_is_kept_and_the_bound_is_still_for_all():
    X, y = make_moons(40, noise=0.15, random_state=3)
    free = best_two_layer(X, y, weight_decay=0.01, gap=1e-3)
    narrow = best_two_layer(X, y, weight_decay=0.01, gap=1e-3, width=3)
    assert free.neurons > 3 >= narrow.neurons and narrow.reason == "width"
    assert narrow.loss > free.loss and narrow.lower_bound <= free.loss
    np.testing.assert_allclose(narrow.lower_bound, free.lower_bound, rtol=2e-3)
    assert loss_of(narrow.network, X, np.eye(2)[y], 0.01) <= narrow.loss * (1 + 1e-12)


def test_a_width_is_kept_where_the_loss_is_rounding():
    # the steps that trained what was left put back as many neurons as had been given up
    X = [[0.0], [1.4065579613180736]]
    Y = [[1.0186127214970552e18, 1.018612711310928e18]]
    Y.append([1.0186127214970552e18, 1.0186127151031615e18])
    narrow = best_two_layer(X, Y, weight_decay=5e-324, width=1, rounds=3, seconds=1.0)
    assert narrow.neurons <= 1 and 0 <= narrow.lower_bound <= narrow.loss
    assert len(narrow.network.biases[0]) == 1


def test_a_width_is_kept_when_the_time_is_over():
    X, y = make_moons(40, noise=0.15, random_state=3)
    narrow = best_two_layer(X, y, weight_decay=1e-3, width=2, rounds=4, seconds=1e-3)
    assert narrow.neurons <= 2 and narrow.lower_bound <= narrow.loss


def test_a_budget_ends_it_with_bounds_that_hold():
    X, y = make_moons(60, noise=0.15, random_state=3)
    best = best_two_layer(X, y, weight_decay=1e-3, gap=1e-3)
    few = best_two_layer(X, y, weight_decay=1e-3, gap=1e-3, rounds=3)
    assert few.rounds == 3 and few.reason == "rounds" and not few.finished
    assert 0 < few.lower_bound <= best.loss and few.loss >= best.lower_bound
    short = best_two_layer(X, y, weight_decay=1e-3, gap=1e-9, seconds=0.2)
    assert short.reason == "seconds" and short.seconds < 5
    poor = best_two_layer(X, y, weight_decay=1e-3, gap=1e-3, nodes=5)
    assert poor.lower_bound <= best.loss


def test_progress_is_told_of_every_round():
    seen = []
    found = best_two_layer([[0.0], [1.0]], [[0.0], [1.0]], weight_decay=0.1, progress=seen.append)
    assert tuple(seen) == found.history
    assert str(seen[0]).startswith("round 1: 1 neuron, loss 0.09, at least ")
    frame = found.frame()
    assert list(frame.index) == [r.number for r in seen] and frame.index.name == "number"
    assert "lower bound" in found.summary() and "TwoLayerOptimum(loss=" in repr(found)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"weight_decay": 0.0}, r"^weight_decay must be a positive number, got 0.0"),
        ({"weight_decay": np.inf}, r"^weight_decay must be a positive number"),
        ({"gap": -1e-3}, r"^gap must be a finite number, at least 0 and at most 1"),
        ({"width": 0}, r"^width must be a whole number, at least 1"),
        ({"rounds": 0}, r"^rounds must be a whole number"),
        ({"nodes": 2.5}, r"^nodes must be a whole number"),
        ({"seconds": 0}, r"^seconds must be a positive number"),
        ({"output_bias": "penalised"}, r"^output_bias must be 'free' or 'none'"),
        ({"loss": "bce"}, r"^loss must be 'mse'"),
        ({"progress": 1}, r"^progress must be callable or None, got 1"),
        ({"X": np.zeros((0, 2)), "y": np.zeros((0, 1))}, r"^X must hold at least one point"),
        ({"y": [[1e200], [0.0]]}, r"^y must hold numbers of at most 1e150, got 1e\+200"),
        ({"y": [[1.0]]}, r"^y must have one row per point"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(change, sentence):
    arguments = {"X": [[0.0], [1.0]], "y": [[0.0], [1.0]], "weight_decay": 0.1} | change
    with pytest.raises(ValueError, match=sentence):
        best_two_layer(**arguments)
