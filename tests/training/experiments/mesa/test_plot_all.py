"""All figures of an experiment."""

import pytest

from training.experiments.mesa.plot_all import figures

ALL = [
    "gradients",
    "thresholds",
    "weights",
    "masses",
    "dimensions",
    "regions",
    "profiles",
    "surfaces",
]


def test_each_figure_has_a_caption_and_words(found):
    drawn = list(figures(found))
    assert [key for key, *_ in drawn] == ALL
    for _, fig, caption, alt in drawn:
        assert fig.axes and "{" not in caption and "flat part of the polytope" in alt
        fig.canvas.draw()


@pytest.mark.parametrize("d", [2, 3])
def test_where_everything_collapsed_there_is_nothing_to_draw(found, d):
    rows = [row | {"collapsed": True} for row in found.rows if row["d"] == d]
    assert list(figures(found._replace(rows=rows, dims=(d,)))) == []


def test_off_the_plane_there_are_no_maps(found):
    rows = [row for row in found.rows if row["d"] == 3]
    keys = [key for key, *_ in figures(found._replace(rows=rows, dims=(3,)))]
    assert keys == ALL[:4]
