"""A step down from a saddle that only a curve leads away from: kinks come along, as they must.

Where a unit at rest grows as t (w, v), units above that are on their kink would leave it by what
they read of it, of order t^2, at a price of that order. The other parameters move by as much, so
that they stay (docs/trained.md, "Units at rest"). No line from the stored network does both: the
witness is the chord, whose end is proved to be lower.
"""

import numpy as np

from constructions.critical import cell as calculus
from constructions.critical.balls import as_balls
from constructions.critical.cell import Cell
from constructions.proof.derivatives import length, pairs_of
from geomcore.parameters import flatten, move

LENGTHS = 24  # half as long each
ROUNDS = 5  # of Newton's method back to the kinks
RANK = 1e-9  # smaller singular values, of the derivatives of the kinks, count as zero
TRIED = 5  # best ends that are looked at in balls


def step_along_kinks(problem, way, kinks, bend):
    """A step to a proved lower loss whose end has the same pairs on their kink.

    Parameters
    ----------
    problem : Objective
    way : ndarray, shape (P,)
        Of length 1: how the curve begins.
    kinks : sequence of Kink
    bend : float
        The second derivative of the loss along the curve, negative.

    Returns
    -------
    dict or None
        A witness as of `Certificate`.
    """
    theta, ends = flatten(problem.net.tensors), []
    rows = sorted({kink.point for kink in kinks})
    pairs = [(kink.layer - 1, rows.index(kink.point), kink.unit) for kink in kinks]
    size = 1.0 + length(theta)
    with np.errstate(all="ignore"):
        for k in range(LENGTHS):
            end = _on_kinks(problem.net, problem.X[rows], pairs, theta + size * 2.0**-k * way)
            far = length(end - theta)
            if 0 < far < np.inf:
                other = move(problem.net, (end - theta) / far, far)
                ends.append((problem.value(other), k, (end - theta) / far, far))
    lowest = problem.bounds()[1]
    for _, _, direction, far in sorted(ends, key=lambda end: end[:2])[:TRIED]:
        reached = problem.bounds_at(move(problem.net, direction, far))[0]
        if reached < lowest:
            moves = pairs_of(problem.net, direction)
            return {
                "direction": [{"weights": V.tolist(), "biases": c.tolist()} for V, c in moves],
                "step": float(far),
                "loss": reached,
                "bend": bend,
            }
    return None


def _on_kinks(net, X, kinks, theta):
    """Parameters next to others at which pairs are on their kink, by the shortest steps."""
    for _ in range(ROUNDS):
        cell = Cell(net.widths, X, None, [], _masks(net.widths, X, kinks, theta), kinks)
        found = calculus.forwards(cell, theta)
        heights = np.array(calculus.heights(cell, found))
        rows = calculus.height_rows(cell, calculus.forwards(cell, as_balls(theta))).mid
        if not (np.isfinite(heights).all() and np.isfinite(rows).all()):
            break
        theta = theta - np.linalg.lstsq(rows, heights, rcond=RANK)[0]
    return theta


def _masks(widths, X, kinks, theta):
    """Which units are on, layer by layer, those on their kink off."""
    masks, read = [], X
    places = Cell(widths, X, None, [], [], []).places
    for l, (W, b) in enumerate(places[:-1]):
        value = read @ theta[W].reshape(widths[l + 1], widths[l]).T + theta[b]
        mask = (value > 0).astype(float)
        for layer, i, u in kinks:
            if layer == l:
                mask[i, u] = 0.0
        masks.append(mask)
        read = value * mask
    return masks
