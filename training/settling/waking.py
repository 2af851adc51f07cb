"""Units at rest that would be of use: put to it, while what is on its kink stays there."""

import numpy as np

from constructions.critical.balls import Balls
from constructions.penalised.ascent import strongest
from constructions.penalised.beside import steepness
from constructions.penalised.directions import Ray, searched
from training.settling.derivatives import lagrangian
from training.settling.face import retracted
from training.settling.newton import finished, least_multipliers

DRAWN = 64  # directions that are looked at, times the entries of (w, b)
LENGTHS = 10.0 ** np.arange(0.0, -4.6, -0.5)  # of the unit's (w, b)
MARGIN = 1e-9  # of the decay, below which a gain is rounding,
ROUGH = 1e-5  # or what is left of the slope where a walk has ended
NOISE = 1e-12  # of the length of all parameters
CONES = 20_000  # of directions that are searched where ascents find none: a second or two of a core


def woken_at_end(problem, walk, near):
    """The same as `woken` where a walk has ended, with the multipliers that fit best.

    Pairs that are `near` their kink stay there, too, if the walk has not seen them.
    """
    if not problem.decay:
        return None
    kinks = [*walk.kinks, *(pair for pair in near if pair not in walk.kinks)]
    masks = problem.masks(walk.theta, kinks)
    mu = least_multipliers(problem.cell(masks, kinks), walk.theta)
    return woken(problem, finished(problem, walk.theta, kinks, mu, masks), margin=ROUGH, cones=0)


def woken(problem, point, *, margin=MARGIN, cones=CONES):
    """Parameters with a lower loss where a unit at rest is put to use; None if none is found.

    So is one that reads nothing, (w, b) = 0, and is read: at first order, and without decay, too.

    A unit (w, b, v) of size t changes the loss, at second order, by decay less |g(w, b)|, with g
    the sum over points of what the unit puts out times the slopes that its output has (for |w, b| =
    |v| = t and v opposite to g), if others move so that kinks above stay (docs/trained.md).

    Parameters
    ----------
    problem : Problem
    point : Critical
    margin : float
        A gain counts if it is above the decay by this part of it.
    cones : int
        Of directions, that are searched beside active units where ascents find none that gains it.

    Returns
    -------
    ndarray, shape (P,), or None
    """
    tensors = problem.tensors(point.theta)
    blanks = [
        ~(W.any(axis=1) | (b != 0)) for W, b in zip(tensors[:-2:2], tensors[1:-2:2], strict=True)
    ]
    if not any(blank.any() for blank in blanks):
        return None
    cell = problem.cell(point.masks, point.kinks)
    found = lagrangian(cell, point.theta, point.multipliers)[3]
    for l, blank in enumerate(blanks):
        V = tensors[2 * l + 2]
        # what reads a unit at rest is noise beside 0
        noise = NOISE * np.linalg.norm(point.theta) if problem.decay else 0.0
        rests = blank & (np.linalg.norm(V, axis=0) <= noise)
        if not blank.any():
            continue
        read = np.column_stack([found.inputs[l], np.ones(len(cell.X))])
        slopes = found.slopes[l + 1]
        if not (np.isfinite(read).all() and np.isfinite(slopes).all()):
            continue
        theta = _turned_on(problem, point, l, np.flatnonzero(blank & ~rests), read, slopes)
        if theta is not None:
            return theta
        if not (rests.any() and problem.decay):
            continue
        active = np.flatnonzero(~blank)
        for unit in _directions(problem, point, found, l, active, read, slopes, cones):
            pull = np.maximum(read @ unit, 0) @ slopes
            size = np.linalg.norm(pull)
            if size > problem.decay * (1 + margin):
                place = int(np.flatnonzero(rests)[0])
                theta = _grown(problem, point, l, place, unit, -pull / size)
                if theta is not None:
                    return theta
    return None


def _directions(problem, point, found, l, active, read, slopes, cones):
    """Where ascents lead, and then, beside active units, from where a search has seen more."""
    W, b = problem.tensors(point.theta)[2 * l : 2 * l + 2]
    given = np.column_stack([W, b])[active]
    yield strongest(slopes, read, given)
    if len(active) and cones:
        rays = [_ray(problem, point, found, l, u, read) for u in active]
        rays = [ray for ray in rays if ray is not None]
        stronger = searched(Balls(slopes), Balls(read), rays, problem.decay, cones).stronger
        if stronger is not None:
            yield strongest(slopes, read, [*given, stronger])


def _ray(problem, point, found, l, u, read):
    """What is known next to the direction of an active unit, in floating point; None if nothing is.

    A point on its kink counts with a part of its slope (docs/trained.md, "Beside active units").
    """
    shares = point.masks[l][:, u].astype(float)
    slopes, out = found.slopes[l + 1], found.W[l + 1][:, u]
    may_differ, between = slopes @ out > 0, np.zeros(len(shares), bool)
    for mu, (k, i, own) in zip(point.multipliers, point.kinks, strict=True):
        if (k, own) == (l, u):
            rise, between[i] = found.gains[l][i, u], True
            if not 0 < mu < rise:
                return None
            shares[i] = mu / rise
    W, b = problem.tensors(point.theta)[2 * l : 2 * l + 2]
    unit = Balls(np.concatenate([W[u], [b[u]], out]))
    known = Balls(slopes), Balls(read), Balls(shares)
    steep = steepness(*known, between, unit, problem.decay)
    return None if steep is None else Ray(shares, may_differ | between, steep)


def _turned_on(problem, point, l, units, read, slopes):
    """Lower parameters with one of some units turned on that read nothing and are read; or None.

    Such a unit is on its kink at all points, and the loss changes at first order as (w, b) grows.
    """
    if not len(units):
        return None
    D = read.shape[1]
    drawn = np.random.default_rng(0).normal(size=(DRAWN * D, D))
    W = np.concatenate([np.eye(D), -np.eye(D), read, -read, drawn])
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    on = np.maximum(W @ read.T, 0)
    for u in units:
        own = slopes @ problem.tensors(point.theta)[2 * l + 2][:, u]
        gains = on @ own
        least = gains.argmin()
        if gains[least] < -MARGIN * (np.abs(own) @ np.linalg.norm(read, axis=1)):
            theta = _grown(problem, point, l, u, W[least], None)
            if theta is not None:
                return theta
    return None


def _grown(problem, point, l, u, unit, out):
    """The lowest of the parameters with a unit of several sizes; None if none is below.

    What reads it is of the same size in the direction ``out``, or stays if that is None.
    """
    lowest, best = point.loss - 1e-15, None
    for length in LENGTHS:
        theta = point.theta.copy()
        W, b, V = problem.tensors(theta)[2 * l : 2 * l + 3]
        W[u], b[u] = length * unit[:-1], length * unit[-1]
        if out is not None:
            V[:, u] = length * out
        theta = retracted(problem, theta, point.kinks)
        loss = problem.loss(theta)
        if loss < lowest:
            lowest, best = loss, theta
    return best
