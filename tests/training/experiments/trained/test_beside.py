"""Constructed beside trained: numbers of networks that are known."""

import numpy as np
import pytest

from geomcore import ReLUNetwork
from training.experiments.trained.beside import (
    accuracy,
    comparison_row,
    constructed,
    examined,
    is_examined,
    noise_rows,
)
from training.experiments.trained.ladder import random_start


def test_accuracy_counts_the_largest_output():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [np.zeros(2)] * 2)
    X = np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 1.0], [1.0, 0.0]])
    assert accuracy(net, X, np.array([4, 7, 7, 4]), (4, 7)) == 0.75
    assert np.isnan(accuracy(net, X[:0], np.zeros(0), (4, 7)))


def test_loss_margin_and_condition_are_those_of_the_network(tiny):
    # One hidden layer that scales the first pixel by 3: condition 3, outputs as given.
    d, Q = tiny.X.shape[1], 3
    W = np.eye(d)
    W[0, 0] = 3
    V = np.zeros((Q, d))
    b = np.full(d, 0.5)
    b[-1] = -0.25  # of the last pixel, which is dark
    net = ReLUNetwork([W, V], [b, np.array([1.0, 0, 0])])
    row = comparison_row(net, tiny, loss="mse")
    assert row["condition"] == pytest.approx(3)
    # Answers are (1, 0, 0) for all: right for a third, 2 off in square for the others.
    assert row["loss"] == pytest.approx(4 / 3) and row["accuracy"] == pytest.approx(1 / 3)
    size = np.sqrt(d - 1 + 9 + (d - 1) / 4 + 1 / 16)
    assert row["margin"] == pytest.approx(0.25 / size)
    entropy = comparison_row(net, tiny, loss="cross_entropy")["loss"]
    e = np.e
    assert entropy == pytest.approx((np.log(e + 2) - 1 + 2 * np.log(e + 2)) / 3)


def test_the_constructed_network_is_a_proved_minimum_with_a_basin(tiny):
    net, refusal = constructed(tiny.X, tiny.y)
    assert not refusal and net.widths == (24, 24, 24, 24, 3)
    found = examined(net, tiny.X, tiny.y)
    assert found["verdict"] == "global minimum" and found["proved"]
    assert 0 < found["basin"] < found["cell_radius"]


def test_what_is_not_separable_is_refused_in_words():
    net, refusal = constructed(np.array([[0.0], [2.0], [1.0], [3.0]]), np.array([0, 0, 1, 1]))
    assert net is None and "does not apply" in refusal


def test_what_is_too_large_is_not_examined():
    rng = np.random.default_rng(0)
    assert is_examined(random_start(64, 3, rng)) and not is_examined(random_start(64, 9, rng))
    assert not is_examined(random_start(144, 2, rng))


def test_noise_is_the_same_for_all_networks_and_none_is_none(tiny):
    net, _ = constructed(tiny.X, tiny.y)
    rows = noise_rows(net, tiny, seed=0, noises=(0.0, 0.01, 50.0), draws=20)
    assert [row["noise"] for row in rows] == [0, 0.01, 50]
    assert rows[0]["accuracy"] == accuracy(net, tiny.held_X, tiny.held_y, tiny.chosen)
    assert rows[1]["accuracy"] >= rows[2]["accuracy"]
    assert rows == noise_rows(net, tiny, seed=0, noises=(0.0, 0.01, 50.0), draws=20)
    # What only looks at its bias is right on a third, whatever the noise.
    flat = ReLUNetwork([np.zeros((3, 24))], [[1.0, 0, 0]])
    assert [r["accuracy"] for r in noise_rows(flat, tiny, seed=0)] == pytest.approx([1 / 3] * 7)
