"""Perturb-then-train studies."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.network import ReLUNetwork
from training.descent.optimizers import SGD
from training.descent.stopping import LossBelow
from training.descent.trainer import train
from training.study.perturbation import perturb
from training.study.result import load_study
from training.study.study import PerturbationStudy, perturbation_study
from training.study.trials import accuracy
from training.study.wilson import wilson_interval

X = np.array([[0.0, 0.1], [0.2, 0.0], [1.0, 0.9], [0.8, 1.0], [1.1, 1.0]])
Y_LABELS = np.array(["low", "low", "up", "up", "up"])
NET = ReLUNetwork(
    [[[1.0, 1.0], [-1.0, -1.0]], [[-1.0, 1.0], [1.0, -1.0]]], [[-1.0, 1.0], [0.5, 0.5]]
)


SMALL = {"trials": 4, "steps": 40, "seed": 3}


def small_study(**changes):
    return small_study_of(NET, **changes)


def small_study_of(net, **changes):
    return perturbation_study(net, X, Y_LABELS, **{"scales": [0.0, 0.1, 0.5], **SMALL, **changes})


def make_study(path, **changes):
    arguments = {"scales": [0.0, 0.1, 0.5], **SMALL, **changes}
    return PerturbationStudy(path, NET, X, Y_LABELS, **arguments)


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
    frame, summary = result.frame(), result.frame("scale")
    assert len(frame) == 12
    assert {"scale", "trial", "initial_loss", "final_loss", "steps"} <= set(frame)
    assert {"stop_reason", "accuracy", "returned"} <= set(frame)
    assert summary["scale"].tolist() == [0.0, 0.1, 0.5]
    assert summary["trials"].tolist() == [4, 4, 4]
    assert (summary["low"] <= summary["fraction"]).all()
    assert (summary["fraction"] <= summary["high"]).all()


def test_norm_is_that_of_all_tensors_together():
    frame = small_study().frame()
    np.testing.assert_allclose(frame["norm"], 2 * frame["scale"])
    relative = small_study(relative=True, tensors=["W1", "b2"]).frame()
    unit = np.sqrt(4 + 0.5)
    np.testing.assert_allclose(relative["norm"], unit * relative["scale"])


def test_without_training_the_distance_is_the_norm_of_the_perturbation():
    frame = small_study(steps=0).frame()
    np.testing.assert_allclose(frame["distance"], frame["norm"], atol=1e-12)
    np.testing.assert_array_equal(frame["final_loss"], frame["initial_loss"])
    assert set(frame["steps"]) == {0}


def test_the_activation_pattern_returns_where_nothing_was_moved_and_not_after_a_large_push():
    frame = small_study(scales=[0.0, 50.0], steps=0, trials=8).frame()
    assert frame["pattern_returned"][frame["scale"] == 0].all()
    assert not frame["pattern_returned"][frame["scale"] == 50].all()


def test_histogram_counts_every_trial_once():
    result = small_study(scales=[0.1, 1.0], optimizer=SGD(1e200), steps=5)
    histogram = result.histogram()
    assert histogram.groupby("scale")["trials"].sum().tolist() == [4, 4]
    assert histogram["trials"][np.isinf(histogram["high"])].sum() == 8
    few = small_study(scales=[0.1]).histogram(edges=[1e-3])
    below = (small_study(scales=[0.1]).columns["final_loss"] < 1e-3).sum()
    assert few["trials"].tolist() == [below, 4 - below]


def test_basin_radius_lies_between_the_last_scale_that_returns_and_the_first_that_does_not():
    net, points = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]]), [[1.0], [2.0]]
    result = perturbation_study(
        net,
        points,
        points,
        scales=[0.1, 50.0],
        tensors=["W1", "b1", "b2"],
        trials=8,
        steps=3000,
        seed=0,
        certified_radius=0.01,
    )
    basin = result.basins().iloc[0]
    assert (basin.least, basin.most, basin.reason) == (0.1, 50, "")
    assert 0.1 < basin.low <= basin.radius <= basin.high < 50
    assert basin.norm == pytest.approx(3**0.5 * basin.radius)
    assert basin.certified == 0.01


def test_accuracy_of_a_logit_is_about_its_sign():
    # The logit is 0.3, 0.2 on class 0 and 2, 1.8, 2.1 on class 1: right for three of five, though
    # all are nearest to their own target.
    net = ReLUNetwork([[[1.0, 1.0]]], [[0.1]])
    wanted = [[0.0], [0.0], [1.0], [1.0], [1.0]]
    arguments = {"scales": [0.0], "trials": 1, "steps": 0, "seed": 0}
    logit = perturbation_study(net, X, wanted, loss="bce", **arguments)
    assert logit.columns["accuracy"].tolist() == [0.6]
    assert perturbation_study(net, X, wanted, **arguments).columns["accuracy"].tolist() == [1.0]


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


def test_references_are_compared_on_the_same_noise_and_each_has_its_own_rows():
    other = ReLUNetwork(NET.weights, [NET.biases[0] + 0.1, NET.biases[1]])
    both = small_study_of({"one": NET, "two": other})
    for name, net in (("one", NET), ("two", other)):
        alone = small_study_of({name: net})
        assert both.of(name).frame().equals(alone.frame())
        assert both.of(name).reference == alone.reference
    assert both.frame("scale")["reference"].tolist() == ["one"] * 3 + ["two"] * 3


def test_parameters_that_were_kept_give_the_network_of_the_row(tmp_path):
    for path in (None, tmp_path / "s"):
        study_ = make_study(path, keep_parameters=True)
        frame = study_.run().frame()
        for row in frame[frame["trial"] == 2].itertuples():
            net = study_.network(row.scale, 2)
            assert train(net, X, Y_LABELS, steps=0).final_loss == pytest.approx(row.final_loss)
            moved = [p - q for p, q in zip(net.weights, NET.weights, strict=True)]
            moved += [p - q for p, q in zip(net.biases, NET.biases, strict=True)]
            assert np.sqrt(sum((m**2).sum() for m in moved)) == pytest.approx(row.distance)


# Laws


def test_a_study_that_stops_half_way_goes_on_to_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("training.descent.trainer.WORKING_SET", 1)
    whole = make_study(tmp_path / "whole").run()

    class StopHere(Exception):
        pass

    def stop_at(count):
        def progress(done, total):
            if done >= count:
                raise StopHere

        return progress

    for count in (1, 5, 11):
        with pytest.raises(StopHere):
            make_study(tmp_path / "parts").run(progress=stop_at(count))
        assert len(load_study(tmp_path / "parts").frame()) == count
    found = make_study(tmp_path / "parts").run()
    assert found.frame().equals(whole.frame())
    assert found.references == whole.references
    assert load_study(tmp_path / "parts").frame().equals(whole.frame())


def test_a_finished_study_is_read_and_not_run_again(tmp_path):
    first = make_study(tmp_path / "s").run()
    calls = []
    again = make_study(tmp_path / "s").run(progress=lambda *counts: calls.append(counts))
    assert calls == [(12, 12)]
    assert again.frame().equals(first.frame())


def test_the_file_and_the_memory_give_the_same_rows(tmp_path):
    assert make_study(tmp_path / "s").run().frame().equals(small_study().frame())


def test_exported_tables_hold_every_number_to_the_last_bit(tmp_path):
    result = small_study()
    result.export(tmp_path / "t.csv")
    back, frame = pd.read_csv(tmp_path / "t.csv", dtype=str), result.frame()
    for name in ("scale", "initial_loss", "final_loss", "accuracy", "distance", "norm"):
        assert back[name].map(float).tolist() == frame[name].tolist()
    assert back["stop_reason"].tolist() == frame["stop_reason"].tolist()
    assert back["returned"].tolist() == [str(value) for value in frame["returned"]]


def test_exported_parquet_is_the_frame(tmp_path):
    pytest.importorskip("pyarrow")
    result = small_study()
    result.export(tmp_path / "t.parquet")
    back = pd.read_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(back, result.frame(), check_exact=True, check_dtype=False)


def test_inputs_may_be_lists_read_only_or_in_fortran_order_and_are_not_changed():
    expected = small_study().frame()
    points = np.asfortranarray(X)
    points.flags.writeable = False
    for form in (points, X.tolist(), np.repeat(X, 2, axis=1)[:, ::2]):
        found = perturbation_study(NET, form, Y_LABELS, scales=[0.0, 0.1, 0.5], **SMALL)
        assert found.frame().equals(expected)


def test_results_do_not_depend_on_the_grouping_of_trials_or_the_threads(monkeypatch):
    together = small_study()
    monkeypatch.setattr("training.descent.trainer.WORKING_SET", 1)
    assert small_study().frame().equals(together.frame())
    assert small_study(jobs=3).frame().equals(together.frame())


def test_more_trials_and_scales_leave_the_earlier_rows_as_they_are():
    small = small_study().frame()
    large = small_study(scales=[0.0, 0.1, 0.5, 2.0], trials=6).frame()
    kept = large[(large["trial"] < 4) & (large["scale"] < 1)].reset_index(drop=True)
    assert kept.equals(small)


def test_return_means_final_loss_within_the_tolerance_of_the_reference():
    result = small_study(tolerance=0.02, optimizer=SGD(1e-3), steps=20)
    frame = result.frame()
    back, near = (
        (frame[name] - result.reference.loss).abs() <= 0.02
        for name in ("final_loss", "initial_loss")
    )
    expected = back & ~near
    assert expected.any() and near.any()
    assert (frame["returned"] == expected).all()
    lower = frame["final_loss"] < result.reference.loss - 0.02
    assert (frame["below"] == lower).all()
    assert result.frame("scale")["below"].sum() == lower.sum()
    assert result.frame("scale")["returned"].sum() == expected.sum()


def test_stopping_rule_ends_trials_early():
    result = small_study(stop=LossBelow(np.inf))
    assert set(result.columns["steps"]) == {0}
    assert set(result.columns["stop_reason"]) == {"loss threshold"}


def test_diverging_trials_are_rows_and_counted():
    result = small_study(scales=[1.0], optimizer=SGD(1e200), steps=5)
    assert len(result.frame()) == 4
    assert result.frame("scale")["diverged"].tolist() == [4]


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
        ({"trials": 10**30}, "trials must make at most 10,000,000 in all"),
        ({"jobs": 0}, "jobs must be"),
        ({"steps": -1}, "steps must be"),
        ({"steps": 10**30}, "steps must be at most"),
        ({"seed": None}, "seed must be"),
        ({"seed": -1}, "seed must be"),
        ({"targets": np.eye(3)}, "targets must have one row per class"),
        ({"tensors": ["W9"]}, "tensors must be a list of some of W1, b1, W2, b2"),
        ({"tensors": "W1"}, "tensors must be a list of some of"),
        ({"tensors": []}, "tensors must be a list of some of"),
        ({"batch_size": 0}, "batch_size must be"),
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


def test_networks_that_are_none_or_do_not_fit_are_named():
    for wrong in ({}, {"a": 3}, [NET], {"": NET}):
        with pytest.raises(ValueError, match="net must be a Network, or a dict"):
            small_study_of(wrong)
    with pytest.raises(ValueError, match="X must have 1 columns"):
        small_study_of({"one": ReLUNetwork([np.ones((2, 1))], [np.zeros(2)])})
    with pytest.raises(ValueError, match="X must have 1 columns"):
        small_study_of({"one": NET, "two": ReLUNetwork([np.ones((2, 1))], [np.zeros(2)])})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"seed": 4}, "seed"),
        ({"steps": 41}, "steps"),
        ({"relative": True}, "relative"),
        ({"optimizer": SGD(0.1)}, "optimizer"),
        ({"stop": LossBelow(0.1)}, "stop"),
        ({"batch_size": 2}, "batches"),
        ({"loss": "class_weighted"}, "loss.fields.class_weighted is False there, True here"),
        ({"tensors": ["W1"]}, "references.network.tensors"),
        ({"keep_parameters": True}, "keep_parameters"),
        ({"scales": [0.0, 0.1, 0.6]}, "scales"),
    ],
)
def test_a_file_of_a_study_with_another_setting_is_refused(tmp_path, changes, name):
    before = make_study(tmp_path / "s").run().frame()
    with pytest.raises(ValueError, match=f"another study: {name}"):
        make_study(tmp_path / "s", **changes).run()
    assert load_study(tmp_path / "s").frame().equals(before)


def test_other_data_and_other_networks_are_another_study(tmp_path):
    make_study(tmp_path / "s").run()
    arguments = {"scales": [0.0, 0.1, 0.5], **SMALL}
    with pytest.raises(ValueError, match="another study: X"):
        PerturbationStudy(tmp_path / "s", NET, X + 1e-9, Y_LABELS, **arguments).run()
    with pytest.raises(ValueError, match="another study: Y"):
        PerturbationStudy(tmp_path / "s", NET, X, Y_LABELS[::-1], **arguments).run()
    moved = perturb(NET, 1e-9, 1, rng=0)[0]
    with pytest.raises(ValueError, match=r"another study: references\.network\.network\.layers"):
        PerturbationStudy(tmp_path / "s", moved, X, Y_LABELS, **arguments).run()


def test_without_resume_a_file_with_trials_is_refused_and_kept(tmp_path):
    before = make_study(tmp_path / "s").run().frame()
    with pytest.raises(ValueError, match="holds 12 trials"):
        make_study(tmp_path / "s").run(resume=False)
    assert load_study(tmp_path / "s").frame().equals(before)


def test_a_result_is_asked_for_what_it_has(tmp_path):
    both = small_study_of({"one": NET, "two": NET})
    with pytest.raises(ValueError, match="several references"):
        _ = both.reference
    with pytest.raises(ValueError, match="name must be 'one' or 'two'"):
        both.of("three")
    with pytest.raises(ValueError, match=r"path must end in \.csv or \.parquet"):
        both.export(tmp_path / "t.xlsx")
    with pytest.raises(ValueError, match="no parameters"):
        make_study(None).network(0.1, 0)
    with pytest.raises(ValueError, match="must be of this study"):
        make_study(None).network(0.7, 0)


def test_a_study_without_trials_cannot_be_loaded(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_study(tmp_path / "s").run(progress=stop)
    with pytest.raises(ValueError, match="holds no trial"):
        load_study(tmp_path / "s")
