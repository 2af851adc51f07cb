"""A labelled data set, and the preparation of raw tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geomcore.arrays import as_labels, as_points
from geomcore.display.page import page
from geomcore.display.thumbnail import scatter_svg
from geomcore.foreign.choices import as_flag
from geomcore.foreign.entries import column, plain
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, named, quoted
from geomcore.projection import class_mean_plane
from geomcore.typing import Array, ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 12  # that a summary counts
MOST_SHOWN = 500  # points in a small picture


class Dataset(NamedTuple):
    """Labelled points.

    Attributes
    ----------
    X : ndarray, shape (N, d)
        Points, one per row.
    y : ndarray, shape (N,)
        Labels.
    name : str
        What to call the data in tables and pictures.
    info : dict
        What is known beyond the points: the numbers they were drawn with, the
        cone or the hyperplanes that separate them, what was removed, ...
    targets : ndarray, shape (Q, k), or None
        What a network is to put out for each label in sorted order, if ``info["targets"]``
        says it; else one-hot rows, or what `y` holds.
    """

    X: Array
    y: NDArray[Any]
    name: str
    info: dict[str, Any]

    @property
    def targets(self) -> Array | None:
        return self.info.get("targets")

    def __repr__(self):
        N, d = np.shape(self.X)
        two = np.ndim(self.y) == 2
        what = f"targets={self.y.shape[1]}" if two else f"classes={len(np.unique(self.y))}"
        return f"{type(self).__name__}({quoted(self.name, 30)}, N={N}, d={d}, {what})"

    def _repr_html_(self):
        return page(self)

    def thumbnail(self) -> str | None:
        """A small picture of at most 500 points, from the side that shows the class means.

        Returns
        -------
        str or None
            An SVG; None where there is nothing to draw.
        """
        rows = np.unique(np.linspace(0, len(self.X) - 1, MOST_SHOWN).astype(int))
        try:
            X, y = as_points(self.X[rows]), self.y[rows]
            plane = X if X.shape[1] == 2 else class_mean_plane(X, y)(X)
            return scatter_svg(plane, as_labels(y, len(X)).index)
        except (ValueError, IndexError):  # no points, or values that are missing
            return None

    def frame(self) -> pd.DataFrame:
        """The data as a table: the features, by their names where these are known, and ``y``.

        Returns
        -------
        pandas.DataFrame
            One row per point; target vectors are the columns y0, y1, ...
        """
        from pandas import DataFrame

        d = self.X.shape[1]
        names, kept = self.info.get("feature_names", ()), self.info.get("kept_columns", ())
        if len(names) > d and len(kept) == d:
            names = [names[k] for k in kept]
        if len(names) != d or len({*names, "y"}) <= d:
            names = [f"x{k}" for k in range(d)]
        targets = {f"y{k}": column for k, column in enumerate(np.transpose(self.y))}
        return DataFrame(self.X, columns=list(names)).assign(
            **(targets if np.ndim(self.y) == 2 else {"y": self.y})
        )

    def summary(self) -> str:
        """What the data are, in one line: points, features, classes and how many of each.

        Examples
        --------
        >>> Dataset(np.eye(3), np.array([0, 1, 1]), "three", {}).summary()
        'three: 3 points, 3 features, 2 classes: 0 (1), 1 (2)'
        """
        N, d = self.X.shape
        parts = [counted(N, "point"), counted(d, "feature")]
        gone = self.info.get("missing_rows", 0)
        if gone:
            parts.append(f"{counted(gone, 'row')} with missing values left out")
        if np.ndim(self.y) == 2:
            parts.append(f"{counted(self.y.shape[1], 'target')} per point")
            return f"{named(self.name)}: {', '.join(parts)}"
        classes, counts = np.unique(self.y, return_counts=True)
        column = self.info.get("label")
        where = "" if column is None else f" in the column {_brief(repr(column))}"
        each = [f"{_brief(str(c))} ({n:,})" for c, n in zip(classes, counts, strict=True)]
        if self.targets is not None and self.targets.shape[1] == 1:
            each = [f"{one} as {t:g}" for one, t in zip(each, self.targets[:, 0], strict=True)]
        elif self.targets is not None:
            where += f" with {counted(self.targets.shape[1], 'target')} each"
        more = f" and {len(each) - MOST_CLASSES} more" if len(each) > MOST_CLASSES else ""
        parts.append(counted(len(classes), "class") + where)
        return f"{named(self.name)}: {', '.join(parts)}: {', '.join(each[:MOST_CLASSES])}{more}"


@answers_keywords
def prepare(
    X: ArrayLike, y: ArrayLike, *, standardize: bool = True
) -> tuple[Array, NDArray[Any], dict[str, Any]]:
    r"""Drop repeated rows and constant columns, and standardise the rest.

    .. math:: x_{ik} \mapsto (x_{ik} - \bar x_k) / s_k, \qquad
              s_k^2 = \frac1N \sum_i (x_{ik} - \bar x_k)^2

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    standardize : bool, optional
        If False, repeated rows are removed and nothing else is done.

    Returns
    -------
    X : ndarray, shape (N', d')
    y : ndarray, shape (N',)
    info : dict
        ``duplicates``, shape (k, 2): each removed row and the earlier row,
        kept, that it repeats; ``conflicts``, shape (k, 2): equal rows whose
        labels differ, both kept; ``dropped_columns`` and ``kept_columns``;
        ``mean`` and ``scale`` of the kept columns (0 and 1 if not standardised).

    Raises
    ------
    ValueError
        If there are no points or the lengths differ.

    Notes
    -----
    Row and column numbers count from 0 in the given table. The mean and the
    scale are those of the rows that remain.

    Examples
    --------
    >>> X, y, info = prepare([[1, 5], [3, 5], [1, 5]], [0, 1, 0])
    >>> X
    array([[-1.],
           [ 1.]])
    >>> info["duplicates"].tolist(), info["dropped_columns"].tolist()
    ([[2, 0]], [1])
    """
    standardize = as_flag(standardize, "standardize")
    X = as_points(X)
    index = as_labels(y, len(X)).index
    if not len(X):
        raise ValueError(f"X must hold at least one point, got shape {X.shape}")
    y = plain(column(y)).array
    pairs, same = _repeated_rows(X, index)
    keep = np.ones(len(X), bool)
    keep[pairs[same, 0]] = False
    X, y = X[keep], y[keep]
    d = X.shape[1]
    varies = (X != X[0]).any(axis=0) if standardize else np.ones(d, bool)
    X = X[:, varies]
    mean, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    if standardize:
        # First brought to size 1, exactly, so that sums and squares do not overflow.
        exponent = np.frexp(np.abs(X).max(axis=0))[1]
        X = np.ldexp(X, -exponent)
        mean, scale = X.mean(axis=0), X.std(axis=0)
        X = (X - mean) / scale
        mean, scale = np.ldexp(mean, exponent), np.ldexp(scale, exponent)
    info = {
        "duplicates": pairs[same],
        "conflicts": pairs[~same],
        "dropped_columns": np.flatnonzero(~varies),
        "kept_columns": np.flatnonzero(varies),
        "mean": mean,
        "scale": scale,
    }
    return X, y, info


def _repeated_rows(X, index):
    """Pairs (row, first row equal to it), shape (k, 2), and whether their labels agree."""
    _, first, group = np.unique(X, axis=0, return_index=True, return_inverse=True)
    earlier = first[group.reshape(-1)]
    rows = np.flatnonzero(earlier != np.arange(len(X)))
    pairs = np.column_stack([rows, earlier[rows]])
    return pairs, index[pairs[:, 0]] == index[pairs[:, 1]]


def _brief(text):
    """A text in printable characters, cut short."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 40 else text[:37] + "..."
