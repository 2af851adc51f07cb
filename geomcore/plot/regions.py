"""Linear regions, coloured by a quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Colormap, Normalize, is_color_like, to_rgba_array

from geomcore.arrays import as_array, as_labels, as_points, as_positive
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.plot.arguments import as_axes
from geomcore.plot.style import MANY_POINTS, scatter
from geomcore.regions.boundaries import Lines
from geomcore.regions.regions import Regions
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More polygons go into vector files as one picture, and have no edges of their own.
MANY = 20_000
LONGEST = 24  # corners of a polygon, of many that are filled up to as many
ROWS = 4096  # of patterns at a time
BAR = (1.03, 0.0, 0.04, 1.0)  # of colours, in parts of the axes
PALE = ("#E9EEF4", "#D6DFEA", "#C3D0DF", "#B0C2D5", "#F2F4F7", "#DFE7DF")


@answers_keywords
def plot_regions(
    found: Regions,
    values: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    cmap: str | Colormap = "cividis",
    norm: Normalize | None = None,
    points: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> Axes:
    """Draw linear regions.

    Parameters
    ----------
    found : geomcore.regions.regions.Regions
    values : array_like, shape (R,), optional
        What each region is coloured by. Default: pale colours that differ between most neighbours.
    ax : matplotlib Axes, optional
        Default those of a new figure.
    label : str, optional
        Name of the values beside a bar of colours.
    cmap : str
        Of the values.
    norm : matplotlib Normalize, optional
        How values become colours; default linear. The bar ends in an arrow where values are
        beyond it.
    points : array_like, shape (N, 2), optional
        Data in coordinates of the plane, drawn over the regions.
    labels : array_like, shape (N,), optional
        Their classes.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the values or the points do not fit.
    """
    if not isinstance(found, Regions):
        raise ValueError(f"found must be Regions, as linear_regions returns, got {quoted(found)}")
    if values is not None:
        values = as_array(values, "values", 1)
        if len(values) != len(found):
            raise ValueError(
                f"values must be {len(found)} numbers, one per region, got {len(values)}"
            )
    ax = as_axes(ax, lambda: plt.subplots(figsize=(6.4, 4.8), layout="constrained")[1])
    if not (label is None or isinstance(label, str)):
        raise ValueError(f"label must be a text or None, got {quoted(label)}")
    if not isinstance(cmap, Colormap) and not (isinstance(cmap, str) and cmap in colormaps):
        raise ValueError(f"cmap must be the name of a colormap, got {quoted(cmap)}")
    if not (norm is None or isinstance(norm, Normalize)):
        raise ValueError(f"norm must be a matplotlib Normalize or None, got {quoted(norm)}")
    polygons = _polygons(found)
    is_many = len(found) > MANY
    edges = {"linewidths": 0} if is_many else {"edgecolors": "0.35", "linewidths": 0.3}
    if values is None:
        colors = to_rgba_array(PALE)[_numbers(found.patterns) % len(PALE)]
        drawn = PolyCollection(polygons, facecolors=colors, **edges)
    else:
        drawn = PolyCollection(polygons, array=values, cmap=cmap, norm=norm, **edges)
    drawn.set_antialiased(not is_many)
    drawn.set_rasterized(is_many)
    ax.add_collection(drawn, autolim=False)
    if values is not None:
        # as high as the axes, whatever their aspect
        bar = ax.inset_axes(BAR)
        ax.figure.colorbar(drawn, cax=bar, label=label, extend=_beyond(drawn.norm, values))
    if points is not None:
        points = as_points(points, d=2, name="points")
        labels = np.zeros(len(points), dtype=int) if labels is None else labels
        scatter(ax, points, as_labels(labels, len(points)))
        ax.collections[-1].set_rasterized(len(points) > MANY_POINTS)
    ax.set(xlim=found.box[0], ylim=found.box[1], xlabel="x", ylabel="y", aspect="equal")
    return ax


def _polygons(found):
    """The polygons, a list or, of many, one array: matplotlib takes that in half of the time."""
    sizes = np.diff(found.starts)
    most = sizes.max()
    if len(found) <= MANY or most > LONGEST:
        return np.split(found.corners, found.starts[1:-1])
    # the last corner of the smaller ones again and again
    at = found.starts[:-1, None] + np.minimum(np.arange(most), sizes[:, None] - 1)
    return found.corners[at]


def _numbers(patterns):
    """The sum of the numbers of the units that are on, from 1, shape (R,)."""
    units = np.arange(1.0, patterns.shape[1] + 1)  # floats, for BLAS: the sums are exact
    # some rows at a time: as floats all of them would take eight times the memory
    starts = range(0, len(patterns), ROWS)
    parts = [patterns[start : start + ROWS] @ units for start in starts]
    return np.concatenate(parts).astype(int)


def _beyond(norm, values):
    """On which sides of a norm there are values, in the words of `Figure.colorbar`."""
    norm.autoscale_None(values)
    values = values[~np.ma.getmaskarray(norm(values))]  # a logarithm has no place for 0
    sides = bool((values < norm.vmin).any()), bool((values > norm.vmax).any())
    return ("neither", "max", "min", "both")[2 * sides[0] + sides[1]]


@answers_keywords
def plot_boundary(lines: Lines, *, ax: Axes, color: str = "black", lw: float = 1.6) -> Axes:
    """Draw the `Lines` of a level set or a class boundary over regions; return `ax`.

    Parameters
    ----------
    lines : geomcore.regions.regions.Lines
    ax : matplotlib Axes
    color : str
    lw : float

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If lines, color or lw are not of their kind.
    """
    if not isinstance(lines, Lines):
        raise ValueError(f"lines must be Lines, as level_set returns, got {quoted(lines)}")
    if not is_color_like(color):
        raise ValueError(f"color must be a colour of matplotlib, got {quoted(color)}")
    lw = as_positive(lw, "lw")
    as_axes(ax).add_collection(
        LineCollection(lines.ends, colors=color, linewidths=lw), autolim=False
    )
    return ax
