"""Units at (w, b, v) = 0: when they stay there."""

import numpy as np
import pytest
from decayed import first_minimum, labels_of, loss_of
from flint import arb
from resting import behind, cell_of

from constructions import recheck, verify
from constructions.critical.balls import Balls
from constructions.penalised.idle import at_rest as brought_to_rest
from constructions.penalised.idle import layers_that_may_grow, norm_above
from constructions.penalised.search import nearby_strict_points
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, split

UNKNOWN = (
    "without {} at rest it is a local minimum that is smooth; whether such a unit lowers the loss "
    "as it grows is not known: the best direction found gains 1 times the decay"
)


def proved(net, X, y, decay, loss="mse"):
    labels = labels_of(np.asarray(y), len(X))
    per_class = [arb(1) / len(X)] * len(labels.classes)
    points = nearby_strict_points(net, np.asarray(X, float), labels, per_class, loss, decay)
    return first_minimum(points)


def at_rest(t, decay, units=2):
    """One point x = 1 with target t, and nothing but the last bias: error -w t / (2 + w).

    A unit gains at most 2 |e| sqrt 2, in the direction (1, 1), and costs the decay: it stays at
    rest if t < (2 + w) / (2 sqrt 2), and grows if t is more.
    """
    zero = np.zeros
    c = 2 * t / (2 + decay)
    return ReLUNetwork([zero((units, 1)), zero((1, units))], [zero(units), [c]])


@pytest.mark.parametrize("decay", [0.01, 0.5, 3.0])
def test_one_point_decides_whether_units_stay_at_rest(decay):
    edge = (2 + decay) / (2 * np.sqrt(2))
    found, why = proved(at_rest(edge * 0.999, decay), [[1.0]], [[edge * 0.999]], decay)
    assert "2 units at rest" in why and found.moves[0] == 0 and found.distance < 1e-14
    for t in (edge, edge * 1.001, 2 * edge):
        found, why = proved(at_rest(t, decay), [[1.0]], [[t]], decay)
        assert found is None
        is_saddle = why == "a saddle with 2 units at rest at zero"
        assert is_saddle if t > edge else why == UNKNOWN.format("2 units")


def test_a_unit_at_rest_that_may_grow_lowers_the_loss():
    t, decay = 1.5, 0.5
    net = at_rest(t, decay)
    theta = flatten(net.tensors)
    way = np.zeros(len(theta))
    way[[0, 2, 4]] = 1, 1, np.sqrt(2)  # w, b and v of the first unit
    start, X, Y = loss_of(net.tensors, [[1.0]], [[t]], "mse", decay), [[1.0]], [[t]]
    assert loss_of(split(theta + 1e-2 * way, net), X, Y, "mse", decay) < start
    found = verify(net, X, Y, weight_decay=decay)
    assert found.verdict == "saddle" and found.proved
    assert found.witness["loss"] < found.loss_floor
    # along (w, v) of length 1 each the loss changes by t^2 (w - 2 |e| sqrt 2)
    gain = 2 * np.sqrt(2) * decay * t / (2 + decay)
    assert found.critical["eigenvalue"] == pytest.approx(decay - gain)
    assert all(check.passed for check in recheck(found, net, X, Y))


def test_nothing_near_units_that_stay_at_rest_is_lower():
    decay, t, rng = 0.5, 0.85, np.random.default_rng(0)
    net, X, Y = at_rest(t, decay), [[1.0]], [[t]]
    found = verify(net, X, Y, weight_decay=decay)
    assert found.verdict == "global minimum" and found.proved
    start, theta = loss_of(net.tensors, X, Y, "mse", decay), flatten(net.tensors)
    for _ in range(1000):
        way = 0.1 * rng.random() * rng.standard_normal(len(theta))
        assert loss_of(split(theta + way, net), X, Y, "mse", decay) > start - 1e-16


def test_a_unit_beside_one_that_is_not_at_rest_turns_into_it():
    """It can be turned into the other one at no cost: the point is a minimum, but not strict."""
    t, decay = 3.0, 0.5
    c, e = 1 / np.sqrt(2), -decay / (2 * np.sqrt(2))
    r = np.sqrt((t + e - c) / np.sqrt(2))
    w = r / np.sqrt(2)
    net = ReLUNetwork([[[w], [0.0]], [[r, 0.0]]], [[w, 0.0], [c]])
    found, why = proved(net, [[1.0]], [[t]], decay)
    assert found is not None and why == (
        "a local minimum with 1 unit at rest at zero, strict but for units at rest that turn into "
        "active ones"
    )


def test_units_that_are_nearly_at_rest_are_brought_there():
    decay, t = 0.5, 0.85
    net = at_rest(t, decay)
    nearly = net.rebuild([part + 1e-9 * (part == 0) for part in net.tensors])
    found, why = proved(nearly, [[1.0]], [[t]], decay)
    assert "2 units at rest" in why and 1e-9 < found.distance < 1e-8


def test_behind_a_layer_at_rest_only_the_sum_of_the_slopes_counts():
    """They sum to the slope of the last bias, the decay times it: small, if they are large."""
    zero, X, y = np.zeros, np.linspace(-50, 50, 8)[:, None], [0, 1] * 4
    net = ReLUNetwork([zero((2, 1)), zero((2, 2)), zero((2, 2))], [zero(2), zero(2), zero(2)])
    for loss in ("cross_entropy", "bce"):
        found = verify(net, X, y, loss=loss, weight_decay=0.01)
        assert found.verdict == "local minimum" and found.proved
    # a layer alone sees the points
    flat = ReLUNetwork([zero((2, 1)), zero((2, 2))], [zero(2), zero(2)])
    assert verify(flat, X, y, loss="bce", weight_decay=0.01).verdict != "local minimum"


def test_labels_in_balance_leave_nothing_but_zeros():
    """With as many points of either class, and a large decay, all of the network is at rest."""
    zero = np.zeros
    net = ReLUNetwork([zero((3, 1)), zero((2, 3)), zero((2, 2))], [zero(3), zero(2), zero(2)])
    for loss in ("cross_entropy", "bce"):
        found = verify(net, [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1], loss=loss, weight_decay=2.0)
        assert found.verdict == "local minimum" and found.proved and found.distance < 1e-24
        # all points are on the kinks of all units: not smooth
        assert "with 5 units at rest at zero" in found.summary()
        assert "smooth" not in found.summary()


@pytest.mark.parametrize("shape", [(3, 2), (2, 5), (4, 4), (1, 1)])
def test_a_norm_is_bounded_from_above_and_closely(shape):
    A = np.random.default_rng(0).standard_normal(shape)
    largest = np.linalg.norm(A, 2)
    assert largest <= norm_above(Balls(A)) <= largest * (1 + 1e-10)
    wide = norm_above(Balls(A, np.full(shape, 0.1)))
    assert wide >= np.linalg.norm(A + 0.1 * np.sign(A), 2) * (1 - 1e-12)
    assert norm_above(Balls(A, np.full(shape, np.inf))) == np.inf


@pytest.mark.parametrize(("scale", "known"), [(0.9, True), (1.2, True), (0.6, False)])
def test_a_norm_is_bounded_whatever_basis_is_taken(scale, known, monkeypatch):
    A = np.diag([3.0, 1.0])
    monkeypatch.setattr(np.linalg, "eigh", lambda M: (np.ones(2), scale * np.eye(2)))
    found = norm_above(Balls(A))
    assert found >= 3 and (found < np.inf) == known


@pytest.mark.parametrize("place", ["mid", "rad"])
def test_of_what_is_not_finite_no_norm_is_known(place):
    A = Balls(np.eye(2), np.zeros((2, 2)))
    getattr(A, place)[1, 0] = np.inf
    with np.errstate(all="ignore"):
        assert norm_above(A) == np.inf


# The conditions by hand: one layer above and below


@pytest.mark.parametrize("first", [True, False])
def test_a_unit_stays_if_slopes_times_inputs_are_below_the_decay(first):
    # |(0.3, 0.4)| = 0.5; the singular values of ((0, 1), (0, 1)) and ((1, 1), (1, -1)) by hand
    slope = np.array([[0.3], [0.4]])
    for read, norm in ((np.zeros((2, 1)), np.sqrt(2)), (np.array([[1.0], [-1.0]]), np.sqrt(2))):
        cell, found, units = behind(slope, read, first=first)
        assert not layers_that_may_grow(cell, found, units, 0.5 * norm * (1 + 1e-9))
        assert layers_that_may_grow(cell, found, units, 0.5 * norm)
        assert not layers_that_may_grow(cell, found, [], 0.0)


def test_points_that_are_dead_in_the_layer_before_count_by_the_sum_of_their_slopes():
    # slopes 3 and -3 at dead points cancel, and a live one reads (0, 1)
    slope, read = np.array([[3.0], [-3.0], [0.25]]), np.zeros((3, 1))
    cell, found, units = behind(slope, read, dead=[0, 1])
    assert not layers_that_may_grow(cell, found, units, 0.25 * np.sqrt(2) * (1 + 1e-9))
    assert layers_that_may_grow(cell, found, units, 0.25 * np.sqrt(2) * (1 - 1e-9))
    cell, found, units = behind(slope, read)
    assert layers_that_may_grow(cell, found, units, 1.0)
    # of those on the side alone the sum is 1, not 0
    cell, found, units = behind(np.array([[3.0], [-2.0], [0.0]]), read, dead=[0, 1])
    assert not layers_that_may_grow(cell, found, units, np.sqrt(2) * (1 + 1e-9))
    assert layers_that_may_grow(cell, found, units, np.sqrt(2) * (1 - 1e-9))


def test_a_point_is_dead_if_no_unit_of_the_layer_before_is_on():
    cell, found, units = behind(np.array([[3.0], [-3.0]]), np.array([[1.0], [2.0]]))
    halves = [np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros((2, 1))]
    cell = cell._replace(widths=(1, 2, 1, 1), masks=halves)
    assert layers_that_may_grow(cell, found, units, 1.0)


def test_units_are_brought_to_rest_with_their_kinks():
    masks, theta = [np.ones((2, 2)), np.ones((2, 1))], np.arange(1.0, 10.0)
    cell = cell_of((1, 2, 1, 1), masks, [(0, 1, 1), (0, 1, 0), (1, 0, 0)])
    theta = np.arange(1.0, cell.places[-1][1].stop + 1)
    rest, moved = brought_to_rest(cell, theta, [(0, 1)])
    # w_2, b_2 of the first layer and what reads it in the second
    assert moved.tolist() == [1, 0, 3, 0, 5, 0, 7, 8, 9] and theta[1] == 2
    assert rest.masks[0].tolist() == [[1, 0], [1, 0]] and rest.masks[1].all() and masks[0].all()
    assert rest.kinks == [(0, 1, 0), (1, 0, 0)]
