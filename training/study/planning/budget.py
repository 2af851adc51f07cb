r"""How many steps a trial needs, and how long they take."""

import numpy as np

from geomcore.layers import Affine
from training.descent.losses import SquaredError
from training.descent.optimizers import SGD

# Singular values that are a smaller part of the largest one are rounding: their squares, the
# eigenvalues, are below its last bit.
NOISE = 1e-8


def slowest_curvature(net, X, labels, loss):
    r"""Smallest curvature of the squared error, in its last layer, that tells classes apart.

    .. math:: \mu = 2\, \sigma_{\min}^2, \qquad
              M = \left( \sqrt{w_j}\, (\bar h_j, 1) \right)_j

    with :math:`\bar h_j` the mean over class j of what the last layer reads, :math:`w_j` the
    weight of the class in the loss, and :math:`\sigma_{\min}` the smallest singular value of M
    that is not zero.

    Parameters
    ----------
    net : Network
    X : ndarray, shape (N, d)
    labels : Labels
    loss : loss object

    Returns
    -------
    float
        nan if the loss is none of the squared errors, the last layer is not affine, or nothing
        is finite.

    Notes
    -----
    At a network that collapses every class to a point M has all that the last layer sees, and
    :math:`|\nabla C|^2 \ge 2 \mu\, C` holds for what its outputs can correct: gradient flow
    then returns at least at the rate :math:`e^{-2 \mu t}` in the loss (docs/minima.md, the basin
    of return). Directions within a class, which can be as slow as one likes, are left out.
    """
    if type(loss) is not SquaredError or not isinstance(net.layers[-1], Affine):
        return np.nan
    values = X
    with np.errstate(all="ignore"):
        for layer in net.layers[:-1]:
            values = layer(values)
        weights = loss.weights(labels.index)
        totals = np.zeros((len(labels.targets), values.shape[1] + 1))
        rows = np.column_stack([values, np.ones(len(X))])
        np.add.at(totals, labels.index, weights[:, None] * rows)
    shares = totals[:, -1]
    M = totals[shares > 0] / np.sqrt(shares[shares > 0])[:, None]
    if not np.isfinite(M).all():
        return np.nan
    singular = np.linalg.svd(M, compute_uv=False)
    return float(2 * singular[singular > NOISE * singular[0]].min() ** 2)


def relaxation(net, X, labels, loss, optimizer):
    r"""Steps in which the slowest direction that matters shrinks by a factor e.

    .. math:: \frac{1 - m}{\eta \mu}

    for gradient descent of rate :math:`\eta` and momentum m, with :math:`\mu` the
    `slowest_curvature`.

    Returns
    -------
    float or None
        None where that curvature is not known, or steps do not go by the gradient alone.
    """
    if type(optimizer) is not SGD or optimizer.clip is not None:
        return None
    with np.errstate(all="ignore"):
        curvature = np.float64(slowest_curvature(net, X, labels, loss))
        steps = (1 - optimizer.momentum) / (optimizer.learning_rate * curvature)
    return float(steps) if np.isfinite(steps) else None
