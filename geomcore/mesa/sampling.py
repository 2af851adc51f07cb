"""Points drawn from a box, with the gradients of a network there, and errors of means."""

import numpy as np

from geomcore.gradients import input_gradients
from geomcore.mesa.pieces import Pieces, norms_of
from geomcore.mesa.zeros import zeros_at_points

AT_A_TIME = 16384  # points


def sampled(net, polytope, box, output, margin, samples, rng):
    """The `Pieces` that points drawn uniformly from a box stand for, all of one size."""
    parts = []
    for start in range(0, samples, AT_A_TIME):
        X = drawn(box, min(AT_A_TIME, samples - start), rng)
        gradients = finite_gradients(net, X, output)
        is_zero = zeros_at_points(net, gradients, X, output)
        norms, slack = np.where(is_zero, 0, norms_of(gradients)), polytope.slack(X)
        parts.append((norms, is_zero, slack <= 0, slack < margin))
    norms, is_zero, inside, near = map(np.concatenate, zip(*parts, strict=True))
    share = 1 / samples
    sizes = np.full(samples, share)
    pairs = np.zeros((0, 2), dtype=int)
    return Pieces(norms, is_zero, sizes, inside * share, near * share, pairs, samples)


def drawn(box, count, rng):
    """Points uniform in a box, shape (count, d)."""
    low, high = box.T
    share = rng.random((count, len(box)))
    return low * (1 - share) + high * share


def finite_gradients(net, X, output):
    """Gradients at points; ValueError if one is no float."""
    with np.errstate(over="ignore", invalid="ignore"):
        gradients = input_gradients(net, X, output)
    if not np.isfinite(gradients).all():
        raise ValueError("net must have gradients on the box that are finite floats, got overflow")
    return gradients


def spread(values, weights, samples):
    """Mean of values with weights, and its standard error; None without any.

    The error is 0 unless points are sampled, and infinite of a single one, which tells nothing of
    how far others are from it.
    """
    total = weights.sum()
    if not total > 0:
        return None, None
    values = np.where(weights > 0, values, 0.0)  # those of other zones may be beyond all bounds
    largest = values.max()
    relative = values / largest if largest > 0 else values
    mean = (relative * weights).sum() / total
    if not samples:
        return float(mean * largest), 0.0
    n = np.count_nonzero(weights)
    if n == 1:
        return float(mean * largest), np.inf
    error = np.sqrt(((relative - mean) ** 2 * weights).sum() / total / (n - 1))
    return float(mean * largest), float(error * largest)
