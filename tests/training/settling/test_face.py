"""Kinks that hold nothing, and saddles, at points known by hand."""

from functools import partial

import numpy as np
import pytest
from settling_problems import example, on_a_kink, problem_with

from geomcore import ReLUNetwork
from training.settling.face import (
    lower_than_saddle,
    retracted,
    row_space,
    without_weak_kinks,
)
from training.settling.newton import finished, solved
from training.settling.problem import parameters_of


def test_retracting_brings_pairs_to_their_kink_and_moves_nothing_else():
    net, _, _, _, problem = example(0)
    theta, kinks = parameters_of(problem, net), [(0, 1, 2), (1, 0, 3), (1, 4, 3)]
    back = retracted(problem, theta, kinks)
    values = problem.values(back)
    assert max(abs(values[l][i, u]) for l, i, u in kinks) < 1e-14
    moved = [
        np.abs(a - b).reshape(len(a), -1).max(axis=1) > 0
        for a, b in zip(problem.tensors(theta), problem.tensors(back), strict=True)
    ]
    assert [at.tolist() for at in map(np.flatnonzero, moved)] == [[2], [2], [3], [3], [], []]
    np.testing.assert_array_equal(retracted(problem, theta, []), theta)
    np.testing.assert_allclose(retracted(problem, back, kinks), back, atol=1e-14)


def test_a_unit_on_one_kink_and_one_on_two_move_as_little_as_they_can():
    net, _, _, _, problem = example(0)
    theta, kinks = parameters_of(problem, net), [(0, 0, 0), (0, 1, 1), (0, 2, 1)]
    back = retracted(problem, theta, kinks)
    (W, b), (V, c) = problem.tensors(theta)[:2], problem.tensors(back)[:2]
    for u, points in ((0, [0]), (1, [1, 2])):
        rows = np.column_stack([problem.X[points], np.ones(len(points))])
        step = np.r_[V[u] - W[u], c[u] - b[u]]
        expected = -np.linalg.pinv(rows) @ (rows @ np.r_[W[u], b[u]])
        np.testing.assert_allclose(step, expected, atol=1e-14)


def test_where_a_unit_reads_dependent_points_all_layers_move_as_little_as_they_must():
    # at its third kink the unit reads 1e-9 of a unit below: by itself it would have to vanish
    for tiny in (1e-9, 1e-6):
        net = ReLUNetwork([[[1.0], [1.0]], [[0.0, 1.0]], [[1.0]]], [[3.0, tiny - 2], [0.0], [0.0]])
        X = np.array([[0.0], [1.0], [2.0]])
        problem, theta = problem_with(net, X, np.array([[0.0], [1.0], [0.0]]))
        kinks = [(1, 0, 0), (1, 1, 0), (1, 2, 0)]
        back = retracted(problem, theta, kinks)
        assert 0 < np.linalg.norm(back - theta) < 2 * tiny
        assert np.abs(problem.values(back)[1]).max() < 1e-15


def test_what_overflows_is_left_to_be_refused():
    net = ReLUNetwork([[[1.0], [1.0]], [[0.0, 1.0]], [[1.0]]], [[3.0, 1e-9 - 2], [0.0], [0.0]])
    problem, theta = problem_with(net, np.array([[0.0], [1.0], [2.0]]), np.zeros((3, 1)))
    with np.errstate(over="ignore", invalid="ignore"):
        for size in (1e160, 1e300):
            back = retracted(problem, size * theta, [(1, 0, 0), (1, 1, 0), (1, 2, 0)])
            assert not problem.loss(back) < np.inf


def test_row_spaces_are_orthonormal_and_complete():
    rows = np.array([[1.0, 0, 0], [2.0, 0, 0], [0, 1e-30, 0], [0, 0, 0]])
    inside, beyond = row_space(rows)
    np.testing.assert_allclose(np.abs(inside), np.eye(3)[:, :2][:, ::1], atol=1e-15)
    np.testing.assert_allclose(np.abs(beyond), np.eye(3)[:, 2:], atol=1e-15)
    inside, beyond = row_space(np.zeros((0, 3)))
    assert inside.shape == (3, 0) and beyond.shape == (3, 3)


@pytest.mark.parametrize("size", [1e-120, 1.0, 1e150])
@pytest.mark.parametrize("rank", [1, 4, 7])
def test_many_rows_span_what_few_of_them_do(rank, size):
    rng = np.random.default_rng(rank)
    few = rng.standard_normal((rank, 7))
    mixed = rng.standard_normal((60, rank)) @ few * 10.0 ** rng.uniform(-6, 0, (60, 1)) * size
    inside, beyond = row_space(np.vstack([few * size, mixed, np.zeros((3, 7))]))
    assert inside.shape == (7, rank)
    whole = np.hstack([inside, beyond])
    np.testing.assert_allclose(whole.T @ whole, np.eye(7), atol=1e-13)
    np.testing.assert_allclose(few @ beyond, 0, atol=1e-12)


def test_a_row_across_many_others_counts_however_little_of_it_is_across():
    rows = np.tile([1.0, 0, 0], (500, 1))
    rows[7, 1] = 1e-6
    assert row_space(rows)[0].shape == (3, 2)
    rows[7, 1] = 1e-12
    assert row_space(rows)[0].shape == (3, 1)


def test_next_to_a_saddle_the_loss_is_lower():
    # a unit that is on everywhere and is not used: its weight and what goes out rise together
    net = ReLUNetwork([[[0.0]], [[0.0]]], [[1.0], [2.0]])
    problem, theta = problem_with(net, np.array([[1.0], [3.0]]), np.array([[1.0], [3.0]]))
    point = solved(problem, theta, [])
    assert point.is_sound(problem.loss(theta))
    assert problem.loss(lower_than_saddle(problem, point)) < problem.loss(theta)


def test_a_minimum_on_a_kink_is_no_saddle():
    net, X, Y = on_a_kink()
    problem, theta = problem_with(net, X, Y)
    assert lower_than_saddle(problem, solved(problem, theta, [(0, 1, 0)])) is None


def with_a_weak_kink():
    """Zero loss, and a second unit that is not used on its kink at the second point."""
    net = ReLUNetwork([[[1.0], [1.0]], [[1.0, 0.0]]], [[0.5, -1.0], [0.0]])
    X = np.array([[0.0], [1.0], [2.0]])
    return problem_with(net, X, X + 0.5)


def test_a_kink_that_holds_nothing_is_left():
    problem, theta = with_a_weak_kink()
    kinks = [(0, 1, 1)]
    point = finished(problem, theta, kinks, np.zeros(1), problem.masks(theta, kinks))
    left = without_weak_kinks(problem, point, lambda _: [], partial(solved, problem))
    assert left.kinks == [] and left.is_sound(point.loss)
    assert abs(problem.values(left.theta)[0][1, 1]) > 1e-3


def test_a_kink_is_left_to_the_side_where_the_slope_vanishes():
    # 2 x - 3/2 is the best fit of the last three points; with unit 0 off at the first of them
    # outputs that stay would fix its kink
    net = ReLUNetwork([[[1.0], [1.0]], [[1.0, 1.0]]], [[-1.0, -0.5], [0.0]])
    X, Y = np.arange(4.0)[:, None], np.array([[0.0], [0.4], [2.7], [4.4]])
    problem, theta = problem_with(net, X, Y)
    point = solved(problem, theta, [(0, 1, 0)])
    assert point.multipliers[0] == pytest.approx(point.rises[0]) and point.rises[0] > 0.01
    left = without_weak_kinks(problem, point, lambda _: [], partial(solved, problem))
    assert left.kinks == [] and left.is_sound(point.loss)
    assert problem.values(left.theta)[0][1, 0] > 1e-3


@pytest.mark.parametrize(
    ("sound", "steps"), [(0.0, [1e-4]), (2e-4, [1e-4, 0.1, 1e-2, 1e-3]), (1.0, [1e-4, 0.1])]
)
def test_a_side_is_tried_next_to_the_point_and_then_from_far_away(sound, steps):
    problem, theta = with_a_weak_kink()
    kinks, tried = [(0, 1, 1)], []
    point = finished(problem, theta, kinks, np.zeros(1), problem.masks(theta, kinks))

    def finish(other, kinks, masks):
        tried.append(float(np.linalg.norm(other - theta)))
        return solved(problem, other, kinks, masks) if tried[-1] < sound else None

    without_weak_kinks(problem, point, lambda _: [], finish, 1)
    np.testing.assert_allclose(tried[: len(steps)], steps, rtol=1e-6)
    assert len(tried) == (len(steps) if sound else 2)  # the other side, too


def test_a_pair_next_to_its_kink_is_led_away():
    problem, theta = with_a_weak_kink()
    point = finished(problem, theta, [], np.zeros(0), problem.masks(theta))

    def near(theta):
        return [(0, 1, 1)] if abs(problem.values(theta)[0][1, 1]) < 1e-6 else []

    left = without_weak_kinks(problem, point, near, partial(solved, problem))
    assert near(left.theta) == [] and left.is_sound(point.loss)


def test_a_kink_that_holds_something_stays():
    net, X, Y = on_a_kink()
    problem, theta = problem_with(net, X, Y)
    point = solved(problem, theta, [(0, 1, 0)])
    assert without_weak_kinks(problem, point, lambda _: [], partial(solved, problem)) is point
