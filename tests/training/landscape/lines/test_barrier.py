"""What a barrier says holds for the exact loss, at every t."""

from fractions import Fraction

import numpy as np
import pytest
from builders import random_data, random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from training_lines import exact_between, permuted

from geomcore import ReLUNetwork
from training import barrier, matched

SHAPES = st.sampled_from([(1, 1), (2, 2, 1), (1, 3, 2), (2, 2, 2, 1), (1, 2, 2, 2, 1)])


@settings(max_examples=30)
@given(SHAPES, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.25]), st.integers(-3, 3))
def test_the_exact_loss_is_between_the_bounds(widths, seed, decay, size):
    rng = np.random.default_rng(seed)
    scale = 10.0**size
    a, b = (random_network(widths, rng, scaled=True) for _ in range(2))
    X, Y = random_data(widths, 3, rng)
    X = X * scale
    found = barrier(a, b, X, Y, weight_decay=decay, rtol=1e-4)
    assert found.is_tight and found.upper <= found.lower * (1 + 1e-4)
    assert found.lower <= exact_between(a, b, X, Y, found.t, decay)
    for t in [*(Fraction(k, 23) for k in range(24)), Fraction(found.t)]:
        assert exact_between(a, b, X, Y, t, decay) <= found.upper
    for (low, high), node in zip(found.nodes, (0, 1), strict=True):
        assert low <= exact_between(a, b, X, Y, node, decay) <= high


def test_a_million_samples_stay_below():
    a, b = random_network((2, 3, 1), 0, scaled=True), random_network((2, 3, 1), 1, scaled=True)
    X, Y = random_data((2, 1), 10, 2)
    found = barrier(a, b, X, Y)
    most = 0.0
    for t in np.array_split(np.linspace(0, 1, 1_000_000), 50):
        W1, b1, W2, b2 = (
            p + t.reshape(-1, *[1] * p.ndim) * (q - p)
            for p, q in zip(a.tensors, b.tensors, strict=True)
        )
        hidden = np.maximum(np.einsum("tij,nj->tni", W1, X) + b1[:, None], 0)
        outputs = np.einsum("tij,tnj->tni", W2, hidden) + b2[:, None]
        most = max(most, ((outputs - Y) ** 2).sum(axis=2).mean(axis=1).max())
    assert found.lower * (1 - 1e-12) <= most <= found.upper * (1 + 1e-12)
    assert found.upper / found.lower - 1 <= 1e-6


def test_a_spike_that_no_grid_shows_is_below_the_bound():
    # the output is a hat of height 1 over the interval from 0.3 to 0.300002
    def at(t):
        b = [1e6 * (t - 0.3), 1e6 * (t - 0.3) - 1.0, 1e6 * (t - 0.3) - 2.0]
        return ReLUNetwork([np.zeros((3, 1)), [[1.0, -2.0, 1.0]]], [b, [0.0]])

    found = barrier(at(0.0), at(1.0), [[0.0]], [[0.0]], rtol=1e-3)
    assert found.is_tight and found.lower == pytest.approx(1, rel=1e-3)
    assert found.t == pytest.approx(0.300001, abs=1e-8)


def test_a_path_is_as_high_as_its_highest_segment():
    rng = np.random.default_rng(5)
    a, b, c = (random_network((2, 3, 1), rng) for _ in range(3))
    X, Y = random_data((2, 1), 6, rng)
    path = barrier(a, b, X, Y, via=[c])
    parts = [barrier(a, c, X, Y), barrier(c, b, X, Y)]
    assert path.lower == max(part.lower for part in parts)
    assert path.upper <= max(part.upper for part in parts) * (1 + 1e-6)
    assert path.nodes == (*parts[0].nodes, parts[1].nodes[1])
    assert len(path.nodes) == 3 and "the path of 2 segments" in path.summary()


def test_one_loss_on_all_of_the_segment():
    net = random_network((2, 3, 1), 0)
    X, _ = random_data((2, 1), 6, 1)
    found = barrier(net, net, X, net(X))
    assert found.lower >= 0 and found.upper < 1e-28 and found.is_tight
    found = barrier(net, net, X, net(X) + 1)
    assert found.lower <= 1 <= found.upper <= 1 + 1e-6


@pytest.mark.parametrize("size", [1e-160, 1e-80, 1e80, 1e150])
def test_extreme_sizes_give_true_bounds(size):
    a, b = random_network((2, 2, 1), 0), random_network((2, 2, 1), 1)
    X, Y = random_data((2, 1), 3, 2)
    found = barrier(a, b, X * size, Y * size, seconds=2.0)
    for t in (0, Fraction(1, 3), Fraction(found.t), 1):
        assert exact_between(a, b, X * size, Y * size, t) <= found.upper
    assert found.lower <= exact_between(a, b, X * size, Y * size, found.t)


def test_when_the_time_is_over_the_bounds_hold():
    a, b = random_network((2, 8, 8, 1), 0), random_network((2, 8, 8, 1), 1)
    X, Y = random_data((2, 1), 6, 2)
    found = barrier(a, b, X, Y, rtol=1e-15, seconds=1e-9)
    assert not found.is_tight and "not as near" in found.summary()
    for t in (Fraction(k, 7) for k in range(8)):
        assert exact_between(a, b, X, Y, t) <= found.upper


def test_permuted_units_are_matched_and_the_barrier_is_gone():
    net = random_network((3, 6, 5, 2), 0)
    other = permuted(net, np.random.default_rng(1))
    X, _ = random_data((3, 2), 20, 2)
    assert barrier(net, other, X, net(X)).lower > 0.01
    again = matched(other, net)
    assert again == net
    assert barrier(net, again, X, net(X)).upper < 1e-25


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"a": None}, "a must be"),
        ({"b": 3}, "b must be"),
        ({"b": random_network((2, 2, 1))}, r"b must have widths \(2, 3, 1\) as a"),
        ({"via": [None]}, r"via\[0\] must be"),
        ({"via": 3}, "via must"),
        ({"rtol": 0}, "rtol must"),
        ({"rtol": "x"}, "rtol must"),
        ({"seconds": -1}, "seconds must"),
        ({"loss": "huber"}, "loss must"),
        ({"weight_decay": np.inf}, "weight_decay must"),
        ({"X": [[np.inf, 0.0]] * 5}, "X must"),
    ],
)
def test_wrong_calls_say_which_argument(change, told):
    given = {
        "a": random_network((2, 3, 1), 0),
        "b": random_network((2, 3, 1), 1),
        "X": np.ones((5, 2)),
        "y": np.zeros((5, 1)),
    }
    with pytest.raises(ValueError, match=told):
        barrier(**{**given, **change})


def test_the_place_is_exact_on_every_segment():
    K = 2.0**43 * 1.1
    head = [[1.0, -2.0, 1.0]]
    c = ReLUNetwork([[[0.0]] * 3, head], [[0.0, -1.0, -2.0], [0.0]])
    b = ReLUNetwork([[[K]] * 3, head], [[0.0, -1.0, -2.0], [0.0]])
    found = barrier(c, b, [[1.0]], [[0.0]], via=[c], seconds=5.0)
    assert found.segment == 1
    assert found.lower <= exact_between(c, b, [[1.0]], [[0.0]], found.t)


def test_an_infinite_bound_is_not_tight():
    a, b = ReLUNetwork([[[1e200]]], [[0.0]]), ReLUNetwork([[[-1e200]]], [[0.0]])
    found = barrier(a, b, [[1.0], [2.0]], [[1e200], [-1e200]], seconds=1.0)
    assert found.upper == np.inf and not found.is_tight
    with pytest.raises(ValueError, match="b must differ from a by finite floats"):
        big = (ReLUNetwork([[[s * 1.7e308]]], [[0.0]]) for s in (1, -1))
        barrier(*big, [[1.0]], [[0.0]])


def test_the_time_is_looked_at_within_a_level(monkeypatch):
    from training.landscape.lines import barrier as room

    monkeypatch.setattr(room, "AT_A_TIME", 1)
    a, b = random_network((2, 20, 20, 1), 0), random_network((2, 20, 20, 1), 1)
    X, Y = random_data((2, 1), 50, 2)
    found = barrier(a, b, X, Y, seconds=1e-9)
    assert found.pieces < room.FIRST
    assert found.upper == np.inf and not found.is_tight
