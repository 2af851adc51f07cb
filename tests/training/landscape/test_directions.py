"""Directions have the sizes that are promised, and a plane is the nearest one."""

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from geomcore.parameters import flatten, unflatten
from training import random_direction, trajectory_plane


@given(st.integers(0, 2**32 - 1))
def test_sizes_are_those_of_the_network(seed):
    rng = np.random.default_rng(seed)
    net = random_network((2, 3, 1), rng)
    parts = {
        scale: unflatten(net, random_direction(net, scale=scale, rng=seed)).tensors
        for scale in ("filter", "tensor", "layer")
    }
    for mine, theirs in zip(net.tensors, parts["filter"], strict=True):
        along = None if mine.ndim == 1 else -1
        sizes = [np.abs(t) if along is None else np.linalg.norm(t, axis=1) for t in (mine, theirs)]
        np.testing.assert_allclose(*sizes, rtol=1e-12)
    for mine, theirs in zip(net.tensors, parts["tensor"], strict=True):
        assert np.linalg.norm(theirs) == pytest.approx(np.linalg.norm(mine), rel=1e-12)
    for first in (0, 2):
        sizes = [
            np.linalg.norm(flatten(t[first : first + 2])) for t in (net.tensors, parts["layer"])
        ]
        assert sizes[0] == pytest.approx(sizes[1], rel=1e-12)


def test_the_seed_decides_and_the_scale_does_not_change_what_is_drawn():
    net = random_network((2, 3, 1), 0)
    assert (random_direction(net, rng=1) == random_direction(net, rng=1)).all()
    assert (random_direction(net, rng=1) != random_direction(net, rng=2)).any()
    raw = unflatten(net, random_direction(net, scale="none", rng=1))
    scaled = unflatten(net, random_direction(net, scale="filter", rng=1))
    for a, b in zip(raw.weights, scaled.weights, strict=True):
        cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        np.testing.assert_allclose(cosine, 1)


def test_a_row_of_zeros_stays_at_rest():
    net = ReLUNetwork([[[0.0], [1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    v = unflatten(net, random_direction(net))
    assert v.weights[0][0] == 0 and (v.biases[0] == 0).all() and v.weights[0][1] != 0


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_no_other_plane_through_the_centre_is_nearer(seed, count):
    rng = np.random.default_rng(seed)
    net = random_network((2, 3, 1), rng)
    theta = net.packed()[0]
    nets = [unflatten(net, theta + rng.normal(size=theta.size)) for _ in range(count)] + [net]
    plane = trajectory_plane(nets)
    assert f"farthest={plane.distances.max():.6g}" in repr(plane).replace("\n    ", " ")
    D = plane.directions
    np.testing.assert_allclose(D @ D.T, np.eye(2), atol=1e-12)
    moved = np.array([n.packed()[0] for n in nets]) - theta
    np.testing.assert_allclose(plane.coordinates, moved @ D.T, atol=1e-10)
    rest = moved - plane.coordinates @ D
    np.testing.assert_allclose(plane.distances, np.linalg.norm(rest, axis=1), atol=1e-10)
    total = (moved**2).sum()
    assert (plane.distances**2).sum() == pytest.approx(
        total * (1 - plane.explained.sum()), abs=1e-8
    )
    for _ in range(5):
        Q, _ = np.linalg.qr(rng.normal(size=(theta.size, 2)))
        other = ((moved - moved @ Q @ Q.T) ** 2).sum()
        assert (plane.distances**2).sum() <= other + 1e-9 * total
    assert (plane.coordinates[-1] == 0).all() and plane.distances[-1] == 0


def test_wrong_calls_say_which_argument():
    net = random_network((2, 3, 1))
    for call, told in (
        (lambda: random_direction(3), "net must be"),
        (lambda: random_direction(net, scale="filters"), "scale must .*did you mean 'filter'"),
        (lambda: random_direction(net, rng="x"), "rng must"),
        (lambda: trajectory_plane([]), "networks must be"),
        (lambda: trajectory_plane([net, 3]), r"center must be|networks\[1\] must"),
        (lambda: trajectory_plane([3, net]), r"networks\[0\] must be"),
        (lambda: trajectory_plane([random_network((2, 2, 1)), net]), r"networks\[0\] must have"),
        (lambda: trajectory_plane([net, net]), "networks must span a plane"),
        (lambda: trajectory_plane([net, random_network((2, 3, 1), 1)]), "must span a plane"),
    ):
        with pytest.raises(ValueError, match=told):
            call()
