"""Names beside what they name, where markers may hide each other."""

import numpy as np
from matplotlib.collections import LineCollection

from geomcore.plot.style import EDGES, legible

DIRECTIONS = 24  # in which a place is looked for


def places_beside(points, least):
    """Find a place beside each point, off all points and all other places.

    Parameters
    ----------
    points : ndarray, shape (k, 2)
        Two of them may be the same.
    least : float
        Between two places, and between a place and a point; positive.

    Returns
    -------
    ndarray, shape (k, 2)

    Examples
    --------
    >>> places = places_beside(np.zeros((2, 2)), 1.0)
    >>> bool(np.linalg.norm(places[0] - places[1]) >= 1)
    True
    """
    points = np.asarray(points, dtype=float)
    turn = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    around = np.column_stack([np.cos(turn), np.sin(turn)])
    taken, places = list(points), []
    for point in points:
        # Of places as near as each other the one that leads out of the middle.
        outward = np.argsort(-around @ (point - points.mean(axis=0)), kind="stable")
        ring = 1
        while True:
            ring += 0.2
            tried = point + ring * least * around[outward]
            gaps = np.linalg.norm(tried[:, None] - np.array(taken), axis=2).min(axis=1)
            if gaps.max() >= least:
                break
        places.append(tried[np.argmax(gaps >= least)])
        taken.append(places[-1])
    return np.reshape(places, (-1, 2))


def name_points(ax, points, names, *, places, colors):
    """Write a name at the place beside each point, with a line to the point.

    Parameters
    ----------
    ax : matplotlib Axes
    points, places : array_like, shape (k, 2)
    names : sequence
    colors : sequence of str
        Of the lines.
    """
    lines = np.stack([points, places], axis=1)
    colors = [EDGES.get(color, color) for color in colors]
    ax.add_collection(LineCollection(lines, colors=colors, linewidths=1, zorder=5), autolim=False)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
    for name, place in zip(names, places, strict=True):
        ax.text(*place, legible(name), ha="center", va="center", fontsize=9, bbox=box, zorder=6)
