"""The Lp-norm layer whose orders are parameters, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from geomcore.arrays import as_array, as_layer, freeze
from geomcore.foreign.wording import counted, quoted
from geomcore.layers.norm import Norm, Parts
from geomcore.typing import Array, ArrayLike, Floats


@dataclass(frozen=True, eq=False, repr=False)
class LearnedLpNorm(Norm):
    r"""Weighted Lp norms of the rows, with an order for each that training moves.

    .. math:: y_k = \Big( \sum_i |W_{ki} x_i|^{p_k} \Big)^{1/p_k} + b_k,
              \qquad p_k = 1 + \log(1 + e^{r_k})

    Any r gives an order of at least 1; the parametrisation is that of [1]_.

    Parameters
    ----------
    W : array_like, shape (m, n)
    b : array_like, shape (m,)
    r : array_like, shape (m,)

    Attributes
    ----------
    p : ndarray, shape (m,)
        The orders.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a value is nan or inf.

    See Also
    --------
    LpNorm : one order, which stays; the notes there hold here.

    Notes
    -----
    The derivative by :math:`p_k` is :math:`-\|t\|_p H / p^2` with H the entropy of the
    fractions :math:`|t_i|^p / \sum_j |t_j|^p`: a larger order never gives a larger norm.

    References
    ----------
    .. [1] C. Gulcehre, K. Cho, R. Pascanu, Y. Bengio, "Learned-norm pooling for deep
       feedforward and recurrent neural networks", arXiv:1311.1780, section 2.

    Examples
    --------
    >>> layer = LearnedLpNorm.of_orders([[3, 4]], [10], [2])
    >>> layer.p, layer(np.array([[1.0, -1.0]]))
    (array([2.]), array([[15.]]))
    """

    W: Array
    b: Array
    r: Array

    letters = ("W", "b", "r")

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(self, W: ArrayLike, b: ArrayLike, r: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        W, b = as_layer(self.W, self.b)
        r = as_array(self.r, "r", 1)
        if len(r) != len(W):
            raise ValueError(
                f"r must have one entry per row of W ({len(W)}), got {counted(len(r), 'entry')}"
            )
        for name, tensor in zip(self.letters, (W, b, r), strict=True):
            object.__setattr__(self, name, freeze(tensor))

    @classmethod
    def of_orders(cls, W: ArrayLike, b: ArrayLike, p: ArrayLike) -> Self:
        """The layer whose orders are `p`, (m,), all above 1."""
        p = as_array(p, "p", 1)
        if not (p > 1).all():
            raise ValueError(f"p must be above 1, got {quoted(p)}")
        # log(e^q - 1) for q = p - 1, without overflow.
        return cls(W, b, p - 1 + np.log(-np.expm1(1 - p)))

    @property
    def p(self) -> Array:
        return _orders(self.r)

    def gradients(
        self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats
    ) -> list[Floats]:
        parts = Parts(self._terms(tensors[0], X), self._orders(tensors))
        by_order = (grad * parts.by_order[..., 0]).sum(axis=-2)
        return [*super().gradients(tensors, X, out, grad), by_order * _sigmoid(tensors[2])]

    def gradients_tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        grad: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
        dgrad: Floats,
    ) -> list[Floats]:
        parts = Parts(self._terms(tensors[0], X), self._orders(tensors))
        dterms = self._terms(dtensors[0], X) + self._terms(tensors[0], dX)
        share = _sigmoid(tensors[2])
        dp = share * dtensors[2]
        by_order = parts.by_order[..., 0]
        # By symmetry of second derivatives: by p and then by t, or by t and then by p.
        moved = (parts.slopes_by_order * dterms).sum(axis=-1)
        moved += parts.by_order_twice[..., 0] * dp[..., None, :]
        changed = share * (dgrad * by_order + grad * moved).sum(axis=-2)
        changed += share * (1 - share) * dtensors[2] * (grad * by_order).sum(axis=-2)
        others = super().gradients_tangent(tensors, X, out, grad, dtensors, dX, dgrad)
        return [*others, changed]

    def _orders(self, tensors):
        return _orders(tensors[2])[..., None, :, None]

    def _orders_tangent(self, tensors, dtensors):
        return (_sigmoid(tensors[2]) * dtensors[2])[..., None, :, None]


def _orders(r):
    """1 + log(1 + e^r), without overflow."""
    return 1 + np.maximum(r, 0) + np.log1p(np.exp(-np.abs(r)))


def _sigmoid(r):
    """The derivative of the orders, 1 / (1 + e^-r)."""
    return 0.5 * (1 + np.tanh(0.5 * r))
