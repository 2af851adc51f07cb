"""Derivatives in floats, against the same in balls."""

import numpy as np
import pytest
from settling_problems import KINDS, example

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, as_balls
from constructions.critical.entropies import block_of
from training.settling import derivatives
from training.settling.derivatives import (
    Piece,
    height_rows,
    hessian,
    jacobian,
    lagrangian,
    pulled,
    rooted,
    straight,
)
from training.settling.face import row_space
from training.settling.problem import parameters_of


def cell_of(widths, seed=0, loss="mse", decay=0.0):
    net, _, _, _, problem = example(seed, widths, loss=loss, weight_decay=decay)
    theta = parameters_of(problem, net)
    kinks = [(l, i, 0) for l in range(len(widths) - 2) for i in (0, 3)]
    return problem.cell(problem.masks(theta, kinks), kinks), theta


@pytest.mark.parametrize(("loss", "decay"), KINDS)
@pytest.mark.parametrize("long", [0, derivatives.LONG])
@pytest.mark.parametrize("widths", [(2, 3), (2, 3, 3), (2, 4, 3, 3), (3, 2, 3, 2, 3)])
def test_they_are_the_middles_of_the_balls(widths, long, loss, decay, monkeypatch):
    monkeypatch.setattr(derivatives, "LONG", long)
    cell, theta = cell_of(widths, loss=loss, decay=decay)
    mu = np.arange(1.0, len(cell.kinks) + 1)
    slope, heights, rises, found = lagrangian(cell, theta, mu)
    block, N = cell.blocks[0], len(cell.X)
    weights = block.form if loss == "mse" else block.weights
    exact = cell._replace(blocks=[block_of(loss, slice(0, N), Balls(weights), cell.widths[-1])])
    balls = calculus.run(exact, as_balls(theta), mu)
    rows = calculus.output_rows(exact, balls)
    own = jacobian(cell, found)
    np.testing.assert_allclose(own, rows.mid, atol=1e-12)
    step, pull = np.cos(np.arange(len(theta))), np.sin(np.arange(len(own)))
    ahead, back = straight(cell, found, step), pulled(cell, found, pull.reshape(N, -1))
    np.testing.assert_allclose(ahead.ravel(), rows.mid @ step, atol=1e-11)
    np.testing.assert_allclose(back, pull @ rows.mid, atol=1e-11)
    np.testing.assert_allclose(
        hessian(cell, found),
        calculus.hessian(exact, balls, rows).mid + decay * np.eye(len(theta)),
        atol=1e-11,
    )
    np.testing.assert_allclose(
        height_rows(cell, found), calculus.height_rows(exact, balls).mid, atol=1e-12
    )
    middles = np.concatenate([as_balls(part).mid for part in calculus.gradient(balls)])
    np.testing.assert_allclose(slope, middles + decay * theta, atol=1e-12)
    for stated, expected in [
        (heights, calculus.heights(exact, balls)),
        (rises, calculus.rises(exact, balls)),
    ]:
        np.testing.assert_allclose(stated, [as_balls(v).mid for v in expected], atol=1e-12)


@pytest.mark.parametrize(("loss", "decay"), KINDS)
def test_the_slope_of_the_lagrangian_is_that_of_difference_quotients(loss, decay):
    cell, theta = cell_of((2, 4, 3, 3), seed=1, loss=loss, decay=decay)
    mu, h = np.full(len(cell.kinks), 0.7), 1e-6

    def value(t):
        found = calculus.run(cell, t)
        own = calculus.loss(cell, found) + 0.5 * decay * t @ t
        return own + mu @ np.array(calculus.heights(cell, found))

    slope = lagrangian(cell, theta, mu)[0]
    for j, e in enumerate(np.eye(len(theta))):
        quotient = (value(theta + h * e) - value(theta - h * e)) / (2 * h)
        assert abs(quotient - slope[j]) <= 1e-6 * (1 + abs(slope[j]))


@pytest.mark.parametrize("gap", [0.0, 5.0, 40.0, 300.0])
def test_rows_of_a_saturated_softmax_are_right_to_their_own_size(gap):
    # the form p_k (r_k - sum p r): of two outputs, sqrt(p_k) p_j (r_k - r_j)
    outputs = np.array([[gap, 0.0]])
    block = block_of("cross_entropy", slice(0, 1), np.array([0.5]), 2)
    cell = Piece((1, 2), np.ones((1, 1)), np.array([[1.0, 0.0]]), [block], [], [])
    found = calculus.Pass([], [], [outputs])
    rows = np.array([[1.0, 2.0, 0.3], [0.7, 5.0, -4.0]])
    root = rooted(cell, found, rows)
    low, high = 1 / (1 + np.exp(gap)), 1 / (1 + np.exp(-gap))
    wanted = np.sqrt(0.5) * np.array([np.sqrt(high) * low, -np.sqrt(low) * high])
    np.testing.assert_allclose(root, np.outer(wanted, rows[0] - rows[1]), rtol=1e-13)
    assert len(row_space(root)[0].T) == 1
