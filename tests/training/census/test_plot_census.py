"""Figures of a census."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from census_runs import census_of, ending, unproved

from geomcore.plot.style import VERDICT_STYLES
from training.census.ending import KINDS
from training.census.plot_census import (
    STYLES,
    figure_of_losses,
    figure_of_shapes,
    figures,
    losses_in_words,
)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def marks(ax):
    """Colours and heights of the marks."""
    found = {}
    for line in ax.lines:
        if line.get_linestyle() == "None":
            found.setdefault(line.get_color(), []).extend(line.get_ydata())
    return {color: sorted(heights) for color, heights in found.items()}


def test_every_kind_has_a_look_of_its_own_and_verdicts_have_theirs():
    assert set(STYLES) == set(KINDS) and len(set(STYLES.values())) == len(KINDS)
    assert all(STYLES[kind] == style for kind, style in VERDICT_STYLES.items())


def test_each_run_is_a_mark_of_the_colour_of_its_kind_at_its_loss():
    found = census_of(ending(0), ending(1, loss=0.25), unproved(2, loss=0.3))
    ax, side = figure_of_losses(found).axes
    blue, grey = STYLES["local minimum"][0], STYLES["undetermined"][0]
    assert marks(ax) == {blue: [0.25, 0.5], grey: [0.3]}
    assert ax.get_yscale() == "linear" and ax.get_ylabel() == "loss"
    widths = [patch.get_width() for patch in side.patches]
    assert sum(widths) == 3  # all runs are in the histogram


@pytest.mark.parametrize(
    ("losses", "lowest"), [((0.5, 1e-3), 1e-3), ((0.5, 0.0), 5e-13), ((0.5, 1e-30), 5e-13)]
)
def test_losses_that_differ_much_are_drawn_on_a_logarithmic_axis(losses, lowest):
    found = census_of(*(ending(k, loss=loss) for k, loss in enumerate(losses)))
    ax, side = figure_of_losses(found).axes
    assert ax.get_yscale() == "log" and "logarithmic" in ax.get_ylabel()
    assert ("drawn there" in ax.get_ylabel()) == (lowest != losses[1])
    assert marks(ax)[STYLES["local minimum"][0]] == pytest.approx([lowest, 0.5])
    assert sum(patch.get_width() for patch in side.patches) == 2


@pytest.mark.parametrize("loss", [0.0, 0.5, np.inf])
def test_runs_of_one_loss_or_of_none_can_be_drawn(loss):
    found = census_of(ending(0, loss=loss), ending(1, loss=loss))
    count = 2 if np.isfinite(loss) else 0
    fig = figure_of_losses(found)
    assert sum(len(ys) for ys in marks(fig.axes[0]).values()) == count
    (ax,) = figure_of_shapes([found, found]).axes
    assert sum(len(ys) for ys in marks(ax).values()) == 2 * count


def test_shapes_stand_side_by_side():
    one, two = census_of(ending(0)), census_of(ending(0, loss=0.25), unproved(1, loss=0.3))
    (ax,) = figure_of_shapes([one, two]).axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["four\n1-2-1"] * 2
    assert sum(len(ys) for ys in marks(ax).values()) == 3


def test_what_is_drawn_is_told_in_words():
    found = census_of(ending(0), unproved(1))
    told = "Losses of the runs by kind. four 1-2-1: 1 local minimum, 1 undetermined."
    assert losses_in_words([found]) == told
    ((key, _, caption, alt),) = figures(found)
    assert key == "losses" and alt == told and "step" in caption
