"""Exponential rates of records."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from training import truncation_history
from training.dynamics.rates import NO_RATE, fit_approach, fit_decay, fit_halves

t = np.linspace(0.5, 3, 30)


# By hand


def test_an_exact_decay_has_its_rate_whatever_its_size():
    for size in (1e-12, 1.0, 1e9):
        found = fit_decay(t, size * np.exp(-1.5 * t))
        assert found.rate == pytest.approx(1.5, rel=1e-12)
        assert found.amplitude == pytest.approx(size, rel=1e-12)
        assert found.r_squared == pytest.approx(1, abs=1e-12) and found.records == 30
        assert found.standard_error < 1e-10


def test_what_grows_has_a_negative_rate_and_what_rests_none():
    assert fit_decay(t, np.exp(0.2 * t)).rate == pytest.approx(-0.2)
    rests = fit_decay(t, np.full(30, 0.1))
    assert rests.rate == 0 and np.isnan(rests.r_squared) and rests.amplitude == pytest.approx(0.1)
    shaken = fit_decay(t, 0.1 * (1 + 2e-16 * (np.arange(30) % 3)))
    assert shaken.rate == 0 and np.isnan(shaken.r_squared)


def test_what_has_come_to_rounding_or_zero_is_left_out():
    values = np.exp(-20 * t)
    values[20:] = 1e-17
    values[-1] = 0
    found = fit_decay(t, values)
    assert found.rate == pytest.approx(20, rel=1e-9) and found.records < 20
    assert fit_decay(t, np.exp(-20 * t), floor=0.5).records == 0  # one record is too few
    ends = np.where(t < 2, np.exp(-t), 0)
    found = fit_decay(t, ends, floor=0)
    assert found.rate == pytest.approx(1) and found.records == (t < 2).sum()


def test_records_that_are_nan_are_left_out():
    values = np.exp(-t)
    values[[3, 7]] = np.nan
    assert fit_decay(t, values).rate == pytest.approx(1) and fit_decay(t, values).records == 28
    assert np.isnan(fit_decay(t, np.full(30, np.nan)).rate)
    assert np.isnan(fit_decay(t[:2], values[:2]).rate)


def test_the_error_of_a_rate_is_that_of_a_regression_line():
    from scipy.stats import linregress

    values = np.exp(-t + 0.1 * np.random.default_rng(0).normal(size=30))
    found, line = fit_decay(t, values), linregress(t, np.log(values))
    assert found.rate == pytest.approx(-line.slope)
    assert found.standard_error == pytest.approx(line.stderr)
    assert found.r_squared == pytest.approx(line.rvalue**2)


def test_halves_of_an_exponential_have_its_rate():
    for part in fit_halves(t, 3 * np.exp(-0.7 * t)):
        assert part.rate == pytest.approx(0.7) and part.records == 15
    found = fit_halves(t, np.exp(-(t**2)), floor=0.05)
    used = fit_decay(t, np.exp(-(t**2)), floor=0.05).records
    assert found[0].records + found[1].records == used < 30
    half = (t[0] + t[used - 1]) / 2
    first, second = t[t <= half], t[(t > half) & (t <= t[used - 1])]
    for part, own in zip(found, (first, second), strict=True):
        assert part.rate == pytest.approx(-np.polyfit(own, -(own**2), 1)[0])


@pytest.mark.parametrize("values", [[1.0] + [0.0] * 29, [np.nan] * 30, [1.0, 1e-3] + [np.nan] * 28])
def test_what_is_gone_at_once_has_no_halves(values):
    found = fit_halves(t, values, floor=0.05)
    np.testing.assert_array_equal(found, (NO_RATE, NO_RATE))


def test_an_approach_has_its_rate_limit_unknown():
    path = np.array([2.0, -1, 7]) + np.exp(-0.8 * t)[:, None] * np.array([3.0, 0, 4])
    found = fit_approach(t, path)
    assert found.rate == pytest.approx(0.8, rel=1e-7) and found.r_squared > 1 - 1e-12
    assert found.amplitude == pytest.approx(5, rel=1e-6)


def test_the_error_of_an_approach_is_that_of_a_nonlinear_fit():
    from scipy.optimize import curve_fit

    values = 2 + np.exp(-1.3 * t) + 0.02 * np.random.default_rng(2).normal(size=30)
    found = fit_approach(t, values[:, None])
    law, cov = curve_fit(lambda t, p, a, r: p + a * np.exp(-r * t), t, values, p0=(2, 1, 1))
    assert found.rate == pytest.approx(law[2], rel=1e-5)
    assert found.standard_error == pytest.approx(np.sqrt(cov[2, 2]), rel=1e-4)
    assert found.amplitude == pytest.approx(law[1], rel=1e-5)


def test_a_point_that_rests_or_goes_straight_on_approaches_nothing():
    assert np.isnan(fit_approach(t, np.full((30, 2), 0.3)).rate)
    assert np.isnan(fit_approach(t, t[:, None] * [1.0, 2.0]).rate)
    assert np.isnan(fit_approach(t, (t**2)[:, None]).rate)
    assert np.isnan(fit_approach(t[:3], np.eye(3)).rate)


@pytest.mark.parametrize(("dead", "alive"), [(1, 9), (5, 5), (9, 1)])
def test_the_base_of_one_unit_whose_rate_is_known(dead, alive):
    # as in test_history: -b approaches 5 by the factor 1 - 2 a rate per step, a the part that is on
    class Frozen:
        def __init__(self, name, value):
            self.tensors, self.value = (name,), value

        def project(self, tensor):
            return np.broadcast_to(self.value, tensor.shape)

    rate, net = 0.01, ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    X = np.concatenate([np.full(dead, -2.0), np.full(alive, 8.0)])[:, None]
    frozen = [Frozen("W1", 1.0), Frozen("W2", 1.0), Frozen("b2", 0.0)]
    options = {"steps": 600, "learning_rate": rate, "constraints": frozen}
    found = truncation_history(net, X, np.where(X > 0, 3.0, 0.0), **options)
    times = rate * found.steps
    exact = -np.log1p(-2 * rate * alive / (dead + alive)) / rate
    assert fit_approach(times, found.base[:, 0, 0]).rate == pytest.approx(exact, rel=1e-6)
    assert fit_decay(times, 5 - found.base[:, 0, 0, 0]).rate == pytest.approx(exact, rel=1e-9)


# Laws


@settings(max_examples=50, deadline=None)
@given(st.floats(0.3, 8), st.floats(-8, 8), st.floats(-50, 50), st.floats(0.01, 100))
def test_units_of_time_and_length_scale_the_rates(rate, size, shift, unit):
    values = np.exp(-rate * t)
    assert fit_decay(unit * t, 10**size * values, floor=0).rate * unit == pytest.approx(rate)
    path = shift + 10**size * values[:, None]
    found = fit_approach(unit * t, path)
    if abs(shift) < 1e6 * 10**size:
        assert found.rate * unit == pytest.approx(rate, rel=1e-3)


def test_noise_moves_a_rate_by_about_its_error():
    rng, off = np.random.default_rng(1), []
    for _ in range(200):
        path = 3 + np.exp(-1.2 * t)[:, None] * [1.0, 1] + 0.01 * rng.normal(size=(30, 2))
        found = fit_approach(t, path)
        off.append((found.rate - 1.2) / found.standard_error)
    assert 0.8 < np.std(off) < 1.25 and abs(np.mean(off)) < 0.3


# Hostile numbers


SIZES = [1e-300, 1e-200, 1e-9, 1e9, 1e200, 1e300]


@pytest.mark.parametrize("size", SIZES)
def test_values_and_times_of_any_size_have_their_rates(size):
    values = 3 * np.exp(-0.5 * t)
    path = values[:, None] * [3.0, 4.0] + [1.0, 2.0]
    assert fit_decay(t, size * values).rate == pytest.approx(0.5)
    assert fit_approach(t, size * path).rate == pytest.approx(0.5, rel=1e-6)
    assert fit_approach(t, size * path).amplitude == pytest.approx(15 * size, rel=1e-6)
    assert fit_decay(size * t, values).rate == pytest.approx(0.5 / size)
    assert fit_approach(size * t, path).rate == pytest.approx(0.5 / size, rel=1e-6)
    for half in fit_halves(size * t, size * values):
        assert half.rate == pytest.approx(0.5 / size)


def test_late_times_have_rates_though_amplitudes_overflow():
    values = np.exp(-0.5 * t)
    assert fit_decay(t + 1e6, values).rate == pytest.approx(0.5)
    assert fit_decay(t + 1e6, values).amplitude == np.inf
    assert fit_approach(t + 1e6, values[:, None]).rate == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-3])
def test_what_is_over_before_the_second_record_has_no_rate(noise):
    rng = np.random.default_rng(0)
    path = np.where(t > 0, 1.0, 5.0)[:, None] + noise * rng.normal(size=(len(t), 1))
    assert np.isnan(fit_approach(t, path).rate)
    assert np.isnan(fit_approach(t, np.exp(-400 * t)[:, None]).rate)


def test_what_only_shakes_approaches_nothing():
    found = [
        fit_approach(t, np.random.default_rng(seed).normal(size=(len(t), 1))) for seed in range(20)
    ]
    assert not any(fit.r_squared >= 0.9 for fit in found)


# Bad input


def test_wrong_calls_get_one_sentence():
    with pytest.raises(ValueError, match="values must be an array of numbers"):
        fit_decay(t, ["a"] * len(t))
    with pytest.raises(ValueError, match=r"one number per time, got shape \(30, 1\)"):
        fit_decay(t, t[:, None])
    assert fit_decay(t, np.exp(-t), floor=np.float32(0.1)).rate == pytest.approx(1)
    with pytest.raises(ValueError, match="one entry or row per time"):
        fit_decay(t, t[:5])
    with pytest.raises(ValueError, match="times must rise"):
        fit_decay(t[::-1], t)
    with pytest.raises(ValueError, match="floor must be"):
        fit_decay(t, t, floor=2)
    with pytest.raises(ValueError, match="one entry or row per time"):
        fit_approach(t, t)
