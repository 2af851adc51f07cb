"""The best last layer on given unit neurons, with the loss of balanced networks."""

import cvxpy as cp
import numpy as np

from constructions.separation.programs import solved

NEGLIGIBLE = 1e-7  # of the largest length: units that are off but for the solver's rounding


def best_last_layer(rows, W, Y, decay, output_bias):
    r"""Weights V (m, Q) and bias c (Q,) of least loss on the unit neurons W, or None.

    .. math:: \min_{V, c} \frac1N |\sigma(\tilde X W^T) V + c - Y|^2 + \omega \sum_j |v_j|

    a convex program of the size of the units, as the points enter by a triangular factor.

    Parameters
    ----------
    rows : ndarray, shape (N, D)
        The points, with a last 1 if the units have a bias.
    W : ndarray, shape (m, D)
    Y : ndarray, shape (N, Q)
    decay : float
    output_bias : str
        "free", "penalised" or "none".

    Returns
    -------
    V, c : ndarray
        None if the solver finds no optimum, or the program does not fit into floats.
    """
    N, Q = Y.shape
    peak = np.abs(Y).max(initial=0.0)
    if not peak or not len(W):
        mean = Y.mean(axis=0) if output_bias == "free" else np.zeros(Q)
        return np.zeros((len(W), Q)), mean
    H = np.maximum(rows @ W.T, 0)
    # loss / peak^2 with V / peak has the decay omega / peak; columns are scaled to one size
    size = np.sqrt((H * H).mean(axis=0))
    size = np.where(size > 0, size, 1.0)
    parts = [H / size, np.ones((N, 1)), Y / peak]
    upper = np.linalg.qr(np.hstack(parts), mode="r") / np.sqrt(N)
    m = len(W)
    prices = decay / peak / size
    if not (np.isfinite(upper).all() and np.isfinite(prices).all()):
        return None
    V, c = cp.Variable((m, Q)), cp.Variable((1, Q))
    rest = upper[:, :m] @ V + upper[:, m : m + 1] @ c - upper[:, m + 1 :]
    price = cp.sum(cp.multiply(prices, cp.norm(V, axis=1)))
    aim, held = cp.sum_squares(rest) + price, []
    if output_bias == "penalised":
        aim += decay / 2 * cp.sum_squares(c)
    if output_bias == "none":
        held = [c == 0]
    if not solved(cp.Problem(cp.Minimize(aim), held), cp.CLARABEL):
        return None
    found = np.array(V.value) / size[:, None] * peak
    lengths = np.linalg.norm(found, axis=1)
    found[lengths <= NEGLIGIBLE * lengths.max()] = 0.0
    bias = np.array(c.value)[0] * peak if output_bias != "none" else np.zeros(Q)
    return found, bias
