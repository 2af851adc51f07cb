"""What is left of a loss, what is exact and what the best fits leave are the loss together."""

import numpy as np
import pytest
from flint import arb, fmpq_mat

from constructions import verify
from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.groups import Group, groups_of
from constructions.critical.labels import label_space
from constructions.critical.minimum import everything
from constructions.critical.points import distinct_points
from constructions.critical.reduced import Reduced, Span, reduced, spanning, ways_of
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels

KINKS = [(0, 3, 1), (1, 7, 0), (0, 9, 0)]


def floats(matrix):
    return np.array([[float(a.mid()) for a in row] for row in matrix.tolist()])


class Problem:
    """Four classes in the plane, the cell of a random network, and its groups."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        X, y = rng.integers(-4, 5, (24, 2)).astype(float), rng.integers(0, 4, 24)
        y[:4] = np.arange(4)
        self.labels = as_labels(y, len(X), targets=None)
        self.space = label_space(self.labels.targets)
        per_class = [arb(1) / 24] * 4
        self.points = distinct_points(X, self.labels, per_class, self.space.coordinates)
        n = len(self.points.X)
        self.widths = (2, 2, 2, 3)
        side = (self.points.X[:, :1] > 0).astype(float)
        self.masks = [np.hstack([side, np.ones((n, 1))]), np.ones((n, 2))]
        self.masks[0][:2] = 0
        for l, i, u in KINKS:
            self.masks[l][i, u] = 0
        self.groups = groups_of(self.points, self.masks)
        self.theta = rng.standard_normal(2 * 3 + 2 * 3 + 3 * 3)
        self.whole = everything(self.points, self.widths, self.masks, KINKS)

    def loss(self):
        """Of the masked network on all points."""
        cell = self.whole.cell
        found = calculus.loss(cell, calculus.forwards(cell, self.theta))
        return float(found.mid) + float(self.points.constant.mid())

    def reduced(self, errors, way):
        return reduced(
            self.points,
            self.groups,
            self.space,
            self.labels,
            self.widths,
            self.masks,
            KINKS,
            errors,
            way,
            hidden=[],  # so that no points stand for several groups
        )

    def errors(self, exact=(), along=None):
        """1 everywhere, but 0 at some groups; at others 0 in what their labels do not need."""
        errors = [np.ones((len(g.chosen), 3)) for g in self.groups]
        for i in exact:
            errors[i][:] = 0
        if along is not None:
            rows = self.labels.targets @ self.space.float_frame()
            classes = self.groups[along].classes
            span = (rows[classes] - rows[classes[0]])[1:]
            errors[along][:] = span.sum(axis=0) if len(span) else 0
        return errors

    def split(self):
        """Numbers of groups whose labels need some of the space and not all of it."""
        return [i for i, g in enumerate(self.groups) if 1 < len(g.classes) < 4]


PROBLEMS = [Problem(seed) for seed in range(4)]


def outputs(cell, theta):
    return calculus.forwards(cell, theta).values[-1]


def rest_of(problem, found, theta):
    """The part of the loss that is 0 where the equations hold."""
    error = outputs(found.floats, theta) - found.floats.Y
    total, forms = 0.0, {tuple(g.chosen.tolist()): floats(g.form) for g in problem.groups}
    for equation in found.equations:
        chosen = [
            int(np.flatnonzero((problem.points.X == x).all(axis=1))[0])
            for x in found.floats.X[equation.rows]
        ]
        off = error[equation.rows] @ floats(equation.directions)
        total += np.trace(off.T @ forms[tuple(chosen)] @ off)
    return total


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("way", ["whole", "groups", "labels"])
def test_the_loss_is_what_fits_leave_and_what_is_left_and_what_is_exact(problem, way):
    choices = [((), None), ((0,), None), ((0, 1), None)]
    choices += [((), i) for i in problem.split()] + [((0,), i) for i in problem.split() if i]
    assert problem.split()
    for exact, along in choices:
        found = problem.reduced(problem.errors(exact, along), way)
        if found is None:
            continue
        fits = sum(float(g.rest.mid()) for g in problem.groups)
        fits += float(problem.points.constant.mid())
        left = float(calculus.loss(found.floats, calculus.forwards(found.floats, problem.theta)))
        rest = rest_of(problem, found, problem.theta)
        assert fits + left + rest == pytest.approx(problem.loss(), rel=1e-11)
        assert found.is_fitted is (not found.wanted) and bool(rest > 0) is bool(found.equations)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_ways_take_out_what_they_say_and_are_none_if_that_is_nothing(problem):
    whole = problem.reduced(problem.errors((0, 1)), "whole")
    assert not whole.equations and len(whole.within) == len(problem.groups)
    assert problem.reduced(problem.errors(), "groups") is None
    assert problem.reduced(problem.errors(), "labels") is None
    assert problem.reduced(problem.errors((0, 1)), "labels") is None
    groups = problem.reduced(problem.errors((0, 1)), "groups")
    assert len(groups.equations) == 2 and len(groups.within) == len(problem.groups) - 2
    every = problem.reduced(problem.errors(range(len(problem.groups))), "groups")
    assert every.is_fitted and not every.within
    for i in problem.split():
        labels = problem.reduced(problem.errors((), i), "labels")
        (equation,) = labels.equations
        m = len(problem.groups[i].classes) - 1
        assert equation.directions.ncols() == 3 - m
        assert [w.ncols() for _, w in labels.within if w.ncols() < 3] == [m]
        almost = problem.errors((), i)
        almost[i][-1] += 1e-3 * floats(equation.directions)[:, 0]
        assert problem.reduced(almost, "labels") is None


@pytest.mark.parametrize("problem", PROBLEMS)
def test_rational_directions_have_the_kernel_of_those_in_balls(problem):
    i = problem.split()[0]
    found = problem.reduced(problem.errors((), i), "labels")
    span = problem.space.span
    basis = floats(problem.space.frame)
    exact = np.array([[float(int(v.p)) / int(v.q) for v in row] for row in span.tolist()])
    rows = {}
    for point, functional in found.wanted:
        rows.setdefault(point, []).append(functional)
    for place, within in found.within:
        for point in range(place.start, place.stop):
            own = fmpq_mat(rows[point])
            assert own.rank() == own.nrows() == within.ncols()
            # an output U z is S c: what the functionals see of c is what `within` sees of z
            numbers = np.array([[float(int(v.p)) / int(v.q) for v in r] for r in own.tolist()])
            c = np.linalg.lstsq(exact, basis, rcond=None)[0]
            seen = floats(within).T
            both = np.vstack([numbers @ c, seen]) if numbers.shape[1] == 3 else None
            assert both is None or np.linalg.matrix_rank(both, tol=1e-9) == within.ncols()


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("way", ["whole", "groups"])
def test_points_with_kinks_are_there_once_more_and_count_for_nothing(problem, way):
    found = problem.reduced(problem.errors((0,)), way)
    before = {i for part, _ in found.within for i in range(part.start, part.stop)}
    before |= {i for e in found.equations for i in range(e.rows.start, e.rows.stop)}
    for (l, i, u), (layer, copy, unit) in zip(KINKS, found.floats.kinks, strict=True):
        assert (layer, unit) == (l, u) and copy not in before
        np.testing.assert_array_equal(found.floats.X[copy], problem.points.X[i])
        for mask, masks in zip(found.floats.masks, problem.masks, strict=True):
            np.testing.assert_array_equal(mask[copy], masks[i])
    assert len(found.floats.X) == len(before) + 3


@pytest.mark.parametrize("problem", PROBLEMS)
def test_all_three_kinds_of_numbers_are_one_cell(problem):
    found = problem.reduced(problem.errors((0,), problem.split()[-1]), "labels")
    theta = np.round(problem.theta, 3)
    balls = calculus.loss(found.balls, calculus.forwards(found.balls, theta))
    number = calculus.loss(found.floats, calculus.forwards(found.floats, theta))
    assert abs(float(balls.mid) - number) <= 1e-10 * number
    assert float(balls.rad) < 1e-10 * number


def test_of_one_output_it_is_that_output_that_is_wanted():
    labels = as_labels(np.array([0, 1, 0, 1]), 4, targets=None)
    space = label_space(labels.targets)
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    points = distinct_points(X, labels, [arb(1)] * 2, space.coordinates)
    masks = [np.ones((4, 1))]
    groups = groups_of(points, masks)
    errors = [np.ones((2, 1))]
    found = reduced(points, groups, space, labels, (1, 1, 1), masks, [], errors, "whole", [])
    assert found.wanted == [(0, [1]), (1, [1])]


def test_what_is_likeliest_is_tried_first():
    space = label_space(np.eye(3))
    small, large = np.full((2, 2), 9e-7), np.full((1, 2), 2e-6)
    assert ways_of([small], space)[0] == "groups"
    assert ways_of([small, -small], space)[0] == "groups"
    for errors in ([large], [small, large], [large, small], [np.array([[9e-7, -2e-6]])]):
        assert ways_of(errors, space)[0] == "whole"
    tiny = label_space(1e-300 * np.eye(3))
    assert ways_of([np.full((1, 2), 1e-307)], tiny)[0] == "groups"
    assert {*ways_of([small], space)} == {*ways_of([large], space)} == {"whole", "groups", "labels"}


# Few equations that stand for many: which points are taken, and when they do stand for others


def group(rows, chosen, label, classes=None):
    fit = [[label]] * len(chosen)
    return Group(np.array(rows), np.array(chosen), None, fit, 0, classes or [label])


def test_points_behind_one_unit_are_spanned_by_two():
    hidden = [np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0], [3.0, 0.0]])]
    masks = [(hidden[0] > 0).astype(float)]
    ((rows, fits, span),) = spanning([group([0, 1, 2, 3], [0, 1, 3], 7)], masks, hidden)
    assert len(rows) == 2 and set(rows) <= {0, 1, 2, 3} and 0 in rows and 2 in rows
    assert fits == [[7], [7]] and span.layer == 0 and span.live.tolist() == [0]


def test_groups_of_one_label_and_pattern_above_share_what_is_on_below():
    below = np.array([[1.0, 0.0], [2.0, 0.0], [5.0, 0.0], [1.0, 3.0], [2.0, 1.0], [7.0, 2.0]])
    above = np.array([[1.0], [1.0], [1.0], [1.0], [1.0], [1.0]])
    masks = [(below > 0).astype(float), above]
    groups = [group([0, 1, 2], [0, 1, 2], 7), group([3, 4, 5], [3, 4, 5], 7)]
    ((rows, _, span),) = spanning(groups, masks, [below, 0 * above + [[1.0], [2.0]] * 3])
    assert len(rows) <= 3 and span is not None
    # with other labels they are apart; with other patterns above but for the last layer
    other = [groups[0], group([3, 4, 5], [3, 4, 5], 8)]
    assert len(spanning(other, masks, [below, above])) == 2
    masks[1] = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [0.0]])
    ((rows, _, span),) = spanning(groups, masks, [below, masks[1]])
    assert span.layer == 1 and masks[1][rows].ravel().tolist() in ([0.0, 1.0], [1.0, 0.0])
    masks.append(masks[1])
    assert len(spanning(groups, masks, [below, 0 * above + 1, 0 * above + 1])) == 2


def test_a_unit_that_is_on_counts_even_if_its_output_seems_to_be_0():
    hidden = [np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])]
    masks = [np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])]
    ((rows, _, span),) = spanning([group([0, 1, 2], [0, 1, 2], 7)], masks, hidden)
    assert rows == [0, 1, 2] and span is None


def test_points_of_several_labels_stay():
    hidden, masks = [np.array([[1.0], [2.0], [3.0]])], [np.ones((3, 1))]
    mixed = group([0, 1, 2], [0, 1, 2], 7, classes=[7, 8])
    ((rows, _, span),) = spanning([mixed], masks, hidden)
    assert rows == [0, 1, 2] and span is None


@pytest.mark.parametrize(("width", "stands"), [(0.0, True), (0.1, True), (0.6, False)])
def test_points_stand_for_others_if_they_are_independent_in_the_whole_box(width, stands):
    # (1, 1) and (2, 1) may be one if both are known to within 1/2
    values = Balls(np.array([[1.0], [2.0]]), np.full((2, 1), width))
    problem = Reduced(None, None, None, [], [], [], True, [Span(0, [0, 1], np.array([0]))])

    class Followed:
        inputs = (None, values, Balls(np.array([[1.0], [1.0]])))

    assert problem.stands(Followed) == stands


def test_groups_with_other_patterns_in_the_next_layer_are_apart():
    first = np.arange(1.0, 7.0)[:, None]
    second = np.repeat([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]], 3, axis=0) * first
    masks = [np.ones((6, 1)), (second > 0).astype(float)]
    groups = [group([0, 1, 2], [0, 1, 2], 7), group([3, 4, 5], [3, 4, 5], 7)]
    parts = spanning(groups, masks, [first, second])
    assert [(span.layer, len(rows)) for rows, _, span in parts] == [(0, 2), (0, 2)]


def two_units(step):
    """F = (h + 1) - (1 + step) (h + 2) + 2 where x_1 > 0 and 2 elsewhere, h the first coordinate.

    Four points that span the plane, though only one unit of the first layer is on.
    """
    X = np.array([[1, 0], [2, 1], [3, -1], [4, 2], [-1, 0], [-2, 1], [-3, 0]], float)
    Y = np.where(X[:, :1] > 0, 1.0, 2.0)
    weights = [[[1.0, 0.0], [-1.0, 0.0]], [[1.0, -5.0], [1.0, -5.0]], [[1.0, -1.0 - step]]]
    return ReLUNetwork(weights, [[0.0, 0.0], [1.0, 2.0], [2.0]]), X, Y


@pytest.mark.parametrize("step", [2.0**-52, 2.0**-40, 2.0**-30])
def test_a_zero_loss_behind_a_bottleneck_is_exact(step):
    found = verify(*two_units(step))
    assert (found.verdict, found.proved, found.slack) == ("global minimum", True, 0.0)
    assert found.critical["argument"] == "fit" and step / 100 < found.distance < 10 * step + 1e-14


def test_a_bottleneck_may_follow_a_wider_layer():
    """As `two_units` in three dimensions, with a third unit below that is on and is not read."""
    X = [[1, 0, 0], [2, 1, 3], [3, -1, 1], [4, 2, -2], [5, 1, 1], [-1, 0, 2], [-2, 1, 0]]
    X = np.array([*X, [-3, 0, 1]], float)
    weights = [[[1.0, 0, 0], [-1.0, 0, 0], [0, 1.0, 0]], [[1.0, -5.0, 0], [1.0, -5.0, 0]]]
    net = ReLUNetwork([*weights, [[1.0, -1.0 - 2.0**-40]]], [[0.0, 0.0, 10.0], [1.0, 2.0], [2.0]])
    found = verify(net, X, np.where(X[:, :1] > 0, 1.0, 2.0))
    assert (found.verdict, found.proved, found.slack) == ("global minimum", True, 0.0)
    assert found.critical["argument"] == "fit" and found.distance < 1e-10


@pytest.mark.parametrize("problem", PROBLEMS)
def test_points_that_nothing_ties_together_are_one_block(problem):
    found = problem.reduced(problem.errors(), "whole")
    lone = [g for g in problem.groups if len(g.chosen) == len(g.rows)]
    assert len(found.floats.blocks) == len(problem.groups) - len(lone) + bool(lone)
    if lone:
        block = found.floats.blocks[0]
        rows = np.concatenate([g.rows for g in lone])
        np.testing.assert_array_equal(found.floats.X[block.rows], problem.points.X[rows])
        weights = np.array([float(problem.points.weights[i].mid()) for i in rows])
        np.testing.assert_array_equal(block.form, weights)
