"""Strips of an axis of sizes, one around each size that was tried."""

import numpy as np


def slots(ax, sizes):
    """Left and right end of a strip of the x axis around each of `sizes`, shape (k, 2).

    Parameters
    ----------
    ax : matplotlib Axes
        After `logarithmic`.
    sizes : array_like, shape (k,)
        Distinct, in increasing order. The strips meet half-way as the axis shows it.
    """
    scale = ax.xaxis.get_transform()
    middles = scale.transform(np.asarray(sizes, float))
    gaps = np.diff(middles) if len(middles) > 1 else np.ones(1)
    between = (middles[1:] + middles[:-1]) / 2
    edges = np.r_[middles[0] - gaps[0] / 2, between, middles[-1] + gaps[-1] / 2]
    edges = scale.inverted().transform(edges)
    return np.column_stack([edges[:-1], edges[1:]])


def spread(ax, sizes, size, parts):
    """Places on the x axis around one of `sizes`, none in the strip of another one.

    Parameters
    ----------
    ax : matplotlib Axes
        After `logarithmic`.
    sizes : array_like, shape (k,)
    size : float
    parts : array_like, shape (n,)
        Between 0, left of `size`, and 1, right of it.

    Returns
    -------
    ndarray, shape (n,)
    """
    scale = ax.xaxis.get_transform()
    gaps = np.diff(scale.transform(np.unique(np.asarray(sizes, float))))
    width = 0.7 * gaps.min(initial=1.0)
    middle = scale.transform(np.array([float(size)]))
    return scale.inverted().transform(middle + width * (np.asarray(parts) - 0.5))


def shade_met(ax, scales, untrained, *, label=None):
    """Shade where at least half of the trials meet the tolerance before training.

    Parameters
    ----------
    ax : matplotlib Axes
        After `logarithmic`.
    scales, untrained : ndarray, shape (k,)
        As for `geomcore.plot.plot_return`, scales in increasing order.
    label : str, optional
        For a legend.
    """
    met = untrained >= 0.5
    for low, high in slots(ax, scales)[met]:
        ax.axvspan(low, high, color="0.93", lw=0, zorder=0, label=label)
        label = None
