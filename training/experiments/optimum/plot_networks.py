"""Pictures of the best networks for data on a line and in the plane."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from geomcore.display.palette import COLORS
from geomcore.plot.style import class_style, legible, panels, scatter
from training.descent.losses import as_loss, offset_of, predicted
from training.experiments.optimum.dual import neurons_of

MOST = 4  # networks that are drawn
MOST_OUTPUTS = 6
MOST_CLASSES = 10  # in a legend
GRID = 301
PALE = 0.4


def chosen(optima):
    """At most `MOST` of them, from the first to the last."""
    places = np.linspace(0, len(optima) - 1, min(MOST, len(optima))).round().astype(int)
    return [optima[k] for k in places]


def figure_of_functions(optima, X, labels, is_told):
    """Draw networks on a line: outputs over the input, data, and where neurons switch.

    Parameters
    ----------
    optima : sequence of TwoLayerOptimum
    X : ndarray, shape (N, 1)
    labels : Labels
    is_told : bool
        Whether outputs are called by their class.

    Returns
    -------
    matplotlib Figure
    """
    few = chosen(optima)
    shown = min(labels.Y.shape[1], MOST_OUTPUTS)
    fig, axes = panels(len(few), columns=2, size=(4.4, 3.0), margin=(0.2, 0.3))
    low, high = X.min(), X.max()
    room = 0.08 * (high - low) or 1.0
    for ax, best in zip(axes, few, strict=True):
        kinks = kinks_of(best.network)
        inside = kinks[(kinks > low - room) & (kinks < high + room)]
        x = np.unique(np.concatenate([inside, [low - room, high + room]]))
        F = best.network(x[:, None])
        for q in range(shown):
            ax.plot(X[:, 0], labels.Y[:, q], ".", color=COLORS[q], ms=4, alpha=0.5)
            ax.plot(x, F[:, q], color=COLORS[q], lw=1.6)
        ax.plot(inside, np.zeros(len(inside)), "|", color="black", ms=9, transform=_at_foot(ax))
        ax.set_title(_heading(best), fontsize=10)
        ax.set(xlabel="x", ylabel="output")
        ax.grid(color="0.9")
    if shown > 1:
        names = _names(labels, shown) if is_told else [f"output {q}" for q in range(shown)]
        handles = [
            Line2D([], [], color=COLORS[q], label=legible(name)) for q, name in enumerate(names)
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=shown, frameon=False)
    return fig


def figure_of_planes(optima, X, labels, is_told):
    """Draw networks in the plane: what they put out or answer, data, and the neurons as lines.

    Parameters
    ----------
    optima, X, labels
        As for `figure_of_functions`, X of shape (N, 2).
    is_told : bool
        Whether there are classes: of several outputs the answer is drawn then, else the first.

    Returns
    -------
    matplotlib Figure
    """
    few = chosen(optima)
    fig, axes = panels(len(few), columns=2, size=(4.4, 3.6), margin=(0.8, 0.3))
    box = [_limits(X[:, k]) for k in range(2)]
    sides = [np.linspace(*ends, GRID) for ends in box]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    outputs = [best.network(points) for best in few]
    several = is_told and labels.Y.shape[1] > 1
    if several:
        targets = np.asarray(labels.targets, dtype=float)
        offset = offset_of(as_loss("mse"), targets)
        answers = [predicted(F, targets, offset).reshape(GRID, GRID) for F in outputs]
        colors = np.array([_pale(q) for q in range(len(targets))])
    else:
        fields = [F[:, 0].reshape(GRID, GRID) for F in outputs]
        ends = min(f.min() for f in fields), max(f.max() for f in fields)
    for k, (ax, best) in enumerate(zip(axes, few, strict=True)):
        if several:
            extent = (*box[0], *box[1])
            ax.imshow(colors[answers[k]], origin="lower", extent=extent, aspect="auto", zorder=0)
        else:
            levels = np.linspace(*ends, 22) if ends[0] < ends[1] else [ends[0] - 1, ends[0] + 1]
            drawn = ax.contourf(*sides, fields[k], levels=levels, cmap="cividis", zorder=0)
        for line in lines_of(best.network):
            ax.axline(*line, color="black" if several else "white", lw=0.8, alpha=0.7, zorder=1)
        if is_told:
            scatter(ax, X, labels)
        else:
            value = labels.Y[:, 0]
            ax.scatter(*X.T, c=value, cmap="cividis", vmin=ends[0], vmax=ends[1], s=14, ec="black")
        ax.set(xlim=box[0], ylim=box[1], xlabel="x₁", ylabel="x₂")
        ax.set_title(_heading(best), fontsize=10)
    if not several:
        what = "output" if labels.Y.shape[1] == 1 else "first output"
        fig.colorbar(drawn, ax=axes, label=what, ticks=MaxNLocator(6))  # not at the levels
    if is_told and len(labels.classes) <= MOST_CLASSES:
        handles = [
            Patch(color=class_style(q)[0], label=legible(str(name)))
            for q, name in enumerate(np.asarray(labels.classes).tolist())
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
    return fig


def kinks_of(net):
    """Where the neurons of a network on a line switch, of those that do."""
    rows = neurons_of(net)
    rows = rows[rows[:, 0] != 0]
    with np.errstate(over="ignore"):
        found = -rows[:, 1] / rows[:, 0]
    return np.sort(found[np.isfinite(found)])


def lines_of(net):
    """Two points of the line where each neuron of a network in the plane switches."""
    found = []
    for *w, b in neurons_of(net):
        size = float(np.hypot(*w))
        if size > 0:
            normal = np.array(w) / size
            foot = -b / size * normal
            along = foot + max(1.0, float(np.abs(foot).max())) * np.array([-normal[1], normal[0]])
            if np.isfinite(along).all():
                found.append((tuple(foot), tuple(along)))
    return found


def _limits(values):
    room = 0.08 * np.ptp(values) or 1.0
    return float(values.min() - room), float(values.max() + room)


def _heading(best):
    return f"weight decay {best.weight_decay:g}: {best.neurons} neurons"


def _names(labels, shown):
    return [str(name) for name in np.asarray(labels.classes).tolist()[:shown]]


def _pale(q):
    return (1 - PALE) + PALE * np.array(to_rgb(class_style(q)[0]))


def _at_foot(ax):
    """Data along the first axis, the foot of the picture along the second."""
    return ax.get_xaxis_transform()
