"""The best two-layer network by the convex program over all cells, for few points: an oracle.

Nothing here is taken from the package: cells by sampling directions, the program by cvxpy.
"""

import cvxpy as cp
import numpy as np


def cells(Xt, samples=40_000):
    """The distinct sets of points that a unit can be on at, (k, N) of bool; dense in few cells."""
    W = np.random.default_rng(1).normal(size=(samples, Xt.shape[1]))
    return np.unique(W @ Xt.T > 0, axis=0)


def least_loss(X, y, omega, output_bias="free"):
    """The optimal value for targets (N,): two cone-constrained vectors in each cell."""
    N, Xt = len(X), np.column_stack([X, np.ones(len(X))])
    level = 0.0 if output_bias == "none" else cp.Variable()
    outputs, penalty, constraints = level * np.ones(N), 0.0, []
    for on in cells(Xt):
        if not on.any():
            continue
        side = np.where(on, 1.0, -1.0)[:, None] * Xt
        for sign in (1, -1):
            z = cp.Variable(Xt.shape[1])
            outputs = outputs + sign * ((on[:, None] * Xt) @ z)
            penalty = penalty + cp.norm(z)
            constraints.append(side @ z >= 0)
    objective = cp.sum_squares(outputs - y) / N + omega * penalty
    if output_bias == "penalised":
        objective += omega / 2 * cp.square(level)
    problem = cp.Problem(cp.Minimize(objective), constraints)
    problem.solve(solver="CLARABEL")
    assert problem.status == "optimal"
    return problem.value


def two_points(x, y, omega):
    """The optimal value for two points (2, d) and targets (2,), by hand.

    Only the difference of the outputs matters. The unit that makes the largest difference for its
    length is on at one point only, or on at both, or along the one point that it is on at.
    """
    first, second = (np.append(p, 1.0) for p in np.asarray(x, dtype=float))
    steepest = max(_steepest(first, second), _steepest(second, first))
    up = y[1] - y[0]
    a = max(abs(up) / steepest - 2 * omega / steepest**2, 0.0)
    return (abs(up) - a * steepest) ** 2 / 4 + omega * a


def _steepest(first, second):
    """The largest relu(second . w) - relu(first . w) of a unit vector w."""
    if first @ second <= 0:
        return np.linalg.norm(second)
    if first @ (second - first) >= 0:
        return np.linalg.norm(second - first)
    return np.linalg.norm(second - first * (first @ second) / (first @ first))
