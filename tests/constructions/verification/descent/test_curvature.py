"""Bounds of the curvature at a minimum hold of its Hessian, and are none without a basin."""

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


def test_without_a_proved_basin_nothing_is_known():
    found = verify(NET, *DATA)
    for other in ({"proved": False}, {"basin": None}):
        without = dataclasses.replace(found, **other)
        assert curvature_at(without, NET, *DATA) == (0.0, np.inf)
        assert descent_basin(without, NET, *DATA, 0.01) is None
        assert largest_step(without, NET, *DATA, 0.01) is None
    assert descent_basin(found, NET, *DATA, 0.01) and largest_step(found, NET, *DATA, 0.01)
