"""Figures of non-negative kernels: losses of one unit, where training ends, features at scale."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.display.palette import COLORS
from geomcore.plot.style import MARKERS, add_title, panels
from training.experiments.judging.spread import means_over
from training.experiments.kernels.at_scale import FACTORS, MEASURES, TREATMENTS
from training.experiments.kernels.examples import (
    ACTIVATIONS,
    SOURCE_OPTIMIZER,
    STARTS,
    TARGETS,
    losses_of,
    named,
)

CAPTIONS = {
    "losses": "The loss of one unit without bias against its kernel, for the third example "
    "(targets 2x) and its mirror image. The constraint allows what is not shaded. "
    "Circles: the best kernel; squares: the best that is allowed.",
    "kernels": "The kernel after 100 epochs of Adam against the one before, with and without the "
    "constraint. From 0 the rectified unit goes nowhere, whether it is constrained or not.",
    "measures": "Networks 64-32-10 on 8 x 8 digits: {means}. NMF: "
    "non-negative factors of the images, for comparison.",
    "features": "The first layers of one seed, a square per hidden unit: orange positive, purple "
    "negative, each on a scale of its own; below them the factors of NMF.",
}
GRID = np.linspace(-2.6, 2.6, 261)
SHAPES = {"free": MARKERS[0], "kernel >= 0": MARKERS[1]}
TITLES = {"linear": "linear unit", "relu": "rectified unit"}


def figures(runs, scale, rows):
    """Draw what was found.

    Parameters
    ----------
    runs : list of Run
    scale : AtScale
    rows : list of dict
        Of `training.experiments.kernels.at_scale.overview`.

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    drawn = {
        "losses": (figure_of_losses(runs), "four parabolas, two of them cut off by the ReLU"),
        "kernels": (figure_of_kernels(runs), _ends_in_words(runs)),
        "measures": (figure_of_measures(rows), _means_in_words(rows)),
        "features": (figure_of_features(scale), "32 squares of 8 by 8 pixels for each treatment"),
    }
    told = CAPTIONS["measures"].format(means=means_over(rows[0]["seeds"], "as strokes"))
    captions = CAPTIONS | {"measures": told}
    for key, (fig, alt) in drawn.items():
        yield key, fig, captions[key], f"{key}: {alt}"


def figure_of_losses(runs):
    """Draw the loss against the kernel, a panel per activation; return the figure."""
    fig, axes = panels(2, columns=2, size=(3.3, 2.6), margin=(0.5, 0.6))
    for ax, activation in zip(axes, ACTIVATIONS, strict=True):
        ax.axvspan(GRID[0], 0, color="0.93", lw=0)
        for k, (targets, slope) in enumerate(TARGETS.items()):
            ax.plot(GRID, losses_of(GRID, activation, slope), color=COLORS[k], lw=1.6)
            best = {(r.held, r.best_kernel, r.best_loss) for r in _of(runs, activation, targets)}
            for held, kernel, loss in sorted(best):
                style = {"mfc": "white"} if held else {}
                ax.plot(
                    kernel, loss, SHAPES[named(held)], color=COLORS[k], ms=8 - 2 * held, **style
                )
        add_title(ax, TITLES[activation], 3.0)
        ax.set_xlabel("kernel")
    axes[0].set_ylabel("mean squared error")
    handles = [plt.Line2D([], [], color=COLORS[k]) for k in range(len(TARGETS))]
    names = [f"targets {name}" for name in TARGETS]
    fig.legend(handles, names, loc="outside upper center", ncols=2, frameon=False)
    return fig


def figure_of_kernels(runs):
    """Draw where training ends against where it starts; return the figure."""
    pairs = [(a, t) for t in TARGETS for a in ACTIVATIONS]
    fig, axes = panels(len(pairs), columns=2, size=(3.3, 2.3), margin=(0.5, 0.6))
    places = np.arange(len(STARTS))
    for ax, (activation, targets) in zip(axes, pairs, strict=True):
        own = [r for r in _of(runs, activation, targets) if r.optimizer == SOURCE_OPTIMIZER]
        for k, held in enumerate((False, True)):
            ends = [next(r.kernel for r in own if r.held == held and r.start == s) for s in STARTS]
            ax.plot(
                places + 0.16 * k - 0.08,
                ends,
                SHAPES[named(held)],
                color=COLORS[k],
                ms=7,
                label=named(held),
            )
        ax.axhline(0, color="0.8", lw=0.8, zorder=0)
        ax.set_xticks(places, [f"{s:g}" for s in STARTS])
        add_title(ax, f"{TITLES[activation]}, targets {targets}", 3.0)
    for ax in axes[-2:]:
        ax.set_xlabel("kernel before")
    for ax in axes[::2]:
        ax.set_ylabel("kernel after")
    handles, names = axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper center", ncols=2, frameon=False)
    return fig


def figure_of_measures(rows):
    """Draw means and intervals, a panel per measure; return the figure."""
    fig, axes = panels(len(MEASURES), columns=2, size=(3.4, 1.7), margin=(1.3, 0.5), shared=False)
    names = [row["treatment"] for row in rows]
    for ax, (key, about) in zip(axes, MEASURES.items(), strict=True):
        for k, row in enumerate(rows):
            found = row[key]
            if found is None:
                continue
            found.draw(ax, k, color=COLORS[k], marker=MARKERS[k])
        ax.set_yticks(range(len(names)), names, fontsize=8)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.margins(x=0.15)
        ax.set_xlabel(about, fontsize=8)
        ax.tick_params(axis="x", labelsize=8)
    return fig


def figure_of_features(scale):
    """Draw the first layers as images; return the figure."""
    names = [*TREATMENTS, FACTORS]
    fig, axes = plt.subplots(len(names), 1, figsize=(8.0, 1.35 * len(names)), layout="constrained")
    for ax, name in zip(axes, names, strict=True):
        image = _mosaic(scale.features[name])
        ax.imshow(image, cmap="PuOr_r", vmin=-1, vmax=1, interpolation="nearest")
        ax.set_axis_off()
        ax.set_title(name, fontsize=10, loc="left")
    return fig


def _mosaic(W, columns=16):
    """The rows of W (m, 64) as squares beside each other, nan between them."""
    side = round(np.sqrt(W.shape[1]))
    lines = -(-len(W) // columns)
    image = np.full((lines * (side + 1) - 1, columns * (side + 1) - 1), np.nan)
    for k, row in enumerate(W):
        top = np.abs(row).max()
        i, j = (k // columns) * (side + 1), (k % columns) * (side + 1)
        image[i : i + side, j : j + side] = row.reshape(side, side) / (top if top > 0 else 1.0)
    return image


def _of(runs, activation, targets):
    return [r for r in runs if r.activation == activation and r.targets == targets]


def _ends_in_words(runs):
    source = [r for r in runs if (r.targets, r.optimizer, r.start) == ("2x", SOURCE_OPTIMIZER, 0)]
    return "from the kernel 0 with targets 2x: " + "; ".join(
        f"{TITLES[r.activation]}, {named(r.held)}, ends at {r.kernel:.3g}" for r in source
    )


def _means_in_words(rows):
    return "; ".join(
        f"{row['treatment']}: "
        + ", ".join(f"{key} {row[key].mean:.2f}" for key in MEASURES if row[key] is not None)
        for row in rows
    )
