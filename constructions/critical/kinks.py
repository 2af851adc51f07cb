"""Which pairs of a point and a unit may sit on their kink, from how near they are to it."""

import numpy as np

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Cell

NEAR = 1e-4  # relative to the size of a unit and of what it reads
LEAST = 1e-14
MOST = 400  # different distances of pairs that are looked at
GUESSES = 6
FLAT = 1e-5  # a slope below this part of the size of its terms may vanish near by


def candidates(net, X):
    """Sets of (layer, point, unit) that may be on their kink, the likeliest first.

    The pairs are ranked by their distance, and cut where it makes a large step.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)

    Returns
    -------
    list of list of (int, int, int)
    """
    pairs, distances, inputs = [], [], X
    for l, (W, b) in enumerate(zip(net.weights[:-1], net.biases[:-1], strict=True)):
        value = inputs @ W.T + b
        size = np.sqrt((W**2).sum(axis=1) + b**2) * np.sqrt((inputs**2).sum(axis=1) + 1)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.where(size > 0, np.abs(value) / size, np.inf)
        order = np.argsort(near, axis=None, kind="stable")
        order = order[: _most(near.ravel()[order])]
        for place in order.tolist():
            i, u = divmod(place, value.shape[1])
            pairs.append((l, i, u))
            distances.append(near[i, u])
        inputs = np.maximum(value, 0)
    order = np.argsort(distances, kind="stable")
    order = order[: _most(np.array(distances)[order])]
    x = np.maximum(np.array(distances)[order], 1e-300)
    steps = {}
    for k in range(len(x)):
        before = max(x[k - 1], LEAST / 10) if k else 1e-5
        if x[k] > LEAST and (k == 0 or x[k - 1] < NEAR):
            steps[k] = np.log(x[k]) - np.log(before)
    best = sorted(steps, key=lambda k: -steps[k])[:GUESSES]
    return [[pairs[j] for j in order[:k]] for k in best]


def _most(values):
    """How many of sorted distances are looked at: equal ones, as of dead points, count as one.

    So do all that are rounding: a settled network may be on as many kinks as it has parameters.
    """
    values = np.where(values <= LEAST, 0.0, values)
    count = np.cumsum(np.r_[True, values[1:] != values[:-1]][: len(values)])
    return int(np.searchsorted(count, MOST, side="right"))


def fits(cell, theta):
    """Whether the outputs are the targets but for what may be rounding."""
    error = calculus.forwards(cell, theta).values[-1] - cell.Y
    return bool(np.abs(error).max() <= FLAT * np.abs(cell.Y).max())


def looks_critical(cell, theta, decay=0.0):
    """Whether the slope vanishes, in floating point, and multipliers have the right signs.

    Parameters
    ----------
    cell : Cell
        Of all points, in floats.
    theta : ndarray, shape (P,)
    decay : float, optional
        That times half of the square of theta belongs to the loss.

    Returns
    -------
    bool, bool
    """
    found = calculus.run(cell, theta)
    slope = np.concatenate(calculus.gradient(found)) + decay * theta
    sizes = [(np.abs(s), np.abs(v)) for s, v in zip(found.slopes, found.inputs, strict=True)]
    size = np.concatenate([(s.T @ np.c_[v, np.ones(len(v))]).ravel() for s, v in sizes])
    rows = _height_rows(cell, theta)
    if not (np.isfinite(slope).all() and np.isfinite(rows).all()):
        return False, False
    multipliers = np.linalg.lstsq(rows.T, -slope, rcond=1e-12)[0]
    if not np.linalg.norm(slope + rows.T @ multipliers) <= FLAT * np.linalg.norm(size):
        return False, False
    rises = np.array(calculus.rises(cell, calculus.run(cell, theta, multipliers)), float)
    return True, bool((multipliers > -FLAT).all() and (multipliers < rises + FLAT).all())


def _height_rows(cell, theta):
    """Derivatives of the pre-activations at the kinks, of their points alone."""
    points = sorted({i for _, i, _ in cell.kinks})
    kinks = [(l, points.index(i), u) for l, i, u in cell.kinks]
    masks = [mask[points] for mask in cell.masks]
    own = Cell(cell.widths, Balls(cell.X[points]), Balls(cell.Y[points]), [], masks, kinks)
    return calculus.height_rows(own, calculus.forwards(own, Balls(theta))).mid
