import numpy as np
import pytest
from builders import random_layer

from geomcore.prepared import prepared

EPS = np.finfo(float).eps
SHAPES = [(3, 3), (2, 4), (4, 2), (1, 1), (20, 20)]


# By hand


def test_a_layer_is_divided_by_a_power_of_two():
    found = prepared(np.array([[6.0]]), np.array([-4.0]), EPS, np.dtype(float))
    assert (found.W, found.b, found.pinv) == (0.75, -0.5, 4 / 3)


def test_a_well_conditioned_square_layer_needs_no_spectrum():
    W, b = 2 * np.eye(2), np.zeros(2)
    assert prepared(W, b, EPS, W.dtype).singular is None
    assert prepared(W, b, EPS, W.dtype, spectrum=True).singular.tolist() == [0.5, 0.5]


# Against NumPy


@pytest.mark.parametrize("spectrum", [False, True])
@pytest.mark.parametrize(("m", "d"), SHAPES)
def test_the_inverse_is_that_of_moore_and_penrose(m, d, spectrum):
    W, b = random_layer(m, d)
    found = prepared(W, b, EPS, W.dtype, spectrum=spectrum)
    np.testing.assert_allclose(found.pinv, np.linalg.pinv(found.W), rtol=1e-10, atol=1e-12)


def test_the_inverse_of_a_singular_square_layer_leaves_out_its_kernel():
    W = np.outer([1.0, 2.0], [3.0, 4.0])
    found = prepared(W, np.zeros(2), 1e-12, W.dtype)
    np.testing.assert_allclose(found.pinv, np.linalg.pinv(found.W), atol=1e-14)


# Laws


@pytest.mark.parametrize(("m", "d"), SHAPES)
def test_a_power_of_two_before_a_layer_changes_no_bit(m, d):
    W, b = random_layer(m, d)
    expected = prepared(W, b, EPS, W.dtype)
    found = prepared(2.0**300 * W, 2.0**300 * b, EPS, W.dtype)
    for part, other in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(part, other)


# Bad input


def test_a_layer_that_overflows_the_type_of_the_points_is_refused():
    with pytest.raises(ValueError, match="W and b must fit float32"):
        prepared(np.eye(2), np.array([1e300, 0.0]), EPS, np.dtype(np.float32))
