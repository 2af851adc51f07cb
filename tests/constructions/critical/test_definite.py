"""Proofs about matrices hold for what they say, and are not given for what is not so."""

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.critical.balls import Balls, as_balls
from constructions.critical.definite import has_full_column_rank, smallest_eigenvalue
from constructions.proof.exact import rational_matrix


def spread(rng, m, decades):
    """A symmetric matrix with eigenvalues over so many decades, and these."""
    Q, _ = np.linalg.qr(rng.standard_normal((m, m)))
    values = 10.0 ** rng.uniform(-decades, 0, m)
    A = (Q * values) @ Q.T
    return (A + A.T) / 2, values


def is_positive_definite(A):
    """In rational arithmetic, by leading minors."""
    exact = rational_matrix(A)
    rows = exact.tolist()
    return all(fmpq_mat([row[:k] for row in rows[:k]]).det() > 0 for k in range(1, len(A) + 1))


# By hand


def test_eigenvalues_of_a_diagonal_matrix():
    assert 1.99 < smallest_eigenvalue(Balls(np.diag([2.0, 3.0, 5.0]))) <= 2
    assert smallest_eigenvalue(Balls(np.diag([2.0, 0.0]))) == -np.inf
    assert smallest_eigenvalue(Balls(np.diag([2.0, -1e-300]))) == -np.inf
    assert smallest_eigenvalue(Balls(np.zeros((0, 0)))) == np.inf


@pytest.mark.parametrize(("width", "proved"), [(0.01, True), (25.0, True), (32.0, False)])
def test_what_is_not_known_of_a_stiff_direction_does_not_count_in_a_soft_one(width, proved):
    # positive definite for all |w| < 31.6, the root of 1e6 times 1e-3
    M = Balls(np.diag([1e6, 1e-3]), np.array([[1.0, width], [width, 1e-5]]))
    found = smallest_eigenvalue(M)
    assert (found > 0) == proved
    assert found == -np.inf or found <= 1e-3


def test_a_radius_that_reaches_a_singular_matrix_is_no_proof():
    A = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert smallest_eigenvalue(Balls(A, np.full((2, 2), 0.1))) > 0
    assert smallest_eigenvalue(Balls(A, np.full((2, 2), 0.3))) == -np.inf
    assert smallest_eigenvalue(Balls(A, np.full((2, 2), np.inf))) == -np.inf


def test_ranks_by_hand():
    assert has_full_column_rank(Balls(np.array([[1.0], [0.0]])))
    assert has_full_column_rank(Balls(np.array([[1e-200], [0.0]])))
    assert has_full_column_rank(Balls(np.zeros((3, 0))))
    assert not has_full_column_rank(Balls(np.array([[1.0, 2.0]])))
    assert not has_full_column_rank(Balls(np.array([[0.0], [0.0]])))
    assert not has_full_column_rank(Balls(np.array([[1.0], [0.0]]), np.array([[1.0], [0.0]])))
    assert not has_full_column_rank(Balls(np.array([[np.nan]])))


@pytest.mark.parametrize("V", [[[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.5], [-0.25, 3.0]]])
def test_a_bound_holds_whatever_basis_is_taken(V, monkeypatch):
    monkeypatch.setattr(np.linalg, "eigh", lambda M: (np.ones(2), np.array(V)))
    for M in ([[2.0, 0.0], [0.0, 1.0]], [[3.0, 0.25], [0.25, 2.0]]):
        M = np.array(M)
        assert 0 < smallest_eigenvalue(Balls(M)) <= np.linalg.eigvalsh(M)[0]


def test_a_bound_is_that_of_the_least_matrix_in_the_balls():
    M = Balls(np.diag([4.0, 3.0]), np.array([[0.5, 0.5], [0.5, 0.25]]))
    assert 2 < smallest_eigenvalue(M) <= np.linalg.eigvalsh([[3.5, 0.5], [0.5, 2.75]])[0]


# Laws


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8), st.floats(0, 14))
def test_the_bound_is_below_the_smallest_eigenvalue_and_often_near(seed, m, decades):
    A, values = spread(np.random.default_rng(seed), m, decades)
    found = smallest_eigenvalue(Balls(A))
    if found > 0:
        # A is that matrix but for rounding of its entries
        assert found <= values.min() + 1e-14
        assert is_positive_definite(A)
    if decades < 8:
        assert found > 0.5 * values.min()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.floats(-3, 0))
def test_no_matrix_in_the_balls_has_a_smaller_eigenvalue_or_a_smaller_rank(seed, m, logarithm):
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((m + 2, m))
    A, R = B.T @ B, 10.0**logarithm * rng.uniform(0, 1, (m, m))
    R = R + R.T
    bound = smallest_eigenvalue(Balls((A + A.T) / 2, R))
    full = has_full_column_rank(Balls(B, np.full(B.shape, R[0, 0])))
    for _ in range(20):
        signs = rng.choice([-1.0, 1.0], (m, m))
        corner = (A + A.T) / 2 + R * np.triu(signs) + (R * np.triu(signs, 1)).T
        if bound > 0:
            assert bound <= np.linalg.eigvalsh(np.triu(corner) + np.triu(corner, 1).T)[0]
        if full:
            other = B + R[0, 0] * rng.choice([-1.0, 1.0], B.shape)
            assert np.linalg.svd(other, compute_uv=False)[-1] > 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 6), st.booleans())
def test_singular_matrices_are_never_proved_to_be_anything(seed, m, tiny):
    rng = np.random.default_rng(seed)
    B = rng.integers(-3, 4, (m, m - 1)).astype(float)
    A = B @ B.T * (2.0**-600 if tiny else 1.0)
    assert smallest_eigenvalue(Balls(A)) == -np.inf
    C = rng.integers(-3, 4, (m + 2, m - 1)) @ rng.integers(-3, 4, (m - 1, m))
    assert not has_full_column_rank(Balls(C.astype(float)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.floats(-16, 0))
def test_nearly_dependent_columns_are_proved_only_where_they_are_independent(seed, m, logarithm):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m + 3, m))
    if m > 1:
        A[:, -1] = A[:, 0] + 10.0**logarithm * A[:, -1]
    found = has_full_column_rank(Balls(A))
    if found:
        assert rational_matrix(A).rank() == m
        assert np.linalg.svd(A, compute_uv=False)[-1] > 0
    if logarithm > -8:
        assert found


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-300, 2.0**300])
def test_scaled_columns_have_the_same_rank(scale):
    A = np.array([[1.0, 1.0], [1.0, 2.0], [0.0, 1.0]]) * [1.0, scale]
    assert has_full_column_rank(Balls(A))
    assert not has_full_column_rank(as_balls(np.array([[1.0, 2.0], [2.0, 4.0]]) * [1.0, scale]))
