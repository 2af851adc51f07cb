"""Units at rest beside active ones: that no other direction gains as much."""

import numpy as np
import pytest
from decayed import first_minimum, labels_of, loss_of
from flint import arb

from constructions.critical.balls import Balls
from constructions.critical.cell import Cell, Pass
from constructions.penalised import beside
from constructions.penalised.ascent import strongest
from constructions.penalised.beside import _halves, _mask, all_below, gains_elsewhere, is_simple
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


@pytest.mark.parametrize(("part", "known"), [(0.0, True), (0.9, True), (1.001, False)])
def test_no_other_cone_may_gain_the_decay(part, known, monkeypatch):
    monkeypatch.setattr(beside, "CONES", 1000)
    # each point alone gains its length times its slope, where the other is off
    rows = np.array([[1.0, 1.0], [-2.0, 1.0]])
    slopes = np.array([[-1.0], [part * np.sqrt(2 / 5)]])
    first, both = np.array([[True, False]]), np.array([[True, False], [False, True]])
    assert all_below(Balls(slopes), Balls(rows), first, np.sqrt(2)) == known
    assert all_below(Balls(slopes), Balls(rows), both, np.sqrt(2))
    # without the cell of the best direction nothing is proved
    assert not all_below(Balls(slopes), Balls(rows), first[:0], np.sqrt(2))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("D", [2, 3])
def test_what_is_proved_holds_on_a_grid(D, seed, monkeypatch):
    monkeypatch.setattr(beside, "CONES", 5000)
    rng = np.random.default_rng(seed)
    rows, slopes = rng.standard_normal((6, D)), rng.standard_normal((6, 2))
    W = rng.standard_normal((20_000, D))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    value = np.linalg.norm(np.maximum(W @ rows.T, 0) @ slopes, axis=1)
    mask = rows @ W[value.argmax()] > 0
    outside = ((W @ rows.T > 0) != mask).any(axis=1)
    most = value[outside].max()
    answers = [
        all_below(Balls(slopes), Balls(rows), mask[None], most * part) for part in (0.999, 1.05)
    ]
    assert answers == [False, True]
    wide = Balls(slopes, np.full(slopes.shape, 0.1))
    assert not all_below(wide, Balls(rows), mask[None], most * 1.001)


def test_halves_of_a_cone_are_exact_and_make_it_up():
    cone = np.array([[1.0, 0.0], [0.0, 1.0]])
    dots = np.eye(2)
    one, two = _halves(cone[None], dots[None])
    assert sorted(map(str, (one.tolist(), two.tolist()))) == sorted(
        map(str, ([[0.5, 0.5], [0.0, 1.0]], [[1.0, 0.0], [0.5, 0.5]]))
    )
    rounded = np.array([[1.0, 0.0], [2.0**-60, 1.0]])
    assert _halves(rounded[None], dots[None]) is None
    assert _halves(np.ones((1, 1, 1)), np.ones((1, 1, 1))) is None


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales_prove_nothing_that_is_not_so(scale, monkeypatch):
    monkeypatch.setattr(beside, "CONES", 1000)
    rows, slopes = np.array([[1.0, 1.0], [-1.0, 1.0]]), scale * np.array([[-1.0], [1.0]])
    for first in ([True, False], [True, True]):
        assert not all_below(Balls(slopes), Balls(rows), np.array([first]), scale * np.sqrt(2))


# Nothing may be told as proved that is not


def problem_of(seed, N, D, Q):
    """Slopes, rows, and the largest gain there is, by ascents from a dense set of directions."""
    rng = np.random.default_rng(seed)
    rows, slopes = rng.standard_normal((N, D)), rng.standard_normal((N, Q))
    w = strongest(slopes, rows, rng.standard_normal((300, D)))
    return rows, slopes, w, np.linalg.norm(np.maximum(rows @ w, 0) @ slopes)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("N", "D", "Q"), [(3, 1, 1), (4, 2, 1), (6, 2, 2), (5, 3, 1), (6, 3, 2)])
def test_a_gain_that_is_there_is_never_below(seed, N, D, Q, monkeypatch):
    monkeypatch.setattr(beside, "CONES", 3000)
    rows, slopes, w, most = problem_of(seed, N, D, Q)
    none, own = np.zeros((0, N), bool), rows @ w > 0
    for part in (1e-9, 1e-3, 0.1, 0.3):
        assert not all_below(Balls(slopes), Balls(rows), none, most * (1 - part))
    assert all_below(Balls(slopes), Balls(rows), none, most * 1.1)
    # the cell of the best direction alone is left out, not one that differs from it at a point
    for i in range(N):
        other = own.copy()
        other[i] = ~other[i]
        assert not all_below(Balls(slopes), Balls(rows), other[None], most * (1 - 1e-9))


@pytest.mark.parametrize("seed", range(6))
def test_radii_count_in_the_rows_and_in_the_slopes(seed, monkeypatch):
    monkeypatch.setattr(beside, "CONES", 3000)
    rows, slopes, w, most = problem_of(seed, 4, 2, 1)
    none, on = np.zeros((0, 4), bool), np.maximum(rows @ w, 0) > 0
    reach = 0.05
    # rows turned and slopes enlarged, within the radii, so that w gains more
    turned = rows + reach * np.sign(w) * np.sign(slopes * np.sign(on @ slopes))
    gain = abs(np.maximum(turned @ w, 0) @ slopes).max()
    assert gain > most
    assert not all_below(Balls(slopes), Balls(rows, np.full(rows.shape, reach)), none, gain)
    larger = slopes + reach * np.sign(np.maximum(rows @ w, 0) @ slopes)
    gain = abs(np.maximum(rows @ w, 0) @ larger).max()
    assert gain > most
    assert not all_below(Balls(slopes, np.full(slopes.shape, reach)), Balls(rows), none, gain)


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
    """A cell of two units and two points, and what it is asked."""

    def __init__(self, monkeypatch, kinks=(), widths=(1, 2, 1), radius=0.0):
        monkeypatch.setattr(beside, "is_simple", lambda *given: True)
        monkeypatch.setattr(beside, "all_below", lambda *given: True)
        d, m, _ = widths
        X, masks = np.ones((2, d)), [np.ones((2, m))]
        self.cell = Cell(widths, Balls(X), Balls(np.zeros((2, 1))), [], masks, list(kinks))
        size = self.cell.places[-1][1].stop
        self.theta = Balls(np.ones(size))
        slopes = [Balls(np.ones((2, m))), Balls(np.ones((2, 1)), np.array([[0.0], [radius]]))]
        self.found = Pass([], [Balls(X), Balls(np.ones((2, m)))], [], slopes)

    def __call__(self, units):
        return gains_elsewhere(self.cell, self.found, self.theta, 0, units, 1.0)


def test_it_is_asked_only_where_the_statement_speaks(monkeypatch):
    assert not Asked(monkeypatch)([(0, 1)])
    assert Asked(monkeypatch)([(0, 0), (0, 1)])  # no unit is active
    assert Asked(monkeypatch, [(0, 0, 0)])([(0, 1)])  # the active one is on a kink
    assert not Asked(monkeypatch, [(1, 0, 0)])([(0, 1)])  # a kink of another layer is none
    assert Asked(monkeypatch, radius=np.inf)([(0, 1)])
    assert not Asked(monkeypatch, widths=(5, 2, 1))([(0, 1)])
    assert Asked(monkeypatch, widths=(6, 2, 1))([(0, 1)])


def test_each_active_unit_is_asked_for_and_what_is_not_below_is_told(monkeypatch):
    for name, answers in (("is_simple", [True, False]), ("all_below", [False])):
        asked, left = Asked(monkeypatch, widths=(1, 3, 1)), iter(answers)
        monkeypatch.setattr(beside, name, lambda *given, left=left: next(left))
        assert asked([(0, 2)]) and next(left, None) is None


def test_an_entry_that_is_not_0_at_all_points_is_no_entry_less(monkeypatch):
    asked, given = Asked(monkeypatch, widths=(3, 2, 1)), []
    monkeypatch.setattr(beside, "all_below", lambda *told: given.append(told[1].shape) or True)
    asked.found.inputs[0].mid[:] = [[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
    assert not asked([(0, 1)])
    assert given == [(2, 3)]  # with the bias, and without the last one


@pytest.mark.parametrize("rows", [[0], [0, 2], []])
def test_points_that_are_dead_below_are_the_last_one(rows):
    """As of the rows that are asked about: a mask says of each whether the unit is on there."""
    below, own = np.ones((4, 2)), np.array([[1.0], [0.0], [1.0], [1.0]])
    below[rows] = 0.0
    below[1, 0] = 0.0  # half dead is not dead
    cell = Cell((1, 2, 1, 1), Balls(np.ones((4, 1))), None, [], [below, own], [])
    found = Pass([], [None, Balls(below)], [], [None, None, Balls(np.ones((4, 1)))])
    lifted = read_and_slopes(found, cell, 1)[1]
    mask = _mask(cell, 1, 0)
    alive = [i for i in range(4) if i not in rows]
    assert mask.tolist() == [*own[alive, 0], *([1.0] if rows else [])]
    assert len(mask) == len(lifted.mid)


@pytest.mark.parametrize(
    ("seed", "N", "D"), [(16, 2, 2), (496, 2, 2), (832, 3, 2), (868, 3, 3), (138, 3, 3)]
)
def test_points_of_open_sign_count_with_all_that_they_may_add(seed, N, D, monkeypatch):
    """Found by search: with less than half of an open point and half of its modulus, all passes."""
    monkeypatch.setattr(beside, "CONES", 3000)
    rng = np.random.default_rng(seed)
    rows, slopes = rng.standard_normal((N, D)), np.abs(rng.standard_normal((N, 1)))
    w = strongest(slopes, rows, rng.standard_normal((50, D)))
    most, none = np.linalg.norm(np.maximum(rows @ w, 0) @ slopes), np.zeros((0, N), bool)
    assert not all_below(Balls(slopes), Balls(rows), none, most * (1 - 1e-3))
    assert all_below(Balls(slopes), Balls(rows), none, most * 1.1)
