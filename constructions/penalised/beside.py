r"""Units at rest beside active ones, into which these turn at no cost: that nothing else gains.

An active unit a attains :math:`|g| = \omega` at the direction of its (w, b). The point is a local
minimum all the same if every other direction gains less. With :math:`s_i` = 1 where a is on, 0
where it is off, and the part :math:`\mu_i / \delta_i` where it is on its kink, let
:math:`G = \sum_i s_i \lambda_i \tilde h_i^T`. It has :math:`\omega` as a singular value. If that is
the largest and simple, no other direction gains the decay in the cones in which
:math:`g \cdot \lambda_i \le 0` at all points at which the sign is not that of a (docs/trained.md,
"Beside active units"); else, in narrower ones, if what is added along the kinks makes it so. Units
with the masks and kinks of a are multiples of it then. All other directions are searched
(directions.py).
"""

import numpy as np
from scipy.linalg import qr

from constructions.critical.balls import (
    EPS,
    Balls,
    as_balls,
    has_full_column_rank,
    smallest_eigenvalue,
    stacked,
)
from constructions.penalised.directions import Ray, Searched, searched
from constructions.penalised.idle import read_and_slopes
from constructions.penalised.orbits import places_of_unit

BENT = (0.0, 0.125, 0.5, 2.0, 8.0, 32.0)  # of the decay: what forms are bent by, along kinks


def searched_beside(cell, found, theta, layer, units, decay, dependent=()):
    """Whether it is proved that no unit at rest in a layer gains the decay but as active ones.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls, with the multipliers, which are proved to lie inside of their bounds.
    theta : Balls, shape (P,)
    layer : int
        From 0.
    units : list of (int, int)
        Those that are at rest.
    decay : float
    dependent : collection of int, optional
        Numbers of kinks that depend on others of the same unit.

    Returns
    -------
    Searched
    """
    slopes, lifted = read_and_slopes(found, cell, layer)
    active = [u for u in range(cell.widths[layer + 1]) if (layer, u) not in units]
    known = np.isfinite(slopes.rad).all() and np.isfinite(lifted.rad).all()
    if not (active and known):
        return Searched()
    rays = []
    for u in active:
        shares = _shares(cell, found, layer, u)
        if shares is None or not _kinks_are_free(cell, found, layer, u, dependent):
            return Searched()
        own = theta[places_of_unit(cell, layer, u)]
        between = (shares.mid != 0) & (shares.mid != 1)
        steep = steepness(slopes, lifted, shares, between, own, decay)
        if steep is None:
            return Searched()
        pull = slopes.mid @ found.W[layer + 1].mid[:, u]
        rays.append(Ray(shares.mid, between | (pull > 0), steep))
    # what units at rest above read has no slope, their masks being off
    above = [u for u in range(slopes.shape[1]) if (layer + 1, u) not in units]
    return searched(slopes[:, above], lifted, rays, decay)


def _shares(cell, found, layer, unit):
    """What of the slope at each point counts for a unit, `Balls`; None if it is not all known.

    Points that are dead in the layer before count as one, as in `read_and_slopes`.
    """
    N = len(cell.masks[layer])
    shares, at_kink = Balls(cell.masks[layer][:, unit].astype(float)), np.zeros(N, bool)
    at_kink[[i for l, i, u in cell.kinks if (l, u) == (layer, unit)]] = True
    multipliers, rises = found.slopes[layer][:, unit], found.gains[layer][:, unit]
    dead = ~cell.masks[layer - 1].any(axis=1) if layer else np.zeros(N, bool)
    if dead.any():
        first = np.flatnonzero(dead)[:1]
        if at_kink[dead].any() != at_kink[dead].all():
            return None
        at_kink = np.append(at_kink[~dead], at_kink[first])
        shares = stacked([shares[~dead], shares[first]])
        sums = [part[dead].sum().reshape(1) for part in (multipliers, rises)]
        multipliers = stacked([multipliers[~dead], sums[0]])
        rises = stacked([rises[~dead], sums[1]])
    part = _quotients(multipliers[at_kink], rises[at_kink])
    if not ((part.lower > 0) & (part.upper < 1)).all():
        return None
    shares.mid[at_kink], shares.rad[at_kink] = part.mid, part.rad
    return shares


def steepness(slopes, lifted, shares, between, unit, decay):
    """How steep the loss must rise off kinks for a form to be below it that is positive.

    Parameters
    ----------
    slopes, lifted : Balls, shapes (N, Q), (N, D)
    shares : Balls, shape (N,)
        Of the slopes that count for the unit.
    between : ndarray of bool, shape (N,)
        Points on its kink, at which a share is between 0 and 1.
    unit : Balls, shape (D + Q,)
        (w, b, v).
    decay : float

    Returns
    -------
    ndarray, shape (N,), or None
        As in `Ray`; None if no form is proved to be positive across the unit.
    """
    weighted, kinks = slopes * shares.reshape(-1, 1), lifted[between]
    room = np.minimum(shares.lower[between], (1 - shares).lower[between])
    for part in BENT if between.any() else BENT[:1]:
        bends = part * decay / (kinks.mid**2).sum(axis=1)
        if is_simple(weighted, lifted, unit, decay, (kinks * bends.reshape(-1, 1)).T @ kinks):
            steep = np.zeros(len(shares))
            steep[between] = bends / room * (1 + 4 * EPS)
            return steep
    return None


def _quotients(some, others):
    """Quotients of positive balls; any number, where one is not proved to be positive."""
    positive = (some.lower > 0) & (others.lower > 0)
    with np.errstate(all="ignore"):
        low = np.nextafter(some.lower / others.upper, -np.inf)
        high = np.nextafter(some.upper / others.lower, np.inf)
    found = Balls.between(np.where(positive, low, 0.0), np.where(positive, high, 0.0))
    return Balls(found.mid, np.where(positive, found.rad, np.inf))


def _kinks_are_free(cell, found, layer, unit, dependent):
    """Whether as many rows of a unit's kinks are independent as span all of them near by.

    Kinks that depend on others of the unit do so near by as well. The others are orthogonal to its
    (w, b), of D entries, while they are on their kinks: D - 1 that are independent span them all.
    """
    free = [kink for j, kink in enumerate(cell.kinks) if j not in dependent]
    points = [i for l, i, u in free if (l, u) == (layer, unit)]
    read = as_balls(found.inputs[layer])
    # units at rest in the layer before are 0 at all points
    read = read[:, read.mid.any(axis=0) | read.rad.any(axis=0)]
    rows = stacked([read[points], Balls(np.ones((len(points), 1)))], axis=1)
    if len(points) >= rows.shape[1]:
        order = qr(rows.mid.T, mode="r", pivoting=True)[1]
        rows = rows[order[: rows.shape[1] - 1]]
    return has_full_column_rank(rows.T)


def is_simple(slopes, lifted, unit, decay, bend=None):
    """Whether the decay is proved to be the largest singular value of G, and a simple one.

    Parameters
    ----------
    slopes, lifted : Balls, shapes (n, Q), (n, D)
        Whose product is G: slopes times what of them counts for the unit.
    unit : Balls, shape (D + Q,)
        (w, b, v), at which decay |x|^2 + 2 v . G (w, b) and its derivative are known to be zero.
    decay : float
    bend : Balls, shape (D, D), optional
        Not negative, and zero at (w, b): twice its form is added, and the sum must be positive
        across the unit.
    """
    D, Q = lifted.shape[1], slopes.shape[1]
    G = slopes.T @ lifted
    zeros = Balls(np.zeros((D, D))), Balls(np.zeros((Q, Q)))
    # (w, b) and v have opposite signs: G (w, b) = -decay v
    M = stacked([stacked([zeros[0], G.T], axis=1), stacked([G, zeros[1]], axis=1)])
    M = M + Balls(decay * np.eye(D + Q))
    if bend is not None:
        M = M + _padded(bend * 2.0, Q)
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


def _padded(square, more):
    """A matrix in balls with so many rows and columns of zeros behind its own."""
    return Balls(np.pad(square.mid, (0, more)), np.pad(square.rad, (0, more)))
