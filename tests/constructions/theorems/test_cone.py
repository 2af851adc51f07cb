import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.theorems.cone import faces_of_cone
from geomcore import PolyhedralCone

# By hand


def test_the_faces_of_a_quadrant_are_its_coordinates():
    W, b = faces_of_cone(np.array([1.0, 2.0]), np.eye(2))
    np.testing.assert_allclose(W, np.eye(2))
    np.testing.assert_allclose(b, [-1, -2])


# Laws


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(-3, 3))
def test_the_faces_of_a_cone_are_zero_at_the_base_and_one_at_the_edges(seed, d, logarithm):
    rng = np.random.default_rng(seed)
    scale = 10.0**logarithm
    base, edges = scale * rng.normal(size=d), scale * (rng.normal(size=(d, d)) + 3 * np.eye(d))
    W, b = faces_of_cone(base, edges)
    np.testing.assert_allclose(W @ base + b, 0, atol=1e-10)
    np.testing.assert_allclose((base + edges) @ W.T + b, np.eye(d), atol=1e-9)
    cone = PolyhedralCone(base, edges)
    X = scale * rng.normal(size=(5, d))
    np.testing.assert_allclose(X @ W.T + b, cone.coordinates(X), atol=1e-9)
