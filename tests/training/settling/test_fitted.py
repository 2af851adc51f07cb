"""Outputs that are the best fits of their cell."""

import numpy as np
import pytest
from settling_problems import example, problem_with, shaken

from geomcore import ReLUNetwork
from training.settling.fitted import best_fits, groups, on_fits
from training.settling.problem import parameters_of


def test_points_with_one_pattern_are_one_group_and_so_are_dead_ones():
    masks = [
        np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]),
        np.array([[1.0], [1.0], [0.0], [0.0]]),
    ]
    found = {(tuple(rows.tolist()), bool(dead)) for rows, dead in groups(masks, 4)}
    assert found == {((0, 1), False), ((2, 3), True)}


def test_no_network_of_the_cell_is_better_than_the_fits():
    net, _, _, _, problem = example(4, (2, 3, 2, 3), N=30, classes=3)
    theta = parameters_of(problem, net)
    masks = problem.masks(theta)
    fits, rng = best_fits(problem, masks), np.random.default_rng(0)
    bound = problem.weights @ ((fits - problem.Y) ** 2).sum(axis=1)
    assert problem.loss(theta) >= bound
    for rows, dead in groups(masks, len(problem.X)):  # least squares: no other map is better
        design = np.column_stack([problem.X[rows], np.ones(len(rows))])
        other = design @ rng.standard_normal((design.shape[1], fits.shape[1])) * 1e-3
        other = other[:1] if dead else other
        own, Y = problem.weights[rows], problem.Y[rows]
        assert own @ ((fits[rows] + other - Y) ** 2).sum(1) >= own @ ((fits[rows] - Y) ** 2).sum(1)


def test_a_network_next_to_zero_loss_reaches_it():
    net, X, *_ = example(7, (2, 5, 5, 2), N=12, classes=2)
    Y = net(X)
    problem, theta = problem_with(shaken(net, 1e-4), X, Y)
    point = on_fits(problem, theta)
    assert problem.loss(theta) > 1e-10
    assert point.is_fitted and point.is_sound(problem.loss(theta))
    assert point.loss < 1e-28
    assert np.linalg.norm(point.theta - theta) < 0.1


def test_what_is_far_from_its_fits_has_no_such_point():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    problem, theta = problem_with(net, np.array([[0.0], [1.0]]), np.array([[5.0], [-5.0]]))
    assert on_fits(problem, theta) is None


@pytest.mark.parametrize(("height", "is_found"), [(3e-3, False), (1e-9, True)])
def test_a_point_must_lie_in_a_cell_that_is_given_but_for_what_may_still_change(height, is_found):
    # the second unit is not used, and at the first point not off, as the masks say
    net = ReLUNetwork([[[1.0], [1.0]], [[1.0, 0.0]]], [[1.0, height], [0.0]])
    X = np.array([[0.0], [1.0], [2.0]])
    problem, theta = problem_with(net, X, net(X) + 1e-3)
    masks = problem.masks(theta)
    assert on_fits(problem, theta, masks) is not None
    masks[0][0, 1] = 0.0
    assert (on_fits(problem, theta, masks) is not None) == is_found
    assert on_fits(problem, theta) is not None
