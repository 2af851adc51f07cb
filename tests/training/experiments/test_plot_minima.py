"""Figures of the table of minima: every point is in them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

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
    drawn = {key: (fig, caption, alt) for key, fig, caption, alt in figures(found)}
    assert list(drawn) == ["losses", "states", "merges"]
    losses = shown(drawn["losses"][0])
    assert [len(ax.get_xticks()) for ax in losses] == [4, 2, 4]
    titles = [ax.get_title().split("\n") for ax in shown(drawn["states"][0])]
    verdicts = [row["verdict"] for row in found.rows if row["kind"] == "state"]
    assert titles == [list(told) for told in zip(["00", "01", "10", "11"], verdicts, strict=True)]
    assert len(shown(drawn["merges"][0])) == 2
    assert "each merge" in drawn["merges"][1]
    for row in found.rows:
        assert f"{row['name']}: {row['loss']:.2g}, {row['verdict']}" in drawn["losses"][2]


def test_frames_have_no_colour_of_a_class_and_axes_have_names_and_room_for_markers(found):
    fig = {key: fig for key, fig, *_ in figures(found)}["states"]
    for ax in shown(fig):
        assert {to_hex(spine.get_edgecolor()) for spine in ax.spines.values()} == {"#000000"}
        low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
        for cloud in ax.collections:
            assert (cloud.get_offsets() > low + 0.04 * (high - low).max()).all()
            assert (cloud.get_offsets() < high - 0.04 * (high - low).max()).all()
    assert fig.get_supxlabel() and fig.get_supylabel()


# Laws


def test_kinds_without_points_have_no_figure(found):
    at = [i for i, row in enumerate(found.rows) if row["kind"] != "merge"]
    some = found._replace(
        rows=[found.rows[i] for i in at], networks=[found.networks[i] for i in at]
    )
    assert [key for key, *_ in figures(some)] == ["losses", "states"]
