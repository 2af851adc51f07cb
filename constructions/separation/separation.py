"""Linear separation of two point sets, with a margin or with a certificate that there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from constructions.proof.exact import rounded_weight, solve_nonnegative
from constructions.separation.answer import Separation, meeting
from constructions.separation.features import features_of_like_size, independent_features
from constructions.separation.hulls import (
    common_rows,
    independent_weights,
    nearest_points,
)
from constructions.separation.hyperplane import (
    EXACT,
    local_coordinates,
    margin_bound,
    stored_hyperplane,
)
from constructions.separation.line import separate_intervals
from constructions.separation.programs import common_point, least_distance, maximum_margin
from geomcore.arrays import as_points, as_rtol
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.typing import ArrayLike

# Most entries of a program that is given to the interior-point method.
LARGE = 100_000
# Most dimensions in which nearest points are found in rational arithmetic, and, so that it takes
# seconds there, most corrals on the way times cubed dimension: solving for one takes that long.
DIMENSIONS, WORK = 200, 400_000_000


@answers_keywords
def separate(
    A: ArrayLike,
    B: ArrayLike,
    *,
    start: tuple[ArrayLike, ArrayLike] | None = None,
    rtol: float = 1e-6,
) -> Separation:
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
        The margin is to be within this factor of the largest one:
        ``margin >= (1 - rtol) * bound``. That can fail where no floats have such a
        margin (gaps near the spacing of floats at their offset), and in hundreds of
        dimensions for gaps below some 1e-9 of the extent; `bound` tells.

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
    by exact convex weights. Features that follow from others but for rounding
    are replaced by that rounding before a program looks for a common point.
    What all this leaves open, the nearest points of the hulls in rational
    arithmetic decide, which takes up to some seconds in 40 dimensions and is
    given up after some ten in 100, and at once beyond 200.

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
    local = local_coordinates(A, B)
    rows = _first_rows(local.M, local.n, start)
    if A.shape[1] == 1:
        found = separate_intervals(A, B, local, rtol)
        if found is not None:
            return found
    slab, rows = _widest_slab(local, rows, rtol)
    answer = guess = None
    if slab is not None:
        guess = _by_side(rows, slab.weights, local.n)
        answer = _from_slab(A, B, slab, rows, local, rtol)
        if answer is not None and answer.margin >= (1 - rtol) * answer.bound:
            return answer
    if answer is None:
        # where there is a hyperplane no point is in both sets, so it is looked for only here
        same = common_rows(A, B)
        if same is not None:
            return meeting(A, B, [same[0]], [same[1]], [1.0], [1.0])
        found, near = _common_point(A, B, *_split(rows, local.n))
        if found is not None:
            return found
        guess = near or guess
    return _exactly(A, B, rows, guess, local, rtol, answer)


def _widest_slab(local, rows, rtol):
    """`Slab` of largest margin for all points, or None, and the working set that it rests on."""
    M = local.M
    while True:
        slab = _margin_program(M[rows], rtol)
        if slab is None:
            return None, rows
        value = M @ slab.plane
        slack = value - 1
        slack[rows] = np.inf  # what the solver left over is not mended by asking again
        bad = np.flatnonzero(slack < 0)
        # with fewer constraints the program has a larger margin, so its value bounds the true one
        if _reached(value, local.n) >= 1 - rtol or not len(bad):
            return slab, rows
        worst = bad[np.argsort(slack[bad])[: max(50, M.shape[1])]]
        rows = np.r_[rows, worst]


def _from_slab(A, B, slab, rows, local, rtol):
    """The proved answer that a slab leads to, polished, or None."""
    M, plane = local.M, slab.plane
    value = M @ plane
    near = value[rows] < 1 + 1e-3
    support = rows[near]
    slabs = [(rows, slab.weights)]
    if len(support) * M.shape[1] <= LARGE:
        polished = maximum_margin(M[support])
        if polished is not None:
            slabs.append((support, polished.weights))
            ratio = np.linalg.norm(plane[:-1]) / np.linalg.norm(polished.plane[:-1])
            if _reached(M @ polished.plane, local.n) * ratio > _reached(value, local.n):
                plane = polished.plane
    found = stored_hyperplane(A, B, plane[:-1], local, rtol=rtol)
    if found is None:
        return None
    wanted = found.margin / (1 - rtol)
    bound = np.inf
    for chosen, weights in slabs:
        if bound > wanted:
            bound = min(bound, margin_bound(A, B, chosen, weights, local, wanted=wanted))
            support = np.union1d(support, chosen[weights > 0])
    return Separation(True, *found, None, _split(support, local.n), bound)


def _exactly(A, B, rows, guess, local, rtol, answer):
    """The answer by rational arithmetic on as many points as it takes, or the one known.

    Parameters
    ----------
    rows : ndarray of int
        Rows of ``local.M`` to begin with.
    guess : (dict, dict) or None
        Weights of the nearest points of the hulls, as for `nearest_points`.
    answer : Separation or None
        A proved one with a margin that is not known to be within rtol of the largest.
    """
    d = A.shape[1]
    most = max(EXACT, 8 * d * d)
    if len(local.M) * d <= EXACT:
        rows = np.arange(len(local.M))
    if answer is None:
        answer = Separation(None, None, 0.0, 0.0, None, _split(rows, local.n))
    while d <= DIMENSIONS and len(rows) * d <= most:
        rows_a, rows_b = _split(rows, local.n)
        found = _nearest(A, B, rows_a, rows_b, guess, rtol / 4)
        if found is None:
            break
        if found.meet:
            alpha, beta = independent_weights(A, B, found.weights_a, found.weights_b)
            return meeting(
                A,
                B,
                list(alpha),
                list(beta),
                [rounded_weight(w) for w in alpha.values()],
                [rounded_weight(w) for w in beta.values()],
            )
        direction, bound = found.direction(), found.half_length_above()
        support = np.array(list(found.weights_a)), np.array(list(found.weights_b))
        plane = stored_hyperplane(A, B, direction, local, rtol=rtol, half=bound)
        if plane is not None and (answer.separable is None or plane.margin > answer.margin):
            answer = Separation(True, *plane, None, support, bound)
        elif bound < answer.bound:
            both = tuple(map(np.union1d, answer.support, support))
            answer = replace(answer, bound=bound, support=both)
        if answer.separable and answer.margin >= (1 - rtol) * answer.bound:
            break
        bad = np.setdiff1d(_lowest(direction, local), rows)
        if not len(bad):
            break
        rows, guess = np.r_[rows, bad], _rounded(found)
    return answer


def _nearest(A, B, rows_a, rows_b, guess, rtol):
    """`nearest_points` of these rows, told by row numbers of A and of B, or None."""
    d = A.shape[1]
    if guess is not None:
        guess = [
            {int(np.searchsorted(rows, i)): w for i, w in weights.items()}
            for weights, rows in zip(guess, (rows_a, rows_b), strict=True)
        ]
    rounds = min(50 * (d + 2), WORK // d**3)
    found = nearest_points(A[rows_a], B[rows_b], start=guess, rtol=rtol, rounds=rounds)
    return found and found._replace(
        weights_a={int(rows_a[i]): w for i, w in found.weights_a.items()},
        weights_b={int(rows_b[j]): w for j, w in found.weights_b.items()},
    )


def _rounded(found):
    """The weights of `NearestPoints` as floats, none of them zero."""
    return [
        {i: rounded_weight(w) for i, w in weights.items()}
        for weights in (found.weights_a, found.weights_b)
    ]


def _reached(value, n):
    """The margin that signed values of the first n and of the other rows leave, times |w|."""
    return (value[:n].min() + value[n:].min()) / 2


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
        f"got {quoted(start)}"
    )


def _margin_program(M, rtol):
    """`Slab` of the largest margin for these rows, or None if there seems to be none.

    The active-set method comes first: on a few hundred rows it takes a tenth
    of the time of an interior-point method (benchmarks/separation.py).
    """
    slab = least_distance(M)
    if slab is None or (M @ slab.plane).min() < 1 - rtol:
        other = maximum_margin(M) if M.size <= LARGE else None
        if other is not None and (M @ other.plane).min() > 0.9:
            return other
    return slab


def _by_side(rows, weights, n):
    """Weights of rows of ``local.M`` by row of A and of B, or None if a side has none.

    Interior-point methods leave a little on rows that have none: that is left out.
    """
    used = weights > 1e-6 * weights.max()
    pairs = list(zip(rows[used].tolist(), weights[used].tolist(), strict=True))
    sides = {i: w for i, w in pairs if i < n}, {i - n: w for i, w in pairs if i >= n}
    return sides if all(sides) else None


def _split(rows, n):
    rows = np.unique(rows)
    return rows[rows < n], rows[rows >= n] - n


def _lowest(direction, local):
    """Rows of ``local.M`` that come first along a direction, as far as floating point tells."""
    order = np.argsort(local.M[:, :-1] @ direction)
    first = [order[order < local.n][:25], order[order >= local.n][:25]]
    return np.concatenate(first)


def _common_point(A, B, ia, ib):
    """The answer by convex weights that prove the hulls to meet, exact for A and B, or None.

    Second comes what the program says of the weights, a guess, or None.
    """
    both, guess = np.vstack([A[ia], B[ib]]), None
    for coordinates in (features_of_like_size, independent_features):
        Z = coordinates(both)
        found = None if Z is None else common_point(*np.split(Z, [len(ia)]))
        if found is None:
            continue
        alpha, beta = found
        guess = _by_side(np.r_[ia, len(A) + ib], np.r_[alpha, beta], len(A))
        for floor in (1e-12, 0.0, 1e-7):
            use_a, use_b = ia[alpha > floor], ib[beta > floor]
            M = np.zeros((A.shape[1] + 2, len(use_a) + len(use_b)))
            M[:-2, : len(use_a)], M[:-2, len(use_a) :] = A[use_a].T, -B[use_b].T
            M[-2, : len(use_a)] = M[-1, len(use_a) :] = 1
            solution = solve_nonnegative(M, np.r_[np.zeros(A.shape[1]), 1.0, 1.0])
            if solution is not None:
                weights = solution[: len(use_a)], solution[len(use_a) :]
                return meeting(A, B, use_a, use_b, *weights), None
    return None, guess
