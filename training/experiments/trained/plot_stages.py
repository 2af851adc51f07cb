"""Figures of data and cones: truncated layer by layer, in three projections, and cones over it."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.arrays import as_labels
from geomcore.plot.strips import few_of
from geomcore.plot.style import (
    add_figure_legend,
    collapsed,
    few_ticks,
    limits_around,
    scatter,
)
from geomcore.projection import class_mean_plane, fit_projection
from training.experiments.trained.tables import NAMES
from training.experiments.trained.views import about

MOST_POINTS = 600  # of a panel
MOST_EDGES = 64
MOST_TOLD = 3  # classes in the title of a panel
SIDE = 2.1  # of a panel, in inches
REACH = 0.75  # of drawn edges, in sizes of what is there
ROWS = {
    "data": "PCA of the data",
    "own": "PCA of the truncated data",
    "means": "plane of the class means",
}


def figure_of_stages(seen, y):
    """Draw the data truncated layer by layer, each panel in limits of its own.

    Parameters
    ----------
    seen : View
    y : ndarray, shape (N,)

    Returns
    -------
    matplotlib Figure
    """
    labels = as_labels(y, len(y))
    raw = seen.stages[0]
    fixed = {"data": fit_projection(raw), "means": class_mean_plane(raw, y)}
    fig, axes = _grid(len(ROWS), len(seen.stages), top=0.9)
    for l, points in enumerate(seen.stages):
        for k, key in enumerate(ROWS):
            projection = fixed[key] if key in fixed else fit_projection(points)
            ax, image = axes[k][l], projection(points)
            _points(ax, image, labels, collapsed(points, labels, raw))
            _frame(ax, image)
            if l == 0:
                ax.set_ylabel(ROWS[key], fontsize=9)
        title = "data" if l == 0 else f"layer {l}\n{about(seen.rows[l - 1])}"
        axes[0][l].set_title(title, fontsize=8)
    add_figure_legend(fig, labels.classes, title="digit")
    return fig


def figure_of_cones(seen, y):
    """Draw base and edges of each layer over the data that come into it.

    Parameters
    ----------
    seen : View
    y : ndarray, shape (N,)

    Returns
    -------
    matplotlib Figure
        For a layer without full rank the vectors W^+ e_i are dashed.
    """
    labels = as_labels(y, len(y))
    layers = len(seen.rows)
    columns = min(layers, 4)
    fig, axes = _grid(-(-layers // columns), columns, side=1.35 * SIDE, top=1.2)
    flat = [ax for row in axes for ax in row]
    for ax in flat[layers:]:
        ax.set_visible(False)
    for l, row in enumerate(seen.rows):
        points, ax = seen.stages[l], flat[l]
        projection = fit_projection(points)
        image, base = projection(points), projection(seen.bases[l][None])[0]
        both = np.vstack([image, base])
        size = np.ptp(both, axis=0).max() or 1.0
        chosen = few_of(np.arange(len(seen.edges[l])), MOST_EDGES)
        edges = seen.edges[l][chosen]
        lengths = np.linalg.norm(edges, axis=1)
        # As long as their directions lie in the picture: an edge across it is short.
        edges = edges / np.where(lengths > 0, lengths, 1.0)[:, None] @ projection.axes.T
        style = "-" if row["is_cone"] else ":"
        for end in base + REACH * size * edges:
            ax.plot(*np.transpose([base, end]), color="0.35", lw=0.7, ls=style, zorder=1)
        _points(ax, image, labels, collapsed(points, labels, seen.stages[0]))
        ax.plot(*base, marker="*", ms=13, color="black", mec="white", ls="", zorder=4)
        _frame(ax, both)
        told = "aperture" if row["is_cone"] else "largest angle"
        angle = f"{told} {np.degrees(row['aperture']):.1f}°"
        behind = _behind(seen, l, labels)
        ax.set_title(f"layer {l + 1}\n{about(row)}\n{angle}\n{behind}", fontsize=8)
    fig.supxlabel("direction 1 of the data before the layer", fontsize=9)
    fig.supylabel("direction 2", fontsize=9)
    add_figure_legend(fig, labels.classes, title="digit")
    return fig


def figure_of_outputs(found):
    """Draw what the networks put out for their training data, in three dimensions if they can.

    Parameters
    ----------
    found : Findings

    Returns
    -------
    matplotlib Figure
        Two outputs are drawn as they are, of more than three the principal components.
    """
    names = [name for name in ("constructed", *found.losses) if found.last(name) is not None]
    digits = found.digits
    labels = as_labels(digits.y, len(digits.y))
    Q = len(digits.chosen)
    kind = {} if Q == 2 else {"projection": "3d", "computed_zorder": False}
    fig, axes = plt.subplots(
        1,
        len(names),
        figsize=(3.6 * len(names) + 1, 3.7),
        squeeze=False,
        layout="constrained",
        subplot_kw=kind,
    )
    for ax, name in zip(axes[0], names, strict=True):
        out, corners = found.last(name)(digits.X), np.eye(Q)
        words = [f"output for {q}" for q in digits.chosen]
        if Q > 3:
            projection = fit_projection(out, 3)
            out, corners = projection(out), projection(corners)
            words = [f"direction {k + 1}" for k in range(3)]
        if name != "cross_entropy":
            ax.plot(*corners.T, marker="x", ls="", color="black", ms=13, mew=1.5, zorder=1)
        _points(ax, out, labels, collapsed(out, labels, corners))
        for k, word in zip("xyz", words, strict=False):
            getattr(ax, f"set_{k}label")(word, fontsize=8)
        few_ticks(ax)
        ax.tick_params(labelsize=7)
        ax.set_title(NAMES[name], fontsize=10)
        if Q > 2:
            ax.set_box_aspect(None, zoom=0.82)  # so that no label of an axis is cut off
    add_figure_legend(fig, labels.classes, title="digit")
    return fig


def _grid(rows, columns, *, side=SIDE, top=0.5):
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(side * columns + 1.1, side * rows + top),
        squeeze=False,
        layout="constrained",
    )
    return fig, axes


def _behind(seen, l, labels):
    """How much of each class is in the backward cone of a layer, in words."""
    A = seen.stages[l] @ seen.weights[l].T + seen.biases[l]
    behind = (A <= 0).all(axis=1)
    parts = [(c, behind[labels.index == j].mean()) for j, c in enumerate(labels.classes)]
    told = [f"{part:.0%} of {c}" for c, part in parts if part > 0]
    if len(told) > MOST_TOLD:
        told = [*told[:MOST_TOLD], "..."]
    return f"in S₋: {', '.join(told) or 'nothing'}"


def _points(ax, image, labels, piled):
    rows = few_of(np.arange(len(image)), MOST_POINTS)
    shown = labels._replace(index=labels.index[rows])
    scatter(ax, image[rows], shown, collapsed=piled)


def _frame(ax, image):
    """Limits of the panel around its own points, and ticks that tell their size."""
    box = limits_around(image)
    ax.set(xlim=box[0], ylim=box[1])
    few_ticks(ax, 3)
    ax.ticklabel_format(style="sci", scilimits=(-2, 3), useMathText=False)
    ax.tick_params(labelsize=7)
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_offset_text().set_fontsize(7)
