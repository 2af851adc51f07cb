"""Descents on functions whose minima are known, on kinks too."""

import numpy as np
import pytest

import training.settling.bfgs as module
from training.settling.bfgs import bfgs


def rosenbrock(x):
    value = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    slope = [-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]
    return value, np.array(slope)


def curved_kink(x):
    """Lewis and Overton's: a parabola on whose kink the minimum lies."""
    rise = x[1] - x[0] ** 2
    slope = 10 * np.sign(rise) * np.array([-2 * x[0], 1.0])
    return 10 * abs(rise) + (1 - x[0]) ** 2, slope + np.array([2 * (x[0] - 1), 0.0])


def lengths(x):
    """Three kinks that meet in one point, and a smooth part."""
    A = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 1.0], [2.0, 0.1, -0.7]])
    return np.abs(A @ x).sum() + x @ x, A.T @ np.sign(A @ x) + 2 * x


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(
    ("function", "least", "tolerance"),
    [(rosenbrock, [1, 1], 1e-9), (curved_kink, [1, 1], 1e-5), (lengths, [0, 0, 0], 1e-6)],
)
def test_it_ends_at_the_minimum(monkeypatch, function, least, tolerance, dense):
    if not dense:
        monkeypatch.setattr(module, "MOST_DENSE", 0)
        if function is not rosenbrock:
            tolerance = 1e-2  # few pairs remember less of a kink
    start = np.array([-1.2, 1.0, 0.4])[: len(least)]
    found = bfgs(function, start, iterations=2000)
    np.testing.assert_allclose(found.theta, least, atol=tolerance)
    assert found.loss == function(found.theta)[0] <= function(start)[0]


def test_it_ends_where_it_is_told_to():
    start = np.array([-1.2, 1.0])
    assert bfgs(rosenbrock, start, iterations=5).iterations == 5
    assert bfgs(rosenbrock, start, iterations=50, stop=lambda n, *_: n == 3).iterations == 3
    still = bfgs(rosenbrock, np.ones(2), iterations=50)
    assert still.iterations == 0 and (still.theta == 1).all()


def test_it_stays_where_it_is_retracted_to():
    def onto_circle(x):
        return x / np.linalg.norm(x)

    def height(x):
        return x[1], np.array([0.0, 1.0]) - x[1] * x

    found = bfgs(height, np.array([1.0, 0.0]), iterations=200, retract=onto_circle)
    np.testing.assert_allclose(found.theta, [0, -1], atol=1e-6)


def test_a_function_that_is_not_finite_everywhere_is_descended():
    def function(x):
        if x[0] <= 0:
            return np.inf, np.full(1, np.nan)
        return float(x[0] - np.log(x[0])), 1 - 1 / x

    found = bfgs(function, np.array([5.0]), iterations=100)
    np.testing.assert_allclose(found.theta, [1.0], atol=1e-6)
