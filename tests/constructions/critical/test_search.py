"""What is proved to be a local minimum is one, and what is planted as one is found."""

import numpy as np
import pytest
from flint import arb
from planted import loss_of, lowest_near, planted

from constructions.critical import search
from constructions.critical.balls import Balls
from constructions.critical.minimum import Kink
from constructions.critical.points import BITS
from constructions.critical.search import (
    above_square,
    lower_bound_of_cell,
    nearby_minimum,
    nearby_points,
)
from constructions.proof.exact import precision
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import move

SERIES = [(0, 0, 0), (1, 0, 0)]
APART = [(0, 0, 0), (0, 1, 1)]


def problem(net, X, y):
    labels = as_labels(y, len(X), targets=None)
    with precision(BITS):
        weights = [arb(1) / len(X)] * len(labels.classes)
    return net, np.asarray(X, float), labels, weights


def proved(net, X, y):
    return nearby_minimum(*problem(net, X, y))


def seeds_of(widths, N, kinks, kind, count, size=1e-3):
    """The first few planted networks of a kind."""
    found = []
    for seed in range(400):
        made = planted(widths, N, kinks, seed, kind=kind, size=size)
        if made is not None:
            found.append(made)
        if len(found) == count:
            return found
    raise AssertionError(f"only {len(found)} networks of kind {kind}")


def pre_activations(net, X, kinks):
    """Of each hidden layer, and which of them are not at a kink."""
    h = X
    for l, (W, b) in enumerate(zip(net.weights[:-1], net.biases[:-1], strict=True)):
        z = h @ W.T + b
        apart = np.ones(z.shape, bool)
        for layer, i, u in kinks:
            apart[i, u] &= layer != l
        yield z, apart
        h = np.maximum(z, 0)


# Planted


@pytest.mark.parametrize(
    ("widths", "N", "kinks"),
    [((2, 2, 1), 16, []), ((2, 3, 2), 14, APART), ((2, 3, 3, 2), 14, SERIES)],
)
def test_planted_minima_are_proved_and_nothing_near_them_is_lower(widths, N, kinks):
    rng, count = np.random.default_rng(0), 0
    for net, X, Y in seeds_of(widths, N, kinks, "minimum", 6):
        found, _ = proved(net, X, Y)
        if found is None:
            continue
        count += 1
        assert {(k.layer - 1, k.point, k.unit) for k in found.kinks} == set(kinks)
        assert all(0 < k.multiplier < k.rise for k in found.kinks)
        assert (
            found.distance < 1e-8
            and abs(float(found.loss.mid()) - float(loss_of(net.tensors, X, Y))) < 1e-12
        )
        nearest = min(
            np.abs(z[mask]).min(initial=1.0) for z, mask in pre_activations(net, X, kinks)
        )
        for radius in (0.02 * min(nearest, 1), 1e-4 * min(nearest, 1)):
            assert lowest_near(net, X, Y, radius, rng) > -1e-13
    assert count >= 3


@pytest.mark.parametrize("kind", ["falls", "rises too little"])
def test_a_multiplier_outside_of_its_bounds_is_never_a_minimum(kind):
    for net, X, Y in seeds_of((2, 3, 2), 14, APART, kind, 8):
        found, _ = proved(net, X, Y)
        assert found is None


def test_the_rise_counts_kinks_that_follow():
    rng, lower = np.random.default_rng(1), 0
    for net, X, Y in seeds_of((2, 3, 3, 2), 14, SERIES, "naive", 6):
        assert proved(net, X, Y)[0] is None
        lower += lowest_near(net, X, Y, 1e-3, rng, 2000) < 0
    assert lower >= 3


def test_a_saddle_on_a_slice_is_not_a_minimum():
    for net, X, Y in seeds_of((2, 2, 1), 16, [], "minimum", 4, size=50.0):
        found, _ = proved(net, X, Y)
        if found is not None:
            assert lowest_near(net, X, Y, 1e-3, np.random.default_rng(0), 2000) > -1e-9


# By hand


def test_one_unit_that_fits_a_line_is_the_best_of_its_cell():
    # f = v relu(w x + b) + c on x = 1, 2, 3 with labels 0, 2, 1: the line 1/2 x
    net = ReLUNetwork([[[1.0]], [[0.5]]], [[0.0], [0.0]])
    found, _ = proved(net, [[1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0]])
    assert found.is_best_of_cell and not found.is_zero
    assert found.distance < 1e-14
    assert abs(float(found.loss.mid()) - 0.5) < 1e-15


def test_a_network_that_interpolates_has_loss_zero_exactly():
    net = ReLUNetwork([[[1.0], [-1.0]], [[0.1, 0.3]]], [[0.05, 0.02], [0.7]])
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    Y = net(X)
    found, _ = proved(net, X, Y)
    assert found.is_zero and found.loss == 0 and found.distance < 1e-14


def test_slopes_that_do_not_vanish_are_not_critical():
    net = ReLUNetwork([[[1.0]], [[0.5]]], [[0.0], [0.01]])
    ((found, why),) = nearby_points(*problem(net, [[1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0]]))
    assert found is None and why == "the slope does not vanish, whatever is on its kink"


def test_nothing_more_is_said_where_the_slope_vanishes():
    net = ReLUNetwork([[[1.0]], [[0.5]]], [[0.0], [0.0]])
    said = list(nearby_points(*problem(net, [[1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0]])))
    assert [why for _, why in said] == ["a local minimum that is smooth"]


@pytest.mark.parametrize("shift", [0.0, 1e-12, 1e-9])
def test_the_last_layer_moves_into_the_space_of_the_labels(shift):
    # of two classes the outputs of a minimum sum to 1; these sum to 1 + 2 shift
    net = ReLUNetwork([[[1.0]], [[1.0], [-1.0]]], [[-9.0], [0.5 + shift] * 2])
    found, _ = proved(net, [[1.0], [2.0]], [0, 1])
    exact = np.hypot(*(net.biases[1] - 0.5))
    assert exact * (1 - 1e-5) <= found.distance <= exact * (1 + 1e-5) + 5e-15
    assert found.moves[0] < 1e-15 and found.moves[1] <= found.distance
    assert abs(float(found.loss.mid()) - 0.5) < 1e-15 and not found.is_zero


def test_a_first_layer_that_moves_is_told_for_itself():
    net, X, Y = seeds_of((2, 3, 2), 14, APART, "minimum", 1)[0]
    exact, _ = proved(net, X, Y)
    for layer, tensor in enumerate((0, 2)):
        tensors = [t.copy() for t in net.tensors]
        tensors[tensor][0, 0] += 1e-9
        found, _ = proved(net.rebuild(tensors), X, Y)
        assert found is not None and exact.distance < 1e-6
        assert np.hypot(*found.moves) == pytest.approx(found.distance)
        assert max(found.moves) <= found.distance and len(found.moves) == 2 > layer


def test_points_that_are_one_leave_what_their_labels_differ():
    X, y = [[1.0], [1.0], [2.0]], [[0.0], [2.0], [2.0]]
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    found, _ = proved(net, X, y)
    assert found.is_best_of_cell and not found.is_zero
    assert found.loss.overlaps(arb(2) / 3) and float(found.loss.rad()) < 1e-12
    # without that it is 0; three points off a line leave something, too
    assert proved(net, X, [[1.0], [1.0], [2.0]])[0].is_zero
    found, _ = proved(net, [[1.0], [2.0], [3.0]], [[1.5], [1.0], [3.5]])
    assert found.is_best_of_cell and not found.is_zero and found.loss.overlaps(arb("0.5"))


def test_what_labels_at_one_point_differ_is_part_of_the_loss_on_kinks():
    net, X, Y = seeds_of((2, 3, 2), 14, APART, "minimum", 1)[0]
    gap = np.array([0.5, -0.25])
    found, _ = proved(net, np.vstack([X, X]), np.vstack([Y + gap, Y - gap]))
    expected = float(loss_of(net.tensors, X, Y)) + gap @ gap
    assert len(found.kinks) == 2 and float(found.loss.mid()) == pytest.approx(expected, rel=1e-9)


def test_a_minimum_is_preferred_to_a_saddle_and_ends_the_search(monkeypatch):
    net, tried = ReLUNetwork([[[1.0]], [[0.5]]], [[0.0], [0.0]]), []
    X, Y = [[1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0]]
    own = search.critical_point_near
    monkeypatch.setattr(search, "ways_of", lambda *given: ("groups", "whole", "whole"))

    def said(kinds):
        """What is told if these are found, one after the other."""
        tried.clear()

        def near(*given):
            tried.append(kinds[len(tried)])
            found, _ = own(*given)
            ways = {"saddle": (np.ones(4),), "minimum": ()}
            found = found._replace(ways_down=ways[tried[-1]]) if tried[-1] in ways else None
            return found, tried[-1]

        monkeypatch.setattr(search, "critical_point_near", near)
        ((found, why),) = nearby_points(*problem(net, X, Y))
        assert (found is None) == (why not in ("saddle", "minimum"))
        return why, len(tried)

    assert said(["minimum", "saddle", "saddle"]) == ("minimum", 1)
    assert said(["saddle", "minimum", "saddle"]) == ("minimum", 2)
    assert said(["nothing", "saddle", "no"]) == ("saddle", 3)
    assert said(["no", "nothing", "none"]) == ("no", 3)


def test_kinks_are_told_in_order_and_by_the_first_of_equal_points():
    net, X, Y = seeds_of((2, 3, 2), 14, APART, "minimum", 1)[0]
    rows = 2 * [5, 1, 0, 2, 3, 4, *range(6, 14)]
    found, _ = proved(net, X[rows], Y[rows])
    assert [(k.layer, k.point, k.unit) for k in found.kinks] == [(1, 1, 1), (1, 2, 0)]
    # a feature of zeros, of either sign, changes nothing
    wide = ReLUNetwork([np.c_[net.weights[0], np.zeros(3)], net.weights[1]], net.biases)
    X = np.c_[X, np.where(np.arange(14) % 2, 0.0, -0.0)]
    found, _ = proved(wide, X[rows], Y[rows])
    assert [(k.layer, k.point, k.unit) for k in found.kinks] == [(1, 1, 1), (1, 2, 0)]


def test_kinks_of_one_point_are_told_by_units(monkeypatch):
    own = search.critical_point_near

    def with_kinks(*given):
        found, why = own(*given)
        places = [(2, 1, 0), (1, 1, 2), (1, 1, 0), (1, 0, 1)]
        return found._replace(kinks=tuple(Kink(*at, 0.1, 0.2) for at in places)), why

    monkeypatch.setattr(search, "critical_point_near", with_kinks)
    net = ReLUNetwork([[[1.0]], [[0.5]]], [[0.0], [0.0]])
    found, _ = proved(net, [[1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0]])
    assert [k[:3] for k in found.kinks] == [(1, 0, 1), (1, 1, 0), (1, 1, 2), (2, 1, 0)]


def test_a_way_down_is_one_of_all_parameters():
    # the unit passes the smaller of two components; labels in a plane of three dimensions
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    Y = np.column_stack([X * [2.0, 1.0], np.full(4, 7.0)])
    net = ReLUNetwork([[[0.0, 1.0]], [[0.0], [1.0], [0.0]]], [[4.0], [0.0, -4.0, 7.0]])
    found = [point for point, _ in nearby_points(*problem(net, X, Y)) if point is not None]
    assert found and all(len(point.ways_down) == 1 for point in found)
    for (way,) in (point.ways_down for point in found):
        assert len(way) == net.parameter_count and np.linalg.norm(way) == pytest.approx(1)
        losses = [loss_of(move(net, way, t).tensors, X, Y) for t in (-1e-2, 0.0, 1e-2)]
        assert max(losses[0], losses[2]) < losses[1]
        assert abs(way[5]) < 1e-12 and abs(way[8]) < 1e-12  # the third output stays


# A bound of all networks of a cell


@pytest.mark.parametrize(
    ("labels", "least"),
    [
        ([[0.0], [2.0], [1.0]], "0.5"),
        ([[1.0], [2.0], [3.0]], "0"),
        ([[0.0], [3.0], [0.0]], "2"),
    ],
)
def test_the_bound_of_a_cell_is_what_the_best_line_leaves(labels, least):
    net, X = ReLUNetwork([[[1.0]], [[7.0]]], [[1.0], [-3.0]]), [[1.0], [2.0], [3.0]]
    found = lower_bound_of_cell(*problem(net, X, labels))
    assert found.overlaps(arb(least)) and float(found.rad()) < 1e-30
    # doubled points with other labels leave their part, too
    more = lower_bound_of_cell(*problem(net, [*X, *X], [*labels, *labels[::-1]]))
    gap = sum((a[0] - b[0]) ** 2 for a, b in zip(labels, labels[::-1], strict=True)) / 12
    assert float(more.lower()) >= gap - 1e-15


def test_points_where_a_unit_is_off_are_a_group_of_their_own():
    net = ReLUNetwork([[[1.0]], [[7.0]]], [[-2.5], [-3.0]])
    found = lower_bound_of_cell(*problem(net, [[1.0], [2.0], [3.0], [4.0]], [[1.0], [2], [5], [0]]))
    assert found.overlaps(arb("0.125"))  # what a constant leaves of 1 and 2, of four points


def test_a_cell_whose_pattern_is_not_proved_has_no_bound():
    # 3 * 0.1 - 0.3 is 5e-17 in floats
    for bias, least in ((-0.3, None), (-0.2, 0)):
        net = ReLUNetwork([[[3.0]], [[1.0]]], [[bias], [0.0]])
        assert lower_bound_of_cell(*problem(net, [[0.1], [1.0]], [[0.0], [1.0]])) == least


def test_what_is_too_large_is_not_begun(monkeypatch):
    # 13 parameters, 3 outputs in all, 6 coordinates of points
    net = ReLUNetwork([np.ones((3, 2)), np.ones((1, 3))], [np.ones(3), [0.0]])
    X, y = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[0.0], [1.0], [3.0]]

    def limited(parameters, numbers):
        monkeypatch.setattr(search, "MOST_PARAMETERS", parameters)
        monkeypatch.setattr(search, "MOST_NUMBERS", numbers)
        begun = not proved(net, X, y)[1].startswith("13 parameters and 3 outputs are too many")
        return begun, lower_bound_of_cell(*problem(net, X, y)) is not None

    assert limited(13, 39) == (True, True)
    assert limited(12, 39) == (False, False)
    assert limited(13, 38) == (False, True)
    assert limited(13, 6) == (False, True)
    assert limited(13, 5) == (False, False)


def test_squares_of_balls_are_bounded_from_above():
    found = above_square(Balls(np.array([[3.0, -4.0]]), np.array([[0.5, 0.25]])))
    assert 3.5**2 + 4.25**2 <= found <= (3.5**2 + 4.25**2) * (1 + 1e-12)
    assert above_square(Balls(np.zeros(0))) < 1e-300


def test_the_origin_between_two_signs_is_no_minimum():
    # all units dead and everything zero: nothing can be said
    net = ReLUNetwork([np.zeros((2, 1)), np.zeros((1, 2))], [np.zeros(2), np.zeros(1)])
    assert proved(net, [[-1.0], [1.0]], [[1.0], [-1.0]])[0] is None


def test_a_dead_network_with_the_mean_of_the_labels_is_the_best_of_its_cell():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-9.0], [0.5]])
    found, _ = proved(net, [[1.0], [2.0]], [[0.0], [1.0]])
    assert found.is_best_of_cell and found.loss == arb("0.25")


@pytest.mark.parametrize("scale", [2.0**-400, 2.0**-60, 2.0**60, 2.0**400])
def test_scales_of_the_data_and_of_layers_prove_the_same_or_nothing(scale):
    net, X, Y = seeds_of((2, 3, 2), 14, APART, "minimum", 1)[0]
    scaled = ReLUNetwork([net.weights[0] / scale, net.weights[1]], net.biases)
    found, _ = proved(scaled, X * scale, Y)
    if found is not None:
        assert len(found.kinks) == 2
        assert abs(float(found.loss.mid()) - float(loss_of(net.tensors, X, Y))) < 1e-12


def test_what_is_too_large_or_not_finite_is_refused():
    net = ReLUNetwork([np.ones((2000, 2)), np.ones((1, 2000))], [np.zeros(2000), np.zeros(1)])
    assert "too many" in proved(net, np.ones((2, 2)), [[0.0], [1.0]])[1]
    big = ReLUNetwork([[[1e308]], [[1e308]]], [[1e308], [0.0]])
    assert proved(big, [[1e300], [2.0]], [[0.0], [1.0]])[0] is None


def test_moved_networks_keep_their_proof_and_say_how_far_it_is():
    net, X, Y = seeds_of((2, 3, 2), 14, APART, "minimum", 1)[0]
    rng = np.random.default_rng(0)
    way = rng.standard_normal(net.parameter_count)
    for step in (1e-12, 1e-9):
        other = move(net, way, step / np.linalg.norm(way))
        found, _ = proved(other, X, Y)
        assert found is None or found.distance > 0.01 * step
