"""Which gradients are zero within their rounding."""

import numpy as np

from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.regions.subdivision import ROUNDING, steps_of


def zeros_in_regions(net, gradients, patterns, output):
    """Which gradients (R, d) of a piecewise linear network on regions are zero, shape (R,).

    That is: none of the entries is above 2e-14 of what was added up in it, over all paths of
    active units the moduli of the products of their weights. Where that sum is beyond the floats
    only 0 is zero.
    """
    steps = steps_of(net)

    def masks(rows):
        end, out = 0, []
        for step in steps:
            part = patterns[rows, end : end + len(step.b)]
            out.append(part if step.is_rectified else None)
            end += len(step.b)  # only the last one may not be rectified
        return out

    return _zeros(gradients, [step.W_sizes for step in steps], output, masks)


def zeros_at_points(net, gradients, X, output):
    """The same at points (N, d); of a network with other layers than ours only 0 is zero."""
    if not all(isinstance(layer, Affine | ReLU | LpNorm) for layer in net.layers):
        return (gradients == 0).all(axis=1)
    # derivatives of a norm by its terms are at most 1
    weights = [np.eye(X.shape[1])]
    weights += [np.abs(layer.W) for layer in net.layers if not isinstance(layer, ReLU)]

    def masks(rows):
        value, out = X[rows], [None]
        for layer in net.layers:
            if isinstance(layer, ReLU):
                out[-1] = value > 0 if out[-1] is None else out[-1]
            else:
                out.append(None)
            with np.errstate(over="ignore", invalid="ignore"):
                value = layer(value)
        return out

    return _zeros(gradients, weights, output, masks)


def _zeros(gradients, weights, output, masks_of):
    """Which gradients are zero, by moduli of weights and the masks (rows, units) of some rows."""
    # with all units: most gradients are far above the rounding of that
    most = _paths(weights, output, [None] * len(weights))
    may_be = np.abs(gradients) <= ROUNDING * np.where(np.isfinite(most), most, np.inf)
    rows = np.flatnonzero(may_be.all(axis=1))
    is_zero = np.zeros(len(gradients), dtype=bool)
    if len(rows):
        sizes = _paths(weights, output, masks_of(rows))
        sizes = np.where(np.isfinite(sizes), sizes, 0.0)
        is_zero[rows] = (np.abs(gradients[rows]) <= ROUNDING * sizes).all(axis=1)
    return is_zero


def _paths(weights, output, masks):
    """Sums over paths, shape (1, d), or (rows, d) with masks."""
    out = np.zeros((1, len(weights[-1])))
    out[:, output] = 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        for W, mask in zip(weights[::-1], masks[::-1], strict=True):
            out = (out if mask is None else out * mask) @ W
    return out
