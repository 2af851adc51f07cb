import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from constructions.theorems.simplex import faces_of_simplex

# By hand


def test_the_faces_of_a_simplex_are_minus_its_barycentric_coordinates():
    W, b = faces_of_simplex(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    values = np.array([[0.2, 0.3], [2.0, 0.0]]) @ W.T + b
    np.testing.assert_allclose(values, [[-0.5, -0.2, -0.3], [1, -2, 0]], atol=1e-12)


# Laws


@settings(max_examples=25, deadline=None, derandomize=True)
@example(0, 2, 17.0, 0.0)
@example(0, 3, -17.0, 1.0)
@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(-8, 17), st.floats(-100, 100))
def test_the_faces_of_a_simplex_are_one_at_the_opposite_vertices(seed, d, logarithm, shift):
    rng = np.random.default_rng(seed)
    vertices = np.vstack([np.zeros(d), np.eye(d)]) + 0.1 * rng.normal(size=(d + 1, d))
    vertices = 10.0**logarithm * (vertices + shift)
    W, b = faces_of_simplex(vertices)
    np.testing.assert_allclose(vertices @ W.T + b, -np.eye(d + 1), atol=1e-9)


# Bad input


@pytest.mark.parametrize(
    "vertices",
    [
        np.zeros((3, 2)),
        [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]],
        [[0.0, 0.0], [1.0, 0.0]],
        np.eye(4, 2),
    ],
)
def test_what_is_no_simplex_is_refused(vertices):
    with pytest.raises(ValueError, match="affinely independent"):
        faces_of_simplex(np.array(vertices))
