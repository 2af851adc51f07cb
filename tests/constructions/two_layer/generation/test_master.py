"""The master problem, against cvxpy and by its conditions of optimality."""

import cvxpy as cp
import numpy as np
import pytest

from constructions.two_layer.generation.master import group_lasso


def objective(A, Y, omega, V):
    return ((A @ V - Y) ** 2).sum() / len(A) + omega * np.linalg.norm(V, axis=1).sum()


def by_cvxpy(A, Y, omega):
    V = cp.Variable((A.shape[1], Y.shape[1]))
    error = cp.sum_squares(A @ V - Y) / len(A)
    problem = cp.Problem(cp.Minimize(error + omega * cp.sum(cp.norm(V, axis=1))))
    problem.solve(solver="CLARABEL")
    assert problem.status == "optimal"
    return problem.value


@pytest.mark.parametrize(
    ("N", "m", "Q"), [(1, 1, 1), (12, 5, 1), (8, 20, 1), (30, 9, 3), (5, 30, 2)]
)
@pytest.mark.parametrize("omega", [1e-3, 0.1, 1.0])
@pytest.mark.parametrize("warm", [False, True])
def test_it_is_the_optimum_of_cvxpy(N, m, Q, omega, warm):
    rng = np.random.default_rng(N + m)
    A, Y = rng.normal(size=(N, m)), rng.normal(size=(N, Q))
    A[:, -1] = A[:, 0]  # two neurons that put out the same
    start = rng.normal(size=(m, Q)) if warm else None
    V = group_lasso(A, Y, omega, start)
    best = by_cvxpy(A, Y, omega)
    assert objective(A, Y, omega, V) <= best + 1e-8 * max(1, best)
    slope = 2 / N * A.T @ (A @ V - Y)
    assert np.linalg.norm(slope, axis=1).max() <= omega * (1 + 1e-4)
    used = V.any(axis=1)
    unit = V[used] / np.linalg.norm(V[used], axis=1, keepdims=True)
    np.testing.assert_allclose(slope[used], -omega * unit, atol=1e-4 * omega)


def test_one_column_by_hand():
    # 1/2 ((v - 1)^2 + (v + 1)^2 of the other sign) + omega |v|: shrunk by omega / 2
    A, Y = np.array([[1.0], [-1.0]]), np.array([[1.0], [-1.0]])
    np.testing.assert_allclose(group_lasso(A, Y, 0.5), [[0.75]], atol=1e-12)
    assert group_lasso(A, Y, 2.0) == 0 and group_lasso(A, Y, 2.0, np.array([[0.5]])) == 0


# more than the objective tells: it is flat but for rounding where its slope is 1e-8
@pytest.mark.parametrize(("omega", "rtol"), [(1e-4, 1e-8), (1e-7, 1e-5)])
@pytest.mark.parametrize("seed", [0, 3, 10, 16])
def test_columns_of_very_different_sizes(omega, rtol, seed):
    rng = np.random.default_rng(seed)
    A, Y = rng.normal(size=(12, 6)), rng.normal(size=(12, 2))
    size = 10.0 ** np.arange(-3, 3)
    V = group_lasso(A * size, Y, omega)
    used = V.any(axis=1)
    assert used[-1] and (np.abs(V) * size[:, None])[used].max() > 1e-3
    slope = 2 / 12 * (A * size).T @ ((A * size) @ V - Y)
    unit = V[used] / np.linalg.norm(V[used], axis=1, keepdims=True)
    np.testing.assert_allclose(slope[used], -omega * unit, atol=rtol * omega)
    assert np.linalg.norm(slope[~used], axis=1).max(initial=0.0) <= omega * (1 + rtol)


def test_more_columns_than_points_and_hardly_any_decay_end_at_a_vertex():
    rng = np.random.default_rng(0)
    A, Y = rng.normal(size=(4, 40)), rng.normal(size=(4, 1))
    V = group_lasso(A, Y, 1e-9)
    slope = 2 / 4 * A.T @ (A @ V - Y)
    assert 0 < np.count_nonzero(V) <= 4
    assert np.abs(slope).max() <= 1e-9 * (1 + 1e-4)


def test_no_columns_and_columns_of_zeros():
    Y = np.array([[1.0, 2.0], [0.0, 1.0]])
    assert group_lasso(np.zeros((2, 0)), Y, 0.1).shape == (0, 2)
    assert not group_lasso(np.zeros((2, 3)), Y, 0.1).any()
