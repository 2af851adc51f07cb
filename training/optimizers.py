r"""Optimizers: how gradients become a step.

An optimizer is a small object without state of its own: ``start(params)``
returns its state and ``update(params, gradients, state, step)`` the new
parameters and the new state. Parameters, gradients and state are lists of
arrays that all carry a leading trial axis, so that a trial can be taken out of
all of them by one index. Nothing is changed in place.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from geomcore.arrays import as_positive


@dataclass(frozen=True)
class SGD:
    r"""Gradient descent with optional heavy-ball momentum.

    .. math:: v_{t+1} = \mu v_t + g_t, \qquad \theta_{t+1} = \theta_t - \eta v_{t+1}

    Parameters
    ----------
    learning_rate : float
        :math:`\eta > 0`.
    momentum : float
        :math:`0 \le \mu < 1`; 0 is plain gradient descent.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> params, state = [np.array([1.0])], SGD(0.1).start([np.array([1.0])])
    >>> SGD(0.1).update(params, [np.array([2.0])], state, step=0)[0]
    [array([0.8])]
    """

    learning_rate: float
    momentum: float = 0.0

    def __post_init__(self):
        as_positive(self.learning_rate, "learning_rate")
        if not isinstance(self.momentum, Real) or not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {self.momentum}")

    def start(self, params):
        """State before the first step: one velocity per tensor, or none at all."""
        return [np.zeros_like(p) for p in params] if self.momentum else []

    def update(self, params, gradients, state, step):
        """Parameters and state after one step."""
        if self.momentum:
            state = [self.momentum * v + g for v, g in zip(state, gradients, strict=True)]
            gradients = state
        eta = self.learning_rate
        return [p - eta * g for p, g in zip(params, gradients, strict=True)], state
