"""Regions cover the box, and in each of them the network is the affine map that is told."""

import itertools
from math import comb

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork, activation_pattern, affine_map_at, linear_regions
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.network import Network

BOX = [(-1.0, 1.0), (-1.0, 1.0)]
SHAPES = st.sampled_from(
    [(2, 3, 1), (2, 6, 2), (2, 4, 4, 3), (2, 3, 3, 3, 1), (2, 1, 1, 1), (2, 2)]
)


def check(net, found):
    """Everything that must hold of regions of a network."""
    assert (np.diff(found.starts) >= 3).all()
    assert (found.areas > 0).all()
    assert found.areas.sum() == pytest.approx(found.area, rel=1e-9)
    inside = found.centroids
    X = found.points(inside)
    if isinstance(net, ReLUNetwork) and len(net.weights) > 1:
        np.testing.assert_array_equal(activation_pattern(net, X), found.patterns)
    values = (found.maps[:, :, :2] * inside[:, None]).sum(axis=2) + found.maps[:, :, 2]
    size = 1 + np.abs(found.maps).sum(axis=(1, 2)).max()
    np.testing.assert_allclose(values, net(X), atol=1e-12 * size)


@settings(max_examples=40)
@given(SHAPES, st.integers(0, 2**32 - 1))
def test_regions_of_random_networks(widths, seed):
    net = random_network(widths, seed, scaled=True, bias=0.3)
    found = linear_regions(net, BOX)
    check(net, found)
    # no pattern twice: the set of points with one pattern is convex
    assert len(np.unique(found.patterns, axis=0)) == len(found)
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(300, 2))
    seen = {row.tobytes() for row in activation_pattern(net, X)} if len(widths) > 2 else set()
    known = {row.tobytes() for row in found.patterns}
    assert seen <= known


@given(st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_generic_lines_make_as_many_regions_as_in_the_formula(m, seed):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(m, 2))
    meet = [np.linalg.solve(W[[i, j]], -np.ones(2)) for i, j in itertools.combinations(range(m), 2)]
    net = ReLUNetwork([W, np.ones((1, m))], [np.ones(m), [0.0]])
    far = 10 * max([1.0, *(np.abs(p).max() for p in meet), *(1 / np.linalg.norm(W, axis=1))])
    found = linear_regions(net, [(-far, far), (-far, far)])
    near = min([1.0, *(np.linalg.norm(p - q) for p, q in itertools.combinations(meet, 2))])
    if near > 1e-6 * far:
        assert len(found) == 1 + m + comb(m, 2)


def test_a_unit_through_corners_duplicates_and_dead_units_cut_nothing_anew():
    W = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    three = ReLUNetwork([W, np.ones((1, 3))], [[0.0, 0.0, 0.0], [0.0]])
    assert len(linear_regions(three, BOX)) == 6  # three lines through one point
    again = [*W, [2.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1e-300, 0.0]]
    b = [0.0, 0, 0, 0, 0, 1.0, -1.0, -1.0]
    more = ReLUNetwork([again, np.ones((1, 8))], [b, [0.0]])
    found = linear_regions(more, BOX)
    assert len(found) == 6
    check(more, found)
    # through the corners of the box
    net = ReLUNetwork([[[1.0, 1.0], [1.0, -1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    assert np.sort(linear_regions(net, BOX).areas).tolist() == [1, 1, 1, 1]
    # along an edge of it, and outside
    net = ReLUNetwork([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]], [[1.0, -5.0], [0.0]])
    assert len(linear_regions(net, BOX)) == 1


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-8, 1e8, 1e150])
def test_the_scale_of_the_weights_changes_nothing(scale):
    net = random_network((2, 5, 5, 1), 3, scaled=True, bias=0.3)
    other = ReLUNetwork(
        [net.weights[0] * scale, *net.weights[1:]], [net.biases[0] * scale, *net.biases[1:]]
    )
    same = ReLUNetwork(
        net.weights,
        [net.biases[0], net.biases[1] / scale if scale > 1 else net.biases[1], net.biases[2]],
    )
    first = linear_regions(
        ReLUNetwork([other.weights[0], np.ones((1, 5))], [other.biases[0], [0.0]]), BOX
    )
    plain = linear_regions(
        ReLUNetwork([net.weights[0], np.ones((1, 5))], [net.biases[0], [0.0]]), BOX
    )
    assert len(first) == len(plain)
    np.testing.assert_allclose(np.sort(first.areas), np.sort(plain.areas), rtol=1e-9)
    check(same, linear_regions(same, BOX))


@pytest.mark.parametrize(("center", "size"), [(0.0, 1e-6), (0.0, 1e6), (1e6, 1.0), (5.0, 1e-3)])
def test_boxes_far_away_tiny_and_huge(center, size):
    net = random_network((2, 8, 8, 1), 1, scaled=True, bias=0.3)
    box = [(center - size, center + size), (-size, size)]
    check(net, linear_regions(net, box))


def test_a_plane_in_more_dimensions():
    net = random_network((5, 6, 6, 2), 4, scaled=True, bias=0.3)
    rng = np.random.default_rng(5)
    origin, basis = rng.normal(size=5), rng.normal(size=(2, 5))
    found = linear_regions(net, [(-2, 1), (0, 1)], origin, basis)
    check(net, found)
    assert found.area == 3
    for i in (0, len(found) // 2, len(found) - 1):
        A, c = found.affine_map(i)
        wanted = affine_map_at(net, found.points(found.centroids[i]))
        np.testing.assert_allclose(A, wanted[0], atol=1e-12)
        np.testing.assert_allclose(c, wanted[1], atol=1e-12)


def test_neighbours_differ_in_one_unit_and_all_are_connected():
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    net = random_network((2, 10, 10, 1), 0, scaled=True, bias=0.3)
    found = linear_regions(net, BOX)
    pairs = found.neighbours()
    assert (np.sum(found.patterns[pairs[:, 0]] != found.patterns[pairs[:, 1]], axis=1) == 1).all()
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(found),) * 2)
    assert connected_components(graph, directed=False)[0] == 1
    # Euler: corners - edges + faces = 1, edges on the border counted once
    corners = np.unique(found.corners.round(9), axis=0)
    on_border = 2 * (len(found.corners) - 2 * len(pairs))
    edges = len(pairs) + on_border // 2
    assert len(corners) - edges + len(found) == 1


def test_the_decision_boundary_is_where_the_output_is_zero():
    net = random_network((2, 8, 8, 1), 2, scaled=True, bias=0.5)
    shift = float(np.median(net(np.random.default_rng(0).uniform(-1, 1, size=(500, 2)))))
    found = linear_regions(net, BOX)
    lines = found.level_set(0, shift)
    assert len(lines.region) > 3
    for share in (0.0, 0.3, 1.0):
        X = lines.ends[:, 0] * (1 - share) + lines.ends[:, 1] * share
        np.testing.assert_allclose(net(X)[:, 0], shift, atol=1e-12)
    # segments end on each other or on the border: every inner end occurs twice
    ends = lines.ends.reshape(-1, 2)
    inner = ends[(np.abs(ends) < 1 - 1e-9).all(axis=1)]
    _, counts = np.unique(inner.round(9), axis=0, return_counts=True)
    assert (counts == 2).all()


def test_the_boundary_between_classes_is_where_the_two_largest_are_equal():
    net = random_network((2, 8, 8, 4), 2, scaled=True, bias=0.5)
    found = linear_regions(net, BOX)
    lines = found.class_boundary()
    for share in (0.01, 0.5, 0.99):
        outputs = np.sort(net(lines.ends[:, 0] * (1 - share) + lines.ends[:, 1] * share), axis=1)
        np.testing.assert_allclose(outputs[:, -1], outputs[:, -2], atol=1e-12)
    # wherever the class changes along a fine grid there is a segment near
    t = np.linspace(-1, 1, 400)
    X = np.column_stack([t, np.full(400, 0.123)])
    label = net(X).argmax(axis=1)
    for i in np.flatnonzero(np.diff(label)):
        low, high = lines.ends.min(axis=1), lines.ends.max(axis=1)
        crosses = (low[:, 1] <= 0.123) & (high[:, 1] >= 0.123)
        assert (crosses & (low[:, 0] <= t[i + 1] + 1e-9) & (high[:, 0] >= t[i] - 1e-9)).any()


def test_an_lp_head_with_p_1_is_linear_and_others_are_refused():
    rng = np.random.default_rng(0)
    body = [Affine(rng.normal(size=(6, 2)), rng.normal(size=6)), ReLU()]
    head = LpNorm(rng.normal(size=(1, 6)), rng.normal(size=1), p=1.0)
    end = [ReLU(), Affine([[2.0]], [-1.0])]
    net = Network([*body, head, *end])
    found = linear_regions(net, BOX)
    assert found.areas.sum() == pytest.approx(4)
    inside = found.centroids
    values = (found.maps[:, :, :2] * inside[:, None]).sum(axis=2) + found.maps[:, :, 2]
    np.testing.assert_allclose(values, net(inside), atol=1e-12)
    for p in (2.0, 3.0):
        with pytest.raises(ValueError, match="net must be piecewise linear"):
            linear_regions(Network([*body, LpNorm(head.W, head.b, p=p)]), BOX)
    with pytest.raises(ValueError, match="net must be piecewise linear"):
        linear_regions(Network([body[0], LpNorm(head.W, head.b, p=1.0)]), BOX)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net": None}, "net must be"),
        ({"net": random_network((1, 3, 1))}, "net must have at least two inputs"),
        ({"box": [(0, 1)]}, "box must be two pairs"),
        ({"box": [(1, 0), (0, 1)]}, "box must be two pairs"),
        ({"box": [(0, np.inf), (0, 1)]}, "box must"),
        ({"box": "x"}, "box must"),
        ({"origin": [1.0]}, r"origin must have shape \(2,\)"),
        ({"basis": [[1.0, 0.0]]}, r"basis must have shape \(2, 2\)"),
        ({"basis": [[1.0, 0.0], [2.0, 0.0]]}, "basis must be two independent"),
    ],
)
def test_wrong_calls_say_which_argument(change, told):
    with pytest.raises(ValueError, match=told):
        linear_regions(**{"net": random_network((2, 3, 1)), "box": BOX, **change})
    found = linear_regions(random_network((2, 3, 1)), BOX)
    with pytest.raises(ValueError, match="output must be a whole number from 0 to 0"):
        found.level_set(1)


def test_where_the_network_is_steeper_than_the_rounding_the_boundary_is_an_edge():
    # from 0 to 1 within 1e-15 at x = 0.25, thinner than what is seen
    steep = 1e15
    net = ReLUNetwork(
        [[[steep, 0.0], [steep, 0.0]], [[1.0, -1.0]]], [[-0.25 * steep, -0.25 * steep - 1], [-0.5]]
    )
    found = linear_regions(net, BOX)
    assert found.areas.sum() == pytest.approx(4)
    lines = found.level_set()
    np.testing.assert_allclose(lines.ends[:, :, 0], 0.25, atol=1e-12)
    length = np.abs(lines.ends[:, 0, 1] - lines.ends[:, 1, 1]).sum()
    assert length == pytest.approx(2)
    two = ReLUNetwork([net.weights[0], [[1.0, -1.0], [-1.0, 1.0]]], [net.biases[0], [-0.5, 0.5]])
    lines = linear_regions(two, BOX).class_boundary()
    assert np.abs(lines.ends[:, 0, 1] - lines.ends[:, 1, 1]).sum() == pytest.approx(2)


@pytest.mark.parametrize("steep", [1e6, 1e10, 1e12, 1e14])
def test_behind_a_steep_step_a_later_unit_is_right_on_both_sides(steep):
    u, c = np.array([0.8, 0.6]), 0.2137
    W = [steep * np.stack([u, u]), [[1.0, -1.0]], [[1.0]]]
    net = ReLUNetwork(W, [[-c * steep, -c * steep - 1], [0.0], [-0.5]])
    found = linear_regions(net, BOX)
    far = np.abs(found.centroids @ u - c) > 1e-4
    values = (found.maps[:, 0, :2] * found.centroids).sum(axis=1) + found.maps[:, 0, 2]
    np.testing.assert_allclose(values[far], np.where(found.centroids @ u > c, 0.5, -0.5)[far])
    assert far.sum() == 2
    # of the line u x = c what is in the box
    across = 1 - (c - 0.6) / 0.8, 1 - (c - 0.8) / 0.6
    assert length(found.level_set()) == pytest.approx(np.hypot(*across), abs=1e-5)


def length(lines):
    return np.linalg.norm(lines.ends[:, 1] - lines.ends[:, 0], axis=1).sum()


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_level_on_a_kink_and_a_change_of_class_there_are_whole_lines(seed):
    rng = np.random.default_rng(seed)
    u, c = rng.normal(size=2), 0.5 * rng.uniform(-1, 1)
    more = rng.normal(size=(4, 2)), rng.normal(size=4)
    # the line u x + c = 0 within the box, by hand
    p, q = rng.uniform(0.2, 3, size=2)
    first = np.vstack([u, -u, more[0]]), np.concatenate([[c, -c], more[1]])
    ends = []
    for k in (0, 1):
        for side in (-1.0, 1.0):
            other = -(c + u[k] * side) / u[1 - k]
            if abs(other) <= 1:
                ends.append([side, other] if k == 0 else [other, side])
    wanted = np.linalg.norm(np.subtract(*ends[:2])) if len(ends) >= 2 else 0.0
    zeros = np.zeros(4)
    for signs in ((1, -1), (1, 1), (-1, -1)):  # it crosses zero, and touches it from both sides
        head = np.concatenate([[signs[0] * p, signs[1] * q], zeros])[None]
        found = linear_regions(ReLUNetwork([first[0], head], [first[1], [0.0]]), BOX)
        assert length(found.level_set()) == pytest.approx(wanted, abs=1e-9)
    two = np.array([[p, 0.0, *zeros], [0.0, q, *zeros]])
    for shift in (0.0, 0.1):
        found = linear_regions(ReLUNetwork([first[0], two], [first[1], [shift, shift]]), BOX)
        assert length(found.class_boundary()) == pytest.approx(wanted, abs=1e-9)
    # |u x + c| against 0: equal on the line, and the same one is larger on both sides
    same = np.array([[p, q, *zeros], [0.0, 0.0, *zeros]])
    found = linear_regions(ReLUNetwork([first[0], same], [first[1], [0.0, 0.0]]), BOX)
    assert length(found.class_boundary()) == 0


def test_nearly_concurrent_lines_have_their_own_neighbours_only():
    rng = np.random.default_rng(5)
    angles = rng.uniform(0, np.pi, 40)
    W, b = np.stack([np.cos(angles), np.sin(angles)], axis=1), 1e-8 * rng.normal(size=40)
    found = linear_regions(ReLUNetwork([W, rng.normal(size=(1, 40))], [b, [0.0]]), BOX)
    pairs = found.neighbours()
    assert (np.sum(found.patterns[pairs[:, 0]] != found.patterns[pairs[:, 1]], axis=1) == 1).all()
    # Euler's formula counts the edges inside
    assert len(pairs) <= len(found.corners) / 2
    assert len(found.level_set().region) < len(found)


def test_a_step_that_is_steeper_than_floats_tell_is_right_on_both_sides():
    for power in (40, 44, 45, 46):
        s = 2.0**power
        net = ReLUNetwork(
            [[[s, 0], [s, 0]], [[1, -1]], [[1.0]]], [[-s / 4, -s / 4 - 1], [-0.5], [0]]
        )
        found = linear_regions(net, BOX)
        values = (found.maps[:, 0, :2] * found.centroids).sum(axis=1) + found.maps[:, 0, 2]
        far = np.abs(found.centroids[:, 0] - 0.25) > 1e-6
        np.testing.assert_allclose(values[far], net(found.centroids[far])[:, 0], atol=1e-2)
        assert length(found.level_set(0, 0.25)) == pytest.approx(2)


def test_many_classes_do_not_take_long():
    net = random_network((2, 10, 100), 0)
    found = linear_regions(net, BOX)
    lines = found.class_boundary()
    for share in (0.01, 0.99):
        outputs = np.sort(net(lines.ends[:, 0] * (1 - share) + lines.ends[:, 1] * share), axis=1)
        np.testing.assert_allclose(outputs[:, -1], outputs[:, -2], atol=1e-10)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 60)] * 2), axis=-1).reshape(-1, 2)
    assert (len(np.unique(net(grid).argmax(axis=1))) > 1) == (len(lines.region) > 0)


def test_the_box_is_met_exactly_wherever_it_is():
    net = random_network((2, 20, 20, 1), 0, scaled=True)
    for box in ([(1e6, 1e6 + 0.1)] * 2, [(0.5, 0.5 + 1e-6)] * 2, [(-1e90, 1e90), (-1e-3, 1)]):
        found = linear_regions(net, box)
        assert found.areas.sum() == pytest.approx(found.area, rel=1e-12)
        low, high = np.array(box).T
        assert (found.corners >= low).all() and (found.corners <= high).all()
        assert (found.corners.min(axis=0) == low).all() and (
            found.corners.max(axis=0) == high
        ).all()
    for box in ([(0.5, 0.5 + 1e-12)] * 2, [(-1.7e308, 1.7e308)] * 2, [(0, 1e-300)] * 2):
        with pytest.raises(ValueError, match="box must have ends up to"):
            linear_regions(net, box)
    huge = ReLUNetwork([W * 1e160 for W in net.weights], net.biases)
    with pytest.raises(ValueError, match="net must have values on the box that are finite"):
        linear_regions(huge, BOX)


def test_orthogonal_directions_of_very_different_lengths_are_independent():
    net = random_network((2, 5, 1), 0)
    assert len(linear_regions(net, BOX, basis=[[1.0, 0.0], [0.0, 1e-17]])) > 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("widths", [(2, 32, 32, 1), (2, 100, 100, 1), (64, 64, 64, 1)])
def test_regioncam_finds_as_many_regions_of_the_same_areas(widths, seed):
    pytest.importorskip("regioncam")
    from planes.regions import by_regioncam, network, plane

    rng = np.random.default_rng(seed)
    net = network(widths, rng)
    origin, basis = plane(widths[0], rng)
    found, other = linear_regions(net, BOX, origin, basis), by_regioncam(net, origin, basis)
    assert len(found) == other.num_faces
    # in float32, whose corners are right to about 1e-6
    areas = np.sort([face.area for face in other.faces])
    np.testing.assert_allclose(np.sort(found.areas), areas, atol=1e-6)


def test_what_overflows_in_a_unit_is_refused_not_taken_for_rounding():
    def hinge(size):
        net = ReLUNetwork([[[size, size]], [[1 / size]]], [[size / 2], [0.0]])
        return linear_regions(net, BOX)

    assert np.sort(hinge(5e307).areas).tolist() == [1.125, 2.875]
    for size in (1e308, 1.7e308):
        with pytest.raises(ValueError, match=r"net must have values on the box .* overflow"):
            hinge(size)


def stepping(steep):
    """A network that goes from 0 to 1 over 1 / steep, a unit that sees this, and the place."""
    u, c = np.array([0.8, 0.6]), 0.2137
    W = [steep * np.stack([u, u]), [[1.0, -1.0]], [[1.0]]]
    return ReLUNetwork(W, [[-c * steep, -c * steep - 1], [0.0], [-0.5]]), u, c


@pytest.mark.parametrize("steep", [10.0**k for k in (8, 12, 13, 14, 15, 16, 18, 100, 300)])
def test_behind_steep_steps_a_region_is_right_or_says_that_it_is_not_determined(steep):
    net, u, c = stepping(steep)
    found = linear_regions(net, BOX)
    values = (found.maps[:, 0, :2] * found.centroids).sum(axis=1) + found.maps[:, 0, 2]
    far = np.abs(found.centroids @ u - c) > 1e-4
    is_right = np.abs(values - np.where(found.centroids @ u > c, 0.5, -0.5)) < 1e-9
    assert (is_right | found.is_vague)[far].all()
    if steep < 1e13:
        assert not found.is_vague.any() and found.undetermined == 0
        assert "undetermined" not in found.summary() + repr(found)
    if not is_right[far].all():
        assert found.undetermined > 0.3
        assert "undetermined" in found.summary() and "undetermined" in repr(found)


def test_what_underflows_is_not_determined_and_what_is_zero_is():
    def second(W, b=0.0, scale=1.0):
        net = ReLUNetwork([np.eye(2) * scale, [W], [[1.0]]], [[0.0, 0.0], [b], [0.0]])
        return linear_regions(net, BOX)

    # both units are on in the upper right quarter only
    assert second([1e-200, 1e-200], scale=1e-200).undetermined == pytest.approx(0.75)
    assert second([1e-300, 1e-300]).undetermined == 0  # off where its inputs are 0
    assert second([0.0, 0.0], scale=1e-200).undetermined == 0
    assert second([1.0, -1.0], -1e-20).undetermined == 0
    assert second([0.3, 0.3], 1e-310).undetermined > 0
    # 0.1 x + 0.2 x - 0.3 x: rounding only, and nothing tells that it is 0
    same = ReLUNetwork([[[1.0, 0.0]] * 3, [[0.1, 0.2, -0.3]], [[1.0]]], [[2.0] * 3, [0.0], [0.0]])
    found = linear_regions(same, BOX)
    assert len(found) == 1 and found.undetermined == 1
