"""Linear separation of two point sets, with a margin or with a certificate that there is none."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from constructions.proof.exact import signs, solve_nonnegative
from constructions.separation.programs import common_point, least_distance, maximum_margin
from geomcore.arrays import as_points, as_rtol

# Most entries of a program that is given to the interior-point method.
LARGE = 100_000


class HullCertificate(NamedTuple):
    """A point that is a convex combination of A and of B, so no hyperplane separates them.

    Attributes
    ----------
    point : ndarray, shape (d,)
    weights_a : ndarray, shape (N_A,)
        Non-negative, sum 1, ``weights_a @ A`` is the point.
    weights_b : ndarray, shape (N_B,)
        The same for B.
    residual : float
        Largest |weights_a @ A - weights_b @ B|, in floating point.
    exact : bool
        True if the weights were recomputed in rational arithmetic from the
        coordinates as stored: they exist, are non-negative and fit exactly.
        The floats given here are those rationals, rounded.
    """

    point: np.ndarray
    weights_a: np.ndarray
    weights_b: np.ndarray
    residual: float
    exact: bool


@dataclass(frozen=True, eq=False)
class Separation:
    """Answer of `separate`.

    Attributes
    ----------
    separable : bool or None
        True: the hyperplane below separates strictly, proved by exact signs.
        False: `certificate` proves that none does. None: undetermined, the
        gap is too small for double precision.
    normal : ndarray, shape (d,), or None
        Unit normal, pointing from B to A.
    offset : float
        ``A @ normal + offset >= margin`` and ``B @ normal + offset <= -margin``.
    margin : float
        Half the distance of the hulls; 0 if not separable.
    certificate : HullCertificate or None
    support : tuple of ndarray of int
        Rows of A and of B that decided the answer: removing others changes nothing.
    """

    separable: bool | None
    normal: np.ndarray | None
    offset: float
    margin: float
    certificate: HullCertificate | None
    support: tuple[np.ndarray, np.ndarray]


def separate(A, B, *, start=None, rtol=1e-6):
    r"""Separate two finite sets by the hyperplane of largest margin, or prove that none exists.

    .. math:: \min |w|^2 \quad \text{subject to} \quad
              w \cdot a + c \ge 1, \; w \cdot b + c \le -1

    Only a small working set of points ever reaches the solver: the most
    violated ones are added until none is left.

    Parameters
    ----------
    A, B : array_like, shapes (N_A, d), (N_B, d)
    start : pair of arrays of int, optional
        Rows of A and of B to begin with, a guess at the support.
    rtol : float, optional
        The margin is within this factor of the largest one.

    Returns
    -------
    Separation

    Raises
    ------
    ValueError
        If a set is empty, the dimensions differ, a value is nan or inf, or
        `start` does not hold row numbers.

    Notes
    -----
    Solvers: SciPy's non-negative least squares find the working set, CLARABEL
    the margin on the few points that support it, HIGHS the common point. None
    of them is trusted: separation is proved by exact signs and its opposite
    by exact convex weights.

    Examples
    --------
    >>> answer = separate([[0.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [3.0, 5.0]])
    >>> answer.separable, round(answer.margin, 6)
    (True, 1.0)
    >>> separate([[0.0], [2.0]], [[1.0]]).certificate.weights_a
    array([0.5, 0.5])
    """
    A, B = as_points(A, name="A"), as_points(B, name="B")
    A, B = A.astype(np.float64, copy=False), B.astype(np.float64, copy=False)
    for name, points in (("A", A), ("B", B)):
        if 0 in points.shape:
            raise ValueError(f"{name} must hold at least one point, got shape {points.shape}")
    if A.shape[1] != B.shape[1]:
        raise ValueError(f"A and B must have equal dimension, got {A.shape} and {B.shape}")
    rtol = as_rtol(rtol, A.shape)
    M = _signed_rows(A, B)
    rows = _first_rows(M, len(A), start)
    while True:
        wc = _margin_program(M[rows], rtol)
        if wc is None:
            certificate = _common_point(A, B, rows)
            answer = None if certificate is None else False
            return Separation(answer, None, 0.0, 0.0, certificate, _split(rows, len(A)))
        value = M @ wc
        slack = value - 1
        slack[rows] = np.inf  # what the solver left over is not mended by asking again
        bad = np.flatnonzero(slack < 0)
        # with fewer constraints the program has a larger margin, so its value bounds the true one
        if _reached(value, len(A)) >= 1 - rtol or not len(bad):
            break
        worst = bad[np.argsort(slack[bad])[: max(50, M.shape[1])]]
        rows = np.r_[rows, worst]

    support = rows[value[rows] < 1 + 1e-3]
    if len(support) * M.shape[1] <= LARGE:
        polished = maximum_margin(M[support])
        if polished is not None:
            ratio = np.linalg.norm(wc[:-1]) / np.linalg.norm(polished[:-1])
            if _reached(M @ polished, len(A)) * ratio > _reached(value, len(A)):
                wc = polished
    return _from_hyperplane(A, B, wc[:-1], support)


def _reached(value, n):
    """The margin that signed values of the first n and of the other rows leave, times |w|."""
    return (value[:n].min() + value[n:].min()) / 2


def _signed_rows(A, B):
    """Rows (z, 1) of A and -(z, 1) of B, z the point moved and scaled into the unit box."""
    low = np.minimum(A.min(axis=0), B.min(axis=0))
    high = np.maximum(A.max(axis=0), B.max(axis=0))
    scale = float((high - low).max()) or 1.0
    M = np.empty((len(A) + len(B), A.shape[1] + 1))
    centre = low + (high - low) / 2
    for points, part in ((A, M[: len(A)]), (B, M[len(A) :])):
        np.subtract(points, centre, out=part[:, :-1])
        part[:, :-1] /= scale
        part[:, -1] = 1
    np.negative(M[len(A) :], out=M[len(A) :])
    return M


def _first_rows(M, n, start):
    """The points nearest to the other set along the difference of the means, or the guess."""
    if start is not None:
        rows_a, rows_b = _as_rows(start, n, len(M) - n)
        if len(rows_a) and len(rows_b):
            return np.r_[rows_a, n + rows_b]
    direction = M[:n].mean(axis=0) + M[n:].mean(axis=0)
    order = np.argsort(M @ direction)
    count = min(2 * M.shape[1], 300)
    return np.r_[order[order < n][:count], order[order >= n][:count]]


def _as_rows(start, *sizes):
    try:
        pair = [np.asarray(rows) for rows in start]
    except (TypeError, ValueError):
        pair = []
    if len(pair) == 2 and all(rows.ndim == 1 for rows in pair):
        pair = [rows if len(rows) else rows.astype(int) for rows in pair]
        if all(
            rows.dtype.kind in "iu" and (rows >= 0).all() and (rows < size).all()
            for rows, size in zip(pair, sizes, strict=True)
        ):
            return pair
    raise ValueError(
        f"start must be a pair of lists of row numbers below {sizes[0]} and {sizes[1]}, "
        f"got {start!r}"
    )


def _margin_program(M, rtol):
    """(w, c) of the largest margin for these rows, or None if there seems to be none.

    The active-set method comes first: on a few hundred rows it takes a tenth
    of the time of an interior-point method (benchmarks/separation.py).
    """
    wc = least_distance(M)
    if wc is None or (M @ wc).min() < 1 - rtol:
        other = maximum_margin(M) if M.size <= LARGE else None
        if other is not None and (M @ other).min() > 0.9:
            return other
    return wc


def _split(rows, n):
    rows = np.unique(rows)
    return rows[rows < n], rows[rows >= n] - n


def _from_hyperplane(A, B, normal, rows):
    """Centre the hyperplane between the sets and prove by exact signs that it separates."""
    normal = normal / np.linalg.norm(normal)
    nearest_a, nearest_b = (A @ normal).min(), (B @ normal).max()
    offset = -(nearest_a + nearest_b) / 2
    margin = (nearest_a - nearest_b) / 2
    proved = (signs(A, normal, offset) > 0).all() and (signs(B, normal, offset) < 0).all()
    return Separation(
        True if proved else None,
        normal,
        float(offset),
        float(margin) if proved else 0.0,
        None,
        _split(rows, len(A)),
    )


def _common_point(A, B, rows):
    """Convex weights that prove the hulls to meet, exact in the coordinates as stored, or None."""
    ia, ib = _split(rows, len(A))
    both = np.vstack([A[ia], B[ib]])
    centre = both.mean(axis=0)
    scale = np.abs(both - centre).max(axis=0)
    scale[scale == 0] = 1
    found = common_point((A[ia] - centre) / scale, (B[ib] - centre) / scale)
    if found is None:
        return None
    alpha, beta = found
    for floor in (1e-12, 0.0, 1e-7):
        use_a, use_b = ia[alpha > floor], ib[beta > floor]
        M = np.zeros((A.shape[1] + 2, len(use_a) + len(use_b)))
        M[:-2, : len(use_a)], M[:-2, len(use_a) :] = A[use_a].T, -B[use_b].T
        M[-2, : len(use_a)] = M[-1, len(use_a) :] = 1
        solution = solve_nonnegative(M, np.r_[np.zeros(A.shape[1]), 1.0, 1.0])
        if solution is not None:
            break
    else:
        return None
    weights_a, weights_b = np.zeros(len(A)), np.zeros(len(B))
    weights_a[use_a], weights_b[use_b] = solution[: len(use_a)], solution[len(use_a) :]
    point = weights_a @ A
    residual = float(np.abs(point - weights_b @ B).max())
    return HullCertificate(point, weights_a, weights_b, residual, True)
