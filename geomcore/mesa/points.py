"""Flatness as the sources count it: at given points, and by the units of one hidden layer.

These are counts and means over points, where `mesa_measures` has areas. Zones are those of
`Polytope.zones`; gradients are those of `geomcore.input_gradients`.
"""

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array, as_points, check_network
from geomcore.display.lines import told_in_brief
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.mesa.arguments import as_levels, as_output, check_pair
from geomcore.mesa.pieces import norms_of
from geomcore.mesa.polytope import MARGIN
from geomcore.mesa.sampling import finite_gradients
from geomcore.network import Network


@told_in_brief
class FlatPoints(NamedTuple):
    """Points of the interior at which a gradient is flat.

    Attributes
    ----------
    points : int
        In the interior.
    zeros : int
        At which the gradient is 0.
    counts : tuple of int
        At which its norm is below each threshold.
    """

    points: int
    zeros: int
    counts: tuple


@told_in_brief
class CentreUnits(NamedTuple):
    """Hidden units at one point, and their weights in the head.

    Attributes
    ----------
    is_active : ndarray of bool, shape (m,)
    weights : ndarray, shape (m,)
        Of the head, as they are stored: an Lp head takes their moduli.
    active, inactive : float or None
        Mean modulus of the weights of those units; None if there are none.
    """

    is_active: np.ndarray
    weights: np.ndarray
    active: float | None
    inactive: float | None


@told_in_brief
class SignedWeights(NamedTuple):
    """The weights of a head by sign.

    Attributes
    ----------
    positive, negative : int
    positive_mean, negative_mean : float or None
        None if there are none.
    """

    positive: int
    negative: int
    positive_mean: float | None
    negative_mean: float | None


def flat_points(net, X, polytope, *, output=0, thresholds=(0.5, 1.0, 2.0)):
    """How many of the points in the interior have a flat gradient.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    polytope : Polytope
    output : int
    thresholds : sequence of float

    Returns
    -------
    FlatPoints
    """
    norms, zone = _norms_and_zones(net, X, polytope, output, MARGIN)
    norms, levels = norms[zone == 0], as_levels(thresholds, "thresholds")
    counts = tuple(int((norms < level).sum()) for level in levels)
    return FlatPoints(len(norms), int((norms == 0).sum()), counts)


def zone_norms(net, X, polytope, *, output=0, margin=MARGIN):
    """Mean norm of the gradient at the points in the interior, the boundary and the exterior.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    polytope : Polytope
    output : int
    margin : float

    Returns
    -------
    tuple of float or None
        None where there is no point.
    """
    norms, zone = _norms_and_zones(net, X, polytope, output, margin)
    return tuple(_mean(norms[zone == k]) for k in range(3))


def active_shares(net, X, polytope):
    """Mean part of the units of the first hidden layer that are active, inside and outside.

    Parameters
    ----------
    net : Network
        That begins with an affine layer and a ReLU.
    X : array_like, shape (N, d)
    polytope : Polytope

    Returns
    -------
    inside, outside : float or None
        None where there is no point.
    """
    check_pair(net, polytope)
    first, _ = _first_two(net)
    X = as_points(X, d=polytope.d)
    shares = (first(X) > 0).mean(axis=1)
    inside = polytope.slack(X) <= 0
    return _mean(shares[inside]), _mean(shares[~inside])


def units_at(net, x=None):
    """The units of the first hidden layer that are active at a point, and their head weights.

    Parameters
    ----------
    net : Network
        That begins with an affine layer, a ReLU, and an affine or Lp head with one output.
    x : array_like, shape (d,), optional
        Default the origin, which is inside of every polytope with positive offsets.

    Returns
    -------
    CentreUnits
    """
    first, head = _first_two(net, with_head=True)
    x = np.zeros(first.inputs) if x is None else as_array(x, "x", 1)
    on = first(as_points(x[None], d=first.inputs, name="x"))[0] > 0
    sizes = np.abs(head)
    return CentreUnits(on, head, _mean(sizes[on]), _mean(sizes[~on]))


def signed_weights(net):
    """Number and mean of the positive and of the negative weights of the head.

    Parameters
    ----------
    net : Network
        As for `units_at`.

    Returns
    -------
    SignedWeights
    """
    _, head = _first_two(net, with_head=True)
    parts = head[head > 0], head[head < 0]
    return SignedWeights(len(parts[0]), len(parts[1]), _mean(parts[0]), _mean(parts[1]))


def _norms_and_zones(net, X, polytope, output, margin):
    check_pair(net, polytope)
    X = as_points(X, d=polytope.d)
    norms = norms_of(finite_gradients(net, X, as_output(output, net)))
    return norms, polytope.zones(X, margin=margin)


def _first_two(net, *, with_head=False):
    """The first layer, and the weights (m,) of the head after its ReLU."""
    check_network(net, Network)
    kinds = (Affine, ReLU, Affine | LpNorm)[: 2 + with_head]
    layers = net.layers[: len(kinds)]
    fits = len(layers) == len(kinds) and all(map(isinstance, layers, kinds))
    if not fits or (with_head and layers[2].outputs != 1):
        head = ", and an affine or Lp head with one output" if with_head else ""
        raise ValueError(f"net must begin with an affine layer, a ReLU{head}, got {net!r}")
    return layers[0], layers[2].W[0] if with_head else None


def _mean(values):
    return float(values.mean()) if len(values) else None
