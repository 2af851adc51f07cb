"""What the checker knows of a cell: the least loss in it, and how many outputs are free."""

import numpy as np
import pytest
from builders import random_network
from checker_examples import Example

from constructions.proof.checker import Case

FIELDS = {"loss": 1.0, "class_weighted_loss": 1.0, "accuracy": 1.0, "verdict": "undetermined"}


def cell(example):
    """The least loss as a float, and the number of free outputs at different points."""
    pairs = zip(example.weights, example.biases, strict=True)
    tensors = [tensor for pair in pairs for tensor in pair]
    case = Case(example.fields, tensors, example.X, example.targets, example.classes)
    least, free = case.cell
    return float(least), free


def test_points_where_some_units_are_off_are_not_dead():
    # the second unit is off at both points, between which the first one leaves any line
    layers = [([[1], [-1]], [0, 0]), ([[1, 1]], [0])]
    data = [[1], [2]], [[0], [1]], [0, 1]
    example = Example(layers, *data, margins=[0.5], lower_bound=0.0, **FIELDS)
    assert cell(example) == (0, 2)
    assert "lower_bound" not in example.refused()
    assert "lower_bound" in example.refused(lower_bound=1e-300)
    # where both are off the best constant leaves 1/4
    dead = Example([([[1], [1]], [-3, -3]), layers[1]], *data, margins=[0.5], **FIELDS)
    assert cell(dead) == (0.25, 1)
    assert "lower_bound" not in dead.refused(lower_bound=0.25)
    assert "lower_bound" in dead.refused(lower_bound=np.nextafter(0.25, 1))


def least_by_floats(weights, biases, X, Y):
    """The same by least squares in floats, a group of points after the other."""
    masks, h = [], X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        h = np.maximum(h @ W.T + b, 0)
        masks.append(h > 0)
    groups = {}
    for i in range(len(X)):
        own = [tuple(mask[i].tolist()) for mask in masks]
        dead = [l for l, mask in enumerate(own) if not any(mask)]
        after = own[dead[-1] + 1 :] if dead else own
        groups.setdefault((tuple(dead[-1:]), tuple(after)), []).append(i)
    total, free = 0.0, 0
    for (dead, _), rows in groups.items():
        design = np.ones((len(rows), 1))
        if not dead:
            design = np.hstack([X[rows], design])
        rest = Y[rows] - design @ np.linalg.lstsq(design, Y[rows])[0]
        total += (rest**2).sum() / len(X)
        free += np.linalg.matrix_rank(design)
    return total, free


@pytest.mark.parametrize("widths", [(1, 2, 1), (2, 3, 1), (2, 2, 2, 2), (1, 2, 2, 1)])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_a_cell_fits_each_group_by_itself(widths, seed):
    rng = np.random.default_rng(seed)
    net = random_network(list(widths), rng)
    X = rng.integers(-3, 4, (9, widths[0])) + 0.5
    targets = rng.integers(-2, 3, (9, widths[-1])).astype(float)
    layers = list(zip(net.weights, net.biases, strict=True))
    margins = [0.0] * (len(layers) - 1)
    example = Example(layers, X, targets, list(range(9)), margins=margins, **FIELDS)
    least, free = least_by_floats(example.weights, example.biases, example.X, targets)
    assert cell(example) == (pytest.approx(least, rel=1e-9, abs=1e-14), free)
