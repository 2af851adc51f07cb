"""Networks on their way down a ladder of losses."""

import numpy as np
import pytest

from training import train
from training.descent.stopping import Progress
from training.experiments.trained import ladder
from training.experiments.trained.ladder import Standstill, budget, descend, random_start, streams

X = np.random.default_rng(5).random((4, 24))
Y = np.array([0, 0, 1, 1])


def test_the_widths_are_those_of_the_input():
    net = random_start(5, 3, np.random.default_rng(0))
    assert net.widths == (5, 5, 5, 5, 3) and not any(b.any() for b in net.biases)


def test_weights_have_variance_two_over_fan_in():
    net = random_start(300, 2, np.random.default_rng(0))
    for W in net.weights[:-1]:
        assert W.var() * 300 / 2 == pytest.approx(1, abs=0.02)


def test_rungs_go_down_and_losses_are_those_of_their_networks():
    found = descend(X, Y, loss="mse", seed=0, start=1, steps=640, thresholds=[1e-1, 1e-2, 1e-40])
    assert [rung.threshold for rung in found.rungs] == [1e-1, 1e-2]
    for rung in found.rungs:
        assert rung.loss <= rung.threshold
        value = ((rung.network(X) - np.eye(2)[Y]) ** 2).sum(axis=1).mean()
        assert value == pytest.approx(rung.loss)
    assert found.network is found.rungs[-1].network
    assert found.stop_reason == "step budget" and found.steps == 640


def test_training_ends_at_the_lowest_threshold():
    found = descend(X, Y, loss="cross_entropy", seed=0, start=0, steps=640, thresholds=[0.3, 0.2])
    assert found.stop_reason == "loss threshold" and found.steps < 640
    assert found.losses[-1] <= 0.2 < found.losses[0]


def test_without_a_rung_the_end_of_training_stands_for_it():
    found = descend(X, Y, loss="mse", seed=0, start=0, steps=1, thresholds=[1e-30])
    (rung,) = found.rungs
    assert rung.threshold == np.inf and rung.step == 1 and rung.loss == found.losses[-1]


def test_starts_are_the_same_for_all_losses_and_differ_from_each_other():
    first, again = (streams(3, 1)[0].standard_normal(4) for _ in range(2))
    assert np.array_equal(first, again)
    for other in (streams(3, 2)[0], streams(4, 1)[0], streams(3, 1)[1]):
        assert not np.array_equal(first, other.standard_normal(4))


def test_a_run_is_the_same_to_the_bit_when_it_is_done_again():
    runs = [descend(X, Y, loss="mse", seed=1, start=0, steps=50) for _ in range(2)]
    for a, b in zip(runs[0].network.tensors, runs[1].network.tensors, strict=True):
        assert np.array_equal(a, b)


def test_the_course_is_thinned_out_but_keeps_its_ends(monkeypatch):
    monkeypatch.setattr(ladder, "MOST_RECORDS", 10)
    found = descend(X, Y, loss="mse", seed=0, start=0, steps=640, thresholds=[1e-30])
    assert len(found.losses) == len(found.recorded) <= 10
    assert found.recorded[0] == 0 and found.recorded[-1] == found.steps


def test_a_single_loss_that_is_higher_is_no_standstill():
    losses = [1.0, 0.9, 5.0, 0.8, 5.0, 5.0, 0.799]
    progress = [
        Progress(r, [np.array([x]) for x in losses[: r + 1]], np.array([0])) for r in range(7)
    ]
    met = [Standstill(3, 0.01).met(p).tolist() for p in progress]
    assert met == [[False]] * 6 + [[True]]


def test_the_rule_ends_training_that_stands_still():
    net = random_start(24, 2, np.random.default_rng(0))
    done = train(net, X, Y, steps=500, learning_rate=1e-12, record=1, stop=Standstill(20, 0.01))
    assert done.stop_reason == "plateau" and done.steps == 20


def test_larger_images_get_fewer_steps():
    assert budget(64) > budget(784)
