"""Tables for people: what stands in brackets, what diverged, dictionaries that are not learned."""

import numpy as np
import pytest

from training.experiments.judging.intervals import mean_interval
from training.experiments.sparse import plot_sparse, tables
from training.experiments.sparse.protocol import PATCHES, PENALTIES, PIXELS
from training.experiments.sparse.survey import DIRECTIONS, POINTS, Found, grid_of


def row_of(data, run, seed):
    numbers = dict.fromkeys({key for own in tables.OF.values() for key in own}, 0.25 + seed / 100)
    row = {"data": data, "seed": seed, "name": run.name, **run._asdict(), **numbers}
    return row | {"dead": seed + 10 * (run.decoder_bias == "none"), "diverged": False}


def found(seeds, change=lambda row: {}):
    rows = [
        row_of(data, run, seed)
        for data in (PATCHES, PIXELS)
        for seed in range(seeds)
        for run in grid_of(data)
    ]
    chance = [
        {"seed": seed, "columns": kind, "recovered": value + seed / 10, "found": value / 2}
        for seed in range(seeds)
        for kind, value in ((DIRECTIONS, 0.25), (POINTS, 0.5))
    ]
    return Found(None, seeds, 0, [r | change(r) for r in rows], [], {}, {}, {}, chance)


ENDS = mean_interval([0.25, 0.26, 0.27, 0.28, 0.29])


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        (1, "25.0%"),
        (3, "26.0% (25.0%, 26.0%, 27.0%)"),
        (5, f"27.0% ({ENDS.low:.1%} to {ENDS.high:.1%})"),
    ],
)
def test_the_overview_shows_what_seeds_gave_or_an_interval(seeds, told):
    rows = tables.overview(tables.means(found(seeds), PATCHES), PATCHES)
    assert len(rows) == len(grid_of(PATCHES)) and "diverged" not in rows[0]
    assert all(row["error"] == told for row in rows)


def test_seeds_that_diverged_count_in_no_number():
    def change(row):
        return {"diverged": row["seed"] == 2 or row["treatment"] == "inverse", "coherence": np.nan}

    some = found(3, change)
    rows = tables.overview(tables.means(some, PATCHES), PATCHES)
    for row in rows:
        is_lost = row["norms"] == "penalty on small rows"
        assert row["diverged"] == ("3" if is_lost else "1") and row["coherence"] == "-"
        assert row["error"] == ("-" if is_lost else "25.5% (25.0%, 26.0%)")
    run = grid_of(PATCHES)[0].name
    assert plot_sparse.values_of(some.rows, PATCHES, run, "missed") == [0.25, 0.26]


def test_dead_units_with_and_without_a_bias():
    rows = tables.biases(found(3))
    assert [row["penalty"] for row in rows] == [f"{penalty:g}" for penalty in PENALTIES]
    assert rows[0] == {
        "penalty": "0.3",
        "dead, bias at the mean": "1.0 (0.0, 1.0, 2.0)",
        "dead, no bias": "11.0 (10.0, 11.0, 12.0)",
        "difference": "-10.0 (-10.0, -10.0, -10.0)",
    }
    none = tables.biases(found(2, lambda row: {"diverged": row["decoder_bias"] == "none"}))
    assert none[0]["dead, no bias"] == none[0]["difference"] == "-"


def test_both_kinds_of_dictionaries_that_are_not_learned_are_shown():
    assert tables.chance(found(2)) == [
        {
            "columns": kind,
            "number": "2",
            "mean recovery": f"{value + 0.05:.3f}",
            "95 % have at most": f"{value + 0.095:.3f}",
            "largest": f"{value + 0.1:.3f}",
            "found": f"{value / 2:.1%}",
        }
        for kind, value in ((DIRECTIONS, 0.25), (POINTS, 0.5))
    ]
