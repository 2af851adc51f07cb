"""Hidden units of one network in the order of those of another."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from geomcore.arrays import as_count, as_rng, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import ReLUNetwork
from geomcore.typing import Seed
from training.landscape.sampled import length

# Starting orders that are tried: the one that is given, and random ones.
STARTS = 10


@answers_keywords
def matched(
    net: ReLUNetwork, other: ReLUNetwork, *, starts: int = STARTS, rng: Seed = 0
) -> ReLUNetwork:
    r"""Renumber the hidden units of a network so that it is near another one.

    Permuting the units of a layer changes no output. Of all permutations those are looked for that
    make :math:`|\theta(net) - \theta(other)|` small: layer by layer the best one is an assignment
    problem if those of the other layers are given, and layers are taken in turn until nothing
    changes; from several random starts, of which the best counts. With one hidden layer this is the
    optimum; with more it need not be, for the problem is hard.

    Parameters
    ----------
    net, other : ReLUNetwork
        Of the same widths.
    starts : int
        Orders from which the search begins; the first is that of `net`.
    rng : Generator or seed

    Returns
    -------
    ReLUNetwork
        `net` with its units in another order, never farther from `other` than `net` is.

    Raises
    ------
    ValueError
        If the widths differ.

    References
    ----------
    S. K. Ainsworth, J. Hayase, S. Srinivasa, "Git Re-Basin: merging models modulo permutation
    symmetries", 2022, algorithm 1.

    Examples
    --------
    >>> net = ReLUNetwork([[[1.0], [2.0]], [[3.0, 4.0]]], [[0.0, 0.0], [0.0]])
    >>> swapped = ReLUNetwork([[[2.0], [1.0]], [[4.0, 3.0]]], [[0.0, 0.0], [0.0]])
    >>> matched(swapped, net) == net
    True
    """
    check_network(net, ReLUNetwork)
    check_network(other, ReLUNetwork, name="other")
    if net.widths != other.widths:
        raise ValueError(f"other must have widths {net.widths} as net, got {other.widths}")
    starts = as_count(starts, "starts")
    rng = as_rng(rng)
    hidden = net.widths[1:-1]
    own = [np.arange(w) for w in hidden]
    best, least = own, _distance(_renumbered(net, own), other)
    for start in range(starts if hidden else 0):
        orders = own if start == 0 else [rng.permutation(w) for w in hidden]
        found = _improved(net, other, list(orders), rng)
        distance = _distance(_renumbered(net, found), other)
        if distance < least:
            best, least = found, distance
        if len(hidden) == 1:
            break
    return ReLUNetwork(*_renumbered(net, best))


def _renumbered(net, orders):
    """Weights and biases with unit `orders[l][i]` of layer l as its i-th."""
    rows = [*orders, slice(None)]
    columns = [slice(None), *orders]
    weights = [W[r][:, c] for W, r, c in zip(net.weights, rows, columns, strict=True)]
    return weights, [b[r] for b, r in zip(net.biases, rows, strict=True)]


def _distance(tensors, other):
    mine, theirs = [*tensors[0], *tensors[1]], [*other.weights, *other.biases]
    parts = [(a - b).ravel() for a, b in zip(mine, theirs, strict=True)]
    return length(np.concatenate(parts))


def _improved(net, other, orders, rng):
    """Take layer by layer the best order, the others given, until none gets better."""
    L = len(orders)
    is_better = True
    while is_better:
        is_better = False
        for l in rng.permutation(L):
            before = orders[l - 1] if l else slice(None)
            after = orders[l + 1] if l + 1 < L else slice(None)
            mine, theirs = _features(net, l, before, after), _features(other, l)
            # differences themselves: products of large weights would cancel
            size = max(np.abs(mine).max(initial=0), np.abs(theirs).max(initial=0)) or 1.0
            apart = cdist(theirs / size, mine / size, "sqeuclidean")
            rows, columns = linear_sum_assignment(apart)
            if apart[rows, columns].sum() < apart[rows, orders[l]].sum():
                orders[l], is_better = columns, True
    return orders


def _features(net, l, before=slice(None), after=slice(None)):
    """What comes into each unit of hidden layer l, and what goes out, a row each."""
    into, out = net.weights[l][:, before], net.weights[l + 1][after]
    return np.column_stack([into, net.biases[l], out.T])
