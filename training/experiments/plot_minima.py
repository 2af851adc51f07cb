"""Figures of the table of minima: losses with verdicts, truncated data of each point."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.plot.style import add_figure_legend, class_style, legible, panels
from geomcore.projection import fit_projection
from geomcore.truncation import truncate

VERDICT_STYLES = {
    "global minimum": ("#009E73", "*"),
    "local minimum": ("#0072B2", "o"),
    "saddle": ("#CC79A7", "D"),
    "not stationary": ("#D55E00", "v"),
    "undetermined": ("#999999", "s"),
}
FLOOR = 1e-6  # losses below are drawn here
BROAD = 60  # most points side by side


CAPTIONS = {
    "losses": "The loss of each point, with its verdict as colour and marker; the closed form "
    "where one is published or elementary (crosses; for a mixed state without bias it is the "
    "formula with untruncated means, which is not the minimum over the last layer); and the "
    "loss after gradient descent from the point itself and from perturbations of it.",
    "truncated": "The truncated data of each {kind} after its last hidden layer, in one plane "
    "(PCA of the data); a class that has become one point is one large marker. The "
    "frame has the colour of the verdict, as above.",
}


def figures(found):
    """Draw what was found about one data set.

    Parameters
    ----------
    found : Findings

    Yields
    ------
    key, fig, caption : str, matplotlib Figure, str
    """
    yield "losses", figure_of_losses(found.rows), CAPTIONS["losses"]
    for kind in ("state", "merge"):
        # A wider first layer lifts the data out of the space that all pictures share.
        drawn = [
            (row, net)
            for row, net in zip(found.rows, found.networks, strict=True)
            if row["kind"] == kind and net.widths[1] <= found.data.X.shape[1]
        ]
        if drawn:
            fig = figure_of_truncated(*zip(*drawn, strict=True), found.data)
            yield f"{kind}s", fig, CAPTIONS["truncated"].format(kind=kind)


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
    plane = fit_projection(data.X) if data.X.shape[1] > 2 else None
    draw = (lambda Z: Z) if plane is None else plane
    classes, index = np.unique(data.y, return_inverse=True)
    clouds = [draw(truncate(net, data.X)[-1]) for net in networks]
    everything = np.vstack([draw(data.X), *clouds])
    low, high = everything.min(axis=0), everything.max(axis=0)
    pad = 0.06 * (high - low)
    fig, axes = panels(len(rows), columns=8, size=(1.7, 1.9), margin=(1, 0.3))
    for ax, row, Z in zip(axes, rows, clouds, strict=True):
        for j in range(len(classes)):
            color, marker = class_style(j)
            own = Z[index == j]
            collapsed = np.ptp(own, axis=0).max() <= 1e-9 * (high - low).max()
            big = {"s": 130 - 100 * j / len(classes), "ec": "black", "lw": 0.8, "zorder": 3}
            ax.scatter(
                *(own[:1] if collapsed else own).T,
                color=color,
                marker=marker,
                **(big if collapsed else {"s": 5, "lw": 0, "alpha": 0.6}),
            )
        ax.set_title(legible(row["name"].split(" ", 1)[-1]), fontsize=8)
        ax.set_xticks([])
        ax.set_yticks([])
        color, _ = VERDICT_STYLES[row["verdict"]]
        for spine in ax.spines.values():
            spine.set_edgecolor(color)
            spine.set_linewidth(2)
    axes[0].set_xlim(low[0] - pad[0], high[0] + pad[0])
    if everything.shape[1] > 1:
        axes[0].set_ylim(low[1] - pad[1], high[1] + pad[1])
    add_figure_legend(fig, classes)
    return fig
