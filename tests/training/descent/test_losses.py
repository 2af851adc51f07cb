"""Losses against the formulas, point by point."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.descent.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    SquaredError,
    as_loss,
    offset_of,
    predicted,
)

# What a point contributes, in plain Python.
CONTRIBUTIONS = {
    "mse": lambda f, y: sum((a - b) ** 2 for a, b in zip(f, y, strict=True)),
    "cross_entropy": lambda f, y: (
        -sum(
            b * math.log(math.exp(a) / sum(math.exp(c) for c in f))
            for a, b in zip(f, y, strict=True)
        )
    ),
    "bce": lambda f, y: (
        -sum(
            b * math.log(1 / (1 + math.exp(-a))) + (1 - b) * math.log(1 / (1 + math.exp(a)))
            for a, b in zip(f, y, strict=True)
        )
    ),
}
CONTRIBUTIONS["class_weighted"] = CONTRIBUTIONS["mse"]


def naive_loss(name, outputs, Y, index):
    """Sum over points in plain Python, divided by N or by the size of the class."""
    total = 0.0
    for f, y, j in zip(outputs.tolist(), Y.tolist(), index, strict=True):
        divisor = list(index).count(j) if name.startswith("class_weighted") else len(index)
        total += CONTRIBUTIONS[name](f, y) / divisor
    return total


def random_case(seed, n=7, k=3):
    rng = np.random.default_rng(seed)
    index = rng.integers(0, 3, size=n)
    index[:3] = [0, 1, 2]
    return rng.standard_normal((n, k)), rng.dirichlet(np.ones(k), n), index


# By hand


def test_mean_squared_error_is_the_mean_over_points_of_the_squared_norm():
    outputs, Y = np.array([[3.0, 4.0], [1.0, 0.0]]), np.zeros((2, 2))
    loss = LOSSES["mse"]
    assert loss.value(outputs, Y) @ loss.weights(np.array([0, 0])) == 13.0


def test_class_weighted_error_counts_every_class_once_whatever_its_size():
    loss = LOSSES["class_weighted"]
    outputs, Y = np.array([[2.0], [2.0], [2.0], [1.0]]), np.zeros((4, 1))
    assert loss.value(outputs, Y) @ loss.weights(np.array([0, 0, 0, 1])) == pytest.approx(5.0)


def test_cross_entropy_of_equal_outputs_is_the_logarithm_of_their_number():
    assert CrossEntropy().value(np.zeros((1, 5)), np.eye(5)[:1]) == pytest.approx(np.log(5))


def test_logits_of_any_size_give_finite_losses_and_gradients():
    outputs, Y = np.array([[800.0, -800.0], [-800.0, 800.0]]), np.array([[1.0, 0.0]] * 2)
    for loss, worst in ((CrossEntropy(), 1600.0), (BinaryCrossEntropy(), 1600.0)):
        np.testing.assert_allclose(loss.value(outputs, Y), [0.0, worst])
        np.testing.assert_allclose(loss.gradient(outputs, Y), [[0, 0], [-1, 1]], atol=1e-300)


# Against the naive oracle


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("seed", range(3))
def test_loss_agrees_with_the_sum_over_points(name, seed):
    outputs, Y, index = random_case(seed)
    loss = LOSSES[name]
    expected = naive_loss(name, outputs, Y, index)
    assert loss.value(outputs, Y) @ loss.weights(index) == pytest.approx(expected)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_gradient_is_the_derivative_of_the_value(name):
    outputs, Y, _ = random_case(4)
    loss, step = LOSSES[name], 1e-6
    for j in range(outputs.shape[1]):
        shift = np.zeros_like(outputs)
        shift[:, j] = step
        slope = (loss.value(outputs + shift, Y) - loss.value(outputs - shift, Y)) / (2 * step)
        np.testing.assert_allclose(loss.gradient(outputs, Y)[:, j], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_curvature_is_the_derivative_of_the_gradient(name):
    outputs, Y, _ = random_case(5)
    direction = np.random.default_rng(6).standard_normal(outputs.shape)
    loss, step = LOSSES[name], 1e-6
    ahead = loss.gradient(outputs + step * direction, Y)
    behind = loss.gradient(outputs - step * direction, Y)
    curved = loss.curvature(outputs, Y, direction)
    np.testing.assert_allclose(curved, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_predicted_is_the_class_whose_target_costs_least(name):
    outputs, loss = random_case(7, n=40)[0], LOSSES[name]
    for targets in (np.eye(3), np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])):
        costs = [loss.value(outputs, np.broadcast_to(t, outputs.shape)) for t in targets]
        expected = np.argmin(costs, axis=0)
        found = predicted(outputs, targets, offset_of(loss, targets))
        np.testing.assert_array_equal(found, expected)


def test_one_logit_predicts_the_second_class_where_it_is_positive():
    targets = np.array([[0.0], [1.0]])
    found = predicted(np.array([[-0.1], [0.1]]), targets, BinaryCrossEntropy().offset(targets))
    assert found.tolist() == [0, 1]


# Laws


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_weights_sum_to_one_or_to_the_number_of_classes(labels):
    index = np.unique(labels, return_inverse=True)[1]
    assert SquaredError().weights(index).sum() == pytest.approx(1.0)
    assert SquaredError(True).weights(index).sum() == pytest.approx(index.max() + 1)


@given(st.integers(0, 1000))
def test_both_losses_agree_up_to_the_number_of_classes_when_classes_have_one_size(seed):
    outputs, Y, _ = random_case(seed, n=6)
    index = np.array([0, 0, 1, 1, 2, 2])
    mean = SquaredError().value(outputs, Y) @ SquaredError().weights(index)
    weighted = SquaredError(True).value(outputs, Y) @ SquaredError(True).weights(index)
    assert weighted == pytest.approx(3 * mean)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_trial_axis_is_kept(name):
    outputs, Y, _ = random_case(0)
    both, loss = np.stack([outputs, 2 * outputs]), LOSSES[name]
    for function in (loss.value, loss.gradient):
        np.testing.assert_array_equal(function(both, Y)[0], function(outputs, Y))
        np.testing.assert_array_equal(function(both, Y)[1], function(2 * outputs, Y))


@given(st.integers(0, 1000), st.floats(-50, 50))
def test_cross_entropy_does_not_change_when_all_outputs_move_together(seed, shift):
    outputs, Y, _ = random_case(seed)
    moved = CrossEntropy().value(outputs + shift, Y)
    np.testing.assert_allclose(moved, CrossEntropy().value(outputs, Y), rtol=1e-9, atol=1e-12)


@given(st.integers(0, 1000))
def test_cross_entropy_of_two_outputs_is_bce_of_their_difference(seed):
    outputs, Y, _ = random_case(seed, k=2)
    logit = outputs[:, 1:] - outputs[:, :1]
    np.testing.assert_allclose(
        CrossEntropy().value(outputs, Y), BinaryCrossEntropy().value(logit, Y[:, 1:]), atol=1e-12
    )


# Bad input


@pytest.mark.parametrize("loss", ["hinge", None, 3])
def test_unknown_loss_is_refused_and_the_known_ones_named(loss):
    with pytest.raises(ValueError, match=r"loss must be one of .*mse"):
        as_loss(loss)


def test_cross_entropy_refuses_targets_that_are_no_distributions():
    with pytest.raises(ValueError, match="y must hold distributions"):
        CrossEntropy().check(np.array([[0.5, 0.6]]))
    with pytest.raises(ValueError, match="y must hold distributions"):
        CrossEntropy().check(np.array([[1.5, -0.5]]))


def test_bce_refuses_targets_outside_the_unit_interval():
    with pytest.raises(
        ValueError, match=r"y must lie in \[0, 1\] for bce, got values from -1 to 1"
    ):
        BinaryCrossEntropy().check(np.array([[-1.0], [1.0]]))
