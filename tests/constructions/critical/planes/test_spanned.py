"""Units that span others on the same kinks: which kinks follow, by hand and planted."""

import numpy as np
import pytest
from decayed import loss_of, network_of, planted_decayed
from multiples import ON_A_LINE, in_balls, on_line

from constructions import Certificate, recheck, verify
from constructions.critical import minimum
from constructions.critical.balls import Balls, as_balls
from constructions.critical.cell import Cell, forwards, height_rows
from constructions.critical.planes.spanned import Tie, spanned_kinks
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, split

DECAY = 1e-3

# By hand: units that copy x >= 0, and units across the line h_1 + h_2 = 1 at three points of it


def cell_of(X, units, kinks):
    """A cell and parameters with units (w, b) of the second layer over those that copy x."""
    d, units = X.shape[1], np.asarray(units, float)
    widths, m = (d, d, len(units), 1), len(units)
    parts = np.eye(d), np.zeros(d), units[:, :d], units[:, d], np.ones((1, m)), np.zeros(1)
    h = np.maximum(X, 0)
    masks = [(X > 0).astype(float), (h @ units[:, :d].T + units[:, d] > 0).astype(float)]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    theta = np.concatenate([part.ravel() for part in parts])
    return Cell(widths, X, np.zeros((len(X), 1)), [], masks, kinks), theta


@pytest.mark.parametrize("factor", [2.0, -0.5, 1e-30, 1e30])
def test_a_multiple_of_a_unit_keeps_as_many_kinks_as_span_what_both_read(factor):
    units = np.array([[-1.0, -1.0, 1.0], [-factor, -factor, factor]])
    kinks = [(1, i, u) for u in range(2) for i in range(3)]
    cell, theta = cell_of(ON_A_LINE, units, kinks)
    free, (tie,) = spanned_kinks(cell, theta, list(range(6)))
    assert free[:3] == [0, 1, 2] and len(free) == 5
    assert tie[:4] == (1, 1, [0], [0, 1, 2]) and len(tie.rows) == 2
    assert tie.stands(in_balls(cell), as_balls(theta))


def test_two_units_span_a_third_one():
    X = np.column_stack([ON_A_LINE, np.ones(3)])
    units = [[-1.0, -1.0, 0.0, 1.0], [0.0, 0.0, 1.0, -1.0], [-1.0, -1.0, -3.0, 4.0]]
    kinks = [(1, i, u) for u in range(3) for i in range(3)]
    cell, theta = cell_of(X, units, kinks)
    free, (tie,) = spanned_kinks(cell, theta, list(range(9)))
    assert free[:6] == [0, 1, 2, 3, 4, 5] and len(free) == 8
    assert tie[:4] == (1, 2, [0, 1], [0, 1, 2, 3])
    assert tie.stands(in_balls(cell), as_balls(theta))
    # of two of them neither spans the other
    cell, theta = cell_of(X, units[:2], kinks[:6])
    assert spanned_kinks(cell, theta, list(range(6))) == (list(range(6)), [])


def test_what_is_off_at_all_these_points_does_not_count():
    X = np.column_stack([ON_A_LINE, [-1.0, -2.0, -1.0]])
    units = [[-1.0, -1.0, 5.0, 1.0], [-1.0, -1.0, -7.0, 1.0]]
    kinks = [(1, i, u) for u in range(2) for i in range(3)]
    cell, theta = cell_of(X, units, kinks)
    free, (tie,) = spanned_kinks(cell, theta, list(range(6)))
    assert len(free) == 5 and tie.entries == [0, 1, 3]


def test_a_kink_at_another_point_stays():
    # the third unit is a multiple but for an entry that is off at the three points
    X = np.column_stack([ON_A_LINE, [-1.0, -1.0, -1.0]])
    X = np.vstack([X, [[0.25, 0.25, 1.0]]])
    units = [[-1.0, -1.0, 5.0, 1.0], [-1.0, -1.0, -0.5, 1.0]]
    kinks = [(1, i, u) for u in range(2) for i in range(3)] + [(1, 3, 1)]
    cell, theta = cell_of(X, units, kinks)
    free, (tie,) = spanned_kinks(cell, theta, list(range(7)))
    assert tie.unit == 0 and tie.leaders == [1]  # the unit with more kinks leads
    assert {3, 4, 5, 6} <= set(free) and len(free) == 6


def test_units_of_nothing_lead_none():
    kinks = [(1, i, u) for u in range(2) for i in range(3)]
    for units in ([[0.0, 0.0, 0.0], [-1.0, -1.0, 1.0]], [[0.0] * 3, [0.0] * 3]):
        cell, theta = cell_of(ON_A_LINE, units, kinks)
        assert spanned_kinks(cell, theta, list(range(6))) == (list(range(6)), [])
    # but as any other it is a combination
    cell, theta = cell_of(ON_A_LINE, [[-1.0, -1.0, 1.0], [0.0, 0.0, 0.0]], kinks)
    free, (tie,) = spanned_kinks(cell, theta, list(range(6)))
    assert len(free) == 5 and tie.unit == 1


@pytest.mark.parametrize("size", [np.inf, 1e300, 1e-300])
def test_parameters_of_any_size_are_no_error(size):
    kinks = [(1, i, u) for u in range(2) for i in range(3)]
    cell, theta = cell_of(ON_A_LINE, [[-1.0, -1.0, 1.0], [-2.0, -2.0, 2.0]], kinks)
    with np.errstate(all="ignore"):
        free, ties = spanned_kinks(cell, np.full(len(theta), size), list(range(6)))
        assert set(free) <= set(range(6)) and len(ties) < 2
        free, ties = spanned_kinks(cell, theta * size, list(range(6)))
        assert len(free) == 6 - len(ties)


def test_kinks_that_depend_on_points_are_not_asked_for_again():
    # all three have one pattern, the third one is in the middle: it follows already
    X = np.array([[1.0, 3.0], [3.0, 1.0], [2.0, 2.0]])
    units = [[-1.0, -1.0, 4.0], [-2.0, -2.0, 8.0]]
    kinks = [(1, i, u) for u in range(2) for i in range(3)]
    cell, theta = cell_of(X, units, kinks)
    assert spanned_kinks(cell, theta, [0, 1, 3, 4]) == ([0, 1, 3, 4], [])


def test_what_vanishes_without_leaders_is_nothing():
    # dead below, where only the bias counts, and it is 0: the first point says so of all
    X = -np.ones((2, 2)) * [[1.0], [2.0]]
    kinks = [(1, i, u) for u in range(2) for i in range(2)]
    cell, theta = cell_of(X, [[1.0, 2.0, 0.0], [3.0, 1.0, 0.0]], kinks)
    assert spanned_kinks(cell, theta, [0, 2]) == ([0, 2], [])  # as `independent_kinks` has it
    free, (tie,) = spanned_kinks(cell, theta, [0, 1, 2, 3])
    assert len(free) == 3 and tie[1:4] == (1, [], [2]) and len(tie.rows) == 1
    assert tie.stands(in_balls(cell), as_balls(theta))


def test_a_tie_is_proved_in_the_whole_box_or_not_at_all():
    units = np.array([[-1.0, -1.0, 1.0], [-2.0, -2.0, 2.0]])
    cell, theta = cell_of(ON_A_LINE, units, [(1, 0, 0)])
    cell, rad = in_balls(cell), np.zeros(len(theta))
    tie = Tie(1, 1, [0], [0, 1, 2], [0, 1])
    assert tie.stands(cell, as_balls(theta))
    assert not tie._replace(rows=[0]).stands(cell, as_balls(theta))  # too few
    assert not tie._replace(leaders=[0, 1], rows=[0]).stands(cell, as_balls(theta))  # parallel
    assert not tie._replace(rows=[0, 0]).stands(cell, as_balls(theta))
    leader, first = [6, 7, 10], [0, 1, 2, 3, 4, 5]  # where (w, b) of unit 0, and layer 1 are
    for places, small, large in ((leader, 0.9, 1.1), (first, 0.1, 1.0)):
        rad[:] = 0
        rad[places] = small
        assert tie.stands(cell, Balls(theta, rad))
        rad[places] = large
        assert not tie.stands(cell, Balls(theta, rad))
        rad[places] = np.inf
        assert not tie.stands(cell, Balls(theta, rad))


# Planted


def made(seed, factors, loss, kind="minimum"):
    widths, theta, X, kinks, first = on_line(seed, factors, 24)
    return planted_decayed(
        widths, 24, kinks, seed, loss=loss, kind=kind, on_them=(theta, X), first=first
    )


def told(net, X, Y, loss):
    return verify(net, X, np.arange(len(Y)), targets=Y, loss=loss, weight_decay=DECAY)


def lowest(net, X, Y, loss, rng, count):
    """The largest decrease at random points near by, a half of them of few parameters."""
    theta, start = flatten(net.tensors), loss_of(net.tensors, X, Y, loss, DECAY)
    found = 0.0
    for k in range(count):
        way = rng.standard_normal(len(theta)) * (rng.random(len(theta)) < (1.0, 0.2)[k % 2])
        way *= 10.0 ** rng.uniform(-6, -2) / max(np.linalg.norm(way), 1e-9)
        other = loss_of(split(theta + way, net), X, Y, loss, DECAY)
        found = min(found, float(other - start))
    return found


@pytest.mark.parametrize(
    ("factors", "loss", "seeds"),
    [
        ((0.6, 0.8), "mse", (0, 1)),
        ((0.6, 0.8), "bce", (0, 1)),
        ((2 / 3, 1 / 3, 2 / 3), "bce", (1, 2)),
    ],
)
def test_planted_minima_with_multiples_of_a_unit_are_proved(factors, loss, seeds):
    rng, k = np.random.default_rng(0), len(factors)
    for seed in seeds:
        net, X, Y = made(seed, factors, loss)
        found = told(net, X, Y, loss)
        assert (found.verdict, found.proved) == ("local minimum", True)
        assert found.distance < 1e-13 and len(found.kinks) == 3 * k
        assert all(0 < kink.multiplier < kink.rise for kink in found.kinks)
        assert lowest(net, X, Y, loss, rng, 200) > -1e-15


@pytest.mark.parametrize("kind", ["falls", "rises too little"])
def test_units_that_fall_together_make_no_minimum(kind):
    # each c_u z_1 goes to one side at the first point: the loss falls, whatever the multipliers
    factors, side = (0.6, 0.8), {"falls": -1, "rises too little": 1}[kind]
    kinks, first = on_line(0, factors, 24)[3:]
    for seed in (0, 1, 2):
        net, X, Y = made(seed, factors, "bce", kind)
        assert told(net, X, Y, "bce").verdict not in ("local minimum", "global minimum")
        theta, masks = flatten(net.tensors), [(h > 0).astype(float) for h in net.hidden(X)]
        for l, i, u in kinks:
            masks[l][i, u] = 0
        cell = Cell(net.widths, Balls(X), Balls(Y), [], masks, kinks)
        rows = height_rows(cell, forwards(cell, as_balls(theta))).mid
        way = np.linalg.lstsq(rows, side * np.array(first), rcond=1e-9)[0]
        assert rows @ way == pytest.approx(side * np.array(first), abs=1e-12)
        start = loss_of(net.tensors, X, Y, "bce", DECAY)
        for t in (1e-5, 1e-6):
            assert loss_of(split(theta + t * way, net), X, Y, "bce", DECAY) < start


def test_such_a_certificate_is_kept_and_found_again():
    net, X, Y = made(0, (0.6, 0.8), "bce")
    found = told(net, X, Y, "bce")
    again = Certificate.from_json(found.to_json())
    assert again.to_json() == found.to_json()
    checks = recheck(again, net, X, np.arange(len(Y)), targets=Y)
    assert checks and all(check.passed for check in checks)


@pytest.mark.parametrize(("seed", "verdict"), [(1, "local minimum"), (2, "saddle")])
def test_units_that_are_almost_multiples_are_none_but_at_another_point(seed, verdict):
    # the third point is 1e-9 off the line through the others: no two units share three kinks
    h = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5 + 1e-9]])
    widths, theta, X, _, _ = on_line(seed, (0.6, -0.8), 30)
    X[2], own = h[2], {(1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 2, 1)}
    parts = [(0.6, np.linalg.solve(h[:2], [-1.0, -1.0]))]
    parts += [(-0.8, np.linalg.solve(h[[0, 2]], [-1.0, -1.0]))]
    theta[6:10] = np.concatenate([c * w for c, w in parts])
    theta[10:12] = [c for c, _ in parts]
    net, X, Y = planted_decayed(widths, 30, sorted(own), seed, on_them=(theta, X))
    found = told(net, X, Y, "mse")
    assert (found.verdict, found.proved) == (verdict, True)
    if found.distance < 1e-10:
        assert {(k.layer - 1, k.point, k.unit) for k in found.kinks} == own
    else:
        assert len(found.kinks) == 6 and verdict == "saddle"
    if verdict == "local minimum":
        assert found.distance < 1e-10
        assert lowest(net, X, Y, "mse", np.random.default_rng(0), 100) > -1e-15


def test_a_stored_network_that_is_off_by_little_is_near_the_same_point():
    net, X, Y = made(0, (0.6, 0.8), "mse")
    theta = flatten(net.tensors)
    theta = theta + 1e-11 * np.random.default_rng(0).standard_normal(len(theta))
    found = told(network_of(net.widths, theta), X, Y, "mse")
    assert found.verdict == "local minimum" and len(found.kinks) == 6
    assert 1e-11 < found.distance < 1e-9


def test_a_tie_that_is_guessed_is_proved(monkeypatch):
    net, X, Y = made(0, (0.6, 0.8), "mse")
    for wrong in ({"leaders": [0, 1], "rows": [0]}, {"rows": [0]}, {"rows": [0, 0]}):

        def guessed(cell, theta, free, wrong=wrong):
            free, (tie,) = spanned_kinks(cell, theta, free)
            return free, [tie._replace(**wrong)]

        monkeypatch.setattr(minimum, "spanned_kinks", guessed)
        found = told(net, X, Y, "mse")
        assert not (found.proved and found.verdict == "local minimum")
        assert any(minimum.SPANNED == check.detail for check in found.checks)


@pytest.mark.parametrize(("layer", "turns"), [(0, True), (1, False)])
def test_a_unit_that_turns_active_below_a_tie_is_not_said_to_cost_nothing(
    layer, turns, monkeypatch
):
    # one unit of use for one point x = 1, target 3, and one at rest that may take its part
    decay = 0.5
    c, e = 1 / np.sqrt(2), -decay / (2 * np.sqrt(2))
    v = np.sqrt((3.0 + e - c) / np.sqrt(2))
    w = [v / np.sqrt(2), 0.0]
    net = ReLUNetwork([np.array(w)[:, None], [[v, 0.0]]], [w, [c]])
    tie = Tie(layer, 0, [], [], [])
    monkeypatch.setattr(minimum, "spanned_kinks", lambda cell, theta, free: (free, [tie]))
    monkeypatch.setattr(Tie, "stands", lambda *given: True)
    found = verify(net, [[1.0]], [[3.0]], weight_decay=decay)
    assert any("turn into active ones" in check.detail for check in found.checks) == turns
