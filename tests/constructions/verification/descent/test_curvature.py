"""Bounds of the curvature hold of the Hessian; they and basins are none where nothing is known."""

import dataclasses

import numpy as np
import pytest

from constructions import descent_basin, largest_step, verify
from constructions.verification.descent import curvature_at
from geomcore import ReLUNetwork
from training import hessian

# max(1 - x, 0) at 0, 2 and 3, of which two points are of one class: the loss is 0
NET = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
DATA = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]


@pytest.mark.parametrize("loss", ["mse", "class_weighted"])
def test_the_curvature_is_bounded_from_both_sides(loss):
    found = verify(NET, *DATA, loss=loss)
    least, most = curvature_at(found, NET, *DATA)
    top = np.linalg.eigvalsh(hessian(NET, *DATA, loss=loss))[-1]
    assert 0 < least <= top * (1 + 1e-9) and top <= most * (1 + 1e-9)
    assert most < 3 * least


def test_points_have_as_many_coordinates_as_the_first_layer_takes():
    net = ReLUNetwork([np.eye(3, 2), [[1.0, -1.0, 2.0]]], [[1.0, 2.0, -1.0], [0.0]])
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    least, most = curvature_at(verify(net, X, net(X)), net, X, net(X))
    assert 0 <= least <= most


def test_without_a_proved_basin_nothing_is_known():
    found = verify(NET, *DATA)
    for other in ({"proved": False}, {"basin": None}):
        without = dataclasses.replace(found, **other)
        assert curvature_at(without, NET, *DATA) == (0.0, np.inf)
        assert descent_basin(without, NET, *DATA, 0.01) is None
        assert largest_step(without, NET, *DATA, 0.01) is None
    assert descent_basin(found, NET, *DATA, 0.01) and largest_step(found, NET, *DATA, 0.01)


@pytest.mark.parametrize("weight", [(-1, 1.0), (1, 2.0**-75)])  # a dead unit and a live one
@pytest.mark.parametrize("small", [1050, 1065, 1070])
def test_radii_that_are_lost_in_underflow_are_none(weight, small):
    sign, out = weight
    # exact: the unit is at 2^(75 - small), so that it flips a subnormal distance away
    net, X = ReLUNetwork([[[sign * 2.0**-small]], [[out]]], [[0.0], [0.0]]), [[2.0**75]]
    Y = net(np.array(X))
    found = verify(net, X, Y, step=0.1)
    assert found.verdict == "global minimum" and 0 < found.radius < 1e-300
    assert found.descent is None and found.distance == 0
    for steps in (None, 3):
        assert descent_basin(found, net, X, Y, 0.1, steps=steps) is None
    assert largest_step(found, net, X, Y, 1e-323) is None
    # of few bits a radius would not bear the rounding that its margins are for
    assert found.basin is None
