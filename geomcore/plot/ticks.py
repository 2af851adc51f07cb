"""Labels of axes in plain characters, which are drawn ten times faster than formulas are set."""

import math
import re

import numpy as np
from matplotlib.ticker import LogFormatterSciNotation, NullLocator

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FEW_DECADES = 1  # below, ticks between powers are needed
DIGIT = 0.095  # width of a digit of size 10, in inches, with what is around it


class Powers(LogFormatterSciNotation):
    """Powers of ten as text, and what is between them.

    Examples
    --------
    >>> Powers()(1e-12), Powers()(0.0)
    ('10⁻¹²', '0')
    >>> Powers()(0.02), Powers()(3e-9)
    ('0.02', '3×10⁻⁹')
    """

    def __call__(self, x, pos=None):
        text = super().__call__(x, pos)
        text = re.sub(r"^\$\\mathdefault\{(.*)\}\$$", r"\1", text).replace(r"\times", "×")
        if "×" in text and 1e-3 <= abs(x) < 1e4:
            return f"{x:g}"
        return re.sub(r"\^\{(-?\d+)\}", lambda found: found[1].translate(RAISED), text)


def powers(axis, low, high):
    """Label a logarithmic axis by powers of ten; between them ticks only if there are few.

    Parameters
    ----------
    axis : matplotlib Axis
        Logarithmic, or linear close to 0.
    low, high : float
        What of it is to be seen, positive.
    """
    axis.set_major_formatter(Powers())
    if math.log10(high / low) > FEW_DECADES:
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_minor_formatter(Powers(minor_thresholds=(1, 0.4)))


def coordinate(k):
    """The name of coordinate number k, from 0.

    Examples
    --------
    >>> coordinate(0), coordinate(11)
    ('x₁', 'x₁₂')
    """
    return "x" + str(k + 1).translate(LOWERED)


def places_apart(places, widths, most):
    """The lowest level for each of a row of labels at which it covers none that stands before it.

    Parameters
    ----------
    places : sequence of float
        Middles of the labels, in increasing order.
    widths : sequence of float
        In the same unit; with the room that is to be between two labels.
    most : int
        Number of levels.

    Returns
    -------
    list of int
        Levels from 0; -1 where there is no room on any.

    Examples
    --------
    >>> places_apart([0, 1, 2], [1.5, 1.5, 1.5], most=2)
    [0, 1, 0]
    """
    ends, found = [-math.inf] * most, []
    for place, width in zip(places, widths, strict=True):
        left, right = place - width / 2, place + width / 2
        level = next((k for k, end in enumerate(ends) if left >= end), -1)
        if level >= 0:
            ends[level] = right
        found.append(level)
    return found


def marks(axis, low, high, sizes, inches):
    """Put a tick at each of the sizes that were tried, with its number where there is room.

    Parameters
    ----------
    axis : matplotlib Axis
        Its scale is set.
    low, high : float
        Ends of the axis.
    sizes : array_like, shape (k,)
        Distinct, in increasing order.
    inches : float
        Length of the axis.
    """
    at = axis.get_transform().transform
    ends = at(np.array([low, high], float))
    places = inches * (at(np.asarray(sizes, float)) - ends[0]) / np.ptp(ends)
    names = [f"{size:.3g}" for size in sizes]
    names = [Powers()(x) if "e" in name else name for x, name in zip(sizes, names, strict=True)]
    levels = places_apart(places, [DIGIT * (len(name) + 1) for name in names], 1)
    axis.set_ticks(sizes, [name if k == 0 else "" for name, k in zip(names, levels, strict=True)])
    axis.set_minor_locator(NullLocator())
