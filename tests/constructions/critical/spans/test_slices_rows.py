"""Bases of rows that are not plain, and ranks by Gram matrices, each by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb_mat

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from constructions.critical.curvature import squares
from constructions.critical.spans import slices
from constructions.critical.spans.slices import (
    extended,
    gram_of,
    has_rank,
    is_positive,
    leading_basis,
    outputs_in_loss,
    plain_basis,
    row_space,
    spectrum_of,
)


def spans(found, rows, rank):
    """Whether columns are orthonormal, so many, and span rows."""
    rows = np.asarray(rows) / np.linalg.norm(rows, axis=1, keepdims=True)
    return (
        found.shape == (rows.shape[1], rank)
        and np.allclose(found.T @ found, np.eye(rank), atol=1e-12)
        and np.allclose(rows @ found @ found.T, rows, rtol=0, atol=1e-12)
    )


# Bases


def test_a_row_is_plain_if_it_is_longer_than_1e_8():
    assert plain_basis(np.array([[0.0, 1.5e-8, 0.0]])) is not None
    assert plain_basis(np.array([[0.0, 0.7e-8, 0.0]])) is None
    assert plain_basis(np.eye(3)).shape == (3, 3)
    assert plain_basis(np.array([[1.0, np.nan]])) is None
    assert plain_basis(np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])) is None


def test_rows_are_plain_by_the_inverse_of_their_triangle():
    # the sums over the columns of the inverse are 1 and 2e4, and then 1 and 2 / 1.5e-8
    assert plain_basis(np.array([[1.0, 0.0, 0.0], [0.0, 5e-5, 0.0]])) is not None
    assert plain_basis(np.array([[1.0, 0.0, 0.0], [1.0, 1.5e-8, 0.0]])) is None
    assert plain_basis(np.array([[1.0, 0.0, 0.0], [1.0, 2.5e-8, 0.0]])) is not None


def test_a_row_space_has_the_rank_that_is_asked():
    rows = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 2.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0]])
    assert spans(row_space(rows, 2), rows, 2)
    assert spans(row_space(rows[:2], 2), rows[:2], 2)
    assert spans(row_space(rows[[0, 0]], 1), rows[:1], 1)
    assert row_space(rows, 3) is None and row_space(rows, 4) is None
    assert row_space(rows[:2], 3) is None
    assert row_space(rows, 0).shape == (4, 0)
    assert row_space(np.eye(3), 2).shape == (3, 2)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_a_row_space_does_not_depend_on_the_length_of_rows(scale):
    rows = np.array([[3.0, 4.0, 0.0], [0.0, scale, 0.0], [3.0, 5.0, 0.0], [0.0, 0.0, 0.0]])
    assert np.allclose(row_space(rows, 2)[2], 0)
    assert spans(row_space(rows[:2], 2), np.eye(3)[:2], 2)


@pytest.mark.parametrize(("lean", "is_seen"), [(1.5e-11, True), (0.7e-11, False)])
def test_a_row_space_is_that_of_singular_values_above_1e_11(lean, is_seen):
    # singular values 3^(1/2) and (2/3)^(1/2) times the second number
    rows = np.array([[1.0, 0, 0], [1.0, lean * 3 / np.sqrt(2), 0], [1.0, 0, 0]])
    found = row_space(rows, 2)
    assert (found is not None) is is_seen
    assert found is None or np.allclose(found[2], 0)
    assert spans(row_space(np.array([[1.0, 0, 0], [1.0, 1e-9, 0]]), 2), np.eye(3)[:2], 2)


def test_columns_are_extended_by_what_is_new_in_rows():
    columns, rows = np.array([[0.6], [0.8], [0.0], [0.0]]), np.array([[3.0, 4.0, 5.0, 0.0]])
    found = extended(columns, rows)
    assert np.array_equal(found[:, :1], columns) and spans(found, [*rows, columns[:, 0]], 2)
    assert extended(columns, rows[:0]) is columns
    assert extended(columns, np.array([[6.0, 8.0, 0.0, 0.0]])) is None
    assert extended(columns, np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]])) is None
    assert extended(columns, np.zeros((1, 4))) is None
    far = extended(columns, np.array([[0.0, 0.0, 1e-150, 0.0], [0.0, 0.0, 1e150, 1e150]]))
    assert spans(far, [[0.6, 0.8, 0, 0], [0.0, 0, 1, 0], [0.0, 0, 0, 1]], 3)


@pytest.mark.parametrize(("lean", "is_seen"), [(1.5e-11, True), (0.7e-11, False)])
def test_columns_are_extended_by_what_is_above_1e_11(lean, is_seen):
    columns = np.eye(4)[:, :1]
    for more in ([], [[0.0, 1.0, 0.0, 0.0]]):
        rows = np.array([*more, [1.0, 0.0, lean, 0.0]])
        found = extended(columns, rows)
        assert (found is not None) is is_seen
        assert found is None or spans(found, [np.eye(4)[0], np.eye(4)[2], *more], 2 + len(more))


def test_more_rows_than_there_are_parameters_are_dependent():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert extended(np.zeros((2, 0)), rows) is None


def test_a_rank_is_plain_from_1e_12_of_the_largest_eigenvalue_on():
    assert leading_basis(spectrum_of(np.diag([2.0, 3e-12])), 2) is not None
    assert leading_basis(spectrum_of(np.diag([2.0, 1.6e-12])), 2) is None
    assert spans(leading_basis(spectrum_of(np.diag([1.0, 3.0, 0.5])), 1), [[0.0, 1.0, 0.0]], 1)
    assert spans(leading_basis(spectrum_of(np.array([[2.0, 1.0], [1.0, 2.0]])), 1), [[1.0, 1.0]], 1)
    assert leading_basis(spectrum_of(np.eye(2)), 0) is None
    assert leading_basis(spectrum_of(np.array([[1.0, np.nan], [np.nan, 1.0]])), 1) is None


# Positive matrices


def test_a_matrix_may_have_any_positive_diagonal():
    assert is_positive(Balls(np.array([[0.25]])))
    assert is_positive(Balls(np.diag([0.5, 1e-5, 1e5])))
    assert not is_positive(Balls(np.array([[-1.0]])))
    assert not is_positive(Balls(np.array([[1.0, np.nan], [np.nan, 1.0]])))
    assert not is_positive(Balls(np.eye(2), np.array([[0.0, 0.0], [0.0, np.inf]])))


@pytest.mark.parametrize("row", [0, 1, 2])
def test_the_widest_row_of_radii_counts(row):
    radius = np.zeros((3, 3))
    radius[row, row] = 1.25
    assert not is_positive(Balls(np.eye(3), radius))


# Ranks


def problem_of(within, *, d=2, blocks=True):
    rng = np.random.default_rng(3)
    form = [
        Block(slice(0, 20), Balls(rng.uniform(1, 2, 20)), Balls(np.outer([1.0, 2.0], [1.0, 2.0])))
    ]
    X, Y = Balls(rng.standard_normal((20, d))), Balls(rng.standard_normal((20, 2)))
    cell = Cell((d, 3, 2), X, Y, form if blocks else [], [np.ones((20, 3))], [])
    problem = SimpleNamespace(balls=cell, within=within)
    return problem, calculus.run(cell, Balls(rng.standard_normal(3 * d + 11)))


ONE = arb_mat([[1], [2]])
HEIGHTS = Balls(np.vstack([np.arange(17.0), 3.0 * (np.arange(17) % 3)]))


def test_outputs_in_the_loss_are_those_in_its_directions():
    both = arb_mat([[1, 0], [0, 1]])
    problem, found = problem_of([(slice(0, 2), both), (slice(4, 7), ONE)], d=1)
    J = calculus.output_rows(problem.balls, found)
    rows = J.mid.reshape(20, 2, 14)
    expected = np.vstack([rows[:2].reshape(4, 14), rows[4:7, 0] + 2 * rows[4:7, 1]])
    for given in (None, J):
        got = outputs_in_loss(problem, found, given)
        np.testing.assert_allclose(got.mid, expected, rtol=0, atol=1e-13)
    problem.within = []
    assert outputs_in_loss(problem, found).shape == (0, 14)


def test_a_gram_matrix_is_taken_of_many_rows(monkeypatch):
    problem, found = problem_of([(slice(3, 20), ONE)])  # 17 rows, as many as parameters
    assert gram_of(problem, found, HEIGHTS) is None
    monkeypatch.setattr(squares, "LONG", 0.0)
    assert gram_of(problem, found, HEIGHTS).shape == (17, 17)
    problem.within = [(slice(3, 19), ONE)]
    assert gram_of(problem, found, HEIGHTS) is None
    problem.within = [(slice(3, 11), arb_mat(2, 2)), (slice(11, 12), ONE)]
    assert gram_of(problem, found, HEIGHTS) is not None


@pytest.mark.parametrize("blocks", [True, False])
def test_both_parts_of_a_gram_matrix_have_size_1(blocks, monkeypatch):
    monkeypatch.setattr(squares, "LONG", 0.0)
    problem, found = problem_of([(slice(0, 20), ONE)], blocks=blocks)
    bent = calculus.curvature(problem.balls, found).mid
    Z = Balls(np.vstack([HEIGHTS.mid, np.zeros(17)]))
    unit = HEIGHTS.mid / np.linalg.norm(HEIGHTS.mid, axis=1, keepdims=True)
    expected = unit.T @ unit + (bent / np.abs(bent).max() if blocks else 0)
    np.testing.assert_allclose(gram_of(problem, found, Z).mid, expected, rtol=0, atol=1e-13)


def test_a_rank_is_seen_from_a_gram_matrix_or_else_from_the_rows(monkeypatch):
    problem, found = problem_of([(slice(0, 20), ONE)])
    rows = np.vstack([outputs_in_loss(problem, found).mid, HEIGHTS.mid])
    _, s, Vt = np.linalg.svd(rows)
    rank = int((s > 1e-10 * s[0]).sum())
    assert 0 < rank < 17
    full, wide = Vt[:rank].T, Vt[: rank + 1].T
    assert has_rank(problem, full, found, HEIGHTS)
    assert not has_rank(problem, wide, found, HEIGHTS)
    monkeypatch.setattr(squares, "LONG", 0.0)
    assert not has_rank(problem, wide, found, HEIGHTS)
    with monkeypatch.context() as patched:
        patched.setattr(slices, "is_positive", lambda M: False)
        assert has_rank(problem, full, found, HEIGHTS)
    monkeypatch.setattr(slices, "has_full_column_rank", lambda A: False)
    assert has_rank(problem, full, found, HEIGHTS)
