"""Curvature of the loss: how large a gradient step may be."""

import numpy as np

from geomcore.arrays import as_count, as_rng
from training.chain import stack
from training.losses import as_loss
from training.trainer import as_training_data


def largest_curvature(net, X, Y, *, loss="mse", iterations=100, rtol=1e-3, rng=0):
    r"""Largest eigenvalue of the Gauss-Newton matrix of the squared error.

    .. math:: G = 2 \sum_i w_i\, J_i^T J_i

    with :math:`J_i` the derivative of the output at point i with respect to all
    parameters and :math:`w_i` the weight of the point. Where the loss is zero,
    G is the Hessian, so gradient descent near such a point is stable exactly if
    its learning rate is below :math:`2 / \lambda_{\max}(G)`.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    Y : array_like, shape (N,) or (N, k)
        Labels or targets; they matter for the weights only.
    loss : str or SquaredError
    iterations : int
        At most so many steps of the power iteration.
    rtol : float
        Stop when the estimate grows by less than this fraction.
    rng : Generator or seed
        For the start of the power iteration.

    Returns
    -------
    float
        A lower estimate that converges to the eigenvalue from below; it is at
        least 2, or the class-weighted analogue, thanks to the last bias.

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
    X, labels = as_training_data(net, X, Y)
    weights = as_loss(loss).weights(labels.index)[:, None]
    chain, params = stack([net])
    outputs = chain.forward(params, X)
    rng = as_rng(rng)
    v = [rng.standard_normal(p.shape) for p in params]
    estimate = 0.0
    for _ in range(iterations):
        norm = np.sqrt(sum(np.vdot(t, t) for t in v))
        v = [t / norm for t in v]
        response = chain.tangent(params, outputs, v)
        before, estimate = estimate, 2.0 * float(np.sum(weights * response**2))
        if estimate <= before * (1 + rtol):
            break
        v = chain.backward(params, outputs, 2.0 * weights * response)
    return max(before, estimate)
