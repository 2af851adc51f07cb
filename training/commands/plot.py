"""Figures of one data set's run: data and cones, truncation, output, final losses."""

import math

import matplotlib.pyplot as plt
import numpy as np

from geomcore import plot
from geomcore.plot.style import class_style, legend_handles, lighten
from geomcore.truncation import truncate


def figure_of_data(data):
    """Draw the data, projected if they have more than three features."""
    return lighten(plot.plot_data(data.X, data.y).figure)


def figure_of_cones(data, net, layers):
    """Draw, for each layer, the data as they arrive and the cone that the layer collapses.

    Parameters
    ----------
    data : Dataset
        With 2 or 3 features.
    net : ReLUNetwork
    layers : sequence of LayerRecord
        If the first layer widens, the others act in a higher dimension and
        are not drawn.

    Returns
    -------
    matplotlib Figure
    """
    d = data.X.shape[1]
    if net.widths[1] > d:
        layers = layers[:1]
    stages = [data.X, *truncate(net, data.X)]
    classes = np.unique(data.y).tolist()
    columns = min(len(layers), 3)
    rows = math.ceil(len(layers) / columns)
    fig = plt.figure(figsize=(4.2 * columns + 0.9, 4.2 * rows), layout="constrained")
    box = None
    for l, layer in enumerate(layers):
        space = {"projection": "3d", "computed_zorder": False} if d == 3 else {}
        ax = fig.add_subplot(rows, columns, l + 1, **space)
        plot.plot_data(stages[l], data.y, ax=ax, legend=False)
        axes = "xyz"[:d]
        if box is None:
            box = [getattr(ax, f"get_{k}lim")() for k in axes]
        for k, limits in zip(axes, box, strict=True):
            getattr(ax, f"set_{k}lim")(limits)
        ax.set_aspect("equal", adjustable="box")
        plot.plot_cones([layer], ax=ax, box=box, classes=[classes.index(layer.label)])
        ax.set_title(f"layer {layer.index} collapses class {layer.label}", fontsize=10)
    fig.legend(handles=legend_handles(classes), loc="outside right center", frameon=False)
    return lighten(fig)


def figure_of_sectors(net, data):
    r"""Draw, layer by layer, which points lie in the backward and the forward cone.

    With a the pre-activations of a layer, a point is in the backward cone if
    :math:`\max_i a_i \le 0` and in the forward cone if :math:`\min_i a_i \ge 0`,
    so the plane of these two numbers shows both cones in any dimension.

    Returns
    -------
    matplotlib Figure
    """
    panels = preactivation_ranges(net, data.X)
    classes, index = np.unique(data.y, return_inverse=True)
    columns = min(5, len(panels))
    rows = math.ceil(len(panels) / columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(2.3 * columns + 1, 2.4 * rows + 0.3),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for l, (ax, (low, high)) in enumerate(zip(axes.flat, panels, strict=False)):
        size = max(np.abs(low).max(), np.abs(high).max()) or 1
        low, high = low / size, high / size
        ax.axvspan(-2, 0, ymax=0.5, color="0.92", zorder=0)
        ax.axhline(0, color="0.6", lw=0.6)
        ax.axvline(0, color="0.6", lw=0.6)
        for j in range(len(classes)):
            color, marker = class_style(j)
            here = index == j
            ax.scatter(low[here], high[here], s=9, color=color, marker=marker, alpha=0.7, lw=0)
        ax.set_title(f"layer {l + 1}", fontsize=10)
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    # Pre-activations are relative to the largest of their layer; most are small.
    for axis in ("x", "y"):
        getattr(axes[0, 0], f"set_{axis}scale")("symlog", linthresh=1e-2)
        getattr(axes[0, 0], f"set_{axis}lim")(-2, 2)
        getattr(axes[0, 0], f"set_{axis}ticks")([-1, -0.01, 0.01, 1], ["-1", "", "", "1"])
    fig.supxlabel("smallest pre-activation (relative)", fontsize=10)
    fig.supylabel("largest pre-activation (relative)", fontsize=10)
    fig.legend(handles=legend_handles(classes), loc="outside right center", frameon=False)
    return lighten(fig)


def preactivation_ranges(net, X):
    """Smallest and largest pre-activation of every point: a pair of (N,) arrays per layer."""
    ranges = []
    for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        a = X @ W.T + b
        ranges.append((a.min(axis=1), a.max(axis=1)))
        X = np.maximum(a, 0)
    return ranges


def figure_of_truncation(net, data):
    """Draw the data and the truncated data after each hidden layer, in one projection."""
    return lighten(plot.plot_truncation([data.X, *truncate(net, data.X)], data.y))


def figure_of_piles(net, data):
    """Draw how each layer sends points to the pile of their class."""
    return lighten(plot.plot_piles(net, data.X, data.y))


def figure_of_outputs(net, data, targets=None):
    """Draw the outputs beside their targets."""
    return lighten(plot.plot_outputs(net(data.X), data.y, targets).figure)


def figure_of_losses(study):
    """Draw the histogram of final losses for each scale of a `StudyResult`."""
    losses = {scale: study.losses(scale) for scale in study.scales.tolist()}
    return plot.plot_histograms(losses, reference=study.reference.loss)


def figure_of_return(study):
    """Draw the fraction of trials that return, with Wilson intervals."""
    summary = study.summary()
    ax = plot.plot_return(summary["scale"], summary["fraction"], summary[["low", "high"]])
    return ax.figure
