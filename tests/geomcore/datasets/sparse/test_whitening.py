"""Whitening against hand-made covariances, and the filter against its formula."""

import numpy as np
import pytest

from geomcore.datasets.sparse.whitening import filtered, zca

# By hand


def test_a_floor_leaves_small_directions_small():
    points = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 0.2], [0.0, -0.2]])
    # variances 2 and 0.02; half of the largest is 1
    found = zca(points, 0.5)
    assert np.allclose(found.eigenvalues * found.scale**2, [2, 0.02]) and found.kept == 1
    Z = found(points)
    assert np.allclose(Z, points * [1 / np.sqrt(2), 1])
    assert np.allclose(found.back(Z), points)


def test_directions_without_variance_stay_0():
    points = np.array([[1.0, 1.0, 5.0], [-1.0, -1.0, 5.0], [2.0, 2.0, 5.0]])
    found = zca(points, 0.0)
    assert found.kept == 1 and np.linalg.matrix_rank(found.matrix, 1e-9) == 1
    Z = found(points)
    assert np.allclose(Z[:, 0], Z[:, 1]) and np.allclose(Z[:, 2], 0)
    assert np.mean((Z**2).sum(axis=1)) == pytest.approx(1)


def test_points_that_do_not_vary_have_no_whitening():
    assert zca(np.full((4, 3), 0.1), 0.0) is None and zca(np.ones((1, 2)), 0.0) is None


def test_the_filter_multiplies_a_wave_by_its_gain():
    h, w, fx, fy = 16, 32, 3, 2
    i, j = np.mgrid[:h, :w]
    wave = np.cos(2 * np.pi * (fy * i / h + fx * j / w))
    f = np.hypot(fy / h, fx / w)
    assert np.allclose(filtered(wave, 0.4), f * np.exp(-((f / 0.4) ** 4)) * wave)
    assert np.allclose(filtered(wave + 5, 0.4), filtered(wave, 0.4))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 4), (4, 5)])
def test_images_of_any_shape_are_filtered(shape):
    assert filtered(np.random.default_rng(0).random(shape), 0.4).shape == shape


# Laws


@pytest.mark.parametrize("shape", [(5, 5), (200, 3), (3, 10), (2, 1), (40, 1)])
def test_the_matrix_is_symmetric_and_its_inverse_undoes_it(shape):
    X = np.random.default_rng(3).standard_normal(shape)
    found = zca(X, 0.0)
    P = found.matrix @ found.inverse
    assert np.allclose(found.matrix, found.matrix.T) and np.allclose(P @ P, P)
    assert found.kept == min(shape[0] - 1, shape[1]) and np.allclose(found.back(found(X)), X)
    C = found(X).T @ found(X) / len(X)
    assert np.allclose(C, P, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-305, 1e-200, 1.0, 1e200, 1e305])
def test_scales_do_not_matter(scale):
    X = np.random.default_rng(4).standard_normal((50, 4)) @ np.diag([1, 1e-3, 1e-6, 0])
    assert np.allclose(zca(X * scale, 0.0)(X * scale), zca(X, 0.0)(X), atol=1e-4)
    assert zca(X * scale, 0.0).kept == 3
