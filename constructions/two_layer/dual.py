r"""The dual bound of two-layer networks with weight decay, with nothing rounded but at its end.

For multipliers :math:`\Lambda` of the points that no unit neuron agrees with by more than the
weight decay :math:`\omega`, no network has a loss below :math:`-\langle\Lambda, Y\rangle -
\tfrac N4 |\Lambda|^2`. The proof is in docs/two-layer.md.
"""

from fractions import Fraction
from math import inf, nextafter

import numpy as np
from flint import arb

from constructions.proof.exact import ball_matrix, below, precision

BITS = 256
MOST_BITS = 51  # of the whole numbers that multipliers are rounded to
MOST_SUM = 61  # and of their sums
# What is said of a loss that is refused.
OTHER_LOSSES = " (of others the dual bound has another form, see docs/two-layer.md)"


def balanced_multipliers(R, free):
    """Multipliers along residuals, with entries of at most 1 and exact column sums.

    Parameters
    ----------
    R : ndarray, shape (N, Q)
        Finite.
    free : bool
        Whether the columns are to sum to 0: they do exactly, as whole numbers times one power of
        two.

    Returns
    -------
    ndarray, shape (N, Q)
        The residuals, without their means if `free`, times some positive number, and rounded.
    """
    largest = np.abs(R).max(initial=0.0)
    if not largest:
        return np.zeros(R.shape)
    R = np.ldexp(R, -np.frexp(largest)[1])
    if not free:
        return R
    R = R - R.mean(axis=0)
    largest = np.abs(R).max()
    if not largest:
        return R
    N, bits = len(R), min(MOST_BITS, MOST_SUM - len(R).bit_length())
    whole = np.rint(np.ldexp(R, bits - np.frexp(largest)[1])).astype(np.int64)
    excess = whole.sum(axis=0)
    whole -= excess // N
    whole[np.arange(N)[:, None] < excess % N] -= 1
    return np.ldexp(whole.astype(float), -bits - 1)


def largest_scale(decay, bound):
    """The largest float s with s times `bound` at most the weight decay; inf without a bound."""
    if not bound:
        return inf
    if bound == inf:
        return 0.0
    try:
        scale = float(Fraction(decay) / Fraction(bound))
    except OverflowError:
        return nextafter(inf, 0.0)
    while Fraction(scale) * Fraction(bound) > Fraction(decay):
        scale = nextafter(scale, 0.0)
    return scale


def dual_bound(L, Y, decay, bound, *, penalised):
    r"""The best dual bound along multipliers.

    .. math:: D(s) = -s \langle\Lambda, Y\rangle - s^2 \tfrac N4 |\Lambda|^2, \qquad
        0 \le s \le \omega / m(\Lambda)

    Parameters
    ----------
    L, Y : ndarray, shape (N, Q)
    decay : float
        The weight decay :math:`\omega`.
    bound : float
        Proved to be at least :math:`m(\Lambda)`.
    penalised : bool
        Whether the output bias is, so that the columns of L may have any sums: then
        :math:`s^2 |\Lambda^T 1|^2 / (2 \omega)` is taken off.

    Returns
    -------
    scale, value : float
        The factor s, and a float that is at most D(s), not negative.
    """
    N = len(L)
    if not L.any():
        return 0.0, 0.0
    with precision(BITS):
        row, column = ball_matrix(L.reshape(1, -1)), ball_matrix(Y.reshape(-1, 1))
        linear = -(row * column).entries()[0]
        square = (row * row.transpose()).entries()[0] * N / 4
        if penalised:
            sums = ball_matrix(np.ones((1, N))) * ball_matrix(L)
            square += (sums * sums.transpose()).entries()[0] / (2 * arb(decay))
        best = float((linear / (2 * square)).mid())
        scale = min(best, largest_scale(decay, bound), nextafter(inf, 0.0))
        if not scale > 0:
            return 0.0, 0.0
        return scale, max(below(linear * scale - square * scale * scale), 0.0)
