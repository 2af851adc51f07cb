"""What a local problem answers, by loops over points and by differences of its own loss."""

import numpy as np
import pytest
from builders import random_data, random_network

from constructions.proof import stationarity
from constructions.proof.derivatives import gradient_terms, pairs_of
from constructions.proof.enclosure import enclose
from constructions.proof.exact import precision
from constructions.verification.question import problem_of
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import flatten, move

WIDTHS = (2, 3, 4, 2)


def problem(loss="mse", *, names=None, cumulative=False, widths=WIDTHS, n=7):
    rng = np.random.default_rng(0)
    net = random_network(widths, rng)
    X, _ = random_data(widths, n, rng)
    y = np.r_[np.arange(widths[-1]), rng.integers(0, widths[-1], n - widths[-1])]
    labels = as_labels(y, n, targets=None)
    names = names or net.names
    return problem_of(net, X, labels, loss, names, cumulative, enclose(net, X, labels))


def squares(p, net=None):
    return [
        float(((o - t) ** 2).sum()) for o, t in zip((net or p.net)(p.X), p.labels.Y, strict=True)
    ]


@pytest.mark.parametrize("loss", ["mse", "class_weighted"])
def test_losses_are_means_over_points_and_sums_of_means_over_classes(loss):
    p = problem(loss)
    each, index = squares(p), p.labels.index.tolist()
    mean = sum(each) / len(each)
    weighted = sum(
        sum(e for e, q in zip(each, index, strict=True) if q == c) / index.count(c)
        for c in set(index)
    )
    assert p.least == 0.0
    for (value, (high, low)), exact in zip(p.stated_losses(), (mean, weighted), strict=True):
        assert value == pytest.approx(exact, rel=1e-13)
        assert low <= high <= low * (1 + 1e-14) and low * (1 - 1e-13) <= exact <= high * (1 + 1e-13)
    own = mean if loss == "mse" else weighted
    assert float(p.loss.mid()) == pytest.approx(own, rel=1e-13)
    assert p.value(p.net) == pytest.approx(own, rel=1e-13)
    assert p.bounds()[0] == pytest.approx(own, rel=1e-13)
    other = move(p.net, np.ones(p.net.parameter_count), 0.1)
    assert p.bounds_at(other)[0] == pytest.approx(p.value(other), rel=1e-13)
    assert p.value(other) != pytest.approx(own, rel=1e-3)


@pytest.mark.parametrize("loss", ["mse", "class_weighted"])
def test_slopes_are_those_of_differences_at_any_network(loss):
    p = problem(loss)
    way = np.random.default_rng(1).standard_normal(p.net.parameter_count)
    for net in (p.net, move(p.net, way, 0.1)):
        difference = (p.value(move(net, way, 1e-6)) - p.value(move(net, way, -1e-6))) / 2e-6
        assert p.slope(net) @ way == pytest.approx(difference, rel=1e-6)
    assert (p.slope() == p.slope(p.net)).all()
    assert p.one_sided_slope(way) == pytest.approx(p.slope() @ way)
    assert p.gradient_norm() == pytest.approx(np.linalg.norm(p.slope()))
    bend = (p.slope(move(p.net, way, 1e-6)) - p.slope(move(p.net, way, -1e-6))) / 2e-6
    assert p.hessian_vector(way) == pytest.approx(bend, rel=1e-5, abs=1e-6)
    assert p.hessian() @ way == pytest.approx(p.hessian_vector(way))


def test_the_slope_at_a_kink_is_that_of_the_side_asked_for():
    net, X = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]]), np.array([[0.0], [1.0]])
    labels = as_labels([[-1.0], [1.0]], 2, targets=None)
    p = problem_of(net, X, labels, "mse", net.names, False, enclose(net, X, labels))
    # the error is 1 at x = 0, where the hidden unit is at zero
    assert p.slope().tolist() == [0.0, 0.0, 0.0, 1.0]
    assert p.slope(kinks=True).tolist() == [0.0, 1.0, 0.0, 1.0]
    assert p.slope(net, kinks=True).tolist() == [0.0, 1.0, 0.0, 1.0]


def test_in_some_tensors_only_they_have_a_gradient():
    p = problem(names=("W2", "b3"))
    whole = [part for pair in pairs_of(p.net, p.slope()) for part in pair]
    own = [part for pair in pairs_of(p.net, p.gradient()) for part in pair]
    for name, before, after in zip(p.net.names, whole, own, strict=True):
        assert (after == (before if name in ("W2", "b3") else 0)).all() and before.any()
    assert p.gradient_norm() == pytest.approx(np.hypot(*map(np.linalg.norm, (whole[2], whole[5]))))
    assert p.last_bias(p.slope()) is None


def test_the_cumulative_weight_moves_with_its_bias():
    p = problem(names=("W3", "b3"), cumulative=True)
    net, way = p.net, np.random.default_rng(2).standard_normal(p.net.parameter_count)
    # b^(2) by hand: the layers as affine maps, at 0
    offset = net.weights[1] @ net.biases[0] + net.biases[1]
    pairs = pairs_of(net, p.gradient())
    assert all(not part.any() for pair in pairs[:-1] for part in pair)
    G, c = pairs[-1]
    assert c == pytest.approx(-G @ offset)
    assert p.gradient_norm() == pytest.approx(np.linalg.norm(G))
    with precision(128):
        follows = [float(v.mid()) for v in p.last_bias(way)]
    V = pairs_of(net, way)[-1][0]
    assert follows == pytest.approx((-V @ offset).tolist())
    # the slope along any V, the bias following, is V . G
    step = [*[(0 * W, 0 * b) for W, b in pairs_of(net)[:-1]], (V, -V @ offset)]
    along = flatten([part for pair in step for part in pair])
    assert p.slope() @ along == pytest.approx((V * G).sum())
    with precision(128):
        series = p.series(along, 1)
    assert float(series[1].mid()) == pytest.approx((V * G).sum(), rel=1e-9)


def test_a_derivative_in_balls_is_a_coefficient_of_the_series(monkeypatch):
    p = problem()
    way = np.random.default_rng(4).standard_normal(p.net.parameter_count)
    expected = [p.value(p.net), p.slope() @ way, way @ p.hessian_vector(way) / 2]
    for order, value in enumerate(expected):
        found = stationarity.derivative_in_balls(p, way, order)
        assert float(found.mid()) == pytest.approx(value) and float(found.rad()) < 1e-12
    # of 7 points and 11 units
    monkeypatch.setattr(stationarity, "MOST_BALLS", 77)
    assert stationarity.derivative_in_balls(p, way, 1) is not None
    monkeypatch.setattr(stationarity, "MOST_BALLS", 76)
    assert stationarity.derivative_in_balls(p, way, 1) is None


@pytest.mark.parametrize("widths", [(2, 2), (2, 3, 2), WIDTHS])
def test_the_scale_of_a_gradient_is_what_it_is_if_no_term_cancels_another(widths):
    p = problem(widths=widths)
    X, delta = p.X, np.abs(np.random.default_rng(3).standard_normal((len(p.X), widths[-1])))
    terms = gradient_terms(p.net, X, delta).tolist()
    expected = []
    for l in reversed(range(len(widths) - 1)):
        W = np.zeros(p.net.weights[l].shape)
        b = np.zeros(widths[l + 1])
        for i, x in enumerate(X):
            hidden = [x, *(h[i] for h in p.net.hidden(X))]
            back = delta[i]
            for m in range(len(widths) - 2, l, -1):
                back = np.abs(p.net.weights[m]).T @ back * (hidden[m] > 0)
            W += np.outer(back, np.abs(hidden[l]))
            b += back
        expected += [np.linalg.norm(W), np.linalg.norm(b)]
    assert terms == pytest.approx(expected)
    assert p.gradient_scale() >= np.linalg.norm(p.slope())
    # of errors alone, and of targets a millionth
    fitted = p._replace(net=p.net.rebuild([0 * t for t in p.net.tensors]))
    size = 2 * np.abs(p.labels.Y) / len(X)
    expected = np.linalg.norm(gradient_terms(fitted.net, X, size * (1 + 1e-6)))
    assert fitted.gradient_scale() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [2.0**-600, 2.0**600])
def test_scales_of_layers_cancel_in_the_terms_of_a_gradient(scale):
    net = ReLUNetwork([[[1.0]], [[2.0]], [[3.0]]], [[0.5], [0.25], [0.0]])
    other = ReLUNetwork(
        [net.weights[0] * scale, net.weights[1] / scale, net.weights[2]],
        [net.biases[0] * scale, *net.biases[1:]],
    )
    X, delta = np.array([[1.0], [2.0]]), np.ones((2, 1))
    expected = gradient_terms(net, X, delta)
    found = gradient_terms(other, X, delta)
    # last layer first: W3 b3 W2 b2 W1 b1
    by_hand = expected * [1, 1, scale, 1, 1 / scale, 1 / scale]
    assert found == pytest.approx(by_hand)
