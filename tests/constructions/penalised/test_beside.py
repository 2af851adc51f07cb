"""Units at rest beside active ones: that no other direction gains as much."""

import numpy as np
import pytest
from decayed import first_minimum, labels_of, loss_of, planted_decayed
from flint import arb

from constructions.critical.balls import Balls
from constructions.critical.cell import Cell, Pass
from constructions.penalised import beside, growth, minimum
from constructions.penalised.beside import (
    _kinks_are_free,
    _shares,
    is_simple,
    searched_beside,
    steepness,
)
from constructions.penalised.directions import Searched
from constructions.penalised.idle import read_and_slopes
from constructions.penalised.search import nearby_strict_points
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, split


def one_point(t, decay, units=2):
    """The minimum for one point x = 1 with target t, in one unit, beside others at rest."""
    c, e = 1 / np.sqrt(2), -decay / (2 * np.sqrt(2))
    v = np.sqrt((t + e - c) / np.sqrt(2))
    zero = [0.0] * (units - 1)
    w = [v / np.sqrt(2), *zero]
    return ReLUNetwork([np.array(w)[:, None], [[v, *zero]]], [w, [c]])


def proved(net, X, Y, decay):
    labels = labels_of(np.asarray(Y, float), len(X))
    per_class = [arb(1) / len(X)] * len(labels.classes)
    points = nearby_strict_points(net, np.asarray(X, float), labels, per_class, "mse", decay)
    return first_minimum(points)


@pytest.mark.parametrize("units", [2, 3])
def test_beside_the_only_unit_that_is_of_use_others_stay_at_rest(units):
    net, X, Y = one_point(3.0, 0.5, units), [[1.0]], [[3.0]]
    found, why = proved(net, X, Y, 0.5)
    assert found is not None and why.endswith("units at rest that turn into active ones")
    theta, rng = flatten(net.tensors), np.random.default_rng(0)
    start = loss_of(net.tensors, X, Y, "mse", 0.5)
    own = np.concatenate([np.ravel(t) for t in net.tensors[:3]])
    for k in range(500):
        way = 0.1 * rng.random() * rng.standard_normal(len(theta))
        if k % 2:  # next to turning into the active one
            u = np.roll(own.reshape(3, units), 1, axis=1).ravel()
            way = np.append(0.1 * rng.random() * u, 0.0) + 0.01 * way
        assert loss_of(split(theta + way, net), X, Y, "mse", 0.5) > start - 1e-15


# The two parts by hand


@pytest.mark.parametrize(("other", "known"), [(0.9, True), (1.0, False), (1.1, False)])
def test_the_largest_singular_value_must_be_simple(other, known):
    slopes, lifted = np.eye(2), np.diag([1.0, other])  # G = diag(1, other)
    unit = Balls(np.array([2.0, 0.0, -2.0, 0.0]))
    assert is_simple(Balls(slopes), Balls(lifted), unit, 1.0) == known
    assert not is_simple(Balls(slopes), Balls(lifted), Balls(np.zeros(4)), 1.0)
    assert not is_simple(Balls(slopes), Balls(lifted, np.full((2, 2), 0.2)), unit, 1.0)
    # a unit with the other sign is not what the form is zero at
    wrong = Balls(np.array([2.0, 0.0, 2.0, 0.0]))
    assert not is_simple(Balls(slopes), Balls(lifted), wrong, 1.0)


def test_the_unit_must_have_a_part_of_its_own_along_the_kernel():
    one = Balls(np.ones((1, 1))), Balls(np.eye(2)[:1])
    unit = np.array([3.0, 0.0, -3.0])
    assert is_simple(*one, Balls(unit), 1.0)
    assert is_simple(*one, Balls(-unit), 1.0)
    # with a radius as long as it is, it may be anything
    for reach in (3.1, 10.0):
        assert not is_simple(*one, Balls(unit, np.full(3, reach)), 1.0)
        assert not is_simple(*one, Balls(-unit, np.full(3, reach)), 1.0)


class Asked:
    """A cell of two units and two points, both on at both but for kinks, and what it is asked."""

    def __init__(self, monkeypatch, kinks=(), widths=(1, 2, 1), radius=0.0, multiplier=0.5):
        self.simple, self.rays = [], None
        monkeypatch.setattr(beside, "is_simple", lambda *given: self.simple.append(given) or True)
        monkeypatch.setattr(beside, "searched", self.below)
        d, m, _ = widths
        X, masks, slopes = np.array([[1.0], [2.0]]) * np.ones(d), np.ones((2, m)), np.ones((2, m))
        for l, i, u in kinks:
            if l == 0:
                masks[i, u], slopes[i, u] = 0.0, multiplier
        self.cell = Cell(widths, Balls(X), Balls(np.zeros((2, 1))), [], [masks], list(kinks))
        self.theta = Balls(np.ones(self.cell.places[-1][1].stop))
        slopes = [Balls(slopes), Balls(np.ones((2, 1)), np.array([[0.0], [radius]]))]
        W = [Balls(np.ones((m, d))), Balls(np.ones((1, m)))]
        gains = [Balls(np.ones((2, m)))]
        self.found = Pass(W, [Balls(X), Balls(np.ones((2, m)))], [], slopes, gains)

    def below(self, slopes, lifted, rays, decay):
        self.rays = rays
        return Searched(True)

    def __call__(self, units, **more):
        return not searched_beside(
            self.cell, self.found, self.theta, 0, units, 1.0, **more
        ).is_below


def test_it_is_asked_only_where_the_statement_speaks(monkeypatch):
    assert not Asked(monkeypatch)([(0, 1)])
    assert Asked(monkeypatch)([(0, 0), (0, 1)])  # no unit is active
    assert not Asked(monkeypatch, [(1, 0, 0)])([(0, 1)])  # a kink of another layer is none
    assert Asked(monkeypatch, radius=np.inf)([(0, 1)])
    asked = Asked(monkeypatch)
    asked.found.inputs[0].rad[1] = np.inf
    assert asked([(0, 1)])


@pytest.mark.parametrize(
    ("multiplier", "known"), [(0.5, True), (0.0, False), (1.0, False), (-0.1, False), (1.1, False)]
)
def test_a_multiplier_must_be_inside_of_its_bounds(multiplier, known, monkeypatch):
    asked = Asked(monkeypatch, [(0, 0, 0)], multiplier=multiplier)
    assert asked([(0, 1)]) != known
    if known:
        (ray,) = asked.rays
        assert ray.shares.tolist() == [0.5, 1.0]
        assert ray.may_differ.tolist() == [True, True]  # the slopes of both push the unit off
        assert asked.simple[0][0].mid.tolist() == [[0.5], [1.0]]


def test_a_multiplier_is_known_in_a_ball_only(monkeypatch):
    for reach, known in ((0.4, True), (0.5, False)):
        asked = Asked(monkeypatch, [(0, 0, 0)])
        asked.found.slopes[0].rad[0, 0] = reach
        assert asked([(0, 1)]) != known
        asked = Asked(monkeypatch, [(0, 0, 0)])
        asked.found.gains[0].rad[0, 0] = reach
        assert asked([(0, 1)]) != known


def test_a_point_that_a_unit_is_pulled_to_may_not_differ(monkeypatch):
    asked = Asked(monkeypatch)
    asked.found.slopes[1].mid[1] = -1.0
    assert not asked([(0, 1)])
    assert asked.rays[0].may_differ.tolist() == [True, False]


@pytest.mark.parametrize("d", [1, 2])
def test_rows_of_kinks_must_be_independent_or_span_all_that_they_can(d, monkeypatch):
    # with one input two rows (x, 1) are as many as the entries of (w, b): one of them spans both
    kinks = [(0, 0, 0), (0, 1, 0)]
    asked = Asked(monkeypatch, kinks, widths=(d, 2, 1))
    assert not asked([(0, 1)])
    # equal rows: with one input one of them will do, with two none may be left out but by a proof
    asked.found.inputs[0].mid[:] = 1.0
    assert asked([(0, 1)]) == (d == 2)
    assert not asked([(0, 1)], dependent={1})
    # an input that is 0 at all points is no entry
    asked.found.inputs[0].mid[:, 1:] = 0.0
    assert not asked([(0, 1)])


def test_each_active_unit_is_asked_for_and_what_is_not_below_is_told(monkeypatch):
    for name, answers in (("is_simple", [True, False]), ("searched", [Searched()])):
        asked, left = Asked(monkeypatch, widths=(1, 3, 1)), iter(answers)
        monkeypatch.setattr(beside, name, lambda *given, left=left: next(left))
        assert asked([(0, 2)]) and next(left, None) is None


@pytest.mark.parametrize("rows", [[0], [0, 2], []])
@pytest.mark.parametrize("kinks", [False, True])
def test_points_that_are_dead_below_are_the_last_one(rows, kinks):
    """As of the rows that are asked about: a share says of each what of its slope counts."""
    below, own = np.ones((4, 2)), np.array([[1.0], [0.0], [1.0], [1.0]])
    below[rows] = 0.0
    below[1, 0] = 0.0  # half dead is not dead
    at = [(1, i, 0) for i in rows] if kinks else []
    own[[i for _, i, _ in at]] = 0.0
    cell = Cell((1, 2, 1, 1), Balls(np.ones((4, 1))), None, [], [below, own], at)
    one, two = Balls(np.array([[1.0], [0], [3], [0]])), Balls(np.array([[4.0], [0], [4], [0]]))
    found = Pass([], [None, Balls(below)], [], [None, one, Balls(np.ones((4, 1)))], [None, two])
    lifted = read_and_slopes(found, cell, 1)[1]
    shares = _shares(cell, found, 1, 0)
    alive = [i for i in range(4) if i not in rows]
    # of kinks at dead points, that have one height, the sums of multipliers and rises decide
    last = {0: 1.0, 1: 0.25, 2: 0.5}[len(rows) if kinks else 0]
    assert shares.mid.tolist() == [*own[alive, 0], *([last] if rows else [])]
    assert (shares.rad[:-1] == 0).all() and shares.rad[-1] < 1e-12
    assert len(shares) == len(lifted.mid)
    if len(at) == 2:  # one that is dead is on its kink, and one is not: that cannot be
        assert _shares(cell._replace(kinks=at[:1]), found, 1, 0) is None


# On a kink


def planted(widths, kinks, seed, N=6):
    """A minimum on kinks, with one more unit, at rest."""
    net, X, Y = planted_decayed(widths, N, kinks, seed, decay=0.1)
    (W, V), (b, c) = net.weights, net.biases
    W, V = np.vstack([W, 0 * W[:1]]), np.hstack([V, 0 * V[:, :1]])
    return ReLUNetwork([W, V], [np.append(b, 0.0), c]), X, Y


@pytest.mark.parametrize(
    ("widths", "kinks", "seed"),
    [
        ((1, 2, 1), [(0, 0, 0)], 19),
        ((1, 2, 1), [(0, 0, 0)], 81),
        ((2, 2, 1), [(0, 0, 0), (0, 1, 1)], 10),
    ],
)
def test_beside_units_on_kinks_others_stay_at_rest(widths, kinks, seed):
    net, X, Y = planted(widths, kinks, seed)
    found, why = proved(net, X, Y, 0.1)
    assert found is not None and why.endswith("units at rest that turn into active ones")
    theta, rng, (W, V) = flatten(net.tensors), np.random.default_rng(0), net.weights
    start = loss_of(net.tensors, X, Y, "mse", 0.1)
    for k in range(400):
        way = 0.03 * rng.random() ** 3 * rng.standard_normal(len(theta))
        near = split(theta + way, net)
        if k % 4:  # next to turning into one of the active ones
            u, t = k % (len(W) - 1), 0.3 * rng.random() ** 2
            spread = 1 + 0.1 * rng.random() * rng.standard_normal(3)
            near[0][-1] = t * spread[0] * W[u]
            near[1][-1] = t * spread[1] * net.biases[0][u]
            near[2][:, -1] = t * spread[2] * V[:, u]
            if k % 4 > 1:  # and the active one with it, as on the orbit
                for tensor in near[:2]:
                    tensor[u] *= np.sqrt(1 - t * t)
                near[2][:, u] *= np.sqrt(1 - t * t)
        assert loss_of(near, X, Y, "mse", 0.1) > start - 1e-14


def beside_a_kink(other, rise, across=0.0):
    """(w, b, v) = (1, 0, 0; 1, 0) on its kink at the last of four points, decay 1.

    With the kink held, what else a unit gains is `other`; the multiplier is 0.5, `rise` its bound.
    """
    lifted = np.array([[1.0, 0.0, -0.5], [1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
    slopes = np.array([[-1.0, 0.0], [0.0, -other / 2], [0.0, other / 2], [rise, across]])
    masks = np.array([[1.0, 0.0]] * 3 + [[0.0, 0.0]])
    cell = Cell((2, 2, 2), Balls(lifted[:, :2]), None, [], [masks], [(0, 3, 0)])
    W = [Balls(np.zeros((2, 2))), Balls(np.eye(2))]
    multipliers = Balls(np.array([[0.0, 0], [0, 0], [0, 0], [0.5, 0]]))
    gains = [Balls(slopes @ np.eye(2))]
    theta = Balls(np.array([1.0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]))
    found = Pass(W, [None], [], [multipliers, Balls(slopes)], gains)
    return cell, found, theta, Balls(slopes), Balls(lifted)


@pytest.mark.parametrize(
    ("other", "rise", "across", "known"),
    [
        (0.9, 1.0, 0.0, True),
        (1.0, 1.0, 0.0, False),  # a tie: another unit gains as much
        (1.1, 1.0, 0.0, False),  # the multiplier is strict, and the form indefinite
        (0.9, 0.5, 0.0, False),  # the multiplier is at its bound
        (0.9, 0.4, 0.0, False),  # next to the ray a unit gains more
        (0.9, 1.0, 0.5, True),
        (0.9, 1.0, 5.0, True),  # its slope alone makes another singular value too large
    ],
)
@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_next_to_a_kink_the_form_decides(other, rise, across, known, scale, monkeypatch):
    cell, found, theta, slopes, lifted = beside_a_kink(other, rise, across)
    rays = []

    def below(slopes, lifted, given, decay):
        rays.extend(given)
        return Searched(True)

    monkeypatch.setattr(beside, "read_and_slopes", lambda *given: (slopes * scale, lifted))
    monkeypatch.setattr(beside, "searched", below)
    # the last entry of the third row is its own, not a bias: rows are asked about apart
    monkeypatch.setattr(beside, "_kinks_are_free", lambda *given: True)
    found = found._replace(
        slopes=[part * scale for part in found.slopes],
        gains=[part * scale for part in found.gains],
    )
    assert searched_beside(cell, found, theta, 0, [(0, 1)], scale).is_below == known
    # what is claimed, of directions next to the ray
    rng = np.random.default_rng(0)
    far = 10.0 ** rng.uniform(-4, 0.5, (20_000, 1))
    w = far * rng.standard_normal((20_000, 3)) + [1, 0, 0]
    heights = w @ lifted.mid.T
    gains = np.maximum(heights, 0) @ slopes.mid
    is_more = np.linalg.norm(gains, axis=1) > np.linalg.norm(w, axis=1) * (1 + 1e-12)
    if not known:
        assert other == 1 or rise == 0.5 or is_more[far[:, 0] < 0.1].any()
        return
    (ray,) = rays
    assert ray.shares[3] == pytest.approx(0.5 / rise)
    as_there = ((heights > 0) & (ray.shares == 1)) | ((heights < 0) & (ray.shares == 0))
    falls = -gains @ slopes.mid.T >= ray.steep / scale * abs(heights)
    holds = (as_there | (falls & ray.may_differ)).all(axis=1)
    assert holds[far[:, 0] < 1e-3].all()
    assert not is_more[holds].any()
    assert (np.max(ray.steep) > 0) == (across > 1)


def test_what_ascents_miss_the_search_finds(monkeypatch):
    def last(slopes, lifted, given):
        return given[-1] / np.linalg.norm(given[-1])

    monkeypatch.setattr(growth, "strongest", last)  # no ascent: an active unit, or what was found
    net, X, Y = planted((1, 2, 1), [(0, 0, 0)], 2)
    labels = labels_of(np.asarray(Y, float), len(X))
    per_class = [arb(1) / len(X)] * len(labels.classes)
    found, why = next(nearby_strict_points(net, X, labels, per_class, "mse", 0.1))
    assert why == "a saddle on 1 kink, with 1 unit at rest at zero"
    monkeypatch.setattr(minimum, "searched_beside", lambda *given: Searched())
    found, why = next(nearby_strict_points(net, X, labels, per_class, "mse", 0.1))
    assert found is None and why.endswith("the best direction found gains 1 times the decay")


def test_a_form_is_bent_by_twice_what_is_given():
    # w_2, v_2 with the singular value 1.1: positive if 1 + 2 B > 1.21
    slopes, lifted, unit = np.eye(2), np.diag([1.0, 1.1]), Balls(np.array([2.0, 0.0, -2.0, 0.0]))
    for bend, known in ((0.1, False), (0.11, True)):
        form = Balls(np.diag([0.0, bend]))
        assert is_simple(Balls(slopes), Balls(lifted), unit, 1.0, form) == known


@pytest.mark.parametrize(("share", "reach"), [(0.2, 0.1), (0.9, 0.05), (0.5, 0.0)])
def test_the_steepness_is_what_the_smaller_part_asks_for(share, reach):
    # as above, with the kink at (0, 2): of the decay over its square 1/8 is enough for 1.1
    lifted = np.array([[1.0, 0.0], [0.0, 1.1], [0.0, 2.0]])
    slopes = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    shares = Balls(np.array([1.0, 1.0, share]), np.array([0.0, 0.0, reach]))
    unit, between = Balls(np.array([2.0, 0.0, -2.0, 0.0])), np.array([False, False, True])
    steep = steepness(Balls(slopes), Balls(lifted), shares, between, unit, 1.0)
    room = min(share - reach, 1 - share - reach)
    assert steep.tolist() == [0.0, 0.0, pytest.approx(0.125 / 4 / room)]


def test_a_rise_that_may_be_negative_bounds_nothing(monkeypatch):
    asked = Asked(monkeypatch, [(0, 0, 0)])
    asked.found.gains[0].rad[0, 0] = 1.5
    assert asked([(0, 1)])


def test_rows_that_span_less_than_they_can_are_not_enough():
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    for points in ([0, 1], [0, 1, 2]):
        cell = Cell((2, 1, 1), None, None, [], [], [(0, i, 0) for i in points])
        # an entry that is 0 at the kinks, and not at all points, is one
        assert not _kinks_are_free(cell, Pass([], [Balls(rows)], []), 0, 0, ())
        reach = np.array([[0.0, 0.1], [0, 0], [0, 0]])
        assert not _kinks_are_free(cell, Pass([], [Balls(rows[:3], reach)], []), 0, 0, ())
        assert _kinks_are_free(cell, Pass([], [Balls(rows[:3])], []), 0, 0, ())
    cell = cell._replace(kinks=[(0, 0, 0), (0, 1, 0), (0, 3, 0)])
    assert _kinks_are_free(cell, Pass([], [Balls(rows)], []), 0, 0, ())
