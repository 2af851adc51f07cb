"""Figures of the regions of a network: what it answers, and how steep it is."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.patches import Patch

from geomcore.plot import plot_boundary, plot_regions
from geomcore.plot.regions import MANY
from geomcore.plot.style import LETTER, class_style, legible
from training.experiments.regions.pieces import changes_of, pieces_of, scored

PALE = 0.55  # how much white is in the colours of classes behind data
MOST_NAMED = 10
SIGNS = ("negative", "positive")  # of a single output
DIM = 0.94  # the darker shade
FEW = 30.0  # between least and largest norm, from which on their colours are logarithmic
SHADED = 1e-6  # smaller parts of the largest norm have one colour
OUTER = 0.001  # part of the area at each end of the norms for which there is no colour
THIN = 0.7  # width of the lines as which regions without a visible width are drawn, in points
MOST_LONG = 4.0  # between the sides of a plane with one scale
SIDE = 4.6  # the longer one of the picture, in inches
ROOM = (0.85, 0.6, 1.2, 0.2)  # left, below, right and above of it


def figures(found, plane, labels=None, names=None, targets=None):
    """Draw what was found.

    Parameters
    ----------
    found : Regions
    plane : Plane
    labels : sequence, optional
        Of the data.
    names : sequence of str, optional
        Of the classes.
    targets : ndarray, shape (Q, k), optional
        Of the classes: the nearest one is answered. Default: the largest output counts, and of a
        single output the sign.

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
    scores = scored(found, targets)
    pieces = pieces_of(scores)
    is_sign = targets is None and k == 1
    if targets is not None:
        what = "class that is answered"
    else:
        what = "sign of the output" if is_sign else "largest output"
    if is_sign:
        names = SIGNS
    lines = changes_of(scores, k)
    shown = _shown(pieces, names, scores.maps.shape[1])
    yield (
        "answers",
        figure_of_answers(scores, pieces, lines, plane, labels, shown),
        f"{len(found):,} linear regions, coloured by the {what}; black: where it changes."
        + (data if plane.points is not None else ""),
        f"{len(found):,} polygons",
    )
    yield (
        "steepness",
        figure_of_steepness(found, plane, steep, shown),
        "The same regions, coloured by the norm of the derivative of the outputs on the plane"
        + _told(found, steep),
        f"Norms from {steep.min():.3g} to {steep.max():.3g}",
    )


def steepness(found):
    """Spectral norm of the derivative of the outputs on the plane, shape (R,)."""
    # lengths are those of input space
    gram = found.basis @ found.basis.T
    root = np.linalg.inv(np.linalg.cholesky(gram))
    slopes = found.maps[:, :, :2] @ root.T
    # squares of huge ones are no floats
    largest = np.abs(slopes).max() or 1.0
    return largest * np.linalg.norm(slopes / largest, 2, axis=(1, 2))


def figure_of_answers(scores, pieces, lines, plane, labels, shown):
    """Draw the regions in the colours of their classes, cut where these change; return the figure.

    Parameters
    ----------
    scores : Regions
        With a score per class, see `pieces.scored`.
    pieces : Pieces
    lines : Lines
        Where the answer changes.
    plane : Plane
    labels : sequence or None
        Of the data.
    shown : dict
        The name of each class in the legend, by number.
    """
    fig, ax = _framed(plane, shown)
    plot_regions(scores, ax=ax)
    # two shades, so that regions of one class are told apart
    paint(ax.collections[0], pieces, np.where(scores.patterns.sum(axis=1) % 2, 1.0, DIM))
    plot_boundary(lines, ax=ax)
    if plane.points is not None:
        plot_regions_data(ax, plane.points, labels)
    if shown:
        handles = [Patch(color=_pale(q), label=name) for q, name in shown.items()]
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
        ax.legend(handles=handles, title="class", frameon=False, fontsize=9, **place)
    _name(ax, plane)
    return fig


def paint(drawn, pieces, shade=1.0):
    """Turn the polygons of regions into pieces in the pale colours of what is answered.

    Parameters
    ----------
    drawn : PolyCollection
    pieces : Pieces
    shade : ndarray, shape (R,), or float
        Of each region; 1 is the lightest.
    """
    colors = np.array([_pale(q) for q in range(pieces.answer.max() + 1)])
    shades = np.broadcast_to(shade, pieces.region.max() + 1)[pieces.region, None]
    drawn.set_verts(pieces.polygons)
    drawn.set_facecolor(colors[pieces.answer] * shades)


def _pale(q):
    return PALE + (1 - PALE) * np.array(to_rgb(class_style(q)[0]))


def _shown(pieces, names, count):
    """Names of the answers that are there, by number; none if they are too many."""
    numbers = np.unique(pieces.answer).tolist()
    told = names if names is not None and len(names) == count else range(count)
    return {q: legible(str(told[q])) for q in numbers} if len(numbers) <= MOST_NAMED else {}


def plot_regions_data(ax, points, labels):
    """Draw data over regions."""
    from geomcore.arrays import as_labels
    from geomcore.plot.style import scatter

    known = np.zeros(len(points), dtype=int) if labels is None else labels
    scatter(ax, points, as_labels(known, len(points)))


def figure_of_steepness(found, plane, steep, shown):
    """Draw the regions coloured by the norm of the derivative; return the figure.

    Regions of no visible width become lines, the steepest ones on top. The figure is as large as
    that of the answers with these names in its legend.
    """
    fig, ax = _framed(plane, shown)
    norm = norm_of(found, steep)
    cmap = colormaps["cividis"].with_extremes(bad="white")
    plot_regions(found, steep, ax=ax, norm=norm, cmap=cmap, label="norm of the derivative")
    drawn = ax.collections[0]
    if len(found) <= MANY:
        order = np.argsort(steep, kind="stable")
        polygons = np.split(found.corners, found.starts[1:-1])
        drawn.set_verts([polygons[i] for i in order])
        drawn.set_array(steep[order])
        drawn.set(edgecolor="face", linewidth=THIN)
    _name(ax, plane)
    return fig


def norm_of(found, steep):
    """How norms become colours: by what most of the area has, logarithmic if they differ much."""
    positive = np.flatnonzero(steep > 0)
    if not len(positive):
        return Normalize(0.0, 1.0)
    least, most = steep[positive].min(), steep.max()
    if most <= FEW * least:
        return Normalize(0.0 if (steep == 0).any() else least, most)
    order = positive[np.argsort(steep[positive], kind="stable")]
    below = np.cumsum(found.areas[order])
    ends = np.searchsorted(below, below[-1] * np.array([OUTER, 1 - OUTER]))
    low, high = steep[order[np.minimum(ends, len(order) - 1)]]
    low = max(low, SHADED * high)
    if high > FEW * low:
        return LogNorm(low, high)
    return Normalize(0.0 if (steep == 0).any() else low, high)


def _told(found, steep):
    """What a caption says of the colours."""
    norm, share = norm_of(found, steep), found.areas / found.areas.sum()
    parts = []
    if isinstance(norm, LogNorm) and (steep == 0).any():
        parts.append(f"; white: it is zero ({_part(share[steep == 0].sum())} of the area)")
    if len(found) <= MANY:
        parts.append("; regions of no visible width are lines")
    above, below = steep > norm.vmax, (steep < norm.vmin) & (steep > 0)
    beyond = []
    if above.any():
        beyond.append(
            f"{_part(share[above].sum())} of the area is steeper, up to {steep.max():.3g}"
        )
    if below.any():
        beyond.append(f"{_part(share[below].sum())} is less steep")
    if beyond:
        parts.append(f". Colours end at {norm.vmin:.3g} and {norm.vmax:.3g}: {', '.join(beyond)}")
    return "".join(parts) + "."


def _part(share):
    """A part of the area for people."""
    return f"{share:.1%}" if share >= 0.0005 else f"{share:.0e}"


def _framed(plane, shown):
    """A figure with room for a legend or a bar: axes of one size and at one place in all of them.

    Longer names make the figure wider, not the axes smaller.
    """
    letters = max(map(len, shown.values()), default=0)
    sides = np.ptp(plane.box, axis=1)
    shape = np.ones(2) if _is_long(plane) else sides / sides.max()
    wide, high = SIDE * shape
    left, below, right, above = ROOM
    right = max(right, LETTER * letters + 0.6)
    width, height = left + wide + right, below + high + above
    fig = plt.figure(figsize=(width, height))
    return fig, fig.add_axes((left / width, below / height, wide / width, high / height))


def _is_long(plane):
    """Whether each coordinate has a scale of its own."""
    sides = np.ptp(plane.box, axis=1)
    return sides.max() > MOST_LONG * sides.min()


def _name(ax, plane):
    ax.set_xlabel(plane.names[0])
    ax.set_ylabel(plane.names[1])
    if _is_long(plane):
        ax.set_aspect("auto")
