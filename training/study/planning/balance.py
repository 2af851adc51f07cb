r"""Layers of one size: the same function at parameters where gradient descent needs few steps."""

from typing import NamedTuple

import numpy as np

from constructions.proof.basin import rescaled
from geomcore.network import ReLUNetwork
from training.descent.curvature import largest_curvature
from training.descent.losses import SquaredError
from training.study.planning.budget import class_means, slowest_curvature, slowest_of

# Binary logarithm of the largest factor.
MOST = 40
# What a factor of two costs beside the ratio of curvatures: so little that it only decides where
# that does not depend on a layer.
PULL = 1e-6


class Balanced(NamedTuple):
    """What `balanced_for_descent` returns.

    Attributes
    ----------
    network : Network
    exponents : tuple of int
        The output of hidden layer l was multiplied by two to this power; empty if nothing was
        changed.
    """

    network: object
    exponents: tuple


def balanced_for_descent(net, X, labels, loss):
    r"""The same function with its layers rescaled so that gradient descent needs fewer steps.

    The output of hidden layer l is multiplied by :math:`2^{k_l}` and the next layer divided by
    it, with the whole numbers :math:`k_l` near the minimum of

    .. math:: \frac{\operatorname{tr} G}{\mu}

    where G is the Gauss-Newton matrix of the squared error and :math:`\mu` the
    `training.study.planning.budget.slowest_curvature`. The trace bounds the largest curvature
    from above, so this bounds the steps in a relaxation at the default rate.

    Parameters
    ----------
    net : Network
    X : ndarray, shape (N, d)
    labels : Labels
    loss : loss object

    Returns
    -------
    Balanced
        The given network if the loss is none of the squared errors, the network no `ReLUNetwork`,
        or its numbers overflow.

    Notes
    -----
    A power of two commutes with every rounding and with the ReLU, so that the outputs are the
    same to the last bit, unless numbers leave the range of floats; then the network is left alone.

    In the logarithms of the factors the trace is a sum of exponentials of linear functions: each
    weight of layer l counts with :math:`(c_{l-1} / c_l)^2`, each bias with :math:`1 / c_l^2`.
    `constructions.balanced` looks for something else, the largest proved basin of return.
    """
    unchanged = Balanced(net, ())
    if not isinstance(net, ReLUNetwork) or type(loss) is not SquaredError:
        return unchanged
    if len(net.weights) < 2:
        return unchanged
    with np.errstate(all="ignore"):
        traces = curvature_by_layer(net, X, loss.weights(labels.index))
        means, shares = class_means(net, X, labels, loss)
    if not (np.isfinite(traces).all() and np.isfinite(means).all()):
        return unchanged
    exponents = np.round(_least(traces, means, shares)).astype(int)
    if not exponents.any():
        return unchanged
    try:
        other = rescaled(net, np.exp2(exponents))
    except ValueError:  # a parameter leaves the range of floats
        return unchanged
    with np.errstate(all="ignore"):
        is_same = np.array_equal(other(X), net(X))
    return Balanced(other, tuple(exponents.tolist())) if is_same else unchanged


class Report(NamedTuple):
    """A network before and after `balanced_for_descent`.

    Attributes
    ----------
    network : Network
        After it.
    exponents : tuple of int
    largest, slowest : (float, float)
        `largest_curvature` and `slowest_curvature` before and after.
    """

    network: object
    exponents: tuple
    largest: tuple
    slowest: tuple

    def in_words(self, name):
        """What was done, in a line of at most 80 characters."""
        if not self.exponents:
            return f"{name}: largest curvature {self.largest[0]:.3g}, layers as they are"
        return (
            f"{name}: layers rescaled by powers of 2, the function is the same; largest\n"
            f"  curvature {self.largest[0]:.3g} -> {self.largest[1]:.3g}, slowest "
            f"{self.slowest[0]:.3g} -> {self.slowest[1]:.3g}"
        )


def reported(net, X, labels, loss):
    """`balanced_for_descent` with the curvatures before and after, a `Report`."""
    found = balanced_for_descent(net, X, labels, loss)
    both = [net, found.network] if found.exponents else [net]
    with np.errstate(all="ignore"):
        largest = [largest_curvature(one, X, labels, loss=loss, rtol=1e-2) for one in both]
        slowest = [slowest_curvature(one, X, labels, loss) for one in both]
    ends = [(values[0], values[-1]) for values in (largest, slowest)]
    return Report(found.network, found.exponents, *ends)


def curvature_by_layer(net, X, weights):
    r"""Trace of the Gauss-Newton matrix of the squared error, by layer.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    weights : ndarray, shape (N,)
        Of the points in the loss.

    Returns
    -------
    ndarray, shape (L, 2)
        The parts of the weights and of the biases of each layer.
    """
    read = [X, *net.hidden(X)]
    lengths = [(values**2).sum(axis=1) for values in read]
    traces = np.zeros((len(net.weights), 2))
    for k in range(net.widths[-1]):
        slopes = np.zeros((len(X), net.widths[-1]))
        slopes[:, k] = 1.0
        for l in range(len(net.weights) - 1, -1, -1):
            squares = 2 * weights * (slopes**2).sum(axis=1)
            traces[l] += squares @ lengths[l], squares.sum()
            if l:
                slopes = (slopes @ net.weights[l]) * (read[l] > 0)
    return traces


def _least(traces, means, shares):
    """Binary logarithms of the factors of least trace over slowest curvature, shape (L - 1,)."""
    from scipy.optimize import minimize

    def steps(logs):
        factors = np.exp2(np.concatenate([[0.0], logs, [0.0]]))
        before, after = factors[:-1], factors[1:]
        trace = (traces[:, 0] * (before / after) ** 2 + traces[:, 1] / after**2).sum()
        slowest = slowest_of(means * before[-1], shares)
        return np.log2(trace / slowest) + PULL * (logs**2).sum()

    start = np.zeros(len(traces) - 1)
    with np.errstate(all="ignore"):
        found = minimize(steps, start, method="L-BFGS-B", bounds=[(-MOST, MOST)] * len(start))
        return found.x if found.fun < steps(start) else start
