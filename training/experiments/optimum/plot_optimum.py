"""Figures of `geomcore optimum`: path, networks, dual function, and what training finds."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.display.palette import COLORS
from geomcore.plot.style import panels
from training.experiments.optimum.dual import circle, sphere
from training.experiments.optimum.plot_networks import (
    MOST,
    chosen,
    figure_of_functions,
    figure_of_planes,
)
from training.experiments.optimum.random_starts import NEAR

FLOOR = 1e-8  # gaps below this are drawn at it
LEVELS = (0.9, 0.99)  # of the dual function, drawn as lines
SPREAD = 0.7  # height of the dots of one width
CAPTIONS = {
    "path": "Loss of the best network with the proved lower bound, its neurons, and the relative "
    "gap that is proved, against the weight decay.",
    "functions": "The best networks as functions: lines, data as dots, and at the foot a tick "
    "where a neuron switches.",
    "planes": "The best networks over the plane: {what}, the data, and each neuron as the line "
    "where it switches.",
    "circle": "The dual function: how much a unit neuron (cos φ, sin φ), weight and bias, agrees "
    "with the multipliers, as a part of the weight decay. Nowhere is it above 1, and that is the "
    "proof of the bound; an optimal network has neurons only where it is 1 (dots: those of the "
    "network found).",
    "sphere": "The dual function on the sphere of unit neurons for weight decay {decay:g}: the "
    "longitude is the direction of the weights, the latitude the angle of the bias. Nowhere is it "
    "above 1, and that is the proof of the bound; an optimal network has neurons only where it is "
    "1 (dots: those of the network found).",
    "runs": "Each dot is a network trained from a random start: how much of its loss is above the "
    "proved bound; those of one width in rising order. Dashed: the best network found; dotted: "
    "within {near:g} of its loss.",
}


def figures(path, X, labels, is_told, duals, found):
    """Draw everything.

    Parameters
    ----------
    path : TwoLayerPath
    X : ndarray, shape (N, d)
    labels : Labels
    is_told : bool
        Whether there are classes.
    duals : list of Dual
        Some of the optima, in the same order; none unless d is 1 or 2.
    found : list of Ends

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    decays = [f"{best.weight_decay:g}" for best in path.optima]
    if len(decays) > 1:
        yield "path", path.plot(), CAPTIONS["path"], f"{len(decays)} weight decays"
    some = "" if len(decays) <= MOST else f" Of {len(decays)} networks {MOST} are shown."
    alt = f"{min(len(decays), MOST)} panels, one per weight decay"
    if X.shape[1] == 1:
        fig = figure_of_functions(path.optima, X, labels, is_told)
        yield "functions", fig, CAPTIONS["functions"] + some, alt
        if duals:
            most = f"{len(duals)} curves that touch 1 and stay below"
            yield "circle", figure_of_circle(duals, X), CAPTIONS["circle"], most
    if X.shape[1] == 2:
        fig = figure_of_planes(path.optima, X, labels, is_told)
        single = "the output" if labels.Y.shape[1] == 1 else "the first output"
        what = "the class that is answered" if is_told and labels.Y.shape[1] > 1 else single
        yield "planes", fig, CAPTIONS["planes"].format(what=what) + some, alt
        for k, dual in enumerate(duals):
            caption = CAPTIONS["sphere"].format(decay=dual.weight_decay)
            yield f"sphere-{k + 1}", figure_of_sphere(dual, X), caption, "A map with values to 1"
    if found:
        caption = CAPTIONS["runs"].format(near=NEAR)
        widths = sorted({own.width for own in found})
        yield "runs", figure_of_runs(path, found), caption, f"Dots for widths {widths}"


def figure_of_circle(duals, X):
    """Draw the dual functions over the circle of weight and bias; return the figure."""
    fig, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    degrees, directions = circle()
    for k, dual in enumerate(duals):
        color = COLORS[k]
        name = f"weight decay {dual.weight_decay:g}"
        ax.plot(degrees, dual.values(X, directions), color=color, lw=1.4, label=name)
        if len(dual.neurons):
            at = np.rad2deg(np.arctan2(dual.neurons[:, 1], dual.neurons[:, 0]))
            ax.plot(at, dual.values(X, dual.neurons), "o", color=color, ms=5, mec="white")
    ax.axhline(1, color="black", ls="--", lw=1)
    ax.set(xlabel="angle φ of (weight, bias), degrees", ylabel="agreement / weight decay")
    ax.set(xlim=(-180, 180), ylim=(0, None), xticks=range(-180, 181, 45))
    ax.grid(color="0.9")
    ax.legend(fontsize=9)
    return fig


def figure_of_sphere(dual, X):
    """Draw the dual function over a map of the sphere of weights and bias; return the figure."""
    fig, ax = plt.subplots(figsize=(7.5, 4.0), layout="constrained")
    longitudes, latitudes, directions = sphere()
    values = dual.values(X, directions).reshape(len(latitudes), len(longitudes))
    look = {"cmap": "cividis", "vmin": 0, "vmax": 1, "interpolation": "bilinear"}
    extent = (-180, 180, -90, 90)
    drawn = ax.imshow(values, origin="lower", extent=extent, aspect="auto", **look)
    levels = [level for level in LEVELS if values.min() < level < values.max()]
    if levels:
        ax.contour(longitudes, latitudes, values, levels=levels, colors="white", linewidths=0.7)
    if len(dual.neurons):
        a, b, c = dual.neurons.T
        at = np.rad2deg([np.arctan2(b, a), np.arctan2(c, np.hypot(a, b))])
        ax.plot(*at, "o", color=COLORS[1], ms=6, mec="white")
    bar = fig.colorbar(drawn, ax=ax, label="agreement / weight decay")
    for level in levels:
        bar.ax.axhline(level, color="white", lw=0.7)
    ax.set(xlabel="direction of the weights, degrees", ylabel="angle of the bias, degrees")
    ax.set(xticks=range(-180, 181, 60), yticks=range(-90, 91, 30))
    return fig


def figure_of_runs(path, found):
    """Draw the gap of each trained network to the proved bound, by width; return the figure."""
    optima = chosen(path.optima)
    widths = sorted({own.width for own in found})
    size = (4.6, 1.0 + 0.7 * len(widths))
    fig, axes = panels(len(optima), columns=2, size=size, margin=(0.2, 0.2))
    for ax, best in zip(axes, optima, strict=True):
        for own in found:
            if own.weight_decay != best.weight_decay:
                continue
            place, gaps = widths.index(own.width), np.sort(own.gaps(best.lower_bound))
            heights = place + SPREAD * ((np.arange(len(gaps)) + 0.5) / len(gaps) - 0.5)
            ax.plot(np.maximum(gaps, FLOOR), heights, ".", color=COLORS[place % 10], ms=4)
        ax.axvline(max(best.gap, FLOOR), color="black", ls="--", lw=1)
        near = 1 - best.lower_bound / ((1 + NEAR) * best.loss) if best.loss > 0 else 0.0
        ax.axvline(max(near, FLOOR), color="black", ls=":", lw=1)
        ax.set(xscale="log", xlabel="part of the loss above the bound", ylabel="width")
        ax.set_yticks(range(len(widths)), [str(width) for width in widths])
        ax.set_title(f"weight decay {best.weight_decay:g}", fontsize=10)
        ax.grid(color="0.9", axis="x")
    return fig
