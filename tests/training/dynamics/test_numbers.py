"""Measurements of any size, some of them missing."""

import numpy as np
import pytest

from training.dynamics.numbers import as_measured, to_size_one


def test_what_is_missing_stays_nan():
    np.testing.assert_array_equal(as_measured([[1, None], [2, np.nan]], "v")[:, 1], [np.nan] * 2)
    assert as_measured([True, False], "v").dtype == float


@pytest.mark.parametrize("values", ["a", ["a", 1], [[1], [1, 2]], [1j], {"a": 1}])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(ValueError, match="v must be an array of numbers, nan where there is none"):
        as_measured(values, "v")


@pytest.mark.parametrize("size", [5e-324, 1.0, 1.7e308])
def test_a_size_of_one_is_exact(size):
    array, exponent = to_size_one(np.array([size, 0.0, -size]))
    assert 0.5 <= array[0] < 1 and np.ldexp(array, exponent).tolist() == [size, 0.0, -size]
    assert to_size_one(np.zeros(2))[1] == 0 and to_size_one(np.zeros(0))[1] == 0


def test_nan_does_not_hide_the_size():
    array, exponent = to_size_one(np.array([np.nan, 8.0]))
    assert array[1] == 0.5 and exponent == 4
