"""A picture of how clearly each layer of a network decides about each point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_count, as_labels, as_points, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import shortened
from geomcore.network import ReLUNetwork
from geomcore.plot.strips import few_of
from geomcore.plot.style import (
    LETTER,
    SHORT,
    add_figure_legend,
    class_style,
    legible,
    new_axes,
    rasterize,
)
from geomcore.plot.ticks import powers
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_DOTS = 40  # of one class in one layer
LONGEST = 14  # characters of a class beside a strip; the legend has more
LEAST = 1e-12  # smaller margins are drawn as in between


def margins(net, X):
    r"""How far inside of the backward or the forward cone of each hidden layer the points are.

    With a the pre-activations of a point, it is in the backward cone if
    :math:`\max_i a_i \le 0`, and this is its margin; in the forward cone if
    :math:`\min_i a_i \ge 0`, and this is; else the margin is 0.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)

    Returns
    -------
    list of ndarray, each of shape (N,)
        One per hidden layer, relative to its largest pre-activation: from -1,
        deep in the backward cone, to 1.
    """
    found, Z = [], as_points(X)
    for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        a = Z @ W.T + b
        size = np.abs(a).max(initial=0) or 1.0
        found.append((np.maximum(a.min(axis=1), 0) + np.minimum(a.max(axis=1), 0)) / size)
        Z = np.maximum(a, 0)
    return found


@answers_keywords
def plot_margins(net: ReLUNetwork, X: ArrayLike, y: ArrayLike, *, most: int = 30) -> Figure:
    """Draw in one strip per layer how far inside of its cones the points are.

    On the left the points that a layer collapses, on the right those that stay
    where they are; the nearer to the middle, the less it takes to change that.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
        Labels.
    most : int, optional
        Number of layers drawn at most; of more, a regular selection.

    Returns
    -------
    matplotlib Figure
        At most 40 points of each class in each layer, the outermost ones and
        evenly chosen others; each class has its height within the strip.

    Raises
    ------
    ValueError
        If there is no hidden layer, or the arguments do not fit together.
    """
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0])
    found = margins(net, X)
    labels = as_labels(y, len(X))
    if not found:
        raise ValueError("net must have a hidden layer, got none")
    kept = few_of(np.arange(len(found)), as_count(most, "most"))
    ax = new_axes(2, width=7, height=1.3 + 0.36 * len(kept))
    least = min([*(np.abs(m[np.abs(m) > LEAST]).min(initial=1.0) for m in found)])
    least = 10.0 ** np.floor(np.log10(least))
    Q = len(labels.classes)
    for j in range(Q):
        color, marker = class_style(j)
        own = np.flatnonzero(labels.index == j)
        x, height = [], []
        for row, l in enumerate(kept):
            values = few_of(np.sort(found[l][own]), MOST_DOTS)
            x.append(values)
            height.append(np.full(len(values), row + 0.8 * ((j + 0.5) / Q - 0.5)))
        x, height = np.concatenate(x), np.concatenate(height)
        ax.plot(x, height, ls="", color=color, marker=marker, ms=3, mew=0)
    ax.set_xscale("symlog", linthresh=least, linscale=0.3)
    decades = round(-np.log10(least))
    marks = [10.0**-k for k in range(0, max(decades, 1), -(-decades // 4) or 1)]
    ax.set_xticks([-p for p in marks] + [0] + marks[::-1])
    powers(ax.xaxis, least, 1e3)
    ax.set_xlim(-2, 2)
    ax.axvspan(-2, 0, color="0.93", zorder=0)
    ax.axvline(0, color="0.5", lw=0.8)
    for row in range(1, len(kept)):
        ax.axhline(row - 0.5, color="0.85", lw=0.6)
    names = [_row(l, found[l], labels) for l in kept]
    ax.set_yticks(range(len(kept)), names, fontsize=9)
    # Long names leave the strips as wide as short ones do.
    longest = max(map(len, names)) - len("layer 1: class ") - SHORT
    ax.figure.set_figwidth(ax.figure.get_figwidth() + max(0.0, LETTER * longest))
    ax.set_ylim(len(kept) - 0.5, -0.5)
    for place, what in ((0.25, "collapsed"), (0.75, "stay where they are")):
        ax.annotate(what, (place, 1.01), xycoords="axes fraction", ha="center", fontsize=10)
    ax.set_xlabel("margin, relative to the largest pre-activation of the layer")
    add_figure_legend(ax.figure, labels.classes, title="class")
    return rasterize(ax).figure


def _row(l, margin, labels):
    """The name of a strip: the layer, and the classes that it collapses, or in part."""
    some, most = np.unique(labels.index[margin < 0]), np.full(len(labels.classes), -np.inf)
    np.maximum.at(most, labels.index, margin)
    whole = np.flatnonzero(most < 0)
    kinds = labels.classes[whole if len(whole) else some][:3]
    names = [legible(shortened(str(c), LONGEST)) for c in kinds]
    part = "class" if len(whole) else "part of"
    return f"layer {l + 1}" + (f": {part} {', '.join(names)}" if names else "")
