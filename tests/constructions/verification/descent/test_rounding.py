"""Steps in double precision are off by less than is said, and what is promised of them holds."""

from fractions import Fraction

import numpy as np
import pytest
from builders import random_network, random_points
from naive import exact

from constructions import construct, descent_basin, largest_step, verify
from constructions.proof import descent_basin as room
from constructions.proof.basin import rescaled
from geomcore import ReLUNetwork
from geomcore.parameters import unflatten
from training import SGD, train, train_ensemble
from training.landscape.operators import Curvature

# max(1 - x, 0) at 0, 2 and 3: the loss is 0
NET = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
DATA = np.array([[0.0], [2.0], [3.0]]), np.array([[1.0], [0.0], [0.0]])


def balls(n=4):
    rng = np.random.default_rng(0)
    X = np.concatenate([c + 0.1 * rng.uniform(-1, 1, size=(n, 3)) for c in np.eye(3)])
    return X, np.repeat([0, 1, 2], n)


def exact_step(net, X, Y, step):
    """Parameters after a step of gradient descent on the mean squared error, as Fractions."""
    Ws, bs = ([np.array(exact(p), dtype=object) for p in t] for t in (net.weights, net.biases))
    hidden, Y = [np.array(exact(X), dtype=object)], np.array(exact(Y), dtype=object)
    for W, b in zip(Ws, bs, strict=True):
        hidden.append(hidden[-1] @ W.T + b)
        if len(hidden) <= len(Ws):
            hidden[-1] = np.where(hidden[-1] > 0, hidden[-1], Fraction(0))
    slope, moved = (hidden[-1] - Y) * Fraction(2, len(X)), []
    for l in range(len(Ws) - 1, -1, -1):
        W, b = Ws[l] - Fraction(step) * slope.T @ hidden[l], bs[l] - Fraction(step) * slope.sum(0)
        moved = [*W.ravel(), *b, *moved]
        slope = slope @ Ws[l] * (hidden[l] > 0)
    return moved


def sphere(net, radius, count, rng):
    """Networks at a distance of one."""
    theta = net.packed()[0]
    away = rng.normal(size=(count, len(theta)))
    away *= radius / np.linalg.norm(away, axis=1)[:, None]
    return [unflatten(net, theta + v) for v in away]


@pytest.mark.parametrize("size", [2.0**-200, 1.0, 2.0**200])
@pytest.mark.parametrize("widths", [(2, 3, 1), (2, 3, 3, 2), (1, 2, 2, 2, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_no_step_of_the_trainer_is_farther_from_the_exact_one(widths, seed, size):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng, scaled=True)
    net = rescaled(net, size ** np.array([1, *[0] * (len(widths) - 3)]))
    X = random_points(5, widths[0], rng)
    Y = net(X) + 0.1 * rng.normal(size=(5, widths[-1]))
    loss = float(((net(X) - Y) ** 2).sum(axis=1).mean())
    around = room._around(net, X, loss, None, None, 0.0)
    if around is None:
        return
    around, root = around
    theta = net.packed()[0]
    known = {"size": float(np.linalg.norm(theta)), "width": max(widths), "points": len(X)}
    for share in (1e-6, 0.5):
        ball = share * min(around.cell, 10.0)
        step = 0.9 / room._curvature(around, root, ball)
        bound, margin = room.step_error(around, root, ball, step, **known)
        if margin >= ball:
            continue
        start = sphere(net, (ball - margin) * rng.uniform(), 1, rng)[0]
        wanted = exact_step(start, X, Y, step)
        kind = {"optimizer": SGD(step), "steps": 1}
        ends = train(start, X, Y, **kind).network, *train_ensemble([start], X, Y, **kind).networks
        for end in ends:
            off = [
                float(Fraction(a) - b)
                for a, b in zip(end.packed()[0].tolist(), wanted, strict=True)
            ]
            assert np.linalg.norm(off) <= bound


def test_the_bound_of_a_step_is_of_use():
    X, y = balls()
    net = construct(X, y).network
    around, root = room._around(net, X, 0.0, None, None, 0.0)
    size = np.linalg.norm(net.packed()[0])
    bound, margin = room.step_error(around, root, 0.01, 0.02, size=size, width=3, points=len(X))
    assert 1e-16 * size < bound < 200 * 2.0**-53 * size and 0 < margin < 1e-12


def test_a_thousand_runs_in_double_precision_end_within_the_residue():
    X, y = balls()
    net = construct(X, y).network
    basin = descent_basin(verify(net, X, y), net, X, y, 0.02, steps=900)
    starts = sphere(net, basin.radius, 1000, np.random.default_rng(2))
    done = train_ensemble(starts, X, y, optimizer=SGD(0.02), steps=900, record=300)
    roots = np.sqrt(done.losses.T)
    promised = roots[:, :1] * (1 - basin.rate) ** (np.arange(4) * 150) + basin.residue
    assert (roots <= promised).all() and 0 < basin.residue < 1e-10
    theta = net.packed()[0]
    assert all(np.linalg.norm(end.packed()[0] - theta) <= basin.ball for end in done.networks)


def test_without_the_residue_the_promise_would_be_wrong():
    certificate = verify(NET, *DATA)
    steps = 30_000
    basin = descent_basin(certificate, NET, *DATA, 0.1, steps=steps)
    starts = sphere(NET, basin.radius, 30, np.random.default_rng(0))
    done = train_ensemble(starts, *DATA, optimizer=SGD(0.1), steps=steps, record=steps)
    first, last = np.sqrt(done.losses)[[0, -1]]
    left = first * (1 - basin.rate) ** (steps / 2)
    assert (last > left).any()
    assert (last <= left + basin.residue).all()


@pytest.mark.parametrize("where", ["up", "aside", "any"])
def test_errors_that_mean_harm_do_no_more_than_is_said(where):
    X, y = balls()
    net = construct(X, y).network
    around, root = room._around(net, X, verify(net, X, y).loss_bound, None, None, 0.0)
    off, steps, rng = 1e-6, 400, np.random.default_rng(3)
    basin = room.basin_with_errors(around, root, 0.04, steps, lambda ball: (off, 0.0))
    exact_ones = room.basin_with_errors(around, root, 0.04, steps, lambda ball: (0.0, 0.0))
    assert 0.2 * exact_ones.radius < basin.radius < 0.9 * exact_ones.radius
    center = net.packed()[0]
    theta = sphere(net, basin.radius, 1, rng)[0].packed()[0]
    aside = np.zeros(len(theta))
    aside[0] = 1.0
    start = None
    for k in range(steps + 1):
        here = Curvature(unflatten(net, theta), X, y)
        start = here.loss**0.5 if start is None else start
        assert here.loss**0.5 <= start * (1 - basin.rate) ** (k / 2) + basin.residue
        assert np.linalg.norm(theta - center) <= basin.ball
        way = {"up": here.gradient, "aside": aside, "any": rng.normal(size=len(theta))}[where]
        theta = theta - 0.04 * here.gradient + off * way / np.linalg.norm(way)


def test_what_is_added_up_fits_into_the_ball():
    around, root = room._around(NET, DATA[0], 1e-30, None, None, 0.0)
    off, margin, steps = 1e-7, 1e-4, 1000
    basin = room.basin_with_errors(around, root, 0.05, steps, lambda ball: (off, margin))
    s, slope = basin.strength, room._derivatives(around, root, basin.ball).first ** 0.5
    way = 2 * around.motion(basin.radius, -1) / s + steps * off * (1 + 2 * slope / s)
    assert basin.radius + way + margin == pytest.approx(basin.ball, rel=1e-4)
    assert basin.rate == pytest.approx(2 * 0.05 * s**2)
    assert basin.residue == pytest.approx(2 * slope * off / basin.rate, rel=1e-4)


def test_more_steps_leave_less_and_too_many_nothing():
    data = verify(NET, *DATA), NET, *DATA, 0.1
    plain = descent_basin(*data)
    assert plain.steps is None and plain.residue == 0
    radii = [descent_basin(*data, steps=10**k).radius for k in (0, 6, 12)]
    assert plain.radius > radii[0] > radii[1] > radii[2] > 0.5 * plain.radius
    assert radii[1] > (1 - 1e-5) * plain.radius
    assert descent_basin(*data, steps=10**400) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e-60, 1e60, 1e150, 1e300])
def test_extreme_sizes_give_none_or_what_holds(size):
    net = ReLUNetwork([[[-size]], [[1 / size]]], [[size], [0.0]])
    found = verify(net, *DATA)
    if found.basin is None:
        assert descent_basin(found, net, *DATA, 1.0, steps=10) is None
        return
    for step in (1e-3, 0.1 * min(size, 1 / size) ** 2 or 5e-324):
        basin = descent_basin(found, net, *DATA, step, steps=10)
        if basin is not None:
            starts = sphere(net, basin.radius, 20, np.random.default_rng(0))
            done = train_ensemble(starts, *DATA, optimizer=SGD(step), steps=10, record=10)
            first, last = np.sqrt(done.losses)[[0, -1]]
            assert (last <= first * (1 - basin.rate) ** 5 + basin.residue).all()


@pytest.mark.parametrize(
    ("net", "X", "Y"),
    [
        (NET, [[0.25]], [[0.75]]),  # one point
        (NET, [[0.0], [0.0], [2.0], [2.0]], [[1.0], [1.0], [0.0], [0.0]]),  # two of each
        (NET, [[0.0], [0.0], [2.0]], [[1.5], [0.5], [0.0]]),  # that contradict each other
        (ReLUNetwork([[[1.0]], [[1.0]]], [[-10.0], [0.5]]), [[0.0], [1.0]], [[0.0], [1.0]]),  # dead
    ],
)
def test_points_of_all_kinds_return_as_said(net, X, Y):
    found = verify(net, X, Y)
    flow = found.basin["radius"]
    step = largest_step(found, net, X, Y, 0.3 * flow).step
    basin = descent_basin(found, net, X, Y, step, steps=500)
    assert 0.29 * flow < basin.radius < flow
    starts = sphere(net, basin.radius, 50, np.random.default_rng(0))
    done = train_ensemble(starts, X, Y, optimizer=SGD(step), steps=500, record=500)
    # what is above a loss that is not zero is known to the rounding of that loss
    first, last = np.sqrt(np.maximum(done.losses - found.loss_floor, 0))[[0, -1]]
    noise = (1e-15 * found.loss_floor) ** 0.5
    assert (last <= first * (1 - basin.rate) ** 250 + basin.residue + noise).all()


def test_a_kink_or_parameters_of_too_many_sizes_have_none():
    X = [[0.0], [1.0], [3.0]]  # the unit is zero at 1
    assert descent_basin(verify(NET, X, NET(X)), NET, X, NET(X), 0.1, steps=1) is None
    # rounding of a weight of 1e20 is bounded by that of the whole, far more than the radius
    net, X = ReLUNetwork([[[-1e20]], [[1.0]]], [[1.0], [0.0]]), np.array([[0.0], [2e-20], [3e-20]])
    found = verify(net, X, DATA[1])
    assert descent_basin(found, net, X, DATA[1], 0.1).radius > 0.01
    assert descent_basin(found, net, X, DATA[1], 0.1, steps=1) is None


def test_wrong_calls_say_which_argument():
    for steps in (0, -1, 1.5, "x", True):
        with pytest.raises(ValueError, match="steps must be a whole number, at least 1"):
            descent_basin(verify(NET, *DATA), NET, *DATA, 0.1, steps=steps)


# The bound of a step, and what follows from it, on numbers that are known


def test_the_bound_of_a_step_is_that_of_its_formula(monkeypatch):
    known = room._Derivatives(first=4.0, spread=3.0, residual=5.0, reach=7.0)
    monkeypatch.setattr(room, "_derivatives", lambda around, root, ball: known)
    u, parameters = 2.0**-53, {"size": 9.0, "width": 6, "points": 12}
    off, margin = room.step_error(None, 0.0, 1.0, 0.5, **parameters)
    gamma, kappa = 40 * u * 10, 112 * u
    gradient = 2 * gamma * (4 + 2 * 3 * 5) + 2 * kappa * 2 * 5
    wanted = 0.5 * (gradient + 8 * u * 2 * 2 * 5) + 2 * u * 10
    assert margin == pytest.approx(3 * gamma, rel=1e-9, abs=0)
    # widened twice by SLACK
    assert (1 + 1.9e-6) * wanted < off < (1 + 1e-5) * wanted


def test_rounding_of_a_loss_of_zero_counts_where_second_derivatives_are_large(monkeypatch):
    known = room._Derivatives(first=4.0, spread=1e16, residual=0.0, reach=7.0)
    monkeypatch.setattr(room, "_derivatives", lambda around, root, ball: known)
    off, _ = room.step_error(None, 0.0, 1.0, 0.5, size=9.0, width=6, points=12)
    gamma = 40 * 2.0**-53 * 10
    assert off == pytest.approx(0.5 * 2 * gamma * (4 + 2 * 1e16 * 2 * gamma), rel=1e-3, abs=0)


def test_a_step_that_loses_all_to_underflow_is_still_off(monkeypatch):
    known = room._Derivatives(first=4.0, spread=3.0, residual=0.0, reach=7.0)
    monkeypatch.setattr(room, "_derivatives", lambda around, root, ball: known)
    least = 2.0**-1000
    off, margin = room.step_error(None, 0.0, 0.0, 0.5, size=0.0, width=6, points=12)
    assert margin == 3 * 6 * least
    assert off == pytest.approx((0.5 * (2 * 6 * 4 + 12 * 8) + 1) * least, rel=1e-5, abs=0)


def test_a_reach_is_the_largest_that_fits():
    around, _ = room._around(NET, DATA[0], 0.0, None, None, 0.0)
    for left in (1e-9, 1e-3, 0.2):
        found = room._reach(around, 0.25, left)
        at = [r + 2 * around.motion(r, -1) / 0.25 for r in (found, found * (1 + 1e-5))]
        assert 0 < found and at[0] <= left < at[1]
    assert room._reach(around, 0.25, 0.0) == room._reach(around, 0.25, -1.0) == 0
    assert room._reach(around, 0.25, np.nan) == 0


def test_of_all_balls_the_one_with_the_largest_radius_is_taken():
    around, root = room._around(NET, DATA[0], 0.0, None, None, 0.0)
    found = room.basin_with_errors(around, root, 0.1, 1, lambda ball: (0.0, 0.0))
    plain = room.basin_with_step(NET, DATA[0], 0.1, loss_bound=0.0, rank=None, distance=0.0)
    assert found.radius == pytest.approx(plain.radius, rel=1e-4) and found.residue == 0
    # errors that only small balls can bear
    small = room.basin_with_errors(
        around, root, 0.1, 1, lambda ball: (0.0, 0.0 if ball < 1e-3 else 1.0)
    )
    assert 0 < small.radius < small.ball < 1e-3 < 2 * small.ball
    assert room.basin_with_errors(around, root, 10.0, 1, lambda ball: (0.0, 0.0)) is None
    assert room.basin_with_errors(around, root, 0.1, 1, lambda ball: (np.inf, 0.0)) is None
    off = room._around(NET, DATA[0], 0.0, None, None, 1e-3)
    less = room.basin_with_errors(*off, 0.1, 1, lambda ball: (0.0, 0.0))
    assert less.radius < found.radius - 0.99e-3


def test_balls_without_strength_are_not_taken():
    around, root = room._around(NET, DATA[0], 0.0, None, None, 0.0)
    around = around._replace(at_minimum=0.02)
    assert around.strength(room._largest_ball(around, root, 0.1)) < 0
    found = room.basin_with_errors(around, root, 0.1, 1, lambda ball: (0.0, 0.0))
    assert found.strength > 0 and 0 < found.radius < found.ball


def test_the_bound_is_asked_for_the_network_that_is_given(monkeypatch):
    seen = []
    monkeypatch.setattr(room, "step_error", lambda *_, **known: (seen.append(known), (0, 0))[1])
    net, X = ReLUNetwork([[[-1.0], [-2.0]], [[1.0, 0.0]]], [[1.0, 1.0], [0.0]]), DATA[0]
    room.basin_with_rounding(net, X, 0.01, 5, loss_bound=0.0, rank=2, distance=0.125)
    assert seen[0] == {"size": pytest.approx(8**0.5 + 0.125), "width": 2, "points": 3}


def test_what_underflow_adds_comes_from_all_layers_of_the_worst_group():
    X, y = balls()
    net = construct(X, y).network
    around, root = room._around(net, X, verify(net, X, y).loss_bound, None, None, 0.0)
    p, (speeds, _) = np.tril(around.bounds.layers), room.motions(around.bounds, 0.0)
    of_groups = (p * speeds[:, None]).sum(axis=(1, 2))
    assert p.shape[1] > 2 and of_groups.max() > 1.001 * of_groups.min()
    reach = room._derivatives(around, root, 0.0).reach
    assert of_groups.max() <= reach <= 1.0001 * of_groups.max()
