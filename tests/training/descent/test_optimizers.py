"""SGD, Adam and clipping against the recursions written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.descent.optimizers import SGD, Adam, clipped


def naive_path(theta, curvature, eta, mu, steps):
    """Heavy ball on the function curvature / 2 * theta^2, one number at a time."""
    velocity, path = 0.0, []
    for _ in range(steps):
        velocity = mu * velocity + curvature * theta
        theta -= eta * velocity
        path.append(theta)
    return path


def naive_adam(theta, curvature, adam, steps):
    """Adam on curvature / 2 * theta^2, one number at a time."""
    m = v = 0.0
    path = []
    for t in range(1, steps + 1):
        g = curvature * theta
        m = adam.beta1 * m + (1 - adam.beta1) * g
        v = adam.beta2 * v + (1 - adam.beta2) * g**2
        m_hat, v_hat = m / (1 - adam.beta1**t), v / (1 - adam.beta2**t)
        theta -= adam.learning_rate * m_hat / (v_hat**0.5 + adam.eps)
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


@pytest.mark.parametrize("adam", [Adam(0.1), Adam(0.05, 0.5, 0.9, 1e-3), Adam(0.1, 0.0, 0.0)])
def test_adam_on_a_parabola_agrees_with_the_recursion(adam):
    expected = naive_adam(1.0, 2.0, adam, 20)
    np.testing.assert_allclose(path_of(adam, 1.0, 2.0, 20), expected, rtol=1e-12)


def test_clipping_is_the_nearest_gradient_in_the_ball_trial_by_trial():
    rng = np.random.default_rng(0)
    tensors = [rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2))]
    for t, limit in enumerate((0.5, 1.0, 2.0, 100.0)):
        flat = np.concatenate([g[t].ravel() for g in tensors])
        expected = flat * min(1.0, limit / np.linalg.norm(flat))
        found = np.concatenate([g[t].ravel() for g in clipped(tensors, limit)])
        np.testing.assert_allclose(found, expected, rtol=1e-14)


# Laws


@given(st.floats(0.01, 1.9), st.floats(0.1, 10))
def test_descent_on_a_parabola_converges_below_twice_the_inverse_curvature(fraction, curvature):
    path = path_of(SGD(fraction / curvature), 1.0, curvature, 50)
    assert abs(path[-1]) == pytest.approx(abs(1 - fraction) ** 50, rel=1e-6, abs=1e-12)


@given(st.floats(1e-3, 1e3), st.integers(0, 100))
def test_adam_does_not_see_the_scale_of_the_loss(scale, seed):
    g = np.random.default_rng(seed).standard_normal((1, 4)) + 0.1
    adam, params = Adam(0.1, eps=1e-300), [np.zeros((1, 4))]
    once = adam.update(params, [g], adam.start(params), 0)[0][0]
    scaled = adam.update(params, [scale * g], adam.start(params), 0)[0][0]
    np.testing.assert_allclose(scaled, once, rtol=1e-9)


@given(st.floats(1e-3, 1e3))
def test_a_clipped_step_is_no_longer_than_rate_times_limit(limit):
    params, gradients = [np.zeros((1, 3))], [np.array([[3.0, -4.0, 12.0]])]
    (moved,), _ = SGD(0.5, clip=limit).update(params, gradients, [], 0)
    assert np.linalg.norm(moved) == pytest.approx(0.5 * min(limit, 13.0))


def test_a_gradient_of_zero_is_clipped_to_zero():
    np.testing.assert_array_equal(clipped([np.zeros((2, 3))], 1.0)[0], np.zeros((2, 3)))


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9, clip=0.1), Adam(0.1, clip=0.1)])
def test_update_changes_nothing_in_place(optimizer):
    params, gradients = [np.ones(3)], [np.ones(3)]
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": -1.0}, "learning_rate must be a positive number"),
        ({"beta1": 1.0}, r"beta1 must lie in \[0, 1\)"),
        ({"beta2": np.nan}, r"beta2 must lie in \[0, 1\)"),
        ({"eps": 0.0}, "eps must be a positive number"),
        ({"clip": 0.0}, "clip must be a positive number"),
    ],
)
def test_wrong_numbers_of_adam_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        Adam(**changes)
