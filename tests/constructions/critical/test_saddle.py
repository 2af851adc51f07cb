"""Ways down from critical points: by hand, against bounds that are attained, and planted."""

from types import SimpleNamespace

import numpy as np
import pytest
from planted import planted

from constructions import verify
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from constructions.critical.saddle import curvature_down, sides_down, signs_of, way_over
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, move

SERIES = [(0, 0, 0), (1, 0, 0)]
APART = [(0, 0, 0), (0, 1, 1)]

# Bounds


def test_a_negative_direction_in_the_kernel_is_found():
    H = Balls(np.diag([1.0, -2.0]))
    way, bend = curvature_down(H, Balls(np.zeros((0, 2))))
    assert np.abs(way).tolist() == [0.0, 1.0] and -2 <= bend < -2 + 1e-12
    way, bend = curvature_down(H, Balls(np.array([[1.0, 0.0]])))
    assert np.abs(way).tolist() == [0.0, 1.0] and bend < -2 + 1e-12
    assert curvature_down(H, Balls(np.array([[0.0, 1.0]]))) is None
    assert curvature_down(Balls(np.diag([1.0, 0.0])), Balls(np.zeros((0, 2)))) is None
    assert curvature_down(H, Balls(np.eye(2))) is None


@pytest.mark.parametrize(("width", "proved"), [(1.9, True), (2.1, False)])
def test_a_curvature_counts_if_it_is_negative_in_all_of_the_balls(width, proved):
    H = Balls(np.diag([1.0, -2.0]), np.diag([0.0, width]))
    assert (curvature_down(H, Balls(np.zeros((0, 2)))) is not None) == proved


@pytest.mark.parametrize(
    ("slant", "width", "proved"),
    [(9e-4, 0.0, True), (1.1e-3, 0.0, False), (4e-4, 0.5, True), (6e-4, 0.5, False)],
)
def test_the_kernel_is_that_of_all_matrices_in_the_balls(slant, width, proved):
    # the kernel of (1 - width, slant) is spanned by (-slant / (1 - width), 1)
    H, G = Balls(np.diag([1e6, -1.0])), Balls(np.array([[1.0, 0.0]]), np.array([[width, slant]]))
    assert (1e6 * (slant / (1 - width)) ** 2 < 1) == proved
    assert (curvature_down(H, G) is not None) == proved


@pytest.mark.parametrize(
    ("heavy", "widths"),
    [
        # -(x_1, x_2) / x_3 may be as large as (0, s), (s / 0.5, 0), ((s + 0.4 s) / 0.6, s)
        ((1.0, 1e6), [[0.0, 0.0, 0.0], [0.0, 0.0, 2e-3]]),
        ((1e6, 1.0), [[0.5, 0.0, 6e-4], [0.0, 0.0, 0.0]]),
        ((1e6, 1.0), [[0.4, 0.4, 5e-4], [0.0, 0.0, 5e-4]]),
    ],
)
def test_every_row_that_spans_the_kernel_counts(heavy, widths):
    H, G = Balls(np.diag([*heavy, -1.0])), np.eye(2, 3)
    assert curvature_down(H, Balls(G, np.array(widths) / 4)) is not None
    assert curvature_down(H, Balls(G, np.array(widths))) is None


@pytest.mark.parametrize(("spare", "proved"), [(1e-12, False), (-4e-12, True)])
def test_what_the_kernel_may_lean_by_is_not_rounded_down(spare, proved):
    # with (1, s) in the balls the form is 1e6 s^2 - 1 on the kernel
    H, width = Balls(np.diag([1e6, -1.0])), 1e-3 * np.sqrt(1 + spare)
    G = Balls(np.array([[1.0, 0.0]]), np.array([[0.0, width]]))
    assert (curvature_down(H, G) is not None) == proved


@pytest.mark.parametrize("width", [1.0, 2.0, np.inf])
def test_a_matrix_that_may_lose_its_rank_proves_nothing(width):
    H, G = Balls(np.diag([1.0, -1.0])), Balls(np.array([[1.0, 0.0]]), np.array([[width, 0.0]]))
    assert curvature_down(H, G) is None


def test_the_loss_falls_over_a_kink_if_a_multiplier_is_beyond_its_bounds():
    mu = Balls(np.array([-1.0, 1.0, 3.0, -1.0, 0.5]), np.array([0.5, 0.5, 0.5, 0.5, 0.5]))
    rises = [Balls(np.array(r), np.array(0.25)) for r in (1.0, 3.0, 2.0, -3.0, 3.0)]
    pairs = [(mu[j], rise) for j, rise in enumerate(rises)]
    assert sides_down(pairs) == [(0, -1.0), (2, 1.0), (3, -1.0), (3, 1.0)]


def test_a_multiplier_that_may_be_at_its_bound_says_nothing():
    mu = Balls(np.array([-1.0, 2.0]), np.array([1.0, 0.5]))
    rises = [Balls(np.array(3.0), np.array(0.0)), Balls(np.array(1.0), np.array(0.5))]
    assert sides_down([(mu[j], rise) for j, rise in enumerate(rises)]) == []


def test_multipliers_of_kinks_that_depend_on_each_other_say_nothing_beyond_their_bounds():
    mu, rises = Balls(np.array([-1.0, 0.5, 3.0])), [Balls(np.array(1.0))] * 3
    alone = SimpleNamespace(alike=[[0], [1], [2]], free=[0, 1, 2])
    assert signs_of(alone, mu, rises) == (False, [([0], -1.0), ([2], 1.0)])
    tied = SimpleNamespace(alike=[[0], [1], [2]], free=[0, 1])
    assert signs_of(tied, mu, rises) == (False, [])
    # those that are one count by their sums: -0.5 of 2 and 3 of 1, or 2.5 of 3
    pair = SimpleNamespace(alike=[[0, 1], [2]], free=[0, 2])
    assert signs_of(pair, mu, rises) == (False, [([0, 1], -1.0), ([2], 1.0)])
    one = SimpleNamespace(alike=[[0, 1, 2]], free=[0])
    assert signs_of(one, mu, rises) == (True, [])


@pytest.mark.parametrize("kinks", [APART, SERIES])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_way_over_one_kink_leaves_the_others_where_they_are(kinks, side):
    widths = (2, 3, 2) if kinks is APART else (2, 3, 3, 2)
    seeds = (planted(widths, 14, kinks, seed) for seed in range(100))
    net, X, Y = next(made for made in seeds if made is not None)
    masks = [(value > 0).astype(float) for value in net.hidden(X)]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    block = [Block(slice(0, 14), Balls(np.ones(14)), Balls(np.eye(2)))]
    cell = Cell(widths, Balls(X), Balls(Y), block, masks, kinks)
    step = 1e-5
    for kink in range(len(kinks)):
        way = way_over(cell, flatten(net.tensors), [kink], side)
        assert np.linalg.norm(way) == pytest.approx(1)
        moved, h, heights = move(net, way, step), X, []
        for l, (W, b) in enumerate(zip(moved.weights[:-1], moved.biases[:-1], strict=True)):
            z = h @ W.T + b
            heights += [z[i, u] for layer, i, u in kinks if layer == l]
            h = np.maximum(z, 0)
        assert side * heights[kink] > 0.01 * step
        assert max(abs(z) for j, z in enumerate(heights) if j != kink) < 1e3 * step**2


# By hand


def on_a_kink(residual, slope=-1.0):
    """One unit max(x, 0), on its kink at the second of four points.

    With r = (-s - r_0, r_0, 2 s, -s) off the labels, the loss is stationary while the kink stays;
    mu = -s / 2 and delta = r_0 / 2.
    """
    X = np.array([[-1.0], [0.0], [1.0], [2.0]])
    s, r = slope, residual
    Y = np.maximum(X, 0) - np.array([[-s - r], [r], [2 * s], [-s]])
    return ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]]), X, Y


@pytest.mark.parametrize(
    ("residual", "slope", "verdict"),
    [
        (1 + 2.0**-20, -1.0, "local minimum"),
        (1 - 2.0**-20, -1.0, "not stationary"),
        (0.25, -1.0, "not stationary"),
        (-1.0, -1.0, "not stationary"),
        (1.0, 1.0, "not stationary"),
        (1.0, 2.0**-20, "not stationary"),
        (1.0, -(2.0**-20), "local minimum"),
        (-3.0, 1.0, "not stationary"),
    ],
)
def test_what_a_kink_is_follows_from_its_multiplier(residual, slope, verdict):
    net, X, Y = on_a_kink(residual, slope)
    found = verify(net, X, Y)
    assert (found.verdict, found.proved) == (verdict, True)
    if verdict == "not stationary":
        assert found.critical is None and found.distance is None
        assert found.witness["loss"] < found.loss_floor
        return
    (kink,) = found.kinks
    assert (kink.layer, kink.point, kink.unit) == (1, 1, 0)
    assert kink.multiplier == pytest.approx(-slope / 2, abs=1e-15)
    assert kink.rise == pytest.approx(residual / 2, abs=1e-15)
    assert found.distance < 1e-14


@pytest.mark.parametrize(("residual", "slope"), [(1.0, -1.0), (1.0, 0.0)])
def test_a_multiplier_at_its_bound_is_neither(residual, slope):
    found = verify(*on_a_kink(residual, slope))
    assert found.critical is None or found.critical["argument"] == "slack"


def wrong_component(step=0.0):
    """A unit, on everywhere, that passes the smaller of two components of Y = diag(2, 1) X."""
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    Y = X * [2.0, 1.0]
    net = ReLUNetwork([[[0.0, 1.0]], [[0.0], [1.0]]], [[4.0], [0.0, -4.0]])
    way = np.random.default_rng(0).standard_normal(net.parameter_count)
    return move(net, way, step / np.linalg.norm(way)), X, Y


@pytest.mark.parametrize("step", [0.0, 1e-12, 1e-10, 2e-9])
def test_next_to_an_exact_saddle_the_verdict_is_saddle(step):
    net, X, Y = wrong_component(step)
    found = verify(net, X, Y)
    assert (found.verdict, found.proved, found.critical["argument"]) == ("saddle", True, "saddle")
    # with F_1 = v (w x_1 + x_2 + 4) + c the loss is (4 v + c)^2 + (v^2 + w^2) / 2 - 2 v w + ...
    least = np.linalg.eigvalsh([[33.0, -2.0, 8.0], [-2.0, 1.0, 0.0], [8.0, 0.0, 2.0]])[0]
    assert found.critical["eigenvalue"] == pytest.approx(least, rel=1e-6)
    assert found.distance <= max(2 * step, 1e-14)
    assert found.witness["loss"] < found.loss_floor


def test_far_from_a_saddle_the_verdict_is_not_stationary():
    assert verify(*wrong_component(1e-4)).verdict == "not stationary"


def test_the_loss_of_a_stored_network_is_next_to_that_of_its_saddle():
    # the unit that is large and feeds nothing hides a step of the small one
    net, X, Y = wrong_component()
    weights = [np.vstack([net.weights[0], [[1e9, 0.0]]]), np.hstack([net.weights[1], [[0], [0]]])]
    idle = ReLUNetwork(weights, [np.r_[net.biases[0], -1e10], net.biases[1]])
    assert verify(idle, X, Y).verdict == "saddle"
    other = [weights[0] + [[0.1, 0.0], [0.0, 0.0]], weights[1]]
    found = verify(ReLUNetwork(other, idle.biases), X, Y)
    assert found.critical is None
