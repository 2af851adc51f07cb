"""Optimizers that move one vector in place.

The same steps as `SGD` and `Adam` of `training.descent.optimizers`, to rounding, without new
arrays; any other optimizer is asked for its own ones.
"""

import numpy as np

from training.descent.optimizers import SGD, Adam
from training.sparse import kernels


class InPlace:
    """One optimizer at work on one vector.

    Parameters
    ----------
    optimizer : SGD, Adam or object with ``start`` and ``update``
    vector : ndarray
        Moved by each call.

    Examples
    --------
    >>> vector = np.array([1.0, 2.0])
    >>> move = InPlace(SGD(0.5), vector)
    >>> move(np.array([1.0, 0.0]))
    >>> vector
    array([0.5, 2. ])
    """

    def __init__(self, optimizer, vector):
        self.optimizer, self.vector, self.step = optimizer, vector, 0
        ways = {SGD: self._sgd, Adam: self._adam}
        self._move = ways.get(type(optimizer), self._other)
        self._state = optimizer.start([vector[None]])
        self._spare = np.empty_like(vector)

    def __call__(self, gradient):
        """Move the vector by one step; `gradient` may be overwritten."""
        clip = getattr(self.optimizer, "clip", None)
        if clip is not None and self._move != self._other:
            norm = float(np.sqrt(np.vdot(gradient, gradient)))
            if norm > clip:
                gradient *= clip / norm
        self._move(gradient)
        self.step += 1

    def _sgd(self, gradient):
        if self.optimizer.momentum:
            (velocity,) = self._state[0]
            velocity *= self.optimizer.momentum
            velocity += gradient
            gradient = velocity
        self.vector -= np.multiply(gradient, self.optimizer.learning_rate, out=self._spare)

    def _adam(self, gradient):
        adam, count = self.optimizer, self.step + 1
        (mean,), (square,) = self._state
        rate, scale = adam.learning_rate / (1 - adam.beta1**count), 1 / (1 - adam.beta2**count)
        numbers = np.array([adam.beta1, adam.beta2, adam.eps, rate, scale], self.vector.dtype)
        kernels.adam(self.vector, gradient, mean, square, numbers)

    def _other(self, gradient):
        updated, self._state = self.optimizer.update(
            [self.vector[None]], [gradient[None]], self._state, self.step
        )
        self.vector[:] = updated[0][0]
