"""Columns of size one, for noise of one norm and one learning rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from training.study.planning.columns import Columns, largest_column, on_standardised

# By hand


def test_columns_of_zeros_and_twos_become_ones_of_both_signs():
    found = Columns.of([[0.0, 5.0], [2.0, 5.0]])
    np.testing.assert_array_equal(found(np.array([[0.0, 5.0], [2.0, 5.0]])), [[-1, 0], [1, 0]])
    assert found.mean.tolist() == [1.0, 5.0] and found.scale.tolist() == [1.0, 1.0]


def test_the_largest_column_counts_with_its_mean():
    assert largest_column(np.array([[3.0, 0.0], [3.0, 1.0]])) == 3.0
    assert largest_column(np.array([[1e200], [1e200]])) == pytest.approx(1e200)


# Laws


@given(st.integers(0, 10**6), st.integers(1, 5), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_a_network_on_standardised_columns_is_the_same_function(seed, d, size, shift):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((7, d)) * size ** rng.uniform(-1, 1, d) + shift
    net = ReLUNetwork(
        [rng.standard_normal((3, d)), rng.standard_normal((2, 3))],
        [rng.standard_normal(3), rng.standard_normal(2)],
    )
    columns = Columns.of(X)
    Z, other = columns(X), on_standardised(net, columns)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    varies = X.std(axis=0) > 0
    np.testing.assert_allclose(Z.std(axis=0), varies, atol=1e-6)
    scale = np.abs(net.weights[0]) @ np.abs(X).max(axis=0) + np.abs(net.biases[0])
    np.testing.assert_allclose(other(Z), net(X), rtol=1e-9, atol=1e-9 * scale.max() * 10)
    assert (other.weights[1] == net.weights[1]).all()


def test_columns_that_overflow_are_refused():
    with pytest.raises(ValueError, match="X must have columns that can be standardised"):
        Columns.of([[1e308], [-1e308]])
