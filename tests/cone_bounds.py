"""The bound of a ReLU sum on a simplicial cone by its definition (docs/two-layer.md), in floats."""

from itertools import combinations

import numpy as np


def levels_of(V, H, rows, L, G):
    """What the sum may be at the corners V (D, D), and the slope along the sum at the middle.

    rows (n, D) with heights H (n, D) at the corners and multipliers L (n, Q) are undecided, G
    (D, Q) is the slope of the others. Beyond what it is with each point as at the middle, a point
    counts along the sum at the middle for the sign that it pushes to, and across it by its length.
    """
    on = [h.sum() > 0 for h in H]
    slope = G + sum(np.outer(r, m) for r, m, is_on in zip(rows, L, on, strict=True) if is_on)
    way = slope.T @ V.sum(axis=0)
    e = way / np.linalg.norm(way) if way.any() else np.eye(len(way))[0]
    levels = []
    for k, corner in enumerate(V):
        here = slope.T @ corner
        up, down, across = here @ e, -(here @ e), np.linalg.norm(here - (here @ e) * e)
        for h, m, is_on in zip(H[:, k], L, on, strict=True):
            rest = max(h, 0) - is_on * h
            up, down = up + max(m @ e, 0) * rest, down + max(-(m @ e), 0) * rest
            across += np.linalg.norm(m - (m @ e) * e) * rest
        levels.append(np.hypot(max(up, down), across))
    return np.array(levels), slope @ e


def least_length(V, levels):
    """The least |M| with V M >= levels: one of those that attain some of them."""
    best = np.inf if levels.max() > 0 else 0.0
    for k in range(1, len(V) + 1):
        for some in map(list, combinations(range(len(V)), k)):
            M = np.linalg.pinv(V[some]) @ levels[some]
            if (V @ M >= levels - 1e-11 * abs(levels).max()).all():
                best = min(best, np.linalg.norm(M))
    return best
