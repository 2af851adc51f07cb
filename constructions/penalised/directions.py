r"""Proves that a unit at rest gains less than the decay in all directions but those of active ones.

Directions are covered by simplicial cones, which are bisected until :math:`|g| < \omega |w|` is
proved in each (docs/trained.md, "Beside active units"): with linear functions that bound g from
above and below, or by what is known next to an active unit, to which a cone may belong.
"""

from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from constructions.critical.balls import EPS
from constructions.penalised.shortest import length_two, rows_above

LARGEST = 9  # dimensions of what the rows span, up to which it is tried
WIDEST = 8  # entries of a slope: bounds are tried for each choice of their signs
USUAL = 16  # such choices, above which a cone counts as more than one
CONES = 300_000  # that are looked at: half a minute of a core at most
TOGETHER = 256  # at most, and
NUMBERS = 2_000_000  # heights at once
TURNS = 4  # of a bound, where slopes have one entry; with more, a second one proves next to nothing
PART = 0.3  # of the squared length of an edge, in choosing one
FLAT = 1e-9  # a singular value of the rows below this part of the largest one is none
SPARE = 1e-9  # beside rounding
NEAR = 0.25  # what is not known of g is less than this part of the decay
LEAST = np.finfo(float).tiny


class Ray(NamedTuple):
    r"""What is known next to the direction of an active unit.

    In a cone in which :math:`-g(w) \cdot \lambda_i / \omega \ge b_i |w \cdot \tilde h_i|` at every
    point i that is not on in all of it if its share is 1, nor off if that is 0, only the unit's own
    direction gains the decay.

    Attributes
    ----------
    shares : ndarray, shape (N,)
        0 where the unit is off, 1 where it is on, else between.
    may_differ : ndarray of bool, shape (N,)
        Points of which it is worth asking; all with a share between 0 and 1 must be among them.
    steep : ndarray, shape (N,), or float
        The b_i, not negative.
    """

    shares: np.ndarray
    may_differ: np.ndarray
    steep: np.ndarray | float = 0.0


class Searched(NamedTuple):
    """What a search over all directions found.

    Attributes
    ----------
    is_below : bool
        Whether it is proved that no direction gains the decay but those of given rays.
    stronger : ndarray, shape (D,), or None
        One that gains more, as far as floating point tells.
    """

    is_below: bool = False
    stronger: np.ndarray | None = None


class _Problem(NamedTuple):
    """Rows (N, r) and slopes (N, Q) in which the decay is 1, and what is not known of them.

    The rows are those along `basis` (r, D), and `scale` turns what is asked of a `Ray`. `apart` is
    how far g may be from that of these rows, for vectors of length 1, `rounded` what a sum over the
    points is off by, `unsure` (N,) below what a height may have another sign, and `margins` (N,)
    how far slopes times g may be off.
    """

    rows: np.ndarray
    slopes: np.ndarray
    apart: float
    rounded: float
    unsure: np.ndarray
    margins: np.ndarray
    basis: np.ndarray
    scale: float


class _Batch(NamedTuple):
    """Cones (B, r, r) with the points (n,) that are not on in all of them, nor off in all; the sum
    of slopes times rows of those that are on, (Q, r), and what all are (N,): 1, -1, or 0.
    """

    cones: np.ndarray
    points: np.ndarray
    base: np.ndarray
    states: np.ndarray


def searched(slopes, lifted, rays, decay, cones=None):
    """Whether it is proved that no direction gains the decay but those of given rays.

    Parameters
    ----------
    slopes, lifted : Balls, shapes (N, Q), (N, D)
    rays : list of Ray
        Of which what they say is proved.
    decay : float
        Positive.
    cones : int, optional
        That are looked at, at most. Default `CONES`.

    Returns
    -------
    Searched
    """
    problem = _in_their_span(slopes, lifted, decay)
    if problem is None or problem.rows.shape[1] > LARGEST or problem.slopes.shape[1] > WIDEST:
        return Searched()
    (N, r), Q = problem.rows.shape, problem.slopes.shape[1]
    if not r:
        return Searched(problem.apart < NEAR)
    most, seen = int(np.clip(NUMBERS // (N * r + 1), 1, TOGETHER)), 0
    signs = np.array(list(product([1.0, -1.0], repeat=r))).reshape(2**r, r, 1)
    whole = _Batch(signs * np.eye(r), np.arange(N), np.zeros((Q, r)), np.zeros(N, int))
    todo = _parted(whole, np.zeros((2, 2**r, N), bool), problem, most)
    while todo:
        batch = todo.pop()
        seen += len(batch.cones) * max(1, 2**Q // USUAL)
        if seen > (CONES if cones is None else cones):
            return Searched()
        stronger = _that_gains_more(batch, problem)
        if stronger is not None:
            return Searched(False, stronger @ problem.basis)
        left, decided, edges = _left(batch, problem, rays)
        halves = _halves(batch.cones[left], edges)
        if halves is None:
            return Searched()
        decided = decided.repeat(2, axis=1)
        todo += _parted(batch._replace(cones=halves), decided, problem, most)
    return Searched(True)


def _in_their_span(slopes, lifted, decay):
    """The problem in an orthonormal basis of what the rows span, None if it is out of range."""
    rows, L = lifted.mid, slopes.mid
    with np.errstate(all="ignore"):
        scale = np.exp2(np.round(np.log2(np.abs(rows).max(initial=LEAST))))
        rows, radii = rows / scale, lifted.rad / scale
        L, spread = L / decay * scale, slopes.rad / decay * scale
        finite = np.isfinite(rows).all() and np.isfinite(L).all()
        finite = finite and np.isfinite(radii).all() and np.isfinite(spread).all()
    if not (finite and 0 < scale < np.inf):
        return None
    used = L.any(axis=0) | spread.any(axis=0)
    used[:1] |= not used.any()
    L, spread = L[:, used], spread[:, used]
    (N, D), Q = rows.shape, L.shape[1]
    _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    basis = basis[: int((sizes > FLAT * sizes.max(initial=0.0)).sum())]
    inside = rows @ basis.T
    skew = np.abs(basis @ basis.T - np.eye(len(basis))).sum() + 8 * D * D * EPS
    sums = np.abs(rows).sum(axis=1)
    off = radii.sum(axis=1) + np.abs(rows - inside @ basis).sum(axis=1)
    off += (4 * D * skew + 16 * (D + 8) * EPS) * sums + LEAST
    lengths, wide = np.abs(L).sum(axis=1), spread.sum(axis=1)
    # of a vector w at least half of the length is inside of the span, or it gains too little
    apart = 2 * ((lengths + wide) @ off + wide @ sums) * (1 + 1e-12) + LEAST
    rounded = 16 * (N + D + Q + 8) * EPS * (lengths @ sums) + N * LEAST
    margins = 2 * (lengths + wide) * (apart + rounded) + 2 * wide * (lengths @ sums)
    turned = scale / decay * scale
    return _Problem(inside, L, apart, rounded, 2 * off, margins + LEAST, basis, turned)


def _that_gains_more(batch, problem):
    """The middle of a cone that is seen to gain the decay, so that no search would end, or None."""
    units = batch.cones / np.linalg.norm(batch.cones, axis=2, keepdims=True)
    middle, own = units.sum(axis=1), batch.points
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    on = np.maximum(middle @ problem.rows[own].T, 0)
    gains = np.linalg.norm(on @ problem.slopes[own] + middle @ batch.base.T, axis=1)
    best = gains.argmax()
    return middle[best] if gains[best] > 1 + 2 * (problem.apart + problem.rounded) else None


def _left(batch, problem, rays):
    """Cones of which nothing is proved, (B',); whether points are on, or off, in each of these
    (2, B', n); and how long their edges count as, (B', r, r).
    """
    rows, slopes = problem.rows[batch.points], problem.slopes[batch.points]
    units = batch.cones / np.linalg.norm(batch.cones, axis=2, keepdims=True)
    heights, unsure = units @ rows.T, problem.unsure[batch.points]
    decided = np.array([(heights > unsure).all(axis=1), (heights < -unsure).all(axis=1)])
    done = np.zeros(len(units), bool)
    if problem.apart < NEAR:
        done |= _bounded(units, heights, rows, slopes, batch.base, problem)
        for ray in rays:
            likely = ~done & _may_belong(batch, decided, ray)
            likely[likely] = _seem_to_belong(units[likely], decided[:, likely], batch, ray, problem)
            for j in np.flatnonzero(likely):
                done[j] = _belongs(units[j], heights[j], decided[:, j], batch, ray, problem)
    left = np.flatnonzero(~done)
    return left, decided[:, left], _edges(units[left], heights[left], batch, problem)


def _bounded(units, heights, rows, slopes, base, problem):
    """Cones in which bounds prove |g| < |w|, ndarray of bool, shape (B,).

    Of the parts of g along orthonormal p_j, the first one along g at the middle, linear functions
    are above p_j . g and above -p_j . g in a cone: points i count with their value at the vertices
    where p_j . lambda_i > 0, as the ReLU is convex, and where it is negative with a part of their
    height, which is below the ReLU. Which part is chosen by where the bound is largest.
    """
    B, r, n = heights.shape
    Q, found, going = slopes.shape[1], np.zeros(B, bool), np.arange(B)
    middle = units.sum(axis=1)
    parts = _bases(np.maximum(middle @ rows.T, 0) @ slopes + middle @ base.T)
    weights = parts @ slopes.T
    weights = np.concatenate([weights, -weights], axis=1)
    steady = np.maximum(weights, 0) @ np.maximum(heights, 0).transpose(0, 2, 1)
    along = (parts @ base) @ units.transpose(0, 2, 1)
    steady += np.concatenate([along, -along], axis=1)
    weights = np.minimum(weights, 0)
    # one part for all p_j, or one for each sign of a single one
    at = np.repeat(middle[:, None], 2 if Q == 1 else 1, axis=1)
    share = np.zeros((B, at.shape[1], n))
    for turn in range(TURNS if Q == 1 else 1):
        share += (((at @ rows.T) > 0) - share) / max(turn, 1)
        levels = steady + ((weights * share) @ rows) @ units.transpose(0, 2, 1)
        above, short, combined = rows_above(units, levels)
        # a vector of length 1 in the cone is a sum of c_k vertices, the squares of c_k at most 1
        miss = np.sqrt(r) * (short + problem.rounded)
        ok = _all_are_short(above, miss, 1 - problem.apart - SPARE)
        found[going[ok]] = True
        at = (combined @ units)[:, [0, 1] if Q == 1 else [0]]
        at = np.where(at.any(axis=2, keepdims=True), at, middle[going][:, None])
        going, at, share = going[~ok], at[~ok], share[~ok]
        steady, weights, units = steady[~ok], weights[~ok], units[~ok]
        if not len(going):
            break
    return found


def _all_are_short(above, miss, most):
    """Whether matrices of rows (B, 2 Q, r) are shorter than that, ndarray of bool, shape (B,).

    Each row is one of the first Q or of the same number among the last Q, which are those of the
    other signs. By how much each may be off is `miss` (B, 2 Q).
    """
    B, rows, r = above.shape
    Q = rows // 2
    above, miss = above.reshape(B, 2, Q, r), miss.reshape(B, 2, Q)
    squares = (above * above).sum(axis=3)
    off = np.linalg.norm(miss.max(axis=1), axis=1)
    # most are decided by the lengths of rows, or by the signs of the longer ones
    ok = np.sqrt(squares.max(axis=1).sum(axis=1)) + off < most
    left = np.flatnonzero(~ok)
    for pick in [squares[left].argmax(axis=1), *product(range(2), repeat=Q)]:
        which = np.broadcast_to(pick, (len(left), Q))
        chosen = np.take_along_axis(above[left], which[:, None, :, None], axis=1)[:, 0]
        left = left[length_two(chosen) + off[left] < most]
    ok[left] = True
    return ok


def _bases(vectors):
    """Orthonormal rows (B, Q, Q), the first along each of vectors (B, Q), by reflections."""
    B, Q = vectors.shape
    size = np.linalg.norm(vectors, axis=1, keepdims=True)
    first = np.where(size > 0, vectors / np.where(size > 0, size, 1.0), np.eye(Q)[0])
    sign = np.where(first[:, :1] > 0, -1.0, 1.0)
    normal = first - sign * np.eye(Q)[0]
    squares = (normal * normal).sum(axis=1).reshape(B, 1, 1)
    return np.eye(Q) - 2 * normal[:, :, None] * normal[:, None, :] / squares


def _may_belong(batch, decided, ray):
    """Whether all points that may not differ from a ray are as it has them, for each cone."""
    stiff = ~ray.may_differ
    known = stiff & (batch.states != 0)
    if ((batch.states[known] > 0) != (ray.shares[known] == 1)).any():
        return np.zeros(decided.shape[1], bool)
    own = stiff[batch.points]
    wanted = ray.shares[batch.points][own] == 1
    return np.where(wanted, decided[0][:, own], decided[1][:, own]).all(axis=1)


def _seem_to_belong(units, decided, batch, ray, problem):
    """Whether at the middle of each cone points that are not alike are pulled as they must be."""
    middle = units.sum(axis=1)
    on = np.maximum(middle @ problem.rows[batch.points].T, 0)
    gain = on @ problem.slopes[batch.points] + middle @ batch.base.T
    states = np.repeat(batch.states[None], len(units), axis=0)
    states[:, batch.points] = decided[0] * 1 - decided[1]
    alike = ((states == 1) & (ray.shares == 1)) | ((states == -1) & (ray.shares == 0))
    reach = np.abs(middle @ problem.rows.T) * np.asarray(ray.steep) * problem.scale
    return (alike | (gain @ problem.slopes.T + reach < 0)).all(axis=1)


def _belongs(units, heights, decided, batch, ray, problem):
    """Whether a cone is proved to be where what is known next to a ray holds."""
    states = batch.states.copy()
    states[batch.points] = decided[0] * 1 - decided[1]
    alike = ((states == 1) & (ray.shares == 1)) | ((states == -1) & (ray.shares == 0))
    others = np.flatnonzero(~alike)
    asked = problem.slopes[others]
    weights = asked @ problem.slopes[batch.points].T
    on = problem.rows[batch.points] @ units.sum(axis=0) > 0
    # slopes times g, from above, as in `_bounded`
    most = np.maximum(heights, 0) @ np.maximum(weights, 0).T
    most += heights @ (np.minimum(weights, 0) * on).T + units @ (asked @ batch.base).T
    steep = np.broadcast_to(ray.steep, ray.shares.shape)[others] * problem.scale
    if steep.any():
        reach = np.abs(units @ problem.rows[others].T) + 2 * problem.unsure[others]
        most += steep * reach * (1 + SPARE)
    return bool((most < -problem.margins[others]).all())


def _edges(units, heights, batch, problem):
    """How long edges count as: what is lost at their middles by bounds that are linear between
    their ends, and a part of their lengths, where the rows are long above all.
    """
    metric = np.linalg.norm(problem.rows, axis=0) ** 0.25
    ends = units * (metric / metric.max(initial=LEAST))
    found = PART * ((ends[:, :, None] - ends[:, None]) ** 2).sum(axis=3)
    lengths = np.linalg.norm(problem.slopes[batch.points], axis=1)
    for k, m in combinations(range(units.shape[1]), 2):
        one, two = heights[:, k], heights[:, m]
        lost = np.where((one > 0) != (two > 0), np.minimum(abs(one), abs(two)), 0.0)
        found[:, k, m] += lost @ lengths
    return np.triu(found, 1)


def _halves(cones, edges):
    """The halves of cones, bisected at the edges that count most; None if a middle is rounded."""
    B, r = cones.shape[:2]
    if r < 2 and B:
        return None  # there is no edge
    if not B:
        return cones
    k, m = np.divmod(edges.reshape(B, -1).argmax(axis=1), r)
    each = np.arange(B)
    ends = cones[each, k], cones[each, m]
    middle = 0.5 * (ends[0] + ends[1])
    if any((2 * middle - a != b).any() for a, b in (ends, ends[::-1])):
        return None
    halves = np.repeat(cones, 2, axis=0)
    halves[2 * each, k] = halves[2 * each + 1, m] = middle
    return halves


def _parted(batch, decided, problem, most):
    """A batch in parts of so many cones, each without the points that are alike in all of it."""
    found = []
    for start in range(0, len(batch.cones), most):
        part = slice(start, start + most)
        on, off = decided[:, part].all(axis=1)
        own, states = batch.points[on], batch.states.copy()
        states[own], states[batch.points[off]] = 1, -1
        base = batch.base + problem.slopes[own].T @ problem.rows[own]
        found.append(_Batch(batch.cones[part], batch.points[~(on | off)], base, states))
    return found
