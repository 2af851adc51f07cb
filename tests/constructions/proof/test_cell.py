from fractions import Fraction
from itertools import pairwise

import naive
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import verify
from constructions.proof import cell
from constructions.proof.cell import LocalMinimum, local_minimum, parts_of
from constructions.proof.enclosure import enclose
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import move


def fitted(seed, widths, X, Y, weights=None, shift=0.0):
    """A random network with the least-squares last layer for weights of the points."""
    rng = np.random.default_rng(seed)
    W = [rng.normal(size=(m, n)) for n, m in pairwise(widths)]
    b = [rng.normal(size=m) + shift for m in widths[1:]]
    H = np.asarray(X, float)
    for A, c in zip(W[:-1], b[:-1], strict=True):
        H = np.maximum(H @ A.T + c, 0)
    root = np.sqrt(np.ones(len(H)) if weights is None else weights)[:, None]
    V = np.linalg.lstsq(np.column_stack([H, np.ones(len(H))]) * root, np.asarray(Y) * root)[0]
    return ReLUNetwork([*W[:-1], V[:-1].T], [*b[:-1], V[-1]])


def groups_of(net, X, y):
    labels = as_labels(y, len(X))
    return parts_of(enclose(net, X, labels), X)


def lower_bound_by_groups(net, X, Y):
    """The bound of the cell by least squares in floating point, group by group."""
    h, dead, pattern = X, np.zeros(len(X), int), []
    for l, (W, b) in enumerate(zip(net.weights[:-1], net.biases[:-1], strict=True), start=1):
        on = h @ W.T + b > 0
        h = np.maximum(h @ W.T + b, 0)
        dead[~on.any(axis=1)] = l
        pattern.append(on)
    keys = [
        ("dead", dead[i]) if dead[i] else tuple(unit for p in pattern for unit in p[i])
        for i in range(len(X))
    ]
    total = 0.0
    for key in set(keys):
        rows = [i for i, k in enumerate(keys) if k == key]
        D = np.ones((len(rows), 1))
        if key[:1] != ("dead",):
            D = np.column_stack([X[rows], D])
        fit = np.linalg.lstsq(D, Y[rows])[0]
        total += ((D @ fit - Y[rows]) ** 2).sum()
    return total / len(X)


# By hand


def test_an_identity_layer_and_least_squares_are_a_local_minimum():
    # all points active: the network is affine near by, and V is the least-squares solution
    X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [3.0], [0.0]])
    found = verify(ReLUNetwork([[[1.0]], [[0.0]]], [[1.0], [1.0]]), X, Y)
    assert (found.verdict, found.proved) == ("local minimum", True)
    assert found.loss == 2 and found.lower_bound == pytest.approx(2, rel=1e-14)
    # no activation flips at x = 0 (pre-activation 1) within a change of 1 in the bias
    assert 0 < found.radius <= 1


def test_points_dead_at_a_layer_share_one_output():
    # -1 and -2 are dead, 1 and 2 are not: a constant and a line
    X, Y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([[0.0], [2.0], [1.0], [5.0]])
    net = ReLUNetwork([[[1.0]], [[4.0]]], [[-0.5], [-1.0]])
    parts = groups_of(net, X, Y)
    assert sorted((p.dead_layer, p.rank, p.rows.tolist()) for p in parts) == [
        (0, 2, [2, 3]),
        (1, 1, [0, 1]),
    ]
    # rank 3 is more than the two columns (h, 1) have
    assert verify(net, X, Y).verdict != "local minimum"
    wide = ReLUNetwork([[[1.0], [1.0]], [[0.0, 0.0]]], [[-0.5, -0.75], [0.0]])
    h = np.maximum(X @ wide.weights[0].T + wide.biases[0], 0)
    V = np.linalg.lstsq(np.column_stack([h, np.ones(4)]), Y)[0]
    wide = ReLUNetwork([wide.weights[0], V[:-1].T], [wide.biases[0], V[-1]])
    found = verify(wide, X, Y)
    assert found.verdict == "local minimum"
    assert found.lower_bound == pytest.approx(2 / 4)  # the mean of 0 and 2; the line fits exactly


def test_the_last_dead_layer_counts():
    # point 0 dies at layer 1, point 5 at layer 2 only; 0 dies there as well
    net = ReLUNetwork([[[1.0]], [[-1.0]], [[1.0]]], [[-1.0], [-1.0], [0.0]])
    parts = groups_of(net, np.array([[0.0], [5.0]]), [[0.0], [1.0]])
    assert [(p.dead_layer, p.rows.tolist()) for p in parts] == [(2, [0, 1])]


def test_a_dead_network_is_a_local_minimum_at_the_mean_only():
    X, Y = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[0.0], [0.0], [3.0]]
    for constant, verdict in ((1.0, "local minimum"), (1.1, "not stationary")):
        net = ReLUNetwork([[[1.0, 1.0]], [[7.0]]], [[-5.0], [constant]])
        found = verify(net, X, Y)
        assert (found.verdict, found.proved) == (verdict, True)


def test_the_bound_is_no_loss_below_zero():
    assert LocalMinimum(0.0, arb(0.5, 1)).bound == 0.0
    assert 1.49 < LocalMinimum(0.0, arb(2, 0.5)).bound <= 1.5
    assert LocalMinimum(0.0, arb(0)).rank == 0


def test_the_rank_of_points_near_a_number_is_not_rounded_away():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[2.0], [0.0]])
    for center in (0.0, 1.0, -1.0):
        X = np.array([[center], [np.nextafter(center, 9)], [np.nextafter(center, -9)]])
        assert [p.rank for p in groups_of(net, X, [[0.0], [1.0], [3.0]])] == [2]


def test_a_column_of_zeros_adds_no_rank():
    X = np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    net = ReLUNetwork([[[1.0, 1.0]], [[1.0]]], [[1.0], [0.0]])
    (part,) = groups_of(net, X, [[0.0], [1.0], [3.0]])
    assert part.rank == 2 and sorted(part.basis) == [0, 2]


def test_a_rank_too_costly_to_compute_is_bounded_from_above(monkeypatch):
    # on a line but for rounding: 2 in floating point
    X = np.array([[0.1 * k, 0.3 * k + 0.1] for k in range(1, 7)])
    net = ReLUNetwork([np.eye(2), [[1.0, 1.0]]], [np.ones(2), [0.0]])
    monkeypatch.setattr(cell, "MOST_EXACT", 0)
    assert [p.rank for p in groups_of(net, X, np.eye(6)[:, :1])] == [3]


def test_one_group_too_large_for_balls_is_enough_to_give_up(monkeypatch):
    X, Y = np.array([[-2.0], [-1.0], [1.0], [2.0], [3.0]]), np.arange(5.0)[:, None]
    net = ReLUNetwork([[[1.0], [1.0]], [[1.0, 1.0]]], [[-0.5, -0.75], [0.0]])
    labels = as_labels(Y, 5)
    enclosure = enclose(net, X, labels)
    weights = [arb(1) / 5] * 5
    assert local_minimum(net, labels, X, weights, enclosure)[0] is not None
    monkeypatch.setattr(cell, "MOST_BALLS", 0)
    found, why = local_minimum(net, labels, X, weights, enclosure)
    assert found is None and "too large" in why


# Against the naive oracle


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    widths=st.sampled_from([(2, 3, 1), (1, 6, 2), (3, 4, 2), (2, 4, 4, 2), (2, 1)]),
    n=st.integers(1, 9),
)
def test_the_bound_is_that_of_least_squares_in_every_group(seed, widths, n):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, widths[0])), rng.normal(size=(n, widths[-1]))
    net = fitted(seed, widths, X, Y)
    found = verify(net, X, Y)
    expected = lower_bound_by_groups(net, X, Y)
    if found.verdict == "local minimum":
        assert found.lower_bound == pytest.approx(expected, rel=1e-9)
        assert naive.exact_loss(net.weights, net.biases, X, Y) >= Fraction(found.lower_bound)
    else:
        # least squares in the last layer that meets the bound would be a local minimum
        assert found.loss >= expected - 1e-12
        assert found.verdict == "global minimum" or found.loss > expected + 1e-12 * (1 + expected)


DEGENERATE = {
    "one point": [[1.0, 2.0]],
    "two points in the plane": [[1.0, 2.0], [2.0, 1.0]],
    "a point three times": [[1.0, 2.0]] * 3,
    "repeated points": [[1.0, 2.0], [2.0, 1.0]] * 3 + [[1.5, 1.5], [3.0, 3.0], [1.0, 0.5]],
    "points on a line": [[float(k), 2.0 * k + 1] for k in range(1, 7)],
    "a constant column": [[float(k % 4), 5.0] for k in range(6)],
    "huge and tiny columns": [[1e12 * k, 1e-12 * (k % 3)] for k in range(1, 7)],
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_designs_are_decided(name):
    X = np.array(DEGENERATE[name])
    Y = np.random.default_rng(0).normal(size=(len(X), 2))
    scale = np.abs(X).max(axis=0)
    W = np.eye(2) / scale  # all units active at bias 1
    V = np.linalg.lstsq(np.column_stack([X / scale + 1, np.ones(len(X))]), Y, rcond=1e-13)[0]
    found = verify(ReLUNetwork([W, V[:-1].T], [np.ones(2), V[-1]]), X, Y)
    assert found.verdict in ("local minimum", "global minimum") and found.proved


def test_points_that_are_on_a_line_but_for_rounding_are_left_undetermined():
    # their design has full rank, and a huge weight could fit the last bits of the points
    X = np.array([[0.1 * k, 0.3 * k + 0.1] for k in range(1, 7)])
    Y = np.random.default_rng(0).normal(size=(6, 2))
    V = np.linalg.lstsq(np.column_stack([X + 1, np.ones(6)]), Y, rcond=1e-13)[0]
    found = verify(ReLUNetwork([np.eye(2), V[:-1].T], [np.ones(2), V[-1]]), X, Y)
    assert found.verdict == "undetermined" and found.lower_bound < found.loss


def test_class_weights_change_the_fit():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    y = np.array([0, 0, 0, 1])
    Y = np.eye(2)[y]
    weights = np.where(y == 0, 1 / 3, 1.0)
    plain, weighted = (fitted(0, (1, 2, 2), X, Y, w, shift=9.0) for w in (None, weights))
    assert verify(plain, X, y).verdict == "local minimum"
    assert verify(weighted, X, y).verdict == "not stationary"
    found = verify(weighted, X, y, loss="class_weighted")
    assert found.verdict == "local minimum"
    assert found.lower_bound == pytest.approx(found.class_weighted_loss, rel=1e-12)
    assert verify(plain, X, y, loss="class_weighted").verdict == "not stationary"


def test_other_targets_change_the_verdict():
    X, y = np.array([[0.0], [1.0], [3.0]]), ["a", "b", "b"]
    targets = [[2.0], [-1.0]]
    net = fitted(1, (1, 2, 1), X, [[2.0], [-1.0], [-1.0]], shift=9.0)
    assert verify(net, X, y, targets=targets).verdict == "local minimum"
    assert verify(net, X, y, targets=[[2.0], [0.0]]).verdict == "not stationary"


# Laws


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), widths=st.sampled_from([(2, 4, 2), (1, 5, 1), (2, 3, 3, 1)]))
def test_nothing_in_the_radius_is_below_the_bound(seed, widths):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(6, widths[0])), rng.normal(size=(6, widths[-1]))
    net = fitted(seed, widths, X, Y, shift=float(rng.uniform(-2, 4)))
    found = verify(net, X, Y)
    if found.radius is None:
        return
    radius = min(found.radius, 100.0)
    for _ in range(20):
        v = rng.normal(size=net.parameter_count)
        other = move(net, v / np.linalg.norm(v), radius * rng.uniform())
        loss = ((other(X) - Y) ** 2).sum(axis=1).mean()
        assert loss >= found.lower_bound * (1 - 1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), widths=st.sampled_from([(2, 3, 2), (1, 2, 1), (1, 1, 1, 1)]))
def test_exact_arithmetic_never_contradicts_the_verdict(seed, widths):
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, size=(4, widths[0])).astype(float)
    Y = rng.integers(-2, 3, size=(4, widths[-1])).astype(float)
    net = fitted(seed, widths, X, Y, shift=float(rng.integers(-2, 4)))
    one, other = verify(net, X, Y), verify(net, X, Y, exact=True)
    assert one.verdict == other.verdict and one.proved == other.proved


def test_rescaling_the_layers_does_not_change_the_verdict():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
    net = fitted(3, (2, 3, 1), X, Y, shift=8.0)
    for c in (1e-6, 1.0, 1e6):
        W, b = net.weights, net.biases
        scaled = ReLUNetwork([c * W[0], W[1] / c], [c * b[0], b[1]])
        assert verify(scaled, X, Y).verdict == "local minimum"


# Bad input


def test_a_bottleneck_is_not_called_a_minimum():
    # rank 1 in the middle, the points would need 2
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(8, 2)), rng.normal(size=(8, 2))
    net = fitted(0, (2, 1, 2), X, Y, shift=9.0)
    found = verify(net, X, Y)
    assert found.verdict in ("not stationary", "saddle", "undetermined")
    assert any("free outputs" in c.detail for c in found.checks)
