"""Descents by models, to minima that are known by hand, on kinks and off them."""

import numpy as np
import pytest
from settling_problems import KINDS, example, on_a_kink, problem_with, shaken

from geomcore import ReLUNetwork
from training.settling import models
from training.settling.derivatives import lagrangian
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
@pytest.mark.parametrize("seed", [0, 2, 7])
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
