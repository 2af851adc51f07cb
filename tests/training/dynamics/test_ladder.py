"""Networks kept by their loss."""

import numpy as np
import pytest
from builders import random_points, random_start

from training import SGD, LossLadder, neural_collapse, train, train_ensemble


def test_each_rung_has_the_first_network_below_its_threshold():
    X, y, nets = random_points(6, 3), np.arange(6) % 2, []
    ladder = LossLadder([0.05, 0.3, 0.2])

    def keep(snapshot):
        nets.append((snapshot.step, snapshot.losses[0], snapshot.network()))

    options = {"steps": 2000, "record": 7, "learning_rate": 0.05}
    train(random_start((3, 6, 2)), X, y, callbacks=[ladder, keep], **options)
    rungs = ladder.rungs()
    assert [rung.threshold for rung in rungs] == [0.3, 0.2, 0.05]
    for rung in rungs:
        step, loss, net = next(n for n in nets if n[1] <= rung.threshold)
        assert (rung.step, rung.loss) == (step, loss) and rung.network == net
    assert np.isfinite(neural_collapse(rungs[-1].network, X, y).hidden[0].measures.nc1)


def test_trials_have_ladders_of_their_own():
    X, y, ladder = random_points(6, 3), np.arange(6) % 2, LossLadder([10.0, 1e-300])
    nets = [random_start((3, 4, 2), seed) for seed in range(3)]
    train_ensemble(nets, X, y, steps=3, optimizer=SGD(0.01), callbacks=ladder)
    for trial, net in enumerate(nets):
        (rung,) = ladder.rungs(trial)
        assert rung.step == 0 and rung.network == net
    assert ladder.rungs(7) == []


def test_thresholds_that_are_passed_at_once_share_a_network():
    ladder = LossLadder()
    train(random_start((1, 2, 1)), [[1.0]], [[0.0]], steps=400, record=400, callbacks=ladder)
    rungs = ladder.rungs()
    assert len(rungs) == 8 and rungs[-1].threshold == 1e-8
    assert rungs[-1].network is rungs[-2].network
    assert max(map(len, repr(ladder).split("\n"))) <= 80


@pytest.mark.parametrize("thresholds", [[], [0.1, 0.0], [-1], ["a"], [np.nan]])
def test_wrong_thresholds_are_refused(thresholds):
    with pytest.raises(ValueError, match="thresholds must"):
        LossLadder(thresholds)
