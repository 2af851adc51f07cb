"""The plane holds the data as near as a plane can, in coordinates that are told."""

import numpy as np
import pytest

from training.experiments.regions.plane import plane_of


def test_in_the_plane_coordinates_are_those_of_the_data():
    X = np.random.default_rng(0).normal(size=(20, 2)) + 5
    plane = plane_of(2, X)
    np.testing.assert_array_equal(plane.points, X)
    assert plane.off == 0 and plane.names == ("x1", "x2")
    assert (plane.box[:, 0] < X.min(axis=0)).all() and (plane.box[:, 1] > X.max(axis=0)).all()


def test_in_more_dimensions_it_is_that_of_the_principal_components():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 4)) * [5.0, 0.1, 3.0, 0.1] + [1.0, 2.0, 3.0, 4.0]
    plane = plane_of(4, X)
    np.testing.assert_allclose(plane.basis @ plane.basis.T, np.eye(2), atol=1e-12)
    assert np.abs(plane.basis[:, [1, 3]]).max() < 0.05
    assert 0 < plane.off < 0.1
    back = plane.origin + plane.points @ plane.basis
    wanted = np.linalg.norm(X - back) / np.linalg.norm(X - X.mean(axis=0))
    assert plane.off == pytest.approx(wanted)


def test_along_two_axes_others_are_held():
    X = np.random.default_rng(2).normal(size=(9, 3))
    plane = plane_of(3, X, axes=(2, 0))
    np.testing.assert_allclose(plane.points, X[:, [2, 0]])
    assert plane.origin[1] == pytest.approx(X[:, 1].mean()) and plane.names == ("x3", "x1")
    plane = plane_of(3, axes=(0, 1), origin=np.array([1.0, 2.0, 3.0]), box=[(0, 1), (0, 1)])
    assert plane.origin.tolist() == [1, 2, 3] and plane.points is None


def test_one_point_has_a_box_around_it():
    plane = plane_of(2, np.array([[1.0, 2.0]]))
    assert (plane.box[:, 0] < [1, 2]).all() and (plane.box[:, 1] > [1, 2]).all() and plane.off == 0
