"""First and second derivatives of the loss of a network in one cell, in floats.

The same as in `constructions.critical.cell`, where they are balls that nothing is rounded out of.
"""

from typing import NamedTuple

import numpy as np

from constructions.critical import cell as calculus
from constructions.critical.cell import Cell
from constructions.critical.entropies import (
    BinaryCrossEntropyBlock,
    CrossEntropyBlock,
    sigmoid,
    softmax,
)


class Piece(NamedTuple):
    """A `Cell` of one block, to the loss of which half of `decay` times |theta|^2 is added."""

    widths: tuple
    X: np.ndarray
    Y: np.ndarray
    blocks: list
    masks: list
    kinks: list
    decay: float = 0.0
    places = Cell.places


def passed(cell, theta, multipliers):
    """`constructions.critical.cell.run`, without the matrix that places the multipliers."""
    found = calculus.forwards(cell, theta)
    slopes, gains = [cell.blocks[0].slope(found.values[-1], cell.Y)], []
    for l in reversed(range(len(cell.masks))):
        gains.append(slopes[-1] @ found.W[l + 1])
        slope = gains[-1] * cell.masks[l]
        for (layer, i, u), mu in zip(cell.kinks, multipliers, strict=True):
            if layer == l:
                slope[i, u] = slope[i, u] + mu
        slopes.append(slope)
    return found._replace(slopes=slopes[::-1], gains=gains[::-1])


def rooted(cell, found, rows):
    """Rows R with R^T R the second derivative of the loss along linear outputs; from `jacobian`.

    What the loss does not see of the outputs, as what is common to all under the cross-entropy,
    is not in them.
    """
    block, outputs = cell.blocks[0], found.values[-1]
    N, K = outputs.shape
    rows = rows.reshape(N, K, -1)
    if isinstance(block, CrossEntropyBlock):
        p = softmax(outputs)[:, :, None]
        rows = rows - (p * rows).sum(axis=1, keepdims=True)
        form = block.weights[:, None, None] * p
    elif isinstance(block, BinaryCrossEntropyBlock):
        p = sigmoid(outputs)[:, :, None]
        form = block.weights[:, None, None] * (p * (1 - p))
    else:
        form = 2 * block.form[:, None, None]
    return (np.sqrt(form) * rows).reshape(N * K, -1)


def jacobian(cell, found):
    """Derivatives of all outputs in the parameters, shape (N K', P), those of a point in a row."""
    N, K = len(cell.X), cell.widths[-1]
    back = np.tile(np.eye(K), (N, 1))
    return _rows(cell, found, len(cell.masks), np.repeat(np.arange(N), K), back)


def height_rows(cell, found, kinks=None):
    """Derivatives of the pre-activations at kinks, shape (number of kinks, P)."""
    kinks = cell.kinks if kinks is None else kinks
    rows = np.zeros((len(kinks), cell.places[-1][1].stop))
    for l in {l for l, _, _ in kinks}:
        at = [j for j, kink in enumerate(kinks) if kink[0] == l]
        back = np.eye(cell.widths[l + 1])[[kinks[j][2] for j in at]]
        rows[at] = _rows(cell, found, l, np.array([kinks[j][1] for j in at]), back)
    return rows


def _rows(cell, found, layer, points, back):
    rows = np.zeros((len(points), cell.places[-1][1].stop))
    for l in range(layer, -1, -1):
        at_W, at_b = cell.places[l]
        rows[:, at_W] = (back[:, :, None] * found.inputs[l][points][:, None, :]).reshape(
            len(points), -1
        )
        rows[:, at_b] = back
        if l:
            back = (back @ found.W[l]) * cell.masks[l - 1][points]
    return rows


def hessian(cell, found, rows):
    """Second derivative of the Lagrangian, shape (P, P), from the `jacobian` and a pass back."""
    P = rows.shape[1]
    R, mixed = rooted(cell, found, rows), np.zeros((P, P))
    total = R.T @ R
    for l in range(len(cell.masks)):
        N, n, w = len(cell.X), cell.widths[l], cell.widths[l + 1]
        read, mask = np.column_stack([found.inputs[l], np.ones(N)]), cell.masks[l]
        at_W, at_b = cell.places[l]
        for m in range(l + 1, len(cell.masks) + 1):
            slope, t = found.slopes[m], cell.widths[m]
            if m == l + 2:
                follow = found.W[m - 1] * mask[:, None, :] * cell.masks[m - 1][:, :, None]
            elif m > l + 2:
                follow = (found.W[m - 1] @ follow) * cell.masks[m - 1][:, :, None]
            for s in range(cell.widths[m + 1]):
                if m == l + 1:  # each unit follows from itself alone
                    block = np.zeros((w, w, n + 1))
                    block[np.arange(w), np.arange(w)] = (mask * slope[:, s : s + 1]).T @ read
                else:
                    flat = follow.reshape(N, t * w) * slope[:, s : s + 1]
                    block = (flat.T @ read).reshape(t, w, n + 1)
                at = slice(cell.places[m][0].start + s * t, cell.places[m][0].start + s * t + t)
                mixed[at, at_W] = block[:, :, :n].reshape(t, w * n)
                mixed[at, at_b] = block[:, :, n]
    total += mixed
    total += mixed.T
    total[np.diag_indices(P)] += cell.decay
    return total


def lagrangian(cell, theta, multipliers):
    """(gradient, heights at the kinks, rises there, the pass) at parameters."""
    found = passed(cell, theta, multipliers)
    slope = np.concatenate(calculus.gradient(found)) + cell.decay * theta
    heights = np.array([found.values[l][i, u] for l, i, u in cell.kinks])
    rises = np.array([found.gains[l][i, u] for l, i, u in cell.kinks])
    return slope, heights, rises, found
