"""All linear regions of a network on a plane of its input space."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_array, as_number, as_place, check_network
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, quoted
from geomcore.gradients import AffineMap
from geomcore.network import Network
from geomcore.regions.boundaries import boundary_of, lines_of
from geomcore.regions.plane import map_of_square
from geomcore.regions.subdivision import OVERFLOW, steps_of, subdivided
from geomcore.threads import single_threaded_blas
from geomcore.typing import Array, ArrayLike, Booleans, Integers

if TYPE_CHECKING:
    from geomcore.regions.boundaries import Lines

# Edges of neighbours differ by no more than this part of the size of the box.
NEAR = 1e-9
FARTHEST = 1e100  # end of a box
THIN = 1e-10  # side of a box, relative to its ends
SMALL = 128  # units of the widest layer up to which one thread is best


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
    is_vague : ndarray of bool, shape (R,)
        Where the sign of a unit is within the rounding of its pre-activation on all of the region,
        so that its pattern and map, and the regions in it, may be others. The rounding is that of
        the unit's own sum: what earlier layers were off by is not carried along.
    """

    corners: Array
    starts: Integers
    patterns: Booleans
    maps: Array
    counts: tuple[int, ...]
    box: Array
    origin: Array
    basis: Array
    is_vague: Booleans
    _local: Array
    _steps: tuple

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self):
        fields = {"regions": len(self), "by layer": list(self.counts), "box": self.box.tolist()}
        vague = {"undetermined": self.undetermined} if self.is_vague.any() else {}
        return listed(self, fields | vague)

    def summary(self) -> str:
        """A line for people."""
        sizes = np.diff(self.starts)
        layers = f" (by layer {', '.join(f'{n:,}' for n in self.counts)})" if self.counts else ""
        return (
            f"{counted(len(self), 'linear region')} on a rectangle of area {self.area:.6g}"
            f"{layers}; "
            f"{sizes.mean():.2f} corners on average, median area {np.median(self.areas):.3g}"
            f"{self._doubt()}"
        )

    def _doubt(self):
        """What is not certain, as the end of a sentence."""
        if not self.is_vague.any():
            return ""
        return (
            f"; undetermined, since units are within their rounding there: "
            f"{counted(int(self.is_vague.sum()), 'region')}, "
            f"{self.undetermined:.3g} of the area"
        )

    def polygon(self, i: int) -> Array:
        """Corners of region number `i`, shape (n, 2), counterclockwise."""
        i = self._number(i)
        return self.corners[self.starts[i] : self.starts[i + 1]]

    def _number(self, i):
        if isinstance(i, bool) or not isinstance(i, int | np.integer) or not 0 <= i < len(self):
            raise ValueError(
                f"i must be the number of a region, from 0 to {len(self) - 1}, got {quoted(i)}"
            )
        return int(i)

    @property
    def area(self) -> float:
        """Of the rectangle."""
        return float(np.prod(self.box[:, 1] - self.box[:, 0]))

    @property
    def undetermined(self) -> float:
        """Part of the area, from 0 to 1, on which the sign of a unit is within its rounding."""
        return float(self._moments[0][self.is_vague].sum() / 4)

    @cached_property
    def areas(self) -> Array:
        """Area of each region in coordinates of the plane, shape (R,)."""
        return self._moments[0] * (self.area / 4)

    @cached_property
    def centroids(self) -> Array:
        """The centre of mass of each region, shape (R, 2): inside, but for its rounding."""
        return on_box(self._moments[1], self.box)

    @cached_property
    def _moments(self):
        """Areas and centres of mass in the square from -1 to 1."""
        first = self._local[self.starts[:-1]]
        owner, following = self._edges
        # from the first corner on, for areas far from the middle
        a = self._local - first[owner]
        b = self._local[following] - first[owner]
        cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        twice = np.bincount(owner, cross, len(self))
        sums = [np.bincount(owner, (a + b)[:, m] * cross, len(self)) for m in range(2)]
        share = np.where(twice > 0, 3 * twice, 1.0)
        return twice / 2, first + np.stack(sums, axis=1) / share[:, None]

    @cached_property
    def _edges(self):
        """Owner of each edge, which begins at a corner, and the corner at which it ends."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.starts))
        following = np.arange(1, len(self.corners) + 1)
        following[self.starts[1:] - 1] = self.starts[:-1]
        return owner, following

    @cached_property
    def _mates(self):
        """For each edge the same edge of the region on its other side, -1 on the border."""
        from scipy.spatial import cKDTree

        owner, following = self._edges
        here, there = self._local, self._local[following]
        # a neighbour goes along it the other way round
        tree = cKDTree(np.hstack([here, there]))
        off, mate = tree.query(np.hstack([there, here]), distance_upper_bound=NEAR)
        mate = np.where(np.isfinite(off), mate, -1)
        edges = np.arange(len(mate))
        is_mutual = (mate >= 0) & (mate[mate] == edges) & (owner[mate] != owner)
        return np.where(is_mutual, mate, -1)

    def neighbours(self) -> Integers:
        """Pairs of regions that share an edge, shape (E, 2), the smaller number first, in order."""
        owner, _ = self._edges
        edges = np.flatnonzero(self._mates >= 0)
        pairs = np.stack([owner[edges], owner[self._mates[edges]]], axis=1)
        return np.unique(np.sort(pairs, axis=1), axis=0)

    def points(self, coordinates: ArrayLike) -> Array:
        """Points of input space with coordinates (..., 2), shape (..., d)."""
        try:
            coordinates = np.asarray(coordinates, dtype=float)
        except (TypeError, ValueError):
            coordinates = np.zeros(0)
        if coordinates.shape[-1:] != (2,):
            raise ValueError(
                f"coordinates must be pairs of numbers, shape (..., 2), got {quoted(coordinates)}"
            )
        return self.origin + coordinates @ self.basis

    def affine_map(self, i: int) -> AffineMap:
        """The network in region number `i` on all of input space, as an `AffineMap` (A, c)."""
        i = self._number(i)
        A, c, used = np.eye(len(self.origin)), np.zeros(len(self.origin)), 0
        for W, b, is_rectified in self._steps:
            A, c = W @ A, W @ c + b
            if is_rectified:
                on = self.patterns[i, used : used + len(b)]
                A, c, used = A * on[:, None], c * on, used + len(b)
        return AffineMap(A, c)

    def level_set(self, output: int = 0, level: float = 0.0) -> Lines:
        """Where an output has a value: the decision boundary of a network with one output.

        Parameters
        ----------
        output : int
        level : float

        Returns
        -------
        Lines
            A segment in each region that it crosses; edges of regions on which the output has the
            value, whether it crosses it there or only touches it; and edges at which the output
            jumps over it, for what is between is thinner than the rounding. A region on which the
            output has the value everywhere is left out.

        Raises
        ------
        ValueError
            If there is no such output, or the level is no number.
        """
        output = as_place(output, "output", self.maps.shape[1])
        level = as_number(level, "level")
        return lines_of(self, self.maps[:, output] - [0.0, 0.0, level])

    def class_boundary(self) -> Lines:
        """Where the largest output changes, as `Lines`: between the classes of a classifier.

        Where two outputs are largest and equal but do not change their order there is none.
        """
        return boundary_of(self)


def as_box(box, name="box", *, told=None):
    """Both ends of two coordinates, shape (2, 2); `told` is what a sentence says that came."""
    box = as_array(box, name, 2)
    came = quoted(box.tolist() if told is None else told)
    if box.shape != (2, 2) or not (box[:, 0] < box[:, 1]).all():
        raise ValueError(f"{name} must be two pairs of numbers, the lower end first, got {came}")
    largest, width = np.abs(box).max(axis=1), box[:, 1] / 2 - box[:, 0] / 2
    is_near = (largest <= FARTHEST).all()
    if not is_near or not (width > np.maximum(THIN * largest, 1 / FARTHEST)).all():
        raise ValueError(
            f"{name} must have ends up to {FARTHEST:g} and sides above {THIN:g} of these, "
            f"got {came}"
        )
    return box


def on_box(local, box):
    """Points of the square from -1 to 1 on a box, its ends exactly."""
    low, high = box.T
    inner = local * ((high - low) / 2) + (low + (high - low) / 2)
    return np.where(local == -1, low, np.where(local == 1, high, np.clip(inner, low, high)))


@answers_keywords
def linear_regions(
    net: Network, box: ArrayLike, origin: ArrayLike | None = None, basis: ArrayLike | None = None
) -> Regions:
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
        If shapes do not fit, the box is empty, the directions are dependent, the network is not
        piecewise linear, or what is added up in a unit overflows.

    Notes
    -----
    They are the regions of one activation pattern each; two of them may have the same affine map.
    A unit that is off on both sides of a line, or whose line passes through a corner within the
    rounding (2e-14 of what is added up in its pre-activation), cuts nothing there: regions that are
    thinner than that are not seen. A unit that is zero on all of a polygon counts as off; where it
    is so only within its rounding, and not because all that is added up is 0, `is_vague` says so.
    Affine maps in a row are multiplied, and what is added up in the products counts. The map from
    the rectangle into input space is reckoned exactly, then rounded.

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
    box = as_box(box)
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
    sizes = np.abs(basis).max(axis=1, keepdims=True)
    if not (sizes > 0).all() or np.linalg.matrix_rank(basis / sizes) < 2:
        raise ValueError("basis must be two independent directions, got dependent ones")
    middle, half = box.mean(axis=1), (box[:, 1] - box[:, 0]) / 2
    first, is_lost = map_of_square(box, origin, basis)
    hidden = [len(step.b) for step in steps if step.is_rectified]
    counts = [0] * len(hidden)
    # threads that wait for each other cost more than they give where products are small
    is_small = max(len(step.b) for step in steps) <= SMALL
    with single_threaded_blas() if is_small else nullcontext():
        with np.errstate(over="ignore", invalid="ignore"):
            pieces = subdivided(steps, first, is_lost, counts)
            parts = [list(column) for column in zip(*pieces, strict=True)]
    local, starts, patterns, maps, vague = parts
    sizes = np.concatenate([np.diff(part) for part in starts])
    local, patterns, maps = _joined(local), _joined(patterns), _joined(maps)
    # from the square back to coordinates of the plane
    with np.errstate(over="ignore", invalid="ignore"):
        maps[:, :, :2] /= half
        maps[:, :, 2] -= maps[:, :, :2] @ middle
    if not np.isfinite(maps).all():
        raise ValueError(OVERFLOW.format(where="box"))
    return Regions(
        corners=on_box(local, box),
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        patterns=patterns.view(bool),
        maps=maps,
        counts=tuple(counts),
        box=box,
        origin=origin,
        basis=basis,
        is_vague=_joined(vague).view(bool),
        _local=local,
        _steps=tuple(step[:3] for step in steps),
    )


def _joined(parts):
    """One array of a list of arrays, which is emptied: a million patterns take a gigabyte."""
    out = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    end = len(out)
    while parts:
        part = parts.pop()
        out[end - len(part) : end] = part
        end -= len(part)
    return out
