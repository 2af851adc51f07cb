"""Figures of truncation dynamics."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from training.experiments.dynamics import survey
from training.experiments.dynamics_starts import draws
from training.experiments.plot_dynamics import figures, ranks_in_words


@pytest.fixture(scope="module")
def found():
    return survey(draws(3, points=6, radius=0.15, seed=0), (0.3, 0.5, 0.7), steps=60, seed=0)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_each_fraction_has_a_panel_with_a_line_per_seed_and_their_median(found):
    drawn = {key: (fig, caption, alt) for key, fig, caption, alt in figures(found)}
    assert list(drawn) == ["spread", "degrees", "rates"]
    spreads = drawn["spread"][0].axes
    titles = [ax.get_title() for ax in spreads]
    assert titles == ["30% truncated", "50% truncated", "70% truncated"]
    for ax in spreads:
        assert len(ax.lines) == 4 and ax.get_yscale() == "log"
        ends = [line.get_ydata()[0] for line in ax.lines]
        assert ends[3] == pytest.approx(np.median(ends[:3]))
    assert "class 0" in drawn["spread"][1] and "seed 0" in drawn["spread"][2]
    for ax in drawn["degrees"][0].axes:
        assert len(ax.collections) == 3
        tops = [c.get_paths()[0].vertices[:, 1].max() for c in ax.collections]
        assert tops[-1] == pytest.approx(1)


def test_rates_stand_beside_both_models_and_the_verdict(found):
    fig, alt = {key: (fig, alt) for key, fig, _, alt in figures(found)}["rates"]
    for ax, key in zip(fig.axes, ("spread", "base", "along"), strict=True):
        assert found.verdicts[key].verdict in ax.get_title()
        seeds = [line for line in ax.lines if line.get_marker() == "."]
        assert len(seeds) == 3
        told = found.dependence[key]
        if np.isfinite(told.slope):
            line = ax.lines[3]
            rise = np.diff(line.get_ydata()) / np.diff(line.get_xdata())
            assert rise == pytest.approx(told.slope)
            assert ax.lines[4].get_ydata()[0] == told.mean_rate
        assert found.verdicts[key].reason in alt
    halves = [line.get_ydata() for line in fig.axes[2].lines[:3]]
    np.testing.assert_array_equal(halves, found.halves)


def test_every_fraction_has_a_panel():
    data_sets = draws(2, points=20, radius=0.15, seed=0)
    many = survey(data_sets, np.linspace(0.1, 0.9, 12), steps=5, seed=0)
    for key, fig, _, _ in figures(many):
        titles = [ax.get_title() for ax in fig.axes if ax.get_visible()]
        if key != "rates":
            assert len(titles) == 12 and "17.3% truncated" in titles


def test_rank_deficient_layers_are_told(found):
    assert "full rank at the end of all runs" in ranks_in_words(found)
    rows = [row | {"rank": 2.0, "defect": 0.5} for row in found.rows]
    assert "9 of 9 runs" in ranks_in_words(found._replace(rows=rows))
    captions = {key: caption for key, _, caption, _ in figures(found._replace(rows=rows))}
    for key in ("spread", "degrees"):  # what they show is that layer's
        assert "9 of 9 runs" in captions[key]
