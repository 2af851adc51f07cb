"""Ascents from many starts: as high as any direction that a fine grid knows."""

import numpy as np
import pytest

from constructions.penalised.ascent import strongest


def value(w, slopes, rows):
    return np.linalg.norm(np.maximum(rows @ w, 0) @ slopes)


def test_one_point_is_its_own_best_direction():
    w = strongest(np.array([[-2.0]]), np.array([[3.0, 4.0]]))
    np.testing.assert_allclose(w, [0.6, 0.8], atol=1e-9)


def test_two_points_that_pull_apart_are_not_read_together():
    # (1, 1) alone gains sqrt 2, the sum of both slopes is nothing for the bias
    rows, slopes = np.array([[1.0, 1.0], [-1.0, 1.0]]), np.array([[1.0], [-1.0]])
    w = strongest(slopes, rows)
    assert value(w, slopes, rows) == pytest.approx(np.sqrt(2), rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_no_direction_of_a_grid_is_better(seed):
    rng = np.random.default_rng(seed)
    rows, slopes = rng.standard_normal((12, 2)), rng.standard_normal((12, 2))
    turns = np.linspace(0, 2 * np.pi, 20_001)
    grid = np.column_stack([np.cos(turns), np.sin(turns)])
    best = np.linalg.norm(np.maximum(grid @ rows.T, 0) @ slopes, axis=1).max()
    w = strongest(slopes, rows)
    assert np.linalg.norm(w) == pytest.approx(1, abs=1e-12)
    assert value(w, slopes, rows) >= best * (1 - 1e-12)
    np.testing.assert_array_equal(w, strongest(slopes, rows))  # the same for the same


@pytest.mark.parametrize("seed", range(3))
def test_what_is_given_is_never_left_for_less(seed):
    rng = np.random.default_rng(seed)
    rows, slopes = rng.standard_normal((30, 9)), rng.standard_normal((30, 2))
    given = rng.standard_normal((3, 9))
    w = strongest(slopes, rows, given)
    units = given / np.linalg.norm(given, axis=1, keepdims=True)
    assert value(w, slopes, rows) >= max(value(u, slopes, rows) for u in units)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1.0, 1e150, 1e300])
def test_scales_of_slopes_and_rows_change_nothing(scale):
    rng = np.random.default_rng(0)
    rows, slopes = rng.standard_normal((8, 3)), rng.standard_normal((8, 2))
    for s, r in ((scale, 1.0), (1.0, scale), (scale, 1 / scale)):
        w = strongest(s * slopes, r * rows)
        np.testing.assert_allclose(w, strongest(slopes, rows), atol=1e-6)


def test_slopes_that_are_zero_have_any_direction():
    w = strongest(np.zeros((2, 1)), np.array([[1.0, 1.0], [-1.0, 1.0]]))
    assert np.linalg.norm(w) == pytest.approx(1)
