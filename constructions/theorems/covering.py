"""How many half-spaces around one set it takes to leave out another: a number proved to be needed.

Points that one half-space clear of P leaves out have a hull that does not meet the hull of P.
So a point in the hull of P is never left out, and of points such that each segment between
two of them meets the hull of P, every one needs a half-space of its own.
"""

from typing import NamedTuple

import numpy as np

from constructions.separation.separation import separate

# Half-spaces that show at once, without a program, which points can be left out together.
DIRECTIONS = 2000
# Most numbers in a table of points times half-spaces.
TABLE = 10_000_000
# Points that are looked at, those least far out.
POINTS = 300
# How many points may turn out not to lie in a hull, and for each half-space how many pairs.
MISSES = 3


class Needed(NamedTuple):
    """So many half-spaces are needed at least, and why.

    Attributes
    ----------
    count : int or float
        inf if there is a point that none can leave out.
    rows : list of int
        That point, or points of which no two can be left out together; rows of O.
    """

    count: float
    rows: list


def fewest_faces(P, O, most, *, exact):
    """A lower bound on the number of half-spaces that hold P, each point of O outside one.

    Parameters
    ----------
    P, O : ndarray, shapes (n, d), (m, d)
    most : int
        It is not told apart how many more than this are needed.
    exact : (ndarray, ndarray)
        The same points, before any rounding by which P and O are of moderate size and
        centred: what is proved is proved for these.

    Returns
    -------
    Needed
        The bound is at least 1, and 1 unless more than `most` seem to be needed; it is
        proved, by common points of hulls.
    """
    rows, reach, together = _least_far_out(P, O)
    for i in rows[reach <= 0][:MISSES].tolist():
        if _meet(exact, [i]):
            return Needed(np.inf, [i])
    chosen, misses = [], 0
    if _seem_apart(together) <= most:
        return Needed(1, [])  # what would be proved then is not worth its while
    for i in range(len(rows)):
        if len(chosen) > most or misses > MISSES * most:
            break
        if together[i, chosen].any():
            continue
        if all(_meet(exact, rows[[i, j]]) for j in chosen):
            chosen.append(i)
        else:
            misses += 1
    return Needed(max(len(chosen), 1), rows[chosen].tolist())


def _least_far_out(P, O):
    """Rows of O that half-spaces clear of P leave out least, how far, and in which pairs."""
    rng, count = np.random.default_rng(0), max(min(DIRECTIONS, TABLE // len(O)), 10)
    normals = rng.standard_normal((count, P.shape[1]))
    ends = O[rng.integers(len(O), size=count // 2)]
    normals[: len(ends)] = ends - P[rng.integers(len(P), size=len(ends))]
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals /= np.where(lengths > 0, lengths, 1)
    beyond = O @ normals.T - (P @ normals.T).max(axis=0)
    reach = beyond.max(axis=1)
    rows = np.argsort(reach)[:POINTS]
    outside = (beyond[rows] > 0).astype(np.float32)
    return rows, reach[rows], outside @ outside.T > 0


def _seem_apart(together):
    """How many points there are, taken as they come, of which no two are left out together."""
    chosen = []
    for i in range(len(together)):
        if not together[i, chosen].any():
            chosen.append(i)
    return len(chosen)


def _meet(exact, rows):
    P, O = exact
    return separate(P, O[rows], rtol=0.5).separable is False
