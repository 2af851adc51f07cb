import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore import CircularCone, PolyhedralCone, truncation_map

SEEDS = st.integers(0, 10**6)


def polyhedral(m, d, seed=0):
    rng = np.random.default_rng(seed)
    return PolyhedralCone(rng.normal(size=d), rng.normal(size=(m, d)))


def circular(d, angle, seed=0):
    rng = np.random.default_rng(seed)
    return CircularCone(rng.normal(size=d), rng.normal(size=d), angle)


def points_in(cone, n, rng):
    """Points of a circular cone, some on its boundary, by angle and distance."""
    d = len(cone.apex)
    angles = cone.angle / 2 * np.minimum(1, rng.uniform(0, 1.3, size=n)) * (d > 1)
    across = rng.normal(size=(n, d))
    across -= np.outer(across @ cone.axis, cone.axis)
    across /= np.maximum(np.linalg.norm(across, axis=1), 1e-300)[:, None]
    rays = np.cos(angles)[:, None] * cone.axis + np.sin(angles)[:, None] * across
    return cone.apex + rng.uniform(0, 5, size=(n, 1)) * rays


def test_the_layer_of_an_orthant_is_the_identity_shifted():
    W, b = PolyhedralCone([1, 2], np.eye(2)).to_layer()
    np.testing.assert_array_equal(W, np.eye(2))
    np.testing.assert_array_equal(b, [-1, -2])


def test_coordinates_count_the_edges_from_the_base():
    cone = PolyhedralCone([1, 1], [[1, 0], [1, 1]])
    np.testing.assert_allclose(cone.coordinates([[1 + 2 + 3, 1 + 3]]), [[2, 3]], atol=1e-14)


def test_sectors_are_forward_backward_and_elsewhere_and_the_base_counts_as_backward():
    cone = PolyhedralCone([0, 0], np.eye(2))
    found = cone.sector([[1, 1], [1, 0], [-1, 0], [-1, -1], [1, -1], [0, 0]])
    np.testing.assert_array_equal(found, [1, 1, -1, -1, 0, -1])


def test_a_right_angle_in_the_plane_is_a_quadrant():
    W, b = CircularCone([3, 4], [1, 1], np.pi / 2).to_layer()
    np.testing.assert_allclose(W, np.eye(2), atol=1e-15)
    np.testing.assert_allclose(b, [-3, -4])


@pytest.mark.parametrize("axis", [[2.0], [-2.0]])
def test_on_a_line_a_circular_cone_is_a_half_line(axis):
    cone = CircularCone([1], axis, 1.0)
    sign = np.sign(axis[0])
    W, b = cone.to_layer()
    np.testing.assert_allclose((W[0, 0], b[0]), (sign, -sign))
    np.testing.assert_array_equal(cone.contains([[1], [1 + sign], [1 - sign]]), [True, True, False])


@pytest.mark.parametrize("d", [2, 3, 10])
@pytest.mark.parametrize("angle", [1e-3, 1.0, 3.0])
def test_containment_is_a_comparison_of_angles(d, angle):
    cone = circular(d, angle)
    rng = np.random.default_rng(1)
    X = np.vstack([points_in(cone, 50, rng) * 1.0, cone.apex + rng.normal(size=(50, d))])
    angles = np.array([naive.angle_between(x - cone.apex, cone.axis) for x in X])
    clear = np.abs(angles - angle / 2) > 1e-9
    np.testing.assert_array_equal(cone.contains(X)[clear], (angles <= angle / 2)[clear])


@given(st.integers(1, 5), st.integers(0, 4), SEEDS)
def test_a_polyhedral_cone_and_its_layer_determine_each_other(m, more, seed):
    cone = polyhedral(m, m + more, seed)
    W, b = cone.to_layer()
    limit = 1e-13 * np.linalg.cond(W) ** 2
    np.testing.assert_allclose(W @ cone.edges.T, np.eye(m), atol=limit)
    back = PolyhedralCone.from_layer(W, b)
    np.testing.assert_allclose(back.edges, cone.edges, atol=limit)
    V, c = back.to_layer()
    size = np.abs(W).max() * (1 + np.linalg.norm(cone.base))
    np.testing.assert_allclose(V, W, atol=limit * size)
    np.testing.assert_allclose(c, b, atol=limit * size)


@given(st.integers(1, 4), st.integers(0, 3), SEEDS)
def test_points_of_the_backward_cone_collapse_and_those_of_the_forward_cone_are_projected(
    m, more, seed
):
    cone = polyhedral(m, m + more, seed)
    W, b = cone.to_layer()
    P = np.linalg.pinv(W) @ W
    A = np.random.default_rng(seed).uniform(0, 3, size=(20, m))
    size = np.linalg.cond(W) ** 2 * (1 + np.abs(cone.edges).max())
    forward, backward = cone.base + A @ cone.edges, cone.base - A @ cone.edges
    np.testing.assert_allclose(truncation_map(W, b, forward), forward @ P.T, atol=1e-12 * size)
    np.testing.assert_allclose(
        truncation_map(W, b, backward), np.tile(P @ cone.base, (20, 1)), atol=1e-12 * size
    )


@pytest.mark.parametrize("lengths", [(1e-150, 1.0), (1.0, 1e-12, 1e12), (1e200, 1e-200)])
def test_edges_may_have_very_different_lengths(lengths):
    m = len(lengths)
    directions = np.eye(m) + 0.1
    cone = PolyhedralCone(np.zeros(m), directions * np.array(lengths)[:, None])
    W, b = cone.to_layer()
    np.testing.assert_allclose(
        W * np.array(lengths)[:, None], np.linalg.inv(directions.T), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(PolyhedralCone.from_layer(W, b).edges, cone.edges, rtol=1e-12)


@given(st.integers(1, 6), st.floats(0.01, 3.1), SEEDS)
def test_the_layer_of_a_circular_cone_keeps_it_and_collapses_the_opposite_one(d, angle, seed):
    cone = circular(d, angle, seed)
    rng = np.random.default_rng(seed)
    W, b = cone.to_layer()
    X = points_in(cone, 40, rng)
    atol = 1e-12 * np.linalg.cond(W) * (1 + np.abs(X).max())
    np.testing.assert_allclose(truncation_map(W, b, X), X, atol=atol)
    np.testing.assert_allclose(
        truncation_map(W, b, 2 * cone.apex - X), np.tile(cone.apex, (40, 1)), atol=atol
    )


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0.01, 3.1), SEEDS)
def test_fewer_neurons_project_the_cone_and_collapse_the_opposite_one(width, more, angle, seed):
    cone = circular(width + more, angle, seed)
    W, b = cone.to_layer(width)
    assert W.shape == (width, width + more)
    X = points_in(cone, 40, np.random.default_rng(seed))
    P = np.linalg.pinv(W) @ W
    atol = 1e-12 * np.linalg.cond(W) * (1 + np.abs(X).max())
    np.testing.assert_allclose(truncation_map(W, b, X), X @ P.T, atol=atol)
    np.testing.assert_allclose(
        truncation_map(W, b, 2 * cone.apex - X), np.tile(P @ cone.apex, (40, 1)), atol=atol
    )


@given(st.integers(2, 8), st.floats(0.01, 3.1))
def test_the_condition_number_grows_only_beyond_the_aperture_of_an_orthant(d, angle):
    W, _ = circular(d, angle).to_layer()
    orthant = 2 * np.arccos(np.sqrt((d - 1) / d))
    wanted = np.tan(angle / 2) / np.tan(orthant / 2) if angle > orthant else 1.0
    assert np.linalg.cond(W) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("d", [2, 5])
@pytest.mark.parametrize("tilt", [0.0, 1e-9, 1e-4, 1.0, np.pi - 1e-9, np.pi])
def test_axes_near_and_opposite_the_diagonal_lose_no_accuracy(d, tilt):
    u = np.ones(d) / np.sqrt(d)
    v = np.zeros(d)
    v[:2] = np.sqrt(0.5), -np.sqrt(0.5)
    axis = np.cos(tilt) * u + np.sin(tilt) * v
    W, _ = CircularCone(np.zeros(d), axis, 0.1).to_layer()
    np.testing.assert_allclose(W @ W.T, np.eye(d), atol=1e-14)
    np.testing.assert_allclose(W @ axis, u, atol=1e-14)


POWERS = st.integers(-1000, 1000)


@given(st.integers(1, 4), st.integers(0, 2), POWERS, SEEDS)
def test_containment_does_not_depend_on_the_unit_of_length(d, shift, power, seed):
    rng = np.random.default_rng(seed)
    cone = CircularCone(shift * rng.normal(size=d), rng.normal(size=d), rng.uniform(0.1, 3))
    X = np.vstack([rng.normal(size=(20, d)), cone.apex, points_in(cone, 5, rng)])
    moved = CircularCone(np.ldexp(cone.apex, power), cone.axis, cone.angle)
    np.testing.assert_array_equal(moved.contains(np.ldexp(X, power)), cone.contains(X))


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e-163, 1e153, 1e155, 1e300, 1.7e308])
def test_angles_are_right_beyond_the_squares_of_floats(size):
    cone = CircularCone([0.0, 0.0], [1.0, 0.0], np.pi / 4)
    X = size * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [-1.0, 1.0]])
    np.testing.assert_array_equal(cone.contains(X), [True, False, False, False])
    far = CircularCone([-size, 0.0], [1.0, 0.0], np.pi / 4)
    np.testing.assert_array_equal(far.contains([[size, 0.0], [-size, size]]), [True, False])


@given(st.integers(1, 3), st.integers(0, 2), POWERS, POWERS, SEEDS)
def test_sectors_do_not_depend_on_units_nor_on_the_lengths_of_edges(m, more, power, length, seed):
    cone = polyhedral(m, m + more, seed)
    X = np.vstack([np.random.default_rng(seed).normal(size=(20, m + more)) * 3])
    stretched = cone.edges.copy()
    stretched[0] = np.ldexp(stretched[0], length // 2)
    moved = PolyhedralCone(np.ldexp(cone.base, power), stretched)
    np.testing.assert_array_equal(moved.sector(np.ldexp(X, power)), cone.sector(X))


@given(st.integers(1, 3), POWERS, SEEDS)
def test_coordinates_do_not_depend_on_the_unit_of_length(m, power, seed):
    cone = polyhedral(m, m + 1, seed)
    X = np.random.default_rng(seed).normal(size=(5, m + 1))
    moved = PolyhedralCone(np.ldexp(cone.base, power), np.ldexp(cone.edges, power))
    found, expected = moved.coordinates(np.ldexp(X, power)), cone.coordinates(X)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * (1 + np.abs(expected).max()))


def test_a_cone_is_immutable_and_does_not_share_the_arrays_given():
    base, edges = np.zeros(2), np.eye(2)
    cone = PolyhedralCone(base, edges)
    base[:] = 1
    edges[:] = 1
    np.testing.assert_array_equal(cone.base, [0, 0])
    assert not cone.edges.flags.writeable
    with pytest.raises(AttributeError):
        cone.base = base
    cone.to_layer()[0][:] = 7
    np.testing.assert_array_equal(cone.to_layer()[0], np.eye(2))


def test_layers_beyond_the_largest_float_are_refused():
    with pytest.raises(ValueError, match="layer of the cone must be finite"):
        PolyhedralCone([0.0], [[1e-310]]).to_layer()
    with pytest.raises(ValueError, match="layer must be finite"):
        CircularCone(np.full(9, 1.7e308), np.eye(9)[0], 1.0).to_layer()
    with pytest.raises(ValueError, match="edges must have lengths"):
        PolyhedralCone([0.0, 0.0], [[1.7e308, 1.7e308]])


def test_no_points_give_no_answers():
    assert PolyhedralCone([0, 0], np.eye(2)).sector(np.empty((0, 2))).shape == (0,)
    assert CircularCone([0, 0], [1, 0], 1).contains(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize(
    ("base", "edges", "message"),
    [
        ([0, 0], [[1, 0], [2, 0]], "linearly independent, got 2 of rank 1"),
        ([0, 0], [[0, 0]], "linearly independent, got 1 of rank 0"),
        ([0], [[1], [1]], "linearly independent, got 2 of rank 1"),
        ([0, 0], [[1, 0, 0]], "edges must have 2 columns"),
        ([0, 0], np.empty((0, 2)), "edges must not be empty"),
        ([0, np.inf], np.eye(2), "base must be finite"),
    ],
)
def test_edges_that_span_no_cone_are_refused(base, edges, message):
    with pytest.raises(ValueError, match=message):
        PolyhedralCone(base, edges)


def test_a_layer_that_is_not_surjective_is_refused_with_its_rank():
    with pytest.raises(ValueError, match="W must be surjective, that is of rank 3, got rank 2"):
        PolyhedralCone.from_layer(np.ones((3, 2)) + np.eye(3, 2), np.zeros(3))


@pytest.mark.parametrize(
    ("apex", "axis", "angle", "message"),
    [
        ([0, 0], [0, 0], 1, "axis must not be zero"),
        ([0, 0], [1, 0, 0], 1, "axis must be a vector"),
        ([0, 0], [1, 0], 0, "angle must be between 0 and pi"),
        ([0, 0], [1, 0], np.pi, "angle must be between 0 and pi"),
        ([0, 0], [1, 0], np.nan, "angle must be finite"),
        ([0, 0], [1, 0], "wide", "angle must hold real numbers"),
        ([], [], 1, "at least 1"),
    ],
)
def test_a_circular_cone_needs_an_axis_and_an_angle_between_0_and_pi(apex, axis, angle, message):
    with pytest.raises(ValueError, match=message):
        CircularCone(apex, axis, angle)


@pytest.mark.parametrize("width", [0, 3, 1.5])
def test_a_layer_has_between_1_and_d_neurons(width):
    with pytest.raises(ValueError, match="width must be a whole number from 1 to 2"):
        CircularCone([0, 0], [1, 0], 1).to_layer(width)
