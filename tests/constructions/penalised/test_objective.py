"""A loss with decay as refutations ask for it, against extended precision and differences."""

from types import SimpleNamespace

import numpy as np
import pytest
from builders import random_network
from decayed import blobs, loss_of, outputs_of
from flint import arb

from constructions.critical.balls import Balls
from constructions.penalised import objective
from constructions.proof.enclosure import enclose
from constructions.proof.exact import precision
from constructions.verification.question import objective_of
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import flatten, move

LOSSES = ("mse", "class_weighted", "cross_entropy", "bce")


def problem(loss, decay, seed=0, widths=(2, 4, 3)):
    net = random_network(widths, seed)
    X, y = blobs(seed, classes=widths[-1])
    labels = as_labels(y, len(X), targets=None)
    return objective_of(net, X, labels, loss, decay, enclose(net, X, labels, count=True))


def value_of(p, net):
    """The loss in extended precision."""
    if p.loss_name != "class_weighted":
        return loss_of(net.tensors, p.X, p.labels.Y, p.loss_name, p.weight_decay)
    rest = loss_of(net.tensors, p.X, p.labels.Y, "mse", p.weight_decay)
    each = ((outputs_of(net.tensors, p.X) - p.labels.Y) ** 2).sum(axis=1)
    return rest - each.mean() + sum(each[p.labels.index == q].mean() for q in set(p.labels.index))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_loss_lies_between_its_bounds(loss, decay):
    p = problem(loss, decay)
    value = float(value_of(p, p.net))
    high, low = p.bounds()
    assert 0 < low <= value * (1 + 1e-14) and value * (1 - 1e-14) <= high <= low * (1 + 1e-14)
    assert np.isclose(p.value(p.net), value, rtol=1e-13)
    other = move(p.net, np.ones(p.net.parameter_count), 0.1)
    assert np.isclose(p.bounds_at(other)[0], float(value_of(p, other)), rtol=1e-13)
    (own, (top, bottom)), (weighted, _) = p.stated_losses()
    assert bottom <= own <= top
    if loss in ("mse", "class_weighted"):
        assert np.isclose(weighted if loss == "class_weighted" else own, value, rtol=1e-13)
    else:
        assert np.isclose(own, value, rtol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
def test_many_points_are_followed_in_floats_with_their_rounding(loss, monkeypatch):
    p = problem(loss, 0.1)
    monkeypatch.setattr(objective, "MOST_BALLS", 10)
    monkeypatch.setattr(objective, "ROWS", 7)
    wide, sharp = p.loss_at(p.net), p.loss
    assert wide.contains(sharp) and 1e-18 < float(wide.rad()) < 1e-11
    starts = [
        (start, len(out), isinstance(out, Balls)) for start, out in objective._outputs(p.net, p.X)
    ]
    assert starts == [(0, 7, True), (7, 7, True), (14, 6, True)]


def test_units_whose_sign_is_open_are_enclosed():
    net = ReLUNetwork([[[1.0, -1.0]], [[1.0]]], [[0.0], [0.0]])
    X = np.array([[1 / 3 + 1e-9, 1 / 3], [1 / 3, 1 / 3 + 1e-9]])
    with precision(10):
        up, down = objective._in_arbs(net, X)[:, 0]
    exact = [max(arb(a) - arb(b), arb(0)) for a, b in X.tolist()]
    assert up.contains(exact[0]) and down.contains(exact[1])
    rng = np.random.default_rng(0)
    X = rng.uniform(0.3, 0.6, (300, 1)) + rng.uniform(-1e-3, 1e-3, (300, 2))
    with precision(10):
        found = objective._in_arbs(net, X)[:, 0].tolist()
    exact = [max(arb(a) - arb(b), arb(0)) for a, b in X.tolist()]
    assert all(f.contains(e) for f, e in zip(found, exact, strict=True))
    assert any(0 in f and e > 0 for f, e in zip(found, exact, strict=True))


def test_a_loss_is_never_bounded_below_zero():
    net, X = ReLUNetwork([[[800.0]]], [[0.0]]), np.array([[1.0], [-1.0]])
    labels = as_labels([[1.0], [0.0]], 2, targets=None)
    high, low = objective_of(net, X, labels, "bce", 0.0, enclose(net, X, labels)).bounds()
    assert 0 <= low <= high < 1e-30


def test_what_overflows_has_no_bound():
    net = ReLUNetwork([[[1e200]], [[1e200]]], [[0.0], [0.0]])
    labels = as_labels([[1.0], [0.0]], 2, targets=None)
    X = np.array([[1.0], [2.0]])
    for loss in ("mse", "bce"):
        p = objective_of(net, X, labels, loss, 0.0, enclose(net, X, labels))
        high, low = p.bounds()
        assert high == np.inf and low >= 0
    steep = ReLUNetwork([[[1e300]]], [[0.0]])
    p = objective_of(steep, X, labels, "bce", 0.0, enclose(steep, X, labels))
    high, low = p.bounds()
    assert low <= 1e300 <= high <= 1e300 * (1 + 1e-9)  # (0 + 2e300) / 2


@pytest.mark.parametrize("loss", LOSSES)
def test_derivatives_are_those_of_differences(loss):
    p, rng = problem(loss, 0.3), np.random.default_rng(1)
    theta, h = flatten(p.net.tensors), 1e-6
    way = rng.standard_normal(len(theta))

    def at(t):
        return value_of(p, move(p.net, way, t))

    slope = float((at(h) - at(-h)) / (2 * h))
    assert np.isclose(p.slope() @ way, slope, rtol=1e-7)
    assert np.isclose(p.one_sided_slope(way), slope, rtol=1e-7)
    assert np.isclose(p.gradient_norm(), np.linalg.norm(p.slope()))
    bend = float((at(1e-4) - 2 * at(0) + at(-1e-4)) / 1e-8)
    assert np.isclose(p.hessian_vector(way) @ way, bend, rtol=1e-4)
    H = p.hessian()
    assert np.allclose(H @ way, p.hessian_vector(way)) and np.allclose(H, H.T)
    value, largest, vector = p.smallest_eigenpair()
    assert np.isclose(value, np.linalg.eigvalsh(H).min(), atol=1e-10)
    assert np.allclose(H @ vector, value * vector, atol=1e-8)
    assert np.isclose(largest, np.linalg.eigvalsh(H).max())
    with precision(128):
        series = p.series(way, 2)
    assert np.isclose(float(series[0].mid()), float(at(0)), rtol=1e-13)
    assert np.isclose(float(series[1].mid()), slope, rtol=1e-7)
    assert np.isclose(2 * float(series[2].mid()), bend, rtol=1e-4)
    assert p.gradient_scale() >= np.linalg.norm(p.slope())


def test_the_first_coefficients_hold_the_penalty_exactly():
    p, way = problem("bce", 0.5), np.ones(27)
    with precision(128):
        plain = p._replace(weight_decay=0.0).series(way, 3)
        whole = p.series(way, 3)
        theta = flatten(p.net.tensors)
        rest = [arb(0.25) * v for v in (sum(arb(t) * t for t in theta), 2 * sum(map(arb, theta)))]
        for a, b, r in zip(whole, plain, rest, strict=False):
            assert abs(float((a - b - r).mid())) < 1e-30
        assert abs(float((whole[2] - plain[2]).mid()) - 0.25 * len(theta)) < 1e-25
        assert whole[3].overlaps(plain[3])
        assert len(whole) == len(plain) == 4 and len(p.series(way, 1)) == 2


def test_accuracy_of_one_logit_is_that_of_its_sign():
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    X, labels = np.array([[0.2], [0.4], [-0.1], [0.0]]), None
    for y, right in (([[1.0], [1.0], [0.0], [0.0]], 1.0), ([[0.0], [1.0], [1.0], [1.0]], 0.25)):
        labels = as_labels(y, 4, targets=None)
        enclosure = enclose(net, X, labels, count=True)
        p = objective_of(net, X, labels, "bce", 0.0, enclosure)
        # the squared error would ask whether the logit is above one half
        assert p.accuracy() == pytest.approx(right, abs=0.26) and p.accuracy() <= right
        assert objective_of(net, X, labels, "mse", 0.1, enclosure).accuracy() == enclosure.right / 4


# Parts by hand


def test_the_first_of_a_tie_is_the_first():
    def are_first(*scores):
        return [objective._is_first(list(map(arb, scores)), q) for q in range(len(scores))]

    assert are_first(1, 3, 2) == [False, True, False]
    assert are_first(2, 2, 1) == [True, False, False]
    assert are_first(1, 2, 2) == [False, True, False]
    assert are_first(2, 1, 2) == [True, False, False]
    assert are_first(5) == [True]
    # what balls leave open is not proved
    assert not objective._is_first([arb(1, 0.5), arb(1.25)], 0)
    assert not objective._is_first([arb(1.25), arb(1, 0.5)], 1)
    assert objective._is_first([arb(2, 0.5), arb(1.25)], 0)


@pytest.mark.parametrize("least", [0.0, -np.inf, 0.95])
def test_bounds_are_those_of_the_ball_and_of_all_losses(least):
    high, low = objective._bounds(arb(1, 0.25), least)
    assert 1.25 <= high < 1.25 + 1e-9 and low == max(least, objective.below(arb(1, 0.25)))
    for lost in (arb("inf"), arb("nan")):
        assert objective._bounds(lost, least) == (np.inf, least)


def test_the_penalty_is_half_the_decay_times_all_squares():
    net = ReLUNetwork([[[3.0], [-1.0]], [[0.5, 2.0]]], [[1.0, 0.0], [-0.25]])
    squares = 9 + 1 + 0.25 + 4 + 1 + 0.0625
    assert objective.penalty(net, 0.5) == arb(squares) / 4
    assert objective.penalty(net, 0.0) == 0


@pytest.mark.parametrize("widths", [(2, 3), (2, 4, 1), (1, 3, 2, 2)])
def test_outputs_in_floats_hold_those_in_many_digits(widths):
    net = random_network(widths, 3)
    X = np.random.default_rng(0).standard_normal((6, widths[0]))
    with precision(192):
        exact = objective._in_arbs(net, X)
    found = objective._in_floats(net, X)
    for (i, k), value in np.ndenumerate(exact):
        assert arb(float(found.lower[i, k])) <= value <= arb(float(found.upper[i, k]))
    assert found.rad.max() < 1e-12
    assert np.allclose(net(X), found.mid) and (found.mid < 0).any()


def test_a_unit_that_may_be_on_or_off_has_both_outputs_in_floats():
    # 3 * 0.1 - 0.3 is 5e-17 in floats, and 3e-17 or less in truth
    net = ReLUNetwork([[[3.0]], [[1e20]]], [[-0.3], [0.0]])
    found = objective._in_floats(net, np.array([[0.1]]))
    assert found.lower[0, 0] <= 0 and found.upper[0, 0] >= 1e20 * (3 * 0.1 - 0.3)


@pytest.mark.parametrize("many", [False, True])
def test_accuracy_counts_the_targets_that_fit_best_and_ties_for_the_first(many, monkeypatch):
    # logits (0, x, 2): the second class from x = 2 on, since it is the first one of the tie there
    net = ReLUNetwork([[[0.0], [1.0], [0.0]]], [[0.0, 0.0, 2.0]])
    X = np.array([[1.0], [2.0], [3.0], [4.0], [-5.0]])
    monkeypatch.setattr(objective, "MOST_BALLS", 0 if many else 10**9)
    monkeypatch.setattr(objective, "ROWS", 2)
    for y, right in (
        ([1, 1, 1, 1, 1], 3),
        ([2, 2, 2, 2, 2], 2),
        ([2, 1, 1, 1, 2], 5),
        ([0] * 5, 0),
    ):
        targets = np.eye(3)
        targets[0] *= 2  # of other lengths, so that distances to targets do not tell
        labels = as_labels(np.array([*y, 0, 1, 2]), 8, targets=targets)
        points = np.vstack([X, [[-1.0]] * 3])
        enclosure = enclose(net, points, labels, count=True)
        p = objective_of(net, points, labels, "bce", 0.0, enclosure)
        # of the last three points, (0, -1, 2) is right for class 2 alone
        assert p.accuracy() == (right + 1) / 8


def test_what_balls_leave_open_is_decided_in_more_digits(monkeypatch):
    monkeypatch.setattr(objective, "MOST_BALLS", 0)
    # logits 0.3 and 3 x at x = 0.1: the second one is larger by 3e-17 ...
    # ... than 0.3, and less than the next float, which is what 3 * 0.1 is in floats
    lower = ReLUNetwork([[[0.0], [3.0]]], [[0.3, 0.0]])
    upper = ReLUNetwork([[[0.0], [3.0]]], [[3 * 0.1, 0.0]])
    X = np.array([[0.1], [0.1], [5.0], [5.0]])
    targets = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.25]])  # the third one is never best
    for net, y, right in (
        (lower, [0, 1, 1, 2], 2),
        (lower, [1, 0, 1, 2], 2),
        (lower, [1, 1, 0, 2], 2),
        (lower, [0, 0, 1, 2], 1),
        (upper, [0, 0, 1, 2], 3),
        (upper, [1, 1, 0, 2], 0),
        (upper, [0, 1, 0, 2], 1),
    ):
        labels = as_labels(np.array(y), 4, targets=targets)
        enclosure = enclose(net, X, labels, count=True)
        p = objective_of(net, X, labels, "bce", 0.0, enclosure)
        assert p.accuracy() == right / 4


def test_of_targets_that_do_not_sum_to_one_a_softmax_has_no_least_loss():
    p = problem("cross_entropy", 0.1)
    assert p.least == 0.0
    Y = p.labels.targets * 1.5
    assert p._replace(labels=p.labels._replace(targets=Y)).least == -np.inf
    for loss in ("bce", "mse"):
        other = problem(loss, 0.1)
        assert other._replace(labels=other.labels._replace(targets=Y)).least == 0.0


def test_stated_losses_are_within_their_bounds_and_squares_not_negative():
    # outputs 1/2 off at one of two points of two classes: 1/8 over points, 1/4 over classes
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[0.5], [1.0]])
    labels = as_labels([[0.0], [1.0]], 2, targets=None)
    p = objective_of(net, X, labels, "mse", 0.5, enclose(net, X, labels))
    # with decay 1/2 times 1 / 2
    for (value, (high, low)), exact in zip(p.stated_losses(), (0.375, 0.5), strict=True):
        assert low <= exact <= high and value == pytest.approx(exact)
    open_ = SimpleNamespace(bits=128, plain=arb(0, 1e-3), weighted=arb(0, 1e-3))
    for _, (high, low) in p._replace(enclosure=open_, weight_decay=0.0).stated_losses():
        assert low == 0.0 and 1e-3 <= high < 1.1e-3


def test_the_slope_at_a_kink_is_that_of_the_side_asked_for():
    net, X = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]]), np.array([[0.0]])
    labels = as_labels([[-1.0]], 1, targets=None)
    p = objective_of(net, X, labels, "mse", 0.5, enclose(net, X, labels))
    # the error is 1 at x = 0, where the hidden unit is at zero
    assert p.slope().tolist() == [0.5, 0.0, 0.5, 2.0]
    assert p.slope(net, kinks=True).tolist() == [0.5, 2.0, 0.5, 2.0]
