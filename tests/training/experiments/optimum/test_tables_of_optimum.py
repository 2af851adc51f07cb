"""Tables and sentences of `geomcore optimum`."""

from fractions import Fraction

import numpy as np
import pytest

from constructions import regularisation_path, two_layer_bound
from geomcore import ReLUNetwork
from training.experiments.optimum import tables
from training.experiments.optimum.random_starts import Ends

X = np.array([[0.0], [1.0]])


@pytest.fixture(scope="module")
def path():
    """The optima are 0.21 and 0.09, those of one unit."""
    return regularisation_path(X, X, [0.1, 0.3])


@pytest.mark.parametrize("value", [0.1, 0.05966189, 1 / 3, 12345678.9, 5e-324, 1e300, 0.0, 1.0])
@pytest.mark.parametrize("digits", [2, 6])
def test_what_is_told_is_never_on_the_wrong_side(value, digits):
    low, high = tables.below(value, digits), tables.above(value, digits)
    assert Fraction(low) <= Fraction(value) <= Fraction(high)
    assert Fraction(high) - Fraction(low) <= Fraction(value) * Fraction(10) ** (1 - digits)


def test_infinite_numbers_are_told():
    assert tables.above(np.inf) == "inf"


def test_a_path_as_rows_and_sentences(path):
    rows = tables.path_rows(path)
    assert [row["decay"] for row in rows] == ["0.3", "0.1"]
    assert [row["end"] for row in rows] == ["gap", "gap"]
    assert float(rows[0]["at least"]) <= 0.21 <= float(rows[0]["loss at most"])
    frame = tables.path_frame(path)
    assert frame["weight_decay"].tolist() == [0.3, 0.1]
    assert frame["reason"].tolist() == ["gap", "gap"]
    assert "no two-layer network of any width" in tables.path_sentences(path)[0]


def test_trained_networks_are_counted_beside_the_optimum_of_their_decay(path):
    losses = np.array([0.0900001, 0.18, 0.0900002, np.inf])
    found = [Ends(0.1, 7, [None] * 4, losses)]
    (row,) = tables.width_rows(found, path)
    assert (row["width"], row["runs"], row["near"]) == ("7", "4", "2")
    assert row["largest gap"] == "1" and float(row["median gap"]) == pytest.approx(0.25, rel=0.01)
    rows = tables.run_rows(found, path)
    assert [one["near"] for one in rows] == [True, False, True, False]
    assert rows[1]["gap"] == pytest.approx(0.5, rel=1e-3)
    assert "of 4 trained networks 2 have a loss" in tables.width_sentences(found, path)[0]


def test_a_network_is_judged_by_the_better_bound(path):
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    decays = path.weight_decays
    bounds = [two_layer_bound(net, X, X, weight_decay=decay) for decay in decays]
    rows = tables.judged_rows(bounds, path)
    for row, bound, best in zip(rows, bounds, path.optima, strict=True):
        assert float(row["best bound"]) >= float(row["own bound"])
        least = max(bound.lower_bound, best.lower_bound)
        assert float(row["gap"]) >= 1 - least / bound.loss
    told = tables.judged_sentences(bounds, path, "it.npz")
    # the loss is the decay itself, and the optimum that less its square
    assert "It is not the best: there is one with at most 0.21" in told[0]
    numbers = tables.judged_frame(bounds, path)
    assert [row["loss"] for row in numbers] == pytest.approx([0.3, 0.1])
    assert tables.judged_rows([], path) == tables.judged_sentences([], path, "") == []


def test_the_optimum_itself_is_not_called_worse_than_the_best(path):
    best = path.optima[0]
    bounds = [two_layer_bound(o.network, X, X, weight_decay=o.weight_decay) for o in path.optima]
    told = tables.judged_sentences(bounds, path, "it.npz")
    assert "new unit" not in told[0]
    assert tables.gap_of(bounds[0], best) <= 1e-4
