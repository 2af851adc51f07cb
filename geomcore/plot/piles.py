"""A picture of data that become piles, layer by layer, with the piles drawn aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_count, as_labels, as_number, as_points, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import ReLUNetwork
from geomcore.plot.style import add_figure_legend, add_title, class_style, legible, panels
from geomcore.projection import Projection, fit_projection
from geomcore.truncation import truncate, truncation_defects
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@answers_keywords
def plot_piles(
    net: ReLUNetwork, X: ArrayLike, y: ArrayLike, *, most: int = 20, rtol: float = 1e-6
) -> Figure:
    """Draw how the layers of a network send the points of each class to one pile.

    The universal construction gives the space of the data more dimensions,
    and each layer moves some points of a class, with all of that class moved
    before, to one point: the pile of the class. The data have no component in
    the extra dimensions, so these may be drawn in any direction; here, such
    that the piles come to lie on a circle around the data. The projection is
    the same for all layers.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
        Projected to their principal plane for d > 2.
    y : array_like, shape (N,)
        Labels.
    most : int, optional
        Number of layers drawn at most; of more, a regular selection.
    rtol : float, optional
        Points nearer than this are at one place, in units of the size of the data.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no points, or the arguments do not fit together.

    Notes
    -----
    A layer at which the moved points of a class are not at one place, or
    whose cumulative weights are rank-deficient, so that truncation does not
    represent the network, is not drawn, nor are those after it. Their effect
    is one last panel, with the outputs in place of the piles.
    """
    X = as_points(X).astype(float, copy=False)
    labels = as_labels(y, len(X))
    check_network(net, ReLUNetwork)
    most, rtol = as_count(most, "most"), as_number(rtol, "rtol", 0, 1)
    if 0 in X.shape:
        raise ValueError(f"X must hold at least one point and one column, got shape {X.shape}")
    stages, moved, complete = _stages(net, X, labels, rtol)
    plane = _plane(X)
    images, places = _with_piles_aside(plane, X, stages, moved[-1], labels)
    least = rtol * (np.ptp(X, axis=0).max() or 1.0)
    titles = ["data"]
    for l in range(1, len(stages)):
        changed = labels.index[(np.abs(stages[l] - stages[l - 1]) > least).any(axis=1)]
        names = [legible(labels.classes[j]) for j in np.unique(changed)]
        titles.append(f"layer {l}" + (f": class {', '.join(names[:3])}" if names else ""))
    kept = np.unique(np.linspace(0, len(stages) - 1, min(most + 1, len(stages))).astype(int))
    pictures = [(images[l], moved[l], titles[l]) for l in kept]
    out = net(X)
    if not complete and len(net.weights) > 1 and out.shape[1] == len(places):
        rest = range(len(stages), len(net.weights))
        names = f"layers {rest[0]} to {rest[-1]}" if len(rest) > 1 else f"layer {rest[0]}"
        title = f"{names}: the rest"
        pictures.append((out @ places, np.ones(len(X), bool), title))
    return _draw(pictures, labels)


def _stages(net, X, labels, rtol):
    """Padded data and truncated data while these are piles, who has moved, and if that is all."""
    stages = truncate(net, X)
    wide = max([X.shape[1], *(Z.shape[1] for Z in stages[:1])])
    start = np.pad(X, ((0, 0), (0, wide - X.shape[1])))
    ranks = [defect.rank for defect in truncation_defects(net, X)][: len(stages)]
    size = np.ptp(X, axis=0).max() or 1.0
    kept, moved = [start], [np.zeros(len(X), bool)]
    for Z, rank in zip(stages, ranks, strict=True):
        gone = np.abs(Z - start).max(axis=1) > rtol * size
        piles = [Z[gone & (labels.index == j)] for j in range(len(labels.classes))]
        if rank < wide or any(len(P) and np.ptp(P, axis=0).max() > rtol * size for P in piles):
            return kept, moved, False
        kept.append(Z)
        moved.append(gone)
    return kept, moved, True


def _plane(X):
    d = X.shape[1]
    return Projection(np.zeros(d), np.eye(2, d)) if d <= 2 else fit_projection(X)


def _with_piles_aside(plane, X, stages, moved, labels):
    """Images of all stages, and the places (Q, 2) around the data where piles belong."""
    flat = plane(X)
    centre = (flat.min(axis=0) + flat.max(axis=0)) / 2
    radius = 1.3 * np.hypot(*(flat - centre).T).max() or 1.0  # no square, that may overflow
    angle = np.pi / 2 + 2 * np.pi * np.arange(len(labels.classes)) / len(labels.classes)
    places = centre + radius * np.column_stack([np.cos(angle), np.sin(angle)])
    d, last = X.shape[1], stages[-1]
    aside = np.zeros((last.shape[1] - d, 2))
    have = [j for j in range(len(places)) if moved[labels.index == j].any()]
    if have and len(aside):
        piles = np.stack([last[moved & (labels.index == j)][0] for j in have])
        aside = np.linalg.lstsq(piles[:, d:], places[have] - plane(piles), rcond=None)[0]
    return [plane(Z) + Z[:, d:] @ aside for Z in stages], places


def _draw(pictures, labels):
    fig, axes = panels(len(pictures), columns=4, size=(2.3, 2.5), margin=(0.9, 0))
    for ax, (image, moved, title) in zip(axes, pictures, strict=True):
        _panel(ax, image, moved, labels)
        add_title(ax, title, 2.2)
        ax.set_aspect("equal")
        ax.set_xticks([])
        ax.set_yticks([])
    everything = np.vstack([image for image, _, _ in pictures])
    low, high = everything.min(axis=0), everything.max(axis=0)
    # room for the numbers above the piles
    half = 0.66 * (high - low).max() or 1.0
    (left, bottom), (right, top) = (low + high) / 2 - half, (low + high) / 2 + half
    axes[0].set(xlim=(left, right), ylim=(bottom, top))
    add_figure_legend(fig, labels.classes, title="class")
    return fig


def _panel(ax, image, moved, labels):
    """Points that are where they were, and one large marker per pile with its number of points."""
    for j in range(len(labels.classes)):
        color, marker = class_style(j)
        own = labels.index == j
        ax.scatter(*image[own & ~moved].T, s=8, color=color, marker=marker, lw=0)
        pile = own & moved
        if pile.any():
            at = image[pile][0]
            ax.scatter(*at, s=110, color=color, marker=marker, edgecolor="black", zorder=3)
            ax.annotate(
                f"{pile.sum()}",
                at,
                (0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                zorder=4,
            )
