r"""What units read at their kinks: whether it leaves their (w, b) free, or they hold it in a plane.

The kinks of a unit are linear equations for its (w, b) if the rows (h_i, 1) are independent. If not
they are, for given w, for the layer below, whose outputs they hold in a plane, and for b.
"""

import numpy as np

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, has_full_column_rank, stacked

SMALL = 1e-6  # of a row: what of it others do not give


def held_units(cell, theta, free):
    """Units whose rows seem to depend on each other, guessed in floating point.

    Parameters
    ----------
    cell : Cell
        In floats.
    theta : ndarray, shape (P,)
    free : list of int
        Numbers of kinks that are looked at.

    Returns
    -------
    list of (int, int)
        Layer from 1 on, and unit.
    """
    found, held = calculus.forwards(cell, theta), []
    for (l, u), rows in own_rows([cell.kinks[j] for j in free]).items():
        lifted = np.column_stack([found.inputs[l][rows], np.ones(len(rows))])
        if l and len(rows) > 1 and np.isfinite(lifted).all():
            lifted = lifted / np.maximum(np.abs(lifted).max(axis=0), np.finfo(float).tiny)
            lifted = lifted / np.linalg.norm(lifted, axis=1)[:, None]
            if np.linalg.matrix_rank(lifted, tol=SMALL) < len(rows):
                held.append((l, u))
    return sorted(held)


def own_rows(kinks):
    """The points of the kinks of each (layer, unit), a dict of lists."""
    own = {}
    for l, i, u in kinks:
        own.setdefault((l, u), []).append(i)
    return own


def are_free(cell, found, Z=None, held=()):
    """Whether the equations of kinks are proved to be independent for what is to solve them.

    Those of a unit for its (w, b), or if it is `held` all of these for the layer below and the
    biases, together with the kinks of that layer.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls.
    Z : Balls, shape (number of kinks, P), optional
        Derivatives of the pre-activations at the kinks; needed if units are held.
    held : list of (int, int), optional
        Layer from 1 on, and unit.

    Returns
    -------
    bool
    """
    for at, rows in own_rows(cell.kinks).items():
        read = found.inputs[at[0]][rows]
        lifted = stacked([read, Balls(np.ones((len(rows), 1)))], axis=1)
        if at not in held and not has_full_column_rank(lifted.T):
            return False
    return all(
        has_full_column_rank(Z[_joint_rows(cell, l, held)][:, _joint_places(cell, l, held)].T)
        for l in {l for l, _ in held}
    )


def _joint_rows(cell, layer, held):
    """Numbers of the kinks of held units of a layer, and of all of the layer below."""
    return [
        j
        for j, (l, _, u) in enumerate(cell.kinks)
        if l == layer - 1 or (l == layer and (l, u) in held)
    ]


def _joint_places(cell, layer, held):
    """Where the parameters of the layer below are, and the biases of held units."""
    below, (_, biases) = cell.places[layer - 1 : layer + 1]
    own = [biases.start + u for l, u in held if l == layer]
    return [*range(below[0].start, below[0].stop), *range(below[1].start, below[1].stop), *own]
