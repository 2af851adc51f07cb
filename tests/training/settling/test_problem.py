"""A problem without its gauge: the same loss as the network, by plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from settling_problems import KINDS, example, loss_by_loops

from training.settling.problem import balanced, network_of, parameters_of, scale_of


@settings(max_examples=20)
@given(st.integers(0, 1000), st.booleans(), st.sampled_from([1e-3, 1.0, 300.0]))
def test_the_loss_is_that_of_the_network_with_its_outputs_in_the_space_of_the_labels(
    seed, class_weighted, size
):
    net, X, labels, weights, problem = example(seed, class_weighted=class_weighted, size=size)
    theta = parameters_of(problem, net)
    stated = problem.size**2 * (problem.loss(theta) + problem.constant)
    projected = network_of(problem, net, theta)
    assert np.isclose(stated, loss_by_loops(projected, X, labels.Y, weights), rtol=1e-9)
    given_loss = loss_by_loops(net, X, labels.Y, weights)
    assert stated <= given_loss * (1 + 1e-9)
    assert len(problem.X) == len(X) - 2


@pytest.mark.parametrize(("loss", "decay"), KINDS[1:])
@pytest.mark.parametrize("size", [1e-2, 1.0, 30.0])
def test_other_losses_are_those_of_the_network_as_it_is(loss, decay, size):
    net, X, labels, weights, problem = example(4, size=size, loss=loss, weight_decay=decay)
    theta = parameters_of(problem, net)
    again = network_of(problem, net, theta)
    for a, b in zip(net.tensors, again.tensors, strict=True):
        np.testing.assert_array_equal(a, b)
    expected = loss_by_loops(net, X, labels.Y, weights, loss, decay)
    assert problem.size == 1 and len(problem.X) == len(X) - 2
    assert np.isclose(problem.loss(theta) + problem.constant, expected, rtol=1e-12)


def test_targets_that_span_everything_leave_the_network_as_it_is():
    net, _, _, _, problem = example(3, classes=4, N=10)
    again = network_of(problem, net, parameters_of(problem, net))
    for a, b in zip(net.tensors, again.tensors, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_the_first_of_equal_points_stands_for_all():
    _, X, _, _, problem = example(0)
    np.testing.assert_array_equal(X[problem.first] / problem.columns, problem.X)
    assert set(problem.first.tolist()) == set(range(len(X) - 2))


@pytest.mark.parametrize(("loss", "decay"), KINDS)
def test_the_gradient_is_that_of_difference_quotients(loss, decay):
    net, _, _, _, problem = example(1, loss=loss, weight_decay=decay)
    theta = parameters_of(problem, net)
    slope, h = problem.loss_and_gradient(theta)[1], 1e-6
    for j, e in enumerate(np.eye(len(theta))):
        quotient = (problem.loss(theta + h * e) - problem.loss(theta - h * e)) / (2 * h)
        assert abs(quotient - slope[j]) <= 1e-6 * (1 + abs(slope[j]))


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(-12, 12))
def test_balancing_by_powers_of_two_changes_no_bit_of_any_output(seed, exponent):
    net, X, _, _, _ = example(seed)
    theta = net.packed()[0]
    theta[: net.weights[0].size] *= 2.0**exponent
    tensors = balanced(net.widths, theta)
    before = rebuilt(net, theta)
    after = rebuilt(net, tensors)
    np.testing.assert_array_equal(before(X), after(X))
    for l in range(len(net.weights) - 1):
        into = np.sqrt((after.weights[l] ** 2).sum(1) + after.biases[l] ** 2)
        out = np.linalg.norm(after.weights[l + 1], axis=0)
        assert (np.abs(np.log2(out / into)) <= 1 + 1e-12).all()


def rebuilt(net, theta):
    tensors, at = [], 0
    for t in net.tensors:
        tensors.append(theta[at : at + t.size].reshape(t.shape))
        at += t.size
    return net.rebuild(tensors)


def test_balancing_makes_norms_equal_and_leaves_dead_units_alone():
    net, X, _, _, _ = example(2)
    tensors = [t.copy() for t in net.tensors]
    tensors[2][:, 1] = 0.0  # nothing goes out of unit 1 of the first layer
    net = net.rebuild(tensors)
    after = rebuilt(net, balanced(net.widths, net.packed()[0], rounded=False))
    np.testing.assert_allclose(net(X), after(X), atol=1e-12)
    into = np.sqrt((after.weights[0] ** 2).sum(1) + after.biases[0] ** 2)
    out = np.linalg.norm(after.weights[1], axis=0)
    np.testing.assert_allclose(into[[0, 2]], out[[0, 2]], rtol=1e-9)
    np.testing.assert_array_equal(after.weights[0][1], net.weights[0][1])


def test_the_scale_turns_slopes_of_the_problem_into_slopes_of_the_network():
    net, X, labels, weights, problem = example(5, classes=4, N=10, size=8.0)
    theta = parameters_of(problem, net)
    slope = problem.size**2 * scale_of(problem) * problem.loss_and_gradient(theta)[1]
    W, h = net.weights[0], 1e-6
    for entry in [(0, 0), (2, 1)]:
        ends = []
        for sign in (1, -1):
            moved = [t.copy() for t in net.tensors]
            moved[0][entry] += sign * h
            ends.append(loss_by_loops(net.rebuild(moved), X, labels.Y, weights))
        stated = slope[: W.size].reshape(W.shape)[entry]
        assert abs((ends[0] - ends[1]) / (2 * h) - stated) <= 1e-5 * (1 + abs(stated))
