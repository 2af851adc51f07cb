"""What pictures need: cones that are given, hyperplanes that separate."""

import numpy as np
import pytest

from geomcore import PolyhedralCone, ReLUNetwork, truncation_defects
from training.experiments.trained.views import about, separating, view

ROW = {
    "rank_double": 2,
    "rank_single": 2,
    "width": 2,
    "condition": 3.0,
    "defect_double": 1e-15,
    "is_cone": True,
}


def test_base_and_edges_are_those_of_the_cone_that_is_given():
    base, edges = np.array([1.0, 2.0]), np.array([[2.0, 0.0], [0.5, 1.0]])
    W, b = PolyhedralCone(base, edges).to_layer()
    net = ReLUNetwork([W, [[1.0, 1.0]]], [b, [0.0]])
    X = np.array([[0.0, 1.0], [5.0, 4.0]])
    seen = view(net, X, [ROW], name="mse")
    np.testing.assert_allclose(seen.bases, [base])
    np.testing.assert_allclose(seen.edges, [edges], atol=1e-15)
    np.testing.assert_allclose(seen.stages[1], [base, X[1]])
    np.testing.assert_array_equal(seen.weights[0], W)
    assert len(seen.stages) == 2 and seen.stages[0] is X


def test_edges_leave_out_the_directions_that_the_rank_leaves_out():
    # 1e-15 is above the cutoff that NumPy's pinv has of its own, and below that of ranks.
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
    W = turn @ np.diag([1.0] * 15 + [2e-15]) @ turn.T
    X = np.random.default_rng(1).normal(size=(4, 16))
    net = ReLUNetwork([W, np.ones((1, 16))], [np.full(16, -0.5), [0.0]])
    seen = view(net, X, [ROW], name="mse")
    assert truncation_defects(net, X)[0].rank == 15
    assert np.abs(seen.edges[0]).max() < 2 and np.linalg.norm(seen.bases[0]) < 4


def test_a_layer_without_a_cone_says_so():
    assert about(ROW) == "rank 2 of 2\ncondition 3.0e+00\ndefect 1e-15"
    told = about(ROW | {"rank_double": 1, "rank_single": 1, "is_cone": False})
    assert told.startswith("rank 1 of 2\n") and told.endswith("no cone")
    assert about(ROW | {"rank_single": 1}).startswith("rank 2 of 2 (1 in single)")


def test_the_purest_hyperplane_of_each_way_to_part_the_classes_comes_first():
    points = np.array([[0.0, 0], [0, 1], [4, 0], [4, 1], [0, 8], [0, 9]])
    index = np.repeat([0, 1, 2], 2)
    W = np.array([[2.0, 0], [1, 0], [0, 1], [0, 1], [0, 0], [0, 1]])
    b = np.array([-4.0, -1, -5, -7.5, 1, 7])
    found = separating(W, b, points, index, 3, most=5)
    # Unit 4 has no normal, unit 5 all points on one side; the others are 2, 1, 3 and 1/2 away.
    assert [plane.unit for plane in found] == [2, 0, 1, 3]
    assert {plane.unit: plane.on for plane in found}[0] == (1,)
    np.testing.assert_allclose(
        next(p for p in found if p.unit == 0).distances, [-2, -2, 2, 2, -2, -2]
    )
    assert len(separating(W, b, points, index, 3, most=2)) == 2
    assert {p.on for p in separating(W, b, points, index, 3, most=2)} == {(1,), (2,)}


def test_purity_is_that_of_the_class_that_is_parted_most():
    points = np.array([[1.0], [2], [3], [-1], [-5], [-6]])
    (plane,) = separating(np.eye(1), np.zeros(1), points, np.array([0, 0, 0, 0, 1, 1]), 2)
    assert plane.purity == pytest.approx(0.75) and plane.on == (0,)


def test_without_hyperplanes_between_classes_there_are_none():
    assert separating(np.eye(1), np.ones(1), np.ones((2, 1)), np.array([0, 1]), 2) == []
