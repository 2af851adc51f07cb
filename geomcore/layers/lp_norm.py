"""The Lp-norm layer: the head of the mesa experiments."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_layer, freeze
from geomcore.foreign.wording import quoted
from geomcore.layers.norm import Norm
from geomcore.typing import Array, ArrayLike

MOST = float(np.finfo(float).max)


@dataclass(frozen=True, eq=False, repr=False)
class LpNorm(Norm):
    r"""Weighted Lp norms of the rows.

    .. math:: y_k = \Big( \sum_i |W_{ki} x_i|^p \Big)^{1/p} + b_k

    For p = 1 and inputs that are not negative, as after a ReLU, this is the
    affine layer with weights :math:`|W_{ki}|`.

    Parameters
    ----------
    W : array_like, shape (m, n)
    b : array_like, shape (m,)
    p : float
        At least 1, finite.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a value is nan or inf, or p is out of range.

    Notes
    -----
    Sums are taken relative to the largest term, so that neither a large p nor
    terms of any size overflow or underflow in between. Derivatives of a norm at 0, and of
    the modulus of a term at 0, are taken as 0; for 1 < p < 2 the second
    derivative does not exist where a term is 0 and is taken as 0 there. Memory
    O(N m n) for N rows.

    Examples
    --------
    >>> LpNorm([[3, 4]], [10], p=2)(np.array([[1.0, -1.0], [0.0, 0.0]]))
    array([[15.],
           [10.]])
    """

    W: Array
    b: Array
    p: float

    letters = ("W", "b")

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(self, W: ArrayLike, b: ArrayLike, p: float) -> None: ...

    def __post_init__(self) -> None:
        if isinstance(self.p, bool) or not isinstance(self.p, Real) or not 1 <= self.p <= MOST:
            raise ValueError(f"p must be a finite number, at least 1, got {quoted(self.p)}")
        W, b = as_layer(self.W, self.b)
        object.__setattr__(self, "W", freeze(W))
        object.__setattr__(self, "b", freeze(b))
        object.__setattr__(self, "p", float(self.p))

    def _orders(self, tensors):
        return self.p
