"""The kernels against the same in NumPy."""

import numpy as np
import pytest

from training.sparse import kernels

SHAPES = [(4, 3), (1, 1), (0, 3), (7, 130)]


def arrays(shape, count, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for _ in range(count)]


def near(found, expected):
    tolerance = 1e-13 if found.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_is_what_it_says(shape, dtype):
    first, z, other, after, total = arrays(shape, 5, dtype)
    (bias,) = arrays(shape[0], 1, dtype)
    before = first.copy()
    kernels.rectify(first, bias, z)
    near(first, before + bias[:, None])
    np.testing.assert_array_equal(z, np.maximum(first, 0))
    numbers, mu, out = np.array([0.7, 0.3], dtype), np.empty_like(first), np.empty_like(first)
    kernels.settle(*(a.ravel() for a in (before, first, other)), numbers, mu.ravel(), out.ravel())
    near(mu, 0.7 * before + 0.3 * first - other)
    np.testing.assert_array_equal(out, np.maximum(mu, 0))
    kept = other.copy()
    kernels.charge(other, z, bias)
    near(other, np.where(z > 0, kept + bias[:, None], 0))
    summed = total.copy()
    kernels.pull(*(a.ravel() for a in (after, kept, z)), numbers, mu.ravel(), total.ravel())
    near(mu, 0.7 * after - np.where(z > 0, kept, 0))
    near(total, summed + after)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_no_number_is_no_unit_that_is_off(dtype):
    first, z = np.array([[np.nan, -np.inf, np.inf, 0.0]], dtype), np.empty((1, 4), dtype)
    kernels.rectify(first, np.zeros(1, dtype), z)
    np.testing.assert_array_equal(z, [[np.nan, 0, np.inf, 0]])
    numbers = np.array([0.5, 0.5], dtype)
    mu, flat = np.empty(4, dtype), first[0]
    kernels.settle(flat, flat, np.zeros(4, dtype), numbers, mu, z[0])
    np.testing.assert_array_equal(z, [[np.nan, 0, np.inf, 0]])
