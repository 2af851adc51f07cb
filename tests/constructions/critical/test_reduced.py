"""Few equations that stand for many: which points are taken, and when they do stand for others."""

import numpy as np
import pytest

from constructions import verify
from constructions.critical.balls import Balls
from constructions.critical.groups import Group
from constructions.critical.reduced import Reduced, Span, spanning
from geomcore import ReLUNetwork


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
        inputs = (None, values)

    assert problem.stands(Followed) == stands


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
