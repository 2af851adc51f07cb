"""What is said of two point sets: a hyperplane with its margin, or a common point of the hulls."""

from dataclasses import dataclass

import numpy as np

from constructions.separation.hulls import HullCertificate, certificate


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
    support : tuple of ndarray of int
        Rows of A and of B that decided the answer: removing others changes nothing.
    bound : float
        No hyperplane has a margin larger than this, which is rounded up: half the
        distance of two convex combinations. 0 if not separable, inf if nothing is known.
    """

    separable: bool | None
    normal: np.ndarray | None
    offset: float
    margin: float
    certificate: HullCertificate | None
    support: tuple[np.ndarray, np.ndarray]
    bound: float = np.inf


def meeting(A, B, rows_a, rows_b, weights_a, weights_b):
    """The answer for two sets with a common point of their hulls on these rows."""
    found = certificate(A, B, rows_a, rows_b, weights_a, weights_b)
    return Separation(False, None, 0.0, 0.0, found, (np.array(rows_a), np.array(rows_b)), 0.0)
