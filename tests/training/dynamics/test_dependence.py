"""Rates against the truncated fraction, and the verdict on claim E5."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from training.dynamics.dependence import rate_dependence, rate_verdict
from training.dynamics.rates import NO_RATE, fit_approach, fit_decay

FRACTIONS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
TIMES = np.linspace(0, 3, 40)


def histories(rate, *, seeds=8, noise=0.02, rng=0):
    """Fits of spreads that fall at ``rate(fraction)`` times a factor for each seed."""
    rng = np.random.default_rng(rng)
    fits = []
    for _ in range(seeds):
        own = 1 + 0.1 * rng.normal()
        for f in FRACTIONS:
            values = np.exp(-own * rate(f) * TIMES + noise * rng.normal(size=len(TIMES)))
            fits.append(fit_decay(TIMES, values))
    return fits


def verdict(fits):
    rates = np.array([fit.rate for fit in fits]).reshape(-1, len(FRACTIONS))
    return rate_verdict(fits, rate_dependence(rates, FRACTIONS))


# Synthetic histories of every kind


def test_rates_that_rise_support_the_claim():
    found = verdict(histories(lambda f: 2 * f))
    assert found.verdict == "holds" and "it rises" in found.reason


def test_rates_that_fall_refute_it():
    found = verdict(histories(lambda f: 2 * (1 - f)))
    assert found.verdict == "does not hold" and "it falls" in found.reason


def test_rates_that_are_all_the_same_refute_it():
    found = verdict(histories(lambda f: 1.0))
    assert found.verdict == "does not hold" and "no dependence" in found.reason


def test_rates_that_scatter_decide_nothing():
    rng = np.random.default_rng(3)
    found = verdict(histories(lambda f: rng.uniform(0.5, 3), seeds=5))
    assert found.verdict == "not decided by this evidence" and "may be either" in found.reason


def test_what_does_not_fall_exponentially_decides_nothing():
    rng, fits = np.random.default_rng(0), []
    for _ in range(5):
        for f in FRACTIONS:
            fits.append(fit_decay(TIMES, 1 + f * np.abs(rng.normal(size=len(TIMES)))))
    found = verdict(fits)
    assert found.verdict == "not decided by this evidence" and "0 of 25 runs" in found.reason
    grows = verdict(histories(lambda f: -2 * f))
    assert grows.verdict == "not decided by this evidence" and "0 of 40 runs" in grows.reason


def test_half_of_the_runs_are_not_most_of_them():
    good, bad = fit_decay(TIMES, np.exp(-TIMES)), NO_RATE
    rates = rate_dependence([[1.0, 2.0]] * 3, [0, 1])
    assert rate_verdict([good, bad] * 3, rates).verdict == "not decided by this evidence"
    assert rate_verdict([good, good, bad] * 2, rates).verdict == "holds"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.09, 0.09, "does not hold"),
        (0.01, 0.09, "does not hold"),
        (0.01, 0.11, "holds"),
        (-0.01, 0.5, "not decided by this evidence"),
        (-0.5, 0.01, "not decided by this evidence"),
        (-0.5, -0.01, "does not hold"),
        (0.01, 0.5, "holds"),
        (0.0, 0.5, "not decided by this evidence"),
    ],
)
def test_the_interval_decides(low, high, verdict):
    found = rate_dependence([[1.0, 1.0]] * 3, [0, 1])  # of mean 1
    found = dataclasses.replace(found, low=low, high=high)
    assert rate_verdict([fit_decay(TIMES, np.exp(-TIMES))], found).verdict == verdict


def test_two_seeds_decide_nothing():
    found = verdict(histories(lambda f: 2 * f, seeds=2))
    assert found.verdict == "not decided by this evidence" and "2 seeds" in found.reason
    assert verdict([NO_RATE] * 20).verdict == "not decided by this evidence"


def test_one_unit_in_both_sets_of_coordinates():
    # The unit max(x, p) in front of a line of slope v. With its own bias, p = -b/w, and what
    # follows held, the points that are on pull: dp/dt = -2 (1 - f) (p - limit). In
    # cumulative coordinates, where the outputs of the points that are on do not see p, it is those
    # that are off: dp/dt = -2 v^2 f (p - limit). Euler's method for both.
    def path(rate, start):
        p = [start]
        for _ in range(300):
            p.append(p[-1] - 0.01 * rate * (p[-1] - 5))
        return np.array(p)[:, None]

    times = 0.01 * np.arange(301)
    starts = (1.0, 2.0, -3.0)
    own = [fit_approach(times, path(2 * (1 - f), s)) for s in starts for f in FRACTIONS]
    cumulative = [fit_approach(times, path(2 * f, s)) for s in starts for f in FRACTIONS]
    assert verdict(own).verdict == "does not hold"
    assert verdict(cumulative).verdict == "holds"


# The numbers


def test_the_interval_is_that_of_students_t_over_seeds():
    rates = np.random.default_rng(0).normal(size=(6, 5))
    found = rate_dependence(rates, FRACTIONS)
    slopes = [np.polyfit(FRACTIONS, r, 1)[0] for r in rates]
    np.testing.assert_allclose(found.slopes, slopes)
    interval = ttest_1samp(slopes, 0).confidence_interval(0.95)
    assert found.slope == pytest.approx(np.mean(slopes))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.mean_rate == pytest.approx(rates.mean())


def test_the_two_models_stand_side_by_side():
    rng = np.random.default_rng(1)
    levels = rng.normal(size=(7, 1))
    rises = levels + 2 * FRACTIONS + 0.1 * rng.normal(size=(7, 5))
    found = rate_dependence(rises, FRACTIONS)
    assert found.aic < found.aic_constant - 10 and found.residual < found.residual_constant / 3
    flat = rate_dependence(levels + 0.1 * rng.normal(size=(7, 5)), FRACTIONS)
    assert flat.aic > flat.aic_constant - 4
    table = found.frame()
    assert table.model.tolist() == ["rate changes with the fraction", "no dependence"]
    assert table.parameters.tolist() == [8, 7] and table.aic.tolist() == [
        found.aic,
        found.aic_constant,
    ]
    # a level for each seed and one slope, by least squares at once
    design = np.hstack([np.kron(np.eye(7), np.ones((5, 1))), np.tile(FRACTIONS, 7)[:, None]])
    rest = np.linalg.lstsq(design, rises.ravel(), rcond=None)[1][0]
    assert found.residual == pytest.approx(np.sqrt(rest / 35))
    # with the size of the deviations as one more parameter
    assert found.aic == pytest.approx(35 * np.log(rest / 35) + 2 * (7 + 1 + 1))


def test_missing_rates_are_left_out():
    rates = np.array([[1.0, np.nan, 2], [0, 1, 2], [np.nan, np.nan, 5], [1, 2, 4]])
    found = rate_dependence(rates, [0.0, 0.5, 1.0])
    assert len(found.slopes) == 3 and found.runs == 8
    np.testing.assert_allclose(found.slopes, [1, 2, 3])


def test_fractions_may_differ_from_seed_to_seed():
    fractions = np.array([[0.1, 0.2], [0.5, 0.9], [0.0, 1.0]])
    np.testing.assert_allclose(rate_dependence(3 * fractions, fractions).slopes, 3)


def test_intervals_of_95_percent_hold_the_slope_in_about_95_percent():
    rng, inside = np.random.default_rng(5), 0
    for _ in range(400):
        slopes = 1 + 0.5 * rng.normal(size=(6, 1))
        rates = slopes * FRACTIONS + rng.normal(size=(6, 1)) + 0.3 * rng.normal(size=(6, 5))
        found = rate_dependence(rates, FRACTIONS)
        inside += found.low <= 1 <= found.high
    assert 0.92 < inside / 400 < 0.98


# Degenerate and bad input


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_rates_and_fractions_of_any_size_have_their_intervals(size):
    rates = np.array([[1.0, 2.0], [1.5, 2.5], [0.0, 1.25]])
    usual = rate_dependence(rates, [0.0, 0.5])
    large, long = rate_dependence(size * rates, [0.0, 0.5]), rate_dependence(rates, [0, 0.5 * size])
    for name in ("slope", "low", "high"):
        value = getattr(usual, name)
        assert getattr(large, name) == pytest.approx(size * value)
        assert getattr(long, name) == pytest.approx(value / size)
    np.testing.assert_allclose(large.slopes, size * usual.slopes)
    for name in ("mean_rate", "residual", "residual_constant"):
        assert getattr(large, name) == pytest.approx(size * getattr(usual, name))
    assert large.aic - large.aic_constant == pytest.approx(usual.aic - usual.aic_constant)


def test_rates_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="rates must be an array of numbers"):
        rate_dependence([["a", "b"]], [0, 1])
    with pytest.raises(ValueError, match="rates must be an array of numbers"):
        rate_dependence([[1, 2], [1]], [0, 1])


def test_one_seed_is_one_seed():
    told = rate_verdict([], rate_dependence([[1.0, 2.0]], [0, 1])).reason
    assert told == "1 seed with rates at two fractions or more, 3 are needed"


def test_without_rates_all_is_nan_and_nothing_decided():
    found = rate_dependence(np.full((3, 4), np.nan), [0, 1, 2, 3])
    assert np.isnan([found.slope, found.low, found.mean_rate, found.residual, found.aic]).all()
    one = rate_dependence([[1.0, 2.0]], [0, 1])
    assert one.slope == 1 and np.isnan(one.low) and one.aic == -np.inf
    assert len(found.frame()) == 2 and max(map(len, repr(one).split("\n"))) <= 80


def test_wrong_calls_get_one_sentence():
    with pytest.raises(ValueError, match="a row for each seed"):
        rate_dependence([1.0, 2.0], [0, 1])
    with pytest.raises(ValueError, match="fractions must have the shape"):
        rate_dependence([[1.0, 2.0]], [0, 1, 2])
    with pytest.raises(ValueError, match="fractions must be finite"):
        rate_dependence([[1.0, 2.0]], [0, np.nan])
