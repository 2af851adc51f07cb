"""The neurons in use: what is given up is not put back."""

import numpy as np
import pytest

from constructions.two_layer.generation.columns import Columns


def columns_of(N, omega, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.normal(size=(N, 2)), np.ones(N)])
    Y = rng.normal(size=(N, 2))
    columns = Columns(rows, Y - Y.mean(axis=0), omega)
    columns.add(rng.normal(size=(30, 3)) / 2)
    return columns


@pytest.mark.parametrize("omega", [1e-150, 1e-16, 1e-3])
@pytest.mark.parametrize("is_over", [lambda: False, lambda: True])
def test_each_step_of_shrinking_leaves_fewer(omega, is_over):
    columns = columns_of(6, omega)
    counts = []
    take = columns._take

    def watched(W, *rest, **options):
        taken = take(W, *rest, **options)
        counts.append(len(columns.W))
        return taken

    columns._take = watched
    before = len(columns.W)
    assert before > 2
    columns.shrink_to(2, is_over)
    assert len(columns.W) <= 2 and (np.diff([before, *counts]) <= 0).all()
    assert len(columns.W) == len(columns.V) and columns.V.any(axis=1).all()


@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("seed", range(6))
def test_few_neurons_are_left_and_cost_no_more_than_rounding(seed, offset):
    rng = np.random.default_rng(seed)
    N, Q = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    rows = np.column_stack([rng.normal(size=(N, 2)), np.ones(N)])
    Y = rng.normal(size=(N, Q)) / max(offset, 1.0)
    columns = Columns(rows, Y - Y.mean(axis=0), 1e-150)
    columns.add(rng.normal(size=(40, 3)) / 2)
    columns.turn()
    before, sizes = columns.loss, np.abs(rows) @ np.abs(columns.W).T @ np.abs(columns.V)
    columns.reduce(np.ones(Q))
    assert len(columns.W) <= (N - 1) * Q
    assert columns.loss <= before * 1.01 + ((1e-15 * (sizes + 2)) ** 2).sum() / N


def test_a_vertex_that_costs_more_is_not_taken():
    rows, Y = np.array([[1.0, 0.0], [0.0, 1.0]]), np.eye(2)
    columns = Columns(rows, Y, 1e-3, is_free=False)
    columns.W, columns.V, columns.residual, columns.loss = np.eye(2), np.eye(2), 0 * Y, 2e-3
    columns.reduce()
    assert len(columns.W) == 2 and columns.loss == 2e-3


def test_a_loss_of_zero_is_given_up_too():
    # two neurons that fit two points exactly, for a decay that is nothing beside 1
    rows, Y = np.array([[1.0, 0.0], [0.0, 1.0]]), np.eye(2)
    columns = Columns(rows, Y, 0.0, is_free=False)
    columns.W, columns.V, columns.residual, columns.loss = np.eye(2), np.eye(2), 0 * Y, 0.0
    columns.shrink_to(1, lambda: True)
    assert len(columns.W) == 1 and columns.loss == 0.5
