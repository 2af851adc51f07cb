"""The order in which hyperplanes cut classes off, one after another, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from constructions.separation.answer import Separation
from constructions.separation.separation import separate
from geomcore.arrays import as_labels, as_points, as_rtol
from geomcore.display.lines import folded, listed
from geomcore.display.page import page
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import named
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Order:
    """Answer of `elimination_order`.

    Attributes
    ----------
    order : list
        Labels in the order of elimination; all classes if it succeeded.
    margins : list of float
        Margin of each class against all that come after it; the last one,
        which nothing comes after, has inf.
    separations : list of Separation
        For each class but the last.
    stuck : dict
        Empty if every class was eliminated; else, for each remaining label,
        the certificate that it cannot be separated from the other remaining
        classes (None where double precision does not decide).
    """

    order: list[Any]
    margins: list[float]
    separations: list[Separation]
    stuck: dict[Any, Any]

    @property
    def complete(self) -> bool:
        """True if every class is in the order."""
        return not self.stuck

    def __repr__(self):
        values = {"order": self.order, "margins": self.margins, "stuck": list(self.stuck)}
        return listed(self, values)

    _repr_html_ = page

    def frame(self) -> pd.DataFrame:
        """The classes as a table, in the order of elimination and then those that are stuck.

        Returns
        -------
        pandas.DataFrame
            One row per class: label, margin (nan if it is stuck), separable (True, False, or
            None where that is undetermined).
        """
        from pandas import DataFrame

        rows = [
            (label, margin, True) for label, margin in zip(self.order, self.margins, strict=True)
        ]
        rows += [
            (label, np.nan, None if certificate is None else False)
            for label, certificate in self.stuck.items()
        ]
        return DataFrame(rows, columns=["label", "margin", "separable"])

    def summary(self) -> str:
        """A few lines for a reader."""
        return folded(self._lines())

    def _lines(self):
        lines = [
            f"{named(label)}: margin {margin:.3g}"
            for label, margin in zip(self.order, self.margins, strict=True)
        ]
        for label, certificate in self.stuck.items():
            what = "undetermined, no floats were found that separate it"
            if certificate is not None:
                what = "not separable, its hull meets the hull of the other remaining classes"
            lines.append(f"{named(label)}: {what}")
        return lines


@answers_keywords
def elimination_order(X: ArrayLike, y: ArrayLike, *, rtol: float = 1e-3) -> Order:
    """Order in which the classes can be separated from the rest, one after another.

    Greedy: of the classes separable from all other remaining points, the one
    with the largest margin goes first. A class that is separable stays so
    when another one is removed, so the greedy order exists iff any order does.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    rtol : float, optional
        Each margin is within this factor of the largest one possible.

    Returns
    -------
    Order

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is nan or inf, or there is one class only.

    Notes
    -----
    At most Q (Q + 1) / 2 separations; one whose support loses no point when a
    class is removed is kept as it is, and others start from what is left of it.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, Definition 5.1.

    Examples
    --------
    >>> found = elimination_order([[0.0], [2.0], [1.0]], ["a", "a", "b"])
    >>> found.order, sorted(found.stuck)
    ([], ['a', 'b'])
    """
    X = as_points(X).astype(np.float64, copy=False)
    rtol, labels = as_rtol(rtol, X.shape), as_labels(y, len(X))
    if len(labels.classes) < 2:
        raise ValueError(f"y must hold at least two classes, got {labels.classes.tolist()}")
    names = labels.classes.tolist()
    remaining = list(range(len(names)))
    known = {}
    order, margins, separations = [], [], []
    while len(remaining) > 1:
        alive = np.isin(labels.index, remaining)
        for q in remaining:
            known[q] = _separate_class(X, labels.index, alive, q, known.get(q), rtol)
        candidates = [q for q in remaining if known[q].answer.separable]
        if not candidates:
            break
        largest = max(known[q].answer.margin for q in candidates)
        best = next(q for q in candidates if known[q].answer.margin >= (1 - rtol) * largest)
        order.append(best)
        separations.append(known[best].answer)
        margins.append(known[best].answer.margin)
        remaining.remove(best)
    stuck = {}
    if len(remaining) == 1:
        order.append(remaining[0])
        margins.append(np.inf)
    else:
        stuck = {names[q]: known[q].answer.certificate for q in remaining}
    return Order([names[q] for q in order], margins, separations, stuck)


class _Known(NamedTuple):
    """Separation of a class from the other points alive, and which rows of X these are."""

    answer: Separation
    others: np.ndarray


def _separate_class(X, index, alive, q, known, rtol):
    """Separation of class q from the other points alive.

    `known` is the answer before some points were removed, or None.
    """
    own, others = np.flatnonzero(index == q), np.flatnonzero(alive & (index != q))
    start = None
    if known is not None:
        rows_a, rows_b = known.answer.support
        kept = alive[known.others[rows_b]]
        start = rows_a, np.searchsorted(others, known.others[rows_b[kept]])
        if kept.all():
            return _Known(_among_others(known, alive, start), others)
    return _Known(separate(X[own], X[others], start=start, rtol=rtol), others)


def _among_others(known, alive, support):
    """The same answer, in row numbers of the points that are left."""
    certificate = known.answer.certificate
    if certificate is not None:
        certificate = certificate._replace(weights_b=certificate.weights_b[alive[known.others]])
    return replace(known.answer, certificate=certificate, support=support)
