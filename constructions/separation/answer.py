"""What is said of two point sets: a hyperplane with its margin, or a common point of the hulls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from constructions.separation.hulls import HullCertificate, certificate
from geomcore.display.lines import brief
from geomcore.display.page import page
from geomcore.typing import Array, Integers


@dataclass(frozen=True, eq=False)
class Separation:
    """Answer of `separate`.

    Attributes
    ----------
    separable : bool or None
        True: the hyperplane below separates strictly, proved by exact signs.
        False: `certificate` proves that none does. None: undetermined; no
        floats for a normal and an offset were found that separate, and no
        common point.
    normal : ndarray, shape (d,), or None
        Normal of length 1, to within 1e-12, pointing from B to A.
    offset : float
        ``A @ normal + offset >= margin`` and ``B @ normal + offset <= -margin``.
    margin : float
        Half the distance of the hulls, rounded down; 0 if not separable. These
        inequalities hold exactly for the floats as stored, in exact arithmetic, and
        they hold with ``margin * norm(normal)``, should that be more: no point is
        nearer to the hyperplane than the margin.
    certificate : HullCertificate or None
    support : tuple of ndarray of int, shapes (a,) and (b,)
        Rows of A and of B that decided the answer: removing others changes nothing.
    bound : float
        No hyperplane has a margin larger than this, which is rounded up: half the
        distance of two convex combinations. 0 if not separable, inf if nothing is known.
    """

    separable: bool | None
    normal: Array | None
    offset: float
    margin: float
    certificate: HullCertificate | None
    support: tuple[Integers, Integers]
    bound: float = np.inf

    __repr__ = brief
    _repr_html_ = page

    def summary(self) -> str:
        """A few lines for a reader.

        Examples
        --------
        >>> from constructions import separate
        >>> print(separate([[0.0], [1.0]], [[2.0]]).summary())
        separable (proved): margin 0.5, no hyperplane has more than 0.5
        decided by 1 row of A and 1 row of B
        """
        if self.separable:
            lines = [
                f"separable (proved): margin {self.margin:.6g}, "
                f"no hyperplane has more than {self.bound:.6g}"
            ]
        elif self.separable is None:
            lines = ["undetermined: no floats that separate were found, and no common point"]
        else:
            lines = ["not separable (proved): the hulls have a point in common"]
        rows = [
            f"{len(r)} row{'s' * (len(r) != 1)} of {s}"
            for r, s in zip(self.support, "AB", strict=True)
        ]
        return "\n".join([*lines, f"decided by {' and '.join(rows)}"])


def meeting(A, B, rows_a, rows_b, weights_a, weights_b):
    """The answer for two sets with a common point of their hulls on these rows."""
    found = certificate(A, B, rows_a, rows_b, weights_a, weights_b)
    return Separation(False, None, 0.0, 0.0, found, (np.array(rows_a), np.array(rows_b)), 0.0)
