"""Labels of axes in plain characters, which are drawn ten times faster than formulas are set."""

import math
import re

from matplotlib.ticker import LogFormatterSciNotation, NullLocator

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FEW_DECADES = 1  # below, ticks between powers are needed


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
