"""The networks of which a film is made."""

import numpy as np
import pytest
from builders import random_points, random_start

from geomcore.stack import stack
from training import FilmReel, train, train_ensemble
from training.descent.problem import Snapshot
from training.dynamics.film import reel as module


def snapshot(step, nets, trials=None, losses=None):
    stacked, params = stack(nets)
    trials = np.arange(len(nets)) if trials is None else np.array(trials)
    losses = np.zeros(len(nets)) if losses is None else np.array(losses)
    return Snapshot(step, trials, losses, params, stacked)


def test_few_records_are_all_kept_with_their_networks():
    net, X = random_start((2, 3, 2)), random_points(9, 2)
    reel = FilmReel()
    result = train(net, X, np.arange(9) % 2, steps=30, record=10, callbacks=reel)
    frames = reel.frames()
    assert [frame.step for frame in frames] == [0, 10, 20, 30]
    assert frames[0].network == net and frames[-1].network == result.network
    assert frames[-1].loss == result.losses[-1]


def test_of_many_trials_one_is_kept_until_it_ends():
    nets = [random_start((1, 2, 1), seed) for seed in range(3)]
    reel = FilmReel(trial=1)
    reel(snapshot(0, nets))
    reel(snapshot(1, nets[:2], losses=[5.0, 7.0]))
    reel(snapshot(2, [nets[0]], trials=[0]))
    assert [frame.loss for frame in reel.frames()] == [0.0, 7.0]
    assert all(frame.network == nets[1] for frame in reel.frames())


@pytest.mark.parametrize("records", [2, 5, 6, 37, 200])
def test_many_records_become_so_many_frames_each_once_with_both_ends(records):
    reel, net = FilmReel(frames=5), random_start((1, 1, 1))
    for step in range(records):
        reel(snapshot(step, [net]))
    steps = [frame.step for frame in reel.frames()]
    assert len(steps) == min(records, 5) and steps[0] == 0 and steps[-1] == records - 1
    assert (np.diff(steps) > 0).all() and len(reel._kept) <= 10


def test_a_network_that_rests_is_shown_evenly():
    reel, net = FilmReel(frames=11), random_start((1, 1, 1))
    for step in range(1001):
        reel(snapshot(step, [net]))
    gaps = np.diff([frame.step for frame in reel.frames()])
    assert gaps.max() < 2.5 * 100


def test_where_networks_are_quick_there_are_more_frames():
    reel, net = FilmReel(frames=21), random_start((1, 1, 1))
    for step in range(1001):
        moved = [p + 100 * (1 - np.exp(-step / 20)) for p in net.tensors]
        reel(snapshot(step, [net.rebuild(moved)]))
    steps = np.array([frame.step for frame in reel.frames()])
    assert 9 <= (steps <= 60).sum() <= 13


def test_large_networks_are_kept_in_smaller_numbers(monkeypatch):
    net = random_start((4, 4, 4))
    monkeypatch.setattr(module, "WAITING", 8 * 8 * sum(p.size for p in net.tensors))
    reel = FilmReel(frames=50)
    for step in range(100):
        reel(snapshot(step, [net]))
    assert 2 <= len(reel.frames()) <= 8 and reel.frames()[-1].step == 99


def test_networks_beyond_the_range_of_floats_do_no_harm():
    reel, net = FilmReel(frames=4), random_start((1, 1, 1))
    for step, size in enumerate([1.0, 1e200, -1e308, 1e308, -1e308, 1.0, 2.0, 3.0, 1e308, 1.0]):
        reel(snapshot(step, [net.rebuild([np.full(p.shape, size) for p in net.tensors])]))
    assert [frame.step for frame in reel.frames()][::3] == [0, 9]


def test_frames_are_not_changed_by_what_comes_later():
    X = random_points(9, 2)
    nets = [random_start((2, 3, 2), seed) for seed in range(2)]
    reel = FilmReel(trial=0)
    train_ensemble(nets, X, np.arange(9) % 2, steps=20, record=1, callbacks=reel)
    assert reel.frames()[0].network == nets[0]
    distances = [np.linalg.norm(f.network.weights[0] - nets[0].weights[0]) for f in reel.frames()]
    assert (np.diff(distances) > 0).all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"frames": 1}, "frames must be"),
        ({"frames": 2.5}, "frames must be"),
        ({"trial": -1}, "trial must be"),
    ],
)
def test_wrong_numbers_are_refused(options, reason):
    with pytest.raises(ValueError, match=reason):
        FilmReel(**options)


def test_a_reel_is_for_one_training():
    reel = FilmReel()
    reel(snapshot(3, [random_start((1, 2, 1))]))
    for step, widths in ((3, (1, 2, 1)), (4, (1, 3, 1))):
        with pytest.raises(ValueError, match="must be new for each training"):
            reel(snapshot(step, [random_start(widths)]))
