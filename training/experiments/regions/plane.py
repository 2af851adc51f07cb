"""The plane on which the regions of a network are looked at: axes, or that of the data."""

from typing import NamedTuple

import numpy as np

MARGIN = 0.1  # of the box around the data, as a part of its size


class Plane(NamedTuple):
    """A rectangle in input space.

    Attributes
    ----------
    box : ndarray, shape (2, 2)
    origin : ndarray, shape (d,)
    basis : ndarray, shape (2, d)
    names : pair of str
        Of the coordinates.
    points : ndarray, shape (N, 2), or None
        The data in these coordinates.
    off : float
        Root mean square distance of the data from the plane, relative to that from their mean.
    """

    box: np.ndarray
    origin: np.ndarray
    basis: np.ndarray
    names: tuple
    points: np.ndarray | None
    off: float


def plane_of(d, X=None, *, axes=None, origin=None, box=None):
    """The plane through the mean of the data (or an origin) along two axes, or their components.

    Parameters
    ----------
    d : int
    X : ndarray, shape (N, d), optional
    axes : pair of int, optional
        Default: the two of input space if d = 2 or there are no data, else the first two principal
        components.
    origin : ndarray, shape (d,), optional
        Default the mean of the data (for d = 2, and without data: 0).
    box : ndarray, shape (2, 2), optional
        Default around the data.

    Returns
    -------
    Plane
    """
    if axes is None and (d == 2 or X is None):
        axes = (0, 1)
    if origin is None:
        origin = np.zeros(d) if X is None or d == 2 else X.mean(axis=0)
    if axes is None:
        _, _, rows = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
        # the sign of a component is arbitrary: its largest entry is positive
        rows = rows[:2] * np.sign(rows[:2][[0, 1], np.abs(rows[:2]).argmax(axis=1)])[:, None]
        basis, names = rows, ("component 1", "component 2")
    else:
        basis, names = np.eye(d)[list(axes)], tuple(f"x{a + 1}" for a in axes)
        origin = origin.copy()
        if X is not None or d == 2:
            origin[list(axes)] = 0.0  # coordinates are those of the data
    points, off = None, 0.0
    if X is not None:
        points = (X - origin) @ basis.T
        rest = X - origin - points @ basis
        size = np.linalg.norm(X - X.mean(axis=0))
        off = float(np.linalg.norm(rest) / size) if size > 0 else 0.0
        if box is None:
            low, high = points.min(axis=0), points.max(axis=0)
            wide = np.where(high > low, high - low, 1.0) * MARGIN
            box = np.column_stack([low - wide, high + wide])
    return Plane(np.asarray(box, dtype=float), origin, basis, names, points, off)
