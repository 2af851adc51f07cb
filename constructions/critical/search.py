"""Looks for critical points next to a stored network that are proved to be minima or saddles."""

from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, as_balls, of_arbs
from constructions.critical.cell import Block, Cell
from constructions.critical.groups import groups_of
from constructions.critical.kinks import candidates, fits, looks_critical
from constructions.critical.labels import label_space
from constructions.critical.minimum import critical_point_near, everything, keeps_signs
from constructions.critical.points import BITS, distinct_points
from constructions.critical.ranks import GenericRank
from constructions.critical.reduced import reduced, ways_of
from constructions.critical.steps import step_minimum
from constructions.proof.exact import above, precision

MOST_PARAMETERS = 3000
MOST_NUMBERS = 30_000_000  # outputs times parameters


class NearbyPoint(NamedTuple):
    """A critical point of the loss that is proved to exist next to a stored network.

    Attributes
    ----------
    distance : float
        From the stored parameters, an upper bound.
    moves : list of float
        The same of each layer's (W, b).
    loss : arb
        There.
    is_zero : bool
        Whether it is exactly 0, so that the minimum is a global one.
    is_best_of_cell : bool
        Whether no network of the cell has a smaller loss.
    rank : GenericRank
        Of the derivative of what the loss depends on, and of the heights at the kinks.
    smallest_eigenvalue, uniqueness : float
    kinks : tuple of Kink
        Points by the number of the first row of X that is equal.
    ways_down : tuple of ndarray, shape (P,)
        Of a saddle: directions in which the loss falls, of length 1, in floating point. None
        of a local minimum.
    """

    distance: float
    moves: list
    loss: arb
    is_zero: bool
    is_best_of_cell: bool
    rank: GenericRank
    smallest_eigenvalue: float
    uniqueness: float
    kinks: tuple
    ways_down: tuple = ()


def nearby_minimum(net, X, labels, per_class):
    """The first local minimum of `nearby_points`, or None, and what is proved or what fails."""
    first = None
    for found, why in nearby_points(net, X, labels, per_class):
        if found is not None and not found.ways_down:
            return found, why
        first = first or why
    return None, first


def nearby_points(net, X, labels, per_class):
    """Prove that critical points of the squared error exist next to a network.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    labels : Labels
    per_class : list of arb
        Weight of a point of each class.

    Yields
    ------
    (NearbyPoint or None, str)
        For each guess of what is on its kink, the likeliest first, at least once: the proof of a
        local minimum or of a saddle, or None; and what is proved or what fails.
    """
    P, outputs = net.parameter_count, len(X) * net.widths[-1]
    if P > MOST_PARAMETERS or P * outputs > MOST_NUMBERS:
        yield None, too_many(P, outputs)
        return
    with np.errstate(all="ignore"), precision(BITS):  # what overflows is a ball of infinite radius
        space = label_space(labels.targets)
        theta, widths = _projected(net, space)
        cells = list(_guesses(net, X, labels, per_class, space, theta, widths))
        points = distinct_points(X, labels, per_class, space.coordinates) if cells else None
    for cell in cells:
        with np.errstate(all="ignore"), precision(BITS):
            found, why = _with_kinks(points, space, labels, theta, cell)
            if found is not None:
                found = _placed(net, X, labels, points, space, found)
        yield found, why
    with np.errstate(all="ignore"), precision(BITS):
        steps, why = step_minimum(net, X, labels, per_class)
        found = None if steps is None else _stepped(net, steps)
    if why:
        yield found, why
    elif not cells:
        yield None, "the slope does not vanish, whatever is on its kink"


def too_many(P, outputs):
    """What is said of a network that is too large for a proof, with the size that is not."""
    return (
        f"{P} parameters and {outputs} outputs are too many for a proof, which is tried with up to "
        f"{MOST_PARAMETERS} parameters, and up to {MOST_NUMBERS} for their product with outputs"
    )


def lower_bound_of_cell(net, X, labels, per_class):
    """A ball around what the best affine fits of all groups of a cell leave, exactly 0 if that is.

    Parameters
    ----------
    net : ReLUNetwork
        No pre-activation of which is zero.
    X, labels, per_class
        As for `nearby_minimum`.

    Returns
    -------
    arb or None
        None if a pattern is not proved in floating point, or a group is too large.
    """
    if net.parameter_count > MOST_PARAMETERS or X.size > MOST_NUMBERS:
        return None
    with np.errstate(all="ignore"), precision(BITS):
        space = label_space(labels.targets)
        theta, widths = _projected(net, space)
        points = distinct_points(X, labels, per_class, space.coordinates)
        masks = [(value > 0).astype(float) for value in net.hidden(points.X)]
        groups = groups_of(points, masks)
        whole = everything(points, widths, masks, [])
        if groups is None or not keeps_signs(whole, as_balls(theta)):
            return None
        return sum((group.rest for group in groups), points.constant)


def _guesses(net, X, labels, per_class, space, theta, widths):
    """Cells of the distinct points, in floats, in which the slope seems to vanish."""
    distinct, owner = np.unique(X + 0.0, axis=0, return_inverse=True)
    owner = owner.ravel()
    weights = np.array([float(w.mid()) for w in per_class])[labels.index]
    coordinates = np.array([[float(a.mid()) for a in row] for row in space.coordinates])
    mass = np.bincount(owner, weights)
    Y = [np.bincount(owner, weights * t) / mass for t in coordinates[labels.index].T]
    blocks = [Block(slice(0, len(mass)), mass, np.eye(space.dimension))]
    later = []  # what falls over a kink
    masks = [(value > 0).astype(float) for value in net.hidden(distinct)]
    sets = candidates(net, distinct)
    if masks and [] not in sets:  # of many pairs some are near their kink by chance
        sets.append([])
    if fits(Cell(widths, distinct, np.array(Y).T, blocks, masks, []), theta):
        sets.sort(key=len)  # at loss zero multipliers are 0, and nothing is proved on kinks
    for kinks in sets:
        masks = [(value > 0).astype(float) for value in net.hidden(distinct)]
        for l, i, u in kinks:
            masks[l][i, u] = 0.0
        cell = Cell(widths, distinct, np.array(Y).T, blocks, masks, kinks)
        flat, held = looks_critical(cell, theta)
        if held or fits(cell, theta):
            yield cell
        elif flat:
            later.append(cell)
    yield from later


def _projected(net, space):
    """Parameters of the network in the coordinates of the labels' space, rounded, and widths."""
    U = space.float_frame()
    last = U.T @ net.weights[-1], U.T @ (net.biases[-1] - space.origin)
    tensors = [*net.tensors[:-2], *last]
    return np.concatenate([t.ravel() for t in tensors]), (*net.widths[:-1], space.dimension)


def _with_kinks(points, space, labels, theta, cell):
    masks, kinks, widths = cell.masks, cell.kinks, cell.widths
    groups = groups_of(points, masks)
    if groups is None:
        return None, "a group of points is too large"
    whole = everything(points, widths, masks, kinks, theta=theta)
    followed = calculus.forwards(whole.cell, as_balls(theta))
    outputs, hidden = followed.values[-1].mid, [read.mid for read in followed.inputs[1:]]
    errors = [
        outputs[g.chosen] - np.array([[float(a.mid()) for a in row] for row in g.fit])
        for g in groups
    ]
    first, saddle = None, None
    kept = whole.cell._replace(X=points.X, kinks=[whole.kinks[j] for j in whole.free])
    found = calculus.forwards(kept, theta)
    ways = [(way, None) for way in ways_of(errors, space)]
    if not whole.held:  # ranks of rows are drawn without such units
        ways += [(way, (kept, found, own)) for way in ("groups", "labels") for own in (False, True)]
    for way, sparing in ways:
        problem = reduced(
            points, groups, space, labels, widths, masks, kinks, errors, way, hidden, sparing
        )
        if problem is None:
            continue
        found, why = critical_point_near(problem, whole, theta)
        if found is not None and not found.ways_down:
            return (found, groups), why
        if found is not None and saddle is None:
            saddle = (found, groups), why
        first = why if first is None else first
    return saddle or (None, first)


def _placed(net, X, labels, points, space, proof):
    """The proof in the parameters and points that were given."""
    found, groups = proof
    squares = _moves(net, space, found.theta)
    distance = above(sum(map(arb, squares), arb(0)).sqrt())
    zero = found.is_fitted and points.constant == 0 and all(group.rest == 0 for group in groups)
    if zero:
        loss = arb(0)
    elif found.is_fitted:
        loss = sum((group.rest for group in groups), points.constant)
    else:
        loss = arb(float(found.loss.mid), float(found.loss.rad)) + points.constant
    rows = {point.tobytes(): i for i, point in reversed(list(enumerate(X + 0.0)))}
    kinks = [k._replace(point=rows[points.X[k.point].tobytes()]) for k in found.kinks]
    kinks.sort(key=lambda k: k[:3])
    return NearbyPoint(
        distance,
        [above(arb(square).sqrt()) for square in squares],
        loss,
        zero,
        found.is_fitted,
        found.rank,
        found.smallest_eigenvalue,
        found.uniqueness,
        tuple(kinks),
        tuple(_lifted(net, space, way) for way in found.ways_down),
    )


def _stepped(net, steps):
    """The proof of a step function as a `NearbyPoint`."""
    t, K = steps.last.nrows() - 1, steps.last.ncols()
    last = of_arbs([arb(v) for v in steps.last.entries()], (t + 1, K))
    stored = np.vstack([net.weights[-1][:, steps.on].T, net.biases[-1]])
    squares = [0.0] * (len(net.weights) - 2)
    squares += [above_square(as_balls(steps.W) - net.weights[-2]), above_square(last - stored)]
    rank, eigenvalue = GenericRank(steps.free, 0.0), steps.smallest_eigenvalue
    moves = [above(arb(square).sqrt()) for square in squares]
    distance = above(sum(map(arb, squares), arb(0)).sqrt())
    loss, zero = arb(steps.loss), steps.loss == 0
    return NearbyPoint(distance, moves, loss, zero, False, rank, eigenvalue, 0.0, ())


def _lifted(net, space, way):
    """A direction in the coordinates of the labels' space as one of all parameters."""
    U, (K, width) = space.float_frame(), (space.dimension, net.widths[-2])
    last, at = len(way) - K * (width + 1), len(way) - K
    weight = U @ way[last:at].reshape(K, width)
    return np.concatenate([way[:last], weight.ravel(), U @ way[at:]])


def _moves(net, space, theta):
    """Upper bounds of the squared distances of the stored (W, b) of each layer from the box."""
    U = of_arbs(space.frame.entries(), (len(space.origin), space.dimension))
    moves, at = [], 0
    for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        stored = np.concatenate([W.ravel(), b])
        moves.append(above_square(theta[at : at + len(stored)] - stored))
        at += len(stored)
    K, width = space.dimension, net.widths[-2]
    weight = U @ theta[at : at + K * width].reshape(K, width)
    bias = U @ theta[at + K * width :] + space.origin
    last = above_square(weight - net.weights[-1]), above_square(bias - net.biases[-1])
    return [*moves, above(arb(last[0]) + arb(last[1]))]


def above_square(part: Balls):
    """A float that is at least the sum of the squares."""
    size = as_balls(part.largest.ravel())
    return float((size * size).sum().upper)
