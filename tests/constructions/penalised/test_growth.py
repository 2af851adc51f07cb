"""What units at rest gain as they grow: the best direction, a bound of all, and the way down."""

import numpy as np
import pytest
from decayed import loss_of
from resting import behind, cell_of, passed

from constructions import verify
from constructions.critical.balls import Balls
from constructions.penalised.growth import gain_in, is_below, way_to_grow
from constructions.verification.near_strict import _most
from geomcore import ReLUNetwork
from geomcore.parameters import split


def grown(cell, found, units, decay, dependent=()):
    ((layer, _),) = units
    return way_to_grow(cell, gain_in(cell, found, layer, units), units, decay, dependent)


# Kinks above the unit


def test_kinks_that_depend_on_others_above_the_unit_leave_it_open():
    cell, found, units = behind(np.array([[0.8]]), np.array([[0.75]]), first=True)
    below, above = (0, 0, 0), (1, 0, 0)
    for kinks, dependent, known in (
        ([below], [], True),
        ([below, above], [], True),
        ([below, above], [0], True),
        ([below, above], [1], False),
        ([above, below], [0], False),
        ([above], [0], False),
    ):
        way = grown(cell._replace(kinks=kinks), found, units, 0.5, dependent)
        assert (way is not None) == known


# Cones


@pytest.mark.parametrize("decay", [0.3536, 0.42, 0.4999])
def test_cones_prove_that_a_layer_stays_at_rest_where_norms_do_not(decay):
    """Two points of a line that pull apart: a unit gains 1/4 of sqrt 2, and norms allow 1/2."""
    zero = np.zeros
    net = ReLUNetwork([zero((2, 1)), zero((1, 2))], [zero(2), zero(1)])
    about = {"loss": "bce", "targets": [[0.0], [1.0]]}
    found = verify(net, [[-1.0], [1.0]], [0, 1], weight_decay=decay, **about)
    assert (found.verdict, found.proved) == ("local minimum", True)
    rng = np.random.default_rng(0)
    X, Y = [[-1.0], [1.0]], [[0.0], [1.0]]
    start = loss_of(net.tensors, X, Y, "bce", decay)
    for _ in range(300):
        way = 0.1 * rng.random() * rng.standard_normal(net.parameter_count)
        assert loss_of(split(way, net), X, Y, "bce", decay) > start


def test_at_the_edge_nothing_is_said_and_below_it_the_unit_grows():
    zero = np.zeros
    net = ReLUNetwork([zero((2, 1)), zero((1, 2))], [zero(2), zero(1)])
    about = {"loss": "bce", "targets": [[0.0], [1.0]]}
    edge = np.sqrt(2) / 4
    for decay, verdict in ((edge, "undetermined"), (edge * (1 - 1e-6), "saddle")):
        found = verify(net, [[-1.0], [1.0]], [0, 1], weight_decay=decay, **about)
        assert found.verdict == verdict
    found = verify(net, [[-1.0], [1.0]], [0, 1], weight_decay=edge, **about)
    text = " ".join(found.summary().split())
    assert "without 2 units at rest it is a local minimum" in text
    assert "gains 1 times the decay" in text


@pytest.mark.parametrize("seed", range(4))
def test_what_cones_prove_holds_of_all_slopes_and_inputs_in_the_balls(seed):
    rng = np.random.default_rng(seed)
    slopes, read = rng.standard_normal((5, 2)), rng.standard_normal((5, 1))
    cell = cell_of((1, 1, 2), [np.zeros((5, 1))])
    found = passed([np.zeros((5, 1)), slopes], [read])
    turns = np.linspace(0, 2 * np.pi, 10_001)
    W = np.column_stack([np.cos(turns), np.sin(turns)])
    radius = 0.01

    def most(s, h):
        return np.linalg.norm(np.maximum(W @ np.c_[h, np.ones(5)].T, 0) @ s, axis=1).max()

    exact = most(slopes, read)
    gain = gain_in(cell, found, 0, [(0, 0)])
    # the grid is a little below
    assert exact * (1 - 1e-11) < gain.least <= exact * (1 + 1e-3)
    assert is_below(cell, found, gain, gain.least * 1.001, _most)
    assert not is_below(cell, found, gain, gain.least * 1.001, None)
    assert not is_below(cell, found, gain, exact, _most)
    found.slopes[1].rad[:], found.inputs[0].rad[:] = radius, radius
    gain = gain_in(cell, found, 0, [(0, 0)])
    far = max(
        most(slopes + radius * rng.choice([-1, 1], slopes.shape), read + radius * side)
        for side in (-1, 1)
        for _ in range(5)
    )
    assert not is_below(cell, found, gain, far, _most)
    wide = exact + 2 * radius * (5 * np.abs(read).max() + np.abs(slopes).sum() + 10)
    assert is_below(cell, found, gain, wide, _most)


@pytest.mark.parametrize("place", ["slopes", "inputs"])
def test_what_the_radii_add_is_on_top_of_the_bound(place):
    # the one point gains 1; radii of 0.01 add 0.01 times (3/4 + 1), or times 0.8
    cell, found, units = behind(np.array([[0.8]]), np.array([[0.75]]), first=True)
    part = found.slopes[1] if place == "slopes" else found.inputs[0]
    part.rad[:] = 0.01
    most = 0.01 * (1.75 if place == "slopes" else 0.8)
    gain = gain_in(cell, found, 0, units)
    for bound, known in ((1.1 - most + 1e-4, False), (1.1 - most - 1e-4, True), (1.05, True)):
        assert is_below(cell, found, gain, 1.1, lambda *given, bound=bound: bound) == known
    # a search is asked for what is enough
    asked = []
    is_below(cell, found, gain, 1.1, lambda *given: asked.append(given[2]) or 2.0)
    assert asked[0] == pytest.approx(0.1 - most, abs=1e-6)


def test_an_output_that_a_unit_does_not_pull_is_left_alone():
    cell, found, units = behind(np.array([[0.8]]), np.array([[0.75]]), first=True)
    found.slopes[1] = Balls([[0.8, 0.0]])
    cell = cell._replace(widths=(1, 1, 2))
    way, _ = grown(cell, found, units, 0.5)
    assert way[way != 0] * np.sqrt(2) == pytest.approx([0.6, 0.8, -1])


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_neither_underflow_nor_overflow_proves_anything(scale):
    slopes, read = scale * np.array([[0.8], [-0.4]]), np.array([[0.75], [0.1]])
    cell = cell_of((1, 1, 1), [np.zeros((2, 1))])
    found = passed([np.zeros((2, 1)), slopes], [read])
    gain = gain_in(cell, found, 0, [(0, 0)])
    exact = scale * 0.8 * np.hypot(0.75, 1)  # on at the first point alone is better
    assert gain.least <= exact * (1 + 1e-12)
    assert not is_below(cell, found, gain, gain.least * (1 - 1e-9), _most)
    assert way_to_grow(cell, gain, [(0, 0)], exact * (1 + 1e-9)) is None


def test_of_slopes_that_are_not_finite_nothing_is_said():
    cell, found, units = behind(np.array([[0.8]]), np.array([[0.75]]), first=True)
    found.slopes[1] = Balls([[np.inf]])
    with np.errstate(all="ignore"):
        gain = gain_in(cell, found, 0, units)
        assert gain.least == 0 and way_to_grow(cell, gain, units, 0.5) is None
        assert not is_below(cell, found, gain, 0.5, _most)


# The way down by hand


@pytest.mark.parametrize("radius", [0.0, 0.02])
@pytest.mark.parametrize("seed", range(8))
def test_what_a_growing_unit_gains_is_never_more_than_at_any_point_of_the_balls(seed, radius):
    rng = np.random.default_rng(seed)
    slopes, read = rng.standard_normal((4, 2)), 3 * rng.standard_normal((4, 1))
    cell = cell_of((1, 1, 2), [np.zeros((4, 1))])
    found = passed([np.zeros((4, 1)), slopes], [read])
    found.slopes[1].rad[:], found.inputs[0].rad[:] = radius, radius
    decay = 1e-3
    way, bend = grown(cell, found, [(0, 0)], decay)
    w = way[:2] / np.linalg.norm(way[:2])
    gains = []
    for _ in range(200 if radius else 1):
        s = slopes + radius * rng.choice([-1.0, 1.0], slopes.shape)
        h = read + radius * rng.choice([-1.0, 1.0], read.shape)
        gains.append(np.linalg.norm(np.maximum(h * w[0] + w[1], 0)[:, 0] @ s))
    assert bend >= decay - min(gains) - 1e-13
    assert radius or bend <= decay - gains[0] + 1e-10


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("first", [True, False])
def test_a_unit_grows_if_one_direction_gains_more_than_the_decay(first, side):
    # one point that reads (3/4, 1): the gain is 5/4 of the slope, along (3, 4) / 5
    cell, found, units = behind(np.array([[0.8 * side]]), np.array([[0.75]]), first=first)
    for decay in (0.5, 1 - 1e-9):
        way, bend = grown(cell, found, units, decay)
        assert decay - 1 <= bend < min(decay - 1 + 1e-11, 0)
        assert np.linalg.norm(way) == pytest.approx(1)
        own = way[way != 0]
        assert own * np.sqrt(2) == pytest.approx([0.6, 0.8, -side])
    for decay in (1.0, 1 + 1e-9, 2.0):
        assert grown(cell, found, units, decay) is None


def test_what_a_growing_unit_gains_is_that_of_all_in_the_balls():
    cell, found, units = behind(np.array([[0.8]]), np.array([[0.75]]), first=True)
    found.slopes[1] = Balls([[0.8]], [[0.2]])  # 0.6 * 5/4 = 0.75
    assert -0.25 <= grown(cell, found, units, 0.5)[1] < -0.16  # the square is 1 +- 0.5625
    assert grown(cell, found, units, 0.76) is None
    found.slopes[1] = Balls([[0.8]])
    found.inputs[0] = Balls([[0.75]], [[0.25]])  # 0.8 * (0.6 * 0.5 + 0.8) = 0.88
    assert -0.38 <= grown(cell, found, units, 0.5)[1] < -0.36
    assert grown(cell, found, units, 0.89) is None


def test_a_gain_that_may_be_nothing_or_is_just_the_decay_is_none():
    cell, found, units = behind(np.array([[0.8]]), np.array([[0.75]]), first=True)
    found.slopes[1] = Balls([[0.8]], [[5.0]])
    assert grown(cell, found, units, 1e-300) is None
    found.slopes[1] = Balls([[0.8]])
    _, bend = grown(cell, found, units, 1e-300)
    most = -np.nextafter(bend, -np.inf)  # what is proved of the gain
    assert grown(cell, found, units, most) is None
    assert grown(cell, found, units, np.nextafter(most, 0))[1] <= 0
