"""Checks of what pictures alone are given: axes, projections, losses by scale, titles."""

from numbers import Real

import numpy as np
from matplotlib.axes import Axes

from geomcore.arrays import as_points, is_finite
from geomcore.foreign.wording import quoted


def as_axes(ax, new=None):
    """Return matplotlib Axes that were given, or those that ``new()`` makes if None was."""
    if ax is None and new is not None:
        return new()
    if not isinstance(ax, Axes):
        raise ValueError(f"ax must be matplotlib Axes{' or None' if new else ''}, got {quoted(ax)}")
    return ax


def projected(projection, X, dims=(2,)):
    """Return the images of points X, shape (N, k) with k in `dims`, under what was given."""
    if not callable(projection) or isinstance(projection, type):
        raise ValueError(f"projection must be a Projection or None, got {quoted(projection)}")
    image = as_points(projection(X), name="projection(X)")
    if len(image) != len(X) or image.shape[1] not in dims:
        raise ValueError(
            f"projection must make {len(X)} points of {' or '.join(map(str, dims))} coordinates, "
            f"got shape {image.shape}"
        )
    return image


def by_scale(values, name):
    """Return what was given for each perturbation scale, by scale, in increasing order.

    Examples
    --------
    >>> by_scale({1.0: "b", 0.5: "a"}, "outcomes")
    {0.5: 'a', 1.0: 'b'}
    """
    if not isinstance(values, dict):
        raise ValueError(f"{name} must be a dict with an entry per scale, got {quoted(values)}")
    if not values:
        raise ValueError(f"{name} must hold at least one scale, got none")
    for scale in values:
        number = isinstance(scale, Real) and not isinstance(scale, bool)
        if not number or scale < 0 or not is_finite(scale):
            raise ValueError(f"{name} must have scales >= 0 as keys, got {quoted(scale)}")
    return {float(scale): values[scale] for scale in sorted(values)}


def same_scales(values, losses, name):
    """`by_scale`, of which the scales must be those of the losses."""
    values = by_scale(values, name)
    if list(values) != list(losses):
        raise ValueError(
            f"{name} must have the scales of losses, {_few(losses)}, got {_few(values)}"
        )
    return values


def as_losses(values, name, *, sign=True):
    """Return losses, shape (T,) with T > 0; they may be nan or inf, which counts as diverged."""
    try:
        losses = np.asarray(values)
        good = losses.dtype.kind in "fiub" and losses.ndim == 1 and len(losses) > 0
    except ValueError:  # rows of several lengths
        good = False
    if not good or (not sign and (losses < 0).any()):
        more = "" if sign else ", none below 0"
        raise ValueError(f"{name} must be losses of at least one trial{more}, got {quoted(values)}")
    return losses.astype(float)


def as_numbers(values, name, shape):
    """Return numbers of a known shape as floats; they may be nan, where there are none."""
    try:
        found = np.asarray(values)
    except ValueError:  # rows of several lengths
        found = np.empty(0, object)
    if found.dtype.kind not in "fiub" or found.shape != shape:
        raise ValueError(f"{name} must hold numbers in the shape {shape}, got {quoted(values)}")
    return found.astype(float)


def as_titles(titles, count, name="titles"):
    """Return texts, one for each panel."""
    good = isinstance(titles, list | tuple) and all(isinstance(t, str) for t in titles)
    if not good or len(titles) != count:
        raise ValueError(f"{name} must be {count} texts, one per panel, got {quoted(titles)}")
    return list(titles)


def _few(losses):
    shown = ", ".join(f"{scale:g}" for scale in list(losses)[:5])
    return f"{shown}, ..." if len(losses) > 5 else shown
