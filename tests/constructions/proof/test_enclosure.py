from fractions import Fraction
from itertools import pairwise

import naive
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.proof import enclosure
from constructions.proof.enclosure import enclose, point_key
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels


def random_network(rng, widths, grid=None):
    """Normal weights and biases, or multiples of 1/grid, so that zeros and ties occur."""
    tensors = [rng.normal(size=(m, n + 1)) for n, m in pairwise(widths)]
    if grid:
        tensors = [np.round(t * grid) / grid for t in tensors]
    return ReLUNetwork([t[:, :-1] for t in tensors], [t[:, -1] for t in tensors])


def check_enclosure(found, net, X, labels):
    """Everything that is claimed, against the network in Fractions."""
    outputs, pre_activations = naive.exact_forward(net.weights, net.biases, X)
    loss = naive.exact_loss(net.weights, net.biases, X, labels.Y)
    assert Fraction(found.loss_floor) <= loss <= Fraction(found.loss_bound)
    weighted = Fraction(0)
    for q in range(len(labels.classes)):
        own = np.flatnonzero(labels.index == q)
        for i in own:
            target = naive.exact(labels.targets[q])
            error = sum((o - t) ** 2 for o, t in zip(outputs[i], target, strict=True))
            weighted += error / len(own)
    high, low = found.bounds("class_weighted")
    assert Fraction(low) <= weighted <= Fraction(high)
    for margin, layer in zip(found.margins, pre_activations, strict=True):
        smallest = min(abs(v) for x in layer for v in x)
        assert Fraction(margin) <= smallest * (1 + Fraction(1, 10**12))
    if found.undecided == 0:
        assert found.kinks <= sum(v == 0 for layer in pre_activations for x in layer for v in x)
    covered = np.sort(np.concatenate([found.clean, *(g.rows for g in found.groups)]))
    np.testing.assert_array_equal(covered, np.arange(len(X)))
    for i in found.clean:
        assert all(v > 0 for layer in pre_activations for v in layer[i])
    for group in found.groups:
        check_group(group, pre_activations, X, decided=found.undecided == 0)


def check_group(group, pre_activations, X, *, decided):
    """The points of a group share the last hidden output, and die last where it says."""
    for i in group.rows:
        hidden = pre_activations[-1][i] if pre_activations else naive.exact(X[i])
        if pre_activations:
            hidden = [max(v, Fraction(0)) for v in hidden]
        for ball, value in zip(group.hidden, hidden, strict=True):
            mid, rad = ball.mid().fmpq(), ball.rad().fmpq()
            mid = Fraction(int(mid.p), int(mid.q))
            assert abs(value - mid) <= Fraction(int(rad.p), int(rad.q))
        dead = [l for l, layer in enumerate(pre_activations, 1) if all(v <= 0 for v in layer[i])]
        if decided:
            assert group.dead_layer == (dead[-1] if dead else 0)
    assert group.dead_layer > 0 or (X[group.rows] == X[group.rows[0]]).all()


# By hand


def test_two_dead_points_and_a_live_one():
    net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    X = np.array([[0.0], [2.0], [3.0]])
    found = enclose(net, X, as_labels([1, 0, 0], 3, targets=[[0.0], [1.0]]))
    assert (*found.bounds("mse"), *found.bounds("class_weighted")) == (0.0, 0.0, 0.0, 0.0)
    assert sorted((g.rows.tolist(), g.dead_layer) for g in found.groups) == [([0], 0), ([1, 2], 1)]
    assert 1 - 1e-12 < found.margins[0] <= 1


def test_a_preactivation_that_is_exactly_zero_is_a_kink():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-0.5], [0.0]])
    found = enclose(net, np.array([[0.5], [1.0]]), as_labels([[0.0], [0.5]], 2))
    assert (found.kinks, found.undecided, found.margins) == (1, 0, [0.0])
    assert found.loss_bound == 0


def test_zero_and_minus_zero_are_one_point():
    assert point_key(np.array([0.0, 1.0])) == point_key(np.array([-0.0, 1.0]))
    assert point_key(np.array([0.0, 1.0])) != point_key(np.array([5e-324, 1.0]))


def test_an_inactive_unit_has_a_margin_beside_an_active_one():
    # the second layer sees balls, since the first is neither all active nor all inactive
    net = ReLUNetwork(
        [[[3.0], [-2.0]], [[1.0, 0.0], [-1.0, 0.0]], [[1.0, 1.0]]],
        [[0.0, 0.0], [1.0, 1.0], [0.0]],
    )
    found = enclose(net, np.array([[1.0]]), as_labels([[0.0]], 1))
    assert 2 * (1 - 1e-12) <= found.margins[0] <= 2 and found.margins[1] == 2.0


def test_signs_beyond_128_bits_are_decided_with_more():
    tiny = 2.0**-400
    net = ReLUNetwork([[[1.0, 1.0, 1.0]], [[1.0]]], [[0.0], [0.0]])
    X = np.array([[1.0, tiny, -1.0], [1.0, -tiny, -1.0]])
    found = enclose(net, X, as_labels([0, 1], 2, targets=[[tiny], [0.0]]))
    assert found.undecided == found.kinks == 0
    assert found.bits > 400
    assert [g.dead_layer for g in found.groups] in ([0, 1], [1, 0])


@pytest.mark.parametrize("sign", [1, -1])
def test_what_stays_undecided_is_still_enclosed(sign):
    # a unit of the first layer is inactive, so 1 + x is a ball when 1 is taken off it
    net = ReLUNetwork(
        [[[1.0, 1.0], [-1.0, 0.0]], [[1.0, 0.0]], [[2.0**30]]],
        [[0.0, 0.0], [-1.0], [0.0]],
    )
    sizes = sign * np.arange(1, 65) * 2.0**-36
    undecided = 0
    for x in sizes:
        X, labels = np.array([[1.0, x]]), as_labels([[0.0]], 1)
        found = enclose(net, X, labels, bits=32, most_bits=32)
        assert found.undecided <= 1  # of the one unit of the second layer
        undecided += found.undecided
        check_enclosure(found, net, X, labels)
    assert undecided > 0


def test_two_points_that_may_be_dead_are_not_taken_for_one():
    # x + y - x at 32 bits, at two sizes: both may be inactive, and the larger y is beyond the
    # ball of the smaller one
    net = ReLUNetwork(
        [[[1.0, 1.0], [1.0, 0.0], [-1.0, 0.0]], [[1.0, -1.0, 0.0]], [[1.0]]],
        [[0.0, 0.0, 0.0], [0.0], [0.0]],
    )
    X, labels = np.array([[1.0, 2.0**-36], [1024.0, 2.0**-24]]), as_labels([[0.0], [1.0]], 2)
    found = enclose(net, X, labels, bits=32, most_bits=32)
    assert found.undecided == 2
    check_enclosure(found, net, X, labels)


def test_one_clear_unit_does_not_decide_the_others():
    # the first pre-activation is -0.3 of the smallest number; as floats, 1, 0 and 0 are added
    w = np.array([0.6, -0.45, -0.45]) * 2.0**-537
    net = ReLUNetwork([[w, [0.0, 0.0, 0.0]], [[1.0, 1.0]]], [[0.0, 1.0], [0.0]])
    X, labels = np.full((1, 3), 2.0**-537), as_labels([[1.0]], 1)
    assert (X @ w > 0).all()
    found = enclose(net, X, labels)
    check_enclosure(found, net, X, labels)
    assert [g.pattern for g in found.groups] == [bytes([0, 1])]


def test_the_pattern_of_a_point_is_told_layer_by_layer():
    # all active in the first layer; one of two in the second; none in the third, then all
    net = ReLUNetwork(
        [np.eye(2), np.eye(2), np.eye(2), [[1.0, 1.0]]],
        [np.ones(2), [0.0, -9.0], [1.0, -1.0], [0.0]],
    )
    found = enclose(net, np.array([[1.0, 2.0]]), as_labels([[0.0]], 1))
    assert [(g.pattern, g.dead_layer) for g in found.groups] == [(bytes([1, 1, 1, 0, 1, 0]), 0)]


def test_points_active_everywhere_are_named_while_a_last_layer_may_fit_them():
    # one hidden unit: weights and bias fit two points
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    for count, named in ((1, 1), (2, 2), (3, 0)):
        X = np.arange(float(count))[:, None]
        found = enclose(net, np.vstack([X, X]), as_labels(np.vstack([X, X]), 2 * count))
        assert len(found.groups) == named and len(found.clean) == 2 * (count - named)


@pytest.mark.parametrize("N", [3, 4, 5, 9])
def test_no_point_is_left_out_where_losses_come_from_floats(N, monkeypatch):
    monkeypatch.setattr(enclosure, "MOST_CLEAN", 0)
    monkeypatch.setattr(enclosure, "BLOCK", 4)
    rng = np.random.default_rng(N)
    net = ReLUNetwork([[[1.0]], [[1 / 3]]], [[1.0], [0.1]])
    X, y = rng.uniform(size=(N, 1)), np.arange(N) % 2
    labels = as_labels(y, N, targets=[[0.0], [5.0]])
    found = enclose(net, X, labels, count=True)
    assert len(found.clean) == N
    check_enclosure(found, net, X, labels)
    assert found.plain.rad() < 1e-12 and found.right == np.count_nonzero(y == 0)


def test_an_output_whose_ball_is_centred_at_its_target_has_a_finite_loss_bound():
    # two equal numbers with more digits than the balls hold, followed one by one, and subtracted
    third = 1 / 3
    net = ReLUNetwork(
        [[[third], [-1.0]], [[third, 0.0]], [[third], [third]], [[1.0, -1.0]]],
        [[0.0, 0.0], [0.0], [0.0, 0.0], [0.0]],
    )
    X, labels = np.array([[third]]), as_labels([[0.0]], 1)
    found = enclose(net, X, labels, bits=64, most_bits=64)
    assert 0 <= found.loss_floor <= found.loss_bound < 1e-30
    check_enclosure(found, net, X, labels)


def test_tiny_points_and_large_weights_do_not_hide_rounding():
    # |x|^2 underflows; the sum of the products is a rounding error of the float product
    w = 1.0 + 2.0**-30
    net = ReLUNetwork([[[w * 1e120, -1e120]], [[1.0]]], [[0.0], [0.0]])
    x = 1e-200
    X = np.array([[x, x * w], [x, np.nextafter(x * w, 1)], [x, np.nextafter(x * w, 0)]])
    labels = as_labels([[0.0], [1.0], [2.0]], 3)
    check_enclosure(enclose(net, X, labels), net, X, labels)


def test_many_points_that_are_active_everywhere_have_their_loss_bounded():
    N = 100_001
    X = np.arange(N, dtype=float)[:, None] / 7
    net = ReLUNetwork([[[3.0]], [[1 / 3]]], [[0.1], [0.0]])
    targets = X + np.where(np.arange(N) % 2, 0.5, -0.25)[:, None]
    labels = as_labels(targets, N)
    found = enclose(net, X, labels)
    assert len(found.clean) == N
    spot = [0, 1, 77, N - 1]
    for i in spot:
        loss = naive.exact_loss(net.weights, net.biases, X[[i]], targets[[i]])
        alone = enclose(net, X[[i]], as_labels(targets[[i]], 1))
        assert Fraction(alone.loss_floor) <= loss <= Fraction(alone.loss_bound)
    # outputs are x + 1/30 + 1e-17 x, so errors are 1/30 - 1/2 and 1/30 + 1/4
    odd, even = N // 2, N - N // 2
    expected = (odd * (1 / 30 - 0.5) ** 2 + even * (1 / 30 + 0.25) ** 2) / N
    assert found.loss_floor <= expected * (1 + 1e-9)
    assert found.loss_bound >= expected * (1 - 1e-9)
    assert found.loss_bound - found.loss_floor < 1e-6


def test_the_floor_of_the_loss_of_many_points_leaves_room_for_rounding():
    # the floats are fitted exactly, so all that is left is the rounding of the outputs
    X = np.tile(np.arange(1.0, 1002.0)[:, None] * 1e3 / 7, (101, 1))
    net = ReLUNetwork([[[3.0]], [[1 / 3]]], [[0.1], [0.0]])
    targets = net(X)
    labels = as_labels(targets, len(X))
    found = enclose(net, X, labels)
    assert len(found.clean) == len(X)
    loss = naive.exact_loss(net.weights, net.biases, X[:1001], targets[:1001])
    assert Fraction(found.loss_floor) <= loss <= Fraction(found.loss_bound)
    assert loss > 0


# Against the naive oracle


WIDTHS = [(1, 1), (2, 1), (1, 1, 1), (2, 3, 1), (3, 2, 2), (2, 4, 3, 2), (1, 2, 2, 2, 1)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6), st.sampled_from(WIDTHS), st.integers(1, 7), st.sampled_from([None, 1, 2])
)
def test_bounds_margins_and_groups_hold_for_the_exact_network(seed, widths, N, grid):
    rng = np.random.default_rng(seed)
    net = random_network(rng, widths, grid)
    X = rng.normal(size=(N, widths[0]))
    X = np.round(X * grid) / grid if grid else X
    targets = rng.normal(size=(2, widths[-1]))
    labels = as_labels(rng.integers(0, 2, N) if N > 2 else np.arange(N), N)
    labels = labels._replace(targets=targets[: len(labels.classes)])
    found = enclose(net, X, labels)
    assert found.undecided == 0
    check_enclosure(found, net, X, labels)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from(WIDTHS),
    st.integers(-900, 150),
    st.integers(-400, 100),
)
def test_exact_arithmetic_leaves_no_width_at_any_scale(seed, widths, bias_scale, point_scale):
    rng = np.random.default_rng(seed)
    net = random_network(rng, widths)
    net = ReLUNetwork(net.weights, [b * 2.0**bias_scale for b in net.biases])
    X = rng.normal(size=(4, widths[0])) * 2.0**point_scale
    labels = as_labels(rng.normal(size=(4, widths[-1])), 4)
    found = enclose(net, X, labels, exact=True)
    assert found.undecided == 0
    loss = naive.exact_loss(net.weights, net.biases, X, labels.Y)
    assert Fraction(found.loss_floor) <= loss <= Fraction(found.loss_bound)
    assert np.nextafter(np.nextafter(found.loss_floor, np.inf), np.inf) >= found.loss_bound


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from(WIDTHS),
    st.lists(st.integers(-200, 200), min_size=7, max_size=7),
)
def test_exact_arithmetic_has_enough_digits_for_every_sum(seed, widths, powers):
    # one size for each tensor, for the points and for the targets; 4 points: the mean is exact, too
    rng = np.random.default_rng(seed)
    net = random_network(rng, widths)
    net = ReLUNetwork(
        [W * 2.0**p for W, p in zip(net.weights, powers[:4], strict=False)],
        [b * 2.0**p for b, p in zip(net.biases, powers[2:6], strict=False)],
    )
    X = rng.normal(size=(4, widths[0])) * 2.0 ** powers[5]
    Y = rng.normal(size=(4, widths[-1])) * 2.0 ** powers[6]
    found = enclose(net, X, as_labels(Y, 4), exact=True)
    assert found.plain.rad() == 0
    mid = found.plain.mid().fmpq()
    loss = naive.exact_loss(net.weights, net.biases, X, Y)
    assert Fraction(int(mid.p), int(mid.q)) == loss


@pytest.mark.parametrize("zero", ["weights", "biases", "points", "targets"])
def test_exact_arithmetic_with_tensors_of_zeros(zero):
    third = np.array([[1 / 3]])
    parts = {name: third * (name != zero) for name in ("weights", "biases", "points", "targets")}
    net = ReLUNetwork([parts["weights"], third], [parts["biases"][0], third[0]])
    found = enclose(net, parts["points"], as_labels(parts["targets"], 1), exact=True)
    loss = naive.exact_loss(net.weights, net.biases, parts["points"], parts["targets"])
    mid = found.plain.mid().fmpq()
    assert found.plain.rad() == 0 and Fraction(int(mid.p), int(mid.q)) == loss


def test_a_loss_that_is_no_number_is_bounded_by_nothing():
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    found = enclose(net, np.array([[1.0]]), as_labels([[3.0]], 1))
    assert found.bounds("mse") == (4.0, 4.0)
    for ball in (arb("nan"), arb("inf"), arb("0 +/- inf")):
        assert found._replace(plain=ball).bounds("mse") == (np.inf, 0.0)
    assert found._replace(plain=arb(0, 1)).bounds("mse")[1] == 0.0


# Laws


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(-60, 60))
def test_scaling_a_layer_and_undoing_it_changes_no_bound_but_the_margin(seed, power):
    rng = np.random.default_rng(seed)
    net = random_network(rng, (2, 3, 2))
    X, c = rng.normal(size=(6, 2)), 2.0**power
    labels = as_labels([0, 1, 0, 1, 0, 1], 6)
    scaled = ReLUNetwork(
        [net.weights[0] * c, net.weights[1] / c], [net.biases[0] * c, net.biases[1]]
    )
    one, other = enclose(net, X, labels), enclose(scaled, X, labels)
    assert one.loss_bound == pytest.approx(other.loss_bound, rel=1e-12)
    assert other.margins[0] == pytest.approx(c * one.margins[0], rel=1e-6)
    assert [g.rows.tolist() for g in one.groups] == [g.rows.tolist() for g in other.groups]
