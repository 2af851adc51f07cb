r"""Whether a unit at rest lowers the loss as it grows: the best direction, and a bound for all.

As the unit becomes t (w, v), with :math:`g = \sum_i \lambda_i \sigma(w \cdot \tilde h_i)`,
:math:`|w| = 1` and :math:`v = -g / |g|`, and everything else moves by :math:`O(t^2)` so that what
is on its kink stays there, the loss changes by :math:`t^2 (\omega - |g|)` and higher powers
(docs/trained.md, "Units at rest").
"""

from typing import NamedTuple

import numpy as np

from constructions.critical.balls import Balls
from constructions.penalised.ascent import strongest
from constructions.penalised.idle import read_and_slopes
from constructions.penalised.orbits import places_of_unit

LARGEST = 8  # entries of (w, b) up to which cones are searched
NODES = 200_000  # cones that are looked at: about a second
ROOM = 1e-6  # what is found is this part below the decay, or no search is begun
SPARE = 1e-9  # beside rounding
LENGTH = 1e-12  # a vector of length 1 in floating point is so near to that


class Gain(NamedTuple):
    """The most that a unit at rest in a layer was found to gain.

    Attributes
    ----------
    layer : int
        From 0.
    unit : ndarray, shape (D,)
        (w, b) of length 1.
    pull : ndarray, shape (Q,)
        g there, in floating point.
    least : float
        Proved: |g| is not less.
    """

    layer: int
    unit: np.ndarray
    pull: np.ndarray
    least: float


def gain_in(cell, found, layer, units, given=()):
    """The largest gain that ascents find for a unit at rest in a layer.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls, with the multipliers.
    layer : int
        From 0.
    units : list of (int, int)
        Those that are at rest; the ascents start from the directions of the others, too.
    given : sequence of ndarray, shape (D,), optional
        Further directions to start from.

    Returns
    -------
    Gain
    """
    slopes, lifted = read_and_slopes(found, cell, layer)
    if not (np.isfinite(slopes.mid).all() and np.isfinite(lifted.mid).all()):
        return Gain(layer, np.eye(lifted.shape[1])[-1], np.zeros(slopes.shape[1]), 0.0)
    biases = found.values[layer].mid[0] - found.W[layer].mid @ found.inputs[layer].mid[0]
    W = np.column_stack([found.W[layer].mid, biases])
    active = [row for u, row in enumerate(W) if (layer, u) not in units and row.any()]
    w = strongest(slopes.mid, lifted.mid, [*active, *given])
    heights = lifted @ w
    on = Balls.between(np.maximum(heights.lower, 0.0), np.maximum(heights.upper, 0.0))
    gain = slopes.T @ on
    square = max(float((gain * gain).sum().lower), 0.0)
    return Gain(layer, w, gain.mid, np.sqrt(square) * (1 - LENGTH))


def way_to_grow(cell, gain, units, decay, dependent=()):
    """How a unit at rest is proved to lower the loss as it grows.

    Parameters
    ----------
    cell : Cell
    gain : Gain
    units : list of (int, int)
    decay : float
    dependent : sequence of int
        Numbers of kinks that depend on others. In a layer above the unit they read it, each at its
        own point, and need not stay together: of such a unit nothing is said.

    Returns
    -------
    (ndarray of shape (P,), float) or None
        A direction of length 1, and an upper bound of the second derivative along it, negative.
    """
    above = any(cell.kinks[j][0] > gain.layer for j in dependent)
    if above or not gain.least > decay:
        return None
    way = np.zeros(cell.places[-1][1].stop)
    unit = next(u for l, u in units if l == gain.layer)
    pull = gain.pull / np.abs(gain.pull).max()
    way[places_of_unit(cell, gain.layer, unit)] = np.append(gain.unit, -pull / np.linalg.norm(pull))
    return way / np.linalg.norm(way), float(np.nextafter(decay - gain.least, np.inf))


def is_below(cell, found, gain, decay, bounded):
    """Whether a search over cones proves that no unit at rest in a layer gains the decay.

    Where one is known that gains all but nothing less, as an active unit does that is on no kink,
    none is begun; nor where (w, b) has many entries, where it would not end.

    Parameters
    ----------
    cell : Cell
    found : Pass
    gain : Gain
        Of this layer.
    decay : float
    bounded : callable or None
        Of rows, slopes, a part rtol, a number of cones and a direction, gives an upper bound of
        |sum of slopes times relu(rows w)| for all |w| <= 1; as near to the best value as rtol, if
        so many cones do.

    Returns
    -------
    bool
    """
    slopes, lifted = read_and_slopes(found, cell, gain.layer)
    # what is 0 at all points, as units at rest are, is of no use to (w, b)
    some = lifted.mid.any(axis=0) | lifted.rad.any(axis=0)
    lifted, unit = lifted[:, some], gain.unit[some]
    is_small = bounded is not None and lifted.shape[1] <= LARGEST
    if not (is_small and 0 < gain.least < decay * (1 - ROOM)):
        return False
    # |w| <= 1: what the radii of slopes add, and those of what is read, with sums for lengths
    apart = _lengths(slopes.rad) @ _lengths(lifted.largest)
    apart += _lengths(slopes.mid) @ _lengths(lifted.rad)
    apart = (apart + len(lifted) * np.finfo(float).tiny) * (1 + SPARE)
    # the search ends once no bound is above the best value by more than this part of it
    value = np.abs(gain.pull).max() * np.linalg.norm(gain.pull / np.abs(gain.pull).max())
    rtol = min((decay - apart) / value * (1 - SPARE) - 1, 1.0)
    if not rtol > 0:
        return False
    bound = bounded(lifted.mid, slopes.mid, rtol, NODES, unit)
    return bool((bound + apart) * (1 + SPARE) < decay)


def _lengths(rows):
    """Sums of absolute values, which are above the lengths and do not underflow."""
    return np.abs(rows).sum(axis=1)
