"""Arrays of balls hold what exact arithmetic gives, whatever the numbers are."""

from fractions import Fraction

import naive
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from constructions.critical.balls import Balls, as_balls, of_arbs, stacked

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


def test_balls_of_arbs_hold_them():
    entries = [arb("0.1"), arb(1) / 3, arb("1e-400"), arb("1e400"), arb(2, 0.5)]
    found = of_arbs(entries, (5,))
    for a, mid, rad in zip(entries, found.mid.tolist(), found.rad.tolist(), strict=True):
        assert rad == np.inf or not np.isfinite(mid) or arb(mid, rad).contains(a)
