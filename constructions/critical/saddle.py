r"""Ways down from an exact critical point: along its kinks, or over one of them.

At a point where :math:`\nabla C + \sum_a \mu_a \nabla z_a = 0`, :math:`z_A = 0` and the
:math:`\nabla z_a` are independent, the loss falls along a curve on :math:`\{z_A = 0\}` if the
Hessian of the Lagrangian is negative on a vector of the kernel of Dz_A, and at first order over
the kink a, to one side, if :math:`\mu_a < 0` or :math:`\mu_a > \delta_a` (docs/trained.md).
"""

import numpy as np

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, as_balls, row_sums, stacked

FLAT = 1e-9  # an eigenvalue above -FLAT times the largest one is not looked at


def curvature_down(H, G):
    r"""A direction in the kernel of G along which H is proved to be negative.

    A float vector v is corrected to :math:`v - W c` with :math:`G W c = G v`, for W a float
    right inverse of G; :math:`|c|_\infty \le |G v|_\infty / (1 - \|1 - G W\|_\infty)`.

    Parameters
    ----------
    H : Balls, shape (P, P)
        Symmetric.
    G : Balls, shape (k, P)
        Of rank k.

    Returns
    -------
    (ndarray of shape (P,), float) or None
        The vector, of length 1 but for rounding, and an upper bound of the quadratic form there,
        negative. None if nothing is proved.
    """
    if not (np.isfinite(H.mid).all() and np.isfinite(G.mid).all()):
        return None
    k = len(G)
    Q, R = np.linalg.qr(G.mid.T, mode="complete")
    kernel = Q[:, k:]
    if not kernel.shape[1]:
        return None
    try:
        W = Q[:, :k] @ np.linalg.inv(R[:k].T)
        values, vectors = np.linalg.eigh(kernel.T @ (H.mid + H.mid.T) @ kernel / 2)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(W).all():
        return None
    if not values[0] < -FLAT * np.abs(H.mid).max():
        return None
    v = kernel @ vectors[:, 0]
    exact = as_balls(v)
    if k:
        left = 1.0 - row_sums((np.eye(k) - G @ W).largest).max()
        if not left > 0:
            return None
        size = (G @ v).largest.max() / left * (1 + 1e-12)  # room for these three roundings
        exact = v - as_balls(W) @ Balls(np.zeros(k), np.full(k, size))
    bend = float((exact @ H @ exact).upper)
    return (v, bend) if bend < 0 else None


def sides_down(kinks):
    """Kinks over which the loss is proved to fall, and to which side.

    Parameters
    ----------
    kinks : list of (Balls, Balls)
        Multiplier and rise of each.

    Returns
    -------
    list of (int, float)
        Number of the kink, and -1.0 or 1.0, the sign of the pre-activation there.
    """
    found = []
    for j, (multiplier, rise) in enumerate(kinks):
        if multiplier.upper < 0:
            found.append((j, -1.0))
        if (rise - multiplier).upper < 0:
            found.append((j, 1.0))
    return found


def signs_of(whole, multipliers, rises):
    """Whether all multipliers are proved to be inside of their bounds, and over which kinks not.

    Parameters
    ----------
    whole : Everything
    multipliers : Balls, shape (number of kinks,)
    rises : list of Balls

    Returns
    -------
    inside : bool
    sides : list of (list of int, float)
        Kinks that are one, and the side to which the loss is proved to fall over them.
    """
    risen = stacked([rise.reshape(1) for rise in rises]) if rises else None
    alike = [(multipliers[part].sum(), risen[part].sum()) for part in whole.alike]
    inside = all(m.lower > 0 and (rise - m).lower > 0 for m, rise in alike)
    # with kinks that depend on each other, multipliers beyond their bounds say nothing
    sides = sides_down(alike) if len(alike) == len(whole.free) else []
    return inside, [(whole.alike[j], side) for j, side in sides]


def way_over(cell, theta, alike, side):
    """A direction that takes kinks that are one to a side and leaves the others where they are.

    In floating point: what other kinks read changes when the unit goes on.

    Parameters
    ----------
    cell : Cell
        In balls.
    theta : ndarray, shape (P,)
    alike : list of int
        Numbers of these kinks.
    side : float

    Returns
    -------
    ndarray, shape (P,)
        Of length 1.
    """
    if side > 0:
        masks = [mask.copy() for mask in cell.masks]
        for l, i, u in (cell.kinks[j] for j in alike):
            masks[l][i, u] = 1.0
        cell = cell._replace(masks=masks)
    rows = calculus.height_rows(cell, calculus.forwards(cell, as_balls(theta))).mid
    wanted = side * np.isin(np.arange(len(rows)), alike)
    way = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return way / np.linalg.norm(way)
