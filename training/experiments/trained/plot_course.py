"""Figures over training: courses of the loss, measures on the ladder, accuracy under noise."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from geomcore.plot.ticks import Powers, powers
from training.experiments.trained.plot_hyperplanes import COLORS
from training.experiments.trained.tables import NAMES

LEAST = 1e-16  # defects are drawn down to this one
MARKERS = "os^Dv"
# Rows of the figure of the ladder: the column, the label, and whether the axis is logarithmic.
MEASURES = (
    ("condition", "condition of W⁽ˡ⁾", True),
    ("rank_single", "rank, single precision", False),
    ("defect_relative_single", "relative defect, single", True),
    ("nc1", "NC1, output", True),
)


def figure_of_courses(found):
    """Draw the loss of each run over its steps, a panel for each loss; return the figure."""
    fig, axes = _row(len(found.losses))
    for ax, loss in zip(axes, found.losses, strict=True):
        thresholds = sorted({r["threshold"] for r in found.layers if r["loss_name"] == loss})
        for level in filter(np.isfinite, thresholds):
            ax.axhline(level, color="0.85", lw=0.8, zorder=0)
        for start in range(found.starts):
            steps, losses = found.courses[loss, start]
            shown = np.isfinite(losses) & (losses > 0)
            color = "black" if start == 0 else "0.6"
            ax.plot(steps[shown] + 1, losses[shown], color=color, lw=0.9, zorder=3 - (start > 0))
        ax.set(xscale="log", yscale="log")
        low, high = ax.get_ylim()
        powers(ax.yaxis, low, high)
        powers(ax.xaxis, 1, max(2, ax.get_xlim()[1]))
        ax.set_title(NAMES[loss], fontsize=10)
        ax.set_xlabel("step + 1")
    axes[0].set_ylabel("loss")
    return fig


def figure_of_ladder(found):
    """Draw condition, rank, defect and NC1 of each layer on each rung; return the figure."""
    fig, axes = plt.subplots(
        len(MEASURES),
        len(found.losses),
        figsize=(4.2 * len(found.losses) + 0.8, 2.0 * len(MEASURES)),
        sharex="col",
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    depth = max(row["layer"] for row in found.layers)
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, depth))
    for k, (name, word, logarithmic) in enumerate(MEASURES):
        for c, loss in enumerate(found.losses):
            ax = axes[k][c]
            rows = found.collapse if name == "nc1" else found.layers
            own = [
                r for r in rows if r["loss_name"] == loss and r.get("space", "hidden") == "hidden"
            ]
            for layer in range(1, depth + 1):
                _lines(ax, [r for r in own if r["layer"] == layer], name, layer, shades[layer - 1])
            if logarithmic:
                ax.set_yscale("log")
            ax.set_xscale("log")
            if k == 0:
                ax.set_title(NAMES[loss], fontsize=10)
        axes[k][0].set_ylabel(word, fontsize=9)
        axes[k][0].tick_params(labelsize=8, which="both")
        if logarithmic:
            _logarithmic(axes[k][0])
        else:
            axes[k][0].yaxis.set_major_locator(MaxNLocator(4, integer=True))
    for ax in axes[-1]:
        low, high = ax.get_xlim()
        ax.set_xlim(high, low)
        powers(ax.xaxis, low, high)
        ax.set_xlabel("threshold of the loss", fontsize=9)
        ax.tick_params(labelsize=8)
    handles = [
        plt.Line2D([], [], color=shades[i], marker=MARKERS[i % len(MARKERS)], label=f"{i + 1}")
        for i in range(depth)
    ]
    fig.legend(handles=handles, title="layer", loc="outside right center", frameon=False)
    return fig


def _logarithmic(ax):
    """Label a vertical axis so that two numbers stand at it at least."""
    low, high = ax.get_ylim()
    powers(ax.yaxis, low, high)
    if np.floor(np.log10(high)) <= np.ceil(np.log10(low)):
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(Powers(minor_thresholds=(np.inf, np.inf)))


def _lines(ax, rows, name, layer, color):
    """A faint line for each start, and the median of those that have reached a rung."""
    by_start, by_rung = {}, {}
    for row in rows:
        if np.isfinite(row["threshold"]) and np.isfinite(row[name]):
            value = max(row[name], LEAST) if "defect" in name else row[name]
            by_start.setdefault(row["start"], []).append((row["threshold"], value))
            by_rung.setdefault(row["threshold"], []).append(value)
    for points in by_start.values():
        ax.plot(*np.transpose(points), color=color, lw=0.5, alpha=0.5)
    middle = [(t, np.median(values)) for t, values in sorted(by_rung.items())]
    if middle:
        marker = MARKERS[(layer - 1) % len(MARKERS)]
        ax.plot(*np.transpose(middle), color=color, lw=1.6, marker=marker, ms=4)


def figure_of_noise(found):
    """Draw accuracy on held-out images against noise on their pixels; return the figure."""
    fig, axes = _row(1, width=5.6)
    ax = axes[0]
    names = list(dict.fromkeys(row["network"] for row in found.noise))
    for name, color, marker in zip(names, COLORS, MARKERS, strict=False):
        own = [row for row in found.noise if row["network"] == name]
        noises = sorted({row["noise"] for row in own})
        values = [[row["accuracy"] for row in own if row["noise"] == s] for s in noises]
        ax.plot(noises, [np.mean(v) for v in values], color=color, marker=marker, label=NAMES[name])
        ends = [min(v) for v in values], [max(v) for v in values]
        ax.fill_between(noises, *ends, color=color, alpha=0.15, lw=0)
    ax.axhline(1 / len(found.digits.chosen), color="0.5", lw=0.8, ls="--")
    ax.set(xlabel="standard deviation of the noise, white pixel = 1", ylabel="accuracy, held out")
    ax.set_ylim(0, 1.03)
    ax.legend(frameon=False, fontsize=9)
    return fig


def _row(count, *, width=4.2):
    fig, axes = plt.subplots(
        1,
        count,
        figsize=(width * count + 0.6, 3.4),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    return fig, list(axes[0])
