"""The pieces of a network on a segment of its input space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_array, check_network
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import Network
from geomcore.regions.subdivision import OVERFLOW, ROUNDING, steps_of
from geomcore.typing import Array, ArrayLike, Booleans


@dataclass(frozen=True, eq=False)
class LinePieces:
    """A network on a segment; see `line_pieces`.

    Attributes
    ----------
    t : ndarray, shape (M + 1,)
        0, the places where a unit is switched, and 1.
    maps : ndarray, shape (M, k, 2)
        The outputs in each piece: coefficients of t and of 1.
    patterns : ndarray of bool, shape (M, units)
        Which hidden units are on.
    """

    t: Array
    maps: Array
    patterns: Booleans

    def __len__(self) -> int:
        return len(self.maps)

    def __repr__(self):
        return listed(self, {"pieces": len(self)})


@answers_keywords
def line_pieces(net: Network, start: ArrayLike, end: ArrayLike) -> LinePieces:
    """Where a network bends on the segment between two points of its input space, exactly.

    Parameters
    ----------
    net : Network
        Piecewise linear, as for `linear_regions`.
    start, end : array_like, shape (d,)

    Returns
    -------
    LinePieces

    Raises
    ------
    ValueError
        If shapes do not fit, the network is not piecewise linear, or what is added up in a unit
        overflows.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    >>> found = line_pieces(net, [-1.0], [3.0])
    >>> found.t, found.maps[:, 0]
    (array([0.  , 0.25, 1.  ]), array([[-4.,  1.],
           [ 4., -1.]]))
    """
    check_network(net, Network)
    steps = steps_of(net)
    d = steps[0].W.shape[1]
    ends = [as_array(point, name, 1) for point, name in ((start, "start"), (end, "end"))]
    for point, name in zip(ends, ("start", "end"), strict=True):
        if point.shape != (d,):
            raise ValueError(f"{name} must have shape ({d},), the inputs of net, got {point.shape}")
    # columns: coefficients of s = 2 t - 1 and of 1, for pieces in ascending order
    maps = np.stack([ends[1] / 2 - ends[0] / 2, ends[0] / 2 + ends[1] / 2], axis=1)[None]
    with np.errstate(over="ignore", invalid="ignore"):
        cuts, maps, patterns = _cut(steps, maps)
        maps = np.stack([2 * maps[:, :, 0], maps[:, :, 1] - maps[:, :, 0]], axis=2)
    if not np.isfinite(maps).all():
        raise ValueError(OVERFLOW.format(where="segment"))
    return LinePieces((cuts + 1) / 2, maps, patterns)


def _cut(steps, maps):
    """Ends of the pieces from -1 to 1, and maps and patterns there, of the map (1, d, 2)."""
    cuts, patterns = np.array([-1.0, 1.0]), np.zeros((1, 0), dtype=bool)
    for W, b, is_rectified, W_sizes, b_sizes in steps:
        size = np.abs(maps).sum(axis=2) @ W_sizes.T + b_sizes
        maps = np.einsum("mn,knc->kmc", W, maps)
        maps[:, :, 1] += b
        if not is_rectified:
            continue
        if not np.isfinite(size).all():  # all would be within the rounding of that
            raise ValueError(OVERFLOW.format(where="segment"))
        values = maps[:, :, :1] * np.stack([cuts[:-1], cuts[1:]], axis=1)[:, None] + maps[:, :, 1:]
        values = np.where(np.abs(values) > ROUNDING * size[:, :, None], values, 0.0)
        piece, unit = np.nonzero(np.sign(values[:, :, 0]) * np.sign(values[:, :, 1]) < 0)
        places = -maps[piece, unit, 1] / maps[piece, unit, 0]
        inside = (cuts[piece] < places) & (places < cuts[piece + 1])
        finer = np.unique(np.concatenate([cuts, places[inside]]))
        owner = np.searchsorted(cuts, (finer[:-1] + finer[1:]) / 2) - 1
        maps, cuts, patterns, size = maps[owner], finer, patterns[owner], size[owner]
        middle = maps[:, :, 0] * ((cuts[:-1] + cuts[1:]) / 2)[:, None] + maps[:, :, 1]
        edge = np.maximum(
            *(np.abs(maps[:, :, 0] * c[:, None] + maps[:, :, 1]) for c in (cuts[:-1], cuts[1:]))
        )
        on = (middle > 0) & (edge > ROUNDING * size)
        maps, patterns = maps * on[:, :, None], np.concatenate([patterns, on], axis=1)
    # what a unit that is off on both sides leaves is no bend
    keep = ~np.append((patterns[1:] == patterns[:-1]).all(axis=1), False)
    return np.concatenate([[-1.0], cuts[1:][keep]]), maps[keep], patterns[keep]
