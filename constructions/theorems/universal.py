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

from constructions.building.assembly import assemble, identity_frame, loss_scale, standard_frame
from constructions.building.collapse import collapse_layer
from constructions.building.draft import Draft, Refused
from constructions.building.stored_layers import StoredLayers
from constructions.proof.enclosure import enclose
from constructions.separation.separation import separate
from constructions.theorems.peels import NoPeel, Peel, peel_sequence
from constructions.theorems.polyhedral import find_faces
from geomcore.arrays import as_count
from geomcore.foreign.wording import counted

# One after another until a network is certified: the least gap of a peel (relative to the
# data along its direction), the flatness of two neighbouring layers, multiplied, below which
# a layer that does nothing is put between them, and whether every pile is collapsed again.
ATTEMPTS = (
    (1e-9, 0.0, False),
    (1e-9, 0.0, True),
    (1e-9, 1e-7, True),
    (1e-6, 1e-4, True),
    (1e-3, 1e-4, True),
    (1e-9, 1.0, True),
)


def draft(X, labels, rng, *, beam):
    """One spread cone per peel; tried as often as `ATTEMPTS` says, until zero loss is certified.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    labels : Labels
        One class will do.
    rng : numpy.random.Generator
    beam : int or None
        As for `construct`.

    Returns
    -------
    Draft

    Raises
    ------
    Refused
        If double precision does not suffice for the distances between points.
    """
    # every layer is stored in the coordinates of the data already
    frame, plain = standard_frame(X), identity_frame(X.shape[1])
    failures = []
    for gap, flattest, again in ATTEMPTS:
        try:
            found = collapse_everything(
                X, labels.index, frame, rng, beam=beam, gap=gap, flattest=flattest, again=again
            )
        except NotSeparated as failure:
            failures.append(str(failure))
            continue
        problem = why_not_zero(assemble(found.layers, plain, X, labels), X, labels)
        if problem is None:
            return Draft(
                layers=found.layers,
                kinds=found.kinds,
                order=found.order,
                frame=plain,
                report={"peels": found.peels, "layers": len(found.layers) + 1},
            )
        failures.append(problem)
    raise Refused(f"of {len(failures)} attempts the first: {failures[0]}; the last: {failures[-1]}")


def as_beam(beam, X, labels):
    """The width of the search for peels; None leaves it to the size of the data."""
    return None if beam is None else as_count(beam, "beam")


class NotSeparated(Exception):
    """A peel could not be collapsed in double precision; the message says which."""


class Universal(NamedTuple):
    """Hidden layers of the universal construction, acting one after another on the data.

    Attributes
    ----------
    layers : list of (W, b)
        The first is (d + Q, d), all others are (d + Q, d + Q).
    kinds, order : list
        What each layer does, and which class it collapses.
    peels : int
        Number of peels that would be needed without faces: a network of
        ``peels + 1`` layers, if none is put in for the sake of precision.
    """

    layers: list
    kinds: list
    order: list
    peels: int


def collapse_everything(X, index, frame, rng, *, beam=None, gap=1e-9, flattest=0.0, again=False):
    """Hidden layers that send every class to one point.

    Parameters
    ----------
    X : ndarray, shape (N, d)
        Points; equal ones have equal labels.
    index : ndarray of int, shape (N,)
    frame : Frame
        Coordinates to work in.
    rng : numpy.random.Generator
    beam : int, optional
        Width of the search for few peels, see `peel_sequence`.
    gap : float, optional
        Least gap of a peel as long as there is one, see `peel_sequence`.
    flattest : float, optional
        Two neighbouring layers whose flatness, multiplied, is below this get a
        layer between them that moves nothing, for rounding errors grow by the
        inverse of that product.
    again : bool, optional
        Collapse every pile once more at the end. Piles are far apart, so these
        layers are well-conditioned, and they forget the rounding errors of all before.

    Returns
    -------
    Universal

    Raises
    ------
    NotSeparated
        If a peel that exists in exact arithmetic is lost in double precision.
    """
    Z, Q = frame(X), int(index.max()) + 1
    try:
        peels = peel_sequence(Z, index, rng, beam=beam, gap=gap)
    except NoPeel as failure:
        raise NotSeparated(str(failure)) from None
    kept, faces = len(peels), None
    if Q == 2 and X.shape[1] <= 10:
        kept, faces = _earliest_faces(Z, index, peels, rng)
    piles = _Piles(X, Z, index, frame, rng, flattest)
    try:
        for number, peel in enumerate(peels[:kept], start=1):
            problem = piles.collapse(peel)
            if problem:
                raise NotSeparated(
                    f"peel {number} of {len(peels)} ({counted(len(peel.rows), 'point')}) is lost "
                    f"in double precision: {problem}"
                )
        if faces is not None:
            piles.finish(faces)
        elif again:
            for q in range(Q):
                piles.collapse(Peel(q, np.empty(0, int)))
    except np.linalg.LinAlgError:
        raise NotSeparated("a layer is singular in double precision") from None
    return Universal(piles.stored.layers, piles.kinds, piles.order, len(peels))


def why_not_zero(net, X, labels):
    """What keeps a network from being certified as a global minimum, or None.

    The enclosure fixes the activation pattern and bounds the loss; the last
    layer that would make the loss exactly zero must be near the stored one.
    """
    enclosure = enclose(net, X, labels)
    if enclosure.undecided or enclosure.kinks:
        return f"signs of pre-activations not proved: {enclosure.undecided + enclosure.kinks}"
    _, first = np.unique(labels.index, return_index=True)
    hidden = np.column_stack([net.hidden(X[first])[-1], np.ones(len(first))])
    least = np.linalg.svd(hidden, compute_uv=False)[-1]
    loss = max(enclosure.loss_bound, float(((net(X) - labels.Y) ** 2).sum(axis=1).mean()))
    size = np.hypot(np.linalg.norm(net.weights[-1]), np.linalg.norm(net.biases[-1]))
    small = loss <= 1e-20 * loss_scale(labels)
    if not (small and np.sqrt(loss * len(X)) <= 1e-9 * size * least):
        return (
            f"the loss is proved to be at most {loss:.2g} only, with classes "
            f"{least:.2g} apart before the last layer"
        )
    return None


def _earliest_faces(Z, index, peels, rng):
    """(t, faces): after t peels the rest is inside and outside of d + 2 faces; t by bisection.

    What can be done after t peels can be done after more, since points only go away.
    """
    low, high, best, faces = 0, len(peels) - 3, len(peels), None
    while low <= high:
        t = (low + high) // 2
        left = np.ones(len(Z), bool)
        for peel in peels[:t]:
            left[peel.rows] = False
        found = None
        if len(np.unique(index[left])) == 2:
            found = find_faces(Z[left], index[left], Z.shape[1] + 2, rng, restarts=2)
        if found is not None and found.uncovered == 0:
            best, faces = t, found
            high = t - 1
        else:
            low = t + 1
    return best, faces


class _Piles:
    """The state of the construction: points not yet peeled, and one pile per class at most."""

    def __init__(self, X, Z, index, frame, rng, flattest):
        self.Z, self.index, self.rng, self.flattest = Z, index, rng, flattest
        self.Q = int(index.max()) + 1
        self.height = float(np.sqrt((Z**2).sum(axis=1).mean())) or 1.0
        self.padded = np.hstack([Z, np.zeros((len(Z), self.Q))])
        self.alive = np.ones(len(Z), bool)
        self.piles = {}
        self.stored = StoredLayers(X, frame)
        self.flatness = 1.0
        self.kinds, self.order = [], []

    def collapse(self, peel):
        """Add the collapse layer of one peel; what is wrong if there is none, else None."""
        q, d = peel.label, self.Z.shape[1]
        self.alive[peel.rows] = False
        pile = self.piles.pop(q, None)
        G = np.vstack([self.padded[peel.rows], *([] if pile is None else [pile[None]])])
        target = np.zeros(d + self.Q)
        target[:d] = G[:, :d].mean(axis=0) if pile is None else pile[:d]
        target[d + q] = self.height
        F = np.vstack([self.padded[self.alive], *(p[None] for p in self.piles.values())])
        if not len(F):
            F = target[None] + (target - G.mean(axis=0))
        answer = separate(F, G, rtol=1e-3)
        if not answer.separable:
            others = counted(len(F), "other point")
            return f"no hyperplane is proved to separate it from the {others}"
        # the nearest point of the hyperplane with the same own extra coordinate
        along = answer.normal.copy()
        along[d + q] = 0
        if along @ along < 1e-6:
            along = answer.normal
        excess = answer.normal @ target + answer.offset
        base = target - excess / (along @ along) * along
        layer = collapse_layer(G, F, answer.normal, base, self.rng)
        if self.flatness * layer.flatness < self.flattest:
            self._rest(F, G, q)
        pre = self.stored.extend(layer.W, layer.b)
        self.flatness = layer.flatness
        self.kinds.append("spread cone")
        self.order.append(q)
        dead = (self.index == q) & ~self.alive
        if not ((pre[dead] < 0).all() and (pre[~dead] > 0).all()):
            return (
                f"rounding errors exceed its margin {answer.margin:.2g} "
                f"(flatness {layer.flatness:.2g})"
            )
        self.piles[q] = self.stored.base(base)
        return None

    def _rest(self, F, G, q):
        """A layer that moves nothing, so that rounding errors of two flat layers only add."""
        both = np.vstack([F, G])
        size = np.abs(both).max() or 1.0
        self.stored.extend(np.eye(both.shape[1]), 0.5 * size - both.min(axis=0))
        self.kinds.append("rest")
        self.order.append(q)

    def finish(self, faces):
        """Add a layer of faces around one class, and the layer after it."""
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
        self.stored.extend(W, faces.b)
        hidden, within = self.stored.hidden, self.index == inside
        G, origin = hidden[~within], np.zeros((1, len(faces.b)))
        answer = separate(origin, G) if not hidden[within].any() else None
        if answer is None or not answer.separable:
            raise NotSeparated("the faces around the last class are too near the other class")
        mean = G.mean(axis=0)
        base = mean - (answer.normal @ mean + answer.offset) * answer.normal
        last = collapse_layer(G, origin, answer.normal, base, self.rng)
        pre = self.stored.append(last.W, last.b)
        if not ((pre[~within] < 0).all() and (pre[within] > 0).all()):
            raise NotSeparated("rounding errors exceed the margin of the last class")
        self.kinds += ["faces", "spread cone"]
        self.order += [inside, 1 - inside]
