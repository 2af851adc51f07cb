"""Truncation over the steps of training."""

import numpy as np
import pytest
from builders import random_network, random_points, random_start
from dynamics_by_loops import truncation

from geomcore import Network, ReLUNetwork
from geomcore.layers import Affine
from geomcore.stack import stack
from training import (
    SGD,
    LossBelow,
    TruncationRecorder,
    train,
    train_ensemble,
    truncation_history,
)
from training.descent.problem import Snapshot
from training.dynamics import history as module


class Frozen:
    """A constraint that puts a tensor back to where it was."""

    def __init__(self, name, value):
        self.tensors, self.value = (name,), value

    def project(self, tensor):
        return np.broadcast_to(self.value, tensor.shape)


def one_unit(dead, alive, *, steps=300, rate=0.01, record=3):
    """Only the bias of the unit is trained, towards 5 at the base: x -> relu(x + b), b = -1."""
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    X = np.concatenate([np.full(dead, -2.0), np.full(alive, 8.0)])[:, None]
    frozen = [Frozen("W1", 1.0), Frozen("W2", 1.0), Frozen("b2", 0.0)]
    y = np.where(X > 0, 3.0, 0.0)
    options = {"steps": steps, "record": record, "learning_rate": rate, "constraints": frozen}
    return truncation_history(net, X, y, **options)


# By hand


@pytest.mark.parametrize(("dead", "alive"), [(1, 9), (5, 5), (9, 1)])
def test_the_base_of_one_unit_moves_at_its_known_rate(dead, alive):
    # dC/db = 2 f (8 + b - 3) with f the fraction that is on, so -b - 5 falls by 1 - 2 f a per step
    found = one_unit(dead, alive)
    expected = 5 - 4 * (1 - 2 * alive / (dead + alive) * 0.01) ** found.steps
    np.testing.assert_allclose(found.base[:, 0, 0, 0], expected, rtol=1e-10)
    np.testing.assert_allclose(found.motion[:, 0, 0], expected - 1, rtol=1e-9, atol=1e-12)
    assert (found.backward[:, 0, 0] == [1, 0]).all() and (found.mixed == 0).all()
    assert (found.spread == 0).all() and np.isnan(found.relative_spread).all()


def test_without_steps_there_is_one_record():
    net, X = random_network((2, 2, 2)), random_points(6, 2)
    found = truncation_history(net, X, [0, 0, 0, 1, 1, 1], steps=0)
    assert found.steps.tolist() == [0] and not found.motion.any()


# Against loops


def test_every_record_is_what_loops_give_for_the_network_at_that_time():
    X, y = random_points(10, 3), np.arange(10) % 2
    nets = []
    options = {"steps": 40, "record": 20, "learning_rate": 0.05}
    net = random_start((3, 3, 2, 2), 4)
    train(net, X, y, callbacks=lambda snapshot: nets.append(snapshot.network()), **options)
    found = truncation_history(net, X, y, **options)
    assert found.steps.tolist() == [0, 20, 40] and len(nets) == 3
    for r, one in enumerate(nets):
        for name, value in truncation(one.weights, one.biases, X, y, 2).items():
            got = getattr(found, name)[r, 0]
            np.testing.assert_allclose(got, value, rtol=1e-7, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(
        found.motion[2, 0], np.linalg.norm(found.base[2, 0] - found.base[0, 0], axis=1)
    )
    for q in (0, 1):
        own = X[y == q] - X[y == q].mean(axis=0)
        assert found.data_spread[q] == pytest.approx(np.sqrt((own**2).sum() / len(own)))


# Laws


def test_records_may_be_worked_off_in_any_portions(monkeypatch):
    X, y = random_points(12, 3), np.arange(12) % 3
    nets = [random_start((3, 4, 3, 3), seed) for seed in range(3)]
    found = []
    for waiting in (1, 20_000, 10**9):
        monkeypatch.setattr(module, "WAITING", waiting)
        recorder = TruncationRecorder(X, y)
        options = {"steps": 30, "record": 5, "optimizer": SGD(0.01), "callbacks": recorder}
        train_ensemble(nets, X, y, **options)
        found.append(recorder.history())
    for other in found[1:]:
        np.testing.assert_array_equal(other.losses, found[0].losses)
        np.testing.assert_allclose(other.spread, found[0].spread, rtol=1e-12)


def test_a_trial_that_has_ended_is_nan_from_then_on():
    X, y = random_points(12, 3), np.arange(12) % 3
    nets = [random_start((3, 3, 3, 3), seed) for seed in range(3)]
    ends = [train(net, X, y, steps=0).final_loss for net in nets]
    recorder = TruncationRecorder(X, y)
    rule = LossBelow(sorted(ends)[1])
    train_ensemble(
        nets, X, y, steps=4, record=2, optimizer=SGD(1e-9), stop=rule, callbacks=recorder
    )
    found = recorder.history()
    longest = int(np.argmax(ends))
    assert found.losses.shape == (3, 3) and np.isfinite(found.losses[:, longest]).all()
    others = [t for t in range(3) if t != longest]
    assert np.isnan(found.losses[1:, others]).all() and np.isnan(found.backward[1:, others]).all()
    assert np.isfinite(found.spread[0]).all()
    frame = found.frame()
    assert len(frame) == (3 + 2) * 2 * 3
    assert "3 trials" in found.summary()


def test_recording_changes_nothing_of_the_training():
    X, y = random_points(12, 3), np.arange(12) % 3
    net, recorder = random_start((3, 3, 3)), TruncationRecorder(X, y)
    options = {"steps": 50, "learning_rate": 0.05, "record": 10}
    plain = train(net, X, y, **options)
    assert train(net, X, y, callbacks=recorder, **options).network == plain.network
    np.testing.assert_array_equal(recorder.history().losses[:, 0], plain.losses)


def test_by_default_there_are_two_hundred_records():
    net, X = random_start((2, 2, 2)), random_points(6, 2)
    found = truncation_history(net, X, [0, 0, 0, 1, 1, 1], steps=450, learning_rate=0.01)
    assert 200 <= len(found.steps) <= 230


# Results


def test_the_frame_has_a_row_for_each_record_layer_and_class():
    X, y = random_points(12, 3), np.array(list("abc" * 4))
    found = truncation_history(random_start((3, 4, 2, 3)), X, y, steps=6, record=3)
    frame = found.frame()
    assert len(frame) == 3 * 2 * 3
    row = frame[(frame.step == 6) & (frame.layer == 2) & (frame["class"] == "b")].iloc[0]
    assert (
        row.spread == found.spread[2, 0, 1, 1] and row.largest_angle == found.largest_angle[2, 0, 1]
    )
    assert row.loss == found.losses[2, 0] and row["rank"] == found.rank[2, 0, 1]
    np.testing.assert_allclose(frame.backward + frame.forward + frame.mixed, 1)
    assert found.is_cone.shape == (3, 1, 2)
    lines = found.summary().splitlines()
    assert len(lines) == 3 and lines[1].startswith("layer 1, rank ")
    assert max(map(len, repr(found).split("\n"))) <= 80


def test_a_run_that_overflows_has_a_summary_and_no_rows_for_it():
    net = ReLUNetwork([1e160 * np.eye(2)] * 3 + [np.zeros((2, 2))], [np.zeros(2)] * 4)
    found = truncation_history(net, np.eye(2), [0, 1], steps=0, learning_rate=0.1)
    assert np.isnan(found.backward[:, :, 2]).all()
    told = found.summary().splitlines()
    assert told[1] == "1 trial left the range of floats, where all is nan"
    assert len(told) == 2 and "nan%" not in told[0]


def test_spreads_and_motion_of_points_of_any_size():
    X, y = 1e200 * random_points(6, 2), np.arange(6) % 2
    recorder = TruncationRecorder(X, y)
    net = random_network((2, 2, 2), 3)
    other = ReLUNetwork(net.weights, [b * 1e200 for b in net.biases])
    for step, one in enumerate((net, other)):
        shape, params = stack([one])
        recorder(Snapshot(step, np.array([0]), np.array([1.0]), params, shape))
    found = recorder.history()
    for q in (0, 1):
        spread = np.sqrt((X[y == q] / 1e200).var(axis=0).sum())
        assert found.data_spread[q] == pytest.approx(1e200 * spread)
    base = -np.linalg.inv(net.weights[0]) @ net.biases[0]
    assert found.motion[1, 0, 0] == pytest.approx(1e200 * np.linalg.norm(base))


# Bad input


@pytest.mark.parametrize(
    ("net", "options", "reason"),
    [
        (ReLUNetwork([np.eye(3)], [np.zeros(3)]), {}, "hidden layer"),
        (Network([Affine(np.eye(3), np.zeros(3))]), {}, "net must be a ReLUNetwork"),
        (random_network((3, 3, 3)), {"steps": -1}, "steps must be"),
        (random_network((3, 3, 3)), {"steps": "many"}, "steps must be"),
        (random_network((3, 3, 3)), {"record": 0}, "record must be"),
        (random_network((3, 3, 3)), {"rtol": 2}, "rtol must be"),
        (random_network((2, 3, 3)), {}, "X must have 2 columns"),
    ],
)
def test_wrong_calls_get_one_sentence(net, options, reason):
    with pytest.raises(ValueError, match=reason):
        truncation_history(net, np.eye(3), [0, 1, 2], **options)


def test_a_recorder_that_has_seen_nothing_has_no_history():
    with pytest.raises(ValueError, match="callback"):
        TruncationRecorder([[0.0]], [0]).history()
    with pytest.raises(ValueError, match="at least one point"):
        TruncationRecorder(np.zeros((0, 2)), [])


def test_points_of_another_dimension_are_refused():
    recorder = TruncationRecorder(np.zeros((2, 5)), [0, 1])
    with pytest.raises(ValueError, match="X must have 3 columns"):
        train(random_network((3, 3, 3)), np.eye(3), [0, 1, 2], steps=1, callbacks=recorder)


def test_a_name_that_is_nearly_right_is_named():
    with pytest.raises(TypeError, match="learning_rate"):
        truncation_history(random_network((3, 3, 3)), np.eye(3), [0, 1, 2], lr=1)


# Hostile runs


X2, Y2 = random_points(12, 2), np.arange(12) % 3


@pytest.mark.filterwarnings("ignore:training ended above its start")
@pytest.mark.parametrize("rate", [10.0, 1e5, 1e100, 1e300])
@pytest.mark.parametrize("widths", [(2, 3, 4, 2, 3), (2, 5, 3), (2, 2, 2, 2, 2, 3)])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_training_that_diverges_is_told_and_no_number_is_made_up(rate, widths, loss):
    options = {"learning_rate": rate, "steps": 40, "record": 1, "loss": loss}
    found = truncation_history(random_start(widths), X2, Y2, **options)
    told, frame = found.summary(), found.frame()
    assert "nan%" not in told and "rank nan" not in told
    lost = np.isnan(found.rank).all(axis=(1, 2))
    assert ("left the range" in told) == bool((lost & ~np.isnan(found.losses[:, 0])).any())
    sectors = frame.backward + frame.forward + frame.mixed
    np.testing.assert_allclose(sectors, 1)
    assert (found.motion[~np.isnan(found.motion)] >= 0).all()


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e300, 4e307])
def test_points_to_the_ends_of_the_range_are_followed(size):
    net = random_start((2, 2, 2, 3))
    net = net.rebuild([p if i % 2 == 0 else 0 * p for i, p in enumerate(net.tensors)])
    usual = truncation_history(net, X2, Y2, steps=0)
    found = truncation_history(net, X2 * size, Y2, steps=0)
    np.testing.assert_array_equal(found.backward, usual.backward)
    rtol = 1e-3 if size < 1e-307 else 1e-9
    np.testing.assert_allclose(found.relative_spread, usual.relative_spread, rtol=rtol, atol=rtol)


def test_points_at_both_ends_of_the_range_have_an_infinite_spread_and_no_warning():
    found = truncation_history(
        random_start((2, 2, 2)), [[1.7e308, 0], [-1.7e308, 0], [0, 1]], [0, 0, 1], steps=0
    )
    assert found.data_spread[0] > 1e308 and found.data_spread[1] == 0


def test_a_loss_of_zero_at_the_start_stays_with_what_it_has():
    net = ReLUNetwork([np.eye(3), np.eye(3)], [np.zeros(3), np.zeros(3)])
    found = truncation_history(net, np.eye(3), [0, 1, 2], steps=20, record=5)
    assert (found.losses == 0).all() and (found.motion == 0).all()
    assert np.isnan(found.relative_spread).all()  # of one point each
    assert (found.forward == 1).all() and (found.spread == 0).all()


@pytest.mark.parametrize(
    ("X", "y", "widths"),
    [
        (X2, np.zeros(12), (2, 3, 2, 1)),
        (X2[:1], [0], (2, 3, 1)),
        (X2, np.arange(12), (2, 3, 12)),
        (X2[:, :1], Y2, (1, 3, 1, 2, 3)),
        (np.ones((12, 2)), Y2, (2, 3, 3)),
        (np.zeros((12, 2)), np.array(["a", "$b", ""])[Y2], (2, 3, 3)),
    ],
)
def test_few_equal_and_oddly_named_points_are_followed(X, y, widths):
    found = truncation_history(random_start(widths), X, y, steps=10, record=5)
    total = found.backward + found.forward + found.mixed
    np.testing.assert_allclose(total, 1)
    assert (found.spread >= 0).all() and "nan" not in found.summary()


def test_weights_that_are_no_numbers_are_nan_and_leave_the_others_alone():
    nets = [random_start((1, 5, 3), seed) for seed in range(2)]
    stacked, params = stack(nets)
    params = [p.copy() for p in params]
    params[0][0] = np.nan
    recorder = TruncationRecorder(X2[:, :1], Y2)
    recorder(Snapshot(0, np.arange(2), np.zeros(2), params, stacked))
    found = recorder.history()
    assert np.isnan(found.rank[0, 0]).all() and found.rank[0, 1] == 5


def test_a_recorder_is_for_one_training():
    recorder = TruncationRecorder(X2, Y2)
    train(random_start((2, 3, 3)), X2, Y2, steps=4, record=2, callbacks=recorder)
    for net in (random_start((2, 3, 3)), random_start((2, 4, 3))):
        with pytest.raises(
            ValueError, match="must be new for each training, this one has followed"
        ):
            train(net, X2, Y2, steps=4, record=2, callbacks=recorder)
    assert recorder.history().steps.tolist() == [0, 2, 4]


def test_values_to_fit_are_no_classes():
    with pytest.raises(ValueError, match="y must have at most 1,000 classes, got 1,001"):
        TruncationRecorder(random_points(1001, 2), np.arange(1001.0)[:, None])
