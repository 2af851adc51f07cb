r"""The symmetries that are left with weight decay: units of one layer that mix by rotations.

Units with equal masks and equal kinks may be mixed by any orthogonal Q at no cost: (W, b) of
these units becomes Q (W, b), and the columns that read them V becomes V Q^T. The outputs of the
masked network stay, and so does the norm of the parameters.
"""

import numpy as np
from scipy.linalg import qr

from constructions.critical.balls import Balls

FLAT = (1e-9, 1e-6, 1e-3)  # below one of these parts of all parameters a tangent is none


def rotations(cell, idle=()):
    """The planes in which units can be turned, as pairs of what each plane's two units are.

    Parameters
    ----------
    cell : Cell
    idle : sequence of (int, int), optional
        Layer and unit of those that are left out.

    Returns
    -------
    list of (ndarray of int, ndarray of int)
        Places of (w, b, v) of either unit in the vector of parameters.
    """
    found = []
    for l, mask in enumerate(cell.masks):
        alike = {}
        for u in range(mask.shape[1]):
            if (l, u) in idle:
                continue
            points = sorted(i for layer, i, unit in cell.kinks if (layer, unit) == (l, u))
            alike.setdefault((mask[:, u].tobytes(), tuple(points)), []).append(u)
        for units in alike.values():
            places = [places_of_unit(cell, l, u) for u in units]
            found += [(a, b) for k, a in enumerate(places) for b in places[k + 1 :]]
    return found


def places_of_unit(cell, layer, unit):
    """Where (w, b, v) of a hidden unit are: its weights, its bias, and what reads it."""
    n, m, after = cell.widths[layer : layer + 3]
    at_W, at_b = cell.places[layer]
    return np.concatenate(
        [
            at_W.start + unit * n + np.arange(n),
            [at_b.start + unit],
            cell.places[layer + 1][0].start + unit + m * np.arange(after),
        ]
    )


def tangents(theta, planes):
    """Directions in which parameters move when units are turned.

    Parameters
    ----------
    theta : Balls, shape (P,)
    planes : list of (ndarray of int, ndarray of int)

    Returns
    -------
    Balls, shape (P, number of planes)
    """
    mid, rad = np.zeros((2, len(theta), len(planes)))
    for j, (a, b) in enumerate(planes):
        mid[a, j], rad[a, j] = theta.mid[b], theta.rad[b]
        mid[b, j], rad[b, j] = -theta.mid[a], theta.rad[a]
    return Balls(mid, rad)


def are_free(cell, idle):
    """Which parameters are not those of units at rest, ndarray of bool, shape (P,)."""
    free = np.ones(cell.places[-1][1].stop, bool)
    for l, u in idle:
        free[places_of_unit(cell, l, u)] = False
    return free


def slices_across(cell, theta, idle=()):
    """Orthonormal columns across the orbit, and the planes whose tangents span the rest.

    How many tangents are independent at the exact point, of units that are nearly multiples of
    each other say, parameters near by do not tell for sure: all that they may be are given.

    Parameters
    ----------
    cell : Cell
    theta : ndarray, shape (P,)
    idle : sequence of (int, int), optional
        Layer and unit of those that stay as they are.

    Returns
    -------
    list of (ndarray, shape (P, r), list of planes)
        As many planes as are missing to the number of parameters that may move.
    """
    planes, free = rotations(cell, idle), are_free(cell, idle)
    whole = np.eye(len(theta))[:, free]
    if not planes:
        return [(whole, [])]
    T = tangents(Balls(theta), planes).mid[free]
    Q, R, order = qr(T, pivoting=True)
    size = np.abs(np.diag(R))
    counts = [int((size > flat * np.linalg.norm(theta)).sum()) for flat in FLAT]
    return [(whole @ Q[:, q:], [planes[j] for j in order[:q]]) for q in dict.fromkeys(counts)]
