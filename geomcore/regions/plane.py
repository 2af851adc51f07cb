"""The map from the square from -1 to 1 into input space, each of its numbers rounded once."""

from fractions import Fraction

import numpy as np

# The least float with all digits.
SMALLEST = float(np.finfo(float).tiny)


def map_of_square(box, origin, basis):
    """The point of input space at (x, y) of the square, shape (d, 3), and what underflows in it.

    ``origin + middle @ basis`` may cancel: it is reckoned in rational numbers and then rounded, so
    that every coefficient is right to half a unit in its last place, unless it underflows.

    Parameters
    ----------
    box : ndarray, shape (2, 2)
        Lower and upper end of each coordinate of the plane.
    origin : ndarray, shape (d,)
    basis : ndarray, shape (2, d)

    Returns
    -------
    coefficients : ndarray, shape (d, 3)
        Of x, y and 1, inf where one is beyond the floats.
    is_lost : ndarray of bool, shape (d,)
        Where digits of one of the three are lost since it is too small.
    """
    ends = [[Fraction(end) for end in side] for side in box.tolist()]
    middle = [(low + high) / 2 for low, high in ends]
    half = [(high - low) / 2 for low, high in ends]
    coefficients = np.empty((len(origin), 3))
    is_lost = np.zeros(len(origin), dtype=bool)
    for k, numbers in enumerate(zip(*basis.tolist(), origin.tolist(), strict=True)):
        u, v, start = map(Fraction, numbers)
        exact = half[0] * u, half[1] * v, start + middle[0] * u + middle[1] * v
        coefficients[k] = [_rounded(value) for value in exact]
        is_lost[k] = any(map(_is_lost, exact, coefficients[k].tolist()))
    return coefficients, is_lost


def _rounded(value):
    """The nearest float, inf beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _is_lost(value, rounded):
    """Whether a number has lost digits since it is below the least normal float."""
    return abs(rounded) <= SMALLEST and Fraction(rounded) != value
