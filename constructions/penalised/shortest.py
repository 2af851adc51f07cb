"""The shortest vectors that are above given levels at the vertices of cones, many at once."""

import numpy as np

STEPS = 12
RIDGE = 1e-13  # so that no matrix is singular: what this spoils is counted as missing
NEAR = 1e-10  # so much below a level is no reason to go on


def rows_above(units, levels):
    r"""Vectors M, about as short as can be, with :math:`M \cdot u_k` at least the level of u_k.

    Then M . w is at least the linear function with these levels, at all :math:`w = \sum c_k u_k`
    with :math:`c_k \ge 0`. M is such a sum itself, of the vertices that count.

    Parameters
    ----------
    units : ndarray, shape (B, r, r)
        Vertices of cones, as rows.
    levels : ndarray, shape (B, n, r)
        Of n functions for each cone, at its vertices.

    Returns
    -------
    above : ndarray, shape (B, n, r)
    short : ndarray, shape (B, n)
        By how much M . u_k is below a level at most, in floating point; 0 if it is nowhere.
    weights : ndarray, shape (B, n, r)
        The c_k of M.
    """
    B, n, r = levels.shape
    gram = np.repeat(units @ units.transpose(0, 2, 1), n, axis=0)
    weights = _weights(gram, levels.reshape(B * n, r)).reshape(B, n, r)
    above = weights @ units
    short = np.maximum(levels - above @ units.transpose(0, 2, 1), 0.0).max(axis=2)
    return above, short, weights


def _weights(gram, levels):
    """Active sets: vertices with a negative weight leave, the one that misses most comes in."""
    counts, found = levels > 0, np.zeros(levels.shape)
    going, diagonal = np.flatnonzero(counts.any(axis=1)), np.arange(levels.shape[1])
    for _ in range(STEPS):
        if not len(going):
            break
        own, wanted = counts[going], levels[going]
        system = gram[going] * (own[:, :, None] & own[:, None, :])
        system[:, diagonal, diagonal] += ~own + RIDGE
        weights = np.linalg.solve(system, (wanted * own)[:, :, None])[:, :, 0]
        leaves = weights < 0
        weights = np.maximum(weights, 0.0) * own
        found[going] = weights
        missing = wanted - (gram[going] @ weights[:, :, None])[:, :, 0]
        comes = ((missing > NEAR) & ~own).any(axis=1) & ~leaves.any(axis=1)
        first = np.where(own, -np.inf, missing).argmax(axis=1)
        own &= ~leaves
        own[comes, first[comes]] = True
        counts[going] = own
        going = going[leaves.any(axis=1) | comes]
    return found


def length_two(rows):
    """The largest singular values of matrices (B, Q, r), in floating point."""
    gram = rows @ rows.transpose(0, 2, 1)
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[:, -1], 0.0))
