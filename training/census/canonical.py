r"""A form of ReLU networks that permuting and rescaling hidden units does not change.

A unit (w, b) whose output is read by the weights v may be multiplied by c > 0 and v divided by it,
and the units of a layer may be put in another order: no output changes, at no input. What a unit
does on data is told by its pre-activations there, one number for each point. They do not depend
on the order and the scales of the units that it reads; and two (w, b) have the same ones exactly
if their difference is seen by no point, that is if it is orthogonal to all (h, 1), h what the
layer reads. So the form of a network on data is, for each hidden layer, the pre-activations of its
units, each divided by its norm, in some order, and the outputs. Units of no account are left out:
those that are on at no point (dead), and those that nothing of account reads (idle).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from geomcore.arrays import as_points, as_positive, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import ReLUNetwork

TOLERANCE = 1e-6  # of the spread over the points of what is compared
ROUNDING = 1e-12  # of the largest output
NOTHING = 1e-9  # of the size of what it adds to


@dataclass(frozen=True, eq=False)
class Canonical:
    """The canonical form of a network on some points.

    Attributes
    ----------
    units : tuple of ndarray, shapes (N, m_l)
        For each hidden layer, the pre-activations of the units that count, each column of norm 1,
        those that are on at more points first, then by the columns themselves.
    dead, idle : tuple of int
        For each hidden layer, how many units are on at no point, and how many others nothing reads.
    outputs : ndarray, shape (N, K)
    """

    units: tuple
    dead: tuple
    idle: tuple
    outputs: np.ndarray

    def is_same(self, other, *, tolerance=TOLERANCE):
        """Whether another form has the same units and outputs, but for a part of their spread.

        That is how far they are from their mean over the points: where points are far from the
        origin, units of very different slopes have nearly equal pre-activations. Dead and idle
        units are not compared, nor is what no point sees of the others.
        """
        return self.has_same_outputs(other, tolerance=tolerance) and all(
            _is_matched(a, b, lambda a, b: _distances(a, b) > tolerance * _spreads(a, b) + NOTHING)
            for a, b in zip(self.units, other.units, strict=True)
        )

    def is_same_family(self, other, *, tolerance=TOLERANCE):
        """Whether outputs, and the points at which units that count are on, are the same.

        Then both are in one cell, once their units are ordered, and on one level set of the
        outputs there. Whether a path in it joins them is another question.
        """
        return self.has_same_outputs(other, tolerance=tolerance) and all(
            _is_matched(a > NOTHING, b > NOTHING, lambda a, b: (a[:, :, None] != b[:, None]).any(0))
            for a, b in zip(self.units, other.units, strict=True)
        )

    def has_same_outputs(self, other, *, tolerance=TOLERANCE):
        """Whether the outputs at all points are the same, whatever the units."""
        if self.outputs.shape != other.outputs.shape or len(self.units) != len(other.units):
            return False
        both = (self.outputs, other.outputs)
        size = max(np.abs(out).max(initial=0) for out in both)
        # an offset that all points share says nothing about how far outputs are apart
        spread = max(np.abs(out - out.mean(axis=0)).max(initial=0) for out in both)
        apart = np.abs(self.outputs - other.outputs).max(initial=0)
        return bool(apart <= tolerance * spread + ROUNDING * size)


@answers_keywords
def canonical(net, X, *, rtol=NOTHING):
    """The canonical form of a network on some points.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
    rtol : float, optional
        A unit is dead if it is nowhere above this part of the norm of its pre-activations, and
        idle if nowhere it moves what reads it by more than this part of that norm.

    Returns
    -------
    Canonical

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a value is nan or inf.

    Notes
    -----
    Two forms are the same exactly if the networks are, up to the order and the scales of units that
    count, their dead and idle units, and parts of (w, b) that no point sees. Where points see
    everything, that is up to order and scales of units. Networks that differ in other ways and have
    the same outputs, as those whose linear units are mixed, have different forms.

    Examples
    --------
    >>> X = [[-1.0], [1.0], [2.0]]
    >>> a = ReLUNetwork([[[1.0], [-2.0]], [[3.0, 1.0]]], [[0.5, 0.5], [0.0]])
    >>> b = ReLUNetwork([[[-1.0], [4.0]], [[2.0, 0.75]]], [[0.25, 2.0], [0.0]])
    >>> canonical(a, X).is_same(canonical(b, X))
    True
    """
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0])
    rtol = as_positive(rtol, "rtol")
    read, values = X, []
    for W, b in zip(net.weights, net.biases, strict=True):
        values.append(read @ W.T + b)
        read = np.maximum(values[-1], 0)
    sizes = [_norms(value) for value in values]
    counts = np.ones(net.widths[-1], bool)
    units, dead, idle = [], [], []
    for l in reversed(range(len(values) - 1)):
        top = values[l].max(axis=0, initial=0)
        is_on = top > rtol * sizes[l]
        # The largest change that each unit makes to what reads it, relative to the norm of that.
        moves = np.abs(net.weights[l + 1]) * top > rtol * sizes[l + 1][:, None]
        is_read = moves[counts].any(axis=0)
        counts = is_on & is_read
        units.append(_sorted(values[l][:, counts] / sizes[l][counts]))
        dead.append(int((~is_on).sum()))
        idle.append(int((is_on & ~is_read).sum()))
    return Canonical(tuple(units[::-1]), tuple(dead[::-1]), tuple(idle[::-1]), values[-1])


def _norms(columns):
    """Norms of columns of any size."""
    size = np.abs(columns).max(axis=0, initial=0)
    return size * np.linalg.norm(columns / np.where(size > 0, size, 1.0), axis=0)


def _sorted(columns):
    """Columns in an order of their own."""
    on = (columns > NOTHING).sum(axis=0)
    return columns[:, np.lexsort((*columns[::-1], -on))]


def _distances(a, b):
    """Norms of the differences of all columns of norm 1, shape (columns of a, columns of b)."""
    return np.linalg.norm(a[:, :, None] - b[:, None], axis=0)


def _spreads(a, b):
    """Norms of all columns less their mean, the larger one of each pair."""
    a, b = (np.linalg.norm(part - part.mean(axis=0), axis=0) for part in (a, b))
    return np.maximum(a[:, None], b)


def _is_matched(a, b, differ):
    """Whether the columns of two arrays can be paired so that none differs from its partner."""
    if a.shape != b.shape:
        return False
    cost = differ(a, b).astype(float)
    return not cost[linear_sum_assignment(cost)].any()
