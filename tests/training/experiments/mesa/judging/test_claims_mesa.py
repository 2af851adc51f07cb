"""Claims A1 to A4 on rows made by hand, which go each way."""

import numpy as np
import pytest

from training.experiments.judging.verdict import judged
from training.experiments.mesa.judging.claims_mesa import CLAIMS, FLATNESS, NEEDS, readings
from training.experiments.mesa.judging.columns import Columns

SEEDS = 14
KEYS = [key for key, _, _ in FLATNESS]


def table(**models):
    """Rows of models; each is told by what is measured, a number or one for each seed."""
    rows = []
    for model, told in models.items():
        for s in range(SEEDS):
            row = {
                "d": 2,
                "model": model.replace("_", "-"),
                "seed": s,
                "collapsed": False,
                "w3": -1.0,
            }
            rows.append(row | {key: np.broadcast_to(v, SEEDS)[s] for key, v in told.items()})
    return rows


def verdict(claim, rows):
    return judged(readings(claim, Columns(rows, 2), seed=0)).verdict


def flat(head, logit=None):
    logit = head if logit is None else logit
    return {key: head if key.startswith("head") else logit for key in KEYS}


ROUGH = np.linspace(-0.03, 0.03, SEEDS)


# A1


@pytest.mark.parametrize(
    ("linear", "told"),
    [
        (0.99, "holds"),
        (0.97, "does not hold"),
        (0.99 + 8 * ROUGH, "not decided by this evidence"),
    ],
)
def test_equal_accuracy(linear, told):
    rows = table(lp={"accuracy": 0.99}, linear={"accuracy": linear})
    assert verdict("A1", rows) == told


def test_accuracy_of_runs_that_collapsed_is_a_correction():
    rows = table(lp={"accuracy": 0.99}, linear={"accuracy": 0.99})
    for row in rows:
        if row["model"] == "lp" and row["seed"] < 4:
            row |= {"collapsed": True, "accuracy": 0.5}
    own, whole, falling = readings("A1", Columns(rows, 2), seed=0)
    assert falling.answer == "yes" and "10 seeds" in falling.told
    assert own.answer == "yes" and "10 seeds" in own.told
    assert whole.answer == "no" and "14 seeds" in whole.told
    assert verdict("A1", rows) == "holds with a correction"


def test_too_few_pairs_decide_nothing():
    rows = table(lp={"accuracy": 0.99}, linear={"accuracy": 0.9})
    for row in rows:
        row["collapsed"] = row["seed"] < 5
    assert verdict("A1", rows) == "not decided by this evidence"


# A2


@pytest.mark.parametrize(
    ("lp", "linear", "told"),
    [
        (flat(0.3 + ROUGH), flat(0.02 + ROUGH / 9), "holds"),
        # For the logit Linear is as flat as Lp.
        (flat(0.3 + ROUGH, 0.7), flat(0.02 + ROUGH / 9, 0.75), "holds with a correction"),
        (flat(0.3), flat(0.3), "does not hold"),
        # Lp is flatter, but Linear is flat, too.
        (flat(0.5), flat(0.3), "does not hold"),
        (flat(0.05 + 20 * np.abs(ROUGH)), flat(0.1 + 4 * ROUGH), "not decided by this evidence"),
    ],
)
def test_a_spike(lp, linear, told):
    assert verdict("A2", table(lp=lp, linear=linear)) == told


def test_a_start_that_explains_the_spike_is_a_correction():
    rows = table(lp=flat(0.3), linear=flat(0.0), linear_positive=flat(0.3))
    assert verdict("A2", rows) == "holds with a correction"
    rows = table(lp=flat(0.3), linear=flat(0.0), linear_positive=flat(0.0))
    assert verdict("A2", rows) == "holds"


# A3


def centre(weight, slope, cancelled):
    keys = ("centre_weight_on", "centre_slope_on", "centre_cancelled")
    return dict(zip(keys, (weight, slope, cancelled), strict=True))


@pytest.mark.parametrize(
    ("lp", "linear", "told"),
    [
        (centre(0.01, 0.01, 0.1), centre(0.7, 0.7, 0.6), "holds"),
        # Another size.
        (centre(0.01, 0.01, 0.1), centre(0.1, 0.1, 0.6), "holds with a correction"),
        # What is suppressed is the scale of the head, and the units make up for it.
        (centre(0.01, 0.7, 0.1), centre(0.7, 0.7, 0.6), "holds with a correction"),
        (centre(0.7, 0.7, 0.1), centre(0.7, 0.7, 0.6), "does not hold"),
        # Nothing cancels in either.
        (centre(0.01, 0.01, 0.1), centre(0.7, 0.7, 0.1), "does not hold"),
    ],
)
def test_suppression_at_the_centre(lp, linear, told):
    assert verdict("A3", table(lp=lp, linear=linear)) == told


@pytest.mark.parametrize(
    ("ratios", "answer"),
    [
        (np.full(SEEDS, 70.0), "yes"),
        (np.linspace(20, 200, SEEDS), "yes"),
        (np.full(SEEDS, 12.0), "size"),
        (np.geomspace(1, 12, SEEDS), "size"),
        (np.geomspace(1e-2, 1e6, SEEDS), "open"),
    ],
)
def test_about_70_times(ratios, answer):
    rows = table(lp=centre(0.01, 0.01, 0.1), linear=centre(0.01 * ratios, 0.7, 0.6))
    found = next(r for r in readings("A3", Columns(rows, 2), seed=0) if "about 70" in r.name)
    assert found.answer == answer


def test_runs_with_a_positive_last_weight_are_looked_at_apart():
    rows = table(lp=flat(0.3), linear=flat(0.0))
    for row in rows:
        if row["seed"] < 4:
            row |= {"w3": 1.0, "head_area_1": 0.3}
    found = next(r for r in readings("A2", Columns(rows, 2), seed=0) if "w3 < 0" in r.name)
    assert found.answer == "yes" and "10 seeds" in found.told


def test_seeds_without_units_on_at_the_centre_have_no_ratio():
    rows = table(lp=centre(0.01, 0.01, 0.1), linear=centre(0.7, 0.7, 0.6))
    for row in rows[:5]:
        row["centre_weight_on"] = np.nan
    told = readings("A3", Columns(rows, 2), seed=0)[0]
    assert told.answer == "open" and "9 seeds" in told.told


def weights_of(lp, linear):
    told = readings(
        "A3", Columns(table(lp=centre(lp, lp, 0.1), linear=centre(linear, 0.7, 0.6)), 2), seed=0
    )
    return told[0], next(r for r in told if "about 70" in r.name)


def test_weights_that_are_suppressed_to_exactly_0_count_most():
    less, size = weights_of(np.where(np.arange(SEEDS) < 9, 0.0, 0.7), 0.7)
    assert less.answer == "open" and f"median inf (1 to inf; {SEEDS} seeds)" in less.told
    less, size = weights_of(0.0, 0.7)
    assert less.answer == "yes" and size.answer == "size" and "inf (inf to inf" in less.told
    # A few are of no weight for the size of all.
    less, size = weights_of(np.where(np.arange(SEEDS) < 2, 0.0, 0.01), 0.7)
    assert less.answer == "yes" and size.answer == "yes" and "median 70" in less.told
    assert verdict("A3", table(lp=centre(0.0, 0.0, 0.0), linear=centre(0.7, 0.7, 0.6))) == (
        "holds with a correction"
    )


def test_suppression_is_looked_at_apart_where_both_have_a_negative_last_weight():
    ratios = np.where(np.arange(SEEDS) < 4, 1.0, 70.0)
    rows = table(lp=centre(0.01, 0.01, 0.1), linear=centre(0.01 * ratios, 0.7, 0.6))
    for row in rows:
        row["w3"] = 1.0 if row["seed"] < 4 and row["model"] == "lp" else -1.0
    found = next(r for r in readings("A3", Columns(rows, 2), seed=0) if "w3 < 0" in r.name)
    assert found.answer == "yes" and "median 70 (70 to 70; 10 seeds)" in found.told


@pytest.mark.parametrize("linear", [0.0, 5e-324])
def test_ratios_at_the_ends_of_the_floats(linear):
    less, _ = weights_of(linear, linear)
    assert less.answer == "no" and "median 1 (1 to 1" in less.told
    less, _ = weights_of(1e300, linear)
    assert less.answer == "no" and "median 0 (0 to 0" in less.told
    less, _ = weights_of(linear, 1e300)
    assert less.answer == "yes" and "median inf (inf to inf" in less.told


# A4


@pytest.mark.parametrize(
    ("after", "accuracy", "told"),
    [
        (flat(0.03), 0.99, "holds"),
        # The function is another one.
        (flat(0.03), 0.8, "holds with a correction"),
        (flat(0.03, 0.4), 0.99, "holds with a correction"),
        (flat(0.3), 0.99, "does not hold"),
        (flat(0.03 + 10 * ROUGH), 0.99, "not decided by this evidence"),
    ],
)
def test_a_flip(after, accuracy, told):
    before = flat(0.03) | {"accuracy": 0.99}
    assert verdict("A4", table(linear=before, flipped=after | {"accuracy": accuracy})) == told


def test_a_network_that_collapses_by_the_flip_is_not_left_out():
    rows = table(linear=flat(0.03) | {"accuracy": 0.99}, flipped=flat(1.0) | {"accuracy": 0.2})
    for row in rows:
        row["collapsed"] = row["model"] == "flipped"
    assert verdict("A4", rows) == "does not hold"


def test_a_linear_head_that_collapsed_is_not_flipped():
    rows = table(linear=flat(0.03) | {"accuracy": 0.99}, flipped=flat(0.03) | {"accuracy": 0.99})
    for row in rows:
        if row["seed"] < 4:
            row |= {"collapsed": row["model"] == "linear", "head_points_1": 1.0, "accuracy": 0.8}
    found = readings("A4", Columns(rows, 2), seed=0)
    assert all("10 seeds" in reading.told for reading in found)


def test_each_claim_names_the_models_that_it_needs():
    assert set(CLAIMS) == set(NEEDS) == {"A1", "A2", "A3", "A4"}
