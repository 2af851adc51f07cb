"""Random weights modulo a prime that keep kinks: of a unit, or of a layer and held units above."""

import numpy as np
from flint import nmod_mat


def in_kernel(rows, p, draw):
    """A random vector that all rows send to 0 modulo p; None if they depend on each other.

    Parameters
    ----------
    rows : ndarray of int, shape (k, n)
    p : int
        A prime.
    draw : callable
        Of a number, so many random numbers modulo p.

    Returns
    -------
    ndarray of int, shape (n,), or None
    """
    k, n = rows.shape
    reduced, rank = nmod_mat(k, n, [int(v) % p for v in rows.ravel()], p).rref()
    if rank < k:
        return None
    table = np.array([[int(v) for v in row] for row in reduced.tolist()], dtype=object)
    pivots = [int(np.flatnonzero(row)[0]) for row in table.reshape(k, n)]
    others = [j for j in range(n) if j not in set(pivots)]
    found = np.zeros(n, dtype=object)
    found[others] = draw(len(others))
    if k and others:
        found[pivots] = -(table[:, others] @ found[others]) % p
    return found


def layer_below(cell, layer, held, lifted, p, draw):
    """Random parameters of a layer, and (w, b) of held units above it, that keep their kinks.

    Their w are drawn; the layer and their biases are drawn in the kernel of all these equations.

    Parameters
    ----------
    cell : Cell
    layer : int
        From 0, the layer below.
    held : list of int
        Units above it.
    lifted : ndarray of int, shape (N, n + 1)
        What it reads, and ones.
    p : int
    draw : callable

    Returns
    -------
    (ndarray of int, shape (m, n + 1), dict of int to ndarray of int, shape (m + 1,)) or None
        Rows (w, b) of the layer, and those of the units; None if the equations depend on each
        other.
    """
    m, n = cell.widths[layer + 1], lifted.shape[1]
    above = {u: np.array(draw(m), dtype=object) for u in held}
    rows = []
    for l, i, u in cell.kinks:
        row = np.zeros(m * n + len(held), dtype=object)
        if l == layer:
            row[u * n : u * n + n] = lifted[i]
        elif l == layer + 1 and u in above:
            on = above[u] * cell.masks[layer][i].astype(int).astype(object) % p
            row[: m * n] = (on[:, None] * lifted[i] % p).ravel()
            row[m * n + held.index(u)] = 1
        else:
            continue
        rows.append(row)
    found = in_kernel(np.array(rows), p, draw)
    if found is None:
        return None
    biases = found[m * n :]
    units = {u: np.append(w, biases[held.index(u)]) for u, w in above.items()}
    return found[: m * n].reshape(m, n), units
