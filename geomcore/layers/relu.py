"""The ReLU layer."""

from dataclasses import dataclass

import numpy as np

from geomcore.layers.layer import Layer


@dataclass(frozen=True, eq=False, repr=False)
class ReLU(Layer):
    """The map x -> max(x, 0), coordinate by coordinate; its derivative at 0 is taken as 0.

    Examples
    --------
    >>> ReLU()(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    def forward(self, tensors, X):
        return np.maximum(X, 0)

    def active(self, X, out):
        return out > 0

    def pull_back(self, X, out, grad):
        # No product, which would leave signed zeros, and nan where a gradient is infinite.
        return np.where(out > 0, grad, 0)

    def tangent(self, tensors, X, out, dtensors, dX):
        return dX * (out > 0)

    def gradients(self, tensors, X, out, grad):
        return []

    def cotangent(self, tensors, X, out, grad):
        # Here a product: a selection takes two to six times as long.
        return grad * (out > 0)

    def gradients_tangent(self, tensors, X, out, grad, dtensors, dX, dgrad):
        return []

    def cotangent_tangent(self, tensors, X, out, grad, dtensors, dX, dgrad):
        return dgrad * (out > 0)
