"""Units at rest that are put to use, at points known by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from decayed import planted_decayed
from resting import widened
from settling_problems import problem_with

from constructions import verify
from constructions.penalised.directions import searched
from geomcore import ReLUNetwork
from training import settle
from training.settling import waking
from training.settling.newton import finished, least_multipliers
from training.settling.problem import parameters_of
from training.settling.waking import woken, woken_at_end


def at_rest(t, decay, units=2):
    """One point x = 1 with target t; a unit gains 2 |e| sqrt 2, e = -w t / (2 + w)."""
    zero = np.zeros
    c = 2 * t / (2 + decay)
    return ReLUNetwork([zero((units, 1)), zero((1, units))], [zero(units), [c]])


def point_of(net, X, Y, decay, kinks=()):
    problem, theta = problem_with(
        net, np.asarray(X, float), np.asarray(Y, float), weight_decay=decay
    )
    masks = problem.masks(theta, kinks)
    mu = least_multipliers(problem.cell(masks, kinks), theta)
    return problem, finished(problem, theta, list(kinks), mu, masks)


@pytest.mark.parametrize("decay", [0.01, 0.5, 3.0])
def test_a_unit_is_woken_if_it_gains_more_than_it_costs(decay):
    edge = (2 + decay) / (2 * np.sqrt(2))
    for part, wakes in ((0.999, False), (1 - 1e-7, False), (1 + 1e-4, True), (1.5, True)):
        problem, point = point_of(at_rest(edge * part, decay), [[1.0]], [[edge * part]], decay)
        theta = woken(problem, point)
        assert (theta is not None) == wakes
        if wakes:
            assert problem.loss(theta) < point.loss
            W, b, V = problem.tensors(theta)[:3]
            assert W[0, 0] == pytest.approx(b[0]) and W[0, 0] > 0  # along (1, 1)
            assert V[0, 0] == pytest.approx(np.sqrt(2) * W[0, 0]) and not W[1].any()


def test_what_is_gained_by_next_to_nothing_counts_at_a_critical_point_alone():
    decay = 0.5
    t = (2 + decay) / (2 * np.sqrt(2)) * (1 + 5e-6)
    problem, point = point_of(at_rest(t, decay), [[1.0]], [[t]], decay)
    assert woken(problem, point) is not None
    walk = SimpleNamespace(theta=point.theta, kinks=[], masks=point.masks)
    assert woken_at_end(problem, walk, []) is None
    problem, point = point_of(at_rest(2 * t, decay), [[1.0]], [[2 * t]], decay)
    walk = SimpleNamespace(theta=point.theta, kinks=[], masks=point.masks)
    assert woken_at_end(problem, walk, []) is not None


def test_without_decay_or_without_units_at_rest_there_is_nothing_to_wake():
    problem, point = point_of(at_rest(3.0, 0.5), [[1.0]], [[3.0]], 0.5)
    idle = problem._replace(decay=0.0)
    assert woken(idle, point) is None and woken_at_end(idle, point, []) is None
    busy = ReLUNetwork([[[0.1]], [[0.1]]], [[0.1], [0.0]])
    problem, point = point_of(busy, [[1.0]], [[3.0]], 0.5)
    assert woken(problem, point) is None


def test_settle_wakes_units_and_ends_at_the_minimum_known_by_hand():
    decay, t = 0.5, 3.0
    settled = settle(at_rest(t, decay), [[1.0]], [[t]], weight_decay=decay)
    # c = 1 / sqrt 2 and the error -w / (2 sqrt 2)
    assert settled.network.biases[1][0] == pytest.approx(1 / np.sqrt(2), rel=1e-9)
    error = -decay / (2 * np.sqrt(2))
    square = (t + error - 1 / np.sqrt(2)) / np.sqrt(2)
    loss = error**2 + decay / 2 * (2 * square + 0.5)
    assert settled.loss == pytest.approx(loss, rel=1e-9)


def test_a_unit_below_a_kink_is_woken_with_the_kink_kept():
    """Where the price of the kink is above the gain: without the others' move no size is lower."""
    net, X, Y = planted_decayed((1, 2, 1, 1), 6, [(1, 0, 0)], 287, decay=0.03)
    wide = widened(net)
    problem, theta = problem_with(wide, X, Y, weight_decay=0.03)
    kink = (1, int(np.flatnonzero((problem.X == X[0]).all(axis=1))[0]), 0)
    problem, point = point_of(wide, X, Y, 0.03, [kink])
    theta = woken(problem, point)
    assert problem.loss(theta) < point.loss - 1e-6
    assert abs(problem.values(theta)[1][kink[1:]]) < 1e-14
    # a walk that has not seen the kink is told of it
    walk = SimpleNamespace(theta=parameters_of(problem, wide), kinks=[], masks=point.masks)
    assert woken_at_end(problem, walk, []) is None
    assert woken_at_end(problem, walk, [kink]) is not None
    settled = settle(wide, X, Y, weight_decay=0.03)
    assert settled.loss < settled.loss_before - 1e-3


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_unit_that_reads_nothing_and_is_read_is_turned_on(sign):
    """At w = b = 0 its kink is at both points, the slope is one-sided, and off it is critical."""
    X, Y = np.array([[0.0], [1.0]]), sign * np.array([[0.0], [1.0]])
    net = ReLUNetwork([[[0.0]], [[sign]]], [[0.0], [sign / 2]])
    assert verify(net, X, Y).verdict == "not stationary"
    settled = settle(net, X, Y)
    assert settled.loss_before == 0.25 and settled.loss < 1e-25
    assert verify(settled.network, X, Y).verdict == "global minimum"


def test_a_unit_that_reads_nothing_stays_off_where_nothing_is_gained():
    """The output is the mean of the targets at each point, so that no unit gains."""
    X, Y = np.array([[1.0], [1.0], [2.0], [2.0]]), np.array([[0.0], [1.0], [0.0], [1.0]])
    net = ReLUNetwork([[[0.0]], [[1.0]]], [[0.0], [0.5]])
    settled = settle(net, X, Y)
    assert settled.is_critical and settled.loss == settled.loss_before == 0.25
    assert not settled.network.weights[0].any()


def nearest_given(slopes, read, given):
    """Ascents that find the last direction that they were given, and no other."""
    return given[-1] / np.linalg.norm(given[-1])


def test_a_direction_that_ascents_do_not_find_is_searched_for_beside_active_units(monkeypatch):
    X, Y = np.array([[1.0], [-1.0]]), np.array([[3.0], [2.0]])
    alone = settle(ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]]), X, Y, weight_decay=0.1)
    assert alone.is_critical
    problem, point = point_of(widened(alone.network), X, Y, 0.1)
    monkeypatch.setattr(waking, "strongest", nearest_given)
    assert woken(problem, point, cones=0) is None
    theta = woken(problem, point)
    assert problem.loss(theta) < point.loss - 1e-4
    # another unit is not read at all, but for what rounding has left
    point.theta[problem.places[1][0].start + 1] = 1e-17
    assert problem.loss(woken(problem, point)) < point.loss - 1e-4


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_direction_is_found_where_none_is_and_the_search_ends(sign, monkeypatch):
    found = []
    monkeypatch.setattr(
        waking, "searched", lambda *given: found.append(searched(*given)) or found[-1]
    )
    net = settle(
        ReLUNetwork([[[1.0]], [[sign]]], [[1.0], [0.0]]), [[1.0]], [[3.0 * sign]], weight_decay=0.1
    ).network
    problem, point = point_of(widened(net), [[1.0]], [[3.0 * sign]], 0.1)
    assert woken(problem, point) is None
    assert [answer.is_below for answer in found] == [True]


@pytest.mark.parametrize(("seed", "widths"), [(12, (2, 2, 1)), (81, (1, 2, 1))])
def test_a_point_on_the_kink_of_an_active_unit_counts_with_a_part(seed, widths, monkeypatch):
    """Where the direction of that unit is the only one that gains the decay."""
    net, X, Y = planted_decayed(widths, 6, [(0, 0, 0)], seed, decay=0.03)
    problem, _ = point_of(widened(net), X, Y, 0.03)
    kink = (0, int(np.flatnonzero((problem.X == X[0]).all(axis=1))[0]), 0)
    problem, point = point_of(widened(net), X, Y, 0.03, [kink])
    given = []
    monkeypatch.setattr(waking, "searched", lambda *g: given.append(g) or searched(*g))
    assert woken(problem, point) is None
    slopes, rows, rays, *rest = given[0]
    assert searched(slopes, rows, rays, *rest).is_below
    assert 0 < rays[0].shares[kink[1]] < 1 and rays[0].may_differ[kink[1]]
    for part in (0.0, 1.0):
        shares = rays[0].shares.copy()
        shares[kink[1]] = part
        changed = rays[0]._replace(shares=shares, may_differ=np.zeros(6, bool))
        assert not searched(slopes, rows, [changed, *rays[1:]], *rest).is_below
    # of a multiplier that is not inside of its bounds nothing is known
    for part in (-0.1, 1.1):
        woken(problem, point._replace(multipliers=part * point.rises))
        assert len(given[-1][2]) == len(rays) - 1
