"""Figures of the table of minima: every point is in them."""

import matplotlib.pyplot as plt
import pytest

from training.experiments.minima import balls, points_of, survey
from training.experiments.plot_minima import figures


@pytest.fixture(scope="module")
def found():
    (data,) = balls([2], 5, radius=0.15, seed=0)
    return survey(points_of(data), data, steps=5, trials=1, scale=1e-3, seed=0)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def shown(fig):
    return [ax for ax in fig.axes if ax.get_visible()]


# By hand


def test_there_is_one_figure_of_losses_and_one_for_each_kind_of_point(found):
    drawn = {key: (fig, caption) for key, fig, caption in figures(found)}
    assert list(drawn) == ["losses", "states", "merges"]
    losses = shown(drawn["losses"][0])
    assert [len(ax.get_xticks()) for ax in losses] == [4, 2, 4]
    assert [ax.get_title() for ax in shown(drawn["states"][0])] == ["00", "01", "10", "11"]
    assert len(shown(drawn["merges"][0])) == 2
    assert "each merge" in drawn["merges"][1]


# Laws


def test_kinds_without_points_have_no_figure(found):
    at = [i for i, row in enumerate(found.rows) if row["kind"] != "merge"]
    some = found._replace(
        rows=[found.rows[i] for i in at], networks=[found.networks[i] for i in at]
    )
    assert [key for key, _, _ in figures(some)] == ["losses", "states"]
