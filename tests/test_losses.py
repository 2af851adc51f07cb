"""Losses against the formulas, point by point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.losses import LOSSES, SquaredError, as_loss


def naive_squared_error(outputs, Y, index, class_weighted):
    """Sum over points in plain Python, divided by N or by the size of the class."""
    total = 0.0
    for f, y, j in zip(outputs, Y, index, strict=True):
        divisor = list(index).count(j) if class_weighted else len(index)
        total += sum((a - b) ** 2 for a, b in zip(f, y, strict=True)) / divisor
    return total


def random_case(seed, n=7, k=3):
    rng = np.random.default_rng(seed)
    index = rng.integers(0, 3, size=n)
    index[:3] = [0, 1, 2]
    return rng.standard_normal((n, k)), rng.standard_normal((n, k)), index


# By hand


def test_mean_squared_error_is_the_mean_over_points_of_the_squared_norm():
    outputs, Y = np.array([[3.0, 4.0], [1.0, 0.0]]), np.zeros((2, 2))
    loss = LOSSES["mse"]
    assert loss.value(outputs, Y) @ loss.weights(np.array([0, 0])) == 13.0


def test_class_weighted_error_counts_every_class_once_whatever_its_size():
    loss = LOSSES["class_weighted"]
    outputs, Y = np.array([[2.0], [2.0], [2.0], [1.0]]), np.zeros((4, 1))
    assert loss.value(outputs, Y) @ loss.weights(np.array([0, 0, 0, 1])) == pytest.approx(5.0)


# Against the naive oracle


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("seed", range(3))
def test_loss_agrees_with_the_sum_over_points(name, seed):
    outputs, Y, index = random_case(seed)
    loss = LOSSES[name]
    expected = naive_squared_error(outputs, Y, index, name == "class_weighted")
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


def test_trial_axis_is_kept():
    outputs, Y, _ = random_case(0)
    stacked = SquaredError().value(np.stack([outputs, 2 * outputs]), Y)
    np.testing.assert_array_equal(stacked[0], SquaredError().value(outputs, Y))
    np.testing.assert_array_equal(stacked[1], SquaredError().value(2 * outputs, Y))


# Bad input


@pytest.mark.parametrize("loss", ["hinge", None, 3])
def test_unknown_loss_is_refused_and_the_known_ones_named(loss):
    with pytest.raises(ValueError, match=r"loss must be one of .*mse"):
        as_loss(loss)
