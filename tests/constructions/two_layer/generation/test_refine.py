"""Turning neurons: Newton steps that end where the gradient vanishes, with kinks held."""

from itertools import pairwise

import numpy as np
import pytest

from constructions.two_layer.generation import refine
from constructions.two_layer.generation.columns import Columns
from constructions.two_layer.generation.refine import turned


def loss_of(Xt, Y, W, V, omega):
    F = np.maximum(Xt @ W.T, 0) @ V
    R = F - F.mean(axis=0) - Y
    return (R**2).sum() / len(Y) + omega * np.linalg.norm(V, axis=1).sum()


def started(N, d, m, Q, omega, seed=0):
    rng = np.random.default_rng(seed)
    Xt = np.column_stack([rng.normal(size=(N, d)), np.ones(N)])
    Y = rng.normal(size=(N, Q))
    columns = Columns(Xt, Y - Y.mean(axis=0), omega)
    W = rng.normal(size=(m, d + 1))
    columns.add(W / np.linalg.norm(W, axis=1, keepdims=True))
    return columns


@pytest.mark.parametrize("Q", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_no_turn_by_hand_lowers_the_loss_after_many_steps(Q, seed):
    columns = started(30, 2, 12, Q, 0.02, seed)
    before = columns.loss
    for _ in range(6):
        columns.turn()
    assert columns.loss < before * (1 - 1e-3)
    rng = np.random.default_rng(1)
    for scale in (1e-2, 1e-3, 1e-4, 1e-5):
        for _ in range(200):
            W = columns.W + scale * rng.normal(size=columns.W.shape)
            W /= np.linalg.norm(W, axis=1, keepdims=True)
            V = columns.V * (1 + scale * rng.normal(size=(len(W), 1)))
            assert loss_of(columns.rows, columns.Y, W, V, 0.02) >= columns.loss * (1 - 1e-9)


def test_the_loss_is_what_it_says_and_moves_never_raise_it():
    columns = started(40, 3, 10, 2, 0.01)
    losses = [columns.loss]
    for _ in range(5):
        columns.turn()
        losses.append(columns.loss)
        assert columns.V.any(axis=1).all()
        direct = loss_of(columns.rows, columns.Y, columns.W, columns.V, 0.01)
        np.testing.assert_allclose(columns.loss, direct, rtol=1e-12)
    assert all(b <= a for a, b in pairwise(losses))
    count = len(columns.W)
    columns.shrink_to(3)
    assert len(columns.W) == 3 < count and columns.loss > losses[-1]
    direct = loss_of(columns.rows, columns.Y, columns.W, columns.V, 0.01)
    np.testing.assert_allclose(columns.loss, direct, rtol=1e-12)


def test_in_one_cell_one_step_and_the_last_layer_come_near_the_optimum():
    # all points on: the best direction for a linear function of x, with its decay
    x = np.linspace(1, 2, 9)[:, None]
    Xt, Y = np.column_stack([x, np.ones(9)]), x - x.mean()
    columns = Columns(Xt, Y, 1e-3)
    columns.add(np.array([[0.8, 0.6]]))
    columns.turn()
    # f = c + a x costs a (w = (1, 0)): the bias only makes it longer, and kinks are outside
    np.testing.assert_allclose(columns.W, [[1.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_extreme_numbers_leave_directions_of_length_one(size):
    columns = started(12, 2, 5, 1, 0.05)
    W = turned(columns.rows, columns.residual, columns.W, columns.V, 0.05)
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 1, rtol=1e-12)
    with np.errstate(all="ignore"):
        W = turned(columns.rows, columns.residual * size, columns.W, columns.V * size, 0.05)
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 1, rtol=1e-12)


def test_a_step_that_cannot_be_solved_for_is_none(monkeypatch):
    """Seen where points are of size 1e300 and targets of 1e-292."""

    def singular(*_):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(refine, "_held_step", singular)
    rng = np.random.default_rng(0)
    Xt, W, V = rng.normal(size=(6, 3)), np.eye(3)[:2], np.ones((2, 1))
    residual = rng.normal(size=(6, 1))
    np.testing.assert_array_equal(refine.turned(Xt, residual, W, V, 1e-2), W)
