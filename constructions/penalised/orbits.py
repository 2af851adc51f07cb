r"""The symmetries that are left with weight decay: units of one layer that mix by rotations.

Units with equal masks and equal kinks may be mixed by any orthogonal Q at no cost: (W, b) of
these units becomes Q (W, b), and the columns that read them V becomes V Q^T. The outputs of the
masked network stay, and so does the norm of the parameters.
"""

import numpy as np
from scipy.linalg import qr

from constructions.critical.balls import Balls

FLAT = (1e-9, 1e-6, 1e-3)  # below one of these parts of all parameters a tangent is none


def classes_of(cell, idle=()):
    """Units that mix: lists of the places of each unit's (w, b, v) in the vector of parameters.

    Parameters
    ----------
    cell : Cell
    idle : sequence of (int, int), optional
        Layer and unit of those that are left out.

    Returns
    -------
    list of list of ndarray of int
    """
    found = []
    for l, mask in enumerate(cell.masks):
        alike = {}
        for u in range(mask.shape[1]):
            if (l, u) not in idle:
                points = sorted(i for layer, i, unit in cell.kinks if (layer, unit) == (l, u))
                alike.setdefault((mask[:, u].tobytes(), tuple(points)), []).append(u)
        found += [[places_of_unit(cell, l, u) for u in units] for units in alike.values()]
    return [units for units in found if len(units) > 1]


def planes_of(classes, theta, least):
    """Planes of two units each whose tangents span those of all rotations.

    Rotations of k units move an array V of k rows (w, b, v) by A V, A antisymmetric. If r rows
    span the others, so do the A in planes with one of these r rows, and their A V are independent.

    Parameters
    ----------
    classes : list of list of ndarray of int
    theta : ndarray, shape (P,)
    least : float
        A row counts as spanned if it is no farther than this from the others.

    Returns
    -------
    list of (ndarray of int, ndarray of int)
    """
    planes = []
    for units in classes:
        _, R, order = qr(theta[np.array(units)].T, mode="economic", pivoting=True)
        r = int((np.abs(np.diag(R)) > least).sum())
        ranked = [units[j] for j in order]
        planes += [(a, b) for j, a in enumerate(ranked[:r]) for b in ranked[j + 1 :]]
    return planes


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
    free = are_free(cell, idle)
    whole, classes, slices = np.eye(len(theta))[:, free], classes_of(cell, idle), {}
    for flat in FLAT if classes else FLAT[:1]:
        planes = planes_of(classes, theta, flat * np.linalg.norm(theta))
        if not planes:
            slices[0] = whole, []
        elif len(planes) not in slices:
            Q = qr(tangents(Balls(theta), planes).mid[free])[0]
            slices[len(planes)] = whole @ Q[:, len(planes) :], planes
    return list(slices.values())
