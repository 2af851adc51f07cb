import itertools

import naive
import numpy as np
import pytest

from constructions import (
    ConstructionError,
    merged,
    partial,
    suboptimal,
    suboptimal_family,
    verify,
)
from geomcore import datasets, truncate
from geomcore.cumulative import cumulative_parameters

BALLS = [(0.1, 0), (0.15, 0), (0.15, 1), (0.15, 2)]


def balls(radius=0.15, seed=0, classes=3, n=30):
    return datasets.clusters(n, classes=classes, radius=radius, rng=seed)


def closed_form(X, y):
    """CE23 (2.71) with Y = 1: the sum of lambda / (1 + lambda) over Delta_2."""
    classes = np.unique(y)
    means = np.stack([X[y == q].mean(axis=0) for q in classes], axis=1)
    total = np.zeros((len(classes), len(classes)))
    for q in range(len(classes)):
        own = np.linalg.solve(means, X[y == classes[q]].T - means[:, [q]])
        total += own @ own.T / own.shape[1]
    values = np.linalg.eigvalsh(total)
    return (values / (1 + values)).sum()


# By hand


@pytest.mark.parametrize(("radius", "seed"), BALLS)
def test_the_two_pure_states_are_minima_and_the_six_mixed_ones_are_not(radius, seed):
    data = balls(radius, seed)
    X, y, Y = data.X, data.y, np.eye(3)[data.y]
    for made in suboptimal_family(X, y):
        found = verify(made.network, X, y)
        assert found.proved
        if made.method == "state 000":
            assert found.verdict == "global minimum"
        elif made.method == "state 111":
            assert found.verdict == "local minimum"
            assert found.lower_bound == pytest.approx(found.loss, rel=1e-12)
        else:
            assert found.verdict == "not stationary"
            step, parts = found.witness["step"], found.witness["direction"]
            net = made.network
            W = [A + step * np.array(p["weights"]) for A, p in zip(net.weights, parts, strict=True)]
            b = [c + step * np.array(p["biases"]) for c, p in zip(net.biases, parts, strict=True)]
            after = float(naive.exact_loss(W, b, X[::10], Y[::10]))  # some points, exactly
            lowered = ((evaluate(W, b, X) - Y) ** 2).sum(axis=1).mean()
            assert lowered == pytest.approx(found.witness["loss"], rel=1e-9)
            assert lowered < found.loss and after < 1


def evaluate(weights, biases, X):
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = np.maximum(X @ W.T + b, 0)
    return X @ weights[-1].T + biases[-1]


@pytest.mark.parametrize(("radius", "seed"), BALLS)
def test_the_papers_point_111_has_the_closed_form_and_moves_when_the_bias_is_free(radius, seed):
    data = balls(radius, seed)
    X, y, weighted = data.X, data.y, {"loss": "class_weighted"}
    net = suboptimal(X, y, (1, 1, 1), bias=False, **weighted).network
    found = verify(net, X, y, **weighted)
    assert found.class_weighted_loss == pytest.approx(closed_form(X, y), abs=1e-10)
    assert (found.verdict, found.proved) == ("not stationary", True)
    inner = verify(net, X, y, subset="cumulative", **weighted)
    assert (inner.verdict, inner.proved) == ("local minimum", True)
    affine = suboptimal(X, y, (1, 1, 1), **weighted).network
    free = verify(affine, X, y, **weighted)
    assert free.verdict == "local minimum"
    assert free.class_weighted_loss < found.class_weighted_loss


@pytest.mark.parametrize(("radius", "seed"), BALLS)
def test_merges_are_local_minima_with_the_scatter_of_the_targets(radius, seed):
    data = balls(radius, seed)
    for groups, loss in (
        ([[0, 1], [2]], 1 / 3),
        ([[0, 2], [1]], 1 / 3),
        ([[0], [1, 2]], 1 / 3),
        ([[0, 1, 2]], 2 / 3),
    ):
        found = verify(merged(data.X, data.y, groups).network, data.X, data.y)
        assert (found.verdict, found.proved) == ("local minimum", True)
        assert found.loss == pytest.approx(loss, abs=1e-12)
        assert found.lower_bound == pytest.approx(loss, abs=1e-12)
        assert found.radius > found.basin["radius"] > 0
    singles = verify(merged(data.X, data.y, [[2], [0], [1]]).network, data.X, data.y)
    assert singles.verdict == "global minimum"


def test_four_balls_show_the_same_pattern():
    data = balls(0.15, 0, classes=4, n=15)
    verdicts = {
        made.method: verify(made.network, data.X, data.y).verdict
        for made in suboptimal_family(data.X, data.y)
    }
    assert len(verdicts) == 16
    assert verdicts.pop("state 0000") == "global minimum"
    assert verdicts.pop("state 1111") == "local minimum"
    assert set(verdicts.values()) == {"not stationary"}
    for groups, loss in (([[0, 1], [2, 3]], 1 / 2), ([[0], [1], [2, 3]], 1 / 4)):
        found = verify(merged(data.X, data.y, groups).network, data.X, data.y)
        assert found.verdict == "local minimum"
        assert found.loss == pytest.approx(loss, abs=1e-12)


def test_unequal_classes_weigh_by_their_size():
    data = balls(n=20)
    keep = np.r_[0:20, 20:30, 40:45]  # 20, 10 and 5 points
    X, y = data.X[keep], data.y[keep]
    found = verify(merged(X, y, [[0, 1], [2]]).network, X, y)
    # classes 0 and 1 get their mean (2/3, 1/3): scatter 20 * 2/9 + 10 * 8/9 of 35 points
    assert found.loss == pytest.approx((20 * 2 / 9 + 10 * 8 / 9) / 35, abs=1e-12)
    assert found.verdict == "local minimum"
    weighted = merged(X, y, [[0, 1], [2]], loss="class_weighted")
    found = verify(weighted.network, X, y, loss="class_weighted")
    assert found.class_weighted_loss == pytest.approx(1.0, abs=1e-12)
    assert found.verdict == "local minimum"


# Against the naive oracle


@pytest.mark.parametrize("state", list(itertools.product((0, 1), repeat=3)))
def test_a_state_collapses_the_zeros_and_leaves_the_ones_where_they_are(state):
    data = balls()
    net = suboptimal(data.X, data.y, state).network
    last = truncate(net, data.X)[-1]
    for q in range(3):
        own = data.y == q
        if state[q]:
            np.testing.assert_allclose(last[own], data.X[own], atol=1e-9)
        else:
            assert np.ptp(last[own], axis=0).max() <= 1e-9


def test_the_last_layer_is_the_least_squares_one():
    data = balls()
    Y = np.eye(3)[data.y]
    net = suboptimal(data.X, data.y, (0, 1, 1)).network
    H = np.column_stack([net.hidden(data.X)[-1], np.ones(len(data.X))])
    best = ((H @ np.linalg.lstsq(H, Y)[0] - Y) ** 2).sum(axis=1).mean()
    assert ((net(data.X) - Y) ** 2).sum(axis=1).mean() == pytest.approx(best, rel=1e-10)


# Laws


def test_without_a_bias_the_last_cumulative_bias_is_zero():
    data = balls()
    net = suboptimal(data.X, data.y, (0, 1, 0), bias=False).network
    assert np.abs(cumulative_parameters(net)[1][-1]).max() <= 1e-10


@pytest.mark.parametrize("fractions", [(0, 0, 0), (0.5, 0, 1), (1, 1, 1), (0.1, 0.9, 0.3)])
def test_partial_collapses_the_fraction_it_says(fractions):
    data = balls()
    made = partial(data.X, data.y, fractions)
    last = truncate(made.network, data.X)[-1]
    for q, fraction in enumerate(fractions):
        points, counts = np.unique(last[data.y == q].round(9), axis=0, return_counts=True)
        expected = round(30 * fraction)
        assert made.report["collapsed"][q] == expected
        assert len(points) <= 30 and counts.max() >= max(expected, 1)


def test_nothing_and_everything_partial_are_the_pure_states():
    data = balls()
    assert verify(partial(data.X, data.y, (1, 1, 1)).network, data.X, data.y).verdict == (
        "global minimum"
    )
    assert verify(partial(data.X, data.y, (0, 0, 0)).network, data.X, data.y).verdict == (
        "local minimum"
    )


def test_the_inputs_may_be_lists_and_are_not_modified():
    data = balls(n=5)
    X = data.X.astype(np.float32)
    before = X.copy()
    made = suboptimal(np.asfortranarray(X), data.y.tolist(), [0, 1, 0])
    np.testing.assert_array_equal(X, before)
    assert made.network.widths == (3, 3, 3, 3, 3)


def test_two_classes_on_a_line_have_all_states():
    X, y = [[0.0], [0.25], [2.0], [2.5]], ["a", "a", "b", "b"]
    verdicts = [verify(made.network, X, y).verdict for made in suboptimal_family(X, y)]
    assert verdicts[0] == "global minimum" and verdicts[-1] == "local minimum"
    found = verify(merged(X, y, [["a", "b"]]).network, X, y)
    assert found.verdict == "local minimum" and found.loss == pytest.approx(0.5)


# Bad input


@pytest.mark.parametrize("state", [(0, 1), (0, 1, 2), 5, "abc", (0, 1, 0, 1)])
def test_a_state_that_does_not_fit_is_refused(state):
    data = balls(n=5)
    with pytest.raises(ValueError, match="state must hold 3 numbers 0 or 1"):
        suboptimal(data.X, data.y, state)


@pytest.mark.parametrize("groups", [[[0, 1]], [[0, 1], [1, 2]], [[0], [1], [2], []], 7, [[0, 9]]])
def test_groups_that_are_no_partition_are_refused(groups):
    data = balls(n=5)
    with pytest.raises(ValueError, match="groups must be a partition"):
        merged(data.X, data.y, groups)


@pytest.mark.parametrize("fractions", [(0.5,), (0, 1, 2), (0, -1, 0), (np.nan, 0, 0)])
def test_fractions_outside_the_interval_are_refused(fractions):
    data = balls(n=5)
    with pytest.raises(ValueError, match=r"fractions must be (3 numbers from 0 to 1|finite)"):
        partial(data.X, data.y, fractions)


def test_an_unknown_loss_is_refused():
    data = balls(n=5)
    with pytest.raises(ValueError, match="loss must be 'mse' or 'class_weighted'"):
        suboptimal(data.X, data.y, (0, 0, 0), loss="median")


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        suboptimal([[0.0], [1.0]], [1, 1], (0,))


def test_classes_that_cannot_be_collapsed_are_refused_by_name():
    X = [[0.0, 0.0], [2.0, 2.0], [0.0, 2.0], [2.0, 0.0]]
    with pytest.raises(ConstructionError, match="separated from what is to be kept"):
        suboptimal(X, ["a", "a", "b", "b"], (0, 0))
