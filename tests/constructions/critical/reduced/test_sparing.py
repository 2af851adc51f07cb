"""A few equations are to imply all that is left out of the loss, and nothing else."""

import numpy as np
import pytest
from flint import arb

from constructions.critical import cell as calculus
from constructions.critical import reduced as room
from constructions.critical.balls import as_balls
from constructions.critical.groups import groups_of
from constructions.critical.labels import label_space
from constructions.critical.minimum import everything
from constructions.critical.points import distinct_points
from geomcore.arrays import as_labels

WIDTHS = (2, 3, 2, 2)
KINKS = [(0, 7, 2), (1, 3, 1), (0, 2, 2)]


def floats(rows):
    return np.array([[float(a.mid()) for a in row] for row in rows])


class Problem:
    """Groups with the labels {0, 1}, {2}, {0, 2} and {1}, of four points each, in one quadrant."""

    def __init__(self):
        rng = np.random.default_rng(0)
        quadrants = np.repeat([[1, 1], [1, -1], [-1, 1], [-1, -1]], 4, axis=0)
        X = quadrants * rng.integers(1, 9, (16, 2)).astype(float)
        y = np.array([0, 1, 0, 1, 2, 2, 2, 2, 0, 2, 2, 0, 1, 1, 1, 1])
        self.labels = as_labels(y, 16, targets=None)
        self.space = label_space(self.labels.targets)
        per_class = [arb(1) / 16] * 3
        self.points = distinct_points(X, self.labels, per_class, self.space.coordinates)
        assert len(self.points.X) == 16
        self.masks = [np.ones((16, 3)), np.ones((16, 2))]
        self.masks[0][:, :2] = self.points.X > 0
        self.groups = groups_of(self.points, self.masks)
        self.theta = rng.standard_normal(3 * 3 + 2 * 4 + 2 * 3)
        self.whole = everything(self.points, WIDTHS, self.masks, KINKS)
        self.sparing = self.whole.cell._replace(X=self.points.X, kinks=[])
        self.found = calculus.forwards(self.sparing, self.theta)

    def group(self, *classes):
        return next(g for g in self.groups if g.classes == [*classes])

    def target(self, q):
        return floats([self.space.coordinates[q]])[0]

    def errors(self, exact, split):
        """0 at groups that are fitted, along the difference of the labels at those to be split."""
        errors = [np.ones((len(g.chosen), 2)) for g in self.groups]
        for group, error in zip(self.groups, errors, strict=True):
            if group.classes in exact:
                error[:] = 0
            if group.classes in split:
                error[:] = self.target(group.classes[1]) - self.target(group.classes[0])
        return errors

    def reduced(self, errors, way, by_label):
        given = self.points, self.groups, self.space, self.labels, WIDTHS, self.masks, KINKS
        sparing = self.sparing, self.found, by_label
        hidden = [
            read.mid for read in calculus.forwards(self.whole.cell, as_balls(self.theta)).inputs[1:]
        ]
        return room.reduced(*given, errors, way, hidden, sparing)

    def place(self, x):
        return int(np.flatnonzero((self.points.X == x).all(axis=1))[0])


PROBLEM = Problem()
CASES = [
    ("groups", [[2], [1]], []),
    ("groups", [[0, 1], [2], [1]], []),
    ("groups", [[0, 1], [2], [0, 2], [1]], []),
    ("labels", [[2], [1]], [[0, 1]]),
    ("labels", [[2], [0, 2], [1]], [[0, 1]]),
    ("labels", [[2], [1]], [[0, 1], [0, 2]]),
]


@pytest.mark.parametrize("by_label", [False, True])
@pytest.mark.parametrize(("way", "exact", "split"), CASES)
def test_all_that_is_left_out_is_asked_for_and_nothing_else(
    way, exact, split, by_label, monkeypatch
):
    seen = []
    own = room.chosen_of
    monkeypatch.setattr(room, "chosen_of", lambda *given: seen.append(given) or own(*given))
    found = PROBLEM.reduced(PROBLEM.errors(exact, split), way, by_label)
    ((_, asked, _, passed),) = seen
    assert passed is by_label and found.chosen.by_label is by_label
    directions = {}
    for one in asked:
        directions.setdefault(one.point, []).append(floats([one.direction])[0])
    groups = [PROBLEM.group(*classes) for classes in exact + split]
    assert sorted(directions) == sorted(i for g in groups for i in g.chosen.tolist())
    for group in groups:
        labels = np.array([PROBLEM.target(q) for q in group.classes])
        for i in group.chosen.tolist():
            # as many as their labels do not differ in, and of one value at all of them
            across = np.array(directions[i])
            assert np.linalg.matrix_rank(across) == len(across) == 3 - len(labels)
            values = [float(one.ball.mid()) for one in asked if one.point == i]
            np.testing.assert_allclose(labels @ across.T, [values] * len(labels), atol=1e-14)
        assert {one.label for one in asked if one.point in group.chosen} <= {*group.classes}


@pytest.mark.parametrize("by_label", [False, True])
@pytest.mark.parametrize(("way", "exact", "split"), CASES)
def test_equations_are_of_what_is_chosen_and_of_all_that_labels_differ_in(
    way, exact, split, by_label
):
    found = PROBLEM.reduced(PROBLEM.errors(exact, split), way, by_label)
    assert found.chosen.asked and found.is_fitted is (len(exact) == 4)
    equations, before = list(found.equations), {i for e in found.equations for i in span(e.rows)}
    mixed = [group for group in PROBLEM.groups if group.classes in exact and len(group.classes) > 1]
    for group in mixed:
        equation = equations.pop(0)
        rows = [PROBLEM.place(x) for x in found.floats.X[equation.rows]]
        assert rows == group.chosen.tolist()
        np.testing.assert_array_equal(found.floats.Y[equation.rows], floats(group.fit))
        (direction,) = floats(equation.directions.transpose().tolist())
        gap = np.diff([PROBLEM.target(q) for q in group.classes], axis=0)[0]
        assert np.linalg.norm(direction) == pytest.approx(1)
        assert abs(direction @ gap) == pytest.approx(np.linalg.norm(gap))
    left = list(found.chosen.asked)
    for equation in equations:
        (at,) = span(equation.rows)
        own, left = [o for o in left if o.point == at], [o for o in left if o.point != at]
        ways = floats(equation.directions.transpose().tolist())
        np.testing.assert_array_equal(ways, floats([one.direction for one in own]))
        values = [float(one.ball.mid()) for one in own]
        np.testing.assert_allclose(ways @ found.floats.Y[at], values, atol=1e-14)
    assert not left
    # points with kinks follow, and have no part in any of it
    before |= {i for place, _ in found.within for i in span(place)}
    assert before == set(range(len(before))) and len(found.floats.X) == len(before) + 3
    for (l, i, u), (layer, copy, unit) in zip(KINKS, found.floats.kinks, strict=True):
        assert (layer, unit) == (l, u) and copy >= len(before)
        np.testing.assert_array_equal(found.floats.X[copy], PROBLEM.points.X[i])


@pytest.mark.parametrize("by_label", [False, True])
@pytest.mark.parametrize(("way", "exact", "split"), CASES)
def test_rows_of_what_is_exact_are_the_same_if_those_of_all_outputs_are_not_known(
    way, exact, split, by_label
):
    found = PROBLEM.reduced(PROBLEM.errors(exact, split), way, by_label)
    passed = calculus.forwards(found.balls, as_balls(PROBLEM.theta))
    known = found.exact_rows(passed, calculus.output_rows(found.balls, passed))
    # as many as there are directions, of which each is one of the outputs
    count = sum((e.rows.stop - e.rows.start) * e.directions.ncols() for e in found.equations)
    assert len(known) >= count > 0 and known.mid.any(axis=1).all()
    rows = found.exact_rows(passed, None)
    np.testing.assert_array_equal(rows.mid, known.mid)
    np.testing.assert_array_equal(rows.rad, known.rad)


def span(rows):
    return range(rows.start, rows.stop)
