"""The space that labels span, and what the labels of a group differ in."""

import numpy as np
import pytest

from constructions.critical.labels import beyond_of, label_space, orthonormal, split_of
from constructions.proof.exact import ball_matrix, precision


def floats(matrix):
    return np.array([[float(a.mid()) for a in row] for row in matrix.tolist()])


def test_one_hot_labels_span_one_dimension_less():
    space = label_space(np.eye(3))
    U = space.float_frame()
    assert space.dimension == 2
    np.testing.assert_allclose(U.T @ U, np.eye(2), atol=1e-15)
    np.testing.assert_allclose(U.T @ np.ones(3), 0, atol=1e-15)
    for q, row in enumerate(space.coordinates):
        found = space.origin + U @ np.array([float(a.mid()) for a in row])
        np.testing.assert_allclose(found, np.eye(3)[q], atol=1e-15)


@pytest.mark.parametrize("targets", [np.eye(2) + 1, np.array([[1.0], [3.0]]), np.eye(3)[:1]])
def test_distances_of_labels_are_those_of_their_coordinates(targets):
    space = label_space(targets)
    assert space.dimension == min(targets.shape[1], max(len(targets) - 1, 0)) or len(targets) == 1
    coordinates = np.array([[float(a.mid()) for a in row] for row in space.coordinates])
    expected = np.linalg.norm(targets[:, None] - targets[None], axis=2)
    found = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_labels_that_span_everything_stay_as_they_are():
    targets = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    space = label_space(targets)
    assert space.dimension == 2
    np.testing.assert_array_equal(space.float_frame(), np.eye(2))
    np.testing.assert_array_equal(space.origin, [0, 0])
    assert space.span.tolist() == [[1, 0], [0, 1]]


def test_the_origin_is_the_target_of_the_first_class():
    np.testing.assert_array_equal(label_space(np.eye(3)).origin, [1, 0, 0])


def test_targets_that_are_all_equal_leave_all_of_the_space():
    space = label_space(np.array([[1.0, 2.0], [1.0, 2.0]]))
    assert space.dimension == 2
    np.testing.assert_array_equal(space.origin, [0, 0])


@pytest.mark.parametrize(
    ("targets", "dimension"),
    [
        ([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [-3.0, -3.0]], 1),
        ([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], 2),
    ],
)
def test_labels_that_depend_on_each_other_count_once(targets, dimension):
    targets = np.array(targets)
    space = label_space(targets)
    assert space.dimension == space.span.ncols() == dimension
    within, beyond, functionals = split_of(space, targets, list(range(len(targets))))
    assert len(functionals) == dimension and beyond is None
    np.testing.assert_allclose(floats(within).T @ floats(within), np.eye(dimension), atol=1e-15)


def test_a_group_of_classes_with_one_target_needs_nothing():
    targets = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [2.0, 5.0]])
    space = label_space(targets)
    within, beyond, functionals = split_of(space, targets, [0, 1])
    assert within is None and functionals == []
    np.testing.assert_array_equal(floats(beyond), np.eye(2))


def test_columns_are_made_orthonormal_even_if_nearly_dependent():
    A = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-40], [1.0, 1.0]])
    with precision(192):
        Q = floats(orthonormal(ball_matrix(A)))
    np.testing.assert_allclose(Q.T @ Q, np.eye(2), atol=1e-12)


@pytest.mark.parametrize("classes", [[0], [0, 1], [0, 2], [1, 2, 3], [0, 1, 2, 3]])
def test_a_group_splits_the_space_into_what_its_labels_differ_in_and_the_rest(classes):
    targets = np.eye(4)
    space = label_space(targets)
    within, beyond, functionals = split_of(space, targets, classes)
    m = len(classes) - 1
    assert len(functionals) == m
    U = space.float_frame()
    differences = (targets[classes[1:]] - targets[classes[0]]) @ U
    if beyond is not None:
        np.testing.assert_allclose(differences @ floats(beyond), 0, atol=1e-15)
        parts = floats(beyond) if within is None else np.hstack([floats(within), floats(beyond)])
        np.testing.assert_allclose(parts.T @ parts, np.eye(3), atol=1e-15)
    else:
        assert m == 3
    # the functionals act on span coordinates as the differences do on the outputs
    span = np.array([[float(int(v.p)) / int(v.q) for v in row] for row in space.span.tolist()])
    for functional, row in zip(
        functionals, targets[classes[1:]] - targets[classes[0]], strict=True
    ):
        values = [float(int(v.p)) / int(v.q) for v in functional]
        np.testing.assert_allclose(values, row @ span)


@pytest.mark.parametrize("classes", [[0], [1, 2], [0, 3], [0, 1, 2], [0, 1, 2, 3]])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_directions_beyond_a_group_are_those_its_labels_do_not_differ_in(classes, shift):
    targets = np.eye(4) + shift * np.arange(4)
    space = label_space(targets)
    found = beyond_of(space, targets, classes)
    own = np.array([[float(a.mid()) for a in row] for row in space.coordinates])
    assert len(found) == space.dimension - (len(classes) - 1)
    span = np.array([[float(v.p) / float(v.q) for v in row] for row in space.span.tolist()])
    for functional, direction, value, ball in found:
        g = np.array([float(a.mid()) for a in direction])
        assert own[classes] @ g == pytest.approx(float(ball.mid()))
        assert ball.contains(value)
        # the same number from the coordinates that belong to the span
        rational = np.array([int(v.p) / int(v.q) for v in functional])
        at = np.linalg.lstsq(span, (targets - space.origin).T, rcond=None)[0]
        assert rational @ at == pytest.approx(own @ g, abs=1e-12)
    rows = np.array([[float(a.mid()) for a in direction] for _, direction, _, _ in found])
    assert not len(rows) or np.linalg.matrix_rank(rows) == len(rows)


@pytest.mark.parametrize("Q", [10, 40])
def test_frames_of_many_classes_are_known_to_all_digits(Q):
    space = label_space(np.eye(Q))
    assert space.dimension == Q - 1
    assert max(float(a.rad()) for a in space.frame.entries()) < 1e-15
    assert max(float(a.rad()) for row in space.coordinates for a in row) < 1e-15
    within, beyond, functionals = split_of(space, np.eye(Q), list(range(0, Q, 2)))
    assert within.ncols() == len(functionals) == Q // 2 - 1
    assert beyond.ncols() == Q - 1 - within.ncols()
    assert max(float(a.rad()) for part in (within, beyond) for a in part.entries()) < 1e-15


@pytest.mark.parametrize("K", [1, 2, 3])
def test_a_group_of_one_label_is_asked_for_in_every_direction(K):
    space = label_space(np.arange(1.0, 2.0 + K)[:, None] ** np.arange(1, K + 1))
    found = beyond_of(space, np.arange(1.0, 2.0 + K)[:, None] ** np.arange(1, K + 1), [0])
    functionals = np.array([[int(v) for v in functional] for functional, *_ in found])
    np.testing.assert_array_equal(functionals, np.eye(K))
