"""What the frames of a film show."""

import numpy as np
import pytest
from builders import random_network, random_points, wild_network

from geomcore import (
    Network,
    PolyhedralCone,
    ReLUNetwork,
    truncate,
    truncation_defects,
    truncation_degree,
)
from geomcore.cumulative import cumulative_parameters
from geomcore.layers import Affine
from geomcore.projection import Projection, fit_projection
from training import FilmReel
from training.dynamics.film import scenes as module
from training.dynamics.film.reel import Frame
from training.dynamics.film.scenes import scenes_of

X2, Y2 = random_points(12, 2), np.arange(12) % 3


def frames_of(*nets):
    return [Frame(10 * i, 1.0 / (i + 1), net) for i, net in enumerate(nets)]


def one_scene(net, X, y, **options):
    made = scenes_of(frames_of(net), X, y, **options)
    return made, made.frames[0]


# By hand, and against what the library says elsewhere


def test_the_plane_is_shown_as_it_is():
    net = random_network((2, 2, 2, 3), 4)
    made, scene = one_scene(net, X2, Y2)
    stages = [X2, *truncate(net, X2)]
    np.testing.assert_allclose(scene.before, stages[:-1])
    np.testing.assert_allclose(scene.after, stages[1:])
    defects = truncation_defects(net, X2)[:-1]
    assert scene.rank.tolist() == [row.rank for row in defects]
    assert scene.defect.tolist() == [row.defect for row in defects]
    for at, (W, b) in enumerate(zip(*cumulative_parameters(net), strict=True)):
        if at == len(net.widths) - 2:
            break
        cone = PolyhedralCone.from_layer(W, b)
        np.testing.assert_allclose(scene.base[at], cone.base)
        lengths = np.linalg.norm(cone.edges, axis=1, keepdims=True)
        np.testing.assert_allclose(scene.edges[at], cone.edges / lengths)
        degree = truncation_degree(W, b, stages[at], Y2)
        np.testing.assert_array_equal(scene.backward[at], degree.backward)
        np.testing.assert_array_equal(scene.mixed[at], degree.mixed)
    assert made.layers.tolist() == [1, 2] and made.unit == 1 and not made.lost


def test_a_layer_with_dependent_rows_has_no_edges():
    net = ReLUNetwork([np.eye(2), [[1, 1], [-1, -1]], np.eye(2)], [[0, 0], [-1, 0], [0, 0]])
    _, scene = one_scene(net, X2, Y2)
    assert scene.rank.tolist() == [2, 1] and scene.edges[0] is not None
    assert scene.edges[1] is None and scene.defect[1] > 0.1


def test_points_of_a_line_lie_in_rows_of_their_classes():
    X = np.array([[0.0], [3.0], [4.0]])
    net = ReLUNetwork([[[-2.0]], [[1.0]]], [[2.0], [0.0]])
    made, scene = one_scene(net, X, ["b", "a", "a"])
    assert made.plane is None
    assert scene.after[0].tolist() == [[0, 1], [1, 0], [1, 0]]
    assert scene.base[0].tolist() == [1, 2] and scene.edges[0].tolist() == [[-1, 0]]
    assert scene.piled[0].tolist() == [True, False]
    assert scene.backward[0].tolist() == [1, 0]


@pytest.mark.parametrize("d", [3, 5])
def test_more_coordinates_are_seen_in_one_plane(d):
    net, X = random_network((d, d, d, 3), 1), random_points(12, d)
    made, scene = one_scene(net, X, Y2)
    assert made.plane.dim == 2
    np.testing.assert_allclose(made.plane.axes @ made.plane.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(scene.after[1], made.plane(truncate(net, X)[1]))
    if d == 5:
        np.testing.assert_array_equal(made.plane.axes, fit_projection(X).axes)


def test_a_first_layer_that_widens_is_seen_in_the_space_of_the_data():
    net = random_network((2, 5, 3, 2), 2)
    _, scene = one_scene(net, X2, Y2)
    np.testing.assert_allclose(scene.after[1], truncate(net, X2)[1][:, :2])
    np.testing.assert_array_equal(scene.before[0], X2)
    assert len(scene.edges[0]) == 5 and len(scene.edges[1]) == 3


def test_layers_and_plane_may_be_chosen():
    net, X = random_network((3, 3, 3, 3, 2), 2), random_points(9, 3)
    plane = Projection(np.ones(3), np.eye(2, 3))
    made, scene = one_scene(net, X, np.arange(9) % 2, layers=[3, 1], projection=plane)
    assert made.layers.tolist() == [1, 3] and made.given
    np.testing.assert_allclose(scene.after[1], plane(truncate(net, X)[2]))
    np.testing.assert_allclose(scene.before[1], plane(truncate(net, X)[1]))


def test_of_many_points_a_part_of_each_class_is_drawn_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(module, "MOST_POINTS", 20)
    X, y = random_points(403, 2), np.arange(403) > 399
    net = random_network((2, 2, 1), 3)
    made, scene = one_scene(net, X, y)
    assert len(made.index) <= 21 and set(made.index) == {0, 1}
    W, b = net.weights[0], net.biases[0]
    np.testing.assert_array_equal(scene.backward[0], truncation_degree(W, b, X, y).backward)


def test_of_many_edges_the_longest_in_the_picture_are_drawn(monkeypatch):
    monkeypatch.setattr(module, "MOST_EDGES", 2)
    net = ReLUNetwork([np.eye(3), np.eye(3)], [np.zeros(3), np.zeros(3)])
    plane = Projection(np.zeros(3), np.eye(2, 3))
    _, scene = one_scene(net, random_points(4, 3), [0, 0, 1, 1], projection=plane)
    assert scene.edges[0].tolist() == [[1, 0], [0, 1]]


# What is fixed


def test_data_are_inside_of_limits_that_all_frames_share():
    nets = [random_network((2, 2, 2, 3), seed) for seed in range(20)]
    made = scenes_of(frames_of(*nets), X2, Y2)
    low, high = made.limits.T
    assert (X2 > low).all() and (X2 < high).all()
    size = np.ptp(X2, axis=0).max()
    assert (np.ptp(made.limits, axis=1) <= 4.6 * size).all()


def test_one_network_far_away_does_not_make_the_data_small():
    nets = [ReLUNetwork([np.eye(2), np.eye(2)], [[-t, -t], [0, 0]]) for t in (1.0, 1e6)]
    made = scenes_of(frames_of(*nets), X2, Y2 > 0)
    assert np.ptp(made.limits) < 5 * np.ptp(X2)


# Hostile numbers


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1e9, 1e300])
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_data_of_any_size_give_the_same_pictures(size, d):
    net, X = random_network((d, d, 3), 5), random_points(12, d)
    _, usual = one_scene(net, X, Y2)
    moved = ReLUNetwork([net.weights[0] / size, net.weights[1]], net.biases)
    made, scene = one_scene(moved, X * size, Y2)
    assert np.isfinite(made.limits).all() and np.abs(made.limits).max() < 1e8
    np.testing.assert_array_equal(scene.backward, usual.backward)
    coordinates = slice(None) if d > 1 else slice(0, 1)
    np.testing.assert_allclose(
        scene.after[..., coordinates] * (made.unit / size), usual.after[..., coordinates], atol=1e-9
    )


def test_frames_that_overflow_are_left_out_and_told():
    good, bad = random_network((2, 2, 2, 3), 1), random_network((2, 2, 2, 3), 2)
    huge = bad.rebuild([1e250 * p for p in bad.tensors])
    made = scenes_of(frames_of(good, huge, good), X2, Y2)
    assert len(made.frames) == 2 and made.lost == 1
    with pytest.raises(ValueError, match="all of them overflow"):
        scenes_of(frames_of(huge), X2, Y2)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[1.0, 2.0]], [0]),
        ([[1.0, 2.0]] * 3, [0, 0, 0]),
        ([[1.0, 2.0]] * 3, ["a", "b", "c"]),
        ([[0.0, 0.0]] * 2, [0, 1]),
        ([[1e9, 0.0], [1e9 + 1, 0.0]], [0, 1]),
    ],
)
def test_few_or_equal_points_are_shown(X, y):
    made, scene = one_scene(random_network((2, 2, 1), 1), X, y)
    assert (np.ptp(made.limits, axis=1) > 0).all() and np.isfinite(scene.after).all()


def test_dead_layers_and_zero_weights_are_shown():
    net = ReLUNetwork([np.zeros((2, 2)), np.eye(2)], [[-1, -1], [0, 0]])
    _, scene = one_scene(net, X2, Y2 > 0)
    assert scene.rank[0] == 0 and scene.edges[0] is None
    assert (scene.after[0] == 0).all() and scene.backward.tolist() == [[1, 1]]


@pytest.mark.parametrize("seed", range(60))
def test_any_network_has_scenes_or_is_said_to_overflow(seed):
    rng = np.random.default_rng(seed)
    net = wild_network(rng)
    X = rng.normal(size=(rng.integers(1, 9), net.widths[0])) * 10.0 ** rng.choice([0, -300, 300])
    try:
        made, scene = one_scene(net, X, rng.integers(0, 3, len(X)))
    except ValueError as error:
        assert "overflow" in str(error)
        return
    assert np.isfinite(made.limits).all() and np.isfinite(scene.after).all()
    assert ((scene.backward + scene.mixed) <= 1 + 1e-12).all()
    for edges, rank, layer in zip(scene.edges, scene.rank, made.layers, strict=True):
        assert (edges is None) == (rank < net.widths[layer])


# Bad input


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"frames": []}, "frames must be a list of moments .* at least one, got none"),
        ({"frames": [3]}, "frames must have step, loss and network"),
        ({"frames": frames_of(random_network((2, 3)))}, "with a hidden layer"),
        (
            {"frames": frames_of(random_network((2, 3, 1)), random_network((2, 2, 1)))},
            "networks of one shape",
        ),
        ({"frames": frames_of(Network([Affine(np.eye(2), np.zeros(2))]))}, r"frames\[0\].network"),
        ({"X": np.ones((12, 3))}, "X must"),
        ({"X": np.ones((0, 2)), "y": []}, "X must hold at least one point"),
        ({"y": [0, 1]}, "y must"),
        ({"layers": [0]}, "layers must"),
        ({"layers": [3]}, "layers must be 1 to 12 numbers of hidden layers, from 1 to 2"),
        (
            {"layers": []},
            "layers must be a list of numbers of hidden layers, at least one, got none",
        ),
        ({"layers": 2}, "layers must be a list of numbers"),
        ({"frames": FilmReel()}, "frames must be a list of moments"),
        ({"projection": np.eye(2)}, "projection must be a Projection or None"),
        ({"projection": Projection(np.zeros(3), np.eye(3))}, "projection must go from 2"),
        ({"rtol": -1}, "rtol must"),
    ],
)
def test_wrong_arguments_are_refused(change, reason):
    arguments = {"frames": frames_of(random_network((2, 2, 2, 3))), "X": X2, "y": Y2} | change
    with pytest.raises(ValueError, match=reason):
        scenes_of(**arguments)
