"""Gradient descent returns from every point of the ball that is promised, as fast as promised."""

import numpy as np
import pytest
from builders import random_network, random_points
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import (
    balanced,
    construct,
    descent_basin,
    largest_step,
    merged,
    verify,
)
from constructions.proof import descent_basin as room
from geomcore import ReLUNetwork
from geomcore.datasets import clusters, concentric, sequential, single_cone
from geomcore.parameters import unflatten
from training import SGD, hessian, train_ensemble


def balls(rng, n=6):
    X = np.concatenate([c + 0.1 * rng.uniform(-1, 1, size=(n, 3)) for c in np.eye(3)])
    return X, np.repeat([0, 1, 2], n)


CONFIGURATIONS = {make.__name__: make for make in (clusters, sequential, single_cone, concentric)}
MINIMA = [f"{name}{rest}" for name in CONFIGURATIONS for rest in ("", ", balanced")] + ["merge"]


def minimum(name):
    """A proved minimum and its data: zero loss, balanced or not, or a merge."""
    if name == "merge":
        X, y = balls(np.random.default_rng(0))
        return merged(X, y, [[0, 1], [2]]).network, X, y
    configuration, _, rest = name.partition(", ")
    data = CONFIGURATIONS[configuration](rng=0)
    net = construct(data.X, data.y).network
    return balanced(net, data.X, evaluations=30) if rest else net, data.X, data.y


@pytest.mark.parametrize("name", MINIMA)
def test_runs_from_the_sphere_return_as_fast_as_promised(name):
    net, X, y = minimum(name)
    rng = np.random.default_rng(1)
    found = verify(net, X, y)
    assert found.proved and found.verdict in ("global minimum", "local minimum")
    flow = found.basin["radius"]
    small = largest_step(found, net, X, y, 0.3 * flow)
    assert small is not None and small.curvature * small.step <= 1
    basin = descent_basin(found, net, X, y, small.step)
    assert 0.29 * flow <= basin.radius <= flow
    assert basin.ball <= found.radius + found.distance
    theta = net.packed()[0]
    H = hessian(net, X, y) if len(theta) < 300 else None
    away = rng.normal(size=(20, len(theta)))
    if H is not None:  # the worst directions are among those of the largest curvature
        away = np.concatenate([away, np.linalg.eigh(H)[1].T[-4:], -np.linalg.eigh(H)[1].T[-4:]])
    away *= basin.radius / np.linalg.norm(away, axis=1)[:, None]
    starts = [unflatten(net, theta + v) for v in away]
    steps = 100
    done = train_ensemble(starts, X, y, optimizer=SGD(basin.step), steps=steps, record=1)
    above = done.losses.T - found.loss_floor
    k = np.arange(steps + 1)
    bound = above[:, :1] * (1 - basin.rate) ** k
    # losses of the stored numbers, and the rounding of the loss itself
    assert (above <= bound * (1 + 1e-9) + 1e-12 * max(found.loss_bound, 1e-12)).all()
    for end in done.networks:
        assert np.linalg.norm(end.packed()[0] - theta) <= basin.ball


def test_a_thousand_runs():
    X, y = balls(np.random.default_rng(0), n=4)
    net = construct(X, y).network
    basin = descent_basin(verify(net, X, y), net, X, y, 0.02)
    theta, rng = net.packed()[0], np.random.default_rng(2)
    away = rng.normal(size=(1000, len(theta)))
    away *= basin.radius / np.linalg.norm(away, axis=1)[:, None]
    starts = [unflatten(net, theta + v) for v in away]
    done = train_ensemble(starts, X, y, optimizer=SGD(basin.step), steps=300, record=300)
    losses = done.losses.T
    assert (losses[:, 0] > 0).all()
    assert (losses[:, -1] <= losses[:, 0] * (1 - basin.rate) ** 300 * (1 + 1e-9)).all()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([(2, 3, 1), (2, 3, 3, 2), (1, 2, 2, 2, 1)]), st.integers(0, 2**32 - 1))
def test_no_hessian_in_the_ball_is_above_the_bound(widths, seed):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng, scaled=True)
    X = random_points(5, widths[0], rng)
    Y = net(X) + rng.normal(size=(5, widths[-1]))
    loss = float(((net(X) - Y) ** 2).sum(axis=1).mean())
    around = room._around(net, X, loss, None, None, 0.0)
    if around is None:
        return
    around, root = around
    # S need not be all outputs for this bound, nor the point a minimum: only the cell counts
    theta = net.packed()[0]
    for share in (1e-6, 0.3, 1.0):
        ball = share * min(around.cell, 10.0)
        bound = room._curvature(around, root, ball)
        for _ in range(5):
            v = rng.normal(size=len(theta))
            v *= ball / np.linalg.norm(v) * rng.uniform() ** 0.1
            H = hessian(unflatten(net, theta + v), X, Y)
            assert np.abs(np.linalg.eigvalsh(H)).max() <= bound


def test_the_bound_is_of_use():
    X, y = balls(np.random.default_rng(0))
    net = construct(X, y).network
    around, root = room._around(net, X, 0.0, None, None, 0.0)
    top = np.linalg.eigvalsh(hessian(net, X, y))[-1]
    assert top <= room._curvature(around, root, 1e-9) <= 3 * top


def test_larger_steps_have_smaller_balls_and_too_large_ones_none():
    X, y = balls(np.random.default_rng(0))
    net = construct(X, y).network
    data = (verify(net, X, y), net, X, y)
    flow = data[0].basin["radius"]
    found = [descent_basin(*data, step) for step in (1e-4, 1e-2, 0.04)]
    assert found[0].radius >= found[1].radius >= found[2].radius > 0
    assert found[0].radius < flow
    assert descent_basin(*data, 10.0) is None
    assert largest_step(*data, flow) is None
    wide = largest_step(*data, found[2].radius * 0.99)
    assert wide.step >= 0.04 * 0.9


def test_the_distance_of_the_exact_minimum_is_taken_off():
    X, y = balls(np.random.default_rng(0))
    net = construct(X, y).network
    plain, off = (
        room.basin_with_step(net, X, 0.01, loss_bound=0.0, rank=None, distance=d)
        for d in (0.0, 1e-4)
    )
    assert off.radius < plain.radius - 0.9e-4


def test_where_all_points_are_dead_the_last_bias_decides():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-10.0], [0.5]])
    X, y = np.array([[0.0], [1.0]]), [[0.0], [1.0]]
    found = descent_basin(verify(net, X, y), net, X, y, 0.4)
    assert found.radius > 0 and found.curvature == pytest.approx(2, rel=1e-3)


def test_minima_that_the_last_layer_does_not_pull_back_have_no_basin():
    # a bottleneck: the first layer is reached through a weight of 1/64 only
    X = np.random.default_rng(0).uniform(-1, 1, (12, 2))
    net = ReLUNetwork([[[1.0, 0.0]], [[2.0**-6]]], [[4.0], [0.0]])
    Y = net(X)
    found = verify(net, X, Y)
    assert found.proved and "minimum" in found.verdict
    assert descent_basin(found, net, X, Y, 0.01) is None
    assert largest_step(found, net, X, Y, 1e-6) is None
    # two points so near to each other that floats do not tell their rank
    X = np.array([[0.0], [8 * 2.0**-52]])
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    found = verify(net, X, net(X))
    assert descent_basin(found, net, X, net(X), 0.01) is None


def test_wrong_calls_say_which_argument():
    X, y = balls(np.random.default_rng(0))
    net = construct(X, y).network
    found = verify(net, X, y)
    good = {"certificate": found, "net": net, "X": X, "y": y, "step": 0.01}
    for change, told in (
        ({"step": 0}, "step must"),
        ({"step": "x"}, "step must"),
        ({"certificate": None}, "certificate must be a Certificate"),
        ({"net": None}, "net must"),
        ({"net": random_network((3, 3, 3))}, "certificate must be of this network .* network"),
        ({"X": X + 1}, "certificate must be of this network and these data, data differs"),
        ({"y": y[::-1]}, "data differs"),
        ({"X": [[1.0]]}, "X must"),
    ):
        with pytest.raises(ValueError, match=told):
            descent_basin(**{**good, **change})
    with pytest.raises(ValueError, match="radius must"):
        largest_step(found, net, X, y, -1)
