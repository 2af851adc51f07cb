"""Kinks that depend on each other: which do, how multipliers are chosen, and planted ones."""

import numpy as np
import pytest
from planted import lowest_near, planted
from scipy.optimize import minimize

from constructions import verify
from constructions.critical.ties import independent_kinks, multipliers_of
from geomcore import ReLUNetwork

# By hand


def test_kinks_of_a_first_layer_depend_on_each_other_as_their_points_do():
    X = np.array([[0.0, 0.0], [1.0, 0.25], [2.0, 0.5], [0.0, 1.0], [3.0, 0.75], [5.0, 7.0]])
    kinks = [(0, i, 0) for i in (0, 1, 2, 3, 4)] + [(0, 2, 1)]
    free, alike = independent_kinks(X, [np.zeros((6, 2))], kinks)
    assert free == [0, 1, 3, 5]  # points 0, 1, 2 and 4 are on a line
    assert sorted(alike) == [[j] for j in range(6)]


def test_a_rounded_line_is_none():
    X = np.array([[0.0, 0.0], [0.1, 0.1], [0.3, 0.1 + 0.2]])  # 0.1 + 0.2 is not 0.3
    kinks = [(0, i, 0) for i in range(3)]
    assert independent_kinks(X, [np.zeros((3, 1))], kinks)[0] == [0, 1, 2]


def test_points_that_are_dead_below_have_one_kink():
    X = np.arange(4.0)[:, None]
    below = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    masks = [below, np.zeros((4, 2))]
    kinks = [(1, 0, 0), (1, 1, 0), (1, 2, 0), (1, 3, 1)]
    free, alike = independent_kinks(X, masks, kinks)
    assert free == [0, 2, 3] and sorted(alike) == [[0, 1], [2], [3]]
    # at a point where a kink below may go on it is another one
    free, alike = independent_kinks(X, masks, [*kinks, (0, 1, 0)])
    assert free == [0, 2, 3, 4] and sorted(alike) == [[0], [1], [2], [3], [4]]


def test_units_at_rest_below_may_turn_some_of_the_dead_points_on():
    X = np.arange(2.0)[:, None]
    masks = [np.ones((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 1))]
    kinks = [(2, 0, 0), (2, 1, 0)]
    assert independent_kinks(X, masks, kinks) == ([0], [[0, 1]])
    # what is dead stays so, whatever grows in the first layer; what reads it grows above
    assert independent_kinks(X, masks, kinks, [(0, 1), (2, 1)]) == ([0], [[0, 1]])
    assert independent_kinks(X, masks, kinks, [(1, 1)]) == ([0], [[0], [1]])
    above = [(3, 0, 0), (3, 1, 0)]
    assert independent_kinks(X, masks, above, [(1, 1)]) == ([0], [[0, 1]])
    assert independent_kinks(X, masks, above, [(2, 1)]) == ([0], [[0], [1]])


def test_a_unit_at_rest_below_a_kink_of_dead_points_is_no_minimum():
    # 4 and 8 are fitted; -1/2 and -1 are off below, with targets -0.3 - 1 and -0.3 + 1
    def loss(theta, grow=0.0):
        t, angle, c = theta
        W = [[t * np.cos(angle)], [-grow]], [[t, grow]], [[t]]
        net = ReLUNetwork(list(W), [[t * np.sin(angle), 0.0], [0.0], [c]])
        size = sum((part**2).sum() for part in (*net.weights, *net.biases))
        return ((net(X) - y) ** 2).mean() + 0.05 * size, net

    X = np.array([[4.0], [8.0], [-0.5], [-1.0]])
    y = np.array([[1.0], [2.0], [-1.3], [0.7]])
    found = minimize(lambda theta: loss(theta)[0], [0.65, 0.26, -0.24], tol=1e-12)
    at_rest, net = loss(found.x)
    assert loss(found.x, 0.1)[0] < at_rest - 1e-4
    told = verify(net, X, y, weight_decay=0.1, rtol=1e-4)
    assert told.verdict != "local minimum"


def test_points_of_other_patterns_below_are_not_compared():
    X = np.array([[0.0], [1.0], [2.0]])
    masks = [np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]]), np.zeros((3, 1))]
    kinks = [(1, i, 0) for i in range(3)]
    assert independent_kinks(X, masks, kinks)[0] == [0, 1, 2]
    assert independent_kinks(X, [np.ones((3, 2)), masks[1]], kinks)[0] == [0, 1]


def test_dead_points_that_differ_above_are_not_compared():
    X = np.arange(2.0)[:, None]
    masks = [np.zeros((2, 1)), np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros((2, 1))]
    assert independent_kinks(X, masks, [(2, 0, 0), (2, 1, 0)])[0] == [0, 1]


def test_points_that_are_dead_below_read_the_same_whatever_is_dead_further_below():
    # one of them comes alive again by a bias in between
    X = np.arange(3.0)[:, None]
    masks = [np.array([[0.0], [1.0], [1.0]]), np.array([[0.0]] * 3), np.zeros((3, 1))]
    free, alike = independent_kinks(X, masks, [(2, 0, 0), (2, 1, 0)])
    assert (free, alike) == ([0], [[0, 1]])


def test_multipliers_are_as_far_inside_of_their_bounds_as_they_can_be():
    # mu_1 + mu_2 = 1 with mu <= (0.25, 2): the least margin is largest where mu_1 = 0.125
    rows, rises = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0.25, 2.0])
    found = multipliers_of(rows, np.array([-1.0, 0.0]), [[0], [1]], lambda mu: rises)
    assert found == pytest.approx([0.125, 0.875])
    # with bounds (-1, 3) each for itself has none, both together are between 0 and 2
    found = multipliers_of(rows, np.array([-1.0, 0.0]), [[0, 1]], lambda mu: np.array([-1.0, 3.0]))
    assert found.sum() == pytest.approx(1)


def test_multipliers_count_how_they_move_each_others_bounds():
    # mu_1 + mu_2 = 1, delta = (mu_2, 2): mu_1 < mu_2
    rows = np.array([[1.0], [1.0]])
    found = multipliers_of(rows, np.array([-1.0]), [[0], [1]], lambda mu: np.array([mu[1], 2.0]))
    assert found == pytest.approx([1 / 3, 2 / 3])  # the least of mu_1, mu_2 - mu_1 and 1 / 3


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_three_multipliers_of_any_size_are_found_exactly(scale):
    # mu_1 + mu_2 + 2 mu_3 = 1, the least of mu_1, mu_2 - mu_1 and mu_3 is largest at (1, 2, 1) / 5
    rows, slope = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), np.array([-scale, 0.0])

    def tied(mu):
        return np.array([mu[1], 9 * scale, 9 * scale])

    found = multipliers_of(rows, slope, [[0], [1], [2]], tied)
    assert found / scale == pytest.approx([0.2, 0.4, 0.2])

    # the first one has no place below -1; with s = mu_1 + mu_2 <= 2, 0 < mu_3 < s: s = 2 mu_3
    def summed(mu):
        return np.array([-scale, 3 * scale, mu[0] + mu[1]])

    found = multipliers_of(rows, slope, [[0, 1], [2]], summed) / scale
    assert [found[:2].sum(), found[2]] == pytest.approx([0.5, 0.25])

    # nothing is inside: the smallest ones
    found = multipliers_of(rows, slope, [[0], [1], [2]], lambda mu: np.full(3, -scale))
    assert found / scale == pytest.approx([1 / 6, 1 / 6, 1 / 3])


# Planted


def dead_below(seed, kind="minimum", size=1e-3):
    """A unit of the second layer on its kink at all points where the first layer is dead."""
    bare = planted((2, 2, 3, 2), 18, [], seed)
    if bare is None:
        return None
    dead = np.flatnonzero(~(bare[0].hidden(bare[1])[0] > 0).any(axis=1))
    if not 2 <= len(dead) <= 4:
        return None
    kinks = [(1, int(i), 0) for i in dead]
    return planted((2, 2, 3, 2), 18, kinks, seed, kind=kind, size=size)


def on_a_line(seed, kind="minimum", size=1e-3):
    """A unit of the first layer on its kink at three points of a line."""
    X = np.random.default_rng(seed).integers(-16, 17, (14, 2)) / 8
    X[2] = (X[0] + X[1]) / 2
    kinks = [(0, i, 0) for i in range(3)]
    return planted((2, 3, 2), 14, kinks, seed, kind=kind, size=size, points=X)


@pytest.mark.parametrize(("plant", "seeds"), [(dead_below, (79, 117, 151)), (on_a_line, (0, 1, 2))])
def test_planted_minima_on_kinks_that_depend_on_each_other_are_proved(plant, seeds):
    rng = np.random.default_rng(0)
    for seed in seeds:
        made = plant(seed)
        found = verify(*made)
        assert (found.verdict, found.proved) == ("local minimum", True)
        assert len(found.kinks) >= 2 and found.distance < 1e-10
        assert all(0 < kink.multiplier < kink.rise for kink in found.kinks)
        for radius in (1e-3, 1e-5):
            assert lowest_near(*made, radius, rng, 200) > -1e-13


@pytest.mark.parametrize(
    ("plant", "kind", "seeds"),
    [
        (dead_below, "falls", (6, 15, 18)),
        (dead_below, "rises too little", (3, 79, 103)),
        (on_a_line, "falls", (0, 3, 6)),
        (on_a_line, "rises too little", (2, 3, 5)),
    ],
)
def test_what_is_proved_of_other_multipliers_is_true(plant, kind, seeds):
    rng = np.random.default_rng(1)
    for seed in seeds:
        made = plant(seed, kind)
        if verify(*made).verdict in ("local minimum", "global minimum"):
            for radius in (1e-3, 1e-5):
                assert lowest_near(*made, radius, rng, 1000) > -1e-13


def test_a_kink_that_is_one_at_several_points_rises_as_their_sum_does():
    net, X, Y = dead_below(79)
    kinks = verify(net, X, Y).kinks
    dead = ~(net.hidden(X)[0] > 0).any(axis=1)
    assert [k.point for k in kinks] == np.flatnonzero(dead).tolist()
    step = 2.0**-20

    def loss(height):
        h = net.hidden(X)[1].astype(np.longdouble)
        h[dead, kinks[0].unit] = height
        return ((h @ net.weights[2].T + net.biases[2] - Y) ** 2).sum(axis=1).mean()

    slope = float((loss(step) - loss(0.0)) / step)
    assert slope == pytest.approx(sum(k.rise for k in kinks), rel=1e-2)
