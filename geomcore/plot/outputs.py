"""A picture of what a network answers, beside what it should."""

import numpy as np

from geomcore.arrays import as_labels, as_points
from geomcore.plot.style import (
    add_legend,
    class_style,
    collapsed,
    equal_scales,
    legible,
    name_axes,
    new_axes,
    scatter,
)
from geomcore.projection import Projection, class_mean_plane


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
        scatter(ax, image, labels, collapsed=collapsed(out, labels, labels.targets))
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


def _flat(k):
    """The projection that draws one or two outputs as they are."""
    return Projection(np.zeros(k), np.eye(2, k))
