import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import ConstructionError, construct
from constructions.building.draft import Refused
from constructions.theorems.polyhedral import (
    check_faces,
    collapse_inside_then_outside,
    find_faces,
)
from constructions.theorems.simplex import faces_of_simplex
from geomcore import PolyhedralCone, datasets

SQUARE = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])


def check_valid(faces, X, index):
    """All of one class is inside every half-space, each point of the other outside one."""
    depth = X @ faces.W.T + faces.b
    assert faces.uncovered == 0 and faces.violation == 0
    assert (depth[index == faces.inside] < 0).all()
    assert (depth[index != faces.inside] > 0).any(axis=1).all()


# By hand


def test_points_on_the_wrong_side_are_counted_with_their_depth():
    W, b = np.array([[3.0, 0.0], [0.0, 1.0]]), np.array([0.0, 0.0])  # the quadrant x, y <= 0
    X = np.array([[-1.0, -1.0], [-2.0, 0.5], [1.0, 0.0], [-0.25, -0.5], [2.0, 2.0]])
    found = check_faces(W, b, X, np.array([0, 0, 1, 1, 1]))
    assert (found.inside, found.uncovered) == (0, 2)
    assert found.violation == pytest.approx(0.5)


def test_a_point_on_a_face_counts_as_wrong():
    W, b = np.eye(2), np.zeros(2)
    on_face = np.array([[0.0, -1.0], [1.0, 1.0]])
    assert check_faces(W, b, on_face, np.array([0, 1])).uncovered == 1


def test_a_square_needs_four_faces_when_points_lie_outside_each_side():
    index = np.r_[np.zeros(4, int), np.ones(4, int)]
    outside = np.array([[1.2, 0.0], [-1.2, 0.0], [0.0, 1.2], [0.0, -1.2]])
    X = np.vstack([SQUARE, outside])
    rng = np.random.default_rng(0)
    check_valid(find_faces(X, index, 4, rng), X, index)
    assert find_faces(X, index, 3, rng).uncovered > 0


# Laws


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_faces_of_cones_and_simplices_are_found_from_the_points(d, seed):
    for data, k in (
        (datasets.single_cone(60, d=d, rng=seed), d),
        (datasets.concentric(60, d=d, rng=seed), d + 1),
    ):
        found = find_faces(data.X, data.y, k, np.random.default_rng(seed))
        assert found.inside == 0
        check_valid(found, data.X, data.y)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_faces_that_exist_are_found_on_small_data_and_valid(seed, d):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(2, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    X = rng.normal(size=(40, d)) * 2
    depth = (X @ W.T - 0.5).max(axis=1)
    X = X[np.abs(depth) > 0.1][:25]
    index = (X @ W.T - 0.5).max(axis=1) > 0
    if len(np.unique(index)) == 2:
        found = find_faces(X, index.astype(int), 2, np.random.default_rng(seed))
        check_valid(found, X, index.astype(int))


@pytest.mark.parametrize("seed", range(5))
def test_two_layers_send_the_inside_to_one_point_and_the_outside_to_another(seed):
    data = datasets.concentric(40, d=2, rng=seed)
    W, b = faces_of_simplex(data.info["simplex"])
    faces = check_faces(W, b, data.X, data.y)
    X = data.X
    rng = np.random.default_rng(seed)
    for W, b in collapse_inside_then_outside(faces, data.X, data.y, rng):
        X = np.maximum(X @ W.T + b, 0)
    inside, outside = X[data.y == 0], X[data.y == 1]
    np.testing.assert_allclose(inside, inside[:1].repeat(40, 0), atol=1e-12)
    np.testing.assert_array_equal(outside, 0)
    assert (inside > 0).all()


# Bad input


def test_a_class_that_touches_the_faces_is_not_collapsed():
    # the third point lies on the face, so after the first layer it is where the inside class is
    X, index = np.array([[-1.0], [2.0], [0.0]]), np.array([0, 1, 1])
    faces = check_faces(np.eye(1), np.zeros(1), X, index)
    with pytest.raises(Refused, match="too near the faces"):
        collapse_inside_then_outside(faces, X, index, np.random.default_rng(0))


def test_a_cone_or_simplex_that_does_not_fit_is_refused_with_the_violation():
    cones, balls = datasets.single_cone(30, d=2, rng=0), datasets.concentric(30, d=2, rng=0)
    cone = cones.info["cone"]
    shifted = PolyhedralCone(cone.base - [0.7, 0.0], cone.edges)
    for data, method, arguments in (
        (cones, "cone", {"cone": shifted}),
        (balls, "simplex", {"simplex": 0.3 * balls.info["simplex"]}),
    ):
        with pytest.raises(ConstructionError, match="wrong side of the given") as error:
            construct(data.X, data.y, method, **arguments)
        assert list(error.value.reasons) == [method]


def test_data_without_faces_are_refused_with_the_best_found():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.integers(0, 2, 60)
    for method in ("cone", "simplex"):
        with pytest.raises(ConstructionError, match="wrong side of the best found"):
            construct(X, y, method)
