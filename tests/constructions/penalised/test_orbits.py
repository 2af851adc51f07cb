"""Units that may be turned into each other, and slices across that."""

from itertools import combinations

import numpy as np
import pytest
from decayed import loss_of, network_of, objective
from scipy.linalg import expm

from constructions.critical.balls import Balls
from constructions.critical.cell import Cell
from constructions.penalised.orbits import (
    are_free,
    classes_of,
    places_of_unit,
    planes_of,
    slices_across,
    tangents,
)

WIDTHS, N = (2, 3, 2, 1), 5
P = 9 + 8 + 3


def cell_with(masks, kinks=()):
    X = np.random.default_rng(0).standard_normal((N, 2))
    return Cell(WIDTHS, X, np.zeros((N, 1)), [], [m.astype(float) for m in masks], list(kinks))


def rotations(cell, idle=()):
    """All planes."""
    return [pair for units in classes_of(cell, idle) for pair in combinations(units, 2)]


ALIKE = np.zeros((N, 3)), np.ones((N, 2))


def test_the_places_of_a_unit_are_its_weights_its_bias_and_what_reads_it():
    cell = cell_with(ALIKE)
    net = network_of(WIDTHS, np.arange(float(P)))
    for l, width in enumerate(WIDTHS[1:-1]):
        for u in range(width):
            own = [*net.weights[l][u], net.biases[l][u], *net.weights[l + 1][:, u]]
            assert places_of_unit(cell, l, u).tolist() == own


def test_units_with_equal_masks_and_equal_kinks_turn_in_every_plane():
    assert len(rotations(cell_with(ALIKE))) == 3 + 1
    some = ALIKE[0].copy()
    some[1, 2] = 1
    assert len(rotations(cell_with((some, ALIKE[1])))) == 1 + 1
    assert len(rotations(cell_with(ALIKE, [(0, 1, 0)]))) == 1 + 1
    assert len(rotations(cell_with(ALIKE, [(0, 1, 0), (0, 1, 1)]))) == 1 + 1
    assert len(rotations(cell_with(ALIKE, [(0, 1, 0), (0, 2, 1)]))) == 0 + 1
    assert len(rotations(cell_with(ALIKE, [(0, 1, u) for u in range(3)]))) == 3 + 1
    assert len(rotations(cell_with(ALIKE), [(0, 1)])) == 1 + 1


def positive_network(seed):
    """All units on at all points, so that any small turn of them keeps the loss."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(0.5, 1.5, P)
    return theta, rng.uniform(0.1, 1, (N, 2)), rng.standard_normal((N, 1))


@pytest.mark.parametrize("seed", range(3))
def test_turning_along_a_tangent_changes_neither_loss_nor_penalty(seed):
    theta, X, Y = positive_network(seed)
    cell = cell_with((np.ones((N, 3)), np.ones((N, 2))))
    planes = rotations(cell)
    T = tangents(Balls(theta), planes)
    slope = objective(WIDTHS, X, Y, "mse", 0.3)(theta)[1]
    assert np.allclose(T.mid.T @ slope, 0, atol=1e-12)
    start = loss_of(network_of(WIDTHS, theta).tensors, X, Y, "mse", 0.3)
    for j, (a, b) in enumerate(planes):
        turn = np.zeros((P, P))
        turn[a, b], turn[b, a] = 1, -1
        assert np.allclose(turn @ theta, T.mid[:, j])
        other = expm(0.1 * turn) @ theta
        after = loss_of(network_of(WIDTHS, other).tensors, X, Y, "mse", 0.3)
        assert abs(after - start) < 1e-14 * start
    assert not T.rad.any()


def test_tangents_of_balls_hold_those_of_all_parameters_in_them():
    rng = np.random.default_rng(0)
    planes = rotations(cell_with(ALIKE))
    theta = Balls(rng.standard_normal(P), rng.uniform(0, 1, P))
    T = tangents(theta, planes)
    for _ in range(20):
        one = theta.mid + theta.rad * rng.uniform(-1, 1, P)
        t = tangents(Balls(one), planes).mid
        assert (np.abs(t - T.mid) <= T.rad * (1 + 1e-12)).all()


@pytest.mark.parametrize("parallel", [False, True])
def test_a_slice_is_what_the_tangents_leave(parallel):
    theta, cell = np.random.default_rng(1).standard_normal(P), cell_with(ALIKE)
    if parallel:  # all units of a class are one, then orbits have fewer dimensions
        for u in (1, 2):
            theta[places_of_unit(cell, 0, u)] = u * theta[places_of_unit(cell, 0, 0)]
    (across, planes), *_ = slices_across(cell, theta)
    q = 1 + (2 if parallel else 3)
    assert across.shape == (P, P - q) and len(planes) == q
    assert np.allclose(across.T @ across, np.eye(P - q))
    T = tangents(Balls(theta), rotations(cell)).mid
    assert np.allclose(across.T @ T, 0, atol=1e-12)
    assert np.linalg.matrix_rank(tangents(Balls(theta), planes).mid) == q


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_few_planes_span_all_rotations(rank):
    """Of six units with five numbers each that span `rank` dimensions."""
    rng, widths = np.random.default_rng(rank), (2, 6, 2)
    cell = Cell(widths, np.ones((3, 2)), np.zeros((3, 2)), [], [np.ones((3, 6))], [])
    theta = rng.standard_normal(cell.places[-1][1].stop)
    (units,) = classes_of(cell)
    theta[np.array(units)] = rng.standard_normal((6, rank)) @ rng.standard_normal((rank, 5))
    planes = planes_of([units], theta, 1e-9)
    T = tangents(Balls(theta), planes).mid
    whole = tangents(Balls(theta), rotations(cell)).mid
    assert len(planes) == rank * (6 - rank) + rank * (rank - 1) // 2
    assert np.linalg.matrix_rank(T) == len(planes) == np.linalg.matrix_rank(whole)


def test_units_at_rest_are_in_no_slice():
    theta, cell = np.random.default_rng(2).standard_normal(P), cell_with(ALIKE)
    theta[places_of_unit(cell, 0, 1)] = 0
    (across, planes), *_ = slices_across(cell, theta, [(0, 1)])
    free = are_free(cell, [(0, 1)])
    assert free.sum() == P - 5 and not across[~free].any()
    assert across.shape[1] == free.sum() - len(planes) and len(planes) == 1 + 1


def test_without_planes_a_slice_is_everything():
    masks = np.eye(N)[:, :3], np.eye(N)[:, :2]
    (across, planes), *_ = slices_across(cell_with(masks), np.ones(P))
    assert planes == [] and np.array_equal(across, np.eye(P))


def test_small_units_may_be_turned_or_not():
    """Of two units that are alike and of size 1e-5, where everything else is 1."""
    masks = np.eye(N)[:, [0, 0, 1]], np.eye(N)[:, :2]
    cell, theta = cell_with(masks), np.ones(P)
    for u in (0, 1):
        theta[places_of_unit(cell, 0, u)] = 1e-5 * np.arange(1.0, 6.0) ** (u + 1)
    found = slices_across(cell, theta)
    assert [(across.shape, len(planes)) for across, planes in found] == [
        ((P, P - 1), 1),
        ((P, P), 0),
    ]
