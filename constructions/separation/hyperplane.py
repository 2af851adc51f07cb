"""A separating hyperplane as floats, the margin that these floats have, and a bound on any."""

import math
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq

from constructions.proof.exact import (
    EPS,
    TINY,
    least_height,
    nearest,
    precision,
    rational,
    rational_matrix,
    rational_values,
    rounded_down,
    signs,
)
from constructions.separation.hulls import root_above

# How many normals next to one that does not serve are tried, over how many points.
WAYS, POINTS = 20_000, 50
# Most coordinates that are looked at in rational arithmetic at once.
EXACT = 20_000


class Local(NamedTuple):
    """Points of both sets in the unit box, as rows (z, 1) of A and -(z, 1) of B.

    Attributes
    ----------
    M : ndarray, shape (N_A + N_B, d + 1)
    n : int
        Number of rows of A.
    origin : ndarray, shape (d,)
        z = (x - origin) / 2**exponent, of which only the subtraction rounds.
    exponent : int
    """

    M: np.ndarray
    n: int
    origin: np.ndarray
    exponent: int


def local_coordinates(A, B):
    """`Local` coordinates of two sets, whatever their size and place."""
    low = np.minimum(A.min(axis=0), B.min(axis=0))
    high = np.maximum(A.max(axis=0), B.max(axis=0))
    with np.errstate(over="ignore"):
        width = high - low
    if np.isfinite(width).all():
        origin, extent = low + width / 2, width.max()
    else:
        origin, extent = low / 2 + high / 2, (high / 2 - low / 2).max()
    exponent = int(np.frexp(extent)[1])
    M = np.empty((len(A) + len(B), A.shape[1] + 1))
    for points, part in ((A, M[: len(A)]), (B, M[len(A) :])):
        np.subtract(points, origin, out=part[:, :-1])
        if abs(exponent) < 1000:
            part[:, :-1] *= 2.0**-exponent
        else:  # a power of two that is no float
            part[:, :-1] = np.ldexp(part[:, :-1], -exponent)
        part[:, -1] = 1
    np.negative(M[len(A) :], out=M[len(A) :])
    return Local(M, len(A), origin, exponent)


class Hyperplane(NamedTuple):
    """A hyperplane that separates two sets strictly, proved for the floats as stored.

    Attributes
    ----------
    normal : ndarray, shape (d,)
    offset : float
    margin : float
        Rounded down: for all a in A and b in B, ``normal . a + offset`` and
        ``-(normal . b + offset)`` are at least margin times max(1, \\|normal\\|).
    """

    normal: np.ndarray
    offset: float
    margin: float


def stored_hyperplane(A, B, direction, local, *, rtol, half=None):
    r"""Store the hyperplane with a given normal in the middle between two sets.

    Far from the origin the offset of the middle is not near any float, in
    units of the margin, nor is the normal between sets that are very near each
    other; then other floats next to both are tried.

    Parameters
    ----------
    A, B : ndarray, shapes (N_A, d), (N_B, d)
    direction : ndarray, shape (d,)
        Of moderate length, not zero, pointing from B to A.
    local : Local
    rtol : float
        How much of the margin may be lost to the rounding of normal and offset.
    half : float, optional
        The margin of the exact hyperplane, if known.

    Returns
    -------
    Hyperplane or None
        None if the floats found do not separate the sets. The normal has length 1
        to within 1e-12.
    """
    normal = direction / np.linalg.norm(direction)
    along = local.M[:, :-1] @ normal
    low, high = along[: local.n].min(), -along[local.n :].min()
    if half is None:
        half = float(np.ldexp(low / 2 - high / 2, local.exponent))
    middle = rational(low / 2 + high / 2) * fmpq(2) ** local.exponent
    offset = nearest(-rational_values(local.origin[None], normal, 0.0)[0] - middle)
    best = _proved(A, B, normal, offset, rtol)
    if half > 0 and np.isfinite(offset) and (best is None or best.margin < (1 - rtol / 2) * half):
        near = np.argsort(along)
        near = near[near < local.n][:POINTS], near[near >= local.n][:POINTS] - local.n
        other = _next_to(A[near[0]], B[near[1]], normal, offset, local.origin)
        other = _proved(A, B, *other, rtol)
        if best is None or (other is not None and other.margin > best.margin):
            best = other
    return best


def _next_to(A, B, normal, offset, origin):
    """The best of many floats next to a normal and an offset, by the heights of a few points.

    Heights are exact for the floats given; the ways to other floats are so
    short that rounding is nothing in the heights there.
    """
    rng = np.random.default_rng(0)
    ways, d = max(WAYS * 20 // (20 + len(normal)), 100), len(normal)
    tilts = rng.standard_normal((ways, d))
    size = np.abs(origin).max() or 1.0
    tilts[::2] = origin / size  # these move the offset most
    tilts -= (tilts @ normal)[:, None] * normal
    tilts /= np.maximum(np.linalg.norm(tilts, axis=1, keepdims=True), TINY)
    others = normal + tilts * (
        10.0 ** rng.uniform(-19, -7, (ways, 1)) * rng.choice([-1, 1], (ways, 1))
    )
    others *= (1 + rng.uniform(-4e-13, 4e-13, (ways, 1))) / np.linalg.norm(
        others, axis=1, keepdims=True
    )
    # and, whatever the units of the features, a few of the floats next to each entry
    steps = rng.integers(-8, 9, (ways, d)) * np.spacing(np.abs(normal))
    others = np.vstack([others, normal + steps])
    moves = others - normal
    with np.errstate(all="ignore"):
        heights = [
            np.array([nearest(v) for v in rational_values(S, normal, offset)]) + moves @ S.T
            for S in (A, B)
        ]
        low, high = heights[0].min(axis=1), heights[1].max(axis=1)
        offsets = offset - (low / 2 + high / 2)
        shift = offsets - offset
        margin = np.nan_to_num(np.minimum(low + shift, -(high + shift)), nan=-np.inf)
    best = margin.argmax()
    return others[best], float(offsets[best])


def _proved(A, B, normal, offset, rtol):
    """The `Hyperplane` of these floats with the margin that it has, or None."""
    if not np.isfinite(offset):
        return None
    low_a = least_height(A, normal, offset, rtol=rtol / 1000)
    low_b = least_height(B, -normal, -offset, rtol=rtol / 1000)
    least = min(low_a, low_b)
    if not least > 0:  # below 0, or rounded down to it
        if (signs(A, normal, offset) > 0).all() and (signs(B, normal, offset) < 0).all():
            return Hyperplane(normal, offset, 0.0)
        return None
    with precision(128):
        length = sum((arb(v) ** 2 for v in normal.tolist()), arb(0)).sqrt()
        if not length <= 1:
            least = rounded_down((arb(least) / length).lower().fmpq())
    return Hyperplane(normal, float(offset), float(least))


def margin_bound(A, B, rows, weights, local, *, wanted):
    """No hyperplane separates the sets with a margin larger than this: half a distance.

    It is that of two points of the hulls, given by weights: in floating point
    with its rounding error, and exactly if that says more than `wanted`.

    Parameters
    ----------
    A, B : ndarray, shapes (N_A, d), (N_B, d)
    rows : ndarray of int
        Of ``local.M``.
    weights : ndarray
        One for each of these rows, not negative.
    local : Local
    wanted : float

    Returns
    -------
    float
    """
    used = weights > 0
    rows, weights = rows[used], weights[used]
    of_a = rows < local.n
    if of_a.all() or not of_a.any():
        return np.inf
    shares = weights / np.where(of_a, weights[of_a].sum(), weights[~of_a].sum())
    Z = local.M[rows, :-1]
    way = np.abs(shares @ Z) + 2 * (len(rows) + 8) * EPS * (shares @ np.abs(Z)) + TINY
    length = math.hypot(*way.tolist()) * (1 + 2 * (len(way) + 4) * EPS)  # no square underflows
    with np.errstate(over="ignore"):
        bound = float(np.nextafter(np.ldexp(length, local.exponent - 1), np.inf))
    if bound > wanted and len(rows) * A.shape[1] <= EXACT:
        ends = [
            _weighted(S, part, shares[mine])
            for S, part, mine in (
                (A, rows[of_a], of_a),
                (B, rows[~of_a] - local.n, ~of_a),
            )
        ]
        square = sum(((a - b) ** 2 for a, b in zip(*ends, strict=True)), fmpq(0))
        bound = min(bound, root_above(square / 4))
    return bound


def _weighted(S, rows, weights):
    """The mean of some rows with these weights, exactly."""
    weights = rational_matrix(weights[None])
    total = sum(weights.entries(), fmpq(0))
    return [v / total for v in (weights * rational_matrix(S[rows])).entries()]
