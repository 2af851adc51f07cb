"""What a critical point on kinks leaves open: kinks that hold nothing, and saddles."""

from itertools import combinations, product

import numpy as np
from scipy.linalg import qr

from constructions.critical import cell as calculus
from constructions.critical.spans.slices import plain_basis
from training.settling.derivatives import (
    height_rows,
    hessian,
    jacobian,
    lagrangian,
    rooted,
)
from training.settling.problem import scale_of

WEAK = 1e-9  # a multiplier that is no nearer to the middle of its bounds holds nothing
MOST_FREE = 4  # kinds of pairs that may be left to both sides, all ways of which are tried
RANDOM = 8  # of more kinds, as many ways
STEPS = (0.1, 1e-2, 1e-3, 1e-4)
RANK = 1e-9
DEPENDENT = 1e-4  # what a unit reads at its kinks, the least singular value to the largest
ONTO = 4  # steps of Newton's method
EIGEN_RANK = 1e-7  # squares of smaller singular values are lost among the eigenvalues
MANY = 2  # rows for each parameter, of which a triangle is made first
MOVES = 1e-7  # of the size of a row
NEGATIVE = 1e-9  # of the largest eigenvalue


def retracted(problem, theta, kinks):
    """Parameters with the pairs on their kink: each unit moved no farther than it must.

    Where what a unit reads at its kinks nearly depends on each other, that would be far; then all
    layers move together, as little as they must.
    """
    theta, start = theta.copy(), theta
    tensors, read, points = problem.tensors(theta), problem.X, {}
    for l, i, u in kinks:
        points.setdefault(l, {}).setdefault(u, []).append(i)
    for l, (W, b) in enumerate(zip(tensors[:-2:2], tensors[1:-2:2], strict=True)):
        own = points.get(l, {})
        lone = np.array([u for u, at in own.items() if len(at) == 1], int)
        if len(lone):  # all at once: most units are on one kink, if on any
            rows = read[[own[u][0] for u in lone]]
            height = np.einsum("ij,ij->i", rows, W[lone]) + b[lone]
            share = height / (np.einsum("ij,ij->i", rows, rows) + 1)
            W[lone] -= share[:, None] * rows
            b[lone] -= share
        for u, at in own.items():
            if len(at) > 1:
                rows = np.column_stack([read[at], np.ones(len(at))])
                unit = np.append(W[u], b[u])
                step, _, rank, size = np.linalg.lstsq(rows, rows @ unit, rcond=1e-12)
                if l and size[rank - 1] < DEPENDENT * size[0]:
                    return _onto_kinks(problem, start, kinks)
                unit -= step
                W[u], b[u] = unit[:-1], unit[-1]
        value = read @ W.T + b
        for u, at in own.items():
            value[at, u] = 0.0
        read = np.maximum(value, 0)
    return theta


def _onto_kinks(problem, theta, kinks):
    """Parameters with the pairs on their kink, by Newton's method with the shortest steps."""
    for _ in range(ONTO):
        cell = problem.cell(problem.masks(theta, kinks), kinks)
        found = calculus.forwards(cell, theta)
        heights = np.array([found.values[l][i, u] for l, i, u in kinks])
        Z = height_rows(cell, found)
        if not (np.isfinite(heights).all() and np.isfinite(Z).all()):
            break  # such a step is refused for its loss
        theta = theta - np.linalg.lstsq(Z, heights, rcond=RANK)[0]
    return theta


def row_space(rows, *, least=RANK):
    """(orthonormal columns that span the row space, those that span its complement).

    What of a row is left by the longest others counts as zero below `least`, of rows of length 1.
    """
    size = np.linalg.norm(rows, axis=1)
    rows = rows[size > 0] / size[size > 0, None]
    if not len(rows):
        return np.zeros((rows.shape[1], 0)), np.eye(rows.shape[1])
    if len(rows) > MANY * rows.shape[1]:  # without pivots, most of it is products of matrices
        rows = np.linalg.qr(rows, mode="r")
    Q, R, _ = qr(rows.T, mode="full", pivoting=True, check_finite=False)
    rank = int((np.abs(np.diag(R)) > least * abs(R[0, 0])).sum())
    return Q[:, :rank], Q[:, rank:]


def slice_of(problem, point):
    """At a point, the Hessian of the Lagrangian, what counts, and the derivatives of heights.

    What counts are the directions in which the loss of outputs bends, or, with weight decay, all
    but those in which units with the same masks mix, at no cost.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        Shapes (P, P), (P, number of directions), orthonormal columns, and (number of kinks, P).
    """
    cell = problem.cell(point.masks, point.kinks)
    found = lagrangian(cell, point.theta, point.multipliers)[3]
    J, Z = jacobian(cell, found), height_rows(cell, found)
    H, scale = hessian(cell, found), scale_of(problem)
    if problem.decay:
        return H, row_space(mixings(problem, point))[1], Z
    return H, row_space(np.vstack([rooted(cell, found, J), Z]) * scale, least=EIGEN_RANK)[0], Z


def mixings(problem, point):
    """Directions in which two units of a layer turn into each other, shape (number, P).

    With equal masks and kinks that changes no output and no norm.
    """
    tensors, rows = problem.tensors(point.theta), []
    own = {}
    for l, i, u in point.kinks:
        own.setdefault((l, u), []).append(i)
    for l, mask in enumerate(point.masks):
        alike = {}
        for u in range(mask.shape[1]):
            key = mask[:, u].tobytes(), tuple(sorted(own.get((l, u), ())))
            alike.setdefault(key, []).append(u)
        for units in alike.values():
            for u, v in combinations(units, 2):
                row = np.zeros(len(point.theta))
                parts = problem.tensors(row)
                for t in (2 * l, 2 * l + 1):
                    parts[t][u], parts[t][v] = tensors[t][v], -tensors[t][u]
                into, out = parts[2 * l + 2], tensors[2 * l + 2]
                into[:, u], into[:, v] = out[:, v], -out[:, u]
                rows.append(row)
    return np.array(rows).reshape(len(rows), len(point.theta))


def lower_than_saddle(problem, point):
    """Parameters with a lower loss next to a saddle; None if it is none."""
    cell = problem.cell(point.masks, point.kinks)
    found = lagrangian(cell, point.theta, point.multipliers)[3]
    H, T = hessian(cell, found), row_space(height_rows(cell, found))[1]
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


def without_weak_kinks(problem, point, near, finish, seen=6):
    """The same outputs, without kinks that hold nothing: left along a direction that costs nothing.

    Parameters
    ----------
    problem : Problem
    point : Critical
        A sound one.
    near : callable
        Of parameters, gives pairs that are near to their kink.
    finish : callable
        Of parameters, kinks and masks, gives a `Critical` or None.

    Returns
    -------
    Critical
        A sound one; the given one if there is no such direction.
    """
    for _ in range(seen):
        other = _left(problem, point, near, finish)
        if other is None:
            break
        point = other
    return point


def _left(problem, point, near, finish):
    """A sound point some of whose weak kinks are left, or None."""
    if problem.decay:  # no direction costs nothing
        return None
    mu, rises = point.multipliers, point.rises
    weak = [j for j, room in enumerate(point.room) if room < WEAK]
    strict = [kink for j, kink in enumerate(point.kinks) if j not in weak]
    # (pair, whether it may go off, whether it may go on)
    sides = [(point.kinks[j], abs(mu[j]) < WEAK, abs(rises[j] - mu[j]) < WEAK) for j in weak]
    sides += [(kink, True, True) for kink in near(point.theta) if kink not in point.kinks]
    masks = problem.masks(point.theta, [*point.kinks, *(kink for kink, _, _ in sides)])
    for (l, i, u), off, _ in sides:  # on the side where the slope vanishes
        masks[l][i, u] = float(not off)
    rows, away = _flat(problem, point, strict, [kink for kink, _, _ in sides], masks)
    # outputs may fix the height of a kink, which then cannot be left
    moves = np.linalg.norm(away, axis=1) > MOVES * np.linalg.norm(rows, axis=1)
    sides = [side for side, can_move in zip(sides, moves, strict=True) if can_move]
    if not sides:
        return None
    leaving = [kink for kink, _, _ in sides]
    goes_on = np.array([not off for _, off, _ in sides])
    free = [t for t, (_, off, on) in enumerate(sides) if off and on]
    for code in _ways(away[moves][free]):
        goes_on[free] = code
        found = _to_sides(problem, point, strict, leaving, goes_on, finish)
        if found is not None:
            return found
    return None


def _flat(problem, point, strict, leaving, masks):
    """How kinks move, and how in the directions in which neither outputs nor strict kinks do."""
    cell = problem.cell(masks, strict)
    found = lagrangian(cell, point.theta, np.zeros(len(strict)))[3]
    held = np.vstack([rooted(cell, found, jacobian(cell, found)), height_rows(cell, found)])
    size = np.linalg.norm(held, axis=1, keepdims=True)
    basis = plain_basis(held / np.maximum(size, 1e-300))
    basis = row_space(held)[0] if basis is None else basis
    rows = height_rows(cell, found, leaving)
    away = rows
    for _ in range(2):
        away = away - (away @ basis) @ basis.T
    return rows, away


def _ways(away):
    """To which sides kinks may go, arrays of bool: all ways, or those of some random directions.

    Kinks that move alike in all directions, as those of one unit at points that look alike to it,
    go together.
    """
    away = away / np.maximum(np.linalg.norm(away, axis=1), 1e-300)[:, None]
    cosines, owner = away @ away.T, np.arange(len(away))
    for t in range(len(away)):
        owner[t] = int(np.argmax(np.abs(cosines[t, : t + 1]) > 1 - 1e-9))
    kinds = np.unique(owner)
    sign = cosines[np.arange(len(away)), owner] < 0
    if len(kinds) <= MOST_FREE:
        for code in product((False, True), repeat=len(kinds)):
            yield np.array(code, dtype=bool)[np.searchsorted(kinds, owner)] ^ sign
        return
    rng = np.random.default_rng(0)
    for _ in range(RANDOM):
        yield away @ rng.standard_normal(away.shape[1]) > 0


def _to_sides(problem, point, strict, leaving, goes_on, finish):
    """A sound point with some kinks left, each to its side; None if there is none near."""
    masks = problem.masks(point.theta, point.kinks)
    for (l, i, u), on in zip(leaving, goes_on, strict=True):
        masks[l][i, u] = float(on)
    rows, away = _flat(problem, point, strict, leaving, masks)
    away = away * np.where(goes_on, 1.0, -1.0)[:, None]
    size = np.linalg.norm(away, axis=1)
    if not (size > MOVES * np.linalg.norm(rows, axis=1)).all():
        return None
    direction = np.linalg.lstsq(away / size[:, None], np.ones(len(leaving)), rcond=1e-6)[0]
    if not (away @ direction > 0.1 * size).all():
        return None
    direction /= np.linalg.norm(direction)
    nearest = None
    for length in (STEPS[-1], *STEPS[:-1]):  # what fails next to the point fails farther away
        other = finish(point.theta + length * direction, strict, masks)
        far = np.inf if other is None else np.linalg.norm(other.theta - point.theta)
        if other is not None and other.is_sound(point.loss) and far <= 0.5 + 10 * length:
            if nearest is not None:
                return other
            nearest = other
        elif nearest is None:
            break
    return nearest
