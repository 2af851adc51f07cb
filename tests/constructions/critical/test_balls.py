"""Arrays of balls hold what exact arithmetic gives, whatever the numbers are."""

from fractions import Fraction

import naive
import numpy as np
import pytest
from flint import arb, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from constructions.critical.balls import (
    Balls,
    as_balls,
    has_full_column_rank,
    of_arbs,
    smallest_eigenvalue,
    stacked,
)
from constructions.proof.exact import rational_matrix

NUMBERS = st.one_of(
    st.floats(-1e3, 1e3),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e-300, -1e-170, 1e150, 1.0, 1e308]),
)
RADII = st.one_of(st.just(0.0), st.floats(0, 2), st.sampled_from([5e-324, 1e-300, 1e-16, 1e200]))


def matrices(rows, columns):
    return arrays(float, (rows, columns), elements=NUMBERS)


def radii(rows, columns):
    return arrays(float, (rows, columns), elements=RADII)


def ends(balls):
    """Exact numbers of balls: least, middle and largest of each."""
    mid, rad = naive.exact(balls.mid), naive.exact(balls.rad)
    return [
        [[m + s * r for m, r in zip(*pair, strict=True)] for pair in zip(mid, rad, strict=True)]
        for s in (-1, 0, 1)
    ]


def holds(balls, exact):
    for i, row in enumerate(exact):
        for j, value in enumerate(row):
            mid, rad = balls.mid[i, j], balls.rad[i, j]
            assert np.isinf(rad) or abs(Fraction(mid) - value) <= Fraction(rad)


# Laws


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_sums_products_and_differences_hold_the_exact_ones(data):
    a = Balls(data.draw(matrices(2, 2)), data.draw(radii(2, 2)))
    b = Balls(data.draw(matrices(2, 2)), data.draw(radii(2, 2)))
    results = {"+": a + b, "-": a - b, "*": a * b}
    for x in ends(a):
        for y in ends(b):
            pairs = [list(zip(p, q, strict=True)) for p, q in zip(x, y, strict=True)]
            holds(results["+"], [[p + q for p, q in row] for row in pairs])
            holds(results["-"], [[p - q for p, q in row] for row in pairs])
            holds(results["*"], [[p * q for p, q in row] for row in pairs])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_products_of_matrices_and_sums_hold_the_exact_ones(data):
    n = data.draw(st.integers(1, 6))
    a = Balls(data.draw(matrices(2, n)), data.draw(radii(2, n)))
    b = Balls(data.draw(matrices(n, 2)), data.draw(radii(n, 2)))
    product, total = a @ b, a.sum(axis=1)
    for x in ends(a):
        holds(total.reshape(2, 1), [[sum(row)] for row in x])
        for y in ends(b):
            columns = list(zip(*y, strict=True))
            holds(product, [[naive.dot(row, c) for c in columns] for row in x])


@settings(max_examples=40, deadline=None)
@given(matrices(2, 3), radii(2, 3))
def test_ends_are_outside_of_all_numbers(mid, rad):
    balls = Balls(mid, rad)
    low, _, high = ends(balls)
    for i in range(2):
        for j in range(3):
            least, most = balls.lower[i, j], balls.upper[i, j]
            assert least == -np.inf or Fraction(least) <= low[i][j]
            assert most == np.inf or Fraction(most) >= high[i][j]
            size = balls.largest[i, j]
            assert size == np.inf or Fraction(size) >= max(abs(low[i][j]), abs(high[i][j]))


@pytest.mark.parametrize("low", [0.0, 5e-324, 0.1, 1 / 3, 1.0, -1.0, -0.7, 2.0**-1022])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_balls_between_floats_hold_both_and_little_more(low, steps):
    high = np.array([low])
    for _ in range(steps):
        high = np.nextafter(high, np.inf)
    made = Balls.between(np.array([low]), high)
    holds(made.reshape(1, 1), [[Fraction(low)]])
    holds(made.reshape(1, 1), [[Fraction(float(high[0]))]])
    assert made.rad[0] <= 1.01 * (high[0] - low) + 2e-323


def test_a_ball_is_not_zero_if_none_of_its_numbers_is():
    mid = np.array([1.0, -1.0, 1.0, -1.0, 0.0, 1.0, -1.0, 0.5, -0.5, 0.0])
    rad = np.array([0.9, 0.9, 1.0, 1.0, 0.0, np.inf, 1.1, 0.0, 0.0, 1.0])
    assert np.flatnonzero(Balls(mid, rad).nonzero).tolist() == [0, 1, 7, 8]


def test_what_overflows_is_not_known():
    big = Balls(np.full((2, 2), 1e308))
    for result in (big + big, big * big, big @ big, big.sum(axis=0)):
        assert np.isinf(result.rad).all() and np.isfinite(result.mid).all()
    later = (big @ big) @ np.eye(2)
    assert np.isinf(later.rad).all()


def test_products_hold_where_an_error_of_a_subnormal_number_meets_a_large_one():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = rng.uniform(1, 2, (1, 3)) * 1e150, rng.uniform(1, 2, (3, 1)) * 1e-309
        exact = naive.dot(naive.exact(a)[0], [row[0] for row in naive.exact(b)])
        holds(Balls(a) @ Balls(b), [[exact]])
        holds(Balls(b.T) @ Balls(a.T), [[exact]])


def test_sums_of_many_numbers_hold_what_is_lost_beside_a_large_one():
    # 2^53 swallows every 1 that is added to it alone
    a, b = np.ones((1, 6000)), np.ones((6000, 1))
    b[0] = 2.0**53
    exact = Fraction(2**53 + 5999)
    assert (Balls(a) @ Balls(b)).mid[0, 0] < exact - 20
    holds(Balls(a) @ Balls(b), [[exact]])
    holds(Balls(b.T) @ Balls(a.T), [[exact]])
    holds(Balls(np.vstack([a, a])) @ Balls(b), [[exact], [exact]])
    holds(Balls(b).sum(axis=0).reshape(1, 1), [[exact]])


def test_floats_on_either_side_are_balls_of_radius_0():
    A, x = np.array([[1.0, 2.0]]), Balls(np.array([[3.0], [4.0]]))
    assert isinstance(A @ x, Balls) and (A @ x).mid == 11
    assert isinstance(2 * x, Balls) and isinstance(1.0 - x, Balls)
    assert as_balls(x) is x
    np.testing.assert_array_equal((1.0 - x).mid, [[-2.0], [-3.0]])


@pytest.mark.parametrize("axis", [0, 1])
def test_stacking_keeps_what_the_parts_are(axis):
    A = np.ones((2, 2))
    assert isinstance(stacked([A, A], axis), np.ndarray)
    both = stacked([A, Balls(A, A)], axis)
    np.testing.assert_array_equal(both.rad, np.concatenate([0 * A, A], axis))


def test_parts_are_stacked_one_below_the_other():
    for A in (np.ones((2, 2)), Balls(np.ones((2, 2)))):
        assert stacked([A, A]).shape == (4, 2) and stacked([A, A], axis=1).shape == (2, 4)


def test_balls_of_arbs_hold_them():
    entries = [arb("0.1"), arb(1) / 3, arb("1e-400"), arb("1e400"), arb(2, 0.5)]
    found = of_arbs(entries, (5,))
    for a, mid, rad in zip(entries, found.mid.tolist(), found.rad.tolist(), strict=True):
        assert rad == np.inf or not np.isfinite(mid) or arb(mid, rad).contains(a)


# Proofs about matrices hold for what they say, and are not given for what is not so


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
@given(st.integers(0, 2**32), st.integers(2, 6), st.booleans())
def test_singular_matrices_are_never_proved_to_be_anything(seed, m, tiny):
    rng = np.random.default_rng(seed)
    B = rng.integers(-3, 4, (m, m - 1)).astype(float)
    A = B @ B.T * (2.0**-600 if tiny else 1.0)
    assert smallest_eigenvalue(Balls(A)) == -np.inf
    C = rng.integers(-3, 4, (m + 2, m - 1)) @ rng.integers(-3, 4, (m - 1, m))
    assert not has_full_column_rank(Balls(C.astype(float)))


@pytest.mark.parametrize("small", [0.0, 1e-310])
def test_a_matrix_whose_inverse_overflows_is_not_proved_to_be_regular(small):
    A = Balls(np.array([[1.0, 1.0], [0.0, small]]), np.array([[0.0, 0.0], [0.0, small]]))
    assert not has_full_column_rank(A)


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


@pytest.mark.parametrize("V", [[[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.5], [-0.25, 3.0]]])
def test_a_bound_holds_whatever_basis_is_taken(V, monkeypatch):
    monkeypatch.setattr(np.linalg, "eigh", lambda M: (np.ones(2), np.array(V)))
    for M in ([[2.0, 0.0], [0.0, 1.0]], [[3.0, 0.25], [0.25, 2.0]]):
        M = np.array(M)
        assert 0 < smallest_eigenvalue(Balls(M)) <= np.linalg.eigvalsh(M)[0]


def test_a_bound_is_that_of_the_least_matrix_in_the_balls():
    M = Balls(np.diag([4.0, 3.0]), np.array([[0.5, 0.5], [0.5, 0.25]]))
    assert 2 < smallest_eigenvalue(M) <= np.linalg.eigvalsh([[3.5, 0.5], [0.5, 2.75]])[0]


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
