r"""Points that a cell ties together, and the few of them that stand for all.

In a cell the outputs at all points with one pattern are one affine map of x, and at points that are
dead at some layer, one constant. So :math:`\sum_i \pi_i |F_i - y_i|^2` over a group is a constant,
what its best affine fit leaves, and a quadratic form in the outputs at a few points that span it.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import qr

from constructions.proof.exact import ball_matrix, rational_matrix

MOST_EXACT = 60_000  # numbers of a group whose rank is computed in rationals


class Group(NamedTuple):
    """Points with one pattern, or points that are dead at one layer and alike after it.

    Attributes
    ----------
    rows : ndarray of int
        Its points.
    chosen : ndarray of int
        Of these, those that stand for it: k points that span it.
    form : arb_mat, shape (k, k)
        The loss is `rest` and (f - fit)^T form (f - fit), for the outputs f at the chosen points.
    fit : list of list of arb, shape (k, K')
        The outputs there of the best affine map.
    rest : arb
        What that leaves.
    classes : list of int
        Those of its points.
    """

    rows: np.ndarray
    chosen: np.ndarray
    form: arb_mat
    fit: list
    rest: arb
    classes: list


def groups_of(points, masks):
    """The groups of a cell, or None if one is too large to be proved to be spanned.

    Parameters
    ----------
    points : Points
    masks : list of ndarray of float, shapes (N, d_l)

    Returns
    -------
    list of Group, or None
    """
    found = []
    for rows, dead in _tied(len(points.X), masks):
        lifted = np.ones((len(rows), 1))
        if not dead:
            lifted = np.column_stack([points.X[rows], lifted])
        group = _group(points, np.array(rows), lifted)
        if group is None:
            return None
        found.append(group)
    return found


def _tied(N, masks):
    """Rows of points that are tied together, and whether they are dead."""
    members = {}
    for i in range(N):
        dead = max((l for l, mask in enumerate(masks) if not mask[i].any()), default=-1)
        key = dead, b"".join((mask[i] > 0).tobytes() for mask in masks[dead + 1 :])
        members.setdefault(key, []).append(i)
    return [(rows, dead >= 0) for (dead, _), rows in members.items()]


def _group(points, rows, lifted):
    n, d = lifted.shape
    size = np.abs(lifted).max(axis=0)
    scaled = lifted / np.where(size > 0, size, 1)
    _, R, order = qr(scaled.T, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > 1e-10 * diagonal[0]).sum())
    if rank < min(n, d):
        if lifted.size > MOST_EXACT:
            return None
        if rational_matrix(lifted).rank() != rank:
            return None
    at = order[:rank]
    classes = sorted({q for i in rows for q in points.classes[i]})
    targets = [points.targets[i] for i in rows]
    weights = [points.weights[i] for i in rows]
    if rank == n:
        form = arb_mat(n, n, [weights[i] if i == j else 0 for i in range(n) for j in range(n)])
        return Group(rows, rows, form, targets, arb(0), classes)
    # columns in which the chosen points are independent
    _, _, columns = qr(scaled[at], mode="economic", pivoting=True)
    columns = np.sort(columns[:rank])
    try:
        shares = (
            ball_matrix(lifted[at][:, columns])
            .transpose()
            .solve(ball_matrix(lifted[:, columns]).transpose())
        )  # (k, n): each point as a combination of the chosen ones
        entries = shares.entries()
        scaled_shares = arb_mat(rank, n, [a * weights[i % n] for i, a in enumerate(entries)])
        form = scaled_shares * shares.transpose()
        fit = form.solve(scaled_shares * arb_mat(targets))
    except ZeroDivisionError:
        return None
    if len(classes) == 1:
        return Group(rows, rows[at], form, targets[:rank], arb(0), classes)
    values = (shares.transpose() * fit).tolist()
    rest = arb(0)
    for value, target, weight in zip(values, targets, weights, strict=True):
        gaps = [a - b for a, b in zip(value, target, strict=True)]
        rest += weight * sum((g * g for g in gaps), arb(0))
    return Group(rows, rows[at], form, fit.tolist(), rest, classes)
