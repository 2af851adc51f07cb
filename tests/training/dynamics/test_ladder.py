"""Networks kept by their loss."""

import numpy as np
import pytest
from builders import random_points, random_start

from geomcore import datasets
from training import SGD, LossLadder, neural_collapse, train, train_ensemble
from training.dynamics.ladder import collapse_verdict, ladder_collapse


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


def test_a_loss_that_is_a_threshold_stands_on_its_rung():
    net, X, y = random_start((3, 4, 2)), random_points(6, 3), np.arange(6) % 2
    loss = train(net, X, y, steps=0).losses[0]
    ladder = LossLadder([loss])
    train(net, X, y, steps=0, callbacks=ladder)
    assert [rung.loss for rung in ladder.rungs()] == [loss]


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


# Collapse on the way down


def test_the_table_has_the_measures_of_each_rung():
    data, ladder = datasets.clusters(6, rng=0), LossLadder([0.5, 0.05])
    train(random_start((3, 5, 3)), data.X, data.y, steps=3000, record=5, callbacks=ladder)
    rungs = ladder.rungs()
    table = ladder_collapse(rungs, data.X, data.y)
    assert len(rungs) == 2 and len(table) == 2 * 3
    for rung in rungs:
        part = table[table.threshold == rung.threshold]
        assert (part.loss == rung.loss).all() and (part.step == rung.step).all()
        own = neural_collapse(rung.network, data.X, data.y).frame()
        np.testing.assert_array_equal(part.nc1, own.nc1)
    with pytest.raises(ValueError, match="rungs must be a list of moments"):
        ladder_collapse([], data.X, data.y)


DECADES = 10.0 ** -np.arange(1, 7)


def measured(power, noise=0.1, seeds=6):
    rng = np.random.default_rng(0)
    return DECADES**power * 10 ** (noise * rng.normal(size=(seeds, 6)))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        (measured(0.5), "holds"),
        (measured(-0.3), "does not hold"),
        (measured(0.0, noise=1e-3), "does not hold"),
        (measured(0.005, noise=1e-4), "does not hold"),
        (measured(0.02, noise=1e-3), "holds"),
        (measured(0.05, noise=2), "not decided by this evidence"),
        (measured(0.5, seeds=2), "not decided by this evidence"),
        (np.full((5, 6), np.nan), "not decided by this evidence"),
        (np.zeros((5, 6)), "not decided by this evidence"),
    ],
)
def test_the_verdict_is_that_of_known_trends(values, verdict):
    assert collapse_verdict(values, DECADES)[0].verdict == verdict


def test_the_trend_is_in_decades_per_decade_and_seeds_may_end_early():
    values = 3 * DECADES**0.5 * np.ones((4, 1))
    values[0, 2:] = np.nan
    values[1, 1:] = np.nan  # one value has no slope
    found, trend = collapse_verdict(values, DECADES, what="NC4")
    np.testing.assert_allclose(trend.slopes, -0.5)
    assert found.verdict == "holds" and "NC4 changes by -0.5 decades" in found.reason


def test_wrong_values_are_refused():
    with pytest.raises(ValueError, match="a column for each threshold"):
        collapse_verdict([[1.0, 2.0]], [0.1])
    with pytest.raises(ValueError, match="thresholds must be positive"):
        collapse_verdict([[1.0]], [0.0])
    for wrong in (-1.0, np.inf):
        with pytest.raises(ValueError, match="values must be numbers from 0 up, or nan"):
            collapse_verdict([[1.0, wrong]], [0.1, 0.01])
    with pytest.raises(ValueError, match="values must be an array of numbers"):
        collapse_verdict([[1], [1, 2]], [0.1, 0.01])


def test_what_has_collapsed_altogether_is_not_said_to_have_reached_nothing():
    found, _ = collapse_verdict(np.zeros((3, 2)), [0.1, 0.01])
    assert found.reason == "0 seeds with NC1 above 0 at two thresholds or more, 3 are needed"


@pytest.mark.parametrize("rungs", [None, 3, "abc", [random_start((3, 5, 3))]])
def test_what_is_no_ladder_is_refused(rungs):
    with pytest.raises(ValueError, match="rungs must"):
        ladder_collapse(rungs, np.eye(3), [0, 1, 2])
