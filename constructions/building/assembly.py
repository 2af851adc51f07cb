"""From hidden layers to a network: scale the layers, fit the last one, undo the preconditioning."""

from typing import NamedTuple

import numpy as np

from geomcore.network import ReLUNetwork


class Frame(NamedTuple):
    """An affine change of coordinates z = (x - centre) / scale, feature by feature."""

    centre: np.ndarray
    scale: np.ndarray

    def __call__(self, X):
        return (X - self.centre) / self.scale


def standard_frame(X):
    """Centre each feature and divide it by its standard deviation (by 1 if it is constant).

    Scales are rounded to powers of two, so that dividing by them costs
    nothing; any frame would do.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    centre = low + (X - low).mean(axis=0)
    spread = np.where(high > low, (X - centre).std(axis=0), 1.0)
    scale = 2.0 ** np.round(np.log2(np.where(spread > 0, spread, 1.0)))
    return Frame(centre, scale)


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
    Each layer is scaled by a power of two, which rounds nothing, so that its
    largest activation on the data is at least 1 and below 2 (a truncation map
    does not change when its layer is scaled).
    """
    Z = frame(X)
    weights, biases = [], []
    down = 1.0
    for W, b in layers:
        W = W * down
        Z = np.maximum(Z @ W.T + b, 0)
        top = 2.0 ** np.floor(np.log2(Z.max() or 1.0))
        W, b, Z, down = W / top, b / top, Z / top, top
        weights.append(W)
        biases.append(b)
    first = weights[0] / frame.scale
    weights[0], biases[0] = first, biases[0] - first @ frame.centre
    hidden = _hidden_of_classes(weights, biases, X, labels)
    if homogeneous:
        offset = np.zeros(len(frame.centre))
        for W, b in zip(weights, biases, strict=True):
            offset = W @ offset + b if W is not weights[0] else b
        W = (np.linalg.pinv(hidden - offset) @ labels.targets).T
        b = -W @ offset
    else:
        H = np.column_stack([hidden, np.ones(len(hidden))])
        # one step of refinement, a safeguard: the plain fit is mostly at rounding already
        V = np.linalg.pinv(H) @ labels.targets
        V = V + np.linalg.pinv(H) @ (labels.targets - H @ V)
        W, b = V[:-1].T, V[-1]
    return ReLUNetwork([*weights, W], [*biases, b])


def _hidden_of_classes(weights, biases, X, labels):
    """Last hidden output of one point of each class, shape (Q, m)."""
    _, first = np.unique(labels.index, return_index=True)
    H = X[first]
    for W, b in zip(weights, biases, strict=True):
        H = np.maximum(H @ W.T + b, 0)
    return H
