r"""A loss without what is fitted exactly: the equations for that part, and the rest of the loss.

In a cell :math:`C = B + C_{red} + C_{rest}`: B is what the best affine fits of all groups leave,
C_rest what the outputs are off them in directions that no labels of their group differ in, or in
groups that are fitted exactly. Where C_rest is 0, a local minimum of C_red is one of C
(docs/trained.md).
"""

from typing import NamedTuple

import numpy as np
from flint import arb_mat, fmpq

from constructions.critical.balls import Balls, of_arbs
from constructions.critical.cell import Block, Cell
from constructions.critical.labels import split_of
from constructions.critical.points import as_objects, exactly

SMALL = 1e-6  # relative to the targets: an error that may be exactly 0 near by


class Equation(NamedTuple):
    """Outputs at some points in a row that are to be their fit, in some directions.

    Attributes
    ----------
    rows : slice
    directions : arb_mat, shape (K', m)
    """

    rows: slice
    directions: arb_mat


class Reduced(NamedTuple):
    """What is to be critical, and what is to be exact.

    Attributes
    ----------
    floats, balls, arbs : Cell
        One and the same in three kinds of numbers: the points that stand for groups, those with
        a part in the loss first, then, once more, the points with kinks.
    within : list of (slice, arb_mat)
        Directions of the outputs that the loss depends on, (K', m).
    equations : list of Equation
    wanted : list of (int, list of fmpq)
        The same directions, in the rational coordinates of the labels, for ranks.
    is_fitted : bool
        Whether nothing is left of the loss but B.
    """

    floats: Cell
    balls: Cell
    arbs: Cell
    within: list
    equations: list
    wanted: list
    is_fitted: bool


def reduced(points, groups, space, labels, widths, masks, kinks, errors, way):
    """The `Reduced` problem of a cell.

    Parameters
    ----------
    points : Points
    groups : list of Group
    space : LabelSpace
    labels : Labels
    widths : tuple of int
        With as many outputs as the labels' space has dimensions.
    masks, kinks
        Of all points.
    errors : list of ndarray, shapes (k, K')
        How far the outputs at the chosen points of each group are off, in floats.
    way : str
        "whole" leaves C as it is; "groups" takes out groups that seem to be fitted, "labels" of
        others also the directions that their labels do not differ in.

    Returns
    -------
    Reduced, or None
        None if it is that of the way before.
    """
    K = widths[-1]
    size = _size(space)
    identity = arb_mat(K, K, [int(i == j) for i in range(K) for j in range(K)])
    units = [[fmpq(int(i == j)) for j in range(K)] for i in range(K)]
    parts, dropped = [], []
    for group, error in zip(groups, errors, strict=True):
        if way != "whole" and np.abs(error).max() <= SMALL * size:
            dropped.append(group)
            continue
        within, beyond, functionals = identity, None, units
        if way == "labels":
            found = split_of(space, labels.targets, group.classes)
            if found is None:
                return None
            if found[0] is not None and found[1] is not None:
                off = np.array([[float(a.mid()) for a in row] for row in found[1].tolist()])
                if np.abs(error @ off).max() <= SMALL * size:
                    within, beyond, functionals = found
        parts.append((group, within, beyond, functionals))
    if way == "labels" and all(beyond is None for _, _, beyond, _ in parts):
        return None
    if way == "groups" and not dropped:
        return None
    rows, fits, blocks, inside, equations, wanted, at = [], [], [], [], [], [], 0
    for group, within, beyond, functionals in parts:
        place = slice(at, at + len(group.chosen))
        across = within * within.transpose()
        blocks.append((place, group.form, across))
        inside.append((place, within))
        wanted += [(i, row) for i in range(place.start, place.stop) for row in functionals]
        if beyond is not None:
            equations.append(Equation(place, beyond))
        at = place.stop
        rows += group.chosen.tolist()
        fits += group.fit
    for group in dropped:
        place = slice(at, at + len(group.chosen))
        equations.append(Equation(place, identity))
        at = place.stop
        rows += group.chosen.tolist()
        fits += group.fit
    again = sorted({i for _, i, _ in kinks})
    fits += [[identity[0, 0] * 0] * K for _ in again]
    copies = [(l, at + again.index(i), u) for l, i, u in kinks]
    X, masks = points.X[rows + again], [mask[rows + again] for mask in masks]
    shape = len(X), K
    flat = [a for row in fits for a in row]
    balls = Cell(
        widths,
        Balls(X),
        of_arbs(flat, shape),
        [Block(place, _balls(form), _balls(across)) for place, form, across in blocks],
        masks,
        copies,
    )
    floats = Cell(
        widths,
        X,
        balls.Y.mid,
        [Block(place, form.mid, across.mid) for place, form, across in balls.blocks],
        masks,
        copies,
    )
    arbs = Cell(
        widths,
        exactly(X),
        as_objects(flat, shape),
        [Block(place, _objects(form), _objects(across)) for place, form, across in blocks],
        [exactly(mask) for mask in masks],
        copies,
    )
    return Reduced(floats, balls, arbs, inside, equations, wanted, not parts)


def ways_of(errors, space):
    """What may be taken out of the loss, the likeliest first; see `reduced`."""
    size = _size(space)
    if all(np.abs(error).max() <= SMALL * size for error in errors):
        return "groups", "whole", "labels"
    return "whole", "labels", "groups"


def _size(space):
    """The largest coordinate of a target, as a float."""
    return max(1e-300, *(abs(float(a.mid())) for row in space.coordinates for a in row))


def _balls(matrix):
    return of_arbs(matrix.entries(), (matrix.nrows(), matrix.ncols()))


def _objects(matrix):
    return as_objects(matrix.entries(), (matrix.nrows(), matrix.ncols()))
