"""Pictures of data and of the cones that layers collapse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Polygon
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from geomcore.arrays import as_array, as_labels, as_layer, as_points, check_sequence
from geomcore.cones import CircularCone, PolyhedralCone
from geomcore.foreign.choices import as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.plot.arguments import as_axes, projected
from geomcore.plot.outlines import sector_outlines
from geomcore.plot.strips import class_rows
from geomcore.plot.style import (
    add_legend,
    class_style,
    equal_scales,
    is_3d,
    name_axes,
    new_axes,
    scatter,
    widen,
)
from geomcore.plot.ticks import coordinate
from geomcore.projection import fit_projection
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from geomcore.projection import Projection

WIDE, HEIGHTS = 4.0, (1.8, 4.5)  # of a picture of data in the plane, in inches


@answers_keywords
def plot_data(
    X: ArrayLike,
    y: ArrayLike,
    *,
    ax: Axes | None = None,
    projection: Projection | None = None,
    legend: bool = True,
) -> Axes:
    """Scatter labelled points, one colour and marker per class.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Drawn as they are for d <= 3, else projected.
    y : array_like, shape (N,)
        Labels.
    ax : matplotlib Axes, optional
        Default: a new figure, in 3-D if the points are.
    projection : Projection, optional
        Default for d > 3: `geomcore.projection.fit_projection`.
    legend : bool, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the lengths differ, or `ax` and the points differ in dimension.
    """
    legend = as_flag(legend, "legend")
    X = as_points(X)
    labels = as_labels(y, len(X))
    ax = None if ax is None else as_axes(ax)
    if projection is None and X.shape[1] > 3:
        projection = fit_projection(X, 3 if is_3d(ax) else 2)
    names = [coordinate(k) for k in range(X.shape[1])]
    if projection is not None:
        X = projected(projection, X, (1, 2, 3))
        names = [f"direction {k + 1}" for k in range(X.shape[1])]
    if X.shape[1] == 1:
        # Points of a line: one row per class, so that they do not hide each other.
        X, names = np.column_stack([X[:, 0], labels.index]), [names[0], "class"]
    is_own = ax is None
    ax = new_axes(X.shape[1]) if is_own else ax
    if X.shape[1] != 2 + is_3d(ax):
        raise ValueError(
            f"ax must have {X.shape[1]} dimensions, as the points have, got {2 + is_3d(ax)}"
        )
    scatter(ax, X, labels)
    name_axes(ax, names)
    if names[-1] == "class":
        class_rows(ax, labels.classes)
        return ax
    equal_scales(ax, X)
    if is_own and not is_3d(ax):
        # No more room above and below than the data fill.
        (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        ax.figure.set_figheight(
            float(np.clip(WIDE * (top - bottom) / (high - low) + 0.7, *HEIGHTS))
        )
    if legend:
        drawn = add_legend(ax, labels.classes)
        if is_own:
            widen(ax.figure, drawn)
    return ax


@answers_keywords
def plot_cones(
    cones: Sequence[PolyhedralCone],
    *,
    ax: Axes,
    box: ArrayLike | None = None,
    classes: Sequence[int] | None = None,
) -> list[list[Artist]]:
    """Draw the backward cones ``S_-``, which layers collapse, over the data.

    Parameters
    ----------
    cones : list
        Each a `PolyhedralCone`, a `CircularCone`, a pair (W, b), or an object
        with attributes W and b, as the layers of a construction are. Weights
        with more columns than the picture has dimensions are read as acting
        on points padded with zeros.
    ax : matplotlib Axes
        In 2-D (the sectors are filled) or 3-D (their faces are translucent).
    box : array_like, shape (d, 2), optional
        Where to clip; default the limits of `ax`, that is the data drawn so far.
    classes : sequence of int, optional
        Number of the class that each cone collapses, for its colour; default
        0, 1, 2, ...

    Returns
    -------
    list of list of matplotlib artists
        One list for each cone, empty if the cone does not meet the box.

    Raises
    ------
    ValueError
        If a cone does not have the dimension of the picture.
    """
    check_sequence(cones, "cones", "object", "cone")
    ax = as_axes(ax)
    classes = _as_classes(classes, len(cones))
    if box is None:
        box = [ax.get_xlim(), ax.get_ylim()] + ([ax.get_zlim()] if is_3d(ax) else [])
    box = as_array(box, "box", 2)
    if box.shape != (2 + is_3d(ax), 2):
        raise ValueError(f"box must have shape {(2 + is_3d(ax), 2)}, got {box.shape}")
    drawn = []
    for cone, j in zip(cones, classes, strict=True):
        outlines = sector_outlines(*_half_spaces(cone, len(box)), box)
        color = class_style(j)[0]
        # The many facets that stand for a round cone are not to be seen one by one.
        line = 0.1 if isinstance(cone, CircularCone) else 0.5
        if is_3d(ax):
            artists = [
                ax.add_collection3d(
                    Poly3DCollection(
                        [face], facecolor=(color, 0.13), edgecolor=(color, line), lw=0.8
                    )
                )
                for face in outlines
            ]
        else:
            artists = [
                ax.add_patch(
                    Polygon(part, facecolor=(color, 0.15), edgecolor=(color, 0.8), lw=1.2, zorder=0)
                )
                for part in outlines
            ]
        drawn.append(artists)
    return drawn


def _as_classes(classes, count):
    """Numbers of classes, one per cone."""
    if classes is None:
        return range(count)
    found = classes.tolist() if isinstance(classes, np.ndarray) else classes
    good = isinstance(found, list | tuple | range) and len(found) == count
    if not good or not all(isinstance(j, Integral) and j >= 0 for j in found):
        raise ValueError(
            f"classes must have one entry per cone ({count}), the number of a class each, got "
            f"{quoted(classes)}"
        )
    return found


def _half_spaces(cone, d):
    """Weights and biases whose inactive set is the backward cone."""
    if isinstance(cone, CircularCone):
        return _circular_half_spaces(cone)
    if isinstance(cone, PolyhedralCone):
        return cone.to_layer()
    pair = (cone.W, cone.b) if hasattr(cone, "W") and hasattr(cone, "b") else cone
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(
            "cones must be polyhedral or circular cones, pairs (W, b), or objects with W and b, "
            f"got {quoted(cone)}"
        )
    return as_layer(*pair)


def _circular_half_spaces(cone, sides=32):
    """Tangent half-spaces of a backward circular cone in the plane or in space."""
    h, half = cone.axis, cone.angle / 2
    across = np.linalg.svd(h[None, :])[2][1:]
    if len(h) == 2:
        around = np.array([[1.0], [-1.0]])
    else:
        angle = 2 * np.pi * np.arange(sides) / sides
        around = np.column_stack([np.cos(angle), np.sin(angle)])
    W = math.cos(half) * around @ across + math.sin(half) * h
    return W, -W @ cone.apex
