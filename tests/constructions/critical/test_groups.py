"""The few points that stand for a group give the loss of all of it."""

import numpy as np
import pytest
from flint import arb

from constructions.critical.groups import groups_of
from constructions.critical.labels import label_space
from constructions.critical.points import distinct_points
from geomcore.arrays import as_labels


def points_of(X, y, weights=None):
    labels = as_labels(y, len(X), targets=None)
    space = label_space(labels.targets)
    per_class = [arb(1) / len(X)] * len(labels.classes) if weights is None else weights
    return distinct_points(np.asarray(X, float), labels, per_class, space.coordinates), labels


def mean_error(points, outputs):
    Y = np.array([[float(t.mid()) for t in row] for row in points.targets])
    w = np.array([float(v.mid()) for v in points.weights])
    return float((w[:, None] * (outputs - Y) ** 2).sum() + float(points.constant.mid()))


@pytest.mark.parametrize("seed", range(6))
def test_forms_and_fits_give_the_loss_of_any_affine_outputs(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.integers(-3, 4, (25, 3)).astype(float), rng.integers(0, 3, 25)
    X[:, 2] = X[:, 0] - X[:, 1]  # a plane: its points are tied by fewer than d + 1
    points, _ = points_of(X, y)
    masks = [
        (points.X @ rng.standard_normal((3, 2)) > 0).astype(float),
        np.ones((len(points.X), 1)),
    ]
    masks[0][:4] = 0  # dead at the first layer
    groups = groups_of(points, masks)
    assert sum(len(g.rows) for g in groups) == len(points.X)
    outputs, total = np.zeros((len(points.X), 2)), float(points.constant.mid())
    for group in groups:
        dead = not masks[0][group.rows[0]].any()
        A, c = rng.standard_normal((3, 2)) * (not dead), rng.standard_normal(2)
        outputs[group.rows] = points.X[group.rows] @ A + c
        fit = np.array([[float(a.mid()) for a in row] for row in group.fit])
        form = np.array([[float(a.mid()) for a in row] for row in group.form.tolist()])
        error = outputs[group.chosen] - fit
        total += float(group.rest.mid()) + np.trace(error.T @ form @ error)
        assert len(group.chosen) <= (1 if dead else 3)
    assert np.isclose(total, mean_error(points, outputs), rtol=1e-12)


def test_groups_of_one_class_leave_nothing():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2))
    points, _ = points_of(X, (np.arange(20) >= 10).astype(int))
    halves = np.array([[float(c == [0])] for c in points.classes])
    for group in groups_of(points, [np.ones((20, 1)), halves]):
        assert (group.rest == 0) == (len(group.classes) == 1)


def test_equal_points_are_one_point_of_their_weight_and_mean():
    X, y = [[1.0], [1.0], [-0.0], [0.0]], [0, 1, 1, 1]
    points, _ = points_of(X, y, [arb(3), arb(1)])
    assert points.X.ravel().tolist() == [0.0, 1.0]
    assert [float(w.mid()) for w in points.weights] == [2.0, 4.0]
    assert points.classes == [[1], [0, 1]]
    # |y_0 - y_1|^2 is 2: 3 (1/4)^2 2 + 1 (3/4)^2 2
    assert abs(float(points.constant.mid()) - 1.5) < 1e-15


def sets(points, masks):
    return {frozenset(g.rows.tolist()) for g in groups_of(points, masks)}


def test_points_are_tied_by_all_masks_after_the_last_layer_in_which_they_are_dead():
    X = np.array([[float(i), i**2 % 5] for i in range(8)])
    points, _ = points_of(X, np.arange(8) % 2)
    on = [np.ones((8, 2)) for _ in range(3)]
    assert sets(points, on) == {frozenset(range(8))}
    for layer in range(3):  # a pattern of its own in any of the layers is a group of its own
        masks = [mask.copy() for mask in on]
        masks[layer][2, 0] = 0
        assert sets(points, masks) == {frozenset({2}), frozenset(range(8)) - {2}}
    masks = [mask.copy() for mask in on]
    masks[0][0] = masks[1][:2] = masks[0][3, 1] = 0  # 0 dies twice, 1 once, 3 differs before that
    masks[1][3] = 0
    masks[2][1, 0] = 0
    rest = frozenset({2, 4, 5, 6, 7})
    assert sets(points, masks) == {frozenset({0, 3}), frozenset({1}), rest}


def test_a_rank_that_floats_get_wrong_is_not_believed():
    X = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0 + 2.0**-45]])
    points, _ = points_of(X, [0, 1, 1, 0])
    assert groups_of(points, [np.ones((4, 1))]) is None
    X[3, 1] = 3.0
    points, _ = points_of(X, [0, 1, 1, 0])
    (group,) = groups_of(points, [np.ones((4, 1))])
    assert len(group.chosen) == 2
