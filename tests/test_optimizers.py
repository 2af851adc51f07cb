"""SGD against the recursion written out, and its stopping rules' companion errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.optimizers import SGD


def naive_path(theta, curvature, eta, mu, steps):
    """Heavy ball on the function curvature / 2 * theta^2, one number at a time."""
    velocity, path = 0.0, []
    for _ in range(steps):
        velocity = mu * velocity + curvature * theta
        theta -= eta * velocity
        path.append(theta)
    return path


def path_of(optimizer, theta, curvature, steps):
    params = [np.array([theta])]
    state, path = optimizer.start(params), []
    for step in range(steps):
        params, state = optimizer.update(params, [curvature * params[0]], state, step)
        path.append(float(params[0][0]))
    return path


# By hand


def test_plain_step_goes_against_the_gradient():
    (theta,), _ = SGD(0.5).update([np.array([1.0, 2.0])], [np.array([2.0, -2.0])], [], 0)
    np.testing.assert_array_equal(theta, [0.0, 3.0])


def test_momentum_keeps_moving_when_the_gradient_vanishes():
    optimizer, params = SGD(1.0, momentum=0.5), [np.array([0.0])]
    params, state = optimizer.update(params, [np.array([1.0])], optimizer.start(params), 0)
    params, state = optimizer.update(params, [np.array([0.0])], state, 1)
    assert params[0][0] == -1.5


# Against the naive oracle


@pytest.mark.parametrize("mu", [0.0, 0.3, 0.9])
def test_path_on_a_parabola_agrees_with_the_recursion(mu):
    expected = naive_path(1.0, 2.0, 0.1, mu, 20)
    np.testing.assert_allclose(path_of(SGD(0.1, mu), 1.0, 2.0, 20), expected, rtol=1e-12)


# Laws


@given(st.floats(0.01, 1.9), st.floats(0.1, 10))
def test_descent_on_a_parabola_converges_below_twice_the_inverse_curvature(fraction, curvature):
    path = path_of(SGD(fraction / curvature), 1.0, curvature, 50)
    assert abs(path[-1]) == pytest.approx(abs(1 - fraction) ** 50, rel=1e-6, abs=1e-12)


def test_update_changes_nothing_in_place():
    optimizer, params, gradients = SGD(0.1, 0.9), [np.ones(3)], [np.ones(3)]
    state = optimizer.start(params)
    optimizer.update(params, gradients, state, 0)
    for array, value in ((params[0], 1.0), (gradients[0], 1.0), (state[0], 0.0)):
        np.testing.assert_array_equal(array, np.full(3, value))


# Bad input


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf, "fast", None])
def test_learning_rate_must_be_a_positive_number(rate):
    with pytest.raises(ValueError, match="learning_rate must be a positive number"):
        SGD(rate)


@pytest.mark.parametrize("momentum", [-0.1, 1.0, np.nan, "a lot"])
def test_momentum_must_lie_below_one(momentum):
    with pytest.raises(ValueError, match=r"momentum must lie in \[0, 1\)"):
        SGD(0.1, momentum)
