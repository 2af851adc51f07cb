r"""Any finite data: one collapse layer per peel, in d + Q dimensions.

Points are padded with Q zeros. A peel of class j is collapsed, together with
all points of that class collapsed before (the *pile* of class j), to a new
pile whose extra coordinates are those of the j-th unit vector; the extra
coordinates are what keeps piles apart from everything else. In the end each
class is one pile, and the last layer maps Q affinely independent points to
their targets. See docs/universal.md for the proof.
"""

import numpy as np

from constructions.collapse import Collapse, collapse_layer
from constructions.peels import Peel
from constructions.separation import separate


class NotSeparated(Exception):
    """A peel could not be separated in double precision; the message says which."""


def collapse_peels(Z, index, peels: list[Peel], rng, *, height=None):
    """Collapse layers for a sequence of peels, on padded points.

    Parameters
    ----------
    Z : ndarray, shape (N, d)
    index : ndarray of int, shape (N,)
    peels : list of Peel
    rng : numpy.random.Generator
    height : float, optional
        Size of the extra coordinates; default the root mean square size of a feature
        times the square root of d.

    Returns
    -------
    list of Collapse
        In R^{d + Q}.

    Raises
    ------
    NotSeparated
    """
    N, d = Z.shape
    Q = int(index.max()) + 1
    height = float(np.sqrt((Z**2).sum(axis=1).mean())) or 1.0 if height is None else height
    padded = np.hstack([Z, np.zeros((N, Q))])
    alive = np.ones(N, bool)
    piles = {}
    layers = []
    for number, (q, rows) in enumerate(peels, start=1):
        alive[rows] = False
        pile = piles.pop(q, None)
        others = [p[None] for p in piles.values()]
        G = np.vstack([padded[rows], *([] if pile is None else [pile[None]])])
        target = np.r_[(Z[rows].mean(axis=0) if pile is None else pile[:d]), np.zeros(Q)]
        target[d + q] = height
        F = np.vstack([padded[alive], *others])
        if not len(F):
            F = target[None]
        answer = separate(F, G, rtol=1e-3)
        if not answer.separable:
            raise NotSeparated(f"peel {number} of {len(peels)} ({len(rows)} points)")
        base = _pile_on_hyperplane(target, answer.normal, answer.offset, d + q)
        layers.append(collapse_layer(G, F, answer.normal, base, rng))
        piles[q] = base
    return layers


def _pile_on_hyperplane(target, normal, offset, own):
    """The point of the hyperplane nearest to the target with the same own extra coordinate."""
    along = normal.copy()
    along[own] = 0
    return target - (normal @ target + offset) / (along @ along) * along
