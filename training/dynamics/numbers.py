"""Arrays of measurements, some of them missing, at a size at which squares stay in range."""

import numpy as np

from geomcore.foreign.wording import quoted


def as_measured(values, name):
    """Numbers as an array of floats; nan stays, and says that one is missing.

    Raises
    ------
    ValueError
        If they are no numbers, or no rectangular array.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiub" and array.dtype != object:
            raise ValueError
        return array.astype(float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be an array of numbers, nan where there is none, got {quoted(values)}"
        ) from None


def to_size_one(array):
    """An array divided by a power of two, and its exponent; nan and inf have no part in it."""
    largest = np.abs(array).max(initial=0.0, where=np.isfinite(array))
    exponent = int(np.frexp(largest)[1])
    return np.ldexp(array, -exponent), exponent
