r"""Penalties: terms added to the loss that depend on the parameters alone.

A penalty is a small object with `tensors`, the names of the tensors it acts on
(None: all of them), a ``value(p)`` and a ``gradient(p)``. It gets one tensor at
a time, with a leading trial axis: (T, m, n) or (T, m) give values (T,).
Penalties change the steps; the losses that are recorded, and that stopping
rules look at, are those of the data alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_positive
from geomcore.foreign.wording import quoted
from geomcore.typing import Array

# Multiples of its width at which a Gaussian is 0 in double precision.
BEYOND = 40.0


@dataclass(frozen=True)
class L1:
    r"""The sum of absolute values, :math:`\lambda \sum |t|`; its derivative at 0 is taken as 0.

    Parameters
    ----------
    weight : float
        :math:`\lambda > 0`.
    tensors : sequence of str, optional
        Names such as ``["W1", "b2"]``; default all tensors.

    Raises
    ------
    ValueError
        If the weight is not a positive number.

    Examples
    --------
    >>> L1(0.5).value(np.array([[1.0, -2.0]])), L1(0.5).gradient(np.array([[1.0, -2.0]]))
    (array([1.5]), array([[ 0.5, -0.5]]))
    """

    weight: float
    tensors: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))

    def value(self, p: Array) -> Array:
        return self.weight * np.abs(p).reshape(len(p), -1).sum(axis=1)

    def gradient(self, p: Array) -> Array:
        return self.weight * np.sign(p)


@dataclass(frozen=True)
class L2:
    r"""The sum of squares, :math:`\lambda \sum t^2` (weight decay).

    Parameters
    ----------
    weight, tensors
        As for `L1`.

    Raises
    ------
    ValueError
        If the weight is not a positive number.

    Examples
    --------
    >>> L2(0.5).value(np.array([[1.0, -2.0]])), L2(0.5).gradient(np.array([[1.0, -2.0]]))
    (array([2.5]), array([[ 1., -2.]]))
    """

    weight: float
    tensors: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))

    def value(self, p: Array) -> Array:
        return self.weight * (p * p).reshape(len(p), -1).sum(axis=1)

    def gradient(self, p: Array) -> Array:
        return 2 * self.weight * p


@dataclass(frozen=True)
class NegativePart:
    r"""The squares of negative entries, :math:`\lambda \sum \max(-t, 0)^2`.

    Parameters
    ----------
    weight, tensors
        As for `L1`.

    Raises
    ------
    ValueError
        If the weight is not a positive number.

    Examples
    --------
    >>> NegativePart(2.0).value(np.array([[1.0, -2.0]]))
    array([8.])
    >>> NegativePart(2.0).gradient(np.array([[1.0, -2.0]]))
    array([[ 0., -8.]])
    """

    weight: float
    tensors: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))

    def value(self, p: Array) -> Array:
        return L2(self.weight).value(np.minimum(p, 0))

    def gradient(self, p: Array) -> Array:
        return 2 * self.weight * np.minimum(p, 0)


@dataclass(frozen=True)
class SmoothL0:
    r"""A smooth count of entries that are not 0, :math:`\lambda \sum (1 - e^{-t^2 / 2 s^2})` [1]_.

    For a width s that goes to 0 it counts them.

    Parameters
    ----------
    weight, tensors
        As for `L1`.
    width : float
        s > 0: what is much smaller counts as 0, what is much larger as 1.

    Raises
    ------
    ValueError
        If weight or width is not a positive number.

    References
    ----------
    .. [1] H. Mohimani, M. Babaie-Zadeh, C. Jutten, "A fast approach for overcomplete sparse
       decomposition based on smoothed l0 norm", arXiv:0809.2508, section II.

    Examples
    --------
    >>> SmoothL0(2.0, width=0.1).value(np.array([[0.0, 1.0, -0.1]])).round(4)
    array([2.7869])
    >>> SmoothL0(2.0, width=0.1).gradient(np.array([[0.0, 1.0, -0.1]])).round(4)
    array([[  0.    ,   0.    , -12.1306]])
    """

    weight: float
    tensors: Sequence[str] | None = None
    width: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))
        object.__setattr__(self, "width", as_positive(self.width, "width"))

    def value(self, p: Array) -> Array:
        return self.weight * -np.expm1(self._exponent(p)).reshape(len(p), -1).sum(axis=1)

    def gradient(self, p: Array) -> Array:
        return self.weight * (np.exp(self._exponent(p)) * p / self.width / self.width)

    def _exponent(self, p):
        # Beyond it the exponential is 0, and squares overflow.
        return -0.5 * np.minimum(np.abs(p) / self.width, BEYOND) ** 2


def as_terms(terms, name, parts):
    """Return `terms`, one object or a sequence of objects that have `parts`, as a tuple.

    Parameters
    ----------
    terms : object or sequence of objects
    name : str
        Name of the argument, for the error message.
    parts : tuple of str
        Attributes that each object must have.

    Raises
    ------
    ValueError
        If one of them lacks a part.
    """
    if not isinstance(terms, type) and all(hasattr(terms, part) for part in parts):
        return (terms,)
    if not isinstance(terms, list | tuple) or not all(
        hasattr(term, part) and not isinstance(term, type) for term in terms for part in parts
    ):
        raise ValueError(f"{name} must be objects with {', '.join(parts)}, got {quoted(terms)}")
    return tuple(terms)
