r"""Kinks of a unit that follow from those of other units of its layer, which span it.

Units of one layer that are on their kink at the same points hold what they read there in a plane.
A further unit that vanishes at enough of these points is a combination of them, and so vanishes at
all (docs/trained.md, "Units that span each other").
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import qr

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, has_full_column_rank, stacked

SMALL = 1e-6  # of a row, or of a unit: what of it others do not give


class Tie(NamedTuple):
    """Why some kinks of a unit follow from its others, and from those of other units.

    With M the rows (h_i, 1) at points where all these units are on their kink, of D entries that
    are not 0 whatever the parameters are: M is 0 on the s independent leaders, so if D - s of its
    rows are independent, what these take to 0 is a combination of the leaders.

    Attributes
    ----------
    layer : int
        From 0.
    unit : int
    leaders : list of int
        Units of this layer, s.
    entries : list of int
        Of (w, b), D.
    rows : list of int
        Points of the cell, D - s; at these the kinks of the unit are kept.
    """

    layer: int
    unit: int
    leaders: list
    entries: list
    rows: list

    def stands(self, cell, theta):
        """Whether it is proved in a box of parameters.

        Parameters
        ----------
        cell : Cell
            In balls.
        theta : Balls, shape (P,)
        """
        found, at_b = calculus.forwards(cell, theta), cell.places[self.layer][1]
        n = len(self.rows)
        read = stacked([found.inputs[self.layer][self.rows], Balls(np.ones((n, 1)))], axis=1)
        units = stacked([found.W[self.layer], theta[at_b].reshape(-1, 1)], axis=1)[self.leaders]
        is_all = n + len(self.leaders) == len(self.entries)
        parts = read[:, self.entries].T, units[:, self.entries].T
        return is_all and all(has_full_column_rank(part) for part in parts)


def spanned_kinks(cell, theta, free):
    """Kinks that follow from those of other units of their layer, guessed in floating point.

    Parameters
    ----------
    cell : Cell
        In floats.
    theta : ndarray, shape (P,)
    free : list of int
        Numbers of kinks that all others of their unit depend on.

    Returns
    -------
    free : list of int
        Those that are left.
    ties : list of Tie
        What has to be proved for that.
    """
    found, kept, ties = calculus.forwards(cell, theta), set(free), []
    for l in range(1, len(cell.masks)):
        own = {}
        for j, (layer, i, u) in enumerate(cell.kinks):
            if layer == l:
                own.setdefault(u, {})[i] = j
        lifted = np.column_stack([found.inputs[l], np.ones(len(cell.X))])
        units = np.column_stack([found.W[l], theta[cell.places[l][1]]])
        alive = np.column_stack([cell.masks[l - 1] > 0, np.ones(len(cell.X), bool)])
        earlier = {}
        for u in sorted(own, key=lambda u: -len(own[u])):
            best = None
            for points in {frozenset(own[u].keys() & other.keys()) for other in earlier.values()}:
                rows = sorted(i for i in points if own[u][i] in free)
                others = [v for v, other in earlier.items() if points <= other.keys()]
                entries = np.flatnonzero(alive[sorted(points)].any(axis=0))
                tie = _tie(l, u, others, entries, rows, lifted, units)
                if tie is not None and (best is None or len(rows) - len(tie.rows) > best[0]):
                    best = len(rows) - len(tie.rows), rows, tie
            if best is not None:
                _, rows, tie = best
                kept -= {own[u][i] for i in rows if i not in tie.rows}
                ties.append(tie)
            earlier[u] = own[u]
    return sorted(kept), ties


def _tie(layer, unit, others, entries, rows, lifted, units):
    """A `Tie` that seems to hold and by which some of these rows follow from others, or None."""
    if len(rows) < 2:
        return None
    M = lifted[np.ix_(rows, entries)]
    sizes = np.maximum(np.abs(M).max(axis=0), np.finfo(float).tiny)
    chosen = _pivots(M / sizes)
    leaders = _pivots(units[np.ix_(others, entries)] * sizes)
    need = len(entries) - len(chosen)
    if len(chosen) == len(rows) or need > len(leaders):
        return None
    leaders = sorted(others[k] for k in leaders[:need])
    return Tie(layer, unit, leaders, entries.tolist(), sorted(rows[k] for k in chosen))


def _pivots(A):
    """Numbers of rows that seem to be independent, and to give all others."""
    lengths = np.linalg.norm(A, axis=1)
    if not (np.isfinite(A).all() and (lengths > 0).any()):
        return []
    A = A / np.where(lengths > 0, lengths, 1.0)[:, None]
    _, R, order = qr(A.T, mode="economic", pivoting=True)
    return order[: int((np.abs(np.diag(R)) > SMALL).sum())].tolist()
