"""The parts of `two_layer_bound`: losses, a unit more, and what is said to be better."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from builders import random_network
from flint import arb
from sklearn.datasets import make_moons

from constructions import best_neuron, two_layer_bound
from constructions.two_layer import bound as room
from geomcore import ReLUNetwork

X, LABELS = make_moons(60, noise=0.15, random_state=3)
Y = 2.0 * LABELS[:, None] - 1


@pytest.mark.parametrize("output_bias", ["free", "penalised"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_new_unit_is_as_strong_as_is_best(output_bias, bias):
    rng = np.random.default_rng(1)
    net = random_network((2, 3, 2), 5)
    net = ReLUNetwork(net.weights, [bias * net.biases[0], net.biases[1]])
    points, targets = rng.normal(size=(9, 2)), 3 * rng.normal(size=(9, 2))
    problem = room._Problem(points, targets, 0.01, bias, output_bias)
    oracle = best_neuron(points, problem.residuals(net), bias=bias)
    (w, b, v), grown = problem.with_neuron(net, oracle.direction)
    assert bias or b == 0
    assert grown.weights[0][-1] == pytest.approx(w) and grown.biases[0][-1] == b
    assert grown.weights[1][:, -1] == pytest.approx(v)
    assert (grown.weights[0][:-1] == net.weights[0]).all() and (
        grown.weights[1][:, :-1] == net.weights[1]
    ).all()
    assert np.linalg.norm(np.append(w, b)) == pytest.approx(np.linalg.norm(v))
    errors = (grown(points) - targets).mean(axis=0)
    if output_bias == "free":
        assert errors == pytest.approx(0, abs=1e-12)
    else:
        assert (grown.biases[1] == net.biases[1]).all()

    def loss(part, turn=0.0):
        new = part * np.append(w, b), part * (v + turn * v[::-1] * [1, -1])
        W, V = np.vstack([net.weights[0], new[0][:2]]), np.column_stack([net.weights[1], new[1]])
        other = ReLUNetwork([W, V], [np.append(net.biases[0], new[0][2]), grown.biases[1]])
        if output_bias == "free":
            c = other.biases[1] - (other(points) - targets).mean(axis=0)
            other = ReLUNetwork(other.weights, [other.biases[0], c])
        return problem.bounds(other)[0]

    least = loss(1.0)
    assert least == pytest.approx(problem.bounds(grown)[0], rel=1e-12)
    assert least < min(loss(0.999), loss(1.001), loss(1.0, 0.01), loss(1.0, -0.01))
    assert least < problem.bounds(net)[0]


def test_no_unit_is_added_that_is_worth_less_than_its_weight_or_changes_nothing():
    points, targets = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])
    net = ReLUNetwork([[[0.0]], [[0.0]]], [[0.0], [0.0]])
    w = np.array([1.0, 0.0])
    for output_bias, worth in (("free", 0.5), ("penalised", 1.0)):
        for decay in (worth, np.nextafter(worth, 0)):
            problem = room._Problem(points, targets, decay, True, output_bias)
            assert (problem.with_neuron(net, w)[0] is None) == (decay == worth)
    # a unit that is the same at all points moves nothing that the output bias does not
    problem = room._Problem(points, targets, 0.01, True, "free")
    assert problem.with_neuron(net, np.array([0.0, 1.0])) == (None, None)
    # as strong as no float says
    for size in (1e-200, 1e200):
        problem = room._Problem(points * size, targets, 1e-300, True, "free")
        assert problem.with_neuron(net, w) == (None, None)


def test_what_is_better_is_so_by_proved_bounds_alone(monkeypatch):
    net = random_network((2, 3, 1), 2)
    plain = two_layer_bound(net, X, Y, weight_decay=0.01, fit_last=False)
    assert plain.neuron is not None and plain.improved is not None

    monkeypatch.setattr(room._Problem, "fitted", lambda problem, W: random_network((2, 7, 1)))

    def bounds_of(given_, grown, fitted):
        widths = {3: given_, 4: grown, 7: fitted}
        monkeypatch.setattr(room._Problem, "bounds", lambda problem, net: widths[net.widths[1]])
        return two_layer_bound(net, X, Y, weight_decay=0.01, fit_last=False)

    # bounds that overlap, or are equal, say nothing
    for other in ((0.9, 0.1), (0.7, 0.1), (1.1, 0.9)):
        found = bounds_of((1.0, 0.7), other, (2.0, 1.9))
        assert found.neuron is None and found.improved is None and found.improved_loss is None
        assert (found.loss, found.loss_floor) == (1.0, 0.7)
    found = bounds_of((1.0, 0.7), (0.6, 0.1), (2.0, 1.9))
    assert found.neuron is not None and found.improved_loss == 0.6
    found = bounds_of((1.0, 0.7), (0.9, 0.1), (0.5, 0.1))
    assert found.neuron is None and found.improved_loss == 0.5


def test_of_a_loss_that_no_ball_holds_nothing_is_said(monkeypatch):
    net, problem = random_network((2, 3, 1)), room._Problem(X, Y, 0.1, True, "free")
    for ball, bounds in ((arb("nan"), (np.inf, 0.0)), (arb(0, 0.25), (0.25, 0.0))):
        monkeypatch.setattr(room._Problem, "loss", lambda problem, net, ball=ball: ball)
        assert problem.bounds(net) == pytest.approx(bounds, rel=1e-8, abs=0)


def test_a_gap_is_rounded_up():
    for seed in range(8):
        net = random_network((2, 3, 1), seed)
        found = two_layer_bound(net, X[:9], Y[:9], weight_decay=0.01, nodes=50)
        exact = Fraction(found.loss) - Fraction(found.lower_bound)
        assert exact <= Fraction(found.gap) <= exact * (1 + Fraction(1, 2**51))
        assert found.relative_gap == found.gap / found.loss
    assert replace(found, gap=0.0).relative_gap == 0
    # nothing is better than a loss of 0
    zero = ReLUNetwork([[[0.0, 0.0]], [[0.0]]], [[0.0], [0.0]])
    found = two_layer_bound(zero, X, 0 * Y, weight_decay=0.01, fit_last=False)
    assert (found.loss, found.loss_floor, found.gap, found.relative_gap) == (0, 0, 0, 0)
    assert found.improved is None and found.neuron is None


def test_losses_count_all_that_decays_and_no_more():
    net = ReLUNetwork([[[1.0, 2.0]], [[4.0]]], [[8.0], [16.0]])
    points, targets = np.zeros((2, 2)), np.full((2, 1), 48.0)
    for output_bias, rest in (("free", 0), ("penalised", 256)):
        problem = room._Problem(points, targets, 0.25, True, output_bias)
        assert problem.bounds(net) == (0.125 * (1 + 4 + 16 + 64 + rest),) * 2
        assert (
            problem.bounds(ReLUNetwork(net.weights, [[8.0], [18.0]]))
            == ((4 + 0.125 * (85 + (324 if rest else 0))),) * 2
        )


def test_any_bias_that_is_to_be_zero_is_seen():
    for where, options in (("hidden", {"bias": False}), ("output", {"output_bias": "none"})):
        some = [[0.0, 1.0], [0.0, 0.0]] if where == "hidden" else [[0.0, 0.0], [0.0, 1.0]]
        net = ReLUNetwork([np.ones((2, 2)), np.ones((2, 2))], some)
        with pytest.raises(ValueError, match=f"^net must have {where} biases of 0 if "):
            two_layer_bound(net, X, np.eye(2)[LABELS], weight_decay=0.1, **options)
        other = {"bias": False} if where == "output" else {"output_bias": "none"}
        two_layer_bound(net, X, np.eye(2)[LABELS], weight_decay=0.1, nodes=10, **other)
