"""The loss of a two-layer network with weight decay, as `constructions.best_two_layer` has it."""

import numpy as np
from flint import arb

from constructions.penalised.objective import loss_ball
from constructions.proof.exact import above, ball_matrix, below, precision
from constructions.two_layer.dual import BITS

EPS = float(np.finfo(float).eps)
SMALLEST = float(np.finfo(float).smallest_subnormal)
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


def rounding(net, X, Y, weight_decay):
    r"""How far `objective` may be from the loss, whatever the order of its sums.

    With :math:`A = |V| (|W| |x| + |b|) + |c| + |y|` a residual is wrong by at most
    :math:`n \epsilon A`, n the number of terms behind it.

    Parameters
    ----------
    net, X, Y, weight_decay
        As for `objective`.

    Returns
    -------
    float
        inf if it overflows or is no number.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]], [[2.0]]], [[3.0], [100.0]])
    >>> rounding(net, np.array([[-4.0]]), np.array([[101.0]]), 0.1) < 1e-12
    True
    """
    W, b, V, c = net.tensors
    terms = W.size + V.size + Y.size + 8
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = (abs(X) @ abs(W).T + abs(b) + terms * SMALLEST) @ abs(V).T + abs(c) + abs(Y)
        wrong = (W.shape[1] + W.shape[0] + 8) * EPS * sizes
        moved = (2 * abs(net(X) - Y) * wrong + wrong**2).sum(axis=1).mean()
        found = float(moved + terms * (EPS * objective(net, X, Y, weight_decay) + SMALLEST))
    return found if np.isfinite(found) else np.inf


def proved(net, X, Y, weight_decay):
    """Bounds of the loss that are proved, as `TwoLayerOptimum` has the upper one.

    Parameters
    ----------
    net, X, Y, weight_decay
        As for `objective`.

    Returns
    -------
    lower, upper : float
        0 and inf if it overflows.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]], [[2.0]]], [[3.0], [100.0]])
    >>> proved(net, np.array([[-4.0]]), np.array([[101.0]]), 0.125)
    (1.875, 1.875)
    """
    with precision(BITS), np.errstate(over="ignore", invalid="ignore"):
        total = loss_ball(net, X, Y, [arb(1) / len(X)] * len(X), "mse")
        for tensor in net.tensors[: len(DECAYED)]:
            row = ball_matrix(tensor.reshape(1, -1))
            total += (row * row.transpose()).entries()[0] * weight_decay / 2
        return (max(below(total), 0.0), above(total)) if total.is_finite() else (0.0, np.inf)
