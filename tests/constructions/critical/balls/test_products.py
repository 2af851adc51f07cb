"""How far a product of balls is off its product in floating point, along a vector."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from constructions.critical.balls import Balls, off_product, row_sums

NUMBERS = st.one_of(
    st.floats(-1e3, 1e3),
    st.sampled_from([0.0, 5e-324, -5e-324, 2.0**-1022, 1e-300, -1e-170, 1e150, 1.0, 1e308]),
)
RADII = st.one_of(st.just(0.0), st.floats(0, 2), st.sampled_from([5e-324, 1e-300, 1e-16, 1e200]))


def drawn(data, rows, columns):
    mid = data.draw(arrays(float, (rows, columns), elements=NUMBERS))
    return Balls(mid, data.draw(arrays(float, (rows, columns), elements=RADII)))


def farthest(A, B, product, x):
    """Exactly, the most that |A B - product| x can be, row by row."""

    def exact(array):
        return [[Fraction(v) for v in row] for row in array.tolist()]

    a, r, b, s = exact(A.mid), exact(A.rad), exact(B.mid), exact(B.rad)
    P, n = exact(product), B.shape[0]
    found = []
    for i in range(len(a)):
        total = Fraction(0)
        for j in range(B.shape[1]):
            middle = abs(sum(a[i][k] * b[k][j] for k in range(n)) - P[i][j])
            spread = sum(
                abs(a[i][k]) * s[k][j] + r[i][k] * (abs(b[k][j]) + s[k][j]) for k in range(n)
            )
            total += (middle + spread) * Fraction(x[j])
        found.append(total)
    return found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_product_of_matrices_in_the_balls_is_farther_off(data):
    A, B = drawn(data, 2, 3), drawn(data, 3, 2)
    x = np.abs(data.draw(arrays(float, 2, elements=NUMBERS)))
    with np.errstate(all="ignore"):
        product = A.mid @ B.mid
        found = off_product(A, B, product, x)
    if np.isfinite(product).all():
        for value, most in zip(found, farthest(A, B, product, x), strict=True):
            assert np.isinf(value) or Fraction(value) >= most
    assert not np.isnan(found).any()


@pytest.mark.parametrize("n", [1, 30, 400])
def test_it_is_not_much_more_than_that(n):
    rng = np.random.default_rng(n)
    A = Balls(rng.standard_normal((3, n)), 1e-9 * rng.random((3, n)))
    B, x = Balls(rng.standard_normal((n, 2)), 1e-9 * rng.random((n, 2))), np.array([1.0, 2.0])
    product = A.mid @ B.mid
    found = off_product(A, B, product, x)
    most = farthest(A, B, product, x)
    assert all(Fraction(v) < Fraction(1001, 1000) * m for v, m in zip(found, most, strict=True))


def test_what_overflows_is_off_by_any_amount():
    A, B, x = Balls(np.full((1, 2), 1e200)), Balls(np.full((2, 1), 1e200)), np.ones(1)
    with np.errstate(over="ignore"):
        assert off_product(A, B, A.mid @ B.mid, x)[0] == np.inf
    wide = Balls(np.ones((2, 1)), np.full((2, 1), np.inf))
    assert off_product(A, wide, A.mid @ wide.mid, x)[0] == np.inf


def test_row_sums_are_rounded_up():
    product = np.array([[0.1, -0.2, 0.3], [0.0, 0.0, 0.0]])
    found = row_sums(product, np.array([1e-17, 0.0]))
    exact = sum(abs(Fraction(v)) for v in product[0].tolist()) + Fraction(1e-17)
    assert Fraction(found[0]) >= exact and found[0] < 0.6 + 1e-14
    assert 0 <= found[1] < 1e-300
