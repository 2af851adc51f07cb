"""Figures of a settled network: eigenvalues, cones over truncated data, regions with kinks."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from geomcore.arrays import as_labels
from geomcore.display.palette import COLORS
from geomcore.foreign.wording import counted
from geomcore.network import ReLUNetwork
from geomcore.plot import plot_boundary, plot_regions
from geomcore.plot.style import class_style, legible
from geomcore.regions.regions import linear_regions
from training.descent.losses import as_loss, offset_of
from training.dynamics.film.plot_frames import still_of
from training.dynamics.film.reel import Frame
from training.dynamics.film.scenes import MOST_LAYERS, scenes_of
from training.experiments.regions.pieces import pieces_of
from training.experiments.regions.plane import plane_of
from training.experiments.regions.plot_found import paint

FLOOR = 1e-17  # of the largest eigenvalue: what is smaller is drawn there
MOST_CLASSES = 20  # for which there is room in a legend
CAPTIONS = {
    "spectrum": "Eigenvalues of the second derivative of the loss, {held}from the smallest to the "
    "largest, on {where}.{below}",
    "cones": "The data layer by layer: small, the truncated points before the layer; large, after "
    "it (a class that has become one point is one marker). Cross: the base point; lines: the edges "
    "of the cone, dotted those of the opposite one, whose points the layer collapses. Where "
    "the rank is below the width there is no cone, and the points are not what the network "
    "computes, by up to the defect.{some}",
    "regions": "{count} linear regions of the network{colour}.{kinks}",
}
ANSWERED = ", coloured by the class that it answers; black: where that changes"
BENDING = "all directions in which the loss of the outputs bends"
DECAYED = "all directions but those that mix units which are on at the same points"


def figures(settled, data):
    """Draw a settled network.

    Parameters
    ----------
    settled : Settled
    data : Dataset

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    net, labels = settled.network, as_labels(data.y, len(data.X), targets=data.targets)
    found = settled.spectrum
    if len(found):
        words = {
            "held": "with units on kinks held there, " if settled.kinks else "",
            "where": DECAYED if settled.weight_decay else BENDING,
            "below": " Empty markers: negative ones." if found.min() < 0 else "",
        }
        alt = f"{counted(len(found), 'eigenvalue')} from {found.min():.2g} to {found.max():.2g}"
        yield "spectrum", figure_of_spectrum(found), CAPTIONS["spectrum"].format(**words), alt
    fig = figure_of_cones(settled, data)
    if fig is not None:
        hidden = len(net.weights) - 1
        some = f" Of {hidden} layers {MOST_LAYERS} are shown." if hidden > MOST_LAYERS else ""
        alt = f"{counted(min(hidden, MOST_LAYERS), 'panel')}, one per hidden layer"
        yield "cones", fig, CAPTIONS["cones"].format(some=some), alt
    is_told = data.y.ndim == 1 and 2 <= len(labels.classes) <= MOST_CLASSES
    scores = scoring(net, labels.targets, settled.loss_name) if is_told else None
    regions = _regions(scores or net, data.X)
    if regions is not None:
        fig = figure_of_regions(regions, settled, data, scores)
        points = len({kink.point for kink in settled.kinks})
        kinks = f" {counted(points, 'point')} with a unit on its kink: circled." if points else ""
        colour = ANSWERED if is_told else ""
        words = {"count": f"{len(regions):,}", "colour": colour, "kinks": kinks}
        alt = f"{len(regions):,} polygons{kinks}"
        yield "regions", fig, CAPTIONS["regions"].format(**words), alt


def _regions(net, X):
    """The linear regions around the data; None if those are not in the plane, or they overflow."""
    if net.widths[0] != 2:
        return None
    cut = plane_of(2, X)
    try:
        return linear_regions(net, cut.box, cut.origin, cut.basis)
    except ValueError:
        return None


def figure_of_spectrum(spectrum):
    """Draw eigenvalues in rising order, on a logarithmic axis; return the figure.

    Parameters
    ----------
    spectrum : ndarray, shape (n,)
        In rising order, at least one.
    """
    fig, ax = plt.subplots(figsize=(6.0, 3.0), layout="constrained")
    sizes, places = np.abs(spectrum), np.arange(1, len(spectrum) + 1)
    top = sizes.max()
    shown = np.maximum(sizes, FLOOR * top) if top > 0 else np.ones(len(sizes))
    size, below = float(np.clip(60 / np.sqrt(len(sizes)), 2, 6)), spectrum < 0
    for own, fill in ((~below, COLORS[0]), (below, "white")):
        ax.plot(places[own], shown[own], "o", ms=size, color=COLORS[0], mfc=fill, mew=0.8)
    ax.set_yscale("log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.margins(x=0.03, y=0.12)
    ax.set(xlabel="number of the eigenvalue", ylabel="size of the eigenvalue")
    ax.grid(alpha=0.25)
    return fig


def figure_of_cones(settled, data):
    """Draw truncated points and cones, a panel for each hidden layer; return the figure.

    None without hidden layers, with more than `MOST_CLASSES` classes, or if truncated points are
    larger than any float.
    """
    net = settled.network
    if len(net.weights) < 2 or len(as_labels(data.y, len(data.X)).classes) > MOST_CLASSES:
        return None
    try:
        scenes = scenes_of([Frame(0, settled.loss, net)], data.X, data.y)
    except ValueError:  # they overflow
        return None
    return still_of(scenes)


def scoring(net, targets, loss):
    """The network with an output per class, of which the largest one tells the answer of `net`.

    Parameters
    ----------
    net : ReLUNetwork
    targets : ndarray, shape (Q, K)
        Of the classes.
    loss : str
        It decides what counts as the answer, see `training.descent.losses.predicted`.

    Returns
    -------
    ReLUNetwork
        Of Q outputs.
    """
    T = np.asarray(targets, dtype=float)
    last = T @ net.weights[-1], T @ net.biases[-1] - offset_of(as_loss(loss), T)
    return ReLUNetwork([*net.weights[:-1], last[0]], [*net.biases[:-1], last[1]])


def figure_of_regions(regions, settled, data, scores=None):
    """Draw the regions in the plane, data over them, and circles where a unit is on its kink.

    Parameters
    ----------
    regions : Regions
    settled : Settled
    data : Dataset
    scores : ReLUNetwork, optional
        Of which these are the regions, with an output per class, the largest one being the
        answer. Default: there are no classes.

    Returns
    -------
    matplotlib Figure
    """
    wide = np.ptp(regions.box, axis=1)
    is_narrow = wide.max() > 4 * wide.min()  # another scale for each coordinate then
    height = 4.0 if is_narrow else np.clip(4.6 * wide[1] / wide[0], 2.2, 5.0) + 0.6
    fig, ax = plt.subplots(figsize=(6.6, height), layout="constrained")
    plot_regions(regions, ax=ax, points=data.X, labels=None if scores is None else data.y)
    handles = []
    if scores is not None:
        paint(ax.collections[0], pieces_of(regions))
        plot_boundary(regions.class_boundary(), ax=ax)
        handles = [
            Patch(color=class_style(q)[0], label=legible(name))
            for q, name in enumerate(as_labels(data.y, len(data.X)).classes.tolist())
        ]
    on = sorted({kink.point for kink in settled.kinks})
    if on:
        ring = {"marker": "o", "ls": "", "ms": 11, "mfc": "none", "color": "black", "mew": 1.4}
        ax.plot(*data.X[on].T, **ring, zorder=6)
        handles.append(Line2D([], [], **ring, label="unit on its kink"))
    if handles:
        fig.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=9)
    ax.set_aspect("auto" if is_narrow else "equal")
    ax.set(xlabel="x₁", ylabel="x₂")
    return fig
