"""Projections for pictures: fitted once on the raw data and reused for every layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_array, as_count, as_labels, as_points, freeze
from geomcore.display.lines import brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted
from geomcore.names import listing
from geomcore.threads import factorizing
from geomcore.typing import Array, ArrayLike, Floats

__all__ = [
    "Projection",
    "class_mean_plane",
    "fit_projection",
]


@dataclass(frozen=True, eq=False)
class Projection:
    r"""An affine map to a few coordinates, the same for every layer.

    .. math:: x \mapsto A (x - \bar x)

    Parameters
    ----------
    mean : array_like, shape (d,)
    axes : array_like, shape (k, d)
        One axis per row.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Points with more than d coordinates, as truncation on a padded input makes
    them, are projected by their first d: the coordinates of the data.

    Examples
    --------
    >>> Projection([1, 1, 1], [[0, 0, 1]])([[5, 6, 7], [0, 0, 1]])
    array([[6.],
           [0.]])
    """

    mean: Array
    axes: Array

    __repr__ = brief

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(self, mean: ArrayLike, axes: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        mean, axes = as_array(self.mean, "mean", 1), as_array(self.axes, "axes", 2)
        if axes.shape[1] != len(mean):
            raise ValueError(
                f"axes must have {counted(len(mean), 'column')}, as mean has entries, "
                f"got shape {axes.shape}"
            )
        object.__setattr__(self, "mean", freeze(mean))
        object.__setattr__(self, "axes", freeze(axes))

    @property
    def dim(self) -> int:
        """Number of coordinates it gives."""
        return len(self.axes)

    def __call__(self, X: ArrayLike) -> Floats:
        """Project the rows of `X`, shape (N, d) or wider; the result is (N, k)."""
        X = as_points(X)
        d = len(self.mean)
        if X.shape[1] < d:
            raise ValueError(f"X must have at least {d} columns, got shape {X.shape}")
        return (X[:, :d] - self.mean) @ self.axes.T


@answers_keywords
def fit_projection(X: ArrayLike, dim: int = 2) -> Projection:
    r"""Fit the principal components of the raw data.

    The axes are the first right singular vectors of the centred points.

    Parameters
    ----------
    X : array_like, shape (N, d)
        At least one point.
    dim : int, optional
        Number of axes.

    Returns
    -------
    Projection
        Orthonormal axes, by decreasing variance; the entry of an axis that is
        largest in absolute value is positive. If ``dim > d`` the last
        ``dim - d`` axes are zero.

    Raises
    ------
    ValueError
        If there are no points or `dim` is not a positive whole number.

    Notes
    -----
    Time O(N d min(N, d)). With more points than columns the axes are the
    eigenvectors of the scatter matrix: one matrix product, and just as good
    for the leading axes. Variances below 1e-15 of the largest are lost in
    rounding, which no picture shows. Axes along which the data do not vary
    are completed to an orthonormal system.

    Examples
    --------
    >>> line = fit_projection([[0, 0], [3, 4], [6, 8]], dim=1)
    >>> line([[0, 0], [3, 4], [6, 8]]).round(12).ravel().tolist()
    [-5.0, 0.0, 5.0]
    """
    X = _some_points(X)
    dim = as_count(dim, "dim")
    mean = _mean(X)
    return Projection(mean, _pad(_principal_axes(X - mean, dim), dim))


@answers_keywords
def class_mean_plane(X: ArrayLike, y: ArrayLike, dim: int = 2) -> Projection:
    """Fit the plane through the class means.

    With three classes it is their plane; with more it is the principal plane
    of the means. With fewer, the directions that the means do not fix are the
    principal components of the points orthogonal to those they do.

    Parameters
    ----------
    X : array_like, shape (N, d)
        At least one point.
    y : array_like, shape (N,)
        Labels.
    dim : int, optional
        Number of axes.

    Returns
    -------
    Projection
        Orthonormal axes (zero beyond d) around the mean of the class means.

    Raises
    ------
    ValueError
        If there are no points, or the lengths differ.

    Examples
    --------
    >>> plane = class_mean_plane([[0, 0, 9], [2, 0, 9], [0, 1, 9]], [0, 1, 2])
    >>> plane([[0, 0, 5]]).shape
    (1, 2)
    """
    X = _some_points(X)
    dim = as_count(dim, "dim")
    labels = as_labels(y, len(X))
    means = np.array([_mean(X[labels.index == j]) for j in range(len(labels.classes))])
    center = _mean(means)
    # Q means span at most Q - 1 directions; those below rounding are not theirs.
    spread = np.linalg.svd(means - center, compute_uv=False)
    rank = int((spread > spread[0] * max(means.shape) * np.finfo(float).eps).sum())
    first = _principal_axes(means - center, min(dim, rank)) if rank else means[:0]
    if len(first) < dim:
        rest = X - center
        rest = rest - rest @ first.T @ first
        # Where the rest does not vary its axes are arbitrary; the QR factorisation makes
        # them orthogonal to the first ones there too.
        both = np.vstack([first, _principal_axes(rest, dim - len(first))])
        first = np.linalg.qr(both.T)[0].T
    return Projection(center, _pad(_positive_signs(first), dim))


def _some_points(X):
    X = as_points(X).astype(float, copy=False)
    if 0 in X.shape:
        raise ValueError(f"X must hold at least one point and one column, got shape {X.shape}")
    return X


def _mean(X):
    """Mean of the rows, whose sum may be larger than any float."""
    exponent = np.frexp(np.abs(X).max(axis=0))[1]
    return np.ldexp(np.ldexp(X, -exponent).mean(axis=0), exponent)


def _principal_axes(Z, dim):
    """First right singular vectors of Z, at most d, signs fixed."""
    N, d = Z.shape
    if N > d:
        # Brought to size 1 first, so that the squares neither overflow nor vanish.
        Z = Z / (np.abs(Z).max() or 1)
        gram = Z.T @ Z
        with factorizing(gram):
            V = np.linalg.eigh(gram)[1].T[::-1]
    else:
        with factorizing(Z):
            V = np.linalg.svd(Z, full_matrices=N < min(dim, d))[2]
    return _positive_signs(V[:dim])


def _positive_signs(axes):
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(len(axes)), largest])
    return axes * np.where(signs == 0, 1, signs)[:, None]


def _pad(axes, dim):
    return np.vstack([axes, np.zeros((dim - len(axes), axes.shape[1]))])


def __dir__():
    return listing(globals())
