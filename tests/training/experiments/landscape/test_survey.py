"""A survey says of a network what its parts say one by one."""

import numpy as np
import pytest
from builders import random_data, random_network
from training_lines import permuted

from constructions import construct
from training.experiments.landscape import plot_landscape, tables
from training.experiments.landscape.survey import survey


@pytest.fixture(scope="module")
def minimum():
    rng = np.random.default_rng(0)
    X = np.concatenate([c + 0.1 * rng.uniform(-1, 1, size=(5, 3)) for c in np.eye(3)])
    y = np.repeat([0, 1, 2], 5)
    net = construct(X, y).network
    told = []
    found = survey(
        net, X, y, points=5, steps=3, other=permuted(net, rng), bend_steps=20, told=told.append
    )
    return net, X, y, found, told


def test_around_a_minimum_there_are_basins_and_no_gradient(minimum):
    _, _, _, found, told = minimum
    assert found.verdict == "global minimum" and found.loss < 1e-25
    names = [line.name for line in found.lines]
    assert names == ["random direction 1", "random direction 2", "largest curvature"]
    for line in found.lines:
        assert line.exact.minimum.loss < 1e-25
    assert [b.name for b in found.basins] == ["as given", "balanced"]
    for basins in found.basins:
        assert basins.rows
        assert all(row.radius < basins.flow["radius"] for row in basins.rows)
        assert all(row.curvature * row.step <= 1 for row in basins.rows)
        assert all(row.steps == 1_000_000 and 0 < row.residue < 1e-7 for row in basins.rows)
    straight, near, _ = (way.barrier for way in found.ways)
    assert straight.lower > 1e-3 > 1e-20 > near.upper
    assert told[0] == "spectrum" and len(told) == 5
    assert found.surface.after is not None


def test_away_from_a_minimum_there_is_a_gradient_and_no_basin():
    net = random_network((2, 4, 2), 0)
    X, y = random_data((2, 2), 12, 1)[0], np.arange(12) % 2
    found = survey(net, X, y, loss="cross_entropy", points=3)
    assert "gradient" in [line.name for line in found.lines]
    assert all(line.exact is None for line in found.lines)
    assert found.basins == () and found.ways == ()
    down = next(line for line in found.lines if line.name == "gradient").grid
    assert down.losses[99] < down.losses[100] < down.losses[101]


def test_tables_and_figures_of_what_was_found(minimum):
    *_, found, _ = minimum
    rows = tables.way_rows(found)
    assert [row["way"] for row in rows] == [way.name for way in found.ways]
    assert len(tables.layer_rows(found)) == 4 and len(tables.line_rows(found)) == 3
    assert {row["descent"] for row in tables.basin_rows(found)} == {"flow", "with steps"}
    assert "verdict of verify: global minimum" in tables.in_sentences(found)[0]
    drawn = list(plot_landscape.figures(found))
    assert [key for key, *_ in drawn] == ["lines", "surface", "spectrum", "ways"]
    for _, fig, caption, alt in drawn:
        assert caption and alt
        for ax in fig.axes:
            assert not ax.get_visible() or ax.get_xlabel() or ax.get_ylabel()
        plot_landscape.plt.close(fig)


def test_the_place_on_a_bent_way_is_that_of_the_whole_way(minimum):
    *_, found, _ = minimum
    for way, row in zip(found.ways, tables.way_rows(found), strict=True):
        parts = len(way.parts)
        k = min(int(row["at t"] * parts), parts - 1)
        t, losses = way.parts[k]
        near = np.abs(t - (row["at t"] * parts - k)) <= 0.0051
        assert losses[near].max() >= way.barrier.lower * (1 - 1e-3) - 1e-28
