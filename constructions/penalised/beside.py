r"""Units at rest beside active ones, into which these turn at no cost: that nothing else gains.

A unit a on no kink attains :math:`|g| = \omega` at the direction of its (w, b). The point is a
local minimum all the same if every other direction gains less, and if :math:`G_a = \sum_i
\lambda_i \tilde h_i^T`, over the points at which a is on, has :math:`\omega` as a simple singular
value (docs/trained.md, "Beside active units"); units with its masks are multiples of it then. In
the cell of a, where the points at which a is on are on and no others, the latter says it all. Cones
that are not inside of such a cell are bisected until a bound is below.
"""

from itertools import product

import numpy as np

from constructions.critical.balls import EPS, Balls, as_balls, smallest_eigenvalue, stacked
from constructions.penalised.idle import read_and_slopes
from constructions.penalised.orbits import places_of_unit

LARGEST = 6  # entries of (w, b) up to which cones are bisected
CONES = 40_000  # that are looked at
NUMBERS = 4_000_000  # heights that are held at once
SPARE = 1e-9  # beside rounding
TINY = np.finfo(float).tiny


def gains_elsewhere(cell, found, theta, layer, units, decay):
    """Whether it is not proved that no unit at rest in a layer gains the decay but as active ones.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls, with the multipliers.
    theta : Balls, shape (P,)
    layer : int
        From 0.
    units : list of (int, int)
        Those that are at rest.
    decay : float

    Returns
    -------
    bool
    """
    slopes, lifted = read_and_slopes(found, cell, layer)
    some = lifted.mid.any(axis=0) | lifted.rad.any(axis=0)
    active = [u for u in range(cell.widths[layer + 1]) if (layer, u) not in units]
    # on a kink a unit may gain as much, and has no cell
    on_kinks = {u for l, _, u in cell.kinks if l == layer}
    is_small = some.sum() <= LARGEST and np.isfinite(slopes.rad).all()
    if not (active and is_small and np.isfinite(lifted.rad).all()):
        return True
    if on_kinks.intersection(active):
        return True
    masks = np.array([_mask(cell, layer, u) for u in active]).astype(bool)
    for u, mask in zip(active, masks, strict=True):
        own = theta[places_of_unit(cell, layer, u)]
        if not is_simple(slopes[mask], lifted[mask], own, decay):
            return True
    return not all_below(slopes, lifted[:, some], masks, decay)


def _mask(cell, layer, unit):
    """Where a unit is on, points that are dead in the layer before counting as one."""
    mask = cell.masks[layer][:, unit]
    dead = ~cell.masks[layer - 1].any(axis=1) if layer else np.zeros(len(mask), bool)
    return np.append(mask[~dead], mask[dead][:1])


def is_simple(slopes, lifted, unit, decay):
    """Whether the decay is proved to be the largest singular value of G, and a simple one.

    Parameters
    ----------
    slopes, lifted : Balls, shapes (n, Q), (n, D)
        At the points at which the unit is on.
    unit : Balls, shape (D + Q,)
        (w, b, v), at which decay |x|^2 + 2 v . G (w, b) and its derivative are known to be zero.
    decay : float
    """
    D, Q = lifted.shape[1], slopes.shape[1]
    G = slopes.T @ lifted
    zeros = Balls(np.zeros((D, D))), Balls(np.zeros((Q, Q)))
    # (w, b) and v have opposite signs: G (w, b) = -decay v
    M = stacked([stacked([zeros[0], G.T], axis=1), stacked([G, zeros[1]], axis=1)])
    M = M + Balls(decay * np.eye(D + Q))
    size = np.linalg.norm(unit.mid)
    if not size > 0:
        return False
    Q_, _ = np.linalg.qr(np.column_stack([unit.mid / size, np.eye(D + Q)]))
    along = (as_balls(Q_[:, 0]) * unit).sum()
    across = Q_[:, 1:]
    # a vector in the span of the others has next to nothing along the first
    return bool(along.lower > size / 2 or along.upper < -size / 2) and bool(
        smallest_eigenvalue(as_balls(across.T) @ M @ across) > 0
    )


def all_below(slopes, lifted, masks, decay):
    """Whether each cone is in the cell of a mask, or what it gains is proved to be below the decay.

    Parameters
    ----------
    slopes, lifted : Balls, shapes (N, Q), (N, D)
    masks : ndarray of bool, shape (number of units, N)
    decay : float
    """
    rows, L = lifted.mid, slopes.mid
    N, D = rows.shape
    sums = np.abs(rows).sum(axis=1)
    unsure = lifted.rad.sum(axis=1) + 8 * (D + 8) * EPS * sums + TINY
    apart = slopes.rad.sum(axis=1) @ (sums + unsure) + np.abs(L).sum(axis=1) @ unsure
    apart += 64 * (N + D + L.shape[1]) * EPS * (np.abs(L).sum(axis=1) @ sums) + N * TINY
    lengths = np.linalg.norm(L / (np.abs(L).max() or 1.0), axis=1) * (np.abs(L).max() or 1.0)
    pairs = (L[:, :, None] * rows[:, None, :]).reshape(N, -1)
    todo = list(np.array(list(product([1.0, -1.0], repeat=D)))[:, :, None] * np.eye(D))
    most, seen = max(NUMBERS // (N * D), 1), 0
    while todo:
        cones, todo = np.array(todo[-most:]), todo[:-most]
        seen += len(cones)
        if seen > CONES:
            return False
        units = cones / np.linalg.norm(cones, axis=2, keepdims=True)
        heights = units @ rows.T
        on, off = (heights > unsure).all(axis=1), (heights < -unsure).all(axis=1)
        inside = np.zeros(len(cones), bool)
        for mask in masks:
            inside |= np.where(mask, on, off).all(axis=1)
        open_ = ~(on | off)
        # relu(z) = z / 2 + |z| / 2 where the sign is open, and |z| is convex
        A = ((on + 0.5 * open_) @ pairs).reshape(len(cones), L.shape[1], D)
        level = np.linalg.norm(units @ A.transpose(0, 2, 1), axis=2)
        level += 0.5 * np.einsum("nki,ni->nk", np.abs(heights), open_ * lengths)
        dots = units @ units.transpose(0, 2, 1)
        # a vector of length 1 is a sum of c_k of these, with sum c_k at most 1 / sqrt(least dot)
        least = dots.min(axis=(1, 2))
        bound = (level.max(axis=1) + apart) / np.sqrt(np.maximum(least * (1 - 1e-12), 1e-300))
        left = ~(inside | (bound * (1 + SPARE) < decay))
        halves = _halves(cones[left], dots[left])
        if halves is None:
            return False
        todo += halves
    return True


def _halves(cones, dots):
    """The halves of cones, bisected at their longest edges; None if a middle is rounded."""
    found = []
    if cones.shape[1] == 1 and len(cones):
        return None  # there is no edge
    for cone, dot in zip(cones, dots, strict=True):
        k, m = np.unravel_index(dot.argmin(), dot.shape)
        middle = 0.5 * (cone[k] + cone[m])
        if (2 * middle - cone[k] != cone[m]).any() or (2 * middle - cone[m] != cone[k]).any():
            return None
        for place in (k, m):
            half = cone.copy()
            half[place] = middle
            found.append(half)
    return found
