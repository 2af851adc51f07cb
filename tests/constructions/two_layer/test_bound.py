"""No network has a loss below the bound, and what is called better is better."""

from fractions import Fraction

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris, make_moons

from constructions import best_neuron, two_layer_bound, verify
from geomcore import ReLUNetwork

X, LABELS = make_moons(60, noise=0.15, random_state=3)
Y = 2.0 * LABELS[:, None] - 1


def losses_of(W, b, V, c, X, Y, decay, output_bias="free"):
    """Losses of many networks: W (k, m, d), b (k, m), V (k, Q, m), c (k, Q)."""
    hidden = np.maximum(np.einsum("kmd,nd->knm", W, X) + b[:, None], 0)
    errors = np.einsum("knm,kqm->knq", hidden, V) + c[:, None] - Y
    squares = sum((p**2).reshape(len(p), -1).sum(axis=1) for p in (W, b, V))
    if output_bias == "penalised":
        squares = squares + (c**2).sum(axis=1)
    return (errors**2).sum(axis=(1, 2)) / len(X) + decay / 2 * squares


def trained(W, b, V, c, X, Y, decay, steps, rate):
    """The same networks after steps of gradient descent."""
    for _ in range(steps):
        hidden = np.maximum(np.einsum("kmd,nd->knm", W, X) + b[:, None], 0)
        errors = 2 / len(X) * (np.einsum("knm,kqm->knq", hidden, V) + c[:, None] - Y)
        back = np.einsum("knq,kqm->knm", errors, V) * (hidden > 0)
        W, b, V, c = (
            W - rate * (np.einsum("knm,nd->kmd", back, X) + decay * W),
            b - rate * (back.sum(axis=1) + decay * b),
            V - rate * (np.einsum("knq,knm->kqm", errors, hidden) + decay * V),
            c - rate * errors.sum(axis=1),
        )
    return W, b, V, c


def square_of_loss(net, X, Y, decay):
    """The exact loss of a network, a fraction."""
    W, V = ([list(map(Fraction, row)) for row in w.tolist()] for w in net.weights)
    b, c = (list(map(Fraction, v.tolist())) for v in net.biases)
    total = Fraction(0)
    for x, y in zip(X.tolist(), Y.tolist(), strict=True):
        h = [sum(w * Fraction(v) for w, v in zip(row, x, strict=True)) for row in W]
        h = [max(v + s, Fraction(0)) for v, s in zip(h, b, strict=True)]
        for row, s, t in zip(V, c, y, strict=True):
            total += (sum(w * v for w, v in zip(row, h, strict=True)) + s - Fraction(t)) ** 2
    squares = sum(w * w for row in W + V for w in row) + sum(v * v for v in b)
    return total / len(X) + Fraction(decay) / 2 * squares


@pytest.mark.parametrize("decay", [1e-3, 0.01, 0.3])
def test_two_points_by_hand(decay):
    # a difference of t between the outputs costs t times the decay, as w = (1, 0) is the best
    # unit: the least of (1 - t)^2 / 4 + decay t is decay - decay^2
    net = ReLUNetwork([[[2.0]], [[1.0]]], [[-1.0], [0.0]])
    found = two_layer_bound(net, [[0.0], [1.0]], [[0.0], [1.0]], weight_decay=decay, rtol=1e-9)
    best = decay - decay**2
    assert found.lower_bound == pytest.approx(best, rel=1e-7) and found.lower_bound <= best
    assert found.improved_loss == pytest.approx(best, rel=1e-6) and found.improved_loss >= best
    assert found.loss_floor <= 0.0 + 0.5 * decay * 6 + 0.0 + found.loss <= 2 * found.loss


def test_one_point_and_equal_targets_cost_nothing():
    net = random_network((2, 3, 1))
    for points, targets in (([[1.0, 2.0]], [[3.0]]), (X, np.full((60, 1), 7.0))):
        found = two_layer_bound(net, points, targets, weight_decay=0.1)
        assert found.lower_bound == 0 and found.improved_loss < 1e-12 and found.neuron is None
    # a penalised output bias costs something
    held = two_layer_bound(net, [[1.0, 2.0]], [[3.0]], weight_decay=0.1, output_bias="penalised")
    # f = v (6^0.5) + c, of |v| = t and of c^2 / 2 each times 0.1: the unit alone is cheaper
    assert 0 < held.lower_bound <= held.improved_loss < held.loss
    assert held.improved_loss == pytest.approx(held.lower_bound, rel=1e-3)


def sets():
    iris = load_iris()
    flat = (iris.data - iris.data.mean(axis=0)) @ np.linalg.svd(
        iris.data - iris.data.mean(axis=0), full_matrices=False
    )[2][:2].T
    line = np.linspace(-2, 2, 15)[:, None]
    rng = np.random.default_rng(5)
    return {
        "moons": (X, Y),
        "moons, two outputs": (X, np.eye(2)[LABELS]),
        "iris": (flat[::3], np.eye(3)[iris.target[::3]]),
        "line": (line, np.sin(3 * line)),
        "space": (rng.normal(size=(30, 3)), rng.normal(size=(30, 1))),
        "copies": (np.repeat(X[:9], 3, axis=0), rng.normal(size=(27, 1))),
    }


@pytest.mark.parametrize("name", sets())
@pytest.mark.parametrize("decay", [1e-2, 1e-3])
def test_no_network_of_any_width_is_below_the_bound(name, decay):
    points, targets = sets()[name]
    d, Q = points.shape[1], targets.shape[1]
    rng = np.random.default_rng(0)
    net = random_network((d, 40, Q))
    bounds = []
    for _ in range(4):
        found = two_layer_bound(net, points, targets, weight_decay=decay)
        bounds.append(found.lower_bound)
        assert found.lower_bound <= found.loss and found.loss_floor <= found.loss
        if found.improved is None:
            break
        assert found.lower_bound <= found.improved_loss < found.loss_floor
        net = found.improved
    lower = max(bounds)
    assert lower > 0
    for m in (1, 4, 16):
        parts = [rng.normal(size=s) for s in ((150, m, d), (150, m), (150, Q, m), (150, Q))]
        parts = [p / m**0.5 for p in parts]
        assert losses_of(*parts, points, targets, decay).min() >= lower
        parts = trained(*parts, points, targets, decay, steps=100, rate=0.02)
        assert losses_of(*parts, points, targets, decay).min() >= lower


def test_the_bound_in_fractions():
    rng = np.random.default_rng(0)
    for seed in range(8):
        points, targets = rng.integers(-3, 4, size=(6, 1)) / 2, rng.integers(-2, 3, size=(6, 2)) / 4
        net = random_network((1, 5, 2), seed)
        found = two_layer_bound(net, points, targets, weight_decay=0.125)
        L = [[Fraction(v) for v in row] for row in found.multipliers.tolist()]
        assert [sum(column) for column in zip(*L, strict=True)] == [0, 0]
        s = Fraction(found.scale)
        assert s * Fraction(found.oracle.bound) <= Fraction(1, 8)
        inner = sum(
            a * Fraction(b)
            for row, t in zip(L, targets.tolist(), strict=True)
            for a, b in zip(row, t, strict=True)
        )
        value = -s * inner - s * s * Fraction(6, 4) * sum(a * a for row in L for a in row)
        assert (
            Fraction(found.lower_bound) <= value < Fraction(found.lower_bound) + Fraction(1, 2**40)
        )
        # the oracle against all that it may have missed
        rows = np.column_stack([points, np.ones(6)])
        turns = np.linspace(0, 2 * np.pi, 20_000)
        W = np.column_stack([np.cos(turns), np.sin(turns)])
        most = np.linalg.norm(np.maximum(W @ rows.T, 0) @ found.multipliers, axis=1).max()
        assert most <= found.oracle.bound <= most * 1.001
        assert found.loss_floor <= square_of_loss(net, points, targets, 0.125) <= found.loss


def test_improved_networks_and_new_units_are_better_in_fractions():
    points, targets = X[:12], Y[:12]
    net = random_network((2, 3, 1), 2)
    found = two_layer_bound(net, points, targets, weight_decay=0.01)
    before = square_of_loss(net, points, targets, 0.01)
    assert square_of_loss(found.improved, points, targets, 0.01) <= Fraction(found.improved_loss)
    assert Fraction(found.improved_loss) < Fraction(found.loss_floor) <= before
    assert found.neuron is not None
    w, b, v = found.neuron
    base = found.network
    grown = ReLUNetwork(
        [np.vstack([base.weights[0], w]), np.column_stack([base.weights[1], v])],
        [np.append(base.biases[0], b), base.biases[1]],
    )
    # the output bias moves along: the best one for the new residuals
    c = base.biases[1] - (grown(points) - targets).mean(axis=0)
    grown = ReLUNetwork(grown.weights, [grown.biases[0], c])
    after = square_of_loss(grown, points, targets, 0.01)
    assert after < square_of_loss(base, points, targets, 0.01)


def test_a_new_unit_may_need_an_output_bias_that_moves_along():
    # the outputs 0 are above all targets, and the unit that tells these apart raises them
    points, targets = np.array([[0.0], [1.0]]), np.array([[-1001.0], [-1000.0]])
    net = ReLUNetwork([[[0.0]], [[0.0]]], [[0.0], [0.0]])
    found = two_layer_bound(net, points, targets, weight_decay=0.01, fit_last=False)
    w, b, v = found.neuron
    alone = ReLUNetwork([[w], v[:, None]], [[b], [0.0]])
    moved = ReLUNetwork(alone.weights, [[b], (targets - alone(points)).mean(axis=0)])
    before, after, both = (square_of_loss(n, points, targets, 0.01) for n in (net, alone, moved))
    assert both < before < after and found.improved_loss <= float(both) * (1 + 1e-9)


def test_a_network_may_be_judged_as_it_is_or_by_other_multipliers():
    net = random_network((2, 30, 1))
    for _ in range(6):
        net = two_layer_bound(net, X, Y, weight_decay=0.01).improved or net
    best = two_layer_bound(net, X, Y, weight_decay=0.01)
    plain = two_layer_bound(net, X, Y, weight_decay=0.01, fit_last=False)
    assert plain.network is net
    assert plain.lower_bound == pytest.approx(best.lower_bound, rel=0.05)
    rng = np.random.default_rng(0)
    for R in (rng.normal(size=Y.shape), -Y, 1e300 * Y, 0 * Y):
        other = two_layer_bound(net, X, Y, weight_decay=0.01, multipliers=R)
        assert 0 <= other.lower_bound <= best.loss
    same = two_layer_bound(
        random_network((2, 3, 1)), X, Y, weight_decay=0.01, multipliers=best.multipliers
    )
    assert same.lower_bound == best.lower_bound


def test_the_penalised_output_bias_is_the_convention_of_verify():
    net = random_network((2, 6, 2))
    found = two_layer_bound(net, X, LABELS, weight_decay=0.02, output_bias="penalised")
    known = verify(net, X, LABELS, weight_decay=0.02)
    assert found.loss == pytest.approx(known.loss, rel=1e-12)
    assert found.loss_floor <= known.loss_bound and known.loss_floor <= found.loss
    free = two_layer_bound(net, X, LABELS, weight_decay=0.02)
    assert free.loss < found.loss
    # the more is free, the lower the optimum
    nets = {name: net for name in ("free", "penalised", "none")}
    nets["none"] = ReLUNetwork(net.weights, [net.biases[0], np.zeros(2)])
    lows, highs = {}, {}
    for name, start in nets.items():
        for _ in range(5):
            found = two_layer_bound(start, X, LABELS, weight_decay=0.02, output_bias=name)
            start = found.improved or start
        lows[name], highs[name] = found.lower_bound, found.loss
        assert found.relative_gap < 0.05
    assert lows["free"] <= highs["penalised"] and lows["penalised"] <= highs["none"]


def test_without_biases():
    rng = np.random.default_rng(0)
    net = ReLUNetwork([rng.normal(size=(9, 2)), rng.normal(size=(1, 9))], [np.zeros(9), [0.0]])
    found = two_layer_bound(net, X, Y, weight_decay=0.01, bias=False, output_bias="none")
    assert found.multipliers.shape == Y.shape and found.oracle.direction.shape == (2,)
    assert not found.improved.biases[0].any() and not found.improved.biases[1].any()
    # fewer networks, so a larger optimum
    with_all = two_layer_bound(net, X, Y, weight_decay=0.01)
    assert with_all.lower_bound <= found.improved_loss
    with pytest.raises(
        ValueError, match=r"^net must have hidden biases of 0 if bias is False, got"
    ):
        two_layer_bound(random_network((2, 3, 1)), X, Y, weight_decay=0.01, bias=False)
    with pytest.raises(ValueError, match=r"^net must have output biases of 0 if output_bias is 'n"):
        two_layer_bound(random_network((2, 3, 1)), X, Y, weight_decay=0.01, output_bias="none")


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 7),
    st.sampled_from([1e-300, 1e-150, 1e-8, 1.0, 1e8, 1e150, 1e300]),
    st.sampled_from([1e-300, 1e-150, 1.0, 1e150, 1e300]),
    st.sampled_from([1e-300, 1e-8, 1.0, 1e8, 1e300]),
    st.sampled_from(["free", "penalised", "none"]),
)
def test_bounds_hold_at_any_scale(seed, n, size, height, decay, output_bias):
    rng = np.random.default_rng(seed)
    points, targets = rng.normal(size=(n, 2)) * size, rng.normal(size=(n, 2)) * height
    parts = [rng.normal(size=s) for s in ((3, 2), (2, 3))]
    biases = [rng.normal(size=3), np.zeros(2)]
    net = ReLUNetwork(parts, biases)
    options = {"weight_decay": decay, "output_bias": output_bias, "nodes": 500}
    found = two_layer_bound(net, points, targets, **options)
    assert 0 <= found.lower_bound <= found.loss and found.gap >= 0
    if output_bias == "free" and np.isfinite(found.loss):
        exact = square_of_loss(net, points, targets, decay)
        assert Fraction(found.loss_floor) <= exact <= Fraction(found.loss)
        assert Fraction(found.lower_bound) <= exact
    # the network that gives the mean, or 0, at the cost of no weight
    level = targets.mean(axis=0) if output_bias == "free" else np.zeros(2)
    idle = ReLUNetwork([np.zeros((1, 2)), np.zeros((2, 1))], [[0.0], level])
    assert Fraction(found.lower_bound) <= square_of_loss(idle, points, targets, decay)
    if found.improved is not None:
        assert found.lower_bound <= found.improved_loss < found.loss_floor


def test_a_network_that_overflows_is_judged_by_the_constant():
    huge = ReLUNetwork([[[1e300, 0.0]], [[1e300]]], [[0.0], [0.0]])
    found = two_layer_bound(huge, X, Y, weight_decay=0.01, fit_last=False)
    assert found.loss == np.inf and found.gap == np.inf and found.lower_bound > 0
    assert "proved" in found.summary()


@pytest.mark.parametrize("output_bias", ["free", "penalised", "none"])
@pytest.mark.parametrize(
    ("size", "height", "decay"),
    [
        (1e300, 1e-320, 1.0),
        (1e300, 1.0, 1e300),
        (1.0, 1e-320, 1.0),
        (1.0, 1e-300, 1e300),
        (1e-320, 1e-300, 1e3),
        (8e307, 1e-300, 1.7e308),
    ],
)
def test_prices_that_overflow_leave_the_network_as_it_is(size, height, decay, output_bias):
    points, targets = np.array([[1.0], [2.0]]) * size, np.array([[0.0], [1.0]]) * height
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    found = two_layer_bound(net, points, targets, weight_decay=decay, output_bias=output_bias)
    assert 0 <= found.lower_bound <= found.loss
    level = targets.mean() if output_bias == "free" else 0.0
    idle = ReLUNetwork([[[0.0]], [[0.0]]], [[0.0], [level]])
    assert Fraction(found.lower_bound) <= square_of_loss(idle, points, targets, decay)


def test_a_stopped_search_gives_a_lower_bound_all_the_same():
    net = random_network((2, 30, 1))
    quick = two_layer_bound(net, X, Y, weight_decay=0.01, nodes=5)
    full = two_layer_bound(net, X, Y, weight_decay=0.01)
    assert not quick.oracle.finished and 0 < quick.lower_bound < full.lower_bound
    assert "stopped" in quick.summary() and "stopped" not in full.summary()
    for found in (quick, full):
        assert max(map(len, found.summary().splitlines())) <= 80
        assert len(repr(found).splitlines()) <= 5


def test_at_the_best_network_no_unit_helps():
    # too much decay for any unit: the mean is the best network
    idle = ReLUNetwork([np.zeros((1, 2)), np.zeros((1, 1))], [[0.0], Y.mean(axis=0)])
    found = two_layer_bound(idle, X, Y, weight_decay=10.0)
    assert found.neuron is None and found.improved is None
    assert found.gap < 1e-12 and found.relative_gap < 1e-12
    assert best_neuron(X, 2 / 60 * (idle(X) - Y)).bound < 10.0


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"net": ReLUNetwork([[[1.0, 1.0]]], [[0.0]])}, "^net must have one hidden layer, got 0"),
        ({"net": random_network((2, 3, 3, 1))}, "^net must have one hidden layer, got 2"),
        ({"net": random_network((2, 3, 2))}, "^net must have 1 output"),
        ({"weight_decay": 0.0}, "^weight_decay must be a positive number"),
        ({"loss": "cross_entropy"}, "^loss must be 'mse' .*the dual bound has another"),
        ({"output_bias": True}, "^output_bias must be one of 'free', 'penalised', 'none'"),
        ({"multipliers": [[1.0]]}, r"^multipliers must have shape \(60, 1\), got shape \(1, 1\)"),
        ({"X": np.zeros((0, 2)), "y": np.zeros((0, 1))}, "^X must hold at least one point"),
    ],
)
def test_what_is_wrong_is_said(given_, sentence):
    good = {"net": random_network((2, 3, 1)), "X": X, "y": Y, "weight_decay": 0.1}
    with pytest.raises(ValueError, match=sentence):
        two_layer_bound(**good | given_)
