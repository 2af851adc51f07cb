"""A picture of how far the answers of a network are from what they should be."""

import numpy as np

from geomcore.arrays import as_labels, as_points
from geomcore.plot.strips import class_rows, few_of
from geomcore.plot.style import class_style, new_axes, rasterize

MOST_DOTS = 150  # of one class


def plot_outputs(out, y, targets=None, *, ax=None):
    """Draw how far each output of a network is from its target, class by class.

    One row per class, on a logarithmic axis; from the bottom of a row to its
    top the distances grow, at most 150 of a class, evenly chosen. A cross
    marks an output to which the target of another class is nearer. The dashed
    line is half the least distance between two targets: to the left of it
    there is no cross. The title states the largest distance.

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
        Distances that are zero are drawn below all others.

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
    ax = new_axes(2, height=1.4 + 0.32 * min(max(len(labels.classes), 3), 24)) if ax is None else ax
    far = np.linalg.norm(out - labels.Y, axis=1)
    half = _gap(labels.targets) / 2
    positive = far[far > 0]
    least = min([*positive, half or 1.0]) / 10
    wrong = _nearest(out, labels.targets, far)
    label = "nearer to another target"
    for j in range(len(labels.classes)):
        color, marker = class_style(j)
        own = np.flatnonzero(labels.index == j)
        own = few_of(own[np.argsort(far[own], kind="stable")], MOST_DOTS)
        height = j + 0.6 * ((np.arange(len(own)) + 0.5) / max(len(own), 1) - 0.5)
        x = np.maximum(far[own], least)
        ax.plot(x, height, ls="", color=color, marker=marker, ms=5, mew=0)
        other = wrong[own]
        if other.any():
            ax.plot(x[other], height[other], ls="", color="black", marker="x", ms=5, label=label)
            label = None
    if wrong.any():
        ax.legend(loc="lower left", fontsize=8)
    if half:
        ax.axvline(half, color="0.4", lw=1, ls="--")
    ax.set_xscale("log")
    top = max(far.max(initial=least), half or 0)
    ax.set_xlim(least / 3, 3 * top)
    if (far == 0).any():
        ax.axvline(least, color="0.8", lw=6, zorder=0)
        ax.annotate("exact", (least, 1), (0, 2), xycoords=("data", "axes fraction"),
                    textcoords="offset points", ha="center", fontsize=8)  # fmt: skip
    class_rows(ax, labels.classes)
    ax.set_xlabel("distance from the target")
    if len(out):
        ax.set_title(f"largest distance to a target: {far.max():.1e}", fontsize=10)
    return rasterize(ax)


def _gap(targets):
    """The least distance between two targets, 0 if there is none."""
    if len(targets) < 2:
        return 0.0
    gaps = [np.linalg.norm(targets[i + 1 :] - t, axis=1).min() for i, t in enumerate(targets[:-1])]
    return float(min(gaps))


def _nearest(out, targets, far):
    """Whether the target of another class is nearer to each output than its own."""
    wrong = np.zeros(len(out), bool)
    for target in targets:
        wrong |= np.linalg.norm(out - target, axis=1) < far
    return wrong
