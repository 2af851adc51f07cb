r"""What exact fits often ask of weights: columns or rows that are parallel, or across a direction.

.. math:: V_{ru} V_{sp} - V_{rp} V_{su} = 0 \quad (r \neq s), \qquad V_{sp} \neq 0

say that column u is a multiple of column p, and :math:`g \cdot V_u = 0` that a column is across g.
"""

from typing import NamedTuple

import numpy as np

from constructions.critical.balls import Balls, of_arbs

PARALLEL = 1e-6  # of the length of a column: what of it is across another one
ACROSS = 1e-6  # of the same: what of it is along a direction


class Parallel(NamedTuple):
    """Two units of a layer whose columns, or rows, are to be parallel.

    Attributes
    ----------
    layer : int
        The weights are those of this layer, from 0.
    is_column : bool
        Whether the units are those that the layer reads; else those that it makes.
    place, pivot, unit : int
        An entry of the pivot's column that is not 0, the pivot, and the other unit.
    """

    layer: int
    is_column: bool
    place: int
    pivot: int
    unit: int

    def _columns(self, W):
        return W[self.layer] if self.is_column else W[self.layer].T

    def stands(self, W):
        """Whether the entry is proved not to be 0."""
        return bool(self._columns(W)[self.place, self.pivot].nonzero)

    def values(self, W):
        """One number for each other place, an array, in the numbers of the weights."""
        V = self._columns(W)
        others = [r for r in range(len(V)) if r != self.place]
        s, p, u = self.place, self.pivot, self.unit
        return V[others, u] * V[s, p] - V[others, p] * V[s, u]

    def slopes(self, W, cell):
        """Their derivatives in all parameters, `Balls` of shape (number of values, P)."""
        V, start = self._columns(W), cell.places[self.layer][0].start
        (K, m), (s, p, u) = V.shape, self[2:]
        steps = (m, 1) if self.is_column else (1, K)
        P = cell.places[-1][1].stop
        mid, rad = np.zeros((K - 1, P)), np.zeros((K - 1, P))
        for k, r in enumerate(r for r in range(K) if r != s):
            entries = (r, u), (s, p), (r, p), (s, u)
            values = V[s, p], V[r, u], -V[s, u], -V[r, p]
            for (a, b), value in zip(entries, values, strict=True):
                at = start + a * steps[0] + b * steps[1]
                mid[k, at], rad[k, at] = value.mid, value.rad
        return Balls(mid, rad)


class Across(NamedTuple):
    """A unit whose column of the last weights is to be across a direction.

    Attributes
    ----------
    unit : int
    functional : tuple of fmpq
        The direction, for the rational coordinates of the labels.
    direction : list of arb
        The same for those in their frame, (K',).
    layer : int
        That of the last weights.
    """

    unit: int
    functional: tuple
    direction: list
    layer: int

    def stands(self, W):
        """Nothing else is needed."""
        return True

    def values(self, W):
        """One number, an array, in arb."""
        return np.array([np.array(self.direction, dtype=object) @ W[self.layer][:, self.unit]])

    def slopes(self, W, cell):
        """Its derivative in all parameters, `Balls` of shape (1, P)."""
        K, m = W[self.layer].shape
        at = cell.places[self.layer][0].start + self.unit + m * np.arange(K)
        own = of_arbs(self.direction, (K,))
        mid, rad = np.zeros((2, 1, cell.places[-1][1].stop))
        mid[0, at], rad[0, at] = own.mid, own.rad
        return Balls(mid, rad)


def across(sets, asked, V, layer, leader):
    """An `Across` for units of sets whose columns seem to be across what is asked for.

    Parameters
    ----------
    sets : list of ndarray of int
        Units, of each that is asked for.
    asked : list of Asked
    V : ndarray, shape (K', m)
        Last weights, in floats.
    layer : int
    leader : dict
        Of units that are parallel to another one, that one: it speaks for them.

    Returns
    -------
    list of Across
    """
    length, found = np.linalg.norm(V, axis=0), {}
    for units, one in zip(sets, asked, strict=True):
        g = np.array([float(v.mid()) for v in one.direction])
        along = np.abs(g @ V[:, units])
        for u in units[along <= ACROSS * np.linalg.norm(g) * length[units]].tolist():
            u = leader.get(u, u)
            found[u, one.functional] = Across(u, one.functional, one.direction, layer)
    return list(found.values())


def parallel_classes(sets, V, layer, is_column):
    """Units whose columns seem to be parallel, of sets of units all of which are so.

    Parameters
    ----------
    sets : list of ndarray of int
    V : ndarray, shape (K', m)
        Weights of a layer, in floats, transposed if rows are asked for.
    layer : int
    is_column : bool

    Returns
    -------
    list of Parallel
        For each class of units that sets join, all but one of its units with that one.
    """
    classes = []
    for on in sets:
        if _pivot(on, V) is not None:
            own = set(on.tolist())
            for other in [c for c in classes if c & own]:
                classes.remove(other)
                own |= other
            classes.append(own)
    found = []
    for own in classes:
        units = np.array(sorted(own))
        pivot = _pivot(units, V)
        if pivot is not None:
            found += [
                Parallel(layer, is_column, *pivot, u) for u in units.tolist() if u != pivot[1]
            ]
    return found


def _pivot(units, V):
    """(row, unit) of the largest entry of the longest column; None if they are not parallel."""
    if len(V) < 2 or len(units) < 2:
        return None
    own = V[:, units]
    length = np.linalg.norm(own, axis=0)
    longest = int(np.argmax(length))
    if not length[longest] > 0:
        return None
    direction = own[:, longest] / length[longest]
    across = np.linalg.norm(own - np.outer(direction, direction @ own), axis=0)
    if not (across <= PARALLEL * length).all():
        return None
    return int(np.argmax(np.abs(direction))), int(units[longest])
