r"""Fewer equations for what is fitted exactly, where those of all points depend on each other.

Let :math:`g \cdot (F_i - y_i) = 0` be asked for at some points i, in some directions g of the
outputs. With D_i the units of the last hidden layer that are on, and h_i what that layer reads,
that is linear in its (W, b) and in c, the last bias, or in c less each of the labels:

.. math:: (g^T V D_i \otimes (h_i, 1),\; g,\; g \cdot y_i) \cdot (W, b,\; c,\; -1) = 0, \qquad
    (g^T V D_i \otimes (h_i, 1),\; e_{q(i)} \otimes g) \cdot (W, b,\; (c - y_q)_q) = 0 .

If some of these rows are independent at a point, and as many as the rank of all of them can be
while kinks stay, and while some constraints on V and on the layers below hold there, then the
others depend on them, and so do their equations (docs/trained.md).
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq
from scipy.linalg import qr

from constructions.critical.balls import Balls, as_balls, has_full_column_rank, of_arbs, stacked
from constructions.critical.fitted.constraints import across, parallel_classes
from constructions.critical.ranks import coefficients_rank, own_labels

INDEPENDENT = 1e-8  # of the longest row: what of it the others do not give
MOST = 20  # constraints that are tried
MOST_NUMBERS = 400_000  # in the rows that are looked at


class Asked(NamedTuple):
    """What is to be exact at a point, in one direction of the outputs.

    Attributes
    ----------
    point : int
    functional : tuple of fmpq
        The direction, for the rational coordinates of the labels.
    direction : list of arb
        The same for those in their frame, (K',).
    value : fmpq
        What it is to be.
    ball : arb
        The same.
    label : int
        One of the labels there.
    """

    point: int
    functional: tuple
    direction: list
    value: fmpq
    ball: arb
    label: int


class Chosen(NamedTuple):
    """Some of what is asked for, that implies all of it.

    Attributes
    ----------
    asked : list of Asked
    constraints : list of Parallel and Across
        Equations as well.
    by_label : bool
        Which rows they have.
    error : float
        Probability that they do not imply the others.
    """

    asked: list = ()
    constraints: list = ()
    by_label: bool = False
    error: float = 0.0

    def slopes(self, cell, found):
        """Derivatives of the constraints in all parameters, a list of `Balls`."""
        return [constraint.slopes(found.W, cell) for constraint in self.constraints]

    def values(self, found):
        """They themselves in arb, a list."""
        return [v for own in self.constraints for v in own.values(found.W).tolist()]

    def stands(self, cell, found):
        """Whether it is proved to imply the others, in the box of a pass in balls."""
        if not all(constraint.stands(found.W) for constraint in self.constraints):
            return False
        if not self.asked:
            return True
        rows = coefficients(
            found.W[-1], found.inputs[-2], cell.masks[-1], self.asked, self.by_label
        )
        return has_full_column_rank(rows.T)


NOTHING = Chosen()


def chosen_of(cell, asked, found, by_label):
    """Some of what is asked for, and constraints, so that they imply the rest.

    Parameters
    ----------
    cell : Cell
        Points as floats, with the kinks that others depend on.
    asked : list of Asked
    found : Pass
        Forwards, in floats.
    by_label : bool
        Which rows are looked at.

    Returns
    -------
    Chosen or None
        None if it takes all that is asked for, or less is not proved to be enough.
    """
    width = cell.widths[-2] * (cell.widths[-3] + 1) if cell.masks else 0
    if not asked or not cell.masks or len(asked) * width > MOST_NUMBERS:
        return None
    rows = coefficients(found.W[-1], found.inputs[-2], cell.masks[-1], asked, by_label).mid
    _, R, order = qr(
        (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T, mode="economic", pivoting=True
    )
    diagonal = np.abs(np.diag(R))
    count = int((diagonal > INDEPENDENT * diagonal[0]).sum())
    if count == len(asked):
        return None
    constraints = _constraints(cell, asked, found.W)[:MOST]
    rank = coefficients_rank(cell, asked, constraints, by_label)
    if rank is None or rank.rank != count:
        return None
    for one in list(constraints):  # those that are not needed may follow from the others
        fewer = [own for own in constraints if own is not one]
        other = coefficients_rank(cell, asked, fewer, by_label)
        if other is not None and other.rank == count:
            constraints, rank = fewer, other
    kept = [asked[j] for j in sorted(order[:count].tolist())]
    return Chosen(kept, constraints, by_label, rank.error)


def _constraints(cell, asked, W):
    """What seems to hold of the last weights, and of those two layers below."""
    last = len(W) - 1
    on = [np.flatnonzero(cell.masks[-1][one.point]) for one in asked]
    columns = parallel_classes(on, W[-1], last, True)
    leader = {own.unit: own.pivot for own in columns}
    found = across(on, asked, W[-1], last, leader) + columns
    if last > 1:
        kinked = {u for layer, _, u in cell.kinks if layer == last - 2}
        units = [u for u in range(cell.widths[last - 1]) if u not in kinked]
        pairs = [np.array(pair) for pair in combinations(units, 2)]
        found += parallel_classes(pairs, W[last - 2].T, last - 2, False)
    return found


def coefficients(V, read, mask, asked, by_label):
    """The rows of what is asked for, in `Balls`, one in a row.

    Parameters
    ----------
    V, read : ndarray or Balls, shapes (K', m), (N, d_l)
        Last weights, and what the last hidden layer reads.
    mask : ndarray, shape (N, m)
        Which units are on.
    asked : list of Asked
    by_label : bool
        Whether they are about c less each label, and not about c.
    """
    points = [one.point for one in asked]
    R, K = len(asked), V.shape[0]
    g = of_arbs([v for one in asked for v in one.direction], (R, K))
    lifted = stacked([as_balls(read)[points], Balls(np.ones((R, 1)))], axis=1)
    on = ((g @ V) * mask[points]).reshape(R, -1, 1)
    found = (on * lifted.reshape(R, 1, -1)).reshape(R, -1)
    if by_label:
        is_own = own_labels(asked).astype(float)
        return stacked([found, (g.reshape(R, 1, K) * is_own[:, :, None]).reshape(R, -1)], axis=1)
    value = of_arbs([one.ball for one in asked], (R, 1))
    return stacked([found, g, value], axis=1)
