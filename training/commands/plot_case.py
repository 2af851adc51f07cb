"""The figures of a case, and what their captions say."""

import math

import matplotlib.pyplot as plt
import numpy as np

from geomcore import plot
from geomcore.plot.style import add_figure_legend, class_style, legible, panels
from geomcore.truncation import truncate
from training.study import plot as plot_study

CAPTIONS = {
    "cones": "The data as they arrive at each hidden layer, one colour per class, and the "
    "backward cone of the layer (shaded in the colour of a class). The layer collapses what lies "
    "in this cone to the cone's tip.{more}",
    "data": "The data, one colour per class{how}.",
    "sectors": "The cones in {width} dimensions, seen through the pre-activations that a layer "
    "computes. A point in the grey quarter has only negative pre-activations: it lies in the "
    "backward cone and is collapsed. A point in the upper right quarter has only positive ones: "
    "it lies in the forward cone and stays where it is. {between}",
    "truncation": "The truncated data after each hidden layer{how}, always with the same axes. "
    "What the network does to the data is this: class by class becomes one point (large marker). "
    "Points that meet in this picture may be apart in other directions.",
    "piles": "The truncated data after each hidden layer{how}, always with the same axes. Each "
    "layer cuts points of one class off with a hyperplane and sends them, with those of this class "
    "that went before, to one point, the pile of the class (large marker, with the number of "
    "points in it). The piles lie in dimensions that the data do not have; the picture shows "
    "these as a shift away from the data. Where layers are grouped as the rest, the last picture "
    "shows the outputs in place of the piles.",
    "outputs": "What the network answers, beside what it should answer.",
    "losses": "The losses of all {trials} trials of {name} per λ, before training (grey lines) and "
    "after it (dots, whose colour is what became of the trial), from the smallest on the left of "
    "each λ to the largest on its right. Dashed, the loss up to which a trial counts as returned.",
    "comparison": "Against the total norm of the perturbation: of the trials that left, the "
    "fraction that returns to the loss of the reference (to within {tolerance:.1e}) with 95 % "
    "Wilson intervals, dotted where one half do, and the fraction of all trials that are there "
    "before any training (dashed); median and quartiles of the final loss, dotted the loss of the "
    "reference; mean accuracy.{limited}{certified}",
    "ends": "The loss after the perturbation and the loss after training, one point per trial. "
    "On the dashed line training has changed nothing.",
    "return": "Every tensor of the network was moved by random noise of norm λ, {trials} times for "
    "each λ, then trained by plain gradient descent ({steps}). On top: of the trials that left, "
    "the fraction that comes back to the loss of the constructed network (to within "
    "{tolerance:.1e}), with 95 % Wilson intervals, and the fraction of all trials that are there "
    "before any training (grey; on the grey ground they are half of all, so there coming back "
    "says little). Below: the losses before and after training, each from the smallest on the "
    "left of its λ to the largest on the right.{limited}",
}

LIMITED = (
    " Empty markers: the budget of steps or the rate decides there, not the landscape: with more "
    "training more might return."
)

HIGHER = (
    " This first layer has more dimensions than the data; the layers after it act there and are "
    "not drawn."
)

BETWEEN = "The points in between are moved to a face of the forward cone."

# More make a picture slower and its vector file larger, not clearer.
MOST_POINTS = 4000


def figures(case, *, about_steps=""):
    """Draw all that is known about a data set.

    Parameters
    ----------
    case : Case
    about_steps : str, optional
        How long was trained, for a caption.

    Yields
    ------
    key, fig, caption : str, matplotlib Figure, str
    """
    d, data, net = case.data.X.shape[1], some_points(case.data), case.network
    some = "" if data is case.data else f" Drawn are {MOST_POINTS:,} points chosen at random."
    how = "" if d <= 2 else " in the plane of their two main directions (PCA of the data)"

    def caption(key, **words):
        return CAPTIONS[key].format(**words) + some

    if case.construction and d in (2, 3):
        fig = figure_of_cones(data, net, case.construction.layers)
        yield "cones", fig, caption("cones", more=HIGHER if net.widths[1] > d else "")
    else:
        fig = plot.plot_data(data.X, data.y).figure
        yield "data", fig, caption("data", how="" if d <= 3 else how)
    if net is None:
        return
    if len(net.weights) > 1 and max(d, net.widths[1]) > 3:
        ranges = preactivation_ranges(net, case.data.X)
        mixed = any(((low < 0) & (high > 0)).any() for low, high in ranges)
        between = BETWEEN if mixed else "No point is in between."
        words = {"width": max(d, net.widths[1]), "between": between}
        yield "sectors", figure_of_sectors(net, data), caption("sectors", **words)
    if case.construction and case.construction.method == "universal":
        yield "piles", plot.plot_piles(net, data.X, data.y), caption("piles", how=how)
    elif len(net.weights) > 1:
        fig = plot.plot_truncation([data.X, *truncate(net, data.X)], data.y)
        yield "truncation", fig, caption("truncation", how=how)
    yield "outputs", plot.plot_outputs(net(case.data.X), case.data.y).figure, CAPTIONS["outputs"]
    if case.study is not None:
        words = {"steps": about_steps, "trials": _trials(case.study)}
        words |= {"tolerance": case.study.reference.tolerance, "limited": _limited(case.study)}
        fig = plot_study.figure_of_return(case.study)
        yield "return", fig, CAPTIONS["return"].format(**words)


def study_figures(study):
    """Draw what a study found.

    Parameters
    ----------
    study : StudyResult

    Yields
    ------
    key, fig, caption : str, matplotlib Figure, str
    """
    certified = any(ref.certified_radius for ref in study.references)
    words = {
        "tolerance": study.references[0].tolerance,
        "certified": " The dash-dotted line is the certified radius." if certified else "",
        "limited": _limited(study),
    }
    fig = plot_study.figure_of_comparison(study)
    yield "comparison", fig, CAPTIONS["comparison"].format(**words)
    yield "ends", plot_study.figure_of_start_and_end(study), CAPTIONS["ends"]
    for k, ref in enumerate(study.references):
        words = {"name": ref.name, "trials": _trials(study)}
        fig = plot_study.figure_of_losses(study.of(ref.name))
        yield f"losses-{k}", fig, CAPTIONS["losses"].format(**words)


def _trials(study):
    """The number of trials per reference and scale."""
    return int(study.frame("scale")["trials"].iloc[0])


def _limited(study):
    summary = study.frame("scale")
    return LIMITED if "limited" in summary and summary["limited"].any() else ""


def some_points(data):
    """The data, or `MOST_POINTS` of them with at least one of each class."""
    n = len(data.X)
    if n <= MOST_POINTS:
        return data
    first = np.unique(data.y, return_index=True)[1]
    others = np.setdiff1d(np.arange(n), first)
    others = np.random.default_rng(0).permutation(others)[: MOST_POINTS - len(first)]
    rows = np.sort(np.concatenate([first, others]))
    return data._replace(X=data.X[rows], y=data.y[rows])


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
        ax.set_title(f"layer {layer.index} collapses class {legible(layer.label)}", fontsize=10)
    add_figure_legend(fig, classes)
    return fig


def figure_of_sectors(net, data):
    r"""Draw, layer by layer, which points lie in the backward and the forward cone.

    With a the pre-activations of a layer, a point is in the backward cone if
    :math:`\max_i a_i \le 0` and in the forward cone if :math:`\min_i a_i \ge 0`,
    so the plane of these two numbers shows both cones in any dimension.

    Returns
    -------
    matplotlib Figure
    """
    ranges = preactivation_ranges(net, data.X)
    classes, index = np.unique(data.y, return_inverse=True)
    fig, axes = panels(len(ranges), columns=5, size=(2.3, 2.4), margin=(1, 0.3))
    for l, (ax, (low, high)) in enumerate(zip(axes, ranges, strict=True)):
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
    # Pre-activations are relative to the largest of their layer; most are small.
    for axis in ("x", "y"):
        getattr(axes[0], f"set_{axis}scale")("symlog", linthresh=1e-2)
        getattr(axes[0], f"set_{axis}lim")(-2, 2)
        getattr(axes[0], f"set_{axis}ticks")([-1, -0.01, 0.01, 1], ["-1", "", "", "1"])
    fig.supxlabel("smallest pre-activation (relative)", fontsize=10)
    fig.supylabel("largest pre-activation (relative)", fontsize=10)
    add_figure_legend(fig, classes)
    return fig


def preactivation_ranges(net, X):
    """Smallest and largest pre-activation of every point: a pair of (N,) arrays per layer."""
    ranges = []
    for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        a = X @ W.T + b
        ranges.append((a.min(axis=1), a.max(axis=1)))
        X = np.maximum(a, 0)
    return ranges
