"""When to give up, and which pairs are near to their kink."""

from types import SimpleNamespace

import numpy as np
import pytest
from settling_problems import on_a_kink, problem_with, shaken

import training.settling.search as module
from geomcore import ReLUNetwork
from training.settling.bfgs import Descent
from training.settling.models import Walk
from training.settling.newton import finished
from training.settling.search import (
    Clock,
    _descended,
    _is_stuck,
    _on_fits,
    _runs_away,
    critical_near,
    near_pairs,
)
from training.settling.settled import CRITICAL


@pytest.mark.parametrize(
    ("track", "stuck", "runs_away"),
    [
        ([(1.0, 5.0), (0.5, 6.0)], False, False),
        ([(1.0, 5.0), (0.5, 6.0), (0.25, 7.0)], False, False),  # still falls
        ([(1.0, 5.0), (1 - 1e-6, 6.0), (1 - 2e-6, 7.0)], False, False),  # too soon to tell
        ([(1 - k * 1e-6, 5.0 + k) for k in range(5)], True, True),
        ([(1 - k * 1e-6, 5.0) for k in range(5)], True, False),  # would take hours
        ([(1 - k * 1e-6, 5.0) for k in range(4)], False, False),
        ([(1 - k * 2e-5, 5.0) for k in range(5)], False, False),
        ([(1.0, 5.0), (1 - 1e-6, 5.0), (1 - 2e-6, 5.0)], False, False),
        ([(1.0, 5.0), (0.5, 5.0), (0.5, 5.0), (0.5, 5.0)], True, False),
        # what is stuck after it has grown goes nowhere
        ([(1.0, 5.0), (0.5, 9.0), (0.5, 9.0), (0.5, 9.0)], True, False),
        ([(1.0, 5.0), *[(0.5, 9.0)] * 5], True, False),
        ([(1.0, 5.0), *[(0.5 - k * 1e-7, 9.0 - k / 10) for k in range(5)]], True, False),
        ([(1.0, 5.0), *[(0.5 - k * 1e-7, 9.0 + k / 100) for k in range(5)]], True, True),
        ([(1e-17 - k * 1e-23, 5.0 + k) for k in range(5)], True, False),  # rounding
        ([(1.0, 9.0), (1.0, 5.0), (1.0, 5.0)], True, False),
        ([(1.0, 5.0), (1.0, 9.0), (1.0, 9.0)], True, False),  # grew at the same loss
    ],
)
def test_a_search_ends_where_losses_stay_or_norms_grow(track, stuck, runs_away):
    assert bool(_is_stuck(track)) == stuck
    assert bool(_runs_away(SimpleNamespace(decay=0.0), track)) == runs_away
    assert not _runs_away(SimpleNamespace(decay=0.01), track)


def test_pairs_are_near_relative_to_their_unit_and_point():
    net, X, Y = on_a_kink()
    problem, theta = problem_with(net, X, Y)
    assert near_pairs(problem, theta, 1e-8) == [(0, 1, 0)]
    _, theta = problem_with(shaken(net, 1e-3), X, Y)
    assert near_pairs(problem, theta, 1e-8) == [] and near_pairs(problem, theta, 0.1) == [(0, 1, 0)]
    W, b = problem.tensors(theta)[:2]
    W *= 2.0**40
    b *= 2.0**40
    assert near_pairs(problem, theta, 0.1) == [(0, 1, 0)]


def test_it_finds_the_minimum_on_a_kink_and_says_so():
    net, X, Y = on_a_kink()
    problem, theta = problem_with(shaken(net, 0.1), X, Y)
    point, found, reason = critical_near(problem, theta, Clock(20))
    assert reason == CRITICAL and point.kinks == [(0, 1, 0)] and (found == point.theta).all()


def test_without_time_it_returns_what_it_has():
    net, X, Y = on_a_kink()
    problem, theta = problem_with(shaken(net, 0.1), X, Y)
    point, found, reason = critical_near(problem, theta, Clock(1e-9))
    assert problem.loss(found) <= problem.loss(theta) * (1 + 1e-14)  # units were balanced
    assert point is not None or reason == "no critical point found in 1e-09 seconds"


def test_a_part_of_a_clock_is_not_over_before_it():
    clock = Clock(100)
    assert not clock.part(0.5).is_over() and clock.part(0.5).seconds <= 50
    assert Clock(1e-9).part(0.5).is_over() or np.isclose(Clock(1e-9).part(1).seconds, 0)


def test_a_descent_that_ends_higher_is_forgotten(monkeypatch):
    net, X, Y = on_a_kink()
    problem, theta = problem_with(net, X, Y)
    higher = Descent(theta + 1, problem.loss(theta + 1), theta, 1)
    monkeypatch.setattr(module, "bfgs", lambda *_, **__: higher)
    assert _descended(problem, theta, np.random.default_rng(0), 1, Clock(20), 0.9) is theta


@pytest.mark.parametrize(("moved", "is_found"), [(1e-15, True), (1e-3, False)])
def test_a_fit_that_rounding_brings_over_a_kink_is_found_where_it_was(monkeypatch, moved, is_found):
    # relu(x) - 1 fits (0, 1, 2) - 1 exactly, with the unit on its kink at the first point
    X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[-1.0], [0.0], [1.0]])
    problem, theta = problem_with(ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [-1.0]]), X, Y)
    masks = problem.masks(theta)
    assert problem.loss(theta) < 1e-30 and masks[0].sum() == 2

    def over(problem, theta, masks=masks):
        other = theta.copy()
        other[1] += moved
        point = finished(problem, other, [], np.zeros(0), masks)
        assert not point.is_inside
        return point._replace(is_fitted=True)

    monkeypatch.setattr(module, "on_fits", over)
    point = _on_fits(problem, theta)
    assert (point is not None) == is_found
    if is_found:
        assert point.is_inside and point.is_fitted and (point.theta == theta).all()


@pytest.mark.parametrize(("part", "asked"), [(0.05, 1), (0.2, 30)])
def test_bfgs_that_brings_far_less_than_models_is_not_asked_again(monkeypatch, part, asked):
    asks, fall = [], 5e-4
    problem = SimpleNamespace(
        decay=0.0,
        has_fits=False,
        loss=lambda theta: float(theta[0]),
        full_loss=lambda theta: float(theta[0]),
        is_separated=lambda theta: False,
    )

    def descended(problem, theta, *_):
        asks.append(1)
        return theta * (1 - part * fall)

    def walked(problem, theta, kinks, **_):
        return Walk(theta * (1 - fall), [], [], False)

    monkeypatch.setattr(module, "_descended", descended)
    monkeypatch.setattr(module, "walked", walked)
    module._attempt(problem, np.ones(3), Clock(100.0), 0.9)
    assert len(asks) == asked
