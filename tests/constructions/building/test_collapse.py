import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import separate
from constructions.building.collapse import collapse_layer, rotation_to_diagonal
from geomcore import truncation_map


def halves(rng, d, n=12, gap=0.2):
    """Two sets on both sides of a hyperplane, with it, and a base point on it."""
    normal = rng.normal(size=d)
    normal /= np.linalg.norm(normal)
    base = rng.normal(size=d)
    side = rng.normal(size=(2 * n, d))
    side -= np.outer(side @ normal, normal)
    height = gap + rng.exponential(size=2 * n)
    height[:n] *= -1
    X = base + side + np.outer(height, normal)
    return X[:n], X[n:], normal, base


# By hand


def test_on_the_line_the_layer_is_one_ramp():
    rng = np.random.default_rng(0)
    found = collapse_layer(
        np.array([[0.0]]), np.array([[3.0]]), np.array([1.0]), np.array([1.0]), rng
    )
    np.testing.assert_allclose(found.W, [[1.0]])
    assert found.flatness == 1.0
    np.testing.assert_allclose(found.b, [-1.0])
    np.testing.assert_allclose(truncation_map(found.W, found.b, [[0.0], [3.0]]), [[1.0], [3.0]])


def test_one_point_opposite_another_allows_the_flattest_cone():
    rng = np.random.default_rng(1)
    found = collapse_layer(
        np.array([[-1.0, 0.0]]),
        np.array([[1.0, 0.0]]),
        np.array([1.0, 0.0]),
        np.zeros(2),
        rng,
    )
    assert found.flatness == 1.0


# Laws


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 7), st.floats(-9, 2), st.floats(0.05, 0.95))
def test_one_set_goes_to_the_base_and_the_other_does_not_move(seed, d, logarithm, share):
    rng = np.random.default_rng(seed)
    scale = 10.0**logarithm
    G, F, normal, base = halves(rng, d)
    G, F, base = scale * G, scale * F, scale * base
    found = collapse_layer(G, F, normal, base, rng, share=share)
    assert (G @ found.W.T + found.b < 0).all()
    assert (F @ found.W.T + found.b > 0).all()
    size = 1e-12 * scale / found.flatness
    np.testing.assert_allclose(-np.linalg.solve(found.W, found.b), base, atol=size)
    moved = truncation_map(found.W, found.b, np.vstack([G, F]))
    np.testing.assert_allclose(moved[: len(G)], np.tile(base, (len(G), 1)), atol=100 * size)
    np.testing.assert_allclose(moved[len(G) :], F, atol=100 * size)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 7), st.floats(0.05, 0.95))
def test_flatness_is_one_over_the_condition_number_and_the_share_is_kept(seed, d, share):
    rng = np.random.default_rng(seed)
    G, F, normal, base = halves(rng, d)
    found = collapse_layer(G, F, normal, base, rng, share=share)
    singular = np.linalg.svd(found.W, compute_uv=False)
    assert singular[-1] / singular[0] == pytest.approx(found.flatness, rel=1e-9)
    X = np.vstack([G, F])
    untilted = np.abs((X - base) @ normal) / np.sqrt(d)
    assert (np.abs(X @ found.W.T + found.b) >= (1 - share - 1e-9) * untilted[:, None]).all()


def test_the_layer_of_a_tiny_margin_is_still_right_on_every_point():
    rng = np.random.default_rng(3)
    G, F, _, base = halves(rng, 5, n=50, gap=1e-7)
    answer = separate(F, G)
    assert answer.separable
    base = base - (answer.normal @ base + answer.offset) * answer.normal
    found = collapse_layer(G, F, answer.normal, base, rng)
    assert (G @ found.W.T + found.b < 0).all()
    assert (F @ found.W.T + found.b > 0).all()


@pytest.mark.parametrize("d", [1, 2, 3, 10])
@pytest.mark.parametrize("tilt", [None, 0.0, 1e-16, 1e-12, 1e-9, 1e-8, 1e-4])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_rotation_carries_the_axis_to_the_diagonal(d, tilt, sign):
    rng = np.random.default_rng(d)
    axis = rng.normal(size=d)
    if tilt is not None:  # next to the first coordinate axis, where reflections cancel
        axis = np.r_[1.0, tilt * axis[1:]]
    axis *= sign / np.linalg.norm(axis)
    R = rotation_to_diagonal(axis.copy(), rng)
    np.testing.assert_allclose(R @ R.T, np.eye(d), rtol=0, atol=1e-13)
    np.testing.assert_allclose(R @ axis, np.full(d, d**-0.5), rtol=0, atol=1e-13)


def test_the_inputs_are_left_alone():
    rng = np.random.default_rng(0)
    arrays = halves(rng, 3)
    copies = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    collapse_layer(*arrays, rng)
    for a, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(a, copy)
