"""Every piece is in one region and has one answer, that of the network; together they are all."""

import numpy as np
import pytest
from builders import random_network

from geomcore import ReLUNetwork, linear_regions
from training.descent.losses import as_loss, offset_of, predicted
from training.experiments.regions.pieces import pieces_of, scored

BOX = [(-2.0, 2.0), (-1.0, 3.0)]
STEP = ReLUNetwork([[[1.0, 0.0]], [[1.0]]], [[0.0], [0.0]])  # max(x1, 0)


def area(polygon):
    x, y = (polygon - polygon[0]).T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


def inside(polygon, rng):
    """Points inside of a convex polygon."""
    return rng.dirichlet(np.ones(len(polygon)), 3) @ polygon


@pytest.mark.parametrize("targets", [None, [[0.0], [1.0]], [[1.0], [-1.0]], [[3.0], [0.0], [1.0]]])
@pytest.mark.parametrize("seed", range(3))
def test_pieces_of_one_output_are_answered_as_the_network_answers(seed, targets):
    net, rng = (
        random_network((2, 8, 5, 1), seed, scaled=True, bias=0.3),
        np.random.default_rng(seed),
    )
    found = linear_regions(net, BOX)
    pieces = pieces_of(scored(found, targets))
    areas = np.array([area(polygon) for polygon in pieces.polygons])
    assert (areas > 0).all()
    np.testing.assert_allclose(np.bincount(pieces.region, areas), found.areas, rtol=1e-7, atol=1e-9)
    T = np.array([[-1.0], [1.0]] if targets is None else targets)
    for polygon, answer in zip(pieces.polygons, pieces.answer, strict=True):
        if area(polygon) > 1e-9:
            out = net(inside(polygon, rng))
            assert (predicted(out, T, offset_of(as_loss("mse"), T)) == answer).all()


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_pieces_of_many_outputs_are_those_of_the_largest(scale):
    rng = np.random.default_rng(0)
    one = random_network((2, 8, 4), 1, scaled=True, bias=0.3)
    net = ReLUNetwork(
        [one.weights[0], scale * one.weights[1]], [one.biases[0], scale * one.biases[1]]
    )
    found = linear_regions(net, BOX)
    pieces = pieces_of(scored(found))
    areas = [area(polygon) for polygon in pieces.polygons]
    np.testing.assert_allclose(np.bincount(pieces.region, areas), found.areas, rtol=1e-7)
    assert len(pieces.polygons) > len(found)
    for polygon, answer in zip(pieces.polygons, pieces.answer, strict=True):
        assert (net(inside(polygon, rng)).argmax(axis=1) == answer).all()


def test_the_first_of_a_tie_is_answered():
    # the output is 0 on the left half: the first class
    pieces = pieces_of(scored(linear_regions(STEP, BOX)))
    left = np.array([polygon[:, 0].mean() < 0 for polygon in pieces.polygons])
    assert len(left) == 2 and (pieces.answer == np.where(left, 0, 1)).all()
    twins = ReLUNetwork([[[1.0, 0.0]], [[-1.0], [1.0], [1.0]]], [[0.0], [0.5, -0.5, -0.5]])
    pieces = pieces_of(scored(linear_regions(twins, BOX)))
    assert sorted(pieces.answer) == [0, 0, 1]
    assert sum(map(area, pieces.polygons)) == pytest.approx(16)


def test_a_boundary_on_edges_of_regions_cuts_nothing():
    steps = ReLUNetwork([[[1.0, 0.0], [-1.0, 0.0]], [[1.0, -1.0]]], [[0.0, 0.0], [0.0]])
    found = linear_regions(steps, BOX)
    assert len(pieces_of(scored(found)).polygons) == len(found) == 2


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_outputs_and_targets_of_any_size_are_cut_alike(scale):
    one = random_network((2, 6, 1), 0, scaled=True, bias=0.3)
    net = ReLUNetwork(
        [one.weights[0], scale * one.weights[1]], [one.biases[0], scale * one.biases[1]]
    )
    targets = np.array([[-1.0], [2.0], [1.0]])
    wanted = pieces_of(scored(linear_regions(one, BOX), targets))
    pieces = pieces_of(scored(linear_regions(net, BOX), scale * targets))
    assert len(wanted.polygons) > len(linear_regions(one, BOX))
    np.testing.assert_array_equal(pieces.answer, wanted.answer)
    np.testing.assert_allclose(np.vstack(pieces.polygons), np.vstack(wanted.polygons), atol=1e-9)
