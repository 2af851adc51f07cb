"""Intervals over seeds."""

import numpy as np
import pytest

from training.experiments.judging.intervals import (
    mean_interval,
    median_interval,
    share_interval,
    signed_rank,
)

# By hand


def test_equal_values_have_an_interval_of_no_length():
    assert mean_interval([0.5] * 4) == (0.5, 0.5, 0.5, 4)
    assert mean_interval([2.0]) == (2.0, 2.0, 2.0, 1)


def test_medians_hold_what_is_infinite():
    many = [np.inf] * 12
    assert median_interval(many) == (np.inf, np.inf, np.inf, 12)
    assert median_interval([1.0] * 12 + [np.inf] * 2)[:3] == (1.0, 1.0, 1.0)
    assert median_interval([-np.inf, np.inf]).value == 0
    assert median_interval([1e308] * 4).value == 1e308
    assert median_interval([3.0, 1.0, 2.0, 9.0]).value == 2.5
    assert median_interval([]).pairs == 0


def test_nothing_has_no_interval():
    found = mean_interval([])
    assert found.pairs == 0 and np.isnan(found[:3]).all()


def test_the_share_is_that_of_means_and_not_the_mean_of_shares():
    found = share_interval([0.1, 0.5], [0.2, 0.6], [0.0, 0.0])
    assert found.value == pytest.approx(0.75) and found.low >= 0.5 and found.high <= 5 / 6 + 1e-12


def test_where_there_is_no_effect_there_is_no_share_of_it():
    assert share_interval([0.3] * 5, [0.1] * 5, [0.1] * 5).value == np.inf
    assert share_interval([0.0] * 5, [0.1] * 5, [0.1] * 5).value == -np.inf


def test_signed_ranks():
    assert signed_rank([]) == signed_rank([0.0, 0.0]) == 1.0
    # All of six differences of one sign: 2 / 2^6.
    assert signed_rank([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 64)


# Laws


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_the_interval_holds_the_mean_and_scales(size):
    values = np.random.default_rng(0).normal(size=20) * size
    found, one = mean_interval(values, seed=1), mean_interval(values / size, seed=1)
    assert found.low < found.value < found.high
    assert np.allclose(np.array(found[:3]) / size, one[:3], rtol=1e-12)


def test_it_has_the_length_of_the_normal_interval_and_covers_as_often():
    rng, hits, lengths = np.random.default_rng(0), 0, []
    for k in range(200):
        found = mean_interval(rng.normal(size=30), seed=k)
        hits += found.low <= 0 <= found.high
        lengths.append(found.high - found.low)
    assert 180 <= hits <= 198
    assert np.mean(lengths) == pytest.approx(2 * 1.96 / np.sqrt(30), rel=0.06)


def test_pairs_are_kept_together():
    """A share that is the same for each seed has no spread, however far seeds differ."""
    whole = np.random.default_rng(0).uniform(0.1, 1, size=15)
    found = share_interval(whole / 4, whole, np.zeros(15))
    assert found.low == pytest.approx(0.25) and found.high == pytest.approx(0.25)


def test_the_draws_depend_on_the_seed_alone():
    values = np.arange(12.0)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)
