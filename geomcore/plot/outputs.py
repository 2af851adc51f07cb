"""A picture of how far the answers of a network are from what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_labels, as_points
from geomcore.foreign.keywords import answers_keywords
from geomcore.plot.arguments import as_axes
from geomcore.plot.strips import class_rows, few_of
from geomcore.plot.style import class_style, new_axes, rasterize
from geomcore.plot.ticks import powers
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DOTS = 150  # of one class
HIGHEST = 1e150  # an axis that goes further overflows
BLOCK = 2**22  # distances that are in memory at a time


@answers_keywords
def plot_outputs(
    out: ArrayLike, y: ArrayLike, targets: ArrayLike | None = None, *, ax: Axes | None = None
) -> Axes:
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
    height = 1.4 + 0.32 * min(max(len(labels.classes), 3), 24)
    ax = as_axes(ax, lambda: new_axes(2, height=height))
    far = distances(out, labels.Y)
    half = _gap(labels.targets) / 2
    positive = far[far > 0]
    least = max(min([*positive, half or 1.0]) / 10, 1 / HIGHEST)
    wrong = nearer_to_another(out, labels)
    label = "nearer to another target"
    for j in range(len(labels.classes)):
        color, marker = class_style(j)
        own = np.flatnonzero(labels.index == j)
        own = few_of(own[np.argsort(far[own], kind="stable")], MOST_DOTS)
        height = j + 0.6 * ((np.arange(len(own)) + 0.5) / max(len(own), 1) - 0.5)
        x = np.clip(far[own], least, HIGHEST)
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
    top = min(max(far.max(initial=least), half or 0), HIGHEST)
    ax.set_xlim(least / 3, 3 * top)
    powers(ax.xaxis, least, top)
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
    near = nearest_targets(targets, targets, others=np.arange(len(targets)))
    return float(distances(targets, targets[near]).min())


def nearer_to_another(out, labels):
    """Whether the target of another class is nearer to each output than its own.

    Parameters
    ----------
    out : ndarray, shape (N, k)
    labels : Labels

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    if not len(out):
        return np.zeros(0, bool)
    near = labels.targets[nearest_targets(out, labels.targets)]
    return distances(out, near) < distances(out, labels.Y)


def distances(A, B):
    """Distance of every row of `A` from that of `B`, shape (N,), whatever their size."""
    size = _size(A, B)
    return size * np.linalg.norm(A / size - B / size, axis=1)


def nearest_targets(out, targets, *, others=None):
    """Number of the target nearest to each output, up to rounding, shape (N,).

    Parameters
    ----------
    out : ndarray, shape (N, k)
    targets : ndarray, shape (Q, k)
    others : ndarray of int, shape (N,), optional
        A target that does not count for each output.
    """
    near = np.empty(len(out), int)
    size = _size(out, targets)
    out, targets = out / size, targets / size
    half = (targets**2).sum(axis=1) / 2
    rows = max(BLOCK // len(targets), 1)
    for start in range(0, len(out), rows):
        part = slice(start, start + rows)
        score = half - out[part] @ targets.T
        if others is not None:
            score[np.arange(len(score)), others[part]] = np.inf
        near[part] = score.argmin(axis=1)
    return near


def _size(A, B):
    """A power of two, so that nothing is rounded, near the largest entry."""
    most = max(np.abs(A).max(initial=0), np.abs(B).max(initial=0))
    return float(np.ldexp(0.5, np.frexp(most)[1])) if most else 1.0
