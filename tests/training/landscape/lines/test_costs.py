"""Cross-entropies on segments stay between the bounds, at every t."""

from fractions import Fraction

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from training_lines import entropies, entropy_between

from constructions.critical.balls import Balls
from geomcore import ReLUNetwork
from training import barrier
from training.landscape.lines.costs import COSTS, squared_error
from training.landscape.lines.models import values_at

SHAPES = st.sampled_from([(1, 1), (2, 2), (2, 2, 1), (1, 3, 2), (2, 2, 3), (2, 2, 2, 3)])


def targets(rng, n, K, loss, kind):
    """Random targets of n points: labels as numbers 0 and 1, or numbers between."""
    if kind == "hard":
        if loss == "bce":
            return rng.integers(0, 2, size=(n, K)).astype(float)
        return np.eye(K)[rng.integers(0, K, size=n)]
    Y = rng.uniform(size=(n, K))
    return Y if loss == "bce" else Y / Y.sum(axis=1, keepdims=True)


@settings(max_examples=40)
@given(
    SHAPES,
    st.sampled_from(["bce", "cross_entropy"]),
    st.sampled_from(["hard", "soft"]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.25]),
    st.sampled_from([-3, 0, 1, 2]),
)
def test_the_true_loss_is_between_the_bounds(widths, loss, kind, seed, decay, size):
    rng = np.random.default_rng(seed)
    a, b = (random_network(widths, rng, scaled=True) for _ in range(2))
    X = rng.normal(size=(3, widths[0])) * 10.0**size
    Y = targets(rng, 3, widths[-1], loss, kind)
    found = barrier(a, b, X, Y, loss=loss, weight_decay=decay, rtol=1e-3, seconds=0.5)

    def at(t):
        return entropy_between(a, b, X, Y, t, loss, decay)

    assert not found.lower > at(found.t)
    for t in [*(Fraction(k, 13) for k in range(14)), Fraction(found.t)]:
        assert not at(t) > found.upper
    for (low, high), node in zip(found.nodes, (0, 1), strict=True):
        assert not low > at(node) and not at(node) > high


LINEAR = (-1.0, -0.5, 0.0, 0.25, 1.0)


def check_models(A, Y, loss):
    """What the models say at some u holds of polynomials with coefficients at the ends of A."""
    models = COSTS[loss]([Balls(m[None], r[None]) for m, r in A], Y)
    for u in LINEAR:
        held = values_at(models, np.array([[u]]))
        for sign in (-1, 0, 1):
            # in rationals, for sums of floats are rounded
            outputs = [
                [
                    sum(
                        (Fraction(m[n, k]) + sign * Fraction(r[n, k])) * Fraction(u) ** i
                        for i, (m, r) in enumerate(A)
                    )
                    for k in range(Y.shape[1])
                ]
                for n in range(len(Y))
            ]
            for n, value in enumerate(entropies(outputs, Y, loss)):
                assert not value < held.lower[0, n] and not value > held.upper[0, n]
    return models


@settings(max_examples=60)
@given(
    st.sampled_from(["bce", "cross_entropy"]),
    st.sampled_from(["hard", "soft"]),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
    st.sampled_from([-200, -9, -3, 0, 1, 2, 3, 200]),
    st.sampled_from([-12, -3, 0, 2]),
)
def test_models_hold_the_loss_of_outputs_that_move(loss, kind, K, terms, seed, size, step):
    rng = np.random.default_rng(seed)
    scales = 10.0**size * np.array([1.0, 10.0**step, 10.0**step])
    A = [
        (scale * rng.normal(size=(2, K)), scale * rng.choice([0.0, 1e-15, 0.1]) * np.ones((2, K)))
        for scale in scales[:terms]
    ]
    check_models(A, targets(rng, 2, K, loss, kind), loss)


@pytest.mark.parametrize("sum_", [0.5, 1.0 + 1e-7, 1.0 - 2**-53, 3.0])
def test_targets_that_do_not_sum_to_one_weigh_the_largest_logit(sum_):
    Y = sum_ * np.array([[0.25, 0.5, 0.25], [0.125, 0.125, 0.75]])
    rng = np.random.default_rng(0)
    A = [(1e3 * rng.normal(size=(2, 3)), np.zeros((2, 3))) for _ in range(3)]
    check_models(A, Y, "cross_entropy")


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
@pytest.mark.parametrize("reach", [1e-3, 0.1, 1.0, 3.0, 100.0])
def test_what_the_tangent_leaves_out_is_nearly_attained(loss, reach):
    # in the middle of two classes the second derivative is largest, and far off the first one is
    Y = np.array([[1.0]]) if loss == "bce" else np.array([[1.0, 0.0]])
    zero = np.zeros_like(Y)
    models = check_models([(zero, zero), (reach * Y, zero)], Y, loss)
    held = values_at(models, np.array([[-1.0]]))
    true = np.logaddexp(0, reach)
    assert true <= held.upper[0, 0] and held.lower[0, 0] <= true
    assert held.upper[0, 0] <= true + (0.001 * reach**2 if reach < 1 else 0.5 * reach + 0.6932)


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
def test_what_the_tangent_of_a_small_loss_leaves_out_is_small(loss):
    Y = np.array([[1.0]]) if loss == "bce" else np.array([[1.0, 0.0]])
    zero = np.zeros_like(Y)
    models = check_models([(30 * Y, zero), (0.01 * Y, zero)], Y, loss)
    held = values_at(models, np.array([[1.0]]))
    assert held.upper[0, 0] <= (1 + 2e-4) * np.log1p(np.exp(-30.01))


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
@pytest.mark.parametrize("reach", [0.5, 0.999, 1.0, 1.001, 1.5, 1.999, 2.0, 3.0])
def test_a_small_loss_may_grow_as_fast_as_the_exponential(loss, reach):
    # of a class with a probability of 1e-9 the tangent leaves out S (e^w - 1 - w)
    Y = np.array([[1.0]]) if loss == "bce" else np.array([[1.0, 0.0]])
    zero = np.zeros_like(Y)
    models = check_models([(20.7 * Y, zero), (-reach * Y, zero)], Y, loss)
    held = values_at(models, np.array([[1.0]]))
    true = np.log1p(np.exp(reach - 20.7))
    assert true <= held.upper[0, 0]
    if reach < 1:
        assert held.upper[0, 0] <= true + 0.7184 * np.exp(-20.7) * reach**2


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
def test_small_losses_are_known_to_many_digits(loss):
    Y = np.array([[1.0], [0.0]]) if loss == "bce" else np.array([[1.0, 0.0], [0.0, 1.0]])
    sign = Y if loss == "cross_entropy" else 2 * Y - 1
    for size in (1.0, 30.0, 300.0):
        zero = np.zeros_like(Y)
        held = values_at(check_models([(size * sign, zero)], Y, loss), np.array([[0.0]]))
        # bce has logits +-size, the softmax has size and 0
        assert np.all(held.rad <= 1e-12 * held.mid)
        assert held.mid[0] == pytest.approx(np.log1p(np.exp(-size)), rel=1e-12, abs=0)


def test_a_barrier_of_a_cross_entropy_that_is_known():
    # logits (4t - 2, 0) for one point of class 0, and weight decay with all three coefficients
    a, b = (ReLUNetwork([[[s], [0.0]]], [[0.0, 0.0]]) for s in (-2.0, 2.0))
    found = barrier(a, b, [[1.0]], [[1.0, 0.0]], loss="cross_entropy")
    assert found.is_tight and found.t == 0.0
    assert found.lower == pytest.approx(np.log1p(np.exp(2)), rel=1e-6)
    heavy = barrier(a, b, [[1.0]], [[1.0, 0.0]], loss="cross_entropy", weight_decay=10.0)
    assert heavy.lower == pytest.approx(np.log1p(np.exp(2)) + 20, rel=1e-6)
    inner = barrier(b, b, [[1.0]], [[1.0, 0.0]], loss="cross_entropy", weight_decay=10.0)
    assert inner.upper == pytest.approx(np.log1p(np.exp(-2)) + 20, rel=1e-6)


def test_labels_of_one_output_are_0_and_1():
    rng = np.random.default_rng(0)
    a, b = (random_network((2, 4, 1), rng) for _ in range(2))
    X, y = rng.normal(size=(10, 2)), np.array(["no", "yes"] * 5)
    named = barrier(a, b, X, y, loss="bce")
    assert named == barrier(a, b, X, (y == "yes").astype(float)[:, None], loss="bce")


def test_one_class_of_a_softmax_costs_nothing():
    a, b = random_network((2, 3, 1), 0), random_network((2, 3, 1), 1)
    found = barrier(a, b, np.ones((4, 2)), np.ones((4, 1)), loss="cross_entropy", seconds=0.1)
    assert found.upper <= 1e-300


def test_targets_that_are_no_distributions_are_refused():
    a, b = random_network((2, 3, 2), 0), random_network((2, 3, 2), 1)
    with pytest.raises(ValueError, match="distributions"):
        barrier(a, b, np.ones((4, 2)), np.ones((4, 2)), loss="cross_entropy")


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
@pytest.mark.parametrize("size", [1e-150, 1e-20, 1e20, 1e150])
def test_extreme_sizes_give_true_bounds(loss, size):
    rng = np.random.default_rng(3)
    a, b = random_network((2, 2, 2), rng), random_network((2, 2, 2), rng)
    X, Y = size * rng.normal(size=(3, 2)), targets(rng, 3, 2, loss, "hard")
    found = barrier(a, b, X, Y, loss=loss, seconds=0.5)
    for t in (0, Fraction(1, 3), Fraction(found.t), 1):
        value = entropy_between(a, b, X, Y, t, loss)
        assert not value > found.upper
    assert not found.lower > value or found.t != 1


# At the limits of the bounds


@pytest.mark.parametrize("terms", [1, 2, 3, 4])
def test_a_squared_error_has_all_powers_of_its_outputs(terms):
    rng = np.random.default_rng(terms)
    A = [rng.integers(-4, 5, size=(2, 3, 2)).astype(float) for _ in range(terms)]
    Y = rng.integers(-4, 5, size=(3, 2)).astype(float)
    found = squared_error([Balls(a) for a in A], Y)
    wanted = np.zeros((2 * terms - 1, 2, 3))
    for b in range(2):
        for n in range(3):
            for k in range(2):
                one = [a[b, n, k] for a in A]
                one[0] -= Y[n, k]
                wanted[:, b, n] += np.convolve(one, one)
    assert len(found) == 2 * terms - 1
    for power, w in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(power.mid, w)
        assert (power.rad <= 1e-12).all()


@pytest.mark.parametrize("rest", [5e-7, -5e-7])
def test_targets_that_nearly_sum_to_1_are_taken_as_they_are(rest):
    Y = np.array([[0.625, 0.375 + rest], [0.25 + rest, 0.75]])
    for size in (0.0, 1.0, 1e3, 1e9):
        A = [(size * np.array([[3.0, 1.0], [-1.0, -2.0]]), np.zeros((2, 2)))]
        A.append((np.array([[1.0, 0.0], [2.0, 5.0]]), np.zeros((2, 2))))
        check_models(A, Y, "cross_entropy")


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("reach", "rad"), [(3.0, 0.5), (0.5, 0.1), (0.25, 0.25), (40.0, 20.0)])
def test_what_the_tangent_leaves_out_has_room_for_the_radii(loss, sign, reach, rad):
    zero = np.zeros((1, 1 if loss == "bce" else 2))
    own, Y = zero.copy(), zero.copy()
    own[0, -1], Y[0, 0] = 1.0, 1.0
    for start in (0.0, -2.0, -9.0):
        check_models([(start * own, zero), (sign * reach * own, rad * own)], Y, loss)
        check_models([(start * own, rad * own), (sign * reach * own, zero)], Y, loss)


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
def test_the_logit_of_the_middle_decides_what_small_losses_are_relative_to(loss):
    Y = np.array([[1.0]]) if loss == "bce" else np.array([[1.0, 0.0]])
    zero, other = np.zeros_like(Y), 1.0 - 2 * Y
    models = check_models([(300 * Y, zero), (1e-3 * other, zero)], Y, loss)
    held = values_at(models, np.array([[0.0]]))
    true = np.exp(-300.0)
    assert true * (1 - 1e-4) <= held.lower[0, 0] <= held.upper[0, 0] <= true * (1 + 1e-4)


def test_a_loss_below_zero_is_enclosed_where_targets_sum_to_more_than_one():
    a, b = (ReLUNetwork([np.zeros((2, 1))], [np.full(2, size)]) for size in (1e7, 2e7))
    Y = np.array([[0.3, 0.7000009]])
    found = barrier(a, b, [[0.0]], Y, loss="cross_entropy")
    ends = [entropy_between(a, b, [[0.0]], Y, t, "cross_entropy") for t in (0, 1)]
    for (low, high), true in zip(found.nodes, ends, strict=True):
        assert low <= high < 0 and not true < low and not true > high
    assert found.is_tight and found.lower <= found.upper < -8
    assert found.upper - found.lower <= 1e-6 * 8.4
    net = ReLUNetwork([np.zeros((2, 1))], [[1e3, 0.0]])
    found = barrier(net, net, [[0.0]], [[1 + 2.0**-52, 0.0]], loss="cross_entropy", seconds=1.0)
    assert all(low <= high < 0 for low, high in found.nodes) and found.upper < 0


def test_one_point_whose_targets_do_not_sum_to_one_is_enough():
    a, b = (ReLUNetwork([np.zeros((2, 1))], [np.full(2, size)]) for size in (1e7, 2e7))
    X, Y = [[0.0], [0.0]], np.array([[0.3, 0.7000009], [1.0, 0.0]])
    found = barrier(a, b, X, Y, loss="cross_entropy")
    true = [entropy_between(a, b, X, Y, t, "cross_entropy") for t in (0, 1)]
    assert max(true) < 0 and found.upper < 0
    assert not max(true) > found.upper and not max(true) < found.lower


def test_no_loss_is_nothing_where_it_may_be_negative():
    rng = np.random.default_rng(4)
    nets = [random_network((1, 3, 2), rng) for _ in range(2)]
    a, b = (ReLUNetwork([6 * W for W in net.weights], net.biases) for net in nets)
    Y = [[0.3, 0.7000009], [1.0, 0.0]]
    found = barrier(a, b, [[1.0], [-2.0]], Y, loss="cross_entropy")
    assert found.is_tight and found.upper - found.lower <= 1e-6 * abs(found.lower)
