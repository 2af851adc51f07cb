"""The dual function over the sphere."""

import numpy as np
import pytest

from constructions import best_two_layer
from geomcore import ReLUNetwork
from training.experiments.optimum.dual import Dual, circle, dual_of, neurons_of, sphere


def test_values_by_hand():
    dual = Dual(0.5, np.array([[1.0], [-1.0]]), np.zeros((0, 2)))
    # one neuron is on at both points, with heights 1 and 2, the other at the second with 1
    X = np.array([[0.0], [1.0]])
    assert dual.values(X, np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])).tolist() == [2, 2, 0]


@pytest.mark.parametrize("d", [1, 2])
def test_it_is_nowhere_above_one_and_one_at_the_neurons(d):
    rng = np.random.default_rng(d)
    X = rng.normal(size=(15, d))
    Y = np.sin(3 * X[:, :1])
    best = best_two_layer(X, Y, weight_decay=0.01, gap=1e-6)
    dual = dual_of(best, X, Y)
    directions = circle()[-1] if d == 1 else sphere()[-1]
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=1e-12)
    values = dual.values(X, directions)
    assert 0.9 < values.max() <= 1 + 1e-12
    assert len(dual.neurons) == best.neurons > 0
    at = dual.values(X, dual.neurons)
    assert at.min() > 0.99 and at.max() <= 1 + 1e-12


def test_values_do_not_depend_on_how_many_are_computed_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    X, dual = rng.normal(size=(7, 2)), Dual(1.0, rng.normal(size=(7, 2)), np.zeros((0, 3)))
    directions = rng.normal(size=(50, 3))
    whole = dual.values(X, directions)
    monkeypatch.setattr("training.experiments.optimum.dual.AT_ONCE", 20)
    np.testing.assert_allclose(dual.values(X, directions), whole, rtol=1e-13)


def test_neurons_that_put_out_nothing_are_left_out():
    net = ReLUNetwork(
        [[[3.0, 0.0], [0.0, 0.0], [1.0, 1.0]], [[1.0, 1.0, 0.0]]], [[4.0, 0.0, 0.0], [0.0]]
    )
    np.testing.assert_allclose(neurons_of(net), [[0.6, 0.0, 0.8]])
