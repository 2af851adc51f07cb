"""Curvature of the loss: how large a gradient step may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_count, as_number, as_rng
from geomcore.stack import stack
from geomcore.typing import ArrayLike, LossName, Seed
from training.descent.keywords import answering
from training.descent.losses import as_loss
from training.descent.problem import as_training_data

if TYPE_CHECKING:
    from geomcore.network import Network
    from training.typing import Loss

# A reference whose curvature is a smaller part of what its loss can have is flat: outputs
# are saturated, and it says nothing about the curvature around.
FLAT = 1e-3


@answering(Y="y")
def largest_curvature(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    iterations: int = 100,
    rtol: float = 1e-3,
    rng: Seed = 0,
) -> float:
    r"""Largest eigenvalue of the Gauss-Newton matrix of a loss.

    .. math:: G = \sum_i w_i\, J_i^T H_i J_i

    with :math:`J_i` the derivative of the output at point i with respect to all
    parameters, :math:`H_i` the second derivative of what the point contributes
    with respect to the output (2 for the squared error) and :math:`w_i` the
    weight of the point. Where the squared error is zero, G is its Hessian, so
    gradient descent near such a point is stable exactly if its learning rate is
    below :math:`2 / \lambda_{\max}(G)`.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets; they matter for the weights only.
    loss : str or loss object
        One that has `curvature`.
    iterations : int
        At most so many steps of the power iteration.
    rtol : float
        Stop when the estimate grows by less than this fraction.
    rng : Generator or seed
        For the start of the power iteration.

    Returns
    -------
    float
        A lower estimate that converges to the eigenvalue from below. For the
        mean squared error it is at least 2, thanks to the last bias.

    Raises
    ------
    ValueError
        If the data do not fit the network.

    Notes
    -----
    A power iteration with one forward and one backward pass per step.

    Examples
    --------
    For x -> w x + b at the points -1 and 1, G is twice the identity:

    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> round(largest_curvature(net, [[-1.0], [1.0]], [[0.0], [0.0]]), 9)
    2.0
    """
    as_count(iterations, "iterations")
    rtol = as_number(rtol, "rtol", 0, 1)
    X, labels = as_training_data(net, X, y)
    loss = as_loss(loss)
    weights = loss.weights(labels.index)[:, None]
    stacked, params = stack([net])
    outputs = stacked.forward(params, X)
    rng = as_rng(rng)
    v = [rng.standard_normal(p.shape) for p in params]
    estimate = 0.0
    for _ in range(iterations):
        norm = np.sqrt(sum(np.vdot(t, t) for t in v))
        v = [t / norm for t in v]
        response = stacked.tangents(params, outputs, v)[-1]
        curved = weights * loss.curvature(outputs[-1], labels.Y, response)
        before, estimate = estimate, float(np.sum(response * curved))
        if estimate <= before * (1 + rtol):
            break
        v = stacked.backward(params, outputs, curved)
    return max(before, estimate)


def stable_rate(net, X, labels, loss):
    r"""The learning rate :math:`1 / (2 \lambda_{\max})` of a loss at a network.

    Gradient descent around a minimum is stable below :math:`2 / \lambda_{\max}`, four times as
    much; away from it the curvature can be larger. If the loss is flat there, as cross-entropy is
    where it is saturated, and has a bound `steepest` of its second derivative, the bound takes
    its place.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    labels : Labels
    loss : loss object

    Returns
    -------
    float or None
        None if there is no curvature from which it would follow.
    """
    curvature = 0.0
    # What overflows has no curvature.
    with np.errstate(all="ignore"):
        if hasattr(loss, "curvature"):
            curvature = largest_curvature(net, X, labels, loss=loss, rtol=1e-2)
        if hasattr(loss, "steepest"):
            most = largest_curvature(net, X, labels, loss=_Steepest(loss), rtol=1e-2)
            curvature = curvature if curvature >= FLAT * most else most
    return 0.5 / curvature if 0 < curvature < np.inf else None


class _Steepest:
    """A loss whose second derivative is everywhere as large as it can be."""

    def __init__(self, loss):
        self.name, self.weights, self._bound = loss.name, loss.weights, loss.steepest
        self.value, self.gradient = loss.value, loss.gradient

    def curvature(self, outputs, Y, direction):
        return self._bound * direction
