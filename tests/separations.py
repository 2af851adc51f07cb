"""Checks of answers of `separate` in exact arithmetic, for all tests that meet such answers."""

from fractions import Fraction

import naive
import numpy as np
from flint import fmpq, fmpq_mat


def check_separation(answer, A, B):
    """Check a hyperplane by exact signs, or a certificate by exact convex weights."""
    A, B = np.array(A, float), np.array(B, float)
    rows_a, rows_b = answer.support
    assert len(rows_a) and len(rows_b)
    if answer.separable:
        assert answer.certificate is None
        assert naive.exact_signs(A, answer.normal, answer.offset) == [1] * len(A)
        assert naive.exact_signs(B, answer.normal, answer.offset) == [-1] * len(B)
        normal, offset = naive.exact(answer.normal), Fraction(answer.offset)
        square = naive.dot(normal, normal)
        assert abs(square - 1) < Fraction(1, 10**11)
        # no rounding is allowed for: the margin is that of the floats as stored
        for points, side in ((A, 1), (B, -1)):
            height = min(side * (naive.dot(normal, x) + offset) for x in naive.exact(points))
            assert height >= Fraction(answer.margin)
            assert height**2 >= Fraction(answer.margin) ** 2 * square
        assert answer.margin <= answer.bound
    else:
        assert answer.separable is False
        assert answer.normal is None and answer.margin == answer.bound == 0
        check_hull_certificate(answer.certificate, A, B)


def check_hull_certificate(certificate, A, B):
    """The floats are convex weights up to rounding, and exact weights exist on their support."""
    alpha, beta = certificate.weights_a, certificate.weights_b
    assert alpha.shape == (len(A),) and beta.shape == (len(B),)
    assert certificate.exact and (alpha >= 0).all() and (beta >= 0).all()
    scale = Fraction(float(max(np.abs(A).max(), np.abs(B).max())))
    for weights, points in ((alpha, A), (beta, B)):
        weights, points = naive.exact(weights), naive.exact(points)
        assert abs(float(sum(weights) - 1)) < 1e-14
        for k, target in enumerate(naive.exact(certificate.point)):
            value = naive.dot(weights, [x[k] for x in points])
            assert abs(value - target) <= scale / 10**13
    use_a, use_b = np.flatnonzero(alpha), np.flatnonzero(beta)
    columns = [[*naive.exact(A[i]), 1, 0] for i in use_a]
    columns += [[*(-v for v in naive.exact(B[i])), 0, 1] for i in use_b]
    solution = exact_solution(columns, [0] * A.shape[1] + [1, 1])
    assert solution is not None and all(u >= 0 for u in solution)
    floats = [float(u) for u in solution]
    np.testing.assert_allclose(np.r_[alpha[use_a], beta[use_b]], floats, rtol=1e-12, atol=5e-324)
    assert 0 <= Fraction(certificate.residual) <= scale / 10**13


def exact_solution(columns, r):
    """The one u with sum_i u_i columns_i = r, by Gauss elimination in rationals, or None."""
    k = len(columns)
    rows = [[*row, v] for row, v in zip(zip(*columns, strict=True), r, strict=True)]
    entries = [fmpq(v.numerator, v.denominator) for row in rows for v in row]
    reduced, _ = fmpq_mat(len(rows), k + 1, entries).rref()
    unit = [[int(i == j) for j in range(k)] for i in range(len(rows))]
    if len(rows) < k or [row[:k] for row in reduced.tolist()] != unit:
        return None
    last = [Fraction(int(row[k].p), int(row[k].q)) for row in reduced.tolist()]
    return None if any(last[k:]) else last[:k]
