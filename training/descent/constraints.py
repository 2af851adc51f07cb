r"""Constraints: projections of tensors, applied after every step.

A constraint is a small object with `tensors`, the names of the tensors it acts
on (None: all of them), and a ``project(p)`` that maps one tensor with a leading
trial axis, (T, m, n) or (T, m), to the nearest one that is allowed. It acts from
the first step on; a starting point that violates it is left as it is. Nothing
is changed in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_positive
from geomcore.foreign.wording import quoted
from geomcore.typing import Array


@dataclass(frozen=True)
class NonNegative:
    """Keep all entries at least 0.

    Parameters
    ----------
    tensors : sequence of str, optional
        Names such as ``["W1", "b2"]``; default all tensors.

    Examples
    --------
    >>> NonNegative().project(np.array([[1.0, -2.0]]))
    array([[1., 0.]])
    """

    tensors: Sequence[str] | None = None

    def project(self, p: Array) -> Array:
        return np.maximum(p, 0)


@dataclass(frozen=True)
class Box:
    """Keep all entries between `low` and `high`; with 0 and 0 a tensor is taken out.

    Parameters
    ----------
    low, high : float
        -inf and inf are no bounds.
    tensors : sequence of str, optional
        As for `NonNegative`.

    Raises
    ------
    ValueError
        If they are no numbers, or not in this order.

    Examples
    --------
    >>> Box(-1.0, 0.5).project(np.array([[1.0, -2.0]]))
    array([[ 0.5, -1. ]])
    """

    low: float
    high: float
    tensors: Sequence[str] | None = None

    def __post_init__(self) -> None:
        numbers = (self.low, self.high)
        is_number = all(isinstance(v, int | float | np.integer | np.floating) for v in numbers)
        if not (is_number and self.low <= self.high and self.low < np.inf and self.high > -np.inf):
            raise ValueError(
                f"low and high must be numbers in this order, got {quoted(self.low)} and "
                f"{quoted(self.high)}"
            )

    def project(self, p: Array) -> Array:
        return np.clip(p, self.low, self.high)


@dataclass(frozen=True)
class UnitColumns:
    """Keep the norm of every column of a matrix at 1; a vector counts as one column.

    A column of zeros has no nearest unit vector and stays.

    Parameters
    ----------
    tensors : sequence of str, optional
        As for `NonNegative`.

    Examples
    --------
    >>> UnitColumns().project(np.array([[[3.0, 0.0], [4.0, 0.0]]]))
    array([[[0.6, 0. ],
            [0.8, 0. ]]])
    """

    tensors: Sequence[str] | None = None

    def project(self, p: Array) -> Array:
        _, directions, norm = _polar(p, axis=1)
        return directions / norm


@dataclass(frozen=True)
class UnitNorm:
    """Keep the Frobenius norm of a tensor at 1; a tensor of zeros stays.

    Parameters
    ----------
    tensors : sequence of str, optional
        As for `NonNegative`.

    Examples
    --------
    >>> UnitNorm().project(np.array([[[3.0, 4.0]], [[0.0, 0.0]]]))
    array([[[0.6, 0.8]],
    <BLANKLINE>
           [[0. , 0. ]]])
    """

    tensors: Sequence[str] | None = None

    def project(self, p: Array) -> Array:
        _, directions, norm = _polar(p, axis=tuple(range(1, p.ndim)))
        return directions / norm


@dataclass(frozen=True)
class MaxNorm:
    """Keep the Frobenius norm of a tensor at most `limit`.

    Parameters
    ----------
    limit : float
    tensors : sequence of str, optional
        As for `NonNegative`.

    Raises
    ------
    ValueError
        If the limit is not a positive number.

    Examples
    --------
    >>> MaxNorm(1.0).project(np.array([[3.0, 4.0], [0.3, 0.4]]))
    array([[0.6, 0.8],
           [0.3, 0.4]])
    """

    limit: float
    tensors: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", as_positive(self.limit, "limit"))

    def project(self, p: Array) -> Array:
        top, directions, norm = _polar(p, axis=tuple(range(1, p.ndim)))
        return np.where(top * norm > self.limit, directions * (self.limit / norm), p)


def _polar(p, axis):
    """The largest modulus, p relative to it, and the norm of that; 1, 0 and 1 for zeros.

    Squares of tiny or huge entries would underflow or overflow.
    """
    top = np.abs(p).max(axis=axis, keepdims=True)
    top = np.where(top == 0, 1.0, top)
    directions = p / top
    norm = np.sqrt((directions * directions).sum(axis=axis, keepdims=True))
    return top, directions, np.where(norm == 0, 1.0, norm)
