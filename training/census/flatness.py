"""How many directions are flat at a critical point, apart from those that are flat anywhere.

Without weight decay the loss depends on the parameters by the outputs alone. At a critical point
with some units on kinks let r be the rank of the derivative of what the loss sees of the outputs,
and of the pre-activations on kinks. Next to it the networks with the same outputs and the same
kinks fill as many dimensions as there are parameters, less r, where that rank is constant. Some of
them are there at any network: scaling each unit that is on, all parameters of units that are never
on, and under the softmax what is added to all outputs alike. What remains is the dimension of a
family of different networks of one loss; 0 says that the point is isolated.

With weight decay scaling a unit changes the loss. Units that are on at the same points can be
turned into each other at no cost: these are the families, and directions that do not bend.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from constructions.critical.cell import forwards
from constructions.critical.ranks import counted_bound
from geomcore.weighting import point_weights
from training.settling.derivatives import height_rows, jacobian
from training.settling.face import mixings, row_space
from training.settling.problem import parameters_of, problem_of, scale_of

RANK = 1e-7  # of the length of a row: what the others leave of it counts as zero below
BENDS = 1e-9  # of the largest eigenvalue: a smaller one is none


class Flatness(NamedTuple):
    """Dimensions at a critical point, in floating point.

    Attributes
    ----------
    parameters : int
        With outputs in the affine space of the targets, for the squared error without weight decay.
    rank : int
        Of the derivative of what the loss sees of the outputs and of the pre-activations on kinks;
        with weight decay the number of directions in which the loss bends, with the kinks.
    known : int
        Dimension of what changes nothing at any network with these patterns; with weight decay 0.
    """

    parameters: int
    rank: int
    known: int

    @property
    def flat(self):
        """Dimension of the family of different networks, 0 at an isolated point."""
        return self.parameters - self.known - self.rank


def flatness(settled, X, labels):
    """Count the flat directions at a critical point.

    Parameters
    ----------
    settled : Settled
        A critical point.
    X : ndarray, shape (N, d)
    labels : Labels

    Returns
    -------
    Flatness
    """
    loss, decay = settled.loss_name, settled.weight_decay
    weights = point_weights(labels.index, class_weighted=loss == "class_weighted")
    problem = problem_of(settled.network, X, labels, weights, loss=loss, weight_decay=decay)
    theta = parameters_of(problem, settled.network)
    place = {first: i for i, first in enumerate(problem.first.tolist())}
    kinks = [(k.layer - 1, place[k.point], k.unit) for k in settled.kinks]
    masks = problem.masks(theta, kinks)
    P = len(theta)
    if decay:
        point = SimpleNamespace(theta=theta, kinks=kinks, masks=masks)
        spectrum = settled.spectrum
        turned = row_space(mixings(problem, point))[0].shape[1]
        unbent = int((spectrum <= BENDS * spectrum.max(initial=0)).sum())
        return Flatness(P, P - turned - unbent, 0)
    cell = problem.cell(masks, kinks)
    found = forwards(cell, theta)
    seen = jacobian(cell, found).reshape(len(problem.X), problem.widths[-1], P)
    if loss == "cross_entropy":
        seen = seen - seen.mean(axis=1, keepdims=True)
    rows = np.vstack([seen.reshape(-1, P), height_rows(cell, found)]) * scale_of(problem)
    rank = row_space(rows, least=RANK)[0].shape[1]
    known = P - counted_bound(cell, [np.ones(m.shape[1]) for m in masks])
    if loss == "cross_entropy":
        read = masks[-1].any(axis=0) if masks else np.ones(problem.widths[0], bool)
        at_kink = {u for l, _, u in kinks if l == len(masks) - 1}
        known += 1 + sum(bool(on) or u in at_kink for u, on in enumerate(read))
    return Flatness(P, rank, known)
