"""A census in rows and sentences."""

import numpy as np
import pytest
from census_runs import LINE, MOVED, TWICE, census_of, ending, unproved

from geomcore import ReLUNetwork
from training.census.points import end_points
from training.census.tables import (
    frequent_rows,
    function_rows,
    lost_rows,
    overview_row,
    point_rows,
    run_rows,
    sentences,
    summary_row,
)
from training.settling.settled import RUNAWAY
from training.study.wilson import wilson_interval

AWAY = {"is_critical": False, "reason": RUNAWAY, "rank": None, "flat": None}


@pytest.fixture
def found():
    """Nine runs: two at one point, two more of its function, another, and four without proof."""
    return census_of(
        ending(0),
        ending(1, MOVED, kinks=2),
        ending(2, TWICE, flat=3, is_flat_proved=False, slack=1e-20),
        ending(3, TWICE, flat=3, is_flat_proved=False),
        ending(4, LINE, loss=0.75, smallest_eigenvalue=None, is_far=True),
        unproved(5, LINE, loss=0.25, why="the rank is below 7"),
        unproved(6, MOVED, loss=0.375, why="the rank is below 8"),
        unproved(7, loss=0.125, is_far=True, **AWAY),
        unproved(8, loss=np.inf, **(AWAY | {"reason": "net must be small, got 1e300"})),
    )


def test_each_run_has_a_row_with_its_kind_and_its_end(found):
    rows = run_rows(found, end_points(found))
    assert [row["run"] for row in rows] == list(range(9))
    assert [row["end"] for row in rows] == [3, 3, 4, 4, 5, 1, 2, None, None]
    kinds = [row["kind"] for row in rows]
    assert kinds[:5] == ["local minimum"] * 5 and kinds[5:7] == ["undetermined"] * 2
    assert kinds[7:] == ["runs to infinity", "no critical point found"]
    assert {row["widths"] for row in rows} == {"1-2-1"}


def test_each_end_point_has_a_row_and_they_count_all_runs_with_an_end(found):
    rows = point_rows(found, end_points(found))
    assert [row["times"] for row in rows] == [1, 1, 2, 2, 1]
    assert [row["function"] for row in rows] == [1, 2, 3, 3, 4]
    assert [row["proved"] for row in rows] == [False, False, True, True, True]
    assert [row["flat"] for row in rows] == [0, 0, 0, 3, 0]
    assert rows[3]["slack"] == 0 and rows[3]["run"] == 3  # the better proof of the two


def test_the_summary_counts(found):
    row = summary_row(found, end_points(found))
    assert (row["runs"], row["proved"], row["local minimum"]) == (9, 5, 5)
    assert (row["proved_low"], row["proved_high"]) == wilson_interval(5, 9)
    assert (row["undetermined"], row["runs to infinity"]) == (2, 1)
    assert row["no critical point found"] == 1 and row["saddle"] == row["not stationary"] == 0
    assert (row["minima"], row["functions"], row["families"]) == (3, 2, 3)
    assert (row["isolated"], row["isolated_proved"]) == (2, 2)
    assert (row["lowest_loss"], row["next_loss"], row["highest_loss"]) == (0.5, 0.75, 0.75)
    assert (row["lowest_times"], row["lowest_unproved"], row["far"]) == (4, 0.125, 1)
    assert (row["flat"], row["flat_proved"], row["flat_least"], row["flat_most"]) == (1, 0, 3, 3)
    assert (row["repeated"], row["most_often"], row["most_often_loss"]) == (1, 4, 0.5)
    assert row["nearest_losses"] == 0.25


def test_functions_join_the_networks_that_share_them(found):
    rows = function_rows(end_points(found))
    assert [row["runs"] for row in rows] == ["1", "1", "4", "1"]
    joined = rows[2]
    assert (joined["networks"], joined["cells"], joined["end points"]) == ("2", "2", "3 to 4")
    assert (joined["flat"], joined["proof"]) == ("0 to 3*", "exact point")
    assert rows[0]["kind"] == "undetermined" and rows[0]["proof"] == "none"
    assert rows[3]["smallest eigenvalue"] == "-"
    assert frequent_rows(end_points(found)) == [joined]


def test_what_is_not_proved_is_told_with_its_reason(found):
    rows = lost_rows(found)
    assert [(row["what"], row["runs"]) for row in rows] == [
        ("undetermined", "2"),
        ("runs to infinity", "1"),
        ("no critical point found", "1"),
    ]
    assert rows[0]["because"] == "the rank is below 7" and rows[0]["losses"] == "0.25 to 0.375"
    assert rows[2]["because"] == "net must be small, got 1e300"


def test_the_sentences_say_no_more_than_is_proved(found):
    text = " ".join(sentences(summary_row(found, end_points(found))))
    assert "5 of 9 runs (56%, with 95 % confidence 27% to 81%)" in text
    assert "3 different networks" in text and "2 functions" in text
    assert "The lowest proved minimum, of loss 0.5, is reached by 4 runs" in text
    assert "nothing is proved about whether it is global" in text
    assert "0.25 above it" in text and "has a lower loss, 0.125" in text
    assert "2 of the minima are isolated" in text and ": by proof." in text
    assert "1 is a point of families" in text and "of dimension 3: by a rank in" in text
    assert "not equal as networks" in text and "not known" not in text
    assert "1 function is reached by more than one run, one of loss 0.5 by 4" in text


def test_with_weight_decay_scales_of_units_are_no_symmetry(found):
    row = summary_row(found, end_points(found))
    text = " ".join(sentences(row | {"weight_decay": 0.1}))
    assert "scales" not in text and "up to the order of their units" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"isolated_proved": 0}, "by a rank in floating point."),
        ({"isolated_proved": 1}, "1 of them by proof, the others by a rank"),
        ({"flat_most": 5}, "of dimension 3 to 5: by"),
        ({"flat": 0}, "Of 1 it is not known whether they are isolated"),
        ({"saddle": 1}, "a minimum or a saddle"),
        ({"minima": 1}, "one network, up to the order and scales of its units"),
    ],
)
def test_each_sentence_follows_its_numbers(found, change, words):
    row = summary_row(found, end_points(found))
    assert words in " ".join(sentences(row | change))


def test_a_proved_global_minimum_is_called_so():
    zero = {"verdict": "global minimum", "loss": 0.0}
    found = census_of(ending(0, **zero), ending(1, MOVED, **zero), ending(2, LINE))
    row = summary_row(found, end_points(found))
    text = " ".join(sentences(row))
    assert "A proved global minimum is reached by 2 runs" in text and "nothing is" not in text
    assert overview_row(row)["reached by"] == "2" and overview_row(row)["lowest"] == "0"


def test_a_census_without_a_proof_has_no_minima():
    found = census_of(unproved(0, **AWAY))
    row = summary_row(found, end_points(found))
    assert row["lowest_loss"] is None and row["proved_low"] == 0 and row["minima"] == 0
    assert overview_row(row)["lowest"] == "-" and function_rows(end_points(found)) == []
    assert "minima" not in " ".join(sentences(row))


def test_one_run_is_told_in_the_singular(found):
    row = summary_row(found, end_points(found))
    one = " ".join(sentences(row | {"undetermined": 1}))
    assert "1 is at a critical point" in one and "1 runs to infinity" in one
    assert "1 settles nowhere" in one and "1 are" not in one
    two = " ".join(sentences(row | {"undetermined": 2, "runs to infinity": 3}))
    assert "2 are at a critical point" in two and "3 run to infinity" in two


@pytest.mark.parametrize(
    ("slack", "words"), [(0.0, "it is global, as without hidden"), (1e-20, "nothing is proved")]
)
def test_an_exact_minimum_of_a_convex_loss_is_called_global(slack, words):
    affine = ReLUNetwork([[[0.25]]], [[0.5]])
    one = census_of(ending(0, affine, slack=slack))
    row = summary_row(one, end_points(one))
    assert row["is_convex"] and words in " ".join(sentences(row))
    deep = census_of(ending(0))
    assert not summary_row(deep, end_points(deep))["is_convex"]
