"""The ReLU layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geomcore.layers.layer import Layer
from geomcore.typing import Booleans, Floats


@dataclass(frozen=True, eq=False, repr=False)
class ReLU(Layer):
    """The map x -> max(x, 0), coordinate by coordinate; its derivative at 0 is taken as 0.

    Examples
    --------
    >>> ReLU()(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    def forward(self, tensors: Sequence[Floats], X: Floats) -> Floats:
        return np.maximum(X, 0)

    def active(self, X: Floats, out: Floats) -> Booleans | None:
        return out > 0

    def pull_back(self, X: Floats, out: Floats, grad: Floats) -> Floats:
        # No product, which would leave signed zeros, and nan where a gradient is infinite.
        return np.where(out > 0, grad, 0)

    def tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
    ) -> Floats:
        return dX * (out > 0)

    def gradients(
        self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats
    ) -> list[Floats]:
        return []

    def cotangent(self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats) -> Floats:
        # Here a product: a selection takes two to six times as long.
        return grad * (out > 0)

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
        return []

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
        return dgrad * (out > 0)
