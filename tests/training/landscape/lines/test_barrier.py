"""What a barrier says holds for the exact loss, at every t."""

import itertools
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from builders import random_data, random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from training_lines import exact_between, permuted

from geomcore import ReLUNetwork
from training import barrier, matched
from training.landscape.lines import barrier as room
from training.landscape.sampled import Sampled

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
    # nothing can be said of a piece around an end, and no time is spent on it
    assert found.pieces == 0 and np.isinf([high for _, high in found.nodes]).all()
    # one end is enough
    found = barrier(ReLUNetwork([[[1.0]]], [[0.0]]), a, [[1.0]], [[0.0]], seconds=1.0)
    assert found.upper == np.inf and found.pieces == 0 and 1 <= found.nodes[0][1] < 1.1
    with pytest.raises(ValueError, match="b must differ from a by finite floats"):
        big = (ReLUNetwork([[[s * 1.7e308]]], [[0.0]]) for s in (1, -1))
        barrier(*big, [[1.0]], [[0.0]])


def test_the_time_is_looked_at_within_a_level(monkeypatch):
    monkeypatch.setattr(room, "AT_A_TIME", 1)
    a, b = random_network((2, 20, 20, 1), 0), random_network((2, 20, 20, 1), 1)
    X, Y = random_data((2, 1), 50, 2)
    found = barrier(a, b, X, Y, seconds=1e-9)
    assert found.pieces < room.FIRST
    assert found.upper == np.inf and not found.is_tight


# The search itself, on a loss that is known


class Hill(NamedTuple):
    """A loss of t, and its bounds on pieces, instead of the models of a network."""

    loss: Callable
    largest: Callable  # of (low, high)
    X: tuple = ((0.0,),)
    start: tuple = ((np.zeros((1, 1)), None),)


@pytest.fixture
def looked_at(monkeypatch):
    """The pieces at which a search of a `Hill` looks: rows (middle, half), an array for a call."""
    pieces = []

    def loss_models(hill, middle, half):
        pieces.append(np.column_stack([middle, half]))
        return hill, middle, half

    def values_at(model, u):
        hill, middle, half = model
        return SimpleNamespace(lower=np.array([hill.loss(t) for t in middle + u * half]))

    def largest(model):
        hill, middle, half = model
        return np.array([hill.largest(m - h, m + h) for m, h in zip(middle, half, strict=True)])

    for fake in (loss_models, values_at, largest):
        monkeypatch.setattr(room, fake.__name__, fake)
    return pieces


def searched(*hills, rtol=1e-3, floor=0.0, seconds=60.0):
    search = room._Search(rtol, floor, time.monotonic() + seconds)
    for number, hill in enumerate(hills):
        search.run(hill, number)
    return search


def ramp(sign):
    """A loss that grows with t, or falls, up to 3; bounds are off by the length of the piece."""
    loss = (lambda t: 1 + 2 * t) if sign > 0 else (lambda t: 3 - 2 * t)
    return Hill(loss, lambda low, high: max(loss(low), loss(high)) + high - low)


def spike(place, height=2.0):
    """A loss of 1, but that the pieces around a place are bounded by a larger number."""
    return Hill(lambda t: 1.0, lambda low, high: height if low <= place <= high else 0.5)


def steps(rng):
    """A loss with random plateaus, and their largest value; ends of a piece count on both sides."""
    ends = np.sort(rng.random(30))
    height = 1 + 0.01 * rng.random(31) + (rng.random(31) < 0.1)

    def largest(low, high):
        i, j = np.searchsorted(ends, [low, high], side="left")
        return height[i : j + 1].max() * (1 + rng.random() * 1e-2 * (high - low))

    return Hill(lambda t: height[np.searchsorted(ends, t, side="left")], largest), height.max()


def test_pieces_are_halved_exactly_down_to_the_finest(looked_at):
    search = searched(spike(0.1234567891234567))
    assert search.upper == 2.0 and search.lower == 1.0 and search.pieces == 32 + 2 * 38
    assert sum(map(len, looked_at)) == search.pieces
    for rows in looked_at:
        for m, h in rows:
            low, high = Fraction(m) - Fraction(h), Fraction(m) + Fraction(h)
            assert Fraction(float(low)) == low and Fraction(float(high)) == high
    ends = sorted((m - h, m + h) for m, h in looked_at[0])
    assert ends[0][0] == 0.0 and ends[-1][1] == 1.0
    assert all(high == low for (_, high), (low, _) in pairwise(ends))
    for before, after in pairwise(looked_at):
        assert (after[:, 1] == before[0, 1] / 2).all()
        place = before[(abs(before[:, 0] - 0.1234567891234567) <= before[:, 1])][0, 0]
        assert sorted(after[:, 0]) == [place - after[0, 1], place + after[0, 1]]


@pytest.mark.parametrize("sign", [1, -1])
def test_losses_are_those_of_the_segment_and_not_beyond(looked_at, sign):
    search = searched(ramp(sign))
    assert search.lower == 3.0 and search.t == (1.0 if sign > 0 else 0.0)
    assert 3.0 <= search.upper <= 3.003 and search.is_done(search.upper)


@pytest.mark.parametrize("seed", range(20))
def test_plateaus_of_a_path_are_below_the_bound_and_the_highest_is_attained(looked_at, seed):
    rng = np.random.default_rng(seed)
    (one, first), (other, second) = steps(rng), steps(rng)
    search = searched(one, other)
    assert search.lower <= max(first, second) <= search.upper
    hill = (one, other)[search.segment]
    assert search.lower == hill.loss(search.t)
    assert search.is_done(search.upper) == (search.upper <= search.lower * (1 + 1e-3))


def test_what_is_tight_early_still_counts(looked_at):
    def largest(low, high):
        if high <= 1 / 32:
            return 2.0015  # near enough to the loss of 2 at 0 that nobody looks closer
        return 1.0 + 40 * (high - low)

    search = searched(Hill(lambda t: 2.0 if t == 0 else 1.0, largest))
    assert (search.lower, search.t, search.upper) == (2.0, 0.0, 2.0015)


def test_of_equal_losses_the_first_is_named(looked_at):
    flat = Hill(lambda t: 1.0, lambda low, high: 1.0)
    search = searched(flat, flat)
    assert (search.segment, search.t, search.upper, search.pieces) == (0, 0.0, 1.0, 64)
    nothing = Hill(lambda t: -1e-300, lambda low, high: 0.0)
    search = searched(nothing)
    assert (search.lower, search.segment, search.t) == (0.0, 0, 0.0)
    assert search.upper == 0.0 and search.is_done(search.upper)


def test_a_bound_that_gets_worse_is_not_taken(looked_at):
    # that of the whole is 2, those of parts are 5: the parts lie in the whole
    worse = Hill(lambda t: 1.0, lambda low, high: 2.0 if high - low > 0.02 else 5.0)
    assert searched(worse, seconds=0.2).upper == 2.0


def test_a_level_is_looked_at_in_batches_of_so_many_numbers(looked_at, monkeypatch):
    layers = ((np.zeros((2, 5)), None), (np.zeros((3, 2)), None), (np.zeros((1, 3)), None))
    hill = ramp(1)._replace(X=((0.0,), (1.0,)), start=layers)
    whole = searched(hill)
    for at_a_time, rows in ((6 * 5, 5), (6 * 7 + 5, 7), (6, 1), (1, 1)):
        looked_at.clear()
        monkeypatch.setattr(room, "AT_A_TIME", at_a_time)
        search = searched(hill)
        assert max(map(len, looked_at)) == len(looked_at[0]) == rows
        assert (search.lower, search.upper) == (whole.lower, whole.upper)
        assert search.pieces == whole.pieces == sum(map(len, looked_at))


def test_too_many_pieces_leave_the_bounds_of_the_last_ones(looked_at, monkeypatch):
    monkeypatch.setattr(room, "MOST_PIECES", 100)
    slow = Hill(lambda t: 1.0, lambda low, high: 2.0 + high - low)
    search = searched(slow, seconds=2.0)
    # the third level of 128 is begun with 96, the fourth is not
    assert search.pieces == 32 + 64 + 128 and search.upper == 2 + 1 / 128
    assert not search.is_done(search.upper)


def test_a_bound_is_done_where_it_is_near_or_nothing():
    search = room._Search(0.5, 3.0, 0.0)
    search.see(0, np.array([0.5]), np.array([4.0]))
    assert search.is_done(6.0) and not search.is_done(6.000001)
    search = room._Search(0.5, 3.0, 0.0)
    search.see(0, np.array([0.5]), np.array([1.0]))
    assert search.is_done(3.0) and not search.is_done(3.000001)
    assert not room._Search(0.5, np.inf, 0.0).is_done(np.inf)


def problem_of(net, X, Y, decay=0.0, loss="mse"):
    return Sampled(net, X, Y, loss, decay, None)


def test_nothing_is_a_part_of_the_loss_of_the_best_constant():
    two, one = (ReLUNetwork([np.ones((k, 1))], [np.zeros(k)]) for k in (2, 1))
    Y = np.array([[0.0, 0.0], [2.0, 4.0], [1.0, 2.0], [1.0, 2.0]])
    assert room._floor(problem_of(two, np.ones((4, 1)), Y)) == pytest.approx(2.5e-12, rel=1e-15)
    for size in (1e200, 1.7e308):
        Y = np.array([[size], [-size]])
        assert room._floor(problem_of(one, np.ones((2, 1)), Y)) == 0.0
    entropy = problem_of(one, np.ones((2, 1)), np.array([[0.0], [1.0]]), loss="bce")
    assert room._floor(entropy) == pytest.approx(1e-12 * np.log(2), rel=1e-15)


# relu(4 t - 1) - 2 relu(4 t - 2): a tent from 1/4 to 3/4, of height 1
def tent(t):
    return ReLUNetwork([[[0.0], [0.0]], [[1.0, -2.0]]], [[4 * t - 1, 4 * t - 2], [0.0]])


def test_the_guess_is_the_place_of_the_largest_loss_on_the_segment(monkeypatch):
    def peak(a, b, size=0.0, decay=0.0, loss="mse"):
        return room._peak(a, b, problem_of(a, np.full((1, 1), size), np.zeros((1, 1)), decay, loss))

    assert peak(tent(0.0), tent(0.7)) == pytest.approx(5 / 7, rel=1e-12)
    assert peak(tent(0.2), tent(0.3)) == 1.0
    assert peak(tent(0.3), tent(0.2)) == 0.0
    # with weight decay the parameters count, which are larger at the ends here
    assert peak(tent(0.0), tent(-3.0), decay=1.0) == 1.0
    assert 0 <= peak(*(ReLUNetwork([[[s * 1e200]]], [[0.0]]) for s in (1, -1)), size=1e200) <= 1
    assert peak(tent(0.0), tent(0.7), loss="bce") == pytest.approx(5 / 7, abs=1 / 256)
    assert peak(tent(0.2), tent(0.3), loss="bce") == 1.0
    assert peak(tent(0.3), tent(0.2), loss="bce") == 0.0
    monkeypatch.setattr(room, "GUESSED", 3)
    assert peak(tent(0.3), tent(0.2)) == 0.5


def test_a_barrier_says_where_it_is():
    known = {"lower": 1.0, "upper": 2.0, "t": 0.5, "pieces": 7, "is_tight": False}
    one = room.Barrier(segment=0, nodes=((0.25, 0.5), (1.0, 1.5)), **known)
    path = room.Barrier(segment=1, nodes=((0.25, 0.5), (1.0, 1.5), (0.0, 0.75)), **known)
    assert repr(one) == "Barrier(lower=1, upper=2, t=0.5)"
    assert repr(path) == "Barrier(lower=1, upper=2, segment=1, t=0.5)"
    assert one.summary().splitlines() == [
        "largest loss on the segment: between 1 and 2 (proved)",
        "  attained near t = 0.5; loss at the nodes: at most 0.5, 1.5",
        "  the bounds are not as near to each other as was asked for",
    ]
    assert path.summary().splitlines() == [
        "largest loss on the path of 2 segments: between 1 and 2 (proved)",
        "  attained near t = 0.5 of segment 1; loss at the nodes: at most 0.5, 1.5, 0.75",
        "  the bounds are not as near to each other as was asked for",
    ]


def test_bounds_at_the_nodes_are_those_of_the_nodes():
    ends = [tent(0.0), tent(0.3), tent(0.5), tent(0.6)]
    found = barrier(ends[0], ends[3], [[0.0]], [[0.0]], via=ends[1:3])
    assert found.is_tight and "not as near" not in found.summary()
    assert found.nodes[0][0] == 0.0 and found.nodes[0][1] < 1e-300
    for (low, high), wanted in zip(found.nodes[1:], (0.04, 1.0, 0.36), strict=True):
        assert wanted * (1 - 1e-12) <= low <= high <= wanted * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_of_every_node_is_between_its_bounds(seed):
    rng = np.random.default_rng(seed)
    ends = [random_network((2, 3, 1), rng) for _ in range(3)]
    X, Y = random_data((2, 1), 5, rng)
    found = barrier(ends[0], ends[2], X, Y, via=ends[1:2], rtol=1e-2)
    for node, (low, high) in zip(ends, found.nodes, strict=True):
        loss = exact_between(node, node, X, Y, 0)
        assert low <= loss <= high
        assert 0 < Fraction(high) - Fraction(low) <= Fraction(1e-12) * loss


def test_every_segment_of_a_path_has_its_share_of_time_and_pieces(monkeypatch):
    net, other = random_network((2, 3, 1), 0), random_network((2, 3, 1), 1)
    X, _ = random_data((2, 1), 1, 1)
    # no loss at all on the first, of which no bound is near to 0
    with monkeypatch.context() as patch:
        patch.setattr(room, "MOST_PIECES", 1000)
        found = barrier(net, other, X, net(X), via=[net])
    assert found.is_tight and found.segment == 1 and found.pieces > 1000
    # a clock that goes on by a second whenever it is looked at, after 32 pieces: 60 for each
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=itertools.count().__next__))
    monkeypatch.setattr(room, "AT_A_TIME", 3 * 32)
    found = barrier(net, other, X, net(X), via=[net], rtol=1e-15, seconds=120.0)
    assert not found.is_tight and found.lower < found.upper < 1.01 * found.lower
    assert 32 * 50 < found.pieces < 32 * 120
