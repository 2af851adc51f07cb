"""Descents by models, to minima that are known by hand, on kinks and off them."""

import numpy as np
import pytest
from settling_problems import KINDS, example, on_a_kink, problem_with, shaken

from geomcore import ReLUNetwork
from training.settling import models
from training.settling.derivatives import lagrangian, straight
from training.settling.models import walked
from training.settling.newton import least_multipliers
from training.settling.problem import parameters_of


@pytest.mark.parametrize("size", [1e-6, 1e-2, 0.1])
def test_a_descent_meets_the_kink_that_stops_it(size):
    net, X, Y = on_a_kink()
    problem, theta = problem_with(shaken(net, size), X, Y)
    found = walked(problem, theta, steps=60)
    assert found.has_ended and found.kinks == [(0, 1, 0)]
    assert abs(problem.values(found.theta)[0][1, 0]) < 1e-14
    assert abs(problem.loss(found.theta) * problem.size**2 - 0.045) < 1e-14


def test_it_stays_on_a_kink_that_holds():
    net, X, Y = on_a_kink()
    problem, theta = problem_with(net, X, Y)
    found = walked(problem, theta, [(0, 1, 0)], steps=60)
    assert found.has_ended and found.kinks == [(0, 1, 0)]
    np.testing.assert_allclose(found.theta, theta, atol=1e-9)


@pytest.mark.parametrize("ends", [(-0.05, -0.05), (0.05, 0.05)])
def test_it_leaves_a_kink_that_holds_nothing_to_the_lower_side(ends):
    net, X, Y = on_a_kink()
    Y = Y.copy()
    Y[:2, 0] = ends
    problem, theta = problem_with(net, X, Y)
    found = walked(problem, theta, [(0, 1, 0)], steps=60)
    assert found.kinks == [] and problem.loss(found.theta) < problem.loss(theta)
    np.testing.assert_array_equal(found.masks[0], problem.values(found.theta)[0] > 0)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_it_ends_where_it_is_told_to(steps):
    net, _, _, _, problem = example(3)
    theta = parameters_of(problem, net)
    found = walked(problem, theta, steps=steps)
    assert not found.has_ended and (steps > 0) == (problem.loss(found.theta) < problem.loss(theta))
    np.testing.assert_array_equal(
        walked(problem, theta, steps=9, stop=lambda done: done == steps).theta, found.theta
    )


@pytest.mark.parametrize(("loss", "decay"), KINDS)
@pytest.mark.parametrize("seed", [1, 2, 7])
def test_where_it_ends_the_slope_is_held_by_kinks(loss, decay, seed):
    net, _, _, _, problem = example(seed, (2, 4, 3), N=40, loss=loss, weight_decay=decay)
    found = walked(problem, parameters_of(problem, net), steps=400)
    cell = problem.cell(found.masks, found.kinks)
    mu = least_multipliers(cell, found.theta)
    slope, heights, rises, _ = lagrangian(cell, found.theta, mu)
    assert found.has_ended
    assert np.linalg.norm(slope) < 1e-6 and np.abs(heights).max(initial=0) < 1e-9
    assert (mu > -1e-7).all() and (mu < rises + 1e-7).all()


def test_a_kink_that_holds_nothing_but_bends_the_loss_is_crossed():
    # the unit is off at X[0] and its output would lower the loss a little, but only a little
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    X = np.array([[0.9], [2.0], [3.0]])
    problem, theta = problem_with(net, X, np.array([[1e-4], [3.0], [6.0]]))
    found = walked(problem, theta, steps=200)
    assert found.has_ended and problem.loss(found.theta) < 1e-3 * problem.loss(theta)


@pytest.mark.parametrize(("loss", "decay"), KINDS)
def test_with_many_parameters_longer_steps_end_where_kinks_hold_the_slope(loss, decay, monkeypatch):
    net, _, _, _, problem = example(2, (2, 4, 3), N=40, loss=loss, weight_decay=decay)
    theta = parameters_of(problem, net)
    monkeypatch.setattr(models, "MANY", 0)
    found = walked(problem, theta, steps=400)
    assert problem.loss(found.theta) < problem.loss(theta)
    mu = least_multipliers(problem.cell(found.masks, found.kinks), found.theta)
    slope, heights, rises, _ = lagrangian(problem.cell(found.masks, found.kinks), found.theta, mu)
    assert found.has_ended
    assert np.linalg.norm(slope) < 1e-6 and np.abs(heights).max(initial=0) < 1e-9
    assert (mu > -1e-7).all() and (mu < rises + 1e-7).all()


@pytest.mark.parametrize(("least", "moves"), [(1e-32, True), (1e-2, False)])
def test_it_ends_where_no_more_is_promised_than_outputs_are_rounded_by(monkeypatch, least, moves):
    net, X, *_ = example(7, (2, 5, 5, 2), N=12, classes=2)
    problem, theta = problem_with(shaken(net, 1e-4), X, net(X))
    assert 1e-12 < problem.loss(theta) < 1e-2
    monkeypatch.setattr(models, "LEAST", least)
    found = walked(problem, theta, steps=40)
    assert found.has_ended and (problem.loss(found.theta) < 1e-30) == moves
    assert (found.theta == theta).all() != moves


def stepped(problem, theta, damping, kinks=()):
    """A model, a step of it with the least of some dampings, and parameters and loss after it."""
    cell = problem.cell(problem.masks(theta, kinks), list(kinks))
    model = models._Model(problem, theta, kinks, np.maximum(least_multipliers(cell, theta), 0))
    while (found := model.step(damping)) is None:
        damping *= 3
    return model, found, *model.after(found)


@pytest.mark.parametrize(("loss", "decay"), KINDS)
def test_a_correction_brings_outputs_back_and_leaves_the_kinks(loss, decay):
    net, _, _, _, problem = example(2, (2, 5, 4, 3), N=40, loss=loss, weight_decay=decay)
    theta, kinks, helped = parameters_of(problem, net), [], 0
    for _ in range(8):
        theta, kinks, *_ = walked(problem, theta, kinks, steps=3)
        model, found, ahead, before = stepped(problem, theta, 1e-4, kinks)
        bent, other, lower = model.corrected(found, ahead, before)
        assert lower <= before and lower == problem.loss(other)
        assert bent.kinks == found.kinks and bent.promised == found.promised
        values = problem.values(other)
        assert all(abs(values[l][i, u]) < 1e-9 for l, i, u in bent.kinks)
        if lower < before:
            Y, slope = problem.Y, problem.block.slope
            goal = problem.values(theta)[-1] + straight(model.cell, model.found, found.step)
            left = [
                np.linalg.norm(slope(problem.values(t)[-1], Y) - slope(goal, Y))
                for t in (ahead, other)
            ]
            helped += left[1] < left[0]
    assert helped


def test_a_step_of_outputs_that_are_straight_is_not_corrected():
    net, _, _, _, problem = example(1, (3, 2))
    theta = parameters_of(problem, net)
    model, found, ahead, before = stepped(problem, theta, 1.0)
    bent, other, lower = model.corrected(found, ahead, before)
    assert bent is found and other is ahead and lower == before


@pytest.mark.parametrize("start", [(8, 0.5, 0.25), (30, 0.1, 1 / 3), (4, 0.25, 1)])
def test_corrections_follow_a_curved_valley_in_few_steps(start, monkeypatch):
    # outputs are right where the product of the weights is 1; decay pulls to (1, 1, 1) along that
    net = ReLUNetwork([[[w]] for w in start], [[0.0]] * 3)
    X = np.linspace(0.5, 2, 5)[:, None]
    problem, theta = problem_with(net, X, X.copy(), weight_decay=1e-6)
    long = walked(problem, theta, steps=100)
    assert long.has_ended
    np.testing.assert_allclose(long.theta, [1, 0, 1, 0, 1, 0], atol=1e-5)
    monkeypatch.setattr(models, "CORRECTIONS", 0)
    assert not walked(problem, theta, steps=300).has_ended


def test_what_overflows_is_not_corrected():
    net, X, Y = on_a_kink()
    problem, theta = problem_with(net, X, Y)
    model, found, *_ = stepped(problem, theta, 1.0)
    far = found._replace(step=np.full(len(theta), 1e200))
    with np.errstate(all="ignore"):
        bent, _, lower = model.corrected(far, 1e200 * np.ones(len(theta)), np.inf)
    assert bent is far and lower == np.inf
