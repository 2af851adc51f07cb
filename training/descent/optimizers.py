r"""Optimizers: how gradients become a step.

An optimizer is a small object without state of its own: ``start(params)``
returns its state and ``update(params, gradients, state, step)`` the new
parameters and the new state. Parameters, gradients and state are lists of
arrays that all carry a leading trial axis, so that a trial can be taken out of
all of them by one index. Nothing is changed in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np

from geomcore.arrays import as_positive
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted, suggestion
from geomcore.typing import Array

# In the place of an optimizer: gradient descent at a rate from the curvature at the start.
AUTO = "auto"
# As one would write the others.
USUAL = {"SGD": "SGD(0.01)", "Adam": "Adam(0.001)"}


@answers_keywords
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
    clip : float, optional
        Largest norm of the gradient, over all tensors together; see `clipped`.

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
    clip: float | None = None

    def __post_init__(self) -> None:
        _as_floats(self, positive=("learning_rate", "clip"), fractions=("momentum",))

    def start(self, params: list[Array]) -> list[Array]:
        """State before the first step: one velocity per tensor, or none at all."""
        return [np.zeros_like(p) for p in params] if self.momentum else []

    def update(
        self, params: list[Array], gradients: list[Array], state: list[Array], step: int
    ) -> tuple[list[Array], list[Array]]:
        """Parameters and state after one step."""
        gradients = clipped(gradients, self.clip)
        if self.momentum:
            state = [self.momentum * v + g for v, g in zip(state, gradients, strict=True)]
            gradients = state
        eta = self.learning_rate
        return [p - eta * g for p, g in zip(params, gradients, strict=True)], state


@answers_keywords
@dataclass(frozen=True)
class Adam:
    r"""Adam: steps scaled by running means of the gradient and its square.

    .. math:: m_{t+1} = \beta_1 m_t + (1 - \beta_1) g_t, \qquad
              v_{t+1} = \beta_2 v_t + (1 - \beta_2) g_t^2, \qquad
              \theta_{t+1} = \theta_t - \eta\,
              \frac{m_{t+1} / (1 - \beta_1^{t+1})}
                   {\sqrt{v_{t+1} / (1 - \beta_2^{t+1})} + \epsilon}

    Parameters
    ----------
    learning_rate : float
        :math:`\eta > 0`.
    beta1, beta2 : float
        In [0, 1).
    eps : float
        :math:`\epsilon > 0`.
    clip : float, optional
        As for `SGD`.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic
       optimization", arXiv:1412.6980v9, algorithm 1.

    Examples
    --------
    The first step has the length of the learning rate, whatever the gradient:

    >>> params, adam = [np.array([1.0])], Adam(0.1)
    >>> adam.update(params, [np.array([50.0])], adam.start(params), step=0)[0][0].round(6)
    array([0.9])
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    clip: float | None = None

    def __post_init__(self) -> None:
        _as_floats(self, positive=("learning_rate", "eps", "clip"), fractions=("beta1", "beta2"))

    def start(self, params: list[Array]) -> list[Array]:
        """State before the first step: the means of all gradients, then those of the squares."""
        return [np.zeros_like(p) for p in params + params]

    def update(
        self, params: list[Array], gradients: list[Array], state: list[Array], step: int
    ) -> tuple[list[Array], list[Array]]:
        """Parameters and state after one step; `step` counts from 0."""
        gradients = clipped(gradients, self.clip)
        half = len(params)
        a, b = self.beta1, self.beta2
        means = [a * m + (1 - a) * g for m, g in zip(state[:half], gradients, strict=True)]
        squares = [b * v + (1 - b) * g * g for v, g in zip(state[half:], gradients, strict=True)]
        rate, scale = self.learning_rate / (1 - a ** (step + 1)), 1 / (1 - b ** (step + 1))
        return [
            p - rate * m / (np.sqrt(v * scale) + self.eps)
            for p, m, v in zip(params, means, squares, strict=True)
        ], means + squares


def as_optimizer(optimizer, learning_rate, default):
    """The optimizer that is meant by these two arguments, of which one may have its default.

    Raises
    ------
    ValueError
        If both say the rate.

    Examples
    --------
    >>> as_optimizer("auto", 0.1, AUTO), as_optimizer("auto", None, AUTO)
    (SGD(learning_rate=0.1, momentum=0.0, clip=None), 'auto')
    """
    if learning_rate is None:
        return default if optimizer is None else optimizer
    if optimizer is not None and optimizer is not default:
        raise ValueError(
            "learning_rate must be left out where an optimizer is given, which has its own, "
            f"got {quoted(learning_rate)} beside {optimizer!r}"
        )
    return SGD(learning_rate)


def check_optimizer(optimizer):
    """Raise ValueError unless `optimizer` is one, with what may have been meant.

    Examples
    --------
    >>> check_optimizer("adma")
    Traceback (most recent call last):
    ValueError: optimizer must be 'auto', SGD(0.01), Adam(0.001) or have start and update as they \
do, got 'adma', did you mean Adam(0.001)?
    """
    is_class = isinstance(optimizer, type)
    if not is_class and all(hasattr(optimizer, part) for part in ("start", "update")):
        return
    named = suggestion(optimizer.__name__ if is_class else optimizer, (AUTO, *USUAL))
    for name, written in USUAL.items():
        named = named.replace(repr(name), written)
    raise ValueError(
        f"optimizer must be {AUTO!r}, {', '.join(USUAL.values())} or have start and update as they "
        f"do, got {quoted(optimizer)}{named}"
    )


def clipped(gradients, limit):
    r"""Gradients scaled down, per trial, to a norm of at most `limit`; None leaves them alone.

    .. math:: g \mapsto g \min(1, c / \|g\|)

    with the norm over all tensors of a trial together.

    Parameters
    ----------
    gradients : list of ndarray, each with a leading trial axis
    limit : float or None

    Returns
    -------
    list of ndarray

    Examples
    --------
    >>> clipped([np.array([[3.0, 4.0], [0.3, 0.4]])], 1.0)
    [array([[0.6, 0.8],
           [0.3, 0.4]])]
    """
    if limit is None:
        return gradients
    squares = sum((g.reshape(len(g), -1) ** 2).sum(axis=1) for g in gradients)
    norm = np.sqrt(squares)
    factor = np.where(norm > limit, limit / np.where(norm > limit, norm, 1.0), 1.0)
    return [g * factor.reshape(-1, *[1] * (g.ndim - 1)) for g in gradients]


def _as_floats(optimizer, positive, fractions):
    """Check the numbers of an optimizer and make them floats, for steps in double precision."""
    for name in (*positive, *fractions):
        value = getattr(optimizer, name)
        if name == "clip" and value is None:
            continue
        if name in positive:
            value = as_positive(value, name)
        elif isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < 1:
            raise ValueError(f"{name} must lie in [0, 1), got {quoted(value)}")
        object.__setattr__(optimizer, name, float(value))
