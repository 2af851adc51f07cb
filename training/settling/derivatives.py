"""First and second derivatives of the loss of a network in one cell, in floats.

The same as in `constructions.critical.cell`, where they are balls that nothing is rounded out of.
"""

from itertools import pairwise
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

LONG = 1e9  # products in a matrix R^T R


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
        # rows less their mean, which cancels where one probability is nearly 1, from differences
        rows = sum(p[:, k : k + 1] * (rows - rows[:, k : k + 1]) for k in range(K))
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


def straight(cell, found, step):
    """How outputs change along a step of the parameters, to first order, shape (N, K')."""
    change = np.zeros((len(cell.X), cell.widths[0]))
    for l, (at_W, at_b) in enumerate(cell.places):
        W = step[at_W].reshape(cell.widths[l + 1], cell.widths[l])
        change = change @ found.W[l].T + found.inputs[l] @ W.T + step[at_b]
        if l < len(cell.masks):
            change *= cell.masks[l]
    return change


def pulled(cell, found, slope):
    """What a slope in the outputs, shape (N, K'), is in the parameters: `straight`, transposed."""
    slopes = [slope]
    for l in reversed(range(len(cell.masks))):
        slopes.append((slopes[-1] @ found.W[l + 1]) * cell.masks[l])
    return np.concatenate(calculus.gradient(found._replace(slopes=slopes[::-1])))


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


def outputs_backwards(cell, found):
    """Derivatives of the outputs in the values of each layer, a list, shapes (N, K', d_l)."""
    N, K = len(cell.X), cell.widths[-1]
    backs = [np.broadcast_to(np.eye(K), (N, K, K))]
    for l in reversed(range(len(cell.masks))):
        backs.append((backs[-1] @ found.W[l + 1]) * cell.masks[l][:, None, :])
    return backs[::-1]


def squared(cell, found):
    """R^T R for the `rooted` rows of all outputs, shape (P, P).

    The rows of a layer are products of what goes back from the outputs and what goes in, so that
    outputs are summed first: with K' of them, that takes 1 / K' of the time of R^T R, and about a
    quarter of that since a unit counts only where it is on and half of the matrix is known. Where
    R^T R takes no time, a loop over units would.
    """
    N, K, P = len(cell.X), cell.widths[-1], cell.places[-1][1].stop
    if K == 1 or N * K * P**2 < LONG:
        R = rooted(cell, found, jacobian(cell, found))
        return R.T @ R
    backs = outputs_backwards(cell, found)
    backs = [rooted(cell, found, back).reshape(N, K, -1) for back in backs]
    reads = [np.column_stack([read, np.ones(N)]) for read in found.inputs]
    total = np.zeros((P, P))
    for l, (n, m) in enumerate(pairwise(cell.widths)):
        (W, b), own = cell.places[l], backs[l]
        for u in range(m):
            rows = np.flatnonzero(own[:, :, u].any(axis=1))
            if not len(rows):
                continue
            at = np.append(np.arange(n) + (W.start + u * n), b.start + u)
            left = own[rows, :, u][:, None, :]
            for k in range(l, len(backs)):
                first = u if k == l else 0  # units of one layer: each pair once
                n_k, m_k = cell.widths[k], cell.widths[k + 1] - first
                pairs = (left @ backs[k][rows, :, first:]).reshape(-1, m_k, 1)
                right = (pairs * reads[k][rows][:, None, :]).reshape(len(rows), -1)
                block = (reads[l][rows].T @ right).reshape(n + 1, m_k, n_k + 1)
                W_k, b_k = cell.places[k]
                to_W = slice(W_k.start + first * n_k, W_k.stop)
                to_b = slice(b_k.start + first, b_k.stop)
                total[at, to_W] = block[:, :, :n_k].reshape(n + 1, -1)
                total[at, to_b] = block[:, :, n_k]
                total[to_W, at], total[to_b, at] = total[at, to_W].T, total[at, to_b].T
    return total


def hessian(cell, found):
    """Second derivative of the Lagrangian, shape (P, P), from a pass back."""
    total = squared(cell, found)
    P = len(total)
    mixed = np.zeros((P, P))
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
