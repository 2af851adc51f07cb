r"""Any finite data: one collapse layer per peel, in d + Q dimensions.

Points are padded with Q zeros. A peel of class j is collapsed, together with
all points of that class collapsed before (the *pile* of class j), to a new
pile whose extra coordinates are those of the j-th unit vector; the extra
coordinates are what keeps piles apart from everything else. In the end each
class is one pile, and the last layer maps Q affinely independent points to
their targets. See docs/universal.md for the proof.

With two classes left the peels may end early: once one class lies inside d + Q
half-spaces each point of the other violates, two layers finish.
"""

from typing import NamedTuple

import numpy as np

from constructions.collapse import collapse_layer
from constructions.peels import peel_sequence
from constructions.polyhedral import find_faces
from constructions.separation import separate
from geomcore.cumulative import layer_parameters


class NotSeparated(Exception):
    """A peel could not be separated in double precision; the message says which."""


class Universal(NamedTuple):
    """Hidden layers of the universal construction, acting one after another.

    Attributes
    ----------
    layers : list of (W, b)
        The first is (d + Q, d), all others are (d + Q, d + Q).
    kinds, order : list
        What each layer does, and which class it collapses.
    peels : int
        Number of peels that would be needed without faces: a network of
        ``peels + 1`` layers.
    """

    layers: list
    kinds: list
    order: list
    peels: int


def collapse_everything(Z, index, rng, *, beam=None):
    """Hidden layers that send every class to one point.

    Parameters
    ----------
    Z : ndarray, shape (N, d)
        Points; equal ones have equal labels.
    index : ndarray of int, shape (N,)
    rng : numpy.random.Generator
    beam : int, optional
        Width of the search for few peels, see `peel_sequence`.

    Returns
    -------
    Universal

    Raises
    ------
    NotSeparated
        If a peel that exists in exact arithmetic is lost in double precision.
    """
    d, Q = Z.shape[1], int(index.max()) + 1
    peels = peel_sequence(Z, index, rng, beam=beam)
    kept, faces = len(peels), None
    if Q == 2 and d <= 10:
        kept, faces = _earliest_faces(Z, index, peels, rng)
    piles = _Piles(Z, index, rng)
    for number, peel in enumerate(peels[:kept], start=1):
        if not piles.collapse(peel):
            raise NotSeparated(
                f"peel {number} of {len(peels)} ({len(peel.rows)} points) is lost in "
                "double precision: its gap to the other points is too small"
            )
    Ws, bs = list(piles.Ws), list(piles.bs)
    order = [peel.label for peel in peels[:kept]]
    kinds = ["spread cone"] * kept
    final = []
    if faces is not None:
        W, b, final = piles.finish(faces)
        Ws.append(W)
        bs.append(b)
        order += [faces.inside, 1 - faces.inside]
        kinds += ["faces", "spread cone"]
    net = layer_parameters(Ws, bs)
    layers = list(zip(net.weights, net.biases, strict=True))
    layers[0] = layers[0][0][:, :d], layers[0][1]
    return Universal(layers + final, kinds, order, len(peels))


def _earliest_faces(Z, index, peels, rng):
    """(t, faces): after t peels the rest is inside and outside of d + 2 faces; t by bisection.

    What can be done after t peels can be done after more, since points only go away.
    """
    low, high, faces = 0, len(peels) - 2, None
    while low < high or (low == high and faces is None):
        t = (low + high) // 2
        left = np.ones(len(Z), bool)
        for peel in peels[:t]:
            left[peel.rows] = False
        found = None
        if len(np.unique(index[left])) == 2:
            found = find_faces(Z[left], index[left], Z.shape[1] + 2, rng, restarts=2)
        if found is not None and found.uncovered == 0:
            high, faces, best = t, found, t
        else:
            low = t + 1
        if low > high:
            break
    return (len(peels), None) if faces is None else (best, faces)


class _Piles:
    """The state of the construction: points not yet peeled, and one pile per class at most."""

    def __init__(self, Z, index, rng):
        self.Z, self.index, self.rng = Z, index, rng
        self.Q = int(index.max()) + 1
        self.height = float(np.sqrt((Z**2).sum(axis=1).mean())) or 1.0
        self.padded = np.hstack([Z, np.zeros((len(Z), self.Q))])
        self.alive = np.ones(len(Z), bool)
        self.piles = {}
        self.Ws, self.bs = [], []

    def collapse(self, peel):
        """Add the collapse layer of one peel; False if it cannot be separated."""
        q, d = peel.label, self.Z.shape[1]
        self.alive[peel.rows] = False
        pile = self.piles.pop(q, None)
        G = np.vstack([self.padded[peel.rows], *([] if pile is None else [pile[None]])])
        target = np.zeros(d + self.Q)
        target[:d] = self.Z[peel.rows].mean(axis=0) if pile is None else pile[:d]
        target[d + q] = self.height
        F = np.vstack([self.padded[self.alive], *(p[None] for p in self.piles.values())])
        if not len(F):
            F = target[None]
        answer = separate(F, G, rtol=1e-3)
        if not answer.separable:
            return False
        # the nearest point of the hyperplane with the same own extra coordinate
        along = answer.normal.copy()
        along[d + q] = 0
        excess = answer.normal @ target + answer.offset
        base = target - excess / (along @ along) * along
        layer = collapse_layer(G, F, answer.normal, base, self.rng)
        self.Ws.append(layer.W)
        self.bs.append(layer.b)
        self.piles[q] = base
        return True

    def finish(self, faces):
        """Cumulative (W, b) of a layer of faces around one class, and the layer after it."""
        d, inside = self.Z.shape[1], faces.inside
        outer = self.Z[self.alive & (self.index != inside)] @ faces.W.T + faces.b
        level = np.abs(outer).max(axis=0)
        corners = np.eye(2) * self.height
        piles = [self.piles.get(q, np.r_[self.Z.mean(axis=0), corners[q]]) for q in (0, 1)]
        # extra coordinates: all rows well below zero on the inside pile, well above on the other
        extra = np.stack([p[d:] for p in piles])
        wanted = np.where(np.arange(2)[:, None] == inside, -level, level)
        flat = np.stack([faces.W @ p[:d] + faces.b for p in piles])
        W = np.column_stack([faces.W, np.linalg.solve(extra, wanted - flat).T])
        G = [outer]
        if 1 - inside in self.piles:
            G.append((W @ piles[1 - inside] + faces.b)[None])
        G = np.maximum(np.vstack(G), 0)
        origin = np.zeros((1, len(faces.b)))
        answer = separate(origin, G)
        if not answer.separable:
            raise NotSeparated("the faces around the last class are too near the other class")
        mean = G.mean(axis=0)
        base = mean - (answer.normal @ mean + answer.offset) * answer.normal
        last = collapse_layer(G, origin, answer.normal, base, self.rng)
        return W, faces.b, [(last.W, last.b)]
