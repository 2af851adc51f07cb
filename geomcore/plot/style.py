"""What all pictures share: one colour and marker per class, axes, panels, legends."""

from __future__ import annotations

import math
from functools import cache
from textwrap import wrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import MaxNLocator

from geomcore.arrays import as_count
from geomcore.display.palette import COLORS
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import printable, shortened
from geomcore.plot.ticks import powers

MARKERS = "os^DvPX<>p"
# One colour and marker for what a point is, the same in every picture.
VERDICT_STYLES = {
    "global minimum": ("#009E73", "*"),
    "local minimum": ("#0072B2", "o"),
    "saddle": ("#CC79A7", "D"),
    "not stationary": ("#D55E00", "v"),
    "undetermined": ("#999999", "s"),
}
EDGES = {"#F0E442": "#8A8200"}  # of small markers; yellow alone is lost on white

LETTER = 0.084  # width of a letter of size 10, in inches, on average
SHORT = 10  # characters of a class for which there is room in any picture
LONGEST_NAME = 30  # characters of the name of a class in a picture

# Above so many points a scatter goes into vector files as one picture.
MANY_POINTS = 500


@answers_keywords
def class_style(j: int) -> tuple[Any, str]:
    """Colour and marker of class number `j`; both differ for any ten classes in a row.

    Parameters
    ----------
    j : int

    Returns
    -------
    color, marker : str

    Raises
    ------
    ValueError
        If j is no count.

    Examples
    --------
    >>> class_style(0)
    ('#0072B2', 'o')
    """
    j = as_count(j, "j", 0)
    # After ten classes the markers are shifted, so that 100 pairs differ.
    return COLORS[j % 10], MARKERS[(j + j // 10) % 10]


def scatter(ax, X, labels, *, collapsed=None):
    """Scatter the points of each class in its style; a collapsed class as one large marker."""
    size = float(np.clip(6000 / max(len(X), 1), 8, 30))
    Q = len(labels.classes)
    for j in range(Q):
        color, marker = class_style(j)
        points = X[labels.index == j].T
        big = collapsed is not None and collapsed[j]
        if big:
            points = points[:, :1]
        ax.scatter(
            *points,
            # Of collapsed classes at one place, the later ones leave the earlier ones to be seen.
            s=100 - 50 * j / Q if big else size,
            color=color,
            marker=marker,
            alpha=1 if big else 0.75,
            edgecolor="black" if big else EDGES.get(color, "white"),
            linewidth=1 if big else 0.3,
            # What is still there is not hidden by what is done.
            zorder=2 if big else 3,
        )


def collapsed(Z, labels, raw):
    """Which classes of more than one point have become one, relative to the size of the data."""
    size = np.ptp(raw, axis=0).max(initial=0)
    members = [Z[labels.index == j] for j in range(len(labels.classes))]
    return [len(M) > 1 and np.ptp(M, axis=0).max() <= 1e-6 * size for M in members]


def legible(name):
    r"""Return the name of a class or of data as matplotlib can write it, and not too long.

    Characters that the font lacks are written as their escapes, and dollars stay dollars.

    Examples
    --------
    >>> legible("a$b$")
    'a\\$b\\$'
    """
    name = printable(shortened(str(name), LONGEST_NAME))
    name = "".join(c if _has_glyph(c) else ascii(c)[1:-1] for c in name)
    return shortened(name, LONGEST_NAME).replace("$", r"\$")


def _has_glyph(character):
    return _have_glyph(character, tuple(plt.rcParams["font.family"]))


@cache
def _have_glyph(character, families):
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families]
    return any(font.get_char_index(ord(character)) for font in fonts)


def legend_handles(classes):
    """One marker per class, for a legend that `_name` completes."""
    styles = [class_style(j) for j in range(len(classes))]
    return [plt.Line2D([], [], color=c, marker=m, ls="", label="class") for c, m in styles]


def _name(legend, classes):
    """Write the names of the classes into a legend; it would leave out those that begin with _."""
    for text, name in zip(legend.get_texts(), classes, strict=True):
        text.set_text(legible(name))


def add_legend(ax, classes):
    """Put the legend of the classes to the right of `ax`; return it."""
    legend = ax.legend(
        handles=legend_handles(classes),
        title="class",
        loc="center left",
        bbox_to_anchor=(1.08 if is_3d(ax) else 1.01, 0.5),
        frameon=False,
    )
    _name(legend, classes)
    return legend


def add_figure_legend(fig, classes, **options):
    """Put the legend of the classes to the right of all panels; long names widen the figure."""
    handles = legend_handles(classes)
    legend = fig.legend(handles=handles, loc="outside right center", frameon=False, **options)
    _name(legend, classes)
    widen(fig, legend)


def widen(fig, legend):
    """Make room for the long names in a legend, that else would be taken from the panels."""
    longest = max((len(text.get_text()) for text in legend.get_texts()), default=0)
    more = LETTER * (longest - SHORT)
    if more > 0:
        fig.set_figwidth(fig.get_figwidth() + more)


def add_title(ax, text, width):
    """Write a title of size 10 in as many lines as it needs above a panel `width` inches wide."""
    most = max(SHORT, int(width / LETTER))
    lines = wrap(text, most, break_long_words=False) or [""]
    ax.set_title("\n".join(lines), fontsize=10)


def panels(count, *, columns, size, margin, shared=True):
    """A figure of panels that share their axes.

    Parameters
    ----------
    count : int
        Number of panels.
    columns : int
        How many stand side by side at most.
    size : (float, float)
        Width and height of one panel, in inches.
    margin : (float, float)
        What the figure is wider and higher than its panels, for labels and legend.
    shared : bool, optional
        False: each has axes of its own.

    Returns
    -------
    fig : matplotlib Figure
    axes : list of matplotlib Axes
        Row by row.
    """
    rows = math.ceil(count / columns)
    columns = math.ceil(count / rows)  # rows of nearly equal length
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(size[0] * columns + margin[0], size[1] * rows + margin[1]),
        sharex=shared,
        sharey=shared,
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    for ax in axes.flat[max(count - columns, 0) : count]:
        ax.tick_params(labelbottom=True)  # there may be nothing below
    return fig, list(axes.flat[:count])


def new_axes(d, *, width=5.5, height=4.5):
    """Axes of a new figure, in 3-D for d = 3."""
    if d == 3:
        fig = plt.figure(figsize=(6, 5), layout="constrained")
        return fig.add_subplot(projection="3d", computed_zorder=False)
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def is_3d(ax):
    """Whether `ax` is in 3-D."""
    return getattr(ax, "name", None) == "3d"


def name_axes(ax, names):
    """Label the axes, in order."""
    for k, name in zip("xyz", names, strict=False):
        getattr(ax, f"set_{k}label")(name)


def equal_scales(ax, X):
    """Limits around the points, with the same length of a unit on every axis."""
    if len(X):
        for k, ends in zip("xyz", limits_around(X), strict=False):
            getattr(ax, f"set_{k}lim")(*ends)
    ax.set_aspect("equal", adjustable="box")


def limits_around(X, margin=0.06):
    """Limits of each coordinate, shape (d, 2), and a margin, relative to the largest size."""
    if not len(X):
        return np.tile([0.0, 1.0], (X.shape[1], 1))
    low, high = X.min(axis=0), X.max(axis=0)
    margin = margin * (high - low).max() or 1
    return np.column_stack([low - margin, high + margin])


def few_ticks(ax, most=4):
    """At most so many intervals between the ticks of each axis."""
    for k in "xyz"[: 2 + is_3d(ax)]:
        getattr(ax, f"{k}axis").set_major_locator(MaxNLocator(most))


def logarithmic(ax, sizes, marked=()):
    """Make the x axis logarithmic; if some of the sizes on it are 0, linear close to 0.

    Parameters
    ----------
    ax : matplotlib Axes
    sizes : array_like, shape (k,)
        Numbers >= 0; if there are some and all are 0, the axis stays linear.
    marked : iterable of float or None
        Further positive numbers that must not come to lie in the linear part.
    """
    sizes = np.asarray(sizes, dtype=float)
    positive = sizes[sizes > 0]
    if not len(positive):
        return
    least = min([positive.min(), *filter(None, marked)])
    if len(positive) == len(sizes):
        ax.set_xscale("log")
    else:
        ax.set_xscale("symlog", linthresh=least)
    powers(ax.xaxis, least, positive.max())


def arms(middles, low, high):
    """Lengths of the two arms of error bars, shape (2, k)."""
    # Rounding may leave an end a hair inside the middle it belongs to.
    return np.maximum([middles - low, high - middles], 0)


def lighten(fig):
    """Have scatters of many points saved as pictures in vector files; return `fig`."""
    for ax in fig.axes:
        if getattr(ax, "name", None) == "3d":
            continue  # matplotlib cannot do it there
        clouds = [a for a in ax.collections if isinstance(a, PathCollection)]
        if sum(len(cloud.get_offsets()) for cloud in clouds) > MANY_POINTS:
            for cloud in clouds:
                cloud.set_rasterized(True)
    return fig


def rasterize(ax):
    """Have the dots of `ax` saved as a picture in vector files if they are many; return `ax`."""
    dots = [line for line in ax.lines if line.get_linestyle() == "None"]
    if sum(len(line.get_xdata()) for line in dots) > MANY_POINTS:
        for line in dots:
            line.set_rasterized(True)
    return ax


def lay_out(fig):
    """Lay the axes of a figure out for good; saving it as often as you like then only draws it."""
    engine = fig.get_layout_engine()
    if engine is not None:
        engine.execute(fig)
        if any(ax.get_aspect() != "auto" for ax in fig.axes):
            # Axes of equal scales are laid out rightly at the second time only.
            engine.execute(fig)
        fig.set_layout_engine("none")


def same_names():
    """A context in which the same figure becomes the same bytes of SVG: its parts have names."""
    return plt.rc_context({"svg.hashsalt": "geomcore"})


def close(fig):
    """Forget a figure that has been saved."""
    plt.close(fig)
