"""Perturb-then-train studies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.network import ReLUNetwork
from training import study
from training.optimizers import SGD
from training.perturbation import perturb
from training.stopping import LossBelow
from training.study import perturbation_study
from training.study_result import wilson_interval
from training.study_trials import accuracy
from training.trainer import train

X = np.array([[0.0, 0.1], [0.2, 0.0], [1.0, 0.9], [0.8, 1.0], [1.1, 1.0]])
Y_LABELS = np.array(["low", "low", "up", "up", "up"])
NET = ReLUNetwork(
    [[[1.0, 1.0], [-1.0, -1.0]], [[-1.0, 1.0], [1.0, -1.0]]], [[-1.0, 1.0], [0.5, 0.5]]
)


def small_study(**changes):
    arguments = {"scales": [0.0, 0.1, 0.5], "trials": 4, "steps": 40, "seed": 3, **changes}
    return perturbation_study(NET, X, Y_LABELS, **arguments)


# By hand


def test_wilson_interval_of_eight_out_of_ten():
    low, high = wilson_interval(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)


def test_accuracy_counts_the_nearest_target():
    net = ReLUNetwork([np.eye(1)], [[0.0]])
    assert accuracy(net, [[0.1], [0.9], [0.4]], [[0.0], [1.0], [1.0]]) == pytest.approx(2 / 3)


def test_trial_without_noise_starts_at_the_reference_loss():
    result = small_study()
    at_zero = result.columns["scale"] == 0.0
    np.testing.assert_array_equal(result.columns["initial_loss"][at_zero], result.reference.loss)


def test_frame_and_summary_have_one_row_per_trial_and_per_scale():
    result = small_study()
    frame, summary = result.frame(), result.summary()
    assert len(frame) == 12
    assert {"scale", "trial", "initial_loss", "final_loss", "steps"} <= set(frame)
    assert {"stop_reason", "accuracy", "returned"} <= set(frame)
    assert summary["scale"].tolist() == [0.0, 0.1, 0.5]
    assert summary["trials"].tolist() == [4, 4, 4]
    assert (summary["low"] <= summary["fraction"]).all()
    assert (summary["fraction"] <= summary["high"]).all()


# Against the naive oracle


@pytest.mark.parametrize("batch_size", [None, 2])
def test_rows_agree_with_one_trial_at_a_time(batch_size):
    optimizer = SGD(0.02, 0.5)
    result = small_study(optimizer=optimizer, batch_size=batch_size, relative=True)
    for row in result.frame().itertuples():
        i = [0.0, 0.1, 0.5].index(row.scale)
        rng = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(i, row.trial)))
        (start,) = perturb(NET, row.scale, 1, relative=True, rng=rng)
        alone = train(
            start, X, Y_LABELS, optimizer=optimizer, batch_size=batch_size, steps=40, rng=rng
        )
        assert row.initial_loss == alone.losses[0]
        assert row.final_loss == alone.final_loss
        assert row.accuracy == accuracy(alone.network, X, Y_LABELS)


# Laws


def test_results_do_not_depend_on_the_grouping_of_trials_or_the_threads(monkeypatch):
    together = small_study()
    monkeypatch.setattr(study, "WORKING_SET", 1)
    assert small_study().frame().equals(together.frame())
    assert small_study(jobs=3).frame().equals(together.frame())


def test_more_trials_and_scales_leave_the_earlier_rows_as_they_are():
    small = small_study().frame()
    large = small_study(scales=[0.0, 0.1, 0.5, 2.0], trials=6).frame()
    kept = large[(large["trial"] < 4) & (large["scale"] < 1)].reset_index(drop=True)
    assert kept.equals(small)


def test_return_means_final_loss_within_the_tolerance_of_the_reference():
    result = small_study(tolerance=0.01)
    frame = result.frame()
    expected = frame["final_loss"] <= result.reference.loss + 0.01
    assert (frame["returned"] == expected).all()
    assert result.summary()["returned"].sum() == expected.sum()


def test_stopping_rule_ends_trials_early():
    result = small_study(stop=LossBelow(np.inf))
    assert set(result.columns["steps"]) == {0}
    assert set(result.columns["stop_reason"]) == {"loss threshold"}


def test_diverging_trials_are_rows_and_counted():
    result = small_study(scales=[1.0], optimizer=SGD(1e200), steps=5)
    assert len(result.frame()) == 4
    assert result.summary()["diverged"].tolist() == [4]


def test_progress_reaches_the_number_of_trials():
    calls = []
    small_study(progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (12, 12)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_contains_the_fraction_and_stays_in_the_unit_interval(case):
    successes, trials = case
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    mirrored = wilson_interval(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": []}, "scales must be a list"),
        ({"scales": 0.1}, "scales must be a list"),
        ({"scales": [-1.0]}, "scales must be a list"),
        ({"scales": [0.1, 0.1]}, "scales must be distinct"),
        ({"trials": 0}, "trials must be"),
        ({"jobs": 0}, "jobs must be"),
        ({"steps": -1}, "steps must be"),
        ({"seed": None}, "seed must be"),
        ({"seed": -1}, "seed must be"),
        ({"targets": np.eye(3)}, "targets must have one row per class"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        small_study(**changes)


def test_wilson_interval_needs_a_trial():
    with pytest.raises(ValueError, match="trials must be"):
        wilson_interval(0, 0)
    with pytest.raises(ValueError, match="successes must be at most trials"):
        wilson_interval(3, 2)
