"""What the layers of hand-made networks do: cones that are given, ranks, collapse that is exact."""

import numpy as np
import pytest

from geomcore import PolyhedralCone, ReLUNetwork
from geomcore.truncation import truncation_defects
from training.dynamics.ladder import Rung
from training.experiments.trained.measures import PRECISIONS, layer_rows, rung_rows

ROOT3 = np.sqrt(3)


def of_cone(base, edges, *more):
    """A network whose first layer is that of a cone; the others are given, then the identity."""
    W, b = PolyhedralCone(base, edges).to_layer()
    layers = [(W, b), *more, (np.eye(len(b)), np.zeros(len(b)))]
    return ReLUNetwork([W for W, _ in layers], [b for _, b in layers])


# By hand


def test_a_cone_that_is_given_is_told_as_it_is():
    # Edges at 60 degrees from the base (1, 2); class 0 behind it, class 1 within, class 2 beside.
    net = of_cone([1.0, 2.0], [[2.0, 0.0], [0.5, ROOT3 / 2]])
    X = np.array([[0, 1.9], [-1, 1], [2, 2.1], [4, 3], [0, 4.0], [0, 6]])
    (layer,), classes = layer_rows(net, X, np.repeat([0, 1, 2], 2), 3)
    assert layer["is_cone"] and layer["rank_double"] == layer["rank_single"] == layer["width"] == 2
    assert layer["aperture"] == layer["smallest_angle"] == pytest.approx(np.pi / 3)
    distance = np.linalg.norm([1, 2] - X.mean(axis=0))
    size = np.sqrt(((X - X.mean(axis=0)) ** 2).sum() / 6)
    assert layer["base_distance"] == pytest.approx(distance / size)
    assert max(layer["defect_double"], layer["defect_relative_single"]) < 1e-14
    told = [[row[name] for name in ("backward", "forward", "mixed", "dead")] for row in classes]
    assert told == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]
    assert [row["off"] for row in classes] == [1, 0, 0.5]
    assert [row["units_off"] for row in classes] == [2, 0, 1]
    # The class that is collapsed has become a point, the one in the cone has stayed.
    assert classes[0]["spread"] == 0 and classes[1]["spread"] == pytest.approx(1)


def test_the_aperture_is_the_largest_angle_between_two_edges():
    edges = [[1.0, 0, 0], [1, 1, 0], [-1, ROOT3, 1e-3]]
    net = of_cone([0.0, 0, 0], edges)
    (layer,), _ = layer_rows(net, np.eye(3), np.arange(3), 3)
    assert layer["aperture"] == pytest.approx(2 * np.pi / 3, abs=1e-6)
    assert layer["smallest_angle"] == pytest.approx(np.pi / 4)


def test_the_condition_is_that_of_the_cumulative_weights():
    net = ReLUNetwork([np.diag([1.0, 2]), np.diag([1.0, 8]), np.eye(2)], [np.ones(2)] * 3)
    layers, _ = layer_rows(net, np.array([[1.0, 1], [2, 1]]), np.array([0, 1]), 2)
    assert [row["condition"] for row in layers] == [2, 16]
    assert [row["layer"] for row in layers] == [1, 2]


def test_dependent_rows_are_no_cone_and_the_identity_fails_by_what_is_known():
    # The second layer puts out (2, 2 - 3/2), of which truncated data keep the projection.
    net = ReLUNetwork([np.eye(2), [[1, 1], [-1, -1]], np.eye(2)], [[0, 0], [-1, 0], [0, 0]])
    X = np.array([[2.0, 3.0]])
    layers, _ = layer_rows(net, X, np.array([0]), 1)
    known = truncation_defects(net, X)[1]
    assert layers[0]["is_cone"] and not layers[1]["is_cone"]
    assert layers[1]["rank_double"] == layers[1]["rank_single"] == 1
    assert layers[1]["condition"] > 1e15
    assert layers[1]["defect_double"] == pytest.approx(12.5**0.5) == pytest.approx(known.defect)
    assert layers[1]["defect_relative_double"] == pytest.approx(12.5**0.5 / 4)


def test_a_layer_may_be_deficient_in_single_precision_alone():
    small = 1e-7
    net = ReLUNetwork([np.diag([1.0, small]), np.eye(2)], [[0.0, 1.0], [0.0, 0.0]])
    (layer,), _ = layer_rows(net, np.array([[3.0, 0.0]]), np.array([0]), 1)
    assert small < 2 * PRECISIONS["single"]
    assert (layer["rank_double"], layer["rank_single"]) == (2, 1) and layer["is_cone"]
    assert layer["condition"] == pytest.approx(1 / small)
    assert layer["defect_double"] < 1e-15
    # W^+ of rank 1 knows nothing of the second unit, which puts out 1 = b: no defect there.
    assert layer["defect_single"] < 1e-15
    (layer,), _ = layer_rows(
        ReLUNetwork(net.weights, [[0.0, -1.0], [0.0, 0.0]]), np.array([[3.0, 0]]), np.array([0]), 1
    )
    assert layer["defect_single"] == pytest.approx(1) and layer["defect_double"] < 1e-9


def test_a_dead_layer_divides_by_nothing():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[-9.0, -9.0], [0.0, 0.0]])
    X = np.array([[1.0, 2.0], [1.0, 2.0]])
    (layer,), classes = layer_rows(net, X, np.array([0, 0]), 1)
    assert layer["defect_relative_double"] == 0
    assert classes[0]["dead"] == 1 and np.isnan(classes[0]["spread"])


def test_a_simplex_has_collapsed_on_every_rung():
    # Classes are collapsed to the corners of an equilateral triangle; see `neural_collapse`.
    net = ReLUNetwork([np.eye(3), np.eye(3)], [[-1, -1, -1], [0, 0, 0]])
    X = np.array([[2.0, 0, 0], [2, 1, 0], [0, 2, 0], [0, 2, 1], [0, 0, 2], [1, 0, 2]])
    rungs = [Rung(0.1, 5, 0.05, net), Rung(0.01, 5, 0.05, net)]
    layers, classes, collapse = rung_rows(rungs, X, np.repeat(["a", "b", "c"], 2), loss="mse")
    assert [row["threshold"] for row in layers] == [0.1, 0.01]
    assert [row["class"] for row in classes] == ["a", "b", "c"] * 2
    assert [(r["threshold"], r["space"]) for r in collapse[:3]] == [
        (0.1, space) for space in ("data", "hidden", "truncated")
    ]
    for row in collapse:
        if row["space"] != "data":
            assert max(row[f"nc2_{name}"] for name in ("norms", "angles", "simplex")) < 1e-15
            assert row["nc1"] == 0 and row["nc4"] == 0 and row["nc3"] < 1
    assert collapse[0]["nc1"] > 0.01
