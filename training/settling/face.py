r"""What a critical point on kinks leaves open: faces, kinks that hold nothing, and saddles.

A face is the set of parameters on which some pairs of a point and a unit stay on their kink, where the
loss is smooth.
"""

from itertools import product

import numpy as np

from training.settling.bfgs import bfgs
from training.settling.newton import least_multipliers, solved
from training.settling.problem import height_rows, hessian, jacobian, lagrangian

WEAK = 1e-9  # a multiplier that is no nearer to the middle of its bounds holds nothing
NEAR = 1e-8  # a pair that is nearer to its kink, relative to its size, is in the way of a proof
MOST_FREE = 4  # pairs that may be left to both sides, all ways of which are tried
STEPS = (0.3, 0.1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4)
RANK = 1e-9
NEGATIVE = 1e-9  # of the largest eigenvalue


def retracted(problem, theta, kinks):
    """Parameters with the pairs on their kink: each unit moved no farther than it must."""
    theta = theta.copy()
    tensors, read, points = problem.tensors(theta), problem.X, {}
    for l, i, u in kinks:
        points.setdefault((l, u), []).append(i)
    for l, (W, b) in enumerate(zip(tensors[:-2:2], tensors[1:-2:2], strict=True)):
        own = {u: at for (layer, u), at in points.items() if layer == l}
        for u, at in own.items():
            rows = np.column_stack([read[at], np.ones(len(at))])
            unit = np.append(W[u], b[u])
            unit -= np.linalg.lstsq(rows, rows @ unit, rcond=1e-12)[0]
            W[u], b[u] = unit[:-1], unit[-1]
        value = read @ W.T + b
        for u, at in own.items():
            value[at, u] = 0.0
        read = np.maximum(value, 0)
    return theta


def along_face(problem, theta, kinks, iterations, stop):
    """Descend on the face of some kinks, and leave those whose multiplier is out of bounds.

    Returns
    -------
    (ndarray, list of (int, int, int))
        Parameters and the kinks that are left.
    """
    kinks = list(kinks)
    for _ in range(len(kinks) + 1):
        theta = retracted(problem, theta, kinks)
        on_face = _OnFace(problem, kinks)
        found = bfgs(
            on_face,
            theta,
            iterations=iterations,
            small=1e-12,
            retract=on_face.retract,
            stop=lambda n, theta, loss, slope, face=on_face: (
                stop(n) or np.linalg.norm(slope) < 0.1 * face.excess.max(initial=0.0)
            ),
        )
        theta = found.theta
        on_face(theta)
        if not kinks or not on_face.excess.max() > 0 or stop(0):
            break
        del kinks[int(np.argmax(on_face.excess))]
    return theta, kinks


class _OnFace:
    """The loss and the gradient of the Lagrangian, and how far multipliers are out of bounds."""

    def __init__(self, problem, kinks):
        self.problem, self.kinks, self.excess = problem, kinks, np.zeros(0)

    def retract(self, theta):
        return retracted(self.problem, theta, self.kinks) if self.kinks else theta

    def __call__(self, theta):
        if not self.kinks:
            return self.problem.loss_and_gradient(theta)
        cell = self.problem.cell(self.problem.masks(theta, self.kinks), self.kinks)
        mu = least_multipliers(cell, theta)
        slope, _, rises, _ = lagrangian(cell, theta, mu)
        self.excess = np.maximum(-mu, mu - rises)
        return self.problem.loss(theta), slope


def row_space(rows):
    """(orthonormal columns that span the row space, those that span its complement)."""
    size = np.linalg.norm(rows, axis=1)
    rows = rows[size > 0] / size[size > 0, None]
    if not len(rows):
        return np.zeros((rows.shape[1], 0)), np.eye(rows.shape[1])
    _, s, Vt = np.linalg.svd(rows)
    rank = int((s > RANK * s[0]).sum())
    return Vt[:rank].T, Vt[rank:].T


def slice_of(problem, point):
    """The Hessian of the Lagrangian, the derivatives of outputs and of heights at a point."""
    cell = problem.cell(point.masks, point.kinks)
    found = lagrangian(cell, point.theta, point.multipliers)[3]
    J = jacobian(cell, found)
    return hessian(cell, found, J), J, height_rows(cell, found)


def lower_than_saddle(problem, point):
    """Parameters with a lower loss next to a saddle; None if it is none."""
    H, _, Z = slice_of(problem, point)
    T = row_space(Z)[1]
    if not T.shape[1]:
        return None
    w, U = np.linalg.eigh(T.T @ H @ T)
    if not w[0] < -NEGATIVE * max(1.0, np.abs(w).max()):
        return None
    direction = T @ U[:, 0]
    for length, sign in product(10.0 ** np.arange(-0.5, -6, -0.5), (1, -1)):
        theta = retracted(problem, point.theta + sign * length * direction, point.kinks)
        if problem.loss(theta) < point.loss - 1e-15:
            return theta
    return None


def without_weak_kinks(problem, point, near, seen=6):
    """The same outputs, without kinks that hold nothing: left along a direction that costs nothing.

    Parameters
    ----------
    problem : Problem
    point : Critical
        A sound one.
    near : callable
        Of parameters, gives the pairs nearer to their kink than `NEAR`.

    Returns
    -------
    Critical
        A sound one; the given one if there is no such direction.
    """
    for _ in range(seen):
        other = _left(problem, point, near)
        if other is None:
            break
        point = other
    return point


def _left(problem, point, near):
    """A sound point some of whose weak kinks are left, or None."""
    mu, rises = point.multipliers, point.rises
    weak = [j for j, room in enumerate(point.room) if room < WEAK]
    strict = [kink for j, kink in enumerate(point.kinks) if j not in weak]
    # (pair, whether it may go off, whether it may go on)
    sides = [(point.kinks[j], abs(mu[j]) < WEAK, abs(rises[j] - mu[j]) < WEAK) for j in weak]
    sides += [(kink, True, True) for kink in near(point.theta) if kink not in point.kinks]
    if not sides:
        return None
    free = [t for t, (_, off, on) in enumerate(sides) if off and on][:MOST_FREE]
    for code in product((False, True), repeat=len(free)):
        goes_on = np.array([not off for _, off, _ in sides])
        goes_on[free] = code
        found = _to_sides(problem, point, strict, [kink for kink, _, _ in sides], goes_on)
        if found is not None:
            return found
    return None


def _to_sides(problem, point, strict, leaving, goes_on):
    """A sound point with some kinks left, each to its side; None if there is none near."""
    masks = [mask.copy() for mask in problem.masks(point.theta, point.kinks)]
    for (l, i, u), on in zip(leaving, goes_on, strict=True):
        masks[l][i, u] = float(on)
    cell = problem.cell(masks, strict)
    found = lagrangian(cell, point.theta, np.zeros(len(strict)))[3]
    rows = np.vstack([jacobian(cell, found), height_rows(cell, found)])
    T = row_space(rows)[1]
    away = height_rows(cell, found, leaving) @ T * np.where(goes_on, 1.0, -1.0)[:, None]
    direction = np.linalg.lstsq(away, np.ones(len(leaving)), rcond=1e-6)[0]
    if not len(direction) or (away @ direction).min() < 0.5:
        return None
    direction = T @ direction
    direction /= np.linalg.norm(direction)
    for length in STEPS:
        other = solved(problem, point.theta + length * direction, strict, masks)
        far = np.linalg.norm(other.theta - point.theta) > 0.5 + 10 * length
        if other.is_sound(point.loss) and not far:
            return other
    return None
