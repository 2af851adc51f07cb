r"""A loss without what is fitted exactly: the equations for that part, and the rest of the loss.

In a cell :math:`C = B + C_{red} + C_{rest}`: B is what the best affine fits of all groups leave,
C_rest what the outputs are off them in directions that no labels of their group differ in, or in
groups that are fitted exactly. Where C_rest is 0, a local minimum of C_red is one of C
(docs/trained.md).
"""

from itertools import pairwise, starmap
from typing import NamedTuple

import numpy as np
from flint import arb_mat, fmpq
from scipy.linalg import qr

from constructions.critical.balls import Balls, has_full_column_rank, of_arbs, stacked
from constructions.critical.cell import Block, Cell, output_rows
from constructions.critical.fitted.fewer import NOTHING, Asked, Chosen, chosen_of
from constructions.critical.labels import beyond_of, split_of
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
    spans : list of Span
        Exactly fitted points that stand for all with their label and pattern above a layer.
    """

    floats: Cell
    balls: Cell
    arbs: Cell
    within: list
    equations: list
    wanted: list
    is_fitted: bool
    spans: list = ()
    chosen: Chosen = NOTHING

    def exact_rows(self, found, J):
        """Derivatives of all that is to be exact in the parameters, `Balls`.

        Parameters
        ----------
        found : Pass
            Of `balls`.
        J : Balls, shape (N K', P), or None
            Those of all outputs, if they are known.
        """
        K, P = self.balls.widths[-1], self.balls.places[-1][1].stop
        places = [e.rows for e in self.equations]
        if J is None and places:  # of the points that are needed
            points = np.concatenate([np.arange(place.start, place.stop) for place in places])
            outputs = np.tile(np.arange(K), len(points))
            J = output_rows(self.balls, found, np.repeat(points, K), outputs)
            ends = np.cumsum([0, *(place.stop - place.start for place in places)]).tolist()
            places = list(starmap(slice, pairwise(ends)))
        parts = [
            along(J, place, e.directions, K)
            for place, e in zip(places, self.equations, strict=True)
        ]
        return stacked([Balls(np.zeros((0, P))), *parts, *self.chosen.slopes(self.balls, found)])

    def exact_values(self, found):
        """What is to be exact less what it is to be, a list of arb, from a pass of `arbs`."""
        error, values = found.values[-1] - self.arbs.Y, []
        for equation in self.equations:
            shape = equation.directions.nrows(), equation.directions.ncols()
            directions = as_objects(equation.directions.entries(), shape)
            values += (error[equation.rows] @ directions).ravel().tolist()
        return values + self.chosen.values(found)

    def stands(self, found):
        """Whether the points of all spans are proved to stand for the others.

        Parameters
        ----------
        found : Pass
            Of `balls`, in a box.
        """
        for layer, rows, live in self.spans:
            values = found.inputs[layer + 1][rows][:, live]
            lifted = stacked([values, Balls(np.ones((len(rows), 1)))], axis=1)
            if not has_full_column_rank(lifted.T):
                return False
        return self.chosen.stands(self.balls, found)


def along(J, place, directions, K):
    """Rows of J for some points in a row, in some directions of the outputs."""
    m, n, P = directions.ncols(), place.stop - place.start, J.shape[1]
    own = J[place.start * K : place.stop * K]
    if m == K and all(a == (i % (K + 1) == 0) for i, a in enumerate(directions.entries())):
        return own
    across = of_arbs(directions.transpose().entries(), (m, K))
    return (across @ own.reshape(n, K, P)).reshape(n * m, P)


class Span(NamedTuple):
    """Points at which the outputs of a hidden layer, and 1, span those of units that may be on.

    Where all layers above have one pattern, and the outputs at these points are one label, they
    are so at all points at which no other unit is on.

    Attributes
    ----------
    layer : int
        From 0.
    rows : list of int
    live : ndarray of int
        The units.
    """

    layer: int
    rows: list
    live: np.ndarray


def spanning(groups, masks, hidden):
    """Fewer points that stand for groups which are fitted exactly, and the `Span` of each part.

    Parameters
    ----------
    groups : list of Group
    masks : list of ndarray of float
    hidden : list of ndarray, shapes (N, d_l)
        Outputs of the hidden layers, in floats.

    Returns
    -------
    list of (list of int, list of list of arb, Span or None)
        Points, their fits, and what makes them stand for others.
    """
    parts = [([group], list(group.chosen), None) for group in groups]
    for l, values in enumerate(hidden):
        together = {}
        for part in parts:
            first = part[0][0].rows[0]
            above = b"".join(mask[first].tobytes() for mask in masks[l + 1 :])
            one = len(part[0][0].classes) == 1
            key = (above, *part[0][0].classes) if one else id(part)
            together.setdefault(key, []).append(part)
        parts = [_merged(own, l, values, masks[l]) for own in together.values()]
        parts = [part for own in parts for part in own]
    fits = {}
    for group in groups:
        fits |= dict(zip(group.chosen.tolist(), group.fit, strict=True))
    found = []
    for own, rows, span in parts:
        same = own[0].fit[0]
        found.append((rows, [same if span else fits[i] for i in rows], span))
    return found


def _merged(parts, layer, values, mask):
    """The parts as one, if that takes fewer points."""
    groups = [group for own, _, _ in parts for group in own]
    rows = np.concatenate([group.rows for group in groups])
    live = np.flatnonzero(mask[rows].any(axis=0))
    if len(groups[0].classes) > 1 or len(live) + 1 >= sum(len(own) for _, own, _ in parts):
        return parts
    lifted = np.column_stack([values[rows][:, live], np.ones(len(rows))])
    lifted = lifted / np.maximum(np.abs(lifted).max(axis=0), 1e-300)
    _, R, order = qr(lifted.T, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    if not diagonal[len(live)] > 1e-6 * diagonal[0]:
        return parts
    chosen = rows[order[: len(live) + 1]].tolist()
    return [(groups, chosen, Span(layer, chosen, live))]


def reduced(points, groups, space, labels, widths, masks, kinks, errors, way, hidden, sparing=None):
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
    hidden : list of ndarray, shapes (N, d_l)
        Outputs of the hidden layers, in floats.
    way : str
        "whole" leaves C as it is; "groups" takes out groups that seem to be fitted, "labels" of
        others also the directions that their labels do not differ in.
    sparing : (Cell, Pass, bool), optional
        All points in floats, with the kinks that others depend on, forwards, and one of two
        ways: then what is to be exact is asked for by as few equations as imply it.

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
    is_lone = [
        len(group.chosen) == len(group.rows) and functionals is units
        for group, _, _, functionals in parts
    ]
    lone = [part[0] for part, own in zip(parts, is_lone, strict=True) if own]
    parts = [part for part, own in zip(parts, is_lone, strict=True) if not own]
    if lone:  # points that nothing ties together are one block: many small ones take long
        rows = [i for group in lone for i in group.chosen.tolist()]
        fits = [fit for group in lone for fit in group.fit]
        at = len(rows)
        weights = [group.form[i, i] for group in lone for i in range(len(group.chosen))]
        blocks.append((slice(0, at), weights, identity))
        inside.append((slice(0, at), identity))
        wanted += [(i, row) for i in range(at) for row in units]
    for group, within, beyond, functionals in parts:
        place = slice(at, at + len(group.chosen))
        across = within * within.transpose()
        blocks.append((place, group.form, across))
        inside.append((place, within))
        wanted += [(i, row) for i in range(place.start, place.stop) for row in functionals]
        if beyond is not None and sparing is None:
            equations.append(Equation(place, beyond))
        at = place.stop
        rows += group.chosen.tolist()
        fits += group.fit
    spans, chosen, exact = [], NOTHING, spanning(dropped, masks, hidden)
    if sparing is not None:
        of_labels = [*dropped, *(group for group, _, beyond, _ in parts if beyond is not None)]
        chosen = chosen_of(sparing[0], _asked(of_labels, space, labels), *sparing[1:])
        if chosen is None:
            return None
        mixed = [group for group in dropped if len(group.classes) > 1]
        inner = [split_of(space, labels.targets, group.classes)[0] for group in mixed]
        exact = [(group.chosen.tolist(), group.fit, None) for group in mixed]
    for k, (own, fit, span) in enumerate(exact):
        place = slice(at, at + len(own))
        equations.append(Equation(place, identity if sparing is None else inner[k]))
        if span is not None:
            spans.append(span._replace(rows=list(range(place.start, place.stop))))
        at = place.stop
        rows += own
        fits += fit
    places = {i: at + j for j, i in enumerate(sorted({one.point for one in chosen.asked}))}
    for i, place in places.items():
        own = [one for one in chosen.asked if one.point == i]
        directions = arb_mat([one.direction for one in own]).transpose()
        equations.append(Equation(slice(place, place + 1), directions))
        rows.append(i)
        fits.append(points.targets[i])
    at += len(places)
    moved = [one._replace(point=places[one.point]) for one in chosen.asked]
    chosen = chosen._replace(asked=moved)
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
    return Reduced(floats, balls, arbs, inside, equations, wanted, not blocks, spans, chosen)


def _asked(groups, space, labels):
    """What is asked for of groups in directions that their labels do not differ in."""
    found = []
    for group in groups:
        for direction in beyond_of(space, labels.targets, group.classes):
            found += [Asked(i, *direction, group.classes[0]) for i in group.chosen.tolist()]
    return found


def ways_of(errors, space):
    """What may be taken out of the loss, the likeliest first; see `reduced`."""
    size = _size(space)
    if all(np.abs(error).max() <= SMALL * size for error in errors):
        return "groups", "whole", "labels"
    return "whole", "labels", "groups"


def _size(space):
    """The largest coordinate of a target, as a float."""
    return max(1e-300, *(abs(float(a.mid())) for row in space.coordinates for a in row))


def _balls(form):
    return of_arbs(*_entries(form))


def _objects(form):
    return as_objects(*_entries(form))


def _entries(form):
    """Entries and shape of a matrix, or of the list of a diagonal."""
    if isinstance(form, list):
        return form, (len(form),)
    return form.entries(), (form.nrows(), form.ncols())
