"""The output of a network against the slack of a polytope: is it like a distance?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_count, as_place, as_rng
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.mesa.arguments import checked
from geomcore.mesa.sampling import drawn
from geomcore.typing import Array, ArrayLike, Integers, Seed

if TYPE_CHECKING:
    import pandas as pd

    from geomcore.mesa.polytope import Polytope
    from geomcore.network import Network

QUANTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False, repr=False)
class SlackProfile:
    """An output against the slack, in bins of equal width; see `slack_profile`.

    Attributes
    ----------
    ends : ndarray, shape (B, 2)
        Of the slack in each bin; those without points are left out.
    counts : ndarray of int, shape (B,)
        Points in each.
    low, median, high : ndarray, shape (B,)
        Quartiles of the output there.
    rank_correlation : float or None
        Spearman's, of the output and the slack, over all points. None if one of them is constant.
    distance_correlation : float or None
        Pearson's, of the output and the positive part of the slack: 1 for a mesa that is flat on
        the polytope and rises as the points go out.
    rising : float or None
        Part of the steps between neighbouring bins over which the median rises or stays; None if
        there is only one.
    """

    ends: Array
    counts: Integers
    low: Array
    median: Array
    high: Array
    rank_correlation: float | None
    distance_correlation: float | None
    rising: float | None

    def __repr__(self):
        names = ("rank_correlation", "distance_correlation", "rising")
        sizes = {"bins": len(self.counts), "points": int(self.counts.sum())}
        return listed(self, sizes | {name: getattr(self, name) for name in names})

    def frame(self) -> pd.DataFrame:
        """A table with a row for each bin: the ends of its slack, points, quartiles.

        Returns
        -------
        pandas.DataFrame
        """
        from pandas import DataFrame

        columns = {"from": self.ends[:, 0], "to": self.ends[:, 1], "points": self.counts}
        return DataFrame(columns | {"low": self.low, "median": self.median, "high": self.high})


@answers_keywords
def slack_profile(
    net: Network,
    polytope: Polytope,
    *,
    box: ArrayLike,
    output: int = 0,
    bins: int = 24,
    samples: int = 20_000,
    rng: Seed = None,
) -> SlackProfile:
    """An output of a network against the slack of a polytope, at points drawn from a box.

    Parameters
    ----------
    net : Network
        With d inputs.
    polytope : Polytope
        In dimension d.
    box : array_like, shape (d, 2), or float
        Lower and upper end of each coordinate; a number: half the side of a cube around 0.
    output : int
    bins : int
        Of equal width, from the least to the largest slack of the points.
    samples : int
        Points, uniform in the box.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    SlackProfile

    Raises
    ------
    ValueError
        If shapes do not fit, or outputs are no finite floats.

    See Also
    --------
    mesa_measures : areas on which the gradient is flat.

    Examples
    --------
    >>> from geomcore import Polytope, ReLUNetwork
    >>> line = Polytope([[1.0], [-1.0]], [1.0, 1.0])
    >>> net = ReLUNetwork([line.normals, [[1.0, 1.0]]], [-line.offsets, [0.0]])
    >>> found = slack_profile(net, line, box=2, rng=0)
    >>> round(found.distance_correlation, 12), found.rising
    (1.0, 1.0)
    """
    box, output = checked(net, polytope, box, output)
    bins, samples, rng = as_count(bins, "bins"), as_count(samples, "samples", 2), as_rng(rng)
    X = drawn(box, samples, rng)
    with np.errstate(over="ignore", invalid="ignore"):
        values = net(X)
    # a network's layers need not tell their widths
    values = values[:, as_place(output, "output", values.shape[1])]
    if not np.isfinite(values).all():
        raise ValueError("net must have outputs on the box that are finite floats, got overflow")
    slack = polytope.slack(X)
    edges = np.linspace(slack.min(), slack.max(), bins + 1)
    owner = np.clip(np.searchsorted(edges, slack, side="right") - 1, 0, bins - 1)
    filled, counts = np.unique(owner, return_counts=True)
    parts = np.split(values[np.argsort(owner, kind="stable")], np.cumsum(counts)[:-1])
    quartiles = np.stack([np.quantile(part, QUANTILES) for part in parts], axis=1)
    steps = quartiles[1, 1:] >= quartiles[1, :-1]
    rising = float(steps.mean()) if len(steps) else None
    return SlackProfile(  # type: ignore[call-arg]
        np.column_stack([edges[filled], edges[filled + 1]]),
        counts,
        *quartiles,
        correlation(ranks(values), ranks(slack)),
        correlation(values, np.maximum(slack, 0)),
        rising,
    )


def ranks(values):
    """Ranks from 0; equal values have their mean."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[index]


def correlation(a, b):
    """Pearson's correlation, None if one of both is constant."""
    parts = []
    for values in (a, b):
        if values.min() == values.max():
            return None
        centred = values / np.abs(values).max()
        centred = centred - centred.mean()
        length = np.linalg.norm(centred)
        if not length > 0:  # but for rounding
            return None
        parts.append(centred / length)
    return float(np.clip(parts[0] @ parts[1], -1, 1))
