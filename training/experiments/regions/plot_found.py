"""Figures of the regions of a network: what it answers, and how steep it is."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.patches import Patch

from geomcore.plot import plot_boundary, plot_regions
from geomcore.plot.style import class_style, legible

PALE = 0.55  # how much white is in the colours of classes behind data
MOST_NAMED = 10
FEW = 30.0  # between least and largest norm, from which on their colours are logarithmic
SHADED = 1e-4  # smaller parts of the largest norm have one colour


def figures(found, plane, labels=None, names=None):
    """Draw what was found.

    Parameters
    ----------
    found : Regions
    plane : Plane
    labels : sequence, optional
        Of the data.
    names : sequence of str, optional
        Of the outputs.

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    k = found.maps.shape[1]
    steep = steepness(found)
    data = "" if plane.points is None else " Over it the data"
    data += (
        "."
        if plane.off < 1e-9
        else f", projected: {plane.off:.0%} of their spread is off the plane."
    )
    what = "sign of the output" if k == 1 else "largest output"
    yield (
        "answers",
        figure_of_answers(found, plane, labels, names),
        f"{len(found):,} linear regions, coloured by the {what}; black: where it changes."
        + (data if plane.points is not None else ""),
        f"{len(found):,} polygons",
    )
    yield (
        "steepness",
        figure_of_steepness(found, plane, steep),
        "The same regions, coloured by the norm of the derivative of the outputs on the plane.",
        f"Norms from {steep.min():.3g} to {steep.max():.3g}",
    )


def steepness(found):
    """Spectral norm of the derivative of the outputs on the plane, shape (R,)."""
    # lengths are those of input space
    gram = found.basis @ found.basis.T
    root = np.linalg.inv(np.linalg.cholesky(gram))
    return np.linalg.norm(found.maps[:, :, :2] @ root.T, 2, axis=(1, 2))


def answers(found):
    """Number of the largest output at the middle of each region; of the sign for one output."""
    inside = found.centroids
    values = (found.maps[:, :, :2] * inside[:, None]).sum(axis=2) + found.maps[:, :, 2]
    return (values[:, 0] > 0).astype(int) if values.shape[1] == 1 else values.argmax(axis=1)


def figure_of_answers(found, plane, labels=None, names=None):
    """Draw the regions in the colours of their classes; return the figure."""
    k = found.maps.shape[1]
    fig, ax = plt.subplots(figsize=(6.6, 5.0), layout="constrained")
    plot_regions(found, ax=ax)
    given = answers(found)
    colors = np.array([to_rgb(class_style(q)[0]) for q in range(max(k, 2))])
    colors = PALE + (1 - PALE) * colors
    # two shades, so that regions of one class are told apart
    shade = np.where(found.patterns.sum(axis=1) % 2, 1.0, 0.94)[:, None]
    ax.collections[0].set_facecolor(colors[given] * shade)
    lines = found.level_set() if k == 1 else found.class_boundary()
    plot_boundary(lines, ax=ax)
    if plane.points is not None:
        plot_regions_data(ax, plane.points, labels)
    shown = np.unique(given)
    if len(shown) <= MOST_NAMED:
        told = names if names is not None and len(names) == max(k, 2) else range(max(k, 2))
        what = ["negative", "positive"] if k == 1 else [legible(str(name)) for name in told]
        handles = [Patch(color=colors[q], label=what[q]) for q in shown]
        fig.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=9)
    _name(ax, plane)
    return fig


def plot_regions_data(ax, points, labels):
    """Draw data over regions."""
    from geomcore.arrays import as_labels
    from geomcore.plot.style import scatter

    known = np.zeros(len(points), dtype=int) if labels is None else labels
    scatter(ax, points, as_labels(known, len(points)))


def figure_of_steepness(found, plane, steep):
    """Draw the regions coloured by the norm of the derivative; return the figure."""
    fig, ax = plt.subplots(figsize=(6.6, 5.0), layout="constrained")
    low, high = max(steep.min(), SHADED * steep.max()), steep.max()
    norm = LogNorm(low, high) if high > FEW * low > 0 else None
    shown = steep if norm is None else np.maximum(steep, low)
    plot_regions(found, shown, ax=ax, norm=norm, label="norm of the derivative")
    _name(ax, plane)
    return fig


def _name(ax, plane):
    ax.set_xlabel(plane.names[0])
    ax.set_ylabel(plane.names[1])
    wide = np.ptp(plane.box, axis=1)
    if wide.max() > 4 * wide.min():  # another scale for each coordinate
        ax.set_aspect("auto")
