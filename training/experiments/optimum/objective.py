"""The loss of a two-layer network with weight decay, as `constructions.best_two_layer` has it."""

import numpy as np

DECAYED = ("W1", "b1", "W2")  # the output bias is free


def objective(net, X, Y, weight_decay):
    r"""Squared error plus weight decay of all parameters but the output bias, in floating point.

    .. math:: \frac1N \sum_i |f(x_i) - y_i|^2
              + \frac\omega2 \sum_j \left(|w_j|^2 + b_j^2 + |v_j|^2\right)

    Parameters
    ----------
    net : ReLUNetwork
        With one hidden layer.
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, Q)
        Target vectors.
    weight_decay : float

    Returns
    -------
    float
        inf if it overflows or is no number.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]], [[2.0]]], [[3.0], [100.0]])
    >>> round(objective(net, np.array([[-4.0]]), np.array([[101.0]]), 0.1), 9)
    1.7
    """
    with np.errstate(over="ignore", invalid="ignore"):
        error = ((net(X) - Y) ** 2).sum(axis=1).mean()
        squares = sum(np.sum(tensor * tensor) for tensor in net.tensors[: len(DECAYED)])
        found = float(error + weight_decay / 2 * squares)
    return found if np.isfinite(found) else np.inf
