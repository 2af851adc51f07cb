"""Figures of the table of minima: losses with verdicts, truncated data of each point."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.arrays import as_labels
from geomcore.plot.strips import class_rows
from geomcore.plot.style import (
    VERDICT_STYLES,
    add_figure_legend,
    collapsed,
    few_ticks,
    legible,
    limits_around,
    panels,
    scatter,
)
from geomcore.plot.ticks import coordinate, powers
from geomcore.projection import fit_projection
from geomcore.truncation import truncate
from training.output.alt import points_in_words

FLOOR = 1e-6  # losses below are drawn here
COLUMNS = 5
AXES = ["direction 1", "direction 2"]
BROAD = 60  # most points side by side


CAPTIONS = {
    "losses": "The loss of each point, with its verdict as colour and marker; the closed form "
    "where one is published or elementary (crosses; for a mixed state without bias it is the "
    "formula with untruncated means, which is not the minimum over the last layer); and the "
    "loss after gradient descent from the point itself and from perturbations of it.",
    "truncated": "The truncated data of each {kind} after its last hidden layer, in one plane "
    "(PCA of the data); a class that has become one point is one large marker. Above "
    "each picture the point and its verdict.",
}


def figures(found):
    """Draw what was found about one data set.

    Parameters
    ----------
    found : Findings

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    told = points_in_words(found.rows)
    yield "losses", figure_of_losses(found.rows), CAPTIONS["losses"], told
    for kind in ("state", "merge"):
        # A wider first layer lifts the data out of the space that all pictures share.
        drawn = [
            (row, net)
            for row, net in zip(found.rows, found.networks, strict=True)
            if row["kind"] == kind and net.widths[1] <= found.data.X.shape[1]
        ]
        if drawn:
            fig = figure_of_truncated(*zip(*drawn, strict=True), found.data)
            told = points_in_words([row for row, _ in drawn])
            yield f"{kind}s", fig, CAPTIONS["truncated"].format(kind=kind), told


def figure_of_losses(rows):
    """Draw the loss of every point, with its verdict as colour and marker.

    Parameters
    ----------
    rows : list of dict
        Of `training.experiments.minima.examine`.

    Returns
    -------
    matplotlib Figure
    """
    kinds = [k for k in ("state", "merge", "paper") if any(r["kind"] == k for r in rows)]
    panels = {kind: [r for r in rows if r["kind"] == kind] for kind in kinds}
    sizes = [len(points) + 1 for points in panels.values()]
    if sum(sizes) <= BROAD:
        grid = {"ncols": len(kinds), "width_ratios": sizes}
        width, height = 2.7 + 0.24 * sum(sizes), 4.6
    else:
        grid = {"nrows": len(kinds)}
        width, height = 3 + 0.2 * max(sizes), 3.4 * len(kinds)
    fig, axes = plt.subplots(
        **grid, figsize=(width, height), sharey=True, squeeze=False, layout="constrained"
    )
    titles = {
        "state": "states, affine last layer",
        "merge": "merges",
        "paper": "states, last layer without bias",
    }
    for ax, (kind, points) in zip(axes.flat, panels.items(), strict=True):
        for i, row in enumerate(points):
            color, marker = VERDICT_STYLES[row["verdict"]]
            ends = [max(row[k], FLOOR) for k in ("perturbed_lowest", "perturbed_highest")]
            if np.isfinite(ends).all():
                ax.plot([i + 0.25, i + 0.25], ends, color="0.55", lw=2, solid_capstyle="butt")
            ax.plot(i, max(row["descent_loss"], FLOOR), marker="_", color="black", ms=9)
            if row["closed_form"] > FLOOR:
                ax.plot(i, row["closed_form"], marker="x", color="0.35", ms=9, zorder=1)
            height = max(row["loss"], FLOOR)
            ax.plot(
                i,
                height,
                marker=marker,
                color=color,
                ms=13 if marker == "*" else 8,
                mec="white",
                mew=0.6,
            )
        names = [r["name"].split(" ", 1)[1].replace(" | ", "|").replace(" ", "") for r in points]
        ax.set_xticks(range(len(points)), list(map(legible, names)), rotation=90, fontsize=8)
        ax.set_xlim(-0.8, len(points) - 0.2)
        ax.set_title(titles[kind], fontsize=10)
        ax.set_yscale("log")
        powers(ax.yaxis, FLOOR, 1)
        ax.grid(axis="y", color="0.9")
    fig.supylabel(f"loss (zero is drawn at {FLOOR:g})", fontsize=10)
    present = {r["verdict"] for r in rows}
    handles = [
        plt.Line2D([], [], color=color, marker=marker, ls="", ms=8, label=verdict)
        for verdict, (color, marker) in VERDICT_STYLES.items()
        if verdict in present
    ]
    handles += [
        plt.Line2D([], [], color="0.35", marker="x", ls="", ms=8, label="closed form"),
        plt.Line2D([], [], color="black", marker="_", ls="", ms=9, label="after descent"),
        plt.Line2D([], [], color="0.55", lw=2, label="after perturbation\nand descent (range)"),
    ]
    fig.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
    return fig


def figure_of_truncated(rows, networks, data):
    """Draw the truncated data of every point, all in the same plane.

    Parameters
    ----------
    rows : list of dict
    networks : list of ReLUNetwork
        None of them with a first layer wider than the data.
    data : Dataset

    Returns
    -------
    matplotlib Figure
    """
    labels, d = as_labels(data.y, len(data.X)), data.X.shape[1]
    plane = fit_projection(data.X) if d > 2 else (lambda Z: Z[:, :d])
    stages = [truncate(net, data.X)[-1] for net in networks]
    clouds = [plane(Z) for Z in stages]
    if d == 1:
        # Points of a line: one row per class, so that they do not hide each other.
        clouds = [np.column_stack([cloud, labels.index]) for cloud in clouds]
    box = limits_around(np.vstack(clouds), margin=0.1)
    fig, axes = panels(len(rows), columns=COLUMNS, size=(2.1, 2.4), margin=(1.3, 0.3))
    for ax, row, Z, cloud in zip(axes, rows, stages, clouds, strict=True):
        scatter(ax, cloud, labels, collapsed=collapsed(Z, labels, data.X))
        name = legible(row["name"].split(" ", 1)[-1])
        ax.set_title(f"{name}\n{row['verdict']}", fontsize=8)
        ax.tick_params(labelsize=8)
    few_ticks(axes[0], 3)
    axes[0].set(xlim=box[0], ylim=box[1])
    if d == 1:
        class_rows(axes[0], labels.classes)
        axes[0].set_ylabel("")
    names = (
        [coordinate(0), "class"] if d == 1 else [coordinate(0), coordinate(1)] if d == 2 else AXES
    )
    fig.supxlabel(names[0], fontsize=10)
    fig.supylabel(names[1], fontsize=10)
    add_figure_legend(fig, labels.classes, title="class")
    return fig
