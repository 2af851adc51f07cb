"""Claims B1 to B3 on rows made by hand, which go each way."""

import numpy as np
import pytest

from training.experiments.judging.verdict import judged
from training.experiments.mesa.judging.claims_mesa import FLATNESS
from training.experiments.mesa.judging.claims_nonneg import (
    CLAIMS,
    NEEDS,
    PENALISED,
    rank_correlation,
    readings,
)
from training.experiments.mesa.judging.columns import Columns

SEEDS = 16
KEYS = [key for key, _, _ in FLATNESS]
AROUND = np.linspace(0.32, 0.36, SEEDS)  # 85 % of 0.4


def flat(head, logit=None, **more):
    logit = head if logit is None else logit
    return {key: head if key.startswith("head") else logit for key in KEYS} | more


def table(models):
    rows = []
    for model, told in models.items():
        for s in range(SEEDS):
            row = {"d": 2, "model": model, "seed": s, "collapsed": False, "w3": -1.0}
            rows.append(row | {key: np.broadcast_to(v, SEEDS)[s] for key, v in told.items()})
    return rows


def verdict(claim, models):
    return judged(readings(claim, Columns(table(models), 2), seed=0)).verdict


# B1


@pytest.mark.parametrize(
    ("lp", "control", "penalised", "told"),
    [
        (flat(0.4), flat(0.0), flat(AROUND), "holds"),
        (flat(0.4), flat(0.0), flat(0.25), "holds with a correction"),
        (flat(0.4, 0.7), flat(0.0, 0.7), flat(AROUND, 0.7), "holds with a correction"),
        (flat(0.4), flat(0.0), flat(0.1), "does not hold"),
        # There is nothing to recover.
        (flat(0.4), flat(0.4), flat(0.4), "does not hold"),
        (flat(0.4), flat(0.0), flat(np.linspace(0, 0.45, SEEDS)), "not decided by this evidence"),
    ],
)
def test_recovery(lp, control, penalised, told):
    assert verdict("B1", {"lp": lp, "linear": control, "negative-1": penalised}) == told


def test_seeds_in_which_the_last_weight_is_positive_are_looked_at_apart():
    signs = np.where(np.arange(SEEDS) < 5, 1.0, -1.0)
    models = {
        "lp": flat(0.4, w3=signs),
        "linear": flat(0.0, w3=signs),
        "negative-1": flat(np.where(signs > 0, 0.0, 0.4), w3=signs),
    }
    found = {r.name: r for r in readings("B1", Columns(table(models), 2), seed=0)}
    negative = next(r for name, r in found.items() if name.startswith("seeds in which w3 is neg"))
    share = next(
        r for name, r in found.items() if name.endswith("area, seeds in which w3 is negative")
    )
    assert share.answer == "size" and share.told.startswith("100% ") and "11 seeds" in share.told
    positive = next(r for name, r in found.items() if "w3 is positive" in name)
    assert negative.answer == "yes" and "11 seeds" in negative.told
    assert positive.answer == "open" and "0.0 %" in positive.told and "5 seeds" in positive.told


# B2


def chain(flats, masses):
    return {
        model: flat(f, negative_mass=m, negative_share=m / 10)
        for model, f, m in zip(PENALISED, flats, masses, strict=True)
    }


@pytest.mark.parametrize(
    ("flats", "masses", "told"),
    [
        ([0.0, 0.2, 0.3, 0.4], [4, 1, 0.1, 0.01], "holds"),
        ([0.4, 0.3, 0.2, 0.0], [4, 1, 0.1, 0.01], "does not hold"),
        # Related to nothing.
        ([0.3, 0.2, 0.2, 0.3], [4, 1, 0.1, 0.01], "does not hold"),
        # Nothing varies: neither flatness, at the least end and between, nor weights.
        ([0.0, 0.0, 0.0, 0.0], [4, 1, 0.1, 0.01], "not decided by this evidence"),
        ([0.3, 0.3, 0.3, 0.3], [4, 1, 0.1, 0.01], "not decided by this evidence"),
        ([0.0, 0.2, 0.3, 0.4], [0, 0, 0, 0], "not decided by this evidence"),
    ],
)
def test_flatness_and_negative_weights(flats, masses, told):
    models = chain(flats, masses)
    if told == "holds":
        # Over seeds the control goes the same way.
        models["linear"]["negative_mass"] = masses[0] + np.linspace(0, 1, SEEDS)
        models["linear"]["head_area_1"] = flats[0] + np.linspace(0.009, 0, SEEDS)
    assert verdict("B2", models) == told


@pytest.mark.parametrize(("varied", "answer"), [(0, "open"), (9, "open"), (10, "yes")])
def test_flatness_that_varies_in_few_seeds_decides_nothing(varied, answer):
    models = chain([0.0, 0.2, 0.3, 0.4], [4, 1, 0.1, 0.01])
    for told in models.values():
        told["head_points_1"] = np.where(np.arange(SEEDS) < varied, told["head_points_1"], 0.0)
    found = readings("B2", Columns(table(models), 2), seed=0)[0]
    assert found.answer == answer and f"{SEEDS} seeds" in found.told
    assert ("flatness varies in" in found.told) == (answer == "open")


def test_controls_that_are_all_alike_say_nothing_over_seeds():
    models = chain([0.0, 0.2, 0.3, 0.4], [4, 1, 0.1, 0.01])
    found = readings("B2", Columns(table(models), 2), seed=0)[-1]
    assert found.answer == "open" and found.told == f"nothing varies ({SEEDS} seeds)"


def test_no_relation_over_seeds_is_a_correction():
    models = chain([0.0, 0.2, 0.3, 0.4], [4, 1, 0.1, 0.01])
    models["linear"]["negative_mass"] = 4 + np.linspace(0, 1, SEEDS)
    models["linear"]["head_area_1"] = np.linspace(0, 0.009, SEEDS)
    assert verdict("B2", models) == "holds with a correction"


def test_seeds_of_which_something_is_missing_are_left_out():
    models = chain([0.0, 0.2, 0.3, 0.4], [4, 1, 0.1, 0.01])
    missing = np.where(np.arange(SEEDS) < 2, np.nan, 0.2)
    models["negative-0.1"]["logit_area_relative"] = missing
    found = readings("B2", Columns(table(models), 2), seed=0)
    told = next(r for r in found if r.name.startswith("logit, norm below a tenth"))
    assert told.answer == "yes" and f"{SEEDS - 2} seeds" in told.told


def test_rank_correlation_agrees_with_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.integers(0, 4, size=(2, 9)).astype(float)
        expected = spearmanr(a, b).statistic
        assert rank_correlation(a, b) == pytest.approx(0.0 if np.isnan(expected) else expected)


# B3


@pytest.mark.parametrize(
    ("hard", "control", "told"),
    [
        (flat(0.4), flat(0.0), "holds"),
        # For the logit negative weights do no harm.
        (flat(0.4, 0.7), flat(0.0, 0.7), "holds with a correction"),
        (flat(0.0), flat(0.0), "does not hold"),  # not sufficient
        (flat(0.4), flat(0.4), "does not hold"),  # not necessary
        (
            flat(np.where(np.arange(SEEDS) < 12, 0.4, 0.0)),
            flat(0.0),
            "not decided by this evidence",
        ),
    ],
)
def test_causes(hard, control, told):
    models = {"hard": hard, "linear": control | {"negative_share": 0.2}}
    models["hard"]["negative_share"] = 0.0
    assert verdict("B3", models) == told


def test_runs_without_negative_weights_are_flat_by_the_sign_of_the_last_weight():
    signs = np.where(np.arange(SEEDS) < 4, 1.0, -1.0)
    models = {"hard": flat(np.where(signs < 0, 0.4, 0.0), w3=signs), "linear": flat(0.0)}
    for told in models.values():
        told["negative_share"] = 0.0
    found = {r.name: r for r in readings("B3", Columns(table(models), 2), seed=0)}
    falling = next(r for name, r in found.items() if "w3 < 0" in name)
    assert falling.answer == "yes" and "12 of 12 runs" in falling.told
    assert "12 of 16 runs" in found["sufficient: head output, norm below 1, area"].told


def test_networks_without_negative_weights_say_nothing_about_necessity():
    models = {"hard": flat(0.4), "linear": flat(0.4, negative_share=0.0)}
    assert verdict("B3", models) == "not decided by this evidence"


def test_each_claim_names_the_models_that_it_needs():
    assert set(CLAIMS) == set(NEEDS) == {"B1", "B2", "B3"}
