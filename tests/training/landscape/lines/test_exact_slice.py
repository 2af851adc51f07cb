"""A slice is the loss at every t, and knows every kink."""

import numpy as np
import pytest
from builders import random_data, random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from training_lines import losses_on

from constructions import construct
from geomcore import ReLUNetwork
from training import exact_slice
from training.landscape.lines.polynomials import values

SHAPES = st.sampled_from([(1, 1), (2, 3), (1, 2, 1), (2, 3, 2), (3, 3, 3, 3), (1, 4, 1, 4, 2)])


def from_pieces(found, t):
    """The loss at t by the coefficients of the pieces."""
    ends = found.breakpoints
    k = np.clip(np.searchsorted(ends, t, side="right") - 1, 0, len(found.coefficients) - 1)
    u = (t - (ends[k] + ends[k + 1]) / 2) / ((ends[k + 1] - ends[k]) / 2)
    return values(found.coefficients[k], u)


@settings(max_examples=40)
@given(SHAPES, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1]), st.booleans())
def test_the_slice_is_the_loss(widths, seed, decay, is_sparse):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng, scaled=True)
    X, Y = random_data(widths, 7, rng)
    v = rng.normal(size=net.parameter_count)
    if is_sparse:
        v *= rng.random(v.shape) < 0.3
    found = exact_slice(net, v, X, Y, (-2.0, 1.5), weight_decay=decay)
    t = rng.uniform(-2, 1.5, size=100)
    wanted = losses_on(net, v, X, Y, t, decay)
    np.testing.assert_allclose(found(t), wanted, rtol=1e-12)
    np.testing.assert_allclose(from_pieces(found, t), wanted, rtol=1e-12)
    grid = np.linspace(-2, 1.5, 501)
    on_grid = losses_on(net, v, X, Y, grid, decay)
    assert found.minimum.loss <= on_grid.min() * (1 + 1e-12)
    assert found.maximum.loss >= on_grid.max() * (1 - 1e-12)
    for extreme in (found.minimum, found.maximum):
        np.testing.assert_allclose(
            extreme.loss, losses_on(net, v, X, Y, [extreme.t], decay)[0], rtol=1e-12
        )


def test_ten_thousand_numbers_on_a_deep_network():
    net = random_network((3, 3, 3, 3, 3), 1, scaled=True)
    X, Y = random_data(net.widths, 50, 2)
    v = np.random.default_rng(3).normal(size=net.parameter_count)
    found = exact_slice(net, v, X, Y)
    t = np.random.default_rng(4).uniform(-1, 1, 10_000)
    np.testing.assert_allclose(found(t), losses_on(net, v, X, Y, t), rtol=1e-12)


@settings(max_examples=25)
@given(SHAPES, st.integers(0, 2**32 - 1))
def test_every_change_of_the_pattern_is_a_breakpoint_and_nothing_else_is(widths, seed):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng, scaled=True)
    X, Y = random_data(widths, 3, rng)
    v = rng.normal(size=net.parameter_count)
    found = exact_slice(net, v, X, Y)

    def patterns(times):
        along = net.rebuild([t for t in net.tensors])
        out = []
        for t in times:
            theta = net.packed()[0] + t * v
            start, hidden, x = 0, [], X
            for n, m in zip(along.widths, along.widths[1:], strict=False):
                W = theta[start : start + n * m].reshape(m, n)
                b = theta[start + n * m : start + n * m + m]
                start += n * m + m
                x = x @ W.T + b
                hidden.append(x > 0)
                x = np.maximum(x, 0)
            out.append(np.concatenate([h.ravel() for h in hidden[:-1]] or [np.zeros(0)]))
        return np.array(out)

    ends = found.breakpoints
    middle = patterns((ends[:-1] + ends[1:]) / 2)
    np.testing.assert_array_equal((middle[1:] != middle[:-1]).any(axis=1), found.is_crossing)
    assert found.cells == 1 + found.is_crossing.sum()
    grid = np.linspace(-1, 1, 2001)
    changed = (np.diff(patterns(grid).astype(int), axis=0) != 0).any(axis=1)
    for i in np.flatnonzero(changed):
        assert ((ends >= grid[i] - 1e-12) & (ends <= grid[i + 1] + 1e-12)).any()


def test_a_slice_that_is_known_by_hand():
    # relu(t) at x = 1 with target 0, in units of the one weight
    net = ReLUNetwork([[[0.0]], [[1.0]]], [[0.0], [0.0]])
    found = exact_slice(net, [1.0, 0.0, 0.0, 0.0], [[1.0]], [[-1.0]], (-1.0, 2.0))
    np.testing.assert_allclose(found.breakpoints, [-1, 0, 2])
    assert found.cells == 2
    # (1 + t)^2 on the right, 1 on the left: its slope jumps from 0 to 2
    np.testing.assert_allclose(found.slopes, [[0, 0], [2, 6]], atol=1e-15)
    np.testing.assert_allclose(found.jumps, [2])
    assert found.minimum.loss == 1 and found.maximum == (2.0, 9.0)
    frame = found.frame()
    assert frame["jump"][0] == pytest.approx(2) and frame["least_loss"].tolist() == [1, 1]
    assert "1 kink of the loss among 1 crossing" in found.summary()


def test_a_crossing_between_grid_points_is_seen():
    # a bump between 0.1234 and 0.1235, of which 51 points see nothing
    net = ReLUNetwork([[[0.0], [0.0]], [[1.0, -2.0]]], [[-0.1234, -0.12345], [0.0]])
    v = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    found = exact_slice(net, v, [[0.0]], [[0.0]], (0.0, 0.1235))
    np.testing.assert_allclose(found.breakpoints, [0, 0.1234, 0.12345, 0.1235], rtol=1e-15)
    assert found.maximum.t == pytest.approx(0.12345)
    assert found.maximum.loss == pytest.approx(2.5e-9)


def test_on_a_constructed_network_all_points_of_a_class_cross_at_once():
    X = np.concatenate([np.random.default_rng(0).normal(c, 0.1, size=(8, 2)) for c in (0, 3, 6)])
    y = np.repeat([0, 1, 2], 8)
    net = construct(X, y).network
    rng = np.random.default_rng(1)
    for v in (rng.normal(size=net.parameter_count), np.zeros(net.parameter_count)):
        found = exact_slice(net, v, X, y, (-0.1, 0.1))
        t = rng.uniform(-0.1, 0.1, 50)
        wanted = losses_on(net, v, X, np.eye(3)[y], t)
        np.testing.assert_allclose(found(t), wanted, rtol=1e-9, atol=1e-20)
    assert found.cells == 1


def test_class_weights_targets_and_a_network_as_direction():
    net = random_network((2, 3, 1), 0)
    X, _ = random_data(net.widths, 5, 1)
    y = np.array(["a", "a", "a", "b", "b"])
    along = random_network((2, 3, 1), 2)
    found = exact_slice(net, along, X, y, loss="class_weighted", targets=[[-1.0], [1.0]])
    error = (net(X)[:, 0] - np.where(y == "a", -1, 1)) ** 2
    assert found(0.0) == pytest.approx(error[:3].mean() + error[3:].mean(), rel=1e-13)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net": None}, "net must be"),
        ({"direction": [1.0]}, r"direction must be 13 finite numbers, .* got shape \(1,\)"),
        ({"direction": [np.nan] * 13}, "direction must .* nan or inf"),
        ({"direction": "north"}, "direction must"),
        ({"direction": random_network((2, 2, 1))}, r"direction must have widths \(2, 3, 1\)"),
        ({"X": np.zeros((0, 2))}, "X must"),
        ({"y": np.zeros((4, 1))}, "y must"),
        ({"y": ["a", "b", "a", "b", "c"]}, "net must have 3 outputs"),
        ({"interval": (1.0, -1.0)}, "interval must be two finite numbers"),
        ({"interval": (0.0, np.inf)}, "interval must"),
        ({"interval": 3}, "interval must"),
        ({"loss": "cross_entropy"}, "loss must be .mse. or .class_weighted."),
        ({"weight_decay": -1.0}, "weight_decay must"),
        ({"weight_decay": "x"}, "weight_decay must"),
    ],
)
def test_wrong_calls_say_which_argument(change, told):
    given = {
        "net": random_network((2, 3, 1)),
        "direction": np.ones(13),
        "X": np.ones((5, 2)),
        "y": np.zeros((5, 1)),
    }
    with pytest.raises(ValueError, match=told):
        exact_slice(**{**given, **change})


def test_outside_of_the_interval_nothing_is_said():
    found = exact_slice(random_network((2, 3, 1)), np.ones(13), np.ones((5, 2)), np.zeros((5, 1)))
    for t in (1.0000001, [0.0, np.nan], -2):
        with pytest.raises(ValueError, match="t must lie between -1 and 1"):
            found(t)
    assert found([[0.0, 1.0]]).shape == (1, 2)


def test_a_minimum_far_below_the_ends_of_a_long_line_is_found():
    for L, T in ((2, 1e4), (3, 1e4), (4, 1e2), (4, 1e3)):
        net = ReLUNetwork([[[0.0]]] * L, [[0.0]] * L)
        found = exact_slice(net, [1.0, 0.0] * L, [[1.0]], [[1.0]], (0.0, T))  # (t^L - 1)^2
        assert found.minimum.t == pytest.approx(1, abs=1e-6) and found.minimum.loss < 1e-18
        assert (found.frame()["least_loss"] >= 0).all()


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_no_grid_is_below_the_minimum_of_a_long_line(seed):
    rng = np.random.default_rng(seed)
    net = random_network((2, 5, 5, 5, 2), rng)
    X, Y = random_data((2, 2), 6, rng)
    v = rng.normal(size=net.parameter_count)
    found = exact_slice(net, v, X, Y, (-1000.0, 1000.0))
    for grid in (np.linspace(-1000, 1000, 401), np.geomspace(1e-3, 1000, 200)):
        assert found.minimum.loss <= losses_on(net, v, X, Y, grid).min() * (1 + 1e-9)


def test_neighbouring_crossings_are_not_joined_in_a_chain():
    eps, N = 2.0**-52, 400
    t, K, D = 0.5 + 8 * eps * np.arange(N), 2.0**40, 1600 * eps
    net = ReLUNetwork([[[0, -K]] * 3, [[1, -2, 1]]], [[0, -K * D, -2 * K * D], [0]])
    v = np.concatenate([[K, 0] * 3, np.zeros(7)])
    X = np.column_stack([np.ones(N), t])
    found = exact_slice(net, v, X, np.zeros((N, 1)), (0, 1))
    wanted = losses_on(net, v, X, np.zeros((N, 1)), [t[200] + D])[0]
    assert wanted > 0.05 and found.maximum.loss >= 0.9 * wanted


def test_a_zero_at_the_end_of_the_interval_is_no_kink():
    net = ReLUNetwork([[[0.1]], [[1.0]]], [[0.1], [0.0]])
    found = exact_slice(net, [-0.1, -0.1, 0, 0], [[0.7]], [[0.5]], (0.1, 1.0))
    assert found.breakpoints.tolist() == [0.1, 1.0]


def test_a_small_pre_activation_of_a_wide_layer_counts():
    w, W = 200, np.zeros((1, 200))
    W[0, 0] = 2.0**44
    net = ReLUNetwork([np.ones((w, 1)), W], [-np.ones(w), [0.0]])
    v = np.zeros(net.parameter_count)
    v[-1] = 1
    assert exact_slice(net, v, [[1 + 2.0**-44]], [[0.0]])(0.0) == 1


def test_huge_directions_and_tiny_intervals():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    found = exact_slice(net, [1e140, 0, 0, 0], [[1.0]], [[1.0]], (-2e-140, 2e-140))
    assert found(0.0) == 0 and found(-1e-140) == 1
    for interval in ((0, 5e-324), (-1e308, 1e308)):
        with pytest.raises(ValueError, match="interval must be two finite numbers"):
            exact_slice(net, [1.0, 0, 0, 0], [[1.0]], [[1.0]], interval)


@pytest.mark.parametrize("end", [1e20, 1e40])
@pytest.mark.parametrize("kind", ["full", "zeros", "layers of two sizes"])
def test_a_line_of_any_length_is_the_loss_near_the_network_and_far_from_it(end, kind):
    net = random_network((3, 4, 4, 2), 0, scaled=True)
    by = {"full": (1, 1, 1), "zeros": (0, 0, 0), "layers of two sizes": (1e-60, 1e60, 1)}[kind]
    net = ReLUNetwork(
        [c * W for c, W in zip(by, net.weights, strict=True)],
        [c * b for c, b in zip(np.cumprod(by), net.biases, strict=True)],
    )
    X, Y = random_data((3, 2), 10, 1)
    v = np.random.default_rng(2).normal(size=net.parameter_count)
    if kind == "layers of two sizes":
        v, end = v * 1e-3, 1.0
    found = exact_slice(net, v, X, Y, (-end, end))
    t = np.concatenate([[0.0], *(s * end / np.geomspace(1, end * 1e3, 40) for s in (-1, 1))])
    np.testing.assert_allclose(found(t), losses_on(net, v, X, Y, t), rtol=1e-12)


def test_a_crossing_near_the_network_is_found_on_a_line_of_any_length():
    net = ReLUNetwork([[[0.0]], [[1.0]]], [[1.0], [0.0]])
    found = exact_slice(net, [1.0, 0, 0, 0], [[1.0]], [[0.0]], (-1e60, 1e60))
    assert found.breakpoints[1:-1][found.is_crossing] == pytest.approx([-1.0], rel=1e-12)
    assert found.cells == 2 and found(-2.0) == 0 and found(1.0) == pytest.approx(4.0, rel=1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e75, 1e150, 1e300])
def test_a_loss_that_overflows_is_refused(size):
    net = random_network((2, 3, 3, 1), 0)
    X, Y = random_data((2, 1), 3, 2)
    with pytest.raises(ValueError, match="interval must be one on which the loss is"):
        exact_slice(net, size * np.ones(net.parameter_count), X, Y)
