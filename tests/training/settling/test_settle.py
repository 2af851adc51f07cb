"""Networks as they come: what settling keeps, and how near it comes."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from settling_problems import corners, norm, on_a_kink, random_network, shaken

from constructions.critical.search import nearby_minimum
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from training import settle
from training.settling.arguments import warning_of
from training.settling.problem import balanced


def exact_loss(net, X, Y):
    total = Fraction(0)
    for x, y in zip(X.tolist(), Y.tolist(), strict=True):
        h = [Fraction(v) for v in x]
        for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            rows = zip(W.tolist(), b.tolist(), strict=True)
            h = [
                sum(Fraction(w) * v for w, v in zip(row, h, strict=True)) + Fraction(c)
                for row, c in rows
            ]
            if l < len(net.weights) - 1:
                h = [max(v, Fraction(0)) for v in h]
        total += sum((a - Fraction(c)) ** 2 for a, c in zip(h, y, strict=True))
    return total / len(X)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([(2, 2, 2), (2, 4, 1), (2, 3, 2, 2), (2, 2)]))
def test_the_loss_never_rises(seed, widths):
    net, rng = random_network(widths, seed), np.random.default_rng(seed)
    X, Y = rng.standard_normal((9, 2)), rng.integers(0, 2, (9, widths[-1])).astype(float)
    found = settle(net, X, Y, seconds=5)
    before, after = exact_loss(net, X, Y), exact_loss(found.network, X, Y)
    assert after <= before * (1 + Fraction(1e-12)) + Fraction(1e-28)
    assert found.loss == pytest.approx(float(after), rel=1e-9, abs=1e-28)
    assert found.loss_before == pytest.approx(float(before), rel=1e-9)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 0.1])
def test_a_network_near_a_minimum_on_a_kink_goes_there(size):
    net, X, Y = on_a_kink()
    found = settle(shaken(net, size), X, Y)
    assert found.is_critical and len(found.kinks) == 1
    assert found.loss == pytest.approx(0.045, abs=1e-15)
    assert found.moved <= 20 * size and found.gradient_norm < 1e-15
    again = settle(found.network, X, Y)
    assert again.moved <= 1e-14 and again.moved_by_rescaling <= 1e-14


@pytest.mark.parametrize(
    ("widths", "seed"), [((2, 2, 2), 1), ((2, 3, 2), 1), ((2, 4, 2), 1), ((2, 3, 3, 2), 3)]
)
def test_what_is_settled_is_so_near_that_the_point_can_be_proved(widths, seed):
    X, y = corners()
    found = settle(random_network(widths, seed), X, y)
    labels = as_labels(y, len(X))
    proof, why = nearby_minimum(found.network, X, labels, [arb(1) / len(X)] * 2)
    assert found.is_critical and proof is not None, why
    assert proof.distance <= 1e-10 * norm(found.network)


@pytest.mark.parametrize("seed", range(3))
def test_no_network_next_to_a_settled_one_is_better(seed):
    X, y = corners()
    found = settle(random_network((2, 4, 2), seed), X, y)
    assert found.is_critical
    Y, rng = np.eye(2)[y], np.random.default_rng(0)
    for size in (1e-5, 1e-4, 1e-3):
        for _ in range(100):
            other = shaken(found.network, size, rng)
            assert ((other(X) - Y) ** 2).sum() / len(X) >= found.loss - 1e-15


def test_large_problems_are_warned_of():
    large = ReLUNetwork([np.ones((25, 61)), np.ones((10, 25))], [np.ones(25), np.ones(10)])
    assert warning_of(large, 1000).startswith("1,810 parameters on 1,000 points: where the loss")
    # few points, or few parameters
    assert warning_of(large, 100) is None
    assert warning_of(random_network((2, 11, 11, 2), 0), 100_000) is None


def test_the_same_arguments_give_the_same_bits():
    X, y = corners()
    net = random_network((2, 4, 3, 2), 0)
    first, second = settle(net, X, y), settle(net, X, y, seconds=1000)
    for a, b in zip(first.network.tensors, second.network.tensors, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.reason == second.reason


def test_other_scales_of_the_units_lead_to_the_same_place():
    X, y = corners()
    net = random_network((2, 3, 2), 2)
    W1, b1, W2, b2 = net.tensors
    other = net.rebuild([W1 * 2.0**20, b1 * 2.0**20, W2 * 2.0**-20, b2])
    first, second = settle(net, X, y), settle(other, X, y)
    for a, b in zip(first.network.tensors, second.network.tensors, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.moved == pytest.approx(second.moved, rel=1e-6)
    assert second.moved_by_rescaling > 1e3 > first.moved_by_rescaling


@pytest.mark.parametrize("factor", [3.0, 0.7, 1e-3])
def test_networks_that_differ_by_scales_have_the_same_multipliers(factor):
    X, y = corners()
    first = settle(random_network((2, 4, 2), 3), X, y)
    assert first.is_critical and first.kinks
    W1, b1, W2, b2 = first.network.tensors
    other = first.network.rebuild([W1 * factor, b1 * factor, W2 / factor, b2])
    second = settle(other, X, y)
    assert second.moved < 1e-12 * norm(other)
    assert [k[:3] for k in second.kinks] == [k[:3] for k in first.kinks]
    np.testing.assert_allclose(
        second.frame().to_numpy(float), first.frame().to_numpy(float), rtol=1e-9
    )
    assert [k[:3] for k in first.kinks] == sorted(k[:3] for k in first.kinks)


def test_moved_is_the_distance_of_balanced_parameters():
    X, y = corners()
    net = random_network((2, 3, 2), 2)
    found = settle(net, X, y)
    ends = [balanced(n.widths, n.packed()[0], rounded=False) for n in (net, found.network)]
    assert found.moved == pytest.approx(np.linalg.norm(ends[0] - ends[1]))


def test_classes_may_count_alike():
    X, y = corners()
    X, y = X[:-7], y[:-7]
    found = settle(random_network((2, 3, 2), 0), X, y, loss="class_weighted")
    squares = ((found.network(X) - np.eye(2)[y]) ** 2).sum(axis=1)
    assert found.loss == pytest.approx(squares[y == 0].mean() + squares[y == 1].mean())
    assert found.is_critical


def test_more_units_than_points_need_settle_at_zero_loss():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.integers(0, 2, 20)
    found = settle(random_network((3, 20, 2), 0), X, y)
    assert found.loss < 1e-25 and found.is_fitted and found.is_critical


def test_dead_networks_single_points_and_single_classes_settle():
    X, y = corners(2)
    dead = ReLUNetwork([-np.ones((3, 2)), np.ones((2, 3))], [-9 * np.ones(3), np.zeros(2)])
    found = settle(dead, X, y)
    assert found.is_critical and found.loss == pytest.approx(0.5)
    empty = settle(ReLUNetwork([np.zeros((2, 2)), np.zeros((2, 2))], [[0, 0], [0, 0]]), X, y)
    assert empty.is_critical and empty.loss == pytest.approx(0.5)
    assert settle(dead, X[:1], [[1.0, 2.0]]).loss < 1e-28
    assert settle(random_network((2, 2, 1), 0), X, np.zeros(8)).loss < 1e-24
    conflict = settle(dead, X[[0, 0]], [0, 1])
    assert conflict.is_critical and conflict.loss == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"net": 3}, "net must be a ReLUNetwork, got int"),
        ({"X": np.zeros((0, 2)), "y": []}, "X must hold at least one point"),
        ({"X": np.zeros((8, 3))}, "X must have 2 columns"),
        ({"y": [0] * 8}, "net must have one output per class (1), got 2; what it puts out"),
        (
            {"loss": "hinge"},
            "'mse', 'class_weighted', 'cross_entropy', 'bce', others",
        ),
        ({"loss": None}, "others cannot be settled, got None"),
        ({"loss": "bce", "y": [[2.0, 0.0]] * 8}, "y must lie in [0, 1] for bce, got values from"),
        ({"loss": "cross_entropy", "y": [[2.0, 0.0]] * 8}, "rows at least 0 that sum to 1"),
        ({"weight_decay": -0.1}, "weight_decay must be a finite number, at least 0, got -0.1"),
        ({"weight_decay": np.nan}, "weight_decay must be a finite number, at least 0, got nan"),
        ({"seconds": 0}, "seconds must be a positive number, got 0"),
        ({"net": random_network((2, 800, 2), 0)}, "at most 3000 parameters"),
    ],
)
def test_what_cannot_be_settled_is_refused_in_a_sentence(change, part):
    X, y = corners(2)
    arguments = {"net": random_network((2, 2, 2), 0), "X": X, "y": y, **change}
    with pytest.raises(ValueError) as error:
        settle(**arguments)
    assert part in str(error.value)


def test_a_loss_that_overflows_is_refused():
    X, y = corners(2)
    net = random_network((2, 2, 2), 0)
    with pytest.raises(ValueError, match="finite float, got one that overflows"):
        settle(net.rebuild([t * 1e200 for t in net.tensors]), X, y)


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e-160, 1e-150, 1e150, 1e160, 1e300])
@pytest.mark.parametrize("part", ["X", "y", "both"])
def test_numbers_of_any_size_are_settled_or_refused_in_one_sentence(size, part):
    net = ReLUNetwork([[[1.0], [2.0]], [[1.0, -1.0]]], [[0.5, -1.0], [0.0]])
    X, Y = np.array([[0.0], [1.0], [2.0], [-1.0]]), np.array([[1.0], [2.0], [0.0], [1.0]])
    X, Y = X * (size if part != "y" else 1.0), Y * (size if part != "X" else 1.0)
    try:
        found = settle(net, X, Y, seconds=5.0)
    except ValueError as error:
        assert "must" in str(error) and "\n" not in str(error)
    else:
        assert all(np.isfinite(t).all() for t in found.network.tensors)


def test_nothing_runs_away_with_weight_decay():
    net = ReLUNetwork(
        [[[-0.736], [0.108]], [[0.1, -0.468]], [[-0.012], [-0.241]]],
        [[-0.231, 0.887], [-0.068], [0.246, 0.14]],
    )
    found = settle(net, [[3.0], [2.0]], [[-1.0, 0.0], [-2.0, 1.0]], weight_decay=0.01)
    assert "infinity" not in found.reason


@pytest.mark.parametrize("seed", [27, 42])
def test_a_loss_that_is_rounding_does_not_run_away(seed):
    # near points of different labels need large weights, which is no way to infinity
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(3, 1)), rng.normal(size=(1, 3))]
    net = ReLUNetwork(weights, [rng.normal(size=3), rng.normal(size=1)])
    found = settle(net, [[0.0], [1e-7], [1.0]], [[0.0], [1.0], [0.0]])
    assert found.loss < 1e-16 and "infinity" not in found.reason


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_weights_near_by_that_overflow_are_told_of_by_the_data(loss):
    net = ReLUNetwork(
        [[[1.0, 0.5], [-0.5, 1.0]], [[1.0, -1.0], [0.5, 1.0]]], [[0.1, 0.2], [0, 0.3]]
    )
    X = np.array([[1.0, 2.0], [-1.0, 1.0], [0.5, -1.0], [2.0, 0.3]]) * 1e-158
    with pytest.raises(ValueError, match="net, X and y must hold numbers of moderate size"):
        settle(net, X, [0, 1, 1, 0], loss=loss)


def test_a_loss_that_rounding_alone_would_raise_is_refused():
    big = 1e9  # terms of 1e18 cancel
    net = ReLUNetwork([[[big], [big]], [[big, -big]]], [[big, 0.5 * big], [1 - 0.5 * big**2]])
    with pytest.raises(ValueError, match=r"by rounding alone the loss rises from 1 to 8"):
        settle(net, [[0.0], [1.0], [2.0]], np.ones((3, 1)))


def test_a_loss_of_exactly_zero_stays_what_it_is():
    rng = np.random.default_rng(1)
    net = ReLUNetwork(
        [1e6 * rng.integers(-3, 4, (4, 2)), 1e6 * rng.integers(-3, 4, (1, 4))],
        [1e6 * rng.integers(-3, 4, 4), [0.0]],
    )
    X = rng.integers(-3, 4, (6, 2)).astype(float)
    settled = settle(net, X, net(X))
    assert (settled.loss_before, settled.loss, settled.moved) == (0, 0, 0)
    for kept, own in zip(settled.network.tensors, net.tensors, strict=True):
        np.testing.assert_array_equal(kept, own)


def test_the_softmax_of_one_output_does_not_run_to_infinity():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [1.0]])
    found = settle(net, [[1.0], [2.0]], [0, 0], targets=[[1.0]], loss="cross_entropy")
    assert found.loss == 0 and "infinity" not in found.reason
