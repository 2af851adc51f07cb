"""How flat a network is on a polytope: areas, exactly in the plane, else by samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geomcore.arrays import as_count, as_positive, as_rng
from geomcore.display.lines import listed, told_in_brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.mesa.arguments import as_levels, checked
from geomcore.mesa.pieces import is_exact, pieces_of
from geomcore.mesa.polytope import MARGIN, ZONES
from geomcore.mesa.sampling import sampled, spread
from geomcore.typing import ArrayLike, Seed

if TYPE_CHECKING:
    import pandas as pd

    from geomcore.mesa.polytope import Polytope
    from geomcore.network import Network

SMALLEST = 1e-12  # part of the box: less is rounding of areas


@told_in_brief
class FlatSet(NamedTuple):
    """Where the gradient is flat; see `mesa_measures`.

    Attributes
    ----------
    kind : str
        "zero", "absolute" or "relative".
    threshold : float
        As given; 0 for "zero".
    level : float or None
        Flat is a gradient of smaller norm. None if there is no exterior or its median is 0.
    fraction : float or None
        Part of the polytope that is flat.
    error : float or None
        Its standard error, 0 where nothing is sampled.
    area : float or None
        Of all that is flat in the box.
    intersection, union : float or None
        Areas of what is flat and in the polytope, and of what is one of both.
    jaccard : float or None
        Intersection by union: 1 if the network is flat exactly on the polytope.
    components : int or None
        Connected parts of what is flat in the box, through common sides. None if sampled.
    largest : float or None
        Area of the largest of them.
    """

    kind: str
    threshold: float
    level: float | None
    fraction: float | None
    error: float | None
    area: float | None
    intersection: float | None
    union: float | None
    jaccard: float | None
    components: int | None
    largest: float | None


@dataclass(frozen=True, eq=False, repr=False)
class MesaMeasures:
    """How flat a network is on a polytope; see `mesa_measures`.

    Attributes
    ----------
    zero : FlatSet
        Where the gradient is 0.
    absolute, relative : tuple of FlatSet
        Where its norm is below each threshold, and below each part of the exterior's median.
    areas, norms, errors : tuple of three floats
        Of the interior, the boundary and the exterior: area, mean norm of the gradient (None
        where there is no area), and its standard error: 0 where nothing is sampled, inf of a
        single sampled point.
    median : float or None
        Of the norm of the gradient in the exterior.
    polytope_area, box_area : float
        The former of the part in the box.
    is_clipped : bool
        Whether the polytope goes on beyond the box, and is measured in the box only.
    samples : int
        0 if areas are exact.
    """

    zero: FlatSet
    absolute: tuple[FlatSet, ...]
    relative: tuple[FlatSet, ...]
    areas: tuple[float | None, ...]
    norms: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    median: float | None
    polytope_area: float
    box_area: float
    is_clipped: bool
    samples: int

    @property
    def flat_sets(self) -> tuple[FlatSet, ...]:
        """All of them: `zero`, those of `absolute`, those of `relative`."""
        return (self.zero, *self.absolute, *self.relative)

    def __repr__(self):
        return listed(
            self,
            {"zero": self.zero.fraction}
            | {f"below_{flat.threshold:g}": flat.fraction for flat in self.absolute}
            | {f"below_{flat.threshold:g}_of_median": flat.fraction for flat in self.relative}
            | {"samples": self.samples},
        )

    def summary(self) -> str:
        """A few lines for people."""
        how = f"by {self.samples:,} samples" if self.samples else "exactly"
        part = ", of which only the part in the box is measured" if self.is_clipped else ""
        lines = [f"polytope of area {self.polytope_area:.6g} in {self.box_area:.6g}{part}, {how}"]
        for name, norm in zip(ZONES, self.norms, strict=True):
            lines.append(f"mean gradient, {name}: {'none' if norm is None else f'{norm:.4g}'}")
        for flat in self.flat_sets:
            what = {
                "zero": "gradient zero",
                "absolute": f"gradient below {flat.threshold:g}",
                "relative": f"gradient below {flat.threshold:g} of the exterior's median",
            }[flat.kind]
            if flat.fraction is None:
                lines.append(f"{what}: the exterior has no slope to compare with")
                continue
            error = f" +- {flat.error:.1%}" if self.samples else ""
            lines.append(
                f"{what}: {flat.fraction:.1%}{error} of the polytope, overlap {flat.jaccard:.3f}"
            )
        return "\n".join(lines)

    def frame(self) -> pd.DataFrame:
        """A table with a row for each `FlatSet`.

        Returns
        -------
        pandas.DataFrame
        """
        from pandas import DataFrame

        return DataFrame([flat._asdict() for flat in self.flat_sets])


@answers_keywords
def mesa_measures(
    net: Network,
    polytope: Polytope,
    *,
    box: ArrayLike,
    output: int = 0,
    thresholds: Sequence[float] = (0.5, 1.0, 2.0),
    relative: Sequence[float] = (0.05, 0.1),
    margin: float = MARGIN,
    samples: int = 20_000,
    rng: Seed = None,
) -> MesaMeasures:
    r"""How flat an output of a network is on a polytope.

    Three sets are measured: where :math:`\nabla f` is 0, where :math:`|\nabla f|` is below a
    threshold, and where it is below a part of its median over the exterior. For a piecewise linear
    network on the plane or the line these are unions of linear regions, which are clipped by the
    polytope: nothing is sampled. In higher dimension, or for a head that is not piecewise linear
    (Lp with p > 1), they are sampled.

    Parameters
    ----------
    net : Network
        With d inputs. For an inner scalar: the network up to it, as ``Network(net.layers[:3])``.
    polytope : Polytope
        In dimension d.
    box : array_like, shape (d, 2), or float
        Lower and upper end of each coordinate; a number: half the side of a cube around 0.
    output : int
    thresholds : sequence of float
        Positive, in units of the gradient.
    relative : sequence of float
        Positive, in parts of the median of the norm of the gradient over the exterior.
    margin : float
        The boundary is where the slack is positive and below, the exterior is beyond.
    samples : int
        Points drawn uniformly from the box where areas cannot be had exactly.
    rng : numpy.random.Generator or int, optional
        For these.

    Returns
    -------
    MesaMeasures

    Raises
    ------
    ValueError
        If shapes do not fit, the network is not finite on the box, or no part of the polytope is
        in the box (in samples: no point).

    Notes
    -----
    What is rounded: a gradient counts as zero if none of its entries is above 2e-14 of what is
    added up in it, the sum over the paths of active units of the moduli of products of weights;
    areas are sums of areas of polygons in double precision, with errors of about 1e-15 of the box
    and the limits of `linear_regions` (regions thinner than the rounding are not seen). An area
    below 1e-12 of the box is taken as none. Where the norm of a gradient is a threshold but for
    rounding, either may come out.

    The standard error of a sampled fraction with k of n is the standard deviation of the beta
    distribution with k + 1 and n - k + 1, so it is not 0 for k = 0; it leaves out that a relative
    level is itself an estimate.

    The median is weighted by area.

    See Also
    --------
    slack_profile : the output against the slack.

    Examples
    --------
    The sum of what points are beyond each face is flat on the polytope and nowhere else:

    >>> from geomcore import Polytope, ReLUNetwork
    >>> square = Polytope([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 1, 1, 1])
    >>> net = ReLUNetwork([square.normals, [[1, 1, 1, 1]]], [-square.offsets, [0]])
    >>> found = mesa_measures(net, square, box=2)
    >>> found.zero.fraction, found.zero.jaccard, found.polytope_area, found.median
    (1.0, 1.0, 4.0, 1.0)
    """
    box, output = checked(net, polytope, box, output)
    levels = as_levels(thresholds, "thresholds"), as_levels(relative, "relative")
    margin, samples = as_positive(margin, "margin"), as_count(samples, "samples", 2)
    rng = as_rng(rng)
    with np.errstate(over="ignore"):
        volume = float(np.prod(box[:, 1] - box[:, 0]))
    if not 0 < volume < np.inf:
        raise ValueError(f"box must have a volume that is a positive float, got {quoted(box)}")
    if is_exact(net, polytope.d):
        pieces = pieces_of(net, polytope, box, output, margin)
    else:
        pieces = sampled(net, polytope, box, output, margin, samples, rng)
    if pieces.inside.sum() <= SMALLEST:
        what = "points" if pieces.samples else "parts"
        raise ValueError(f"polytope must have {what} in the box, found none")
    return _measured(pieces, levels, volume, polytope.reaches_beyond(box))


def _measured(pieces, levels, volume, is_clipped):
    outside = np.maximum(pieces.sizes - pieces.near, 0)
    zones = [pieces.inside, np.maximum(pieces.near - pieces.inside, 0), outside]
    zones = [zone if zone.sum() > SMALLEST else zone * 0 for zone in zones]
    means = [spread(pieces.norms, zone, pieces.samples) for zone in zones]
    median = weighted_median(pieces.norms, zones[2]) if zones[2].any() else None
    scale = median if median else None

    def flat(kind, threshold, level):
        is_flat = pieces.is_zero if kind == "zero" else pieces.norms < (level or 0)
        if level is None:
            return FlatSet(kind, threshold, None, *[None] * 8)
        return _flat_set((kind, threshold, level), is_flat, pieces, volume)

    return MesaMeasures(
        zero=flat("zero", 0.0, 0.0),
        absolute=tuple(flat("absolute", t, t) for t in levels[0]),
        relative=tuple(flat("relative", t, scale and _times(t, scale)) for t in levels[1]),
        areas=tuple(float(zone.sum() * volume) for zone in zones),
        norms=tuple(mean for mean, _ in means),
        errors=tuple(error for _, error in means),
        median=median,
        polytope_area=float(pieces.inside.sum() * volume),
        box_area=volume,
        is_clipped=is_clipped,
        samples=pieces.samples,
    )


def _flat_set(head, is_flat, pieces, volume):
    total, flat = pieces.inside.sum(), pieces.sizes[is_flat].sum()
    both = pieces.inside[is_flat].sum()
    union = total + (flat - both if flat > both else 0.0)
    share = float(min(both / total, 1.0))
    error = 0.0
    if pieces.samples:
        n = round(total * pieces.samples)
        k = round(both * pieces.samples)
        p = (k + 1) / (n + 2)
        error = float(np.sqrt(p * (1 - p) / (n + 3)))
    parts = (None, None) if pieces.samples else _components(is_flat, pieces)
    areas = [float(area * volume) for area in (flat, both, union)]
    largest = None if parts[1] is None else parts[1] * volume
    jaccard = float(min(both / union, 1.0))
    return FlatSet(*head, share, error, *areas, jaccard, parts[0], largest)


def _components(is_flat, pieces):
    """Number of connected parts of flat pieces, and the size of the largest."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not is_flat.any():
        return 0, 0.0
    pairs = pieces.pairs[is_flat[pieces.pairs].all(axis=1)]
    R = len(is_flat)
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(R, R))
    _, labels = connected_components(graph, directed=False)
    sizes = np.bincount(labels[is_flat], pieces.sizes[is_flat])
    return int((np.bincount(labels[is_flat]) > 0).sum()), float(sizes.max())


def weighted_median(values, weights):
    """The middle of values with weights, the mean of both where half the weight is at most one."""
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(weights[order])
    half = below[-1] / 2
    # equal within the rounding of the sums
    low = np.searchsorted(below, half * (1 - SMALLEST))
    high = np.searchsorted(below, half * (1 + SMALLEST))
    return float(values[low] / 2 + values[min(high, len(values) - 1)] / 2)


def _times(part, scale):
    """Their product, positive though it be tiny."""
    return float(min(max(part * scale, np.finfo(float).tiny), np.finfo(float).max))
