"""Counts at points, by hand."""

import numpy as np
import pytest

from geomcore import Network, Polytope, ReLUNetwork
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.mesa.points import (
    active_shares,
    flat_points,
    signed_weights,
    units_at,
    zone_norms,
)

SQUARE = Polytope([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 1, 1, 1])
# slope 3 for x > -0.5, and -4 for y < -2
NET = ReLUNetwork([[[1.0, 0.0], [0.0, -1.0]], [[3.0, -4.0]]], [[0.5, -2.0], [0.1]])
X = [[0, 0], [-0.6, 0], [0.9, 0.9], [1.1, 0], [0, -3], [-3, -3], [-2, 0]]


def test_flat_points_are_counted_in_the_interior_only():
    assert flat_points(NET, X, SQUARE) == (3, 1, (1, 1, 1))
    assert flat_points(NET, X, SQUARE, thresholds=(3.0, 3.1)) == (3, 1, (1, 3))
    assert flat_points(NET, [[9, 9]], SQUARE) == (0, 0, (0, 0, 0))
    slow = ReLUNetwork([NET.weights[0], NET.weights[1] / 6], NET.biases)
    assert flat_points(slow, X, SQUARE) == (3, 1, (1, 3, 3))


def test_mean_norms_of_zones():
    assert zone_norms(NET, X, SQUARE) == (2.0, 3.0, (5.0 + 4.0 + 0.0) / 3)
    assert zone_norms(NET, X[:1], SQUARE) == (3.0, None, None)
    assert zone_norms(NET, X[3:4], SQUARE, margin=0.05) == (None, None, 3.0)


def test_active_units_inside_and_outside():
    assert active_shares(NET, X, SQUARE) == (pytest.approx(1 / 3), pytest.approx(0.5))
    assert active_shares(NET, X[:1], SQUARE) == (0.5, None)
    assert active_shares(NET, [[1, 0]], SQUARE) == (0.5, None)  # the boundary is inside


def test_units_at_the_centre_and_their_weights():
    found = units_at(NET)
    assert found.is_active.tolist() == [True, False]
    assert found.weights.tolist() == [3, -4] and (found.active, found.inactive) == (3, 4)
    found = units_at(NET, [-1, 0])
    assert found.active is None and found.inactive == 3.5
    lp = Network([*NET.layers[:2], LpNorm([[0.5, -0.2]], [0.0], p=2), ReLU(), NET.layers[0]][:3])
    assert units_at(lp).weights.tolist() == [0.5, -0.2]
    assert signed_weights(lp) == (1, 1, 0.5, -0.2)
    assert signed_weights(NET) == (1, 1, 3.0, -4.0)
    up = ReLUNetwork([np.eye(2), [[1.0, 0.0]]], [np.zeros(2), [0.0]])
    assert signed_weights(up) == (1, 0, 1.0, None)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: flat_points(NET, [[1.0]], SQUARE), "X must have 2 columns"),
        (lambda: flat_points(NET, X, None), "polytope must be a Polytope"),
        (lambda: zone_norms(NET, X, SQUARE, output=1), "output must be a whole number from 0 to 0"),
        (lambda: active_shares(Network([ReLU()]), X, SQUARE), "net must begin with an affine"),
        (lambda: units_at(ReLUNetwork([np.eye(2)], [[0, 0]])), "net must begin with an affine"),
        (
            lambda: units_at(Network([*NET.layers[:2], Affine(np.eye(2), [0, 0])])),
            "net must begin with an affine layer, a ReLU, and an affine or Lp head with one output",
        ),
        (lambda: units_at(NET, [1.0]), "x must have 2 columns"),
    ],
)
def test_wrong_calls_say_which_argument(call, told):
    with pytest.raises(ValueError, match=told):
        call()
