"""Guesses at which units sit on their kink."""

import numpy as np

from constructions.critical.kinks import candidates
from geomcore import ReLUNetwork


def test_the_first_guess_is_cut_at_the_largest_step():
    X = np.zeros((1, 1))
    net = ReLUNetwork([[[1.0], [1.0], [1.0]], [[1.0, 1.0, 1.0]]], [[1e-16, 1e-15, 0.5], [0.0]])
    assert sorted(candidates(net, X)[0]) == [(0, 0, 0), (0, 0, 1)]


def test_far_from_all_kinks_there_is_one_guess_without_any():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.5], [0.0]])
    assert candidates(net, np.ones((3, 1)))[0] == []


def test_units_of_zeros_and_networks_without_hidden_layers_are_no_error():
    assert candidates(ReLUNetwork([[[1.0]]], [[0.0]]), np.ones((2, 1))) == []
    found = candidates(ReLUNetwork([[[0.0]], [[1.0]]], [[0.0], [0.0]]), np.ones((2, 1)))
    assert all(pairs == [] for pairs in found)


def test_a_kink_at_many_dead_points_is_one():
    # the first layer is dead at x < 0, and the second one then on its kink
    X = np.r_[-np.arange(1.0, 101.0), np.arange(1.0, 31.0)][:, None]
    net = ReLUNetwork([[[1.0]], [[1.0]], [[1.0]]], [[0.0], [0.0], [0.0]])
    assert set(candidates(net, X)[0]) == {(1, i, 0) for i in range(100)}


def test_as_many_kinks_as_there_are_are_guessed_together():
    # a hundred different distances that are rounding, and then a step
    X = np.r_[np.arange(1, 101) * 9e-17, np.arange(1, 101) / 10][:, None]
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    assert candidates(net, X)[0] == [(0, i, 0) for i in range(100)]
