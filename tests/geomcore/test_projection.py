import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.projection import Projection, class_mean_plane, fit_projection

SHAPES = [(20, 4), (4, 4), (3, 6), (1, 1), (1, 5), (7, 1), (50, 2)]


def points(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape) @ np.diag(np.arange(1, shape[1] + 1.0))


def test_points_on_a_line_get_their_distance_along_it():
    X = np.array([[0, 0], [3, 4], [6, 8]])
    np.testing.assert_allclose(fit_projection(X, 1)(X), [[-5], [0], [5]], atol=1e-12)


def test_three_class_means_lie_in_their_plane():
    X = np.array([[0, 0, 9.0], [2, 0, 9], [0, 1, 9]])
    plane = class_mean_plane(X, ["a", "b", "c"])
    np.testing.assert_allclose(plane.axes[:, 2], 0, atol=1e-12)
    back = plane.mean + plane(X) @ plane.axes
    np.testing.assert_allclose(back, X, atol=1e-12)


def test_two_classes_give_the_line_of_means_first_and_then_the_widest_rest():
    X = np.array([[0, 1, 3.0], [0, -1, -3], [40, 1, 3], [40, -1, -3]])
    plane = class_mean_plane(X, [0, 0, 1, 1])
    np.testing.assert_allclose(plane.axes, [[1, 0, 0], [0, 0.1**0.5, 0.9**0.5]], atol=1e-12)


def test_padded_points_are_projected_by_the_coordinates_of_the_data():
    X = points((9, 3))
    projection = fit_projection(X)
    padded = np.hstack([X, np.full((9, 2), 7.0)])
    np.testing.assert_array_equal(projection(padded), projection(X))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_principal_axes_are_those_of_the_covariance(shape, dim):
    X = points(shape)
    Z = X - X.mean(axis=0)
    variances = np.sort(np.linalg.eigvalsh(Z.T @ Z))[::-1][:dim]
    found = (fit_projection(X, dim)(X) ** 2).sum(axis=0)
    np.testing.assert_allclose(found[: len(variances)], variances, atol=1e-9 * Z.size)
    np.testing.assert_array_equal(found[len(variances) :], 0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("classes", [1, 2, 3, 5])
def test_axes_are_orthonormal_and_zero_beyond_the_dimension(shape, dim, classes):
    X = points(shape)
    expected = np.diag([1.0] * min(dim, shape[1]) + [0.0] * max(dim - shape[1], 0))
    for projection in (
        fit_projection(X, dim),
        class_mean_plane(X, np.arange(len(X)) % classes, dim),
    ):
        assert projection(X).shape == (len(X), dim)
        np.testing.assert_allclose(projection.axes @ projection.axes.T, expected, atol=1e-12)


@pytest.mark.parametrize(
    "X", [np.zeros((5, 3)), np.ones((1, 3)), np.outer(np.arange(4), [1, 0, 0])]
)
def test_points_without_spread_are_projected_by_orthonormal_axes(X):
    for projection in (fit_projection(X), class_mean_plane(X, np.zeros(len(X)))):
        np.testing.assert_allclose(projection.axes @ projection.axes.T, np.eye(2), atol=1e-12)


@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(1e-6, 1e6))
def test_axes_do_not_depend_on_shift_and_scale_and_row_order(seed, shift, scale):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 3)) * [1, 3, 9]
    axes = fit_projection(X).axes
    moved = fit_projection(scale * (rng.permutation(X) + shift)).axes
    np.testing.assert_allclose(np.abs((axes * moved).sum(axis=1)), 1, atol=1e-9)


@given(st.integers(0, 10**6), st.integers(-1000, 1023), st.integers(1, 4))
def test_axes_are_the_same_at_every_size_bit_for_bit(seed, power, N):
    rng = np.random.default_rng(seed)
    X, y = rng.uniform(0.5, 1, (N + 3, 3)), np.arange(N + 3) % 3
    moved = np.ldexp(X, power)
    for fit in (fit_projection, lambda X: class_mean_plane(X, y)):
        plain, found = fit(X), fit(moved)
        np.testing.assert_allclose(found.axes, plain.axes, atol=1e-9)
        np.testing.assert_array_equal(found.mean, np.ldexp(plain.mean, power))


@given(st.integers(0, 10**6))
def test_the_largest_entry_of_every_axis_is_positive(seed):
    X = np.random.default_rng(seed).normal(size=(8, 4))
    for projection in (fit_projection(X), class_mean_plane(X, np.arange(8) % 3)):
        assert (projection.axes.max(axis=1) == np.abs(projection.axes).max(axis=1)).all()


def test_lists_float32_fortran_and_read_only_points_give_the_same_and_are_left_alone():
    X = points((10, 3)).astype(np.float32)
    expected = fit_projection(X.astype(float)).axes
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    for form in (X, X.tolist(), frozen, np.repeat(X, 2, axis=0)[::2]):
        np.testing.assert_allclose(fit_projection(form).axes, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fit_projection(np.empty((0, 3))), "X must hold at least one point"),
        (lambda: fit_projection([1, 2]), "X must have 2 axes"),
        (lambda: fit_projection([[1, np.nan]]), "X must be finite"),
        (lambda: fit_projection([[1, 2]], 0), "dim must be a whole number, at least 1, got 0"),
        (lambda: class_mean_plane([[1, 2]], [0, 1]), "y must have one label per point"),
        (lambda: Projection([0, 0], [[1, 2, 3]]), "axes must have 2 columns"),
        (lambda: fit_projection([[1, 2]])([[1]]), "X must have at least 2 columns"),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
