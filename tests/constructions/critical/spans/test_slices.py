"""What rows span is seen from their Gram matrix where that is plain, and not said elsewhere."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import planted

from constructions.critical import minimum
from constructions.critical.balls import Balls
from constructions.critical.curvature import squares
from constructions.critical.spans import slices
from constructions.critical.spans.slices import is_positive, leading_basis, plain_basis, spectrum_of
from constructions.verification.verification import verify

# Bases


def test_plain_rows_are_spanned():
    rows = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])
    found = plain_basis(rows)
    assert found.shape == (3, 2) and np.allclose(found.T @ found, np.eye(2))
    assert np.allclose(rows @ found @ found.T, rows)
    assert plain_basis(np.zeros((0, 3))) is None
    assert plain_basis(np.eye(3)[:, :2]) is None
    assert plain_basis(np.array([[np.nan, 1.0]])) is None


@pytest.mark.parametrize("lean", [0.0, 1e-12, 1e-9])
def test_rows_that_nearly_depend_on_each_other_are_not_plain(lean):
    assert plain_basis(np.array([[1.0, 0.0, 0.0], [1.0, lean, 0.0]])) is None
    assert plain_basis(np.array([[1.0, 0.0, 0.0], [0.0, lean, 0.0]])) is None
    assert plain_basis(np.array([[0.0, lean, 0.0]])) is None


def test_a_gram_matrix_has_a_rank_that_is_plain():
    rows = np.array([[3.0, 0.0, 4.0, 0.0], [0.0, 1e-3, 0.0, 0.0]])
    found = leading_basis(spectrum_of(rows.T @ rows), 2)
    assert np.allclose(rows @ found @ found.T, rows) and found.shape == (4, 2)
    assert leading_basis(spectrum_of(rows.T @ rows), 3) is None
    assert leading_basis(spectrum_of(rows.T @ rows), 0) is None
    assert leading_basis(spectrum_of(rows.T @ rows), 5) is None
    assert leading_basis(spectrum_of(np.full((2, 2), np.nan)), 1) is None
    assert leading_basis(spectrum_of(np.diag([1.0, 1e-14])), 2) is None  # may be rounding


# Positive matrices


def is_definite(A):
    """Of exact numbers: whether all pivots are positive."""
    A = [[Fraction(v) for v in row] for row in A]
    for k, row in enumerate(A):
        if not row[k] > 0:
            return False
        for other in A[k + 1 :]:
            share = other[k] / row[k]
            other[:] = [a - share * b for a, b in zip(other, row, strict=True)]
    return True


def test_what_is_positive_by_hand():
    assert is_positive(Balls(np.zeros((0, 0))))
    assert is_positive(Balls(np.diag([2.0, 3.0])))
    assert is_positive(Balls(np.array([[2.0, 1.0], [1.0, 2.0]]), np.full((2, 2), 0.4)))
    assert is_positive(Balls(np.diag([1e300, 1.0, 1e-300])))
    assert not is_positive(Balls(np.array([[2.0, 1.0], [1.0, 2.0]]), np.full((2, 2), 0.6)))
    assert not is_positive(Balls(np.array([[1.0, 1.0], [1.0, 1.0]])))
    assert not is_positive(Balls(np.array([[1.0, 2.0], [2.0, 1.0]])))
    assert not is_positive(Balls(np.diag([1.0, 0.0])))
    assert not is_positive(Balls(np.diag([1.0, -1e-300])))
    assert not is_positive(Balls(np.array([[np.nan]])))
    assert not is_positive(Balls(np.eye(2), np.full((2, 2), np.inf)))


@pytest.mark.parametrize("n", [2, 5, 40])
@pytest.mark.parametrize("least", [0.0, -1e-17, -1e-13, 1e-17])
def test_what_rounding_decides_is_not_said_to_be_positive(n, least):
    # v v^T is singular as it stands: entries are whole numbers
    v = np.arange(1.0, n + 1)
    A = np.outer(v, v)
    A[0, 0] += least
    assert not is_positive(Balls(A))
    assert is_positive(Balls(A + np.diag(v**2)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_matrix_that_is_said_to_be_positive_is(data):
    n = data.draw(st.integers(1, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    B = rng.integers(-3, 4, (n, max(1, n - data.draw(st.integers(0, 1)))))
    A = (B @ B.T).astype(float)
    A[np.diag_indices(n)] += data.draw(st.sampled_from([0.0, -1e-15, 1e-15, 1e-9, -1e-9, 1.0]))
    scale = 2.0 ** rng.integers(-300, 300, n)
    A = A * scale * scale[:, None]
    radius = data.draw(st.sampled_from([0.0, 1e-16, 1e-3, 0.3])) * np.outer(scale, scale)
    if is_positive(Balls(A, radius)):
        assert is_definite(A)
        for sign in (-1, 1):
            moved = A + sign * radius * np.where(np.eye(n, dtype=bool), -1, 1)
            assert is_definite((moved + moved.T) / 2) or (moved <= A - radius).any()


def test_less_room_for_rounding_would_be_said_of_a_matrix_that_is_not_positive():
    """Its factor is found in floating point, though the matrix is indefinite."""
    rng, seen = np.random.default_rng(0), 0
    for _ in range(300):
        B = rng.standard_normal((6, 5))
        A = B @ B.T
        A = (A + A.T) / 2
        if is_definite(A):
            continue
        try:
            np.linalg.cholesky(A)
        except np.linalg.LinAlgError:
            continue
        seen += 1
        assert not is_positive(Balls(A))
    assert seen


# The proof as a whole


@pytest.mark.parametrize("kind", ["minimum", "falls", "rises too little"])
def test_a_planted_point_is_what_it_is_in_either_way(kind, monkeypatch):
    made = (planted((2, 3, 2), 14, [(0, 0, 0), (0, 1, 1)], s, kind=kind) for s in range(200))
    for net, X, Y in [one for one in made if one is not None][:4]:
        verdicts = []
        for least in (np.inf, 0.0):
            monkeypatch.setattr(squares, "LONG", least)
            found = verify(net, X, Y)
            verdicts.append((found.verdict, found.proved, len(found.kinks)))
        assert verdicts[0] == verdicts[1]


def test_a_rank_that_is_attained_is_not_drawn_for(monkeypatch):
    monkeypatch.setattr(squares, "LONG", 0.0)
    made = (planted((2, 3, 2), 14, [(0, 0, 0), (0, 1, 1)], seed) for seed in range(200))
    found = [verify(*one) for one in made if one is not None]
    least = [one for one in found if one.critical is not None][:2]
    assert len(least) == 2 and all(one.critical["rank_error"] == 0 for one in least)

    def drawn(*given):
        raise AssertionError("a rank was drawn")

    monkeypatch.setattr(minimum, "generic_rank", drawn)
    made = (planted((2, 3, 2), 14, [(0, 0, 0), (0, 1, 1)], seed) for seed in range(200))
    again = next(one for one in made if one is not None)
    assert verify(*again).critical["rank_error"] == 0


def test_a_rank_that_a_gram_matrix_does_not_show_is_asked_of_the_rows(monkeypatch):
    monkeypatch.setattr(squares, "LONG", 0.0)
    made = (planted((2, 3, 2), 14, [(0, 0, 0), (0, 1, 1)], seed) for seed in range(200))
    net, X, Y = next(one for one in made if one is not None)
    assert verify(net, X, Y).verdict == "local minimum"
    monkeypatch.setattr(slices, "is_positive", lambda M: False)
    assert verify(net, X, Y).verdict == "local minimum"
    monkeypatch.setattr(slices, "leading_basis", lambda spectrum, rank: None)
    assert verify(net, X, Y).verdict == "local minimum"
    monkeypatch.setattr(slices, "has_full_column_rank", lambda A: False)
    assert verify(net, X, Y).verdict == "undetermined"
