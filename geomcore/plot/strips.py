"""Rows of dots: one row per class or per layer, with few enough dots."""

import numpy as np

from geomcore.plot.style import legible

MOST_ROWS = 40  # that have a name each


def few_of(ordered, most):
    """The first, the last and evenly chosen entries between, at most so many.

    Examples
    --------
    >>> few_of(np.arange(10), 4)
    array([0, 3, 6, 9])
    """
    return ordered[np.linspace(0, len(ordered) - 1, min(len(ordered), most)).round().astype(int)]


def class_rows(ax, classes):
    """Name the rows y = 0, 1, ... after the classes, the first on top.

    Parameters
    ----------
    ax : matplotlib Axes
    classes : sequence
    """
    step = -(-len(classes) // MOST_ROWS) or 1
    shown = range(0, len(classes), step)
    ax.set_yticks(list(shown), [legible(classes[j]) for j in shown])
    ax.set_ylim(max(len(classes), 1) - 0.5, -0.5)
    ax.set_ylabel("class")
