"""Truncation dynamics over seeds, and the verdicts."""

import numpy as np
import pytest

from geomcore import datasets, truncation_degree
from geomcore.datasets.dataset import Dataset
from geomcore.truncation import truncation_steps
from training.dynamics.rates import fit_decay
from training.experiments.dynamics import (
    QUANTITIES,
    draws,
    start,
    survey,
)

FRACTIONS = (0.25, 0.75)


@pytest.fixture(scope="module")
def found():
    data_sets = draws(3, points=8, radius=0.15, seed=0)
    return survey(data_sets, FRACTIONS, steps=400, seed=0)


# Starts


@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_start_has_the_fraction_of_the_class_in_its_layer(label):
    (data,) = draws(1, points=8, radius=0.15, seed=3)
    made = start(data, FRACTIONS, label=label)
    for net, fraction in zip(made.networks, FRACTIONS, strict=True):
        points = data.X
        for step in truncation_steps(net, data.X):
            degree = truncation_degree(step.W, step.b, points, data.y)
            if step.layer == made.layer + 1:
                assert degree.backward[label] == fraction == degree.backward.max()
            elif step.layer <= 3:
                assert degree.backward.max() == 1 and degree.backward[label] == 0
            points = step.truncated


def test_the_other_classes_may_be_left_alone():
    (data,) = draws(1, points=8, radius=0.15, seed=3)
    made = start(data, [0.5], others=0.0)
    steps = list(truncation_steps(made.networks[0], data.X))
    last = steps[-1].truncated
    for q in (1, 2):
        np.testing.assert_allclose(last[data.y == q], data.X[data.y == q], atol=1e-9)


def test_labels_of_any_kind_are_followed():
    (data,) = draws(1, points=8, radius=0.15, seed=3)
    named = Dataset(data.X, np.array(["x", "y", "z"])[data.y], "named", {})
    assert start(named, FRACTIONS, label="y").q == 1
    with pytest.raises(ValueError, match="label must be one of"):
        start(named, FRACTIONS, label="w")


# Runs


def test_there_is_a_row_for_each_seed_and_fraction_with_what_the_history_says(found):
    assert [(row["seed"], row["fraction"]) for row in found.rows] == [
        (s, f) for s in range(3) for f in FRACTIONS
    ]
    for i, row in enumerate(found.rows):
        s, k = divmod(i, 2)
        history, layer, q = found.histories[s], found.starts[s].layer, found.starts[s].q
        assert row["collapsed_start"] == row["fraction"] == history.backward[0, k, layer, q]
        assert row["spread_end"] == history.spread[-1, k, layer, q]
        rate = found.starts[s].rate
        fit = fit_decay(rate * history.steps, history.spread[:, k, layer, q], floor=0.05)
        assert row["spread_rate"] == fit.rate and row["learning_rate"] == rate
        assert row["loss_end"] < row["loss_start"]
        assert row["rank"] == row["width"] == 3 and row["defect"] < 1e-12


def test_all_runs_last_as_long_and_take_small_steps(found):
    assert max(history.steps[-1] for history in found.histories) == 400
    ends = [times[-1] for times in found.times]
    assert max(ends) - min(ends) < 1.01 * max(started.rate for started in found.starts)


def test_half_the_step_gives_the_same_rates(found, monkeypatch):
    import training.experiments.dynamics as module

    monkeypatch.setattr(module, "STEP", module.STEP / 2)
    data_sets = draws(3, points=8, radius=0.15, seed=0)
    finer = survey(data_sets, FRACTIONS, steps=800, seed=0)
    for coarse, fine in zip(found.rows, finer.rows, strict=True):
        assert fine["spread_rate"] == pytest.approx(coarse["spread_rate"], rel=0.05, abs=0.01)


def test_the_same_seeds_give_the_same_rows(found):
    again = survey(draws(3, points=8, radius=0.15, seed=0), FRACTIONS, steps=400, seed=0)
    for one, other in zip(found.rows, again.rows, strict=True):
        np.testing.assert_array_equal(list(one.values()), list(other.values()))


def test_progress_is_told_before_each_seed():
    told = []
    data_sets = draws(2, points=5, radius=0.15, seed=7)
    survey(data_sets, FRACTIONS, steps=5, seed=7, progress=told.append)
    assert told == ["seed 7", "seed 8"]


# Verdicts


def test_each_quantity_has_a_verdict_that_its_numbers_give(found):
    assert set(found.verdicts) == set(found.dependence) == set(QUANTITIES)
    rates = np.reshape([row["spread_rate"] for row in found.rows], (3, 2))
    slopes = (rates[:, 1] - rates[:, 0]) / 0.5
    np.testing.assert_allclose(found.dependence["spread"].slopes, slopes)
    halves = [[row["early_rate"], row["late_rate"]] for row in found.rows]
    change = np.diff(np.reshape(halves, (3, 2, 2)).mean(axis=1), axis=1)[:, 0]
    np.testing.assert_allclose(found.dependence["along"].slopes, change)


def test_two_seeds_decide_nothing():
    few = survey(draws(2, points=5, radius=0.15, seed=0), FRACTIONS, steps=50, seed=0)
    assert {verdict.verdict for verdict in few.verdicts.values()} == {"not decided"}


# Bad input


@pytest.mark.parametrize("fractions", [[0.5], [0.0, 0.5], [0.5, 1.0], [0.5, 0.5]])
def test_wrong_fractions_are_refused(fractions):
    with pytest.raises(ValueError, match="fractions must be two different numbers"):
        survey(draws(1, points=5, radius=0.15, seed=0), fractions, steps=5, seed=0)


@pytest.mark.parametrize("others", [-0.1, 1.5, np.nan])
def test_wrong_fractions_of_the_others_are_refused(others):
    (data,) = draws(1, points=5, radius=0.15, seed=0)
    with pytest.raises(ValueError, match="others must be a number from 0 to 1"):
        start(data, FRACTIONS, others=others)


@pytest.mark.parametrize("fractions", [[0.01, 0.5], [0.5, 0.99]])
def test_fractions_that_truncate_no_point_or_all_are_refused(fractions):
    with pytest.raises(ValueError, match="of 5 points does not"):
        survey(draws(1, points=5, radius=0.15, seed=0), fractions, steps=5, seed=0)


def test_classes_that_cannot_be_collapsed_are_refused():
    iris = datasets.iris()
    with pytest.raises(ValueError, match="could be separated"):
        survey([iris], FRACTIONS, steps=5, seed=0)
