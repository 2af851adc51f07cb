"""All linear regions of a network on a plane of its input space."""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array, check_network
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, quoted
from geomcore.gradients import AffineMap
from geomcore.network import Network
from geomcore.regions.subdivision import Step, steps_of, subdivided
from geomcore.threads import single_threaded_blas

# Edges of neighbours differ by no more than this part of the size of the box.
NEAR = 1e-9
SMALL = 128  # units of the widest layer up to which one thread is best


class Lines(NamedTuple):
    """Segments in the plane, and the region in which each of them lies.

    Attributes
    ----------
    ends : ndarray, shape (S, 2, 2)
        Both ends of each segment.
    region : ndarray of int, shape (S,)
    """

    ends: np.ndarray
    region: np.ndarray


@dataclass(frozen=True, eq=False)
class Regions:
    """The linear regions of a network on a rectangle of a plane; see `linear_regions`.

    Attributes
    ----------
    corners : ndarray, shape (V, 2)
        Of all R polygons, one after another, each counterclockwise, in coordinates of the plane.
    starts : ndarray of int, shape (R + 1,)
        The first corner of each polygon, and V.
    patterns : ndarray of bool, shape (R, units)
        Which hidden units are on, layer by layer.
    maps : ndarray, shape (R, k, 3)
        The outputs in each region: coefficients of the two coordinates and of 1.
    counts : tuple of int
        Regions of the first hidden layer, of the first two, and so on.
    box : ndarray, shape (2, 2)
        Lower and upper end of each coordinate.
    origin : ndarray, shape (d,)
    basis : ndarray, shape (2, d)
        The point with coordinates (x, y) is ``origin + x basis[0] + y basis[1]``.
    """

    corners: np.ndarray
    starts: np.ndarray
    patterns: np.ndarray
    maps: np.ndarray
    counts: tuple
    box: np.ndarray
    origin: np.ndarray
    basis: np.ndarray
    _steps: tuple

    def __len__(self):
        return len(self.starts) - 1

    def __repr__(self):
        fields = {"regions": len(self), "by layer": list(self.counts), "box": self.box.tolist()}
        return listed(self, fields)

    def summary(self):
        """A line for people."""
        sizes = np.diff(self.starts)
        return (
            f"{counted(len(self), 'linear region')} on a rectangle of area {self.area:.6g} "
            f"(by layer {', '.join(f'{n:,}' for n in self.counts)}); "
            f"{sizes.mean():.2f} corners on average, median area {np.median(self.areas):.3g}"
        )

    def polygon(self, i):
        """Corners of region number `i`, shape (n, 2), counterclockwise."""
        return self.corners[self.starts[i] : self.starts[i + 1]]

    @property
    def area(self):
        """Of the rectangle."""
        return float(np.prod(self.box[:, 1] - self.box[:, 0]))

    @cached_property
    def areas(self):
        """Area of each region in coordinates of the plane, shape (R,)."""
        return self._moments[0]

    @cached_property
    def centroids(self):
        """A point inside of each region: its centre of mass, shape (R, 2)."""
        return self._moments[1]

    @cached_property
    def _moments(self):
        first = self.corners[self.starts[:-1]]
        owner, following = self._edges
        # from the first corner on, for areas far from the origin
        a = self.corners - first[owner]
        b = self.corners[following] - first[owner]
        cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        twice = np.bincount(owner, cross, len(self))
        sums = [np.bincount(owner, (a + b)[:, m] * cross, len(self)) for m in range(2)]
        share = np.where(twice > 0, 3 * twice, 1.0)
        return twice / 2, first + np.stack(sums, axis=1) / share[:, None]

    def points(self, coordinates):
        """Points of input space with coordinates (..., 2), shape (..., d)."""
        return self.origin + np.asarray(coordinates, dtype=float) @ self.basis

    def affine_map(self, i):
        """The network in region number `i` on all of input space, as an `AffineMap` (A, c)."""
        A, c, used = np.eye(len(self.origin)), np.zeros(len(self.origin)), 0
        for W, b, is_rectified in self._steps:
            A, c = W @ A, W @ c + b
            if is_rectified:
                on = self.patterns[i, used : used + len(b)]
                A, c, used = A * on[:, None], c * on, used + len(b)
        return AffineMap(A, c)

    @cached_property
    def _edges(self):
        """Owner of each edge, which begins at a corner, and the corner at which it ends."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.starts))
        following = np.arange(1, len(self.corners) + 1)
        following[self.starts[1:] - 1] = self.starts[:-1]
        return owner, following

    @cached_property
    def _shared(self):
        """Pairs of edges of different regions that are the same."""
        from scipy.spatial import cKDTree

        owner, following = self._edges
        size = self.box[:, 1] - self.box[:, 0]
        middles = (self.corners + self.corners[following]) / 2 / size
        pairs = cKDTree(middles).query_pairs(NEAR, output_type="ndarray")
        return pairs[owner[pairs[:, 0]] != owner[pairs[:, 1]]]

    def neighbours(self):
        """Pairs of regions that share an edge, shape (E, 2), the smaller number first, in order."""
        owner, _ = self._edges
        return np.unique(np.sort(owner[self._shared], axis=1), axis=0)

    def level_set(self, output=0, level=0.0):
        """Where an output has a value: the decision boundary of a network with one output.

        Parameters
        ----------
        output : int
        level : float

        Returns
        -------
        Lines
            A segment in each region that it crosses, and edges at which the output jumps over the
            level, for what is between is thinner than the rounding; a region on which the output is
            the level everywhere is left out.
        """
        k = self.maps.shape[1]
        if (
            isinstance(output, bool)
            or not isinstance(output, int | np.integer)
            or not 0 <= output < k
        ):
            raise ValueError(f"output must be a number from 0 to {k - 1}, got {output!r}")
        level = float(as_array(level, "level", 0))
        functions = self.maps[:, output] - [0.0, 0.0, level]
        inside = self._zeros(functions)
        sides = np.sign(self._at_edges(functions[:, None])[..., 0])
        return self._with_edges(inside, sides[:, 0] * sides[:, 1] < 0)

    def class_boundary(self):
        """Where the largest output changes, as `Lines`: between the classes of a classifier."""
        k = self.maps.shape[1]
        ends, regions = [np.zeros((0, 2, 2))], [np.zeros(0, dtype=int)]
        for i in range(k):
            for j in range(i + 1, k):
                found = self._zeros(self.maps[:, i] - self.maps[:, j])
                low, high = np.zeros(len(found.region)), np.ones(len(found.region))
                step = found.ends[:, 1] - found.ends[:, 0]
                for other in set(range(k)) - {i, j}:
                    # i is not below the other one on a part of the segment
                    more = (self.maps[:, i] - self.maps[:, other])[found.region]
                    start = (more[:, :2] * found.ends[:, 0]).sum(axis=1) + more[:, 2]
                    slope = (more[:, :2] * step).sum(axis=1)
                    with np.errstate(divide="ignore", invalid="ignore"):
                        t = -start / slope
                    low = np.where(slope > 0, np.maximum(low, t), low)
                    high = np.where(slope < 0, np.minimum(high, t), high)
                    high = np.where((slope == 0) & (start < 0), -1.0, high)
                keep = high > low
                low, high = low[keep, None], high[keep, None]
                first, way = found.ends[keep, 0], step[keep]
                ends.append(np.stack([first + low * way, first + high * way], axis=1))
                regions.append(found.region[keep])
        inside = Lines(np.concatenate(ends), np.concatenate(regions))
        largest = self._at_edges(self.maps)
        first, second = largest.argmax(axis=2).T
        rows = np.arange(len(largest))
        # on an edge that is a boundary already both classes are equal, on both sides
        differ = (largest[rows, 0, first] > largest[rows, 0, second]) & (
            largest[rows, 1, second] > largest[rows, 1, first]
        )
        return self._with_edges(inside, differ)

    def _at_edges(self, functions):
        """Values of functions (R, k, 3) at the middles of shared edges, from both sides."""
        owner, following = self._edges
        middles = (self.corners + self.corners[following]) / 2
        mine = functions[owner[self._shared]]
        at = middles[self._shared][:, :, None]
        return (mine[..., :2] * at).sum(axis=-1) + mine[..., 2]

    def _with_edges(self, inside, chosen):
        """Lines, and shared edges: where regions between are thinner than the rounding."""
        owner, following = self._edges
        edges = self._shared[chosen, 0]
        ends = np.stack([self.corners[edges], self.corners[following[edges]]], axis=1)
        return Lines(
            np.concatenate([inside.ends, ends]), np.concatenate([inside.region, owner[edges]])
        )

    def _zeros(self, functions):
        """Segments on which affine functions (R, 3), one per region, are zero."""
        owner, following = self._edges
        mine = functions[owner]
        z = (mine[:, :2] * self.corners).sum(axis=1) + mine[:, 2]
        # a corner on the line belongs to the positive side: each line enters and leaves once
        is_up = z >= 0
        cut = np.flatnonzero(is_up != is_up[following])
        a, b = np.where(is_up[cut], cut, following[cut]), np.where(is_up[cut], following[cut], cut)
        share = (z[a] / (z[a] - z[b]))[:, None]
        points = self.corners[a] + share * (self.corners[b] - self.corners[a])
        region = owner[cut]
        # the edges of a region stand together, so its two points do
        return Lines(points.reshape(-1, 2, 2), region[::2])


@answers_keywords
def linear_regions(net, box, origin=None, basis=None):
    r"""All linear regions of a network on a rectangle of a plane of its input space.

    Convex polygons are cut layer by layer by the lines on which units of the next layer are zero.
    Between them the network is affine. In double precision; nothing is sampled.

    Parameters
    ----------
    net : Network
        Piecewise linear: a `ReLUNetwork`, or affine layers, ReLUs, and Lp norms with p = 1 after a
        ReLU.
    box : array_like, shape (2, 2)
        Lower and upper end of each of the two coordinates.
    origin : array_like, shape (d,), optional
        Default 0.
    basis : array_like, shape (2, d), optional
        Independent directions. Default the first two axes of input space.

    Returns
    -------
    Regions

    Raises
    ------
    ValueError
        If shapes do not fit, the box is empty, the directions are dependent, or the network is not
        piecewise linear.

    Notes
    -----
    A unit that is off on both sides of a line, or whose line passes through a corner within the
    rounding (2e-14 of what is added up in its pre-activation), cuts nothing there: regions that are
    thinner than that are not seen. A unit that is zero on all of a polygon counts as off.

    Examples
    --------
    Two lines that cross make four regions:

    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([np.eye(2), [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    >>> found = linear_regions(net, [(-1, 1), (-1, 3)])
    >>> len(found), np.sort(found.areas)
    (4, array([1., 1., 3., 3.]))
    """
    check_network(net, Network)
    steps = steps_of(net)
    d = steps[0].W.shape[1]
    box = as_array(box, "box", 2)
    if box.shape != (2, 2) or not (box[:, 0] < box[:, 1]).all():
        raise ValueError(
            f"box must be two pairs of numbers, the lower end first, got {quoted(box.tolist())}"
        )
    origin = np.zeros(d) if origin is None else as_array(origin, "origin", 1)
    if origin.shape != (d,):
        raise ValueError(f"origin must have shape ({d},), the inputs of net, got {origin.shape}")
    if basis is None:
        if d < 2:
            raise ValueError(f"net must have at least two inputs, got {d}: see line_pieces")
        basis = np.eye(2, d)
    basis = as_array(basis, "basis", 2)
    if basis.shape != (2, d):
        raise ValueError(f"basis must have shape (2, {d}), two directions, got {basis.shape}")
    if np.linalg.matrix_rank(basis) < 2:
        raise ValueError("basis must be two independent directions, got dependent ones")
    middle, half = box.mean(axis=1), (box[:, 1] - box[:, 0]) / 2
    first = np.column_stack([basis[0] * half[0], basis[1] * half[1], origin + middle @ basis])
    hidden = [len(step.b) for step in steps if step.is_rectified]
    counts = [0] * len(hidden)
    # threads that wait for each other cost more than they give where products are small
    is_small = max(len(step.b) for step in steps) <= SMALL
    with single_threaded_blas() if is_small else nullcontext():
        parts = list(subdivided(steps, first, counts))
    sizes = np.concatenate([np.diff(part.starts) for part in parts])
    maps = np.concatenate([part.maps for part in parts])
    # from the square back to coordinates of the plane
    maps[:, :, :2] /= half
    maps[:, :, 2] -= maps[:, :, :2] @ middle
    return Regions(
        corners=np.concatenate([part.corners for part in parts]) * half + middle,
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        patterns=np.concatenate([part.patterns for part in parts]).astype(bool),
        maps=maps,
        counts=tuple(counts),
        box=box,
        origin=origin,
        basis=basis,
        _steps=tuple(Step(*step) for step in steps),
    )
