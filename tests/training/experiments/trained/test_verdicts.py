"""Verdicts by their rules, on rows that are made by hand."""

import numpy as np
import pytest

from training.experiments.trained.verdicts import (
    by_run,
    collapse_values,
    cone_verdict,
    difference_verdict,
    identity_verdict,
    ladder_verdict,
    most_verdict,
    rank_verdict,
    separable_verdict,
)


def layers(ranks, *, defect=0.1, threshold=1e-3):
    """Rows of two hidden layers of width 4 for each start, with these ranks in single precision."""
    return [
        {
            "start": start,
            "threshold": threshold,
            "layer": layer,
            "width": 4,
            "rank_double": 4,
            "rank_single": rank,
            "defect_relative_single": defect if rank < 4 else 1e-12,
            "is_cone": True,
        }
        for start, pair in enumerate(ranks)
        for layer, rank in enumerate(pair, start=1)
    ]


def step(separable, margin=0.5):
    return {"digit": 1, "against": "6 4", "separable": separable, "margin": margin, "points": 9}


# E6


def test_an_order_is_supported_if_every_step_is_proved():
    judged = separable_verdict([step(True), step(True, 0.25)], name="D", is_part=False)
    assert judged.verdict == "holds" and "0.5, 0.25" in judged.reason
    assert "all 9 images" in judged.reason
    part = separable_verdict([step(True)], name="D", is_part=True)
    assert part.verdict == "holds" and "not for all" in part.reason


def test_one_step_that_is_proved_impossible_refutes_even_if_another_is_open():
    judged = separable_verdict([step(None), step(False)], name="D", is_part=True)
    assert judged.verdict == "does not hold" and "digit 1 cannot" in judged.reason


def test_what_is_open_or_not_there_is_not_decided():
    assert (
        separable_verdict([step(True), step(None)], name="D", is_part=False)[0]
        == "not decided by this evidence"
    )
    judged = separable_verdict([], name="D", is_part=False)
    assert judged.verdict == "not decided by this evidence" and "not all in D" in judged.reason


# E7


@pytest.mark.parametrize(
    ("counted", "runs", "verdict"),
    [
        (4, 4, "holds"),
        (3, 3, "not decided by this evidence"),
        (0, 4, "does not hold"),
        (0, 3, "not decided by this evidence"),
        (5, 10, "not decided by this evidence"),
        (9, 10, "holds"),
        (1, 10, "does not hold"),
        (0, 0, "not decided by this evidence"),
    ],
)
def test_most_runs_are_more_than_half_by_an_interval(counted, runs, verdict):
    assert most_verdict(counted, runs, "do it").verdict == verdict


def test_ranks_count_in_middle_layers_alone():
    assert rank_verdict(layers([(3, 4)] * 5), "single").verdict == "does not hold"
    assert rank_verdict(layers([(4, 3)] * 5), "single").verdict == "holds"
    assert rank_verdict(layers([(4, 3)] * 5), "double").verdict == "does not hold"


def test_only_the_lowest_rung_of_a_run_counts():
    rows = layers([(4, 3)] * 5, threshold=1e-1) + layers([(4, 4)] * 5, threshold=1e-2)
    assert rank_verdict(rows, "single").verdict == "does not hold"
    assert {r["threshold"] for own in by_run(rows).values() for r in own} == {1e-2}


def test_identities_are_judged_where_a_layer_is_deficient():
    assert identity_verdict(layers([(4, 3)] * 5), "single").verdict == "holds"
    assert identity_verdict(layers([(4, 3)] * 5, defect=1e-9), "single").verdict == "does not hold"
    judged = identity_verdict(layers([(4, 4)] * 9), "single")
    assert judged.verdict == "not decided by this evidence" and "no middle layer" in judged.reason
    judged = identity_verdict(layers([(4, 3)] * 4 + [(4, 4)] * 5), "single")
    assert judged.verdict == "holds" and "4 of 4 runs" in judged.reason


def test_a_cone_counts_if_its_layer_has_full_rank():
    rows = layers([(4, 4)] * 4)
    classes = [{**row, "class": 0, "backward": 0.9 * (row["layer"] == 2)} for row in rows]
    assert cone_verdict(rows, classes).verdict == "holds"
    for row in rows:
        row["is_cone"] = row["layer"] == 1
    assert cone_verdict(rows, classes).verdict == "does not hold"
    for row in classes:
        row["backward"] = 0.89
    assert cone_verdict(layers([(4, 4)] * 4), classes).verdict == "does not hold"


def test_losses_differ_if_one_interval_leaves_out_zero():
    same = [1.0, 2.0, 3.0, 4.0]
    pairs = {"condition": (same, same), "nc1": (same, same), "held_accuracy": (same, same)}
    assert difference_verdict(pairs).verdict == "does not hold"
    apart = pairs | {"nc1": ([1.0, 1.1, 0.9, 1.0], [0.0, 0.0, 0.0, 0.0])}
    judged = difference_verdict(apart)
    assert judged.verdict == "holds" and "NC1 of the last hidden layer by 1" in judged.reason
    noisy = pairs | {"condition": ([1.0, -1.0, 2.0, -2.0], [0.0] * 4)}
    assert difference_verdict(noisy).verdict == "not decided by this evidence"


def test_intervals_are_wider_for_three_quantities_than_for_one():
    D = [0.1, 0.5, 0.9, 0.3]
    alone = difference_verdict({"condition": (D, [0.0] * 4)})
    still = {name: ([0.0] * 4, [0.0] * 4) for name in ("nc1", "held_accuracy")}
    together = difference_verdict({"condition": (D, [0.0] * 4)} | still)
    # The t quantiles with 3 degrees are 3.18 and 4.86, the standard error is 0.1708.
    assert "(-0.094 to 0.99)" in alone.reason and "(-0.38 to 1.3)" in together.reason


def test_two_pairs_are_too_few():
    pairs = {"condition": ([1.0, 2.0, np.nan], [0.0, 0.0, 0.0])}
    judged = difference_verdict(pairs)
    assert judged.verdict == "not decided by this evidence"
    assert "hidden layer: 2 starts with both losses, 3 are needed" in judged.reason
    assert difference_verdict({}).verdict == "not decided by this evidence"


def test_a_quantity_that_cannot_be_had_leaves_the_others():
    lost = {"condition": ([np.nan] * 4, [np.nan] * 4)}
    apart = difference_verdict(lost | {"nc1": ([1.0, 1.1, 0.9, 1.0], [0.0] * 4)})
    assert apart.verdict == "holds" and "layer: 0 starts" in apart.reason
    alike = difference_verdict(lost | {"nc1": ([0.0, 1e-3, 0.0, 0.0], [0.0] * 4)})
    assert alike.verdict == "not decided by this evidence"


@pytest.mark.parametrize("starts", [3, 5, 30])
def test_one_image_less_in_all_starts_has_no_interval(starts):
    # Of 107 images the same one is missed: the spread is 0, and so would the interval be.
    one = {"held_accuracy": ([1.0] * starts, [1 - 1 / 107] * starts)}
    judged = difference_verdict(one)
    assert judged.verdict == "not decided by this evidence"
    assert f"by 0.0093 in all {starts} starts, without a spread" in judged.reason
    # Differences that are 0 in all are no difference.
    none = {"held_accuracy": ([0.99] * starts, [0.99] * starts)}
    assert difference_verdict(none).verdict == "does not hold"


# E8


def collapse(values):
    thresholds = [1e-1, 1e-2, 1e-3]
    return [
        {"start": s, "threshold": t, "layer": layer, "space": space, "nc1": value * layer}
        for s, row in enumerate(values)
        for t, value in zip(thresholds, row, strict=True)
        for layer in (1, 2)
        for space in ("hidden", "truncated")
    ]


def test_collapse_is_that_of_the_last_layer():
    rows = collapse([[4, 2, 1], [4, 2, 1]])
    table = collapse_values(rows[:-4], [1e-1, 1e-2, 1e-3], "hidden")
    np.testing.assert_array_equal(table, [[8, 4, 2], [8, 4, np.nan]])


def test_collapse_is_supported_if_it_falls_with_the_loss():
    falls = collapse([[1, 0.1, 0.01], [2, 0.3, 0.05], [1, 0.2, 0.01]])
    assert ladder_verdict(falls, [1e-1, 1e-2, 1e-3], "hidden").verdict == "holds"
    rises = collapse([[0.01, 0.1, 1], [0.05, 0.3, 2], [0.01, 0.2, 1]])
    assert ladder_verdict(rises, [1e-1, 1e-2, 1e-3], "truncated").verdict == "does not hold"
    assert ladder_verdict(falls, [1e-1, 1e-2], "hidden").verdict == "holds"
    assert ladder_verdict(falls, [1e-2], "hidden").verdict == "not decided by this evidence"
