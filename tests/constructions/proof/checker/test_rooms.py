"""How far a loss in floats may be off: by the rounding of its largest terms, and no more."""

import numpy as np
import pytest
from checker_examples import Example

FIELDS = {"verdict": "undetermined", "proved": False, "class_weighted_loss": 0.0, "accuracy": 1.0}


def test_outputs_and_classes_may_be_of_any_number():
    # as they are: three points in the plane, and four that are one on a line
    for targets in ([[0, 0], [1, 0], [0, 1]], [[0], [1], [2], [3]], [[5, 6, 7]]):
        K = len(targets[0])
        layer = np.eye(K), np.zeros(K)
        classes = list(range(len(targets)))
        same = Example([layer], targets, targets, classes, loss=0.0, margins=[], **FIELDS)
        assert not same.refused()
        assert same.refused(loss=1e-3, loss_bound=1.0) == {"loss"}


@pytest.mark.parametrize("point", [0, 1])
def test_a_loss_may_be_off_by_the_rounding_of_the_largest_point(point):
    # 3 fl(1/3) - 1 is -2^-54: of the point times 2^20 floats see nothing, of the origin all is 0
    large = [3 * 2.0**20, 2.0**20]
    X = [large, [0, 0]] if point == 0 else [[0, 0], large]
    layers = [([[1 / 3, -1]], [0])]
    exact = 2.0**-68 / 2
    fields = FIELDS | {"loss_floor": 0.0, "loss_bound": 2 * exact, "margins": []}
    missed = Example(layers, X, [[0]], [0, 0], loss=0.0, **fields)
    assert not missed.refused()
    assert not missed.refused(loss=exact, class_weighted_loss=exact)
    # terms of 2^20, and of 1 / 3 of what is read: floats miss no more than 2^-50 of them, squared
    assert missed.refused(loss=2.0**-50, loss_bound=1.0) == {"loss"}
