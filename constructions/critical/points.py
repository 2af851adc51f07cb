"""The distinct points of a problem, in all the numbers that proofs about them use."""

from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.critical.balls import Balls
from constructions.proof.exact import precision

BITS = 192


class Points(NamedTuple):
    """Points that are different from each other: equal ones are one point of their total weight.

    Its target is their mean; that takes a constant off the squared error.

    Attributes
    ----------
    X : ndarray, shape (N, d)
    targets : list of list of arb
        In the coordinates of the labels' space.
    weights : list of arb
    classes : list of list of int
        The classes at each point.
    constant : arb
        What the loss is more than the loss on these points.
    """

    X: np.ndarray
    targets: list
    weights: list
    classes: list
    constant: arb


def exactly(value):
    """A float array, or `Balls`, as an object array of the same arb; a float has radius 0."""
    if isinstance(value, Balls):
        pairs = zip(value.mid.ravel().tolist(), value.rad.ravel().tolist(), strict=True)
        return as_objects([arb(m, r) for m, r in pairs], value.shape)
    return as_objects([arb(v) for v in value.ravel().tolist()], value.shape)


def as_objects(entries, shape):
    """A list of arb as an object array of a shape."""
    found = np.empty(len(entries), dtype=object)
    found[:] = entries
    return found.reshape(shape)


def distinct_points(X, labels, per_class, coordinates):
    """The `Points` of a problem.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    labels : Labels
    per_class : list of arb
        Weight of a point of each class.
    coordinates : list of list of arb, shape (Q, K')
        The target of each class.
    """
    distinct, owner = np.unique(X + 0.0, axis=0, return_inverse=True)
    owner = owner.ravel()
    order = np.argsort(owner, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(owner))[:-1])
    exact = coordinates
    targets, weights, found, constant = [], [], [], arb(0)
    with precision(BITS):
        for rows in members:
            classes = labels.index[rows].tolist()
            weight = sum((per_class[q] for q in classes), arb(0))
            if len(set(classes)) == 1:
                mean = exact[classes[0]]
            else:
                shares = [[per_class[q] * t for t in exact[q]] for q in classes]
                mean = [sum(column, arb(0)) / weight for column in zip(*shares, strict=True)]
                for q in classes:
                    gaps = [t - m for t, m in zip(exact[q], mean, strict=True)]
                    constant += per_class[q] * sum((g * g for g in gaps), arb(0))
            targets.append(mean)
            weights.append(weight)
            found.append(sorted(set(classes)))
    return Points(distinct, targets, weights, found, constant)
