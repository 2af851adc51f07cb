"""Each part of the bound of a product is needed, and each part of the proofs that use it."""

from fractions import Fraction

import numpy as np
import pytest

from constructions.critical import balls
from constructions.critical.balls import (
    Balls,
    has_full_column_rank,
    off_product,
    smallest_eigenvalue,
)
from constructions.critical.newton import _never_contracts


def test_an_inner_dimension_counts_not_the_number_of_rows():
    # 2^53 swallows every 1 that is added to it alone
    A, B = np.ones((1, 6000)), np.ones((6000, 1))
    B[0] = 2.0**53
    product = A @ B
    assert 2**53 + 5999 - int(product[0, 0]) > 20
    assert off_product(Balls(A), Balls(B), product, np.ones(1))[0] >= 2**53 + 5999 - product[0, 0]


@pytest.mark.parametrize("part", ["A", "B", "long"])
def test_sums_of_radii_are_rounded_up(part):
    n, k = (400, 1) if part == "long" else (1, 400)
    rng = np.random.default_rng(0)
    zero, some = np.zeros((n, k)), rng.random((n, k))
    A = Balls(np.zeros((1, n)), np.ones((1, n))) if part == "A" else Balls(rng.random((1, n)))
    B = Balls(some) if part == "A" else Balls(zero, some)
    x = rng.random(k)
    scale = A.rad if part == "A" else A.mid
    most = sum(
        Fraction(scale[0, i]) * sum(map(lambda s, t: Fraction(s) * Fraction(t), some[i], x))
        for i in range(n)
    )
    found = off_product(A, B, np.zeros((1, k)), x)[0]
    assert most <= Fraction(found) < most * (1 + Fraction(1, 10**11))


def test_a_radius_counts_where_others_are_zero():
    A, one = Balls(np.zeros((1, 2)), np.array([[0.5, 0.0]])), Balls(np.ones((2, 1)))
    assert 0.5 <= off_product(A, one, np.zeros((1, 1)), np.ones(1))[0] < 0.5001
    B = Balls(np.zeros((2, 1)), np.array([[0.0], [0.5]]))
    assert 0.5 <= off_product(one.T, B, np.zeros((1, 1)), np.ones(1))[0] < 0.5001
    both = Balls(np.zeros((1, 1)), np.array([[0.5]]))
    assert 0.25 <= off_product(both, both, np.zeros((1, 1)), np.ones(1))[0] < 0.2501


def test_what_underflows_in_a_product_counts_times_a_large_number():
    A, B, x = Balls(np.array([[1e-170]])), Balls(np.array([[1e-170]])), np.array([1e300])
    product = A.mid @ B.mid
    assert product[0, 0] == 0
    assert off_product(A, B, product, x)[0] >= 1e-39


def test_what_underflows_in_a_bound_counts_times_a_large_number():
    rng = np.random.default_rng(0)
    for _ in range(50):
        A, B = rng.uniform(1, 2, (1, 3)) * 1e300, rng.uniform(1, 2, (3, 1)) * 1e-315
        exact = sum(Fraction(a) * Fraction(b) for a, b in zip(A[0], B[:, 0], strict=True))
        product = A @ B
        found = off_product(Balls(A), Balls(B), product, np.ones(1))[0]
        assert Fraction(found) >= abs(exact - Fraction(product[0, 0]))


def test_a_product_that_overflows_in_one_entry_is_off_by_any_amount():
    A, B = Balls(np.array([[1e200], [1.0]])), Balls(np.array([[1e110, 1.0]]))
    with np.errstate(over="ignore"):
        product = A.mid @ B.mid
    found = off_product(A, B, product, np.ones(2))
    assert found[0] == np.inf and found[1] < 1e96


# What is proved with it


@pytest.mark.parametrize("wide", [0, 1])
def test_the_widest_row_decides_on_a_rank(wide):
    radius = np.zeros((2, 2))
    radius[wide, wide] = 1.5
    assert not has_full_column_rank(Balls(np.eye(2), radius))
    radius[wide, wide] = 0.5
    assert not has_full_column_rank(Balls(np.diag(radius.diagonal())))
    assert has_full_column_rank(Balls(np.eye(2), radius))


def test_what_is_no_inverse_proves_no_rank(monkeypatch):
    monkeypatch.setattr(np.linalg, "solve", lambda R, Q: np.zeros((2, 2)))
    assert not has_full_column_rank(Balls(np.array([[1.0, 2.0], [2.0, 4.0]])))
    assert not has_full_column_rank(Balls(np.eye(2)))


def test_an_inverse_is_one_by_sums_over_rows(monkeypatch):
    # as that of what is not known is
    far = np.array([[0.5, 0.625], [0.25, 0.25]])
    monkeypatch.setattr(np.linalg, "solve", lambda R, Q: np.eye(2) - far)
    assert not has_full_column_rank(Balls(np.eye(2)))
    monkeypatch.setattr(np.linalg, "solve", lambda R, Q: np.eye(2) - far.T)
    assert has_full_column_rank(Balls(np.eye(2)))


@pytest.mark.parametrize("seed", range(4))
def test_a_product_is_asked_for_contractions_as_its_factors_are(seed):
    rng = np.random.default_rng(seed)
    rest, left, right = (rng.random((3, 3)) for _ in range(3))
    rest, left = 0.1 * rest, left / np.abs(np.linalg.eigvals(left @ right)).max()
    for share, never in ((0.2, False), (1.2, True)):
        assert _never_contracts(rest, np.ones(3), share * left, right) is never
        assert _never_contracts(rest + share * left @ right, np.ones(3)) is never
    assert not _never_contracts(rest, np.ones(3))


@pytest.mark.parametrize("off", [(0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 1.0)])
def test_what_any_product_is_off_counts_in_an_eigenvalue(off, monkeypatch):
    assert smallest_eigenvalue(Balls(np.eye(2))) > 0.999
    left = list(off)
    monkeypatch.setattr(balls, "off_product", lambda A, B, product, x: np.full(2, left.pop(0)))
    assert 0.499 < smallest_eigenvalue(Balls(np.eye(2))) <= 0.5
