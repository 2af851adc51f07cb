"""Polytopes: what a binary classifier is to find, and how far points are from it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Self

import numpy as np

from geomcore.arrays import as_array, as_number, as_points, as_positive, freeze
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.regions.regions import FARTHEST, THIN, on_box
from geomcore.typing import Array, ArrayLike, Integers

if TYPE_CHECKING:
    from geomcore.datasets.dataset import Dataset

UNIT = 1e-12  # normals whose lengths differ from 1 by no more are left as they are
MARGIN = 0.2  # how far from a polytope its boundary ends, as in the sources
ZONES = ("interior", "boundary", "exterior")
SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
REACH = 1e-9  # of the box: what is beyond it by less is rounding


@answers_keywords
@dataclass(frozen=True, eq=False, repr=False)
class Polytope:
    r"""An intersection of half-spaces.

    .. math:: P = \{ x : n_i \cdot x \le r_i, \; i = 1, \dots, F \}

    Parameters
    ----------
    normals : array_like, shape (F, d)
        The :math:`n_i`, none of them 0. They are scaled to length 1, with their offsets.
    offsets : array_like, shape (F,)
        The :math:`r_i`; the origin is inside if all of them are positive.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a normal is 0, or an offset is beyond the floats when
        its normal has length 1.

    See Also
    --------
    geomcore.datasets.polytope : draws one, and points around it; then `Polytope.of`.

    Examples
    --------
    >>> square = Polytope([[1, 0], [0, 2], [-1, 0], [0, -1]], [1, 2, 1, 1])
    >>> square.slack([[0, 0], [1, 1], [3, 0]])
    array([-1.,  0.,  2.])
    """

    normals: Array
    offsets: Array

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(self, normals: ArrayLike, offsets: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        normals, offsets = (
            as_array(self.normals, "normals", 2),
            as_array(self.offsets, "offsets", 1),
        )
        if not normals.size:
            raise ValueError(f"normals must not be empty, got shape {normals.shape}")
        if len(normals) != len(offsets):
            raise ValueError(
                f"offsets must have one entry per normal ({len(normals)}), got {len(offsets)}"
            )
        largest = np.abs(normals).max(axis=1)
        if not (largest > 0).all():
            raise ValueError(f"normals must not be 0, got zeros in row {int(largest.argmin())}")
        # by the largest entry first: squares of tiny and huge ones are no floats
        relative = normals / largest[:, None]
        length = np.linalg.norm(relative, axis=1)
        is_unit = np.abs(largest * length - 1) <= UNIT
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.where(is_unit, offsets, offsets / largest / length)
        if not np.isfinite(scaled).all():
            raise ValueError(
                "offsets must be finite once normals have length 1, got "
                f"{offsets[~np.isfinite(scaled)][0]:g} for one of length "
                f"{(largest * length)[~np.isfinite(scaled)][0]:g}"
            )
        normals = np.where(is_unit[:, None], normals, relative / length[:, None])
        object.__setattr__(self, "normals", freeze(normals))
        object.__setattr__(self, "offsets", freeze(scaled))

    @classmethod
    def of(cls, data: Dataset) -> Self:
        """The polytope of a `Dataset` that `geomcore.datasets.polytope` drew.

        Examples
        --------
        >>> from geomcore import datasets
        >>> data = datasets.polytope(50, rng=0)
        >>> bool(((Polytope.of(data).slack(data.X) <= 0) == data.y).all())
        True
        """
        info = getattr(data, "info", None)
        if not isinstance(info, dict) or not {"normals", "offsets"} <= set(info):
            raise ValueError(f"data must be a Dataset of datasets.polytope, got {quoted(data)}")
        return cls(info["normals"], info["offsets"])

    @property
    def d(self) -> int:
        """Dimension."""
        return self.normals.shape[1]

    def __repr__(self):
        return listed(self, {"faces": len(self.offsets), "d": self.d, "offsets": self.offsets})

    def slack(self, X: ArrayLike) -> Array:
        r"""How far points are beyond the face that they are farthest beyond, shape (N,).

        .. math:: d(x) = -\min_i (r_i - n_i \cdot x)

        Not positive inside, there minus the distance from the boundary; outside at most the
        distance from the polytope.
        """
        X = as_points(X, d=self.d)
        return (X @ self.normals.T - self.offsets).max(axis=1)

    def zones(self, X: ArrayLike, *, margin: float = MARGIN) -> Integers:
        """Where points are, shape (N,): 0 in the interior (slack <= 0), 1 beyond it by less than
        `margin`, 2 in the exterior.
        """
        margin, slack = as_positive(margin, "margin"), self.slack(X)
        return (slack > 0).astype(int) + (slack >= margin)

    def grown(self, margin: float) -> Polytope:
        """The polytope whose faces are farther out by `margin`: where the slack is at most that."""
        return Polytope(self.normals, self.offsets + as_number(margin, "margin"))

    def polygon(self, box: ArrayLike) -> Array:
        """Corners of its part in a box of the plane, shape (n, 2), counterclockwise; n = 0 if none.

        Parameters
        ----------
        box : array_like, shape (2, 2), or float
            Lower and upper end of each coordinate; a number: half the side of a square around 0.
        """
        from geomcore.mesa.clipping import clipped

        if self.d != 2:
            raise ValueError(f"a polygon is in the plane, this polytope is in dimension {self.d}")
        box = as_box(box, 2)
        return on_box(clipped(SQUARE, self.faces_on(box)), box)

    def faces_on(self, box: ArrayLike) -> Array:
        """Faces as functions on the cube from -1 to 1 that a box is, shape (F, d + 1).

        Coefficients of the coordinates and of 1, not positive inside, the largest modulus 1.
        """
        low, high = box.T
        slopes = self.normals * (high / 2 - low / 2)
        with np.errstate(over="ignore"):
            constants = self.normals @ (low / 2 + high / 2) - self.offsets
        functions = np.column_stack([slopes, constants])
        functions = np.clip(functions, -np.finfo(float).max, np.finfo(float).max)
        return functions / np.abs(functions).max(axis=1, keepdims=True)

    def reaches_beyond(self, box: ArrayLike) -> bool:
        """Whether it has points outside of a box that it meets; a polytope without end has."""
        box = as_box(box, self.d)
        faces = self.faces_on(box)
        far = 4.0  # a convex set that meets the cube and leaves it is between it and this one
        if self.d == 2:
            from geomcore.mesa.clipping import clipped

            return bool((np.abs(clipped(far * SQUARE, faces)) > 1 + REACH).any())
        from scipy.optimize import linprog

        for k in range(self.d):
            for sign in (-1.0, 1.0):
                goal = np.zeros(self.d)
                goal[k] = -sign
                found = linprog(
                    goal,
                    faces[:, :-1],
                    -faces[:, -1],
                    bounds=[(-far, far)] * self.d,
                    method="highs",
                )
                if found.status == 0 and -found.fun > 1 + REACH:
                    return True
        return False


def as_box(box, d):
    """A box as lower and upper ends, shape (d, 2), from these or from half the side of a cube."""
    if isinstance(box, Real | np.number):
        half = as_positive(box, "box")
        box = np.array([[-half, half]] * d)
    box = as_array(box, "box", 2)
    if box.shape != (d, 2) or not (box[:, 0] < box[:, 1]).all():
        raise ValueError(
            f"box must be a number or {d} pairs of numbers, the lower end first, got "
            f"{quoted(box.tolist())}"
        )
    largest, half = np.abs(box).max(axis=1), box[:, 1] / 2 - box[:, 0] / 2
    if not ((largest <= FARTHEST) & (half > np.maximum(THIN * largest, 1 / FARTHEST))).all():
        raise ValueError(
            f"box must have ends up to {FARTHEST:g} and sides above {THIN:g} of these, got "
            f"{quoted(box.tolist())}"
        )
    return box
