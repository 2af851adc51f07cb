from fractions import Fraction
from itertools import pairwise

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.proof.motion import Bounds, bounds_of, motions, unit_reach
from geomcore import ReLUNetwork
from geomcore.gradients import activation_pattern

UNIT = 2.0**-53


def about(value):
    """A bound that stands a millionth above an exact number, give or take half of it."""
    return pytest.approx(value * (1 + 1e-6), rel=5e-7, abs=1e-300)


def length(values):
    return float(np.sqrt(float(sum(Fraction(v) ** 2 for v in values))))


def exact_bounds(net, x):
    """Lengths, |pre-activations|, rows of P and norms of D P for one point, from fractions."""
    point, units, layers, lengths, sizes = naive.exact(x), [], [], [], []
    products = []
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        W, b = [naive.exact(row) for row in W], naive.exact(b)
        lengths.append(length(point))
        value = [naive.dot(row, point) + c for row, c in zip(W, b, strict=True)]
        products = [[[naive.dot(w, c) for c in zip(*P, strict=True)] for w in W] for P in products]
        products.append([[Fraction(i == j) for j in range(len(W))] for i in range(len(W))])
        if l < len(net.weights) - 1:
            sizes += [abs(v) for v in value]
            nothing = [0.0] * (l + 1 - len(products))  # passes a layer of dead units
            units += [nothing + [length(P[k]) for P in products] for k in range(len(W))]
            products = [
                [r if v > 0 else [0] * len(r) for r, v in zip(P, value, strict=True)]
                for P in products
            ]
            point = [max(v, Fraction(0)) for v in value]
            if not any(v > 0 for v in value):
                products = []
        norms = [np.linalg.norm(np.array(P, dtype=float), 2) for P in products]
        layers.append([0.0] * (l + 1 - len(norms)) + norms)
    return lengths, sizes, units, layers, point


def padded(rows, width):
    return np.array([[*row, *[0.0] * (width - len(row))] for row in rows])


# By hand


def test_products_of_a_chain_of_scalars_are_its_factors():
    # x = 1, pre-activations 2, 7; P_21 = 3, P_31 = 15, P_32 = 5
    net = ReLUNetwork([[[2.0]], [[3.0]], [[5.0]]], [[0.0], [1.0], [0.0]])
    found = bounds_of(net, np.array([[1.0]]))
    assert found.lengths[0] == about(np.array([1.0, 2.0, 7.0]))
    assert found.margins[0] == pytest.approx(np.array([2.0, 7.0]) * (1 - 1e-6), rel=5e-7)
    assert found.units[0] == about(np.array([[1.0, 0, 0], [3.0, 1.0, 0]]))
    assert found.layers[0] == about(np.array([[1.0, 0, 0], [3.0, 1.0, 0], [15.0, 5.0, 1.0]]))
    assert found.owner.tolist() == [0]


def test_nothing_passes_a_layer_of_dead_units():
    net = ReLUNetwork([[[-1.0]], [[3.0]], [[5.0]]], [[0.0], [1.0], [0.0]])
    found = bounds_of(net, np.array([[1.0]]))
    # the first layer is dead, so that only biases from the second on move what follows
    assert found.layers[0] == about(np.array([[0.0, 0, 0], [0.0, 1.0, 0], [0.0, 5.0, 1.0]]))
    assert found.units[0] == about(np.array([[1.0, 0, 0], [0.0, 1.0, 0]]))


def test_the_factors_and_motions_are_those_of_the_recursion():
    rng = np.random.default_rng(0)
    G, L = 2, 3
    bounds = Bounds(
        np.zeros(1, int),
        rng.uniform(size=(G, L)),
        np.ones((G, 4)),
        rng.uniform(size=(G, 4, L)),
        np.tril(rng.uniform(size=(G, L, L))),
        0.0,
    )
    sizes = np.array([0.0, 0.3, 2.0])
    speeds, moves = motions(bounds, sizes)
    assert speeds.shape == moves.shape == (3, G, L)
    for i, r in enumerate(sizes):
        for g in range(G):
            moved = 0.0
            for l in range(L):
                assert speeds[i, g, l] == pytest.approx(np.hypot(bounds.lengths[g, l] + moved, 1))
                parts = bounds.layers[g, l] * speeds[i, g]
                assert moves[i, g, l] == about(r * np.sqrt((parts[: l + 1] ** 2).sum()))
                moved = moves[i, g, l]
    one, _ = motions(bounds, 0.3)
    np.testing.assert_array_equal(one, speeds[1])
    reach = unit_reach(bounds, one)
    for g in range(G):
        expected = np.sqrt(((bounds.units[g] * one[g]) ** 2).sum(axis=1))
        np.testing.assert_allclose(reach[g], expected, rtol=1e-14)


def test_motions_beyond_the_floats_are_infinite():
    bounds = Bounds(
        np.zeros(1, int),
        np.array([[1e200, 0.0]]),
        np.ones((1, 1)),
        np.zeros((1, 1, 2)),
        np.array([[[1e200, 0.0], [0.0, 1.0]]]),
        0.0,
    )
    speeds, moves = motions(bounds, 1.0)
    assert moves.tolist() == [[np.inf, np.inf]] and speeds.tolist() == [[np.inf, np.inf]]
    assert (unit_reach(bounds, np.ones((1, 2))) > 0).all()


# Against the naive oracle


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    widths=st.sampled_from([(2, 3, 1), (1, 1, 1), (3, 2, 4, 2), (2, 3, 2, 2, 1), (1, 9, 1)]),
    powers=st.lists(st.integers(-30, 30), min_size=4, max_size=4),
)
def test_every_bound_is_a_millionth_above_the_exact_number(seed, widths, powers):
    rng = np.random.default_rng(seed)
    W = [
        rng.normal(size=(m, n)) * 2.0**p
        for (n, m), p in zip(pairwise(widths), powers, strict=False)
    ]
    b = [rng.normal(size=len(A)) * 2.0 ** sum(powers[: l + 1]) for l, A in enumerate(W)]
    net = ReLUNetwork(W, b)
    X = rng.normal(size=(9, widths[0]))
    found, L = bounds_of(net, X), len(W)
    patterns = [tuple(row) for row in activation_pattern(net, X)]
    assert len(found.owner) == len(X) and len(found.lengths) == len(set(patterns))
    assert len(set(zip(found.owner.tolist(), patterns, strict=True))) == len(set(patterns))
    for g in range(len(found.lengths)):
        members = [exact_bounds(net, X[i]) for i in np.flatnonzero(found.owner == g)]
        lengths = np.array([m[0] for m in members]).max(axis=0)
        sizes = [min(column) for column in zip(*[m[1] for m in members], strict=True)]
        assert found.lengths[g] == about(lengths)
        assert all(Fraction(m) <= s for m, s in zip(found.margins[g], sizes, strict=True))
        assert found.margins[g] == pytest.approx(np.array(sizes, float) * (1 - 1e-6), rel=5e-7)
        assert found.units[g] == about(padded(members[0][2], L))
        assert found.layers[g] == about(padded(members[0][3], L))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 6), power=st.integers(20, 45))
def test_where_a_sum_cancels_its_rounding_is_taken_off_the_margin(seed, n, power):
    rng = np.random.default_rng(seed)
    W, x = rng.normal(size=(2, n)) * 2.0**power, rng.normal(size=n)
    b = rng.normal(size=2) - W @ x
    net = ReLUNetwork([W, np.eye(2), np.eye(2)], [b, np.full(2, 3.0), np.zeros(2)])
    found = bounds_of(net, x[None])
    float_value = W @ x + b
    sizes = exact_bounds(net, x)[1]
    # gamma (|W| |x| + |b|), in Frobenius norm, and a millionth more in each of three products
    size = np.linalg.norm(W) * np.linalg.norm(x) * (1 + 1e-6) + np.linalg.norm(b)
    fault = 4 * (n + 4) * UNIT * size * (1 + 3e-6)
    for k in range(2):
        assert Fraction(found.margins[0, k]) <= sizes[k]
        stated = max(abs(float_value[k]) * (1 - 1e-6) - fault, 0)
        assert found.margins[0, k] == pytest.approx(stated, abs=5e-7 * fault)
    # the second layer sees hidden outputs that are off by as much, if they are not all dead
    active = (float_value > 0).any()
    hidden = np.linalg.norm(np.maximum(float_value, 0)) + active * fault
    assert found.lengths[0, 1] == about(hidden)
    assert found.lengths[0, 1] >= exact_bounds(net, x)[0][1]


def test_the_error_of_a_hidden_output_far_above_itself_is_in_its_length():
    # 2^40 - 2^40 + 2^-12, off by up to 20 u (2^40 + 2^40), 20 times as much
    net = ReLUNetwork([[[2.0**40]], [[1.0]], [[1.0]]], [[2.0**-12 - 2.0**40], [1.0], [0.0]])
    found = bounds_of(net, np.array([[1.0]]))
    more = 1 + 1e-6  # of the length, of the fault, of the norm it passes, and of the sum
    off = 20 * UNIT * (2.0**40 * more + 2.0**40) * more**3
    assert found.lengths[0, 1] == pytest.approx((2.0**-12 + off) * more, rel=3e-7)


def test_the_error_of_the_last_hidden_outputs_adds_up_over_the_layers():
    # x = 1, hidden outputs 4 and 64: 20 u (4), times 16; and 20 u 16 (4)
    net = ReLUNetwork([[[4.0]], [[16.0]], [[64.0]]], [[0.0], [0.0], [0.0]])
    found = bounds_of(net, np.array([[1.0]]))
    assert found.rounding == pytest.approx(20 * UNIT * 128, rel=1e-5)
    # of two patterns the larger one: -1 goes through the second unit, which is small
    W = [np.array([[4.0], [-1.0]]), np.array([[16.0, 16.0]]), [[64.0]]]
    both = ReLUNetwork(W, [np.zeros(2), np.zeros(1), np.zeros(1)])
    roundings = [bounds_of(both, np.array([[x]])).rounding for x in (1.0, -1.0)]
    assert roundings[0] > 1.5 * roundings[1] > 0
    for x in ([1.0, -1.0], [-1.0, 1.0]):
        assert bounds_of(both, np.array(x)[:, None]).rounding == roundings[0]


def test_what_underflow_takes_away_is_no_margin_and_is_in_the_products():
    # 0.6 of the smallest number is rounded up to it, 0.4 of it to zero
    tiny = 2.0**-1074
    margins = bounds_of(ReLUNetwork([[[tiny]], [[1.0]]], [[0.0], [0.0]]), np.array([[0.6]])).margins
    assert margins.tolist() == [[0.0]]
    net = ReLUNetwork([[[1.0]], [[tiny]], [[0.4]], [[0.4]]], [[0.0], [1.0], [1.0], [0.0]])
    found = bounds_of(net, np.array([[1.0]]))
    assert Fraction(found.units[0, 2, 0]) >= Fraction(0.4) * Fraction(tiny)
    assert Fraction(found.layers[0, 3, 0]) >= Fraction(0.4) ** 2 * Fraction(tiny)
    assert found.units[0, 2, 0] < 1e-290


def test_products_that_overflow_bound_nothing():
    net = ReLUNetwork(
        [np.eye(2), np.full((2, 2), 1e200), [[1e200, 0.0], [0.0, 1e-200]], np.eye(2)],
        [np.ones(2), np.ones(2), np.ones(2), np.zeros(2)],
    )
    with np.errstate(all="ignore"):
        found = bounds_of(net, np.full((1, 2), 1e-200))
    assert found.layers[0, 2, 0] == found.units[0, 4, 0] == np.inf
    assert found.layers[0, 3, 0] == np.inf
    assert (motions(found, 1e-300)[1][0, 2:] == np.inf).all()


def test_where_a_product_cancels_its_rounding_is_added_to_the_norm():
    # P_31 = W3 W2 is the difference of two equal rows times 2^30, and exactly zero
    W2, W3 = np.array([[0.1, 0.7], [0.1, 0.7]]), np.array([[2.0**30, -(2.0**30)], [1.0, 1.0]])
    net = ReLUNetwork(
        [np.eye(2), W2, W3, [[1.0, 1e-9]]], [np.ones(2), np.ones(2), np.ones(2) * 9, [0.0]]
    )
    found = bounds_of(net, np.ones((1, 2)))
    # gamma |w| |row| of each product; the rounding of W2 goes on through W3 and the last layer
    row = float(np.linalg.norm(W2[0]))
    gamma = 4 * (2 + 4) * UNIT
    first, second = gamma * np.abs(W2).sum(axis=1), gamma * np.abs(W3) @ [row, row]
    error = second + np.linalg.norm(W3, axis=1) * np.linalg.norm(first)
    # each sum is widened for its own rounding
    assert error[0] <= found.units[0, 4, 0] == pytest.approx(error[0], rel=4e-6)
    assert found.units[0, 5, 0] == about(2 * row)
    P = np.array([[0.0, 0.0], [0.2, 1.4]])
    whole = np.linalg.norm(W3, 2) * np.linalg.norm(first) + np.linalg.norm(second)
    assert found.layers[0, 2, 0] == about(np.linalg.norm(P, 2) + whole)
    last = np.array([1.0, 1e-9])
    third = gamma * last @ np.linalg.norm(P, axis=1)
    again = np.linalg.norm(last @ W3) * np.linalg.norm(first) + third
    again += np.linalg.norm(last) * np.linalg.norm(second)
    whole = 1e-9 * 2 * row + again
    assert whole <= found.layers[0, 3, 0] == pytest.approx(whole, rel=6e-6)
