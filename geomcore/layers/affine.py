"""The affine layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_layer, freeze
from geomcore.layers.layer import Layer
from geomcore.typing import Array, ArrayLike, Floats


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Affine(Layer):
    """The affine map x -> W x + b on rows, ``X @ W.T + b``.

    Parameters
    ----------
    W : array_like, shape (m, n)
    b : array_like, shape (m,)
    names : pair of str, optional
        What to call W and b in error messages.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a value is nan or inf.

    Examples
    --------
    >>> layer = Affine([[1, 2]], [3])
    >>> layer, layer(np.array([[10.0, 1.0]]))
    (Affine(2 -> 1), array([[15.]]))
    """

    W: Array
    b: Array

    letters = ("W", "b")

    def __init__(self, W: ArrayLike, b: ArrayLike, *, names: tuple[str, str] = letters) -> None:
        W, b = as_layer(W, b, name=names)
        object.__setattr__(self, "W", freeze(W))
        object.__setattr__(self, "b", freeze(b))

    @property
    def inputs(self) -> int:
        return self.W.shape[1]

    @property
    def outputs(self) -> int:
        return self.W.shape[0]

    def forward(self, tensors: Sequence[Floats], X: Floats) -> Floats:
        W, b = tensors
        out = X @ W.swapaxes(-1, -2)
        out += b[..., None, :]
        return out

    def tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
    ) -> Floats:
        (W, _), (dW, db) = tensors, dtensors
        return dX @ W.swapaxes(-1, -2) + X @ dW.swapaxes(-1, -2) + db[..., None, :]

    def gradients(
        self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats
    ) -> list[Floats]:
        # A product with ones: summing along the rows is several times slower.
        ones = np.ones((1, grad.shape[-2]))
        return [grad.swapaxes(-1, -2) @ X, (ones @ grad)[..., 0, :]]

    def cotangent(self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats) -> Floats:
        return grad @ tensors[0]

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
        dW, db = self.gradients(tensors, X, out, dgrad)
        return [dW + grad.swapaxes(-1, -2) @ dX, db]

    def cotangent_tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        grad: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
        dgrad: Floats,
    ) -> Floats:
        return dgrad @ tensors[0] + grad @ dtensors[0]
