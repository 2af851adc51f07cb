"""From hidden layers to a network: scale the layers, fit the last one, undo the preconditioning."""

from typing import NamedTuple

import numpy as np

from geomcore.network import ReLUNetwork
from geomcore.threads import factorizing

# Scales that leave room for numbers much larger and much smaller than they are, and for inverses.
LARGEST_EXPONENT = 1000
LEAST_EXPONENT = -1000


class Frame(NamedTuple):
    """An affine change of coordinates z = (x - centre) / scale, feature by feature.

    Scales are powers of two, so that dividing by them rounds nothing.
    """

    centre: np.ndarray
    scale: np.ndarray

    def __call__(self, X):
        # the same as dividing last, except that the difference cannot overflow
        return X / self.scale - self.centre / self.scale

    def layer(self, W, b):
        """The layer that does to x what (W, b) does to z."""
        with np.errstate(under="ignore"):
            W = W / self.scale
        return W, b - W @ self.centre


def standard_frame(X):
    """Centre each feature and divide it by its standard deviation (by 1 if it is constant).

    Scales are rounded to powers of two, up to 2**1000; any frame would do.

    Raises
    ------
    ValueError
        If a feature spreads by less than 2**-1000, for weights that make 1 of that and
        of a little less are beyond the largest float.
    """
    size = np.frexp(np.abs(X).max(axis=0))[1] - 1
    Y = np.ldexp(X, -size)  # so that neither sums nor squares overflow or vanish
    low, high = Y.min(axis=0), Y.max(axis=0)
    centre = low + (Y - low).mean(axis=0)
    Y -= centre
    within = np.frexp(np.abs(Y).max(axis=0))[1]
    spread = np.ldexp(Y, -within).std(axis=0)
    varies = (high > low) & (spread > 0)
    exponent = np.round(np.log2(np.where(varies, spread, 1.0))).astype(int) + within + size
    exponent = np.where(varies, exponent, 0)
    if exponent.min(initial=0) < LEAST_EXPONENT:
        raise ValueError(
            f"X must have features that spread by at least {2.0**LEAST_EXPONENT:.1g} (or not at "
            f"all), got {np.ldexp(1.0, exponent.min()):.1g} in column {exponent.argmin()}"
        )
    return Frame(np.ldexp(centre, size), _powers_of_two(exponent))


def exact_frame(X):
    """Divide each feature by a power of two near its largest absolute value; round nothing.

    Points that differ stay different, where `standard_frame` may round them to one.
    """
    return Frame(np.zeros(X.shape[1]), _powers_of_two(np.frexp(np.abs(X).max(axis=0))[1]))


def _powers_of_two(exponents):
    return np.ldexp(1.0, np.clip(exponents, LEAST_EXPONENT, LARGEST_EXPONENT))


def plain_frame(X):
    """Change nothing, or divide data of extreme size by one power of two: squares stay in range."""
    _, exponent = np.frexp(np.abs(X).max())
    return Frame(
        np.zeros(X.shape[1]), _powers_of_two(np.full(X.shape[1], exponent * (abs(exponent) > 300)))
    )


def identity_frame(d):
    """The frame of R^d that changes nothing."""
    return Frame(np.zeros(d), np.ones(d))


def loss_scale(labels):
    """Largest squared length of a target, at least 1: a loss is small against that."""
    return max(1.0, float((labels.targets**2).sum(axis=1).max()))


def assemble(layers, frame, X, labels, *, homogeneous=False):
    """Complete hidden layers to a network that maps each class to its target.

    Parameters
    ----------
    layers : list of (W, b)
        Hidden layers acting one after another on the data in `frame`.
    frame : Frame
    X : ndarray, shape (N, d)
        The data themselves, not in the frame.
    labels : Labels
    homogeneous : bool, optional
        If True the cumulative bias b^(L) of the last layer is zero, as in CE24
        Prop. 4.1; else the last layer is the affine one of least norm.

    Returns
    -------
    ReLUNetwork

    Notes
    -----
    Each layer is scaled so that its largest activation on the data is at least 1
    and below 2 (a truncation map does not change when its layer is scaled).
    """
    layers = of_size_one(layers, frame(X))
    layers[0] = frame.layer(*layers[0])
    _, first = np.unique(labels.index, return_index=True)
    hidden = last_hidden(layers, X[first])
    # one point per class, independent however near each other: no singular value is cut off
    if homogeneous:
        offset = cumulative_bias(layers)
        last = least_squares(hidden, labels.targets, offset=offset, rtol=1e-15, refinements=0)
    else:
        last = least_squares(hidden, labels.targets, rtol=1e-15, refinements=1)
    return ReLUNetwork(*zip(*layers, last, strict=True))


def of_size_one(layers, X, *, rounding=np.floor):
    """Scale layers by powers of two, which rounds nothing, to largest activations near 1.

    Parameters
    ----------
    layers : list of (W, b)
        Acting one after another on X.
    X : ndarray, shape (N, d)
    rounding : callable, optional
        What makes the logarithm of the largest activation whole: `numpy.floor` leaves
        activations from 1 to 2, `numpy.round` from 0.7 to 1.4.

    Returns
    -------
    list of (W, b)
        The same truncation maps; a layer that is inactive on all of X keeps its biases.

    Raises
    ------
    OverflowError
        If activations are so small that no floats bring them to that size.
    """
    scaled, down = [], 1.0
    for W, b in layers:
        W = W * down
        X = np.maximum(X @ W.T + b, 0)
        down = 2.0 ** rounding(np.log2(X.max() or 1.0))
        with np.errstate(over="ignore"):
            W, b = W / down, b / down
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise OverflowError("a layer needs weights beyond the largest float")
        scaled.append((W, b))
        X = X / down
    return scaled


def last_hidden(layers, X):
    """What hidden layers make of points, shapes (N, d) to (N, m)."""
    for W, b in layers:
        X = np.maximum(X @ W.T + b, 0)
    return X


def cumulative_bias(layers):
    """Where the affine map of all layers without their activations sends 0, shape (m,)."""
    (_, offset), *others = layers
    for W, b in others:
        offset = W @ offset + b
    return offset


def least_squares(hidden, Y, *, weights=None, offset=None, rtol=None, refinements=2):
    """The last layer (W, b) of least squared error, of least norm among these.

    Parameters
    ----------
    hidden : ndarray, shape (N, m)
    Y : ndarray, shape (N, k)
        Outputs wanted.
    weights : ndarray, shape (N,), optional
        Weight of each point, default equal.
    offset : ndarray, shape (m,), optional
        If given, only W is free, and b = -W offset.
    rtol : float, optional
        Singular values below this share of the largest count as zero, as in
        `numpy.linalg.pinv`. The default, max(N, m) * eps, keeps rows that are equal but
        for rounding from becoming independent.
    refinements : int, optional
        Steps of iterative refinement, until the gradient is rounding.

    Returns
    -------
    (W, b), shapes (k, m) and (k,)
    """
    design = np.column_stack([hidden, np.ones(len(hidden))]) if offset is None else hidden - offset
    root = 1.0 if weights is None else np.sqrt(weights)[:, None]
    with factorizing(design):
        inverse = np.linalg.pinv(design * root, rtol=rtol)
    V = inverse @ (Y * root)
    for _ in range(refinements):
        V = V + inverse @ ((Y - design @ V) * root)
    return (V[:-1].T, V[-1]) if offset is None else (V.T, -V.T @ offset)
