"""First and second derivatives of the polynomial that a network is in one cell, in floats.

The same as in `constructions.critical.cell`, where they are balls that nothing is rounded out of.
"""

import numpy as np

from constructions.critical import cell as calculus


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
    K, P = cell.widths[-1], rows.shape[1]
    weights = np.repeat(2 * cell.blocks[0].form, K)
    total, mixed = rows.T @ (weights[:, None] * rows), np.zeros((P, P))
    for l in range(len(cell.masks)):
        N, n, w = len(cell.X), cell.widths[l], cell.widths[l + 1]
        read = np.column_stack([found.inputs[l], np.ones(N)])
        follow = np.eye(w)[None] * cell.masks[l][:, None, :]
        at_W, at_b = cell.places[l]
        for m in range(l + 1, len(cell.masks) + 1):
            if m > l + 1:
                follow = (found.W[m - 1] @ follow) * cell.masks[m - 1][:, :, None]
            slope, t = found.slopes[m], cell.widths[m]
            flat = follow.reshape(N, t * w)
            for s in range(cell.widths[m + 1]):
                block = ((flat * slope[:, s : s + 1]).T @ read).reshape(t, w, n + 1)
                at = slice(cell.places[m][0].start + s * t, cell.places[m][0].start + s * t + t)
                mixed[at, at_W] = block[:, :, :n].reshape(t, w * n)
                mixed[at, at_b] = block[:, :, n]
    return total + mixed + mixed.T


def lagrangian(cell, theta, multipliers):
    """(gradient, heights at the kinks, rises there, the pass) at parameters, in floats."""
    found = calculus.run(cell, theta, multipliers)
    slope = np.concatenate(calculus.gradient(found))
    heights, rises = calculus.heights(cell, found), calculus.rises(cell, found)
    return slope, np.array(heights, dtype=float), np.array(rises, dtype=float), found
