"""Looks for critical points with weight decay, or of a cross-entropy, next to a network."""

import numpy as np
from flint import arb, arb_mat, fmpq

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, of_arbs
from constructions.critical.cell import Cell
from constructions.critical.entropies import ENTROPIES, block_of, sum_to_one
from constructions.critical.kinks import FLAT, candidates, looks_critical
from constructions.critical.labels import orthonormal
from constructions.critical.minimum import critical_point_near, everything
from constructions.critical.points import BITS, as_objects, distinct_points, exactly
from constructions.critical.reduced import Reduced
from constructions.critical.search import (
    MOST_NUMBERS,
    MOST_PARAMETERS,
    NearbyPoint,
    above_square,
    too_many,
)
from constructions.penalised.idle import at_rest, idle_units
from constructions.penalised.minimum import Penalised, strict_point_near
from constructions.proof.exact import above, precision


def nearby_strict_points(net, X, labels, per_class, loss, decay, *, bounded=None):
    """Prove that critical points of a penalised loss, or of a cross-entropy, are near a network.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    labels : Labels
    per_class : list of arb
        Weight of a point of each class.
    loss : {"mse", "class_weighted", "cross_entropy", "bce"}
    decay : float
        If 0, a minimum is strict but for what leaves the outputs as they are.
    bounded : callable, optional
        A bound of what a unit gains, as for `constructions.penalised.growth.is_below`.

    Yields
    ------
    (NearbyPoint or None, str)
        As `constructions.critical.search.nearby_points`.
    """
    P, outputs = net.parameter_count, len(X) * net.widths[-1]
    if P > MOST_PARAMETERS or P * outputs > MOST_NUMBERS:
        yield None, too_many(P, outputs)
        return
    if not decay and loss == "cross_entropy" and not sum_to_one(labels.targets):
        yield None, "targets do not sum to one exactly, so constants in the logits matter"
        return
    theta = np.concatenate([t.ravel() for t in net.tensors])
    with np.errstate(all="ignore"), precision(BITS):  # what overflows is a ball of infinite radius
        coordinates = [[arb(v) for v in row] for row in labels.targets.tolist()]
        points = distinct_points(X, labels, per_class, coordinates)
        if loss in ENTROPIES:  # linear in the targets: their mean takes nothing off
            points = points._replace(constant=arb(0))
        guesses = _guesses(net, points, loss, decay, theta)
    for cell, start, idle in guesses:
        with np.errstate(all="ignore"), precision(BITS):
            found, why = _proved(points, cell, loss, decay, start, idle, bounded)
            if found is not None:
                found = _placed(net, X, points, found, theta)
        yield found, why
    if not guesses:
        yield None, "the slope does not vanish, whatever is on its kink"


def _guesses(net, points, loss, decay, theta):
    """(cell, parameters, units at rest) where the slope seems to vanish, the likeliest first."""
    Y = np.array([[float(a.mid()) for a in row] for row in points.targets])
    weights = np.array([float(w.mid()) for w in points.weights])
    blocks = [block_of(loss, slice(0, len(Y)), weights, Y.shape[1])]
    likely, later = [], []  # what falls over a kink comes later
    guessed = candidates(net, points.X)
    for kinks in guessed if [] in guessed else [*guessed, []]:
        masks = [(value > 0).astype(float) for value in net.hidden(points.X)]
        for l, i, u in kinks:
            masks[l][i, u] = 0.0
        cell = Cell(net.widths, points.X, Y, blocks, masks, kinks)
        idle = idle_units(cell, theta) if decay else []
        cell, start = at_rest(cell, theta, idle)
        flat, held = looks_critical(cell, start, decay)
        if held or (not decay and _fits(cell, start)):
            likely.append((cell, start, idle))
        elif flat:
            later.append((cell, start, idle))
    return likely + later


def _fits(cell, theta):
    """Whether the slope vanishes at every point for itself, in floating point."""
    (block,), outputs = cell.blocks, calculus.forwards(cell, theta).values[-1]
    slope = np.abs(block.slope(outputs, cell.Y)).max(axis=1)
    return bool((slope <= FLAT * block.weights).all())


def _proved(points, cell, loss, decay, theta, idle, bounded):
    """What is proved of one cell in floats."""
    N, K = cell.Y.shape
    flat = [a for row in points.targets for a in row]
    weights = as_objects(points.weights, (N,))
    arbs = cell._replace(
        X=exactly(points.X),
        Y=as_objects(flat, (N, K)),
        blocks=[block_of(loss, slice(0, N), weights, K)],
        masks=[exactly(mask) for mask in cell.masks],
    )
    whole = everything(points, cell.widths, cell.masks, cell.kinks, loss, theta, idle)
    if decay:
        return strict_point_near(Penalised(cell, arbs, whole, decay, idle, bounded), theta)
    balls = whole.cell._replace(X=Balls(points.X), Y=of_arbs(flat, (N, K)))
    within, functionals = _that_matter(loss, K)
    wanted = [(i, row) for i in range(N) for row in functionals]
    problem = Reduced(cell, balls, arbs, [(slice(0, N), within)], [], wanted, False)
    return critical_point_near(problem, whole, theta)


def _that_matter(loss, K):
    """Directions of the outputs that a cross-entropy depends on: orthonormal, and rational."""
    units = [[int(i == j) for j in range(K)] for i in range(K)]
    if loss != "cross_entropy":
        return arb_mat(units), [list(map(fmpq, row)) for row in units]
    differences = [[fmpq(int(j == i) - int(j == K - 1)) for j in range(K)] for i in range(K - 1)]
    columns = arb_mat(K, K - 1, [arb(row[j]) for j in range(K) for row in differences])
    return orthonormal(columns), differences


def _placed(net, X, points, found, theta):
    """The proof in the parameters and points that were given."""
    squares, at = [], 0
    for W, b in zip(net.weights, net.biases, strict=True):
        own = slice(at, at + W.size + b.size)
        stays = not found.theta.rad[own].any() and (found.theta.mid[own] == theta[own]).all()
        squares.append(0.0 if stays else above_square(found.theta[own] - theta[own]))
        at = own.stop
    rows = {point.tobytes(): i for i, point in reversed(list(enumerate(X + 0.0)))}
    kinks = [k._replace(point=rows[points.X[k.point].tobytes()]) for k in found.kinks]
    kinks.sort(key=lambda k: k[:3])
    return NearbyPoint(
        above(sum(map(arb, squares), arb(0)).sqrt()),
        [above(arb(square).sqrt()) for square in squares],
        arb(float(found.loss.mid), float(found.loss.rad)) + points.constant,
        False,
        False,
        found.rank,
        found.smallest_eigenvalue,
        found.uniqueness,
        tuple(kinks),
        found.ways_down,
    )
