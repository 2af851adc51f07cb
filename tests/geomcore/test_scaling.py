import naive
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geomcore.scaling import is_moderate, pre_activations, scaled_differences

# By hand


def test_zeros_are_moderate_and_numbers_whose_products_leave_the_range_are_not():
    assert is_moderate(np.zeros((2, 2)), np.array([1e99, -1e-99]), np.empty((0, 3)))
    assert not is_moderate(np.array([1.0, 1e101]))
    assert not is_moderate(np.ones(2), np.array([0.0, 1e-101]))


def test_pre_activations_have_the_right_sign_where_products_leave_the_range():
    W = np.array([[1e200, 1e200], [1e-200, 0.0], [1e200, -1e200], [1.0, 0.0]])
    b = np.array([0.0, 0.0, 3.0, -1e-300])
    X = np.array([[1e200, -2e200], [1e-200, 1e-200], [1e200, 1e200], [0.0, 0.0]])
    found = np.sign(pre_activations(W, b, X))
    expected = [[-1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 1, -1]]
    np.testing.assert_array_equal(found, expected)


def test_differences_of_any_floats_come_with_their_size():
    X = np.array([[1.7e308, 0.0], [5e-324, 0.0], [1.0, 1.0]])
    D, exponents = scaled_differences(X, np.array([-1.7e308, 0.0]))
    assert (np.abs(D).max(axis=1) >= 0.5).all() and (np.abs(D) < 1).all()
    np.testing.assert_array_equal(exponents, [1025, 1024, 1024])
    D, exponents = scaled_differences(X, np.zeros(2))
    np.testing.assert_array_equal(np.ldexp(D, exponents[:, None]), X)


# Against the naive oracle


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(0, 10**6))
def test_signs_are_those_of_fractions_up_to_rounding(first, second, seed):
    rng = np.random.default_rng(seed)
    W, X = np.ldexp(rng.normal(size=(3, 2)), first), np.ldexp(rng.normal(size=(4, 2)), second)
    found = pre_activations(W, np.zeros(3), X)
    for i, w in enumerate(W):
        np.testing.assert_array_equal(np.sign(found[:, i]), naive.exact_signs(X, w, 0.0))
