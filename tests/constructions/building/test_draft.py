import numpy as np
import pytest

from constructions.building.draft import Refused, chained


def test_layers_multiply_to_the_cumulative_parameters_given():
    (W, b), (V, c) = chained([(2 * np.eye(2), np.ones(2)), (np.eye(2), np.zeros(2))])
    np.testing.assert_array_equal(V @ W, np.eye(2))
    np.testing.assert_array_equal(V @ b + c, np.zeros(2))


def test_layers_that_lose_what_later_ones_need_are_refused():
    flat = np.array([[1.0, 0.0], [1.0, 0.0]])
    with pytest.raises(Refused, match=r"too ill-conditioned .* row space"):
        chained([(flat, np.zeros(2)), (np.eye(2), np.zeros(2))])
