"""Separation of two point sets on the line, which the ends of two intervals tell."""

import numpy as np
from flint import fmpq

from constructions.proof.exact import rational, rounded_weight
from constructions.separation.answer import Separation, meeting
from constructions.separation.hulls import root_above
from constructions.separation.hyperplane import stored_hyperplane


def separate_intervals(A, B, local, rtol):
    """The `Separation` of two sets with one feature, as for `separate`.

    Parameters
    ----------
    A, B : ndarray, shapes (N_A, 1), (N_B, 1)
    local : Local
    rtol : float

    Returns
    -------
    Separation or None
        None if the gap is so narrow that no float lies near the middle.
    """
    ends = [(S[:, 0].argmin(), S[:, 0].argmax()) for S in (A, B)]
    (first_a, last_a), (first_b, last_b) = ends
    for sign, a, b in ((1, first_a, last_b), (-1, last_a, first_b)):
        if sign * A[a, 0] > sign * B[b, 0]:
            plane = stored_hyperplane(A, B, np.array([float(sign)]), local, rtol=rtol)
            bound = root_above((rational(A[a, 0]) - rational(B[b, 0])) ** 2 / 4)
            if plane is None or plane.margin < (1 - rtol) * bound:
                return None
            return Separation(True, *plane, None, (np.array([a]), np.array([b])), bound)
    # the intervals meet, so the first point of one of them is in the other
    swapped = A[first_a, 0] > B[first_b, 0]
    point, (first, last), S = (
        (A[first_a, 0], ends[1], B) if swapped else (B[first_b, 0], ends[0], A)
    )
    low, high = rational(S[first, 0]), rational(S[last, 0])
    share = (rational(point) - low) / (high - low) if high > low else fmpq(0)
    pairs = [(i, rounded_weight(w)) for i, w in ((first, 1 - share), (last, share)) if w > 0]
    rows, weights = map(list, zip(*pairs, strict=True))
    if swapped:
        return meeting(A, B, [first_a], rows, [1.0], weights)
    return meeting(A, B, rows, [first_b], weights, [1.0])
