"""Pictures of data, cones, truncated data and outputs."""

import math

import numpy as np
from matplotlib.patches import Polygon
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from geomcore.arrays import as_labels, as_points, check_sequence
from geomcore.cones import CircularCone, PolyhedralCone
from geomcore.plot.outlines import sector_outlines
from geomcore.plot.style import (
    add_figure_legend,
    add_legend,
    class_style,
    equal_scales,
    is_3d,
    legible,
    name_axes,
    new_axes,
    panels,
    scatter,
)
from geomcore.projection import Projection, class_mean_plane, fit_projection


def plot_data(X, y, *, ax=None, projection=None, legend=True):
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
    X = as_points(X)
    labels = as_labels(y, len(X))
    if projection is None and X.shape[1] > 3:
        projection = fit_projection(X, 3 if is_3d(ax) else 2)
    names = [f"$x_{k + 1}$" for k in range(X.shape[1])]
    if projection is not None:
        X = projection(X)
        names = [f"direction {k + 1}" for k in range(X.shape[1])]
    if X.shape[1] == 1:
        # Points of a line: one row per class, so that they do not hide each other.
        X, names = np.column_stack([X[:, 0], labels.index]), [names[0], "class"]
    ax = new_axes(X.shape[1]) if ax is None else ax
    if X.shape[1] != 2 + is_3d(ax):
        raise ValueError(f"ax must have {X.shape[1]} dimensions, as the points have")
    scatter(ax, X, labels)
    name_axes(ax, names)
    equal_scales(ax, X)
    if legend:
        add_legend(ax, labels.classes)
    return ax


def plot_cones(cones, *, ax, box=None, classes=None):
    """Draw the backward cones S_-, which layers collapse, over the data.

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
    check_sequence(cones, "cones")
    classes = range(len(cones)) if classes is None else classes
    if len(classes) != len(cones):
        raise ValueError(f"classes must have one entry per cone ({len(cones)}), got {len(classes)}")
    if box is None:
        box = [ax.get_xlim(), ax.get_ylim()] + ([ax.get_zlim()] if is_3d(ax) else [])
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


def plot_truncation(stages, y, projection=None, *, titles=None):
    """Draw the truncated data layer by layer, all in one projection with the same limits.

    Parameters
    ----------
    stages : list of array_like, shapes (N, d), (N, d_1), ...
        The data, then the truncated data of each layer, for instance
        ``[X, *truncate(net, X)]``; d_l >= d.
    y : array_like, shape (N,)
        Labels.
    projection : Projection to 2 coordinates, optional
        Default: none for points of the plane, else fitted on ``stages[0]``.
    titles : list of str, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If a stage does not fit the labels or the projection.

    Notes
    -----
    A class that has become one point is drawn as one large marker.
    """
    check_sequence(stages, "stages")
    stages = [as_points(Z, name=f"stages[{l}]") for l, Z in enumerate(stages)]
    labels = as_labels(y, len(stages[0]))
    if any(len(Z) != len(stages[0]) for Z in stages):
        raise ValueError(f"stages must all have {len(stages[0])} points, got other numbers too")
    d = stages[0].shape[1]
    if projection is None:
        projection = Projection(np.zeros(d), np.eye(2, d)) if d <= 2 else fit_projection(stages[0])
    if titles is None:
        titles = ["data"] + [f"after layer {l}" for l in range(1, len(stages))]
    images = [projection(Z) for Z in stages]
    columns = 4
    fig, axes = panels(len(stages), columns=columns, size=(3, 3), margin=(0.9, 0.3))
    for ax, Z, image, title in zip(axes, stages, images, titles, strict=False):
        scatter(ax, image, labels, collapsed=_collapsed(Z, labels, stages[0]))
        ax.set_title(title, fontsize=10)
    for ax in axes[-columns:]:
        ax.tick_params(labelbottom=True)
    equal_scales(axes[0], np.vstack(images))
    name = "x" if d <= 2 else "direction "
    fig.supxlabel(f"${name}_1$" if d <= 2 else f"{name}1", fontsize=10)
    fig.supylabel(f"${name}_2$" if d <= 2 else f"{name}2", fontsize=10)
    add_figure_legend(fig, labels.classes)
    return fig


def plot_outputs(out, y, targets=None, *, ax=None):
    """Draw the outputs of a network beside what is wanted of them.

    Up to three outputs are scattered (three in the plane of their targets),
    with a ring around each target; more are a picture with one row per point,
    sorted by class. The title states the largest distance to a target.

    Parameters
    ----------
    out : array_like, shape (N, k)
        Outputs.
    y : array_like, shape (N,)
        Labels.
    targets : array_like, shape (Q, k), optional
        Output wanted for each class; default one-hot rows.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    out = as_points(out, name="out")
    labels = as_labels(y, len(out), targets=targets)
    k = labels.targets.shape[1]
    if out.shape[1] != k:
        raise ValueError(f"out must have {k} columns, as the targets have, got shape {out.shape}")
    ax = new_axes(2) if ax is None else ax
    if k <= 3:
        show = class_mean_plane(labels.targets, range(len(labels.classes))) if k == 3 else _flat(k)
        image, rings = show(out), show(labels.targets)
        for j, ring in enumerate(rings):
            ax.scatter(*ring, s=360, facecolor="none", edgecolor=class_style(j)[0], linewidth=1.5)
        scatter(ax, image, labels, collapsed=_collapsed(out, labels, labels.targets))
        equal_scales(ax, np.vstack([image, rings]))
        name_axes(ax, ["in the plane of the targets", ""] if k == 3 else ["output 1", "output 2"])
        add_legend(ax, labels.classes)
    else:
        order = np.argsort(labels.index, kind="stable")
        low, high = labels.targets.min(), labels.targets.max()
        image = ax.imshow(
            out[order],
            aspect="auto",
            cmap="cividis",
            interpolation="nearest",
            vmin=low,
            vmax=high if high > low else low + 1,
        )
        ax.figure.colorbar(image, ax=ax, label="output", extend="both")
        ends = np.searchsorted(labels.index[order], np.arange(len(labels.classes) + 1))
        ax.set_yticks((ends[1:] + ends[:-1]) / 2, [legible(c) for c in labels.classes])
        ax.set_xticks(np.arange(k), np.arange(1, k + 1))
        ax.set_xlabel("output")
        ax.set_ylabel("points, by class")
    if len(out):
        worst = np.linalg.norm(out - labels.Y, axis=1).max()
        ax.set_title(f"largest distance to a target: {worst:.1e}", fontsize=10)
    return ax


def _half_spaces(cone, d):
    """Weights and biases whose inactive set is the backward cone."""
    if isinstance(cone, CircularCone):
        return _circular_half_spaces(cone)
    if isinstance(cone, PolyhedralCone):
        return cone.to_layer()
    if hasattr(cone, "W"):
        return cone.W, cone.b
    return cone


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


def _collapsed(Z, labels, raw):
    """Which classes of more than one point have become one, relative to the size of the data."""
    size = np.ptp(raw, axis=0).max(initial=0)
    members = [Z[labels.index == j] for j in range(len(labels.classes))]
    return [len(M) > 1 and np.ptp(M, axis=0).max() <= 1e-6 * size for M in members]


def _flat(k):
    """The projection that draws one or two outputs as they are."""
    return Projection(np.zeros(k), np.eye(2, k))
