"""Units at rest that would be of use: put to it, while what is on its kink stays there."""

import numpy as np

from constructions.penalised.ascent import strongest
from training.settling.derivatives import lagrangian
from training.settling.face import retracted
from training.settling.newton import finished, least_multipliers

LENGTHS = 10.0 ** np.arange(0.0, -4.6, -0.5)  # of the unit's (w, b)
MARGIN = 1e-9  # of the decay, below which a gain is rounding,
ROUGH = 1e-5  # or what is left of the slope where a walk has ended


def woken_at_end(problem, walk, near):
    """The same as `woken` where a walk has ended, with the multipliers that fit best.

    Pairs that are `near` their kink stay there, too, if the walk has not seen them.
    """
    if not problem.decay:
        return None
    kinks = [*walk.kinks, *(pair for pair in near if pair not in walk.kinks)]
    masks = problem.masks(walk.theta, kinks)
    mu = least_multipliers(problem.cell(masks, kinks), walk.theta)
    return woken(problem, finished(problem, walk.theta, kinks, mu, masks), margin=ROUGH)


def woken(problem, point, *, margin=MARGIN):
    """Parameters with a lower loss where a unit at rest is put to use; None if none is found.

    A unit (w, b, v) of size t changes the loss, at second order, by decay less |g(w, b)|, with g
    the sum over points of what the unit puts out times the slopes that its output has (for |w, b| =
    |v| = t and v opposite to g), if others move so that kinks above stay (docs/trained.md).

    Parameters
    ----------
    problem : Problem
    point : Critical
    margin : float
        A gain counts if it is above the decay by this part of it.

    Returns
    -------
    ndarray, shape (P,), or None
    """
    if not problem.decay:
        return None
    tensors = problem.tensors(point.theta)
    cell = problem.cell(point.masks, point.kinks)
    found = lagrangian(cell, point.theta, point.multipliers)[3]
    for l in range(len(point.masks)):
        W, b, V = tensors[2 * l : 2 * l + 3]
        rests = ~(W.any(axis=1) | (b != 0) | V.any(axis=0))
        if not rests.any():
            continue
        read = np.column_stack([found.inputs[l], np.ones(len(cell.X))])
        slopes = found.slopes[l + 1]
        if not (np.isfinite(read).all() and np.isfinite(slopes).all()):
            continue
        unit = strongest(slopes, read, np.column_stack([W, b])[~rests & W.any(axis=1)])
        pull = np.maximum(read @ unit, 0) @ slopes
        size = np.linalg.norm(pull)
        if size > problem.decay * (1 + margin):
            place = int(np.flatnonzero(rests)[0])
            theta = _grown(problem, point, l, place, unit, -pull / size)
            if theta is not None:
                return theta
    return None


def _grown(problem, point, l, u, unit, out):
    """The lowest of the parameters with a unit of several sizes; None if none is below."""
    lowest, best = point.loss - 1e-15, None
    for length in LENGTHS:
        theta = point.theta.copy()
        W, b, V = problem.tensors(theta)[2 * l : 2 * l + 3]
        W[u], b[u], V[:, u] = length * unit[:-1], length * unit[-1], length * out
        theta = retracted(problem, theta, point.kinks)
        loss = problem.loss(theta)
        if loss < lowest:
            lowest, best = loss, theta
    return best
