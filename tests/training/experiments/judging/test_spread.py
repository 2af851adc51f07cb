"""Means over seeds for people: an interval from five seeds on, below it what each seed gave."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from training.experiments.judging.intervals import mean_interval
from training.experiments.judging.spread import LEAST_SEEDS, means_over, spread_of


def test_few_seeds_are_told_one_by_one_and_one_alone():
    assert spread_of([0.25]).told() == "0.25"
    assert spread_of([3, 1, 2]).told("{:.1f}") == "2.0 (3.0, 1.0, 2.0)"
    assert spread_of([1, 1, 1, 2]).told("{:.0%}") == "125% (100%, 100%, 100%, 200%)"


def test_from_five_seeds_on_there_is_an_interval():
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    found, interval = spread_of(values, seed=3), mean_interval(values, seed=3)
    assert found.interval == interval
    assert found.told() == f"6.2 ({interval.low:.3g} to {interval.high:.3g})"
    assert spread_of([1.0, np.nan, 2.0, 4.0, 8.0]).told() == "3.75 (1, 2, 4, 8)"


def test_what_is_not_a_number_does_not_count():
    assert spread_of([]) is None and spread_of([np.nan, np.inf]) is None
    assert spread_of(iter([np.nan, 0.5])).told() == "0.5"


@pytest.mark.parametrize("seeds", range(1, 8))
def test_words_and_lines_agree_on_what_is_shown(seeds):
    found, words = spread_of(np.arange(seeds)), means_over(seeds)
    assert (" to " in found.told()) == words.startswith("means over seeds with 95 % intervals")
    assert (", " in found.told()) == ("too few for intervals" in words) == (1 < seeds < LEAST_SEEDS)
    fig, ax = plt.subplots()
    found.draw(ax, 2.0, color="k", marker="o")
    *spread, mean = ax.lines
    plt.close(fig)
    assert mean.get_xydata().tolist() == [[(seeds - 1) / 2, 2.0]]
    if seeds == 1:
        assert spread == []
    elif seeds < LEAST_SEEDS:
        assert spread[0].get_xdata().tolist() == [*range(seeds)] and spread[0].get_ls() == "None"
    else:
        assert tuple(spread[0].get_xdata()) == (found.interval.low, found.interval.high)
    fig, ax = plt.subplots()
    found.draw_range(ax, 2.0, color="k", upright=True)
    turned = [line.get_xydata()[:, ::-1].tolist() for line in ax.lines]
    plt.close(fig)
    assert turned == [line.get_xydata().tolist() for line in spread]


def test_another_unit_moves_mean_values_and_interval_alike():
    found = spread_of([1.0, 2.0, 4.0, 8.0, 16.0])
    same = spread_of([100.0, 200.0, 400.0, 800.0, 1600.0])
    assert found.times(100).interval == same.interval
    assert found.times(100).told() == same.told()
