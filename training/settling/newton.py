r"""Newton's method for critical points on kinks, where flat directions make the system singular.

With A the pairs of a point and a unit on their kink, the unknowns are the parameters and one
multiplier for each of A:

.. math:: \nabla C + \sum_a \mu_a \nabla z_a = 0, \qquad z_A = 0 .

Steps are the shortest ones, small eigenvalues being cut off where that leaves the least residual.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.critical.points import BITS, exactly
from constructions.proof.exact import precision
from training.settling.derivatives import height_rows, hessian, lagrangian

CUTS = 10.0 ** np.arange(-14, -2)
ROUNDS = 30
ENOUGH = 1e-2  # of a residual after a step: no longer one is tried
RESIDUAL = 1e-9
ROUNDING = 3e-16  # of outputs of a network of norm 1
CONVERGED = 1e-11  # of the norm of the parameters: a last step
LEAST_NORM = 1e-3  # of parameters that steps are compared with, in the units of the problem
POLISHED = 12
FLAT = 1e-14  # a slope, in the units of the problem
FAR = 1e-4  # of the norm of the parameters: a first step
SIGN = 1e-11  # how far a multiplier may be outside of its bounds by rounding


class Critical(NamedTuple):
    """Parameters next to a critical point on some kinks.

    Attributes
    ----------
    theta : ndarray, shape (P,)
    kinks : list of (int, int, int)
        Layer from 0, point and unit.
    multipliers, rises : ndarray, shape (number of kinks,)
    masks : list of ndarray
        Of the cell in which the system was solved.
    residual : float
        Norm of the system, in the units of the problem.
    loss : float
        Of the network itself.
    is_inside : bool
        Whether all units are on and off as the masks say.
    is_fitted : bool
        Whether it was found by its outputs, which are the best fits of their cell.
    """

    theta: np.ndarray
    kinks: list
    multipliers: np.ndarray
    rises: np.ndarray
    masks: list
    residual: float
    loss: float
    is_inside: bool
    is_fitted: bool = False

    @property
    def room(self):
        """How far inside of its bounds each multiplier is, an array."""
        return np.minimum(self.multipliers, self.rises - self.multipliers)

    def is_sound(self, most):
        """Whether signs, masks and loss are those of a critical point, and the system nearly."""
        size = 1 + self.theta @ self.theta
        return bool(
            self.residual <= RESIDUAL
            and self.is_inside
            and (self.room >= -SIGN).all()
            and np.sqrt(self.loss) <= np.sqrt(most) * (1 + 1e-12) + ROUNDING * size
        )


def least_multipliers(cell, theta):
    """The multipliers that bring the gradient of the Lagrangian nearest to zero."""
    if not cell.kinks:
        return np.zeros(0)
    slope, _, _, found = lagrangian(cell, theta, np.zeros(len(cell.kinks)))
    return np.linalg.lstsq(height_rows(cell, found).T, -slope, rcond=1e-12)[0]


def _never(_):
    return False


def solved(problem, theta, kinks, masks=None, *, stop=_never):
    """Go to where the system vanishes, a `Critical`, which need not be sound.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (P,)
    kinks : list of (int, int, int)
    masks : list of ndarray, optional
        Default those at `theta`.
    stop : callable
        Of the number of steps; true ends them.
    """
    masks = problem.masks(theta, kinks) if masks is None else masks
    cell = problem.cell(masks, kinks)
    mu = least_multipliers(cell, theta)
    value, residual = _system(cell, theta, mu)
    resting = _resting(cell, theta)
    for done in range(ROUNDS):
        if residual < 1e-15 or stop(done):
            break
        step = _best_step(cell, theta, mu, value)
        if step is None:
            break
        step[: len(theta)][resting] = 0.0
        other = theta + step[: len(theta)], mu + step[len(theta) :]
        value, now = _system(cell, *other)
        if not now < 0.9 * residual:
            break
        (theta, mu), residual = other, now
    return finished(problem, theta, kinks, mu, masks)


def _resting(cell, theta):
    """Which parameters are those of units at zero, where weight decay keeps them; a mask."""
    resting = np.zeros(len(theta), bool)
    if not cell.decay:
        return resting
    for l, (n, m) in enumerate(pairwise(cell.widths[:-1])):
        (W, b), (V, _) = cell.places[l : l + 2]
        parts = theta[W].reshape(m, n), theta[b], theta[V].reshape(-1, m)
        at_rest = ~(parts[0].any(axis=1) | (parts[1] != 0) | parts[2].any(axis=0))
        resting[W], resting[b] = np.repeat(at_rest, n), at_rest
        resting[V] |= np.tile(at_rest, cell.widths[l + 2])
    return resting


def finished(problem, theta, kinks, mu, masks):
    """The `Critical` of parameters and multipliers."""
    cell = problem.cell(masks, kinks)
    residual = _system(cell, theta, mu)[1]
    rises = lagrangian(cell, theta, mu)[2]
    inside = all(map(np.array_equal, masks, _with_masks(problem, theta, masks, kinks)))
    return Critical(theta, list(kinks), mu, rises, masks, residual, problem.loss(theta), inside)


def flipped(problem, point):
    """Pairs that are not on or off as the masks of a `Critical` say, without its kinks."""
    now = _with_masks(problem, point.theta, point.masks, point.kinks)
    pairs = zip(range(len(now)), now, point.masks, strict=True)
    return [(l, i, u) for l, a, b in pairs for i, u in np.argwhere(a != b).tolist()]


def _with_masks(problem, theta, masks, kinks):
    """The masks at parameters, as given at the kinks."""
    now = problem.masks(theta)
    for l, i, u in kinks:
        now[l][i, u] = masks[l][i, u]
    return now


def _system(cell, theta, mu):
    slope, heights, _, _ = lagrangian(cell, theta, mu)
    value = np.concatenate([slope, heights])
    return value, np.linalg.norm(value)


def kkt(cell, theta, mu):
    """The derivative of the system, symmetric, (P + k, P + k)."""
    _, _, _, found = lagrangian(cell, theta, mu)
    H = hessian(cell, found)
    Z = height_rows(cell, found)
    k = len(Z)
    return np.block([[H, Z.T], [Z, np.zeros((k, k))]])


def _best_step(cell, theta, mu, value):
    """Of steps with several cuts, the shortest of those that leave nearly the least residual."""
    w, U = np.linalg.eigh(kkt(cell, theta, mu))
    share, size, residual = U.T @ value, np.abs(w), np.linalg.norm(value)
    if not size.max(initial=0.0) > 0:
        return None
    tried, kept = [], None
    for cut in CUTS[::-1]:  # steps get longer
        used = size > cut * size.max()
        if kept is not None and (used == kept).all():
            continue
        kept = used
        step = -U @ np.where(used, share / np.where(used, w, 1), 0)
        length = np.linalg.norm(step[: len(theta)])
        if not length <= 1 + np.linalg.norm(theta):
            continue
        after, left = _system(cell, theta + step[: len(theta)], mu + step[len(theta) :])
        if not left < 0.9 * residual and np.isfinite(left):
            # what a long step along small eigenvalues adds across large ones, another takes off
            step = step - U @ np.where(used, (U.T @ after) / np.where(used, w, 1), 0)
            left = _system(cell, theta + step[: len(theta)], mu + step[len(theta) :])[1]
        if np.isfinite(left):
            tried.append((left, length, step))
        if left < ENOUGH * residual:
            break
    if not tried:
        return None
    least = min(left for left, _, _ in tried)
    return min((t for t in tried if t[0] <= 3 * least), key=lambda t: t[1])[2]


def polished(problem, point):
    """The same critical point to the last digits, or None if the steps do not end.

    Residuals are computed in many bits, steps in floats.
    """
    if point.is_fitted:
        return point
    cell = problem.cell(point.masks, point.kinks)
    theta, mu, before, last = point.theta, point.multipliers, np.inf, np.inf
    resting, is_new, (w, U, used) = _resting(cell, theta), True, _spectral(cell, theta, mu)
    for _ in range(POLISHED):
        value = exact_system(cell, theta, mu)
        step, length = _polish(theta, value, w, U, used, resting)
        # one along small eigenvalues, the next across large ones, which takes off what it added
        if is_new and CONVERGED < length < FAR and not length < 0.5 * before:
            # along what is nearly flat the curvature at the start is not that here: anew, once
            is_new, before, last, (w, U, used) = False, np.inf, np.inf, _spectral(cell, theta, mu)
            step, length = _polish(theta, value, w, U, used, resting)
        if not length < min(0.5 * before, FAR):
            break
        theta, mu = theta + step[: len(theta)], mu + step[len(theta) :]
        before, last = last, length
        if length <= 1e-16:
            break
    # nothing may be left in the directions that were taken to be flat
    rest = np.linalg.norm((U.T @ exact_system(cell, theta, mu))[~used])
    if not (last <= CONVERGED and rest <= FLAT):
        return None
    return finished(problem, theta, point.kinks, mu, point.masks)


def _spectral(cell, theta, mu):
    """Eigenvalues and vectors of the derivative of the system, and which are not rounding."""
    w, U = np.linalg.eigh(kkt(cell, theta, mu))
    size = np.abs(w)
    return w, U, size > _gap(size) * size.max(initial=0.0)


def _polish(theta, value, w, U, used, resting):
    """A step across what is flat, and its length relative to the parameters."""
    step = -U @ np.where(used, (U.T @ value) / np.where(used, w, 1), 0)
    step[: len(theta)][resting] = 0.0
    return step, np.linalg.norm(step[: len(theta)]) / max(np.linalg.norm(theta), LEAST_NORM)


def _gap(size):
    """Where eigenvalues, relative to the largest, end to be more than rounding."""
    tail = np.append(np.sort(size)[::-1] / max(size.max(initial=0.0), 1e-300), 0.0)
    inside = [k for k in range(1, len(tail)) if 1e-15 < tail[k - 1] and tail[k] < 1e-9]
    if not inside:
        return 0.0
    floor = 1e-17
    k = max(inside, key=lambda k: np.log(tail[k - 1]) - np.log(max(tail[k], floor)))
    return np.sqrt(tail[k - 1] * max(tail[k], floor))


def exact_system(cell, theta, mu):
    """The system, rounded once, shape (P + k,)."""
    block = cell.blocks[0]
    exact = {name: exactly(v) for name, v in block._asdict().items() if name != "rows"}
    arbs = cell._replace(
        X=exactly(cell.X),
        Y=exactly(cell.Y),
        blocks=[block._replace(**exact)],
        masks=[exactly(mask) for mask in cell.masks],
    )
    with precision(BITS):
        slope, heights, _, _ = lagrangian(arbs, exactly(theta), exactly(np.asarray(mu, float)))
        return np.array([float(arb(v).mid()) for v in [*slope.tolist(), *heights.tolist()]])
