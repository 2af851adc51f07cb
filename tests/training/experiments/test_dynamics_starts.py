"""Networks in which one class is truncated in part."""

import numpy as np
import pytest

from geomcore import truncation_degree
from geomcore.datasets.dataset import Dataset
from geomcore.truncation import truncation_steps
from training.experiments.dynamics_starts import as_piece, draws, of_piece, part_of, start
from training.output.pieces import Pieces

FRACTIONS = (0.25, 0.75)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_start_has_the_fraction_of_the_class_in_its_layer(label):
    (data,) = draws(1, points=8, radius=0.15, seed=3)
    made = start(data, FRACTIONS, label=label)
    for net, fraction in zip(made.networks, FRACTIONS, strict=True):
        points = data.X
        for step in truncation_steps(net, data.X):
            degree = truncation_degree(step.W, step.b, points, data.y)
            if step.layer == made.layer + 1:
                assert degree.backward[label] == fraction == degree.backward.max()
            elif step.layer <= 3:
                assert degree.backward.max() == 1 and degree.backward[label] == 0
            points = step.truncated


def test_the_other_classes_may_be_left_alone():
    (data,) = draws(1, points=8, radius=0.15, seed=3)
    made = start(data, [0.5], others=0.0)
    steps = list(truncation_steps(made.networks[0], data.X))
    last = steps[-1].truncated
    for q in (1, 2):
        np.testing.assert_allclose(last[data.y == q], data.X[data.y == q], atol=1e-9)


def test_labels_of_any_kind_are_followed():
    (data,) = draws(1, points=8, radius=0.15, seed=3)
    named = Dataset(data.X, np.array(["x", "y", "z"])[data.y], "named", {})
    assert start(named, FRACTIONS, label="y").q == 1
    with pytest.raises(ValueError, match="label must be one of"):
        start(named, FRACTIONS, label="w")


def test_a_start_comes_back_from_a_piece_to_the_last_bit():
    (data,) = draws(1, points=8, radius=0.15, seed=3)
    made = start(data, FRACTIONS, label=1)
    with Pieces.open(None, {}) as pieces:
        pieces["it"] = as_piece(made)
        again = of_piece(pieces["it"], data)
    assert again == made._replace(networks=again.networks)
    assert again.networks == made.networks


def test_a_part_has_four_fifths_of_each_class_and_at_least_two_points():
    (data,) = draws(1, points=10, radius=0.15, seed=3)
    y = np.sort(data.y)
    few = data._replace(X=data.X[:12], y=y[:12])
    part = part_of(few, np.random.default_rng(0))
    assert np.bincount(part.y).tolist() == [8, 2]
    rows = {tuple(x): y for x, y in zip(few.X, few.y, strict=True)}
    assert all(rows[tuple(x)] == y for x, y in zip(part.X, part.y, strict=True))


# Bad input


@pytest.mark.parametrize("others", [-0.1, 1.5, np.nan])
def test_wrong_fractions_of_the_others_are_refused(others):
    (data,) = draws(1, points=5, radius=0.15, seed=0)
    with pytest.raises(ValueError, match="others must be a number from 0 to 1"):
        start(data, FRACTIONS, others=others)


@pytest.mark.parametrize("fractions", [[0.01, 0.5], [0.5, 0.99]])
def test_fractions_that_truncate_no_point_or_all_are_refused(fractions):
    (data,) = draws(1, points=5, radius=0.15, seed=0)
    with pytest.raises(ValueError, match="of 5 points does not"):
        start(data, fractions)


def test_parts_of_few_points_differ_too():
    (data,) = draws(1, points=4, radius=0.15, seed=3)
    parts = [part_of(data, np.random.default_rng(s)) for s in range(20)]
    assert {len(part.X) for part in parts} == {9}
    assert len({part.X.tobytes() for part in parts}) > 10
