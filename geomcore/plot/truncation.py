"""A picture of the data as each layer of a network truncates them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from geomcore.arrays import as_labels, as_points, check_sequence
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import shortened
from geomcore.plot.arguments import as_titles, projected
from geomcore.plot.names import name_points, places_beside
from geomcore.plot.strips import class_rows
from geomcore.plot.style import (
    add_figure_legend,
    add_title,
    class_style,
    collapsed,
    few_ticks,
    legible,
    limits_around,
    panels,
    scatter,
)
from geomcore.plot.ticks import coordinate
from geomcore.projection import Projection, fit_projection
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 4  # at most
SIDE = 2.7  # of the longer side of a panel, in inches
MARKER = 0.07  # size of the marker of a pile, in sides of a panel
SAME = 1e-6  # movements up to this one, in sizes of the data, are none
MOST_NAMES = 20  # more piles have the legend alone
LONGEST = 14  # characters of a class in a panel; the legend has more


@answers_keywords
def plot_truncation(
    stages: Sequence[ArrayLike],
    y: ArrayLike,
    projection: Projection | None = None,
    *,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Draw the truncated data layer by layer, all in one projection with the same limits.

    Parameters
    ----------
    stages : list of array_like, shapes (N, d), (N, d_1), ...
        The data, then the truncated data of each layer, for instance
        ``[X, *truncate(net, X)]``; d_l >= d.
    y : array_like, shape (N,)
        Labels.
    projection : Projection to 2 coordinates, optional
        Default: none for points of the plane, else fitted on ``stages[0]``.
    titles : list of str, optional
        Default: which classes each layer collapses.

    Returns
    -------
    matplotlib Figure
        One panel per stage; if piles lie closer than their markers are wide in
        the last one, one more panel with the piles enlarged.

    Raises
    ------
    ValueError
        If a stage does not fit the labels or the projection.

    Notes
    -----
    A class that has become one point, a pile, is drawn as one large marker
    with its name, below the points that are still there.
    """
    check_sequence(stages, "stages", of="stage")
    stages = [as_points(Z, name=f"stages[{l}]") for l, Z in enumerate(stages)]
    labels = as_labels(y, len(stages[0]))
    other = next((l for l, Z in enumerate(stages) if len(Z) != len(stages[0])), None)
    if other is not None:
        raise ValueError(
            f"stages[{other}] must have {len(stages[0])} points, as the first has, got "
            f"{len(stages[other])}"
        )
    d = stages[0].shape[1]
    if projection is None:
        projection = Projection(np.zeros(d), np.eye(2, d)) if d <= 2 else fit_projection(stages[0])
    images = [projected(projection, Z) for Z in stages]
    rows = d == 1 and np.ptp([image[:, 1] for image in images]) == 0
    if rows:
        # Points of a line: one row per class, so that they do not hide each other.
        images = [np.column_stack([image[:, 0], labels.index]) for image in images]
    piled = np.array([collapsed(Z, labels, stages[0]) for Z in stages])
    titles = _titles(stages, labels, piled) if titles is None else as_titles(titles, len(stages))
    box = limits_around(np.vstack(images))
    if rows:
        box = np.vstack([limits_around(np.vstack(images)[:, :1]), [len(labels.classes), -1]])
    piles = _piles(images[-1], labels, piled[-1])
    enlarged = not rows and _is_crowded(piles, box)
    sides = SIDE * np.clip(np.ptp(box, axis=1) / np.ptp(box, axis=1).max(), 0.4, 1)
    if rows:
        sides = np.array([SIDE, 0.8 * SIDE])
    count = len(stages) + enlarged
    fig, axes = panels(
        count,
        columns=COLUMNS,
        size=(sides[0] + 0.1, sides[1] + 0.3),
        margin=(1.2, 0.4),
        shared=False,
    )
    columns = axes[0].get_gridspec().ncols
    beside = piles
    if len(piles) <= MOST_NAMES:
        beside = places_beside(piles / np.ptp(box, axis=1), 1.3 * MARKER) * np.ptp(box, axis=1)
    shift = dict(zip(np.flatnonzero(piled[-1]), beside - piles, strict=True))
    for l, ax in enumerate(axes[: len(stages)]):
        scatter(ax, images[l], labels, collapsed=piled[l])
        add_title(ax, titles[l], sides[0])
        _frame(ax, box, outer=(l % columns == 0, l + columns >= count))
        if rows:
            ax.set_aspect("auto")
            class_rows(ax, labels.classes)
            ax.set_ylabel("")
        _name_piles(ax, images[l], labels, piled[l], shift)
    if enlarged:
        _enlarge(axes[-2], axes[-1], piles, labels, piled[-1], sides[0])
    names = [coordinate(k) if d <= 2 else f"direction {k + 1}" for k in range(2)]
    fig.supxlabel(names[0], fontsize=10)
    fig.supylabel("class" if rows else names[1], fontsize=10)
    add_figure_legend(fig, labels.classes, title="class")
    return fig


def _titles(stages, labels, piled):
    """What each layer does: which classes are piles after it, or of which it moves points."""
    titles, d = ["data"], stages[0].shape[1]
    least = SAME * np.ptp(stages[0], axis=0).max(initial=0)
    for l in range(1, len(stages)):
        done, new = " collapses class", np.flatnonzero(piled[l] & ~piled[l - 1])
        if not len(new):
            moved = np.abs(stages[l][:, :d] - stages[l - 1][:, :d]).max(axis=1, initial=0) > least
            done, new = " moves points of class", np.unique(labels.index[moved])
        names = [legible(name) for name in _short(labels.classes[new[:3]])]
        more = ", ..." * (len(new) > 3)
        what = f"{done}{'es' * (len(new) > 1)} {', '.join(names)}{more}" if names else ""
        titles.append(f"layer {l}{what}")
    return titles


def _short(classes):
    return [shortened(str(c), LONGEST) for c in classes]


def _piles(image, labels, piled):
    """Where the piles are, shape (k, 2)."""
    first = [np.flatnonzero(labels.index == j)[0] for j in np.flatnonzero(piled)]
    return image[first]


def _is_crowded(piles, box):
    """Whether two piles are closer than their markers are wide, though there is room."""
    if len(piles) < 2 or not np.ptp(piles, axis=0).any():
        return False
    others = (piles[i:] - piles[i - 1] for i in range(1, len(piles)))
    nearest = min(np.linalg.norm(gaps, axis=1).min() for gaps in others)
    return nearest < MARKER * np.ptp(box, axis=1).max()


def _frame(ax, box, outer):
    ax.set(xlim=box[0], ylim=box[1], aspect="equal")
    few_ticks(ax)
    ax.tick_params(labelleft=outer[0], labelbottom=outer[1], labelsize=8)


def _name_piles(ax, image, labels, piled, shift):
    """Name the piles of one panel, at the same places as in the last one."""
    named = [j for j in np.flatnonzero(piled) if j in shift]
    if 0 < len(named) <= MOST_NAMES:
        at = _piles(image, labels, np.isin(np.arange(len(piled)), named))
        name_points(
            ax,
            at,
            _short(labels.classes[named]),
            places=at + np.array([shift[j] for j in named]),
            colors=[class_style(j)[0] for j in named],
        )


def _enlarge(last, ax, piles, labels, piled, width):
    """Draw the piles alone, their surroundings magnified; mark these in the last panel."""
    middle = (piles.min(axis=0) + piles.max(axis=0)) / 2
    half = 0.75 * np.ptp(piles, axis=0).max() * np.ones(2)
    (left, right), (bottom, top) = np.column_stack([middle - half, middle + half])
    last.add_patch(
        Rectangle(
            (left, bottom), right - left, top - bottom, fill=False, ec="0.4", ls=":", zorder=1
        )
    )
    numbers = np.flatnonzero(piled)
    for j, pile in zip(numbers, piles, strict=True):
        color, marker = class_style(j)
        ax.scatter(*pile, s=60, color=color, marker=marker, edgecolor="black", zorder=3)
    if len(piles) <= MOST_NAMES:
        name_points(
            ax,
            piles,
            _short(labels.classes[numbers]),
            places=places_beside(piles / (right - left), 1.6 * MARKER) * (right - left),
            colors=[class_style(j)[0] for j in numbers],
        )
    add_title(ax, "the piles, enlarged", width)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    few_ticks(ax)
    # On the right they take no room from the other panels.
    ax.yaxis.tick_right()
    ax.tick_params(labelsize=8)
