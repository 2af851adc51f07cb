"""Chains of truncation maps of many networks at a time, and what they do to classes of points."""

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_rtol
from geomcore.threads import single_threaded_blas


class Truncation(NamedTuple):
    """What the hidden layers of S networks do to the classes of a data set.

    Attributes
    ----------
    backward, forward, mixed : ndarray, shape (S, L - 1, Q)
        Fractions of the truncated points before a layer that are in its backward cone (all
        coordinates <= 0), in its forward cone (all >= 0, some > 0), and elsewhere.
    dead : ndarray, shape (S, L - 1, Q)
        Fractions of the points for which all units of the layer are off in the network itself.
    spread : ndarray, shape (S, L - 1, Q)
        Root mean square distance of the truncated class from its mean, after the layer.
    distance : ndarray, shape (S, L - 1, Q)
        Of that mean from the base point.
    base : ndarray, shape (S, L - 1, d_0)
        The point -W^+ b, in the space of the data.
    smallest_angle, largest_angle : ndarray, shape (S, L - 1)
        Between two columns of W^+, in radians; nan if there are no two.
    rank, condition, defect : ndarray, shape (S, L - 1)
        As in `geomcore.truncation_defects`.
    """

    backward: np.ndarray
    forward: np.ndarray
    mixed: np.ndarray
    dead: np.ndarray
    spread: np.ndarray
    distance: np.ndarray
    base: np.ndarray
    smallest_angle: np.ndarray
    largest_angle: np.ndarray
    rank: np.ndarray
    condition: np.ndarray
    defect: np.ndarray


def truncations(params, X, index, Q, *, rtol=None):
    """Truncate points by the hidden layers of S networks of one shape, and measure the classes.

    Parameters
    ----------
    params : list of ndarray
        Weights (S, m, n) and biases (S, m) in turn, as `geomcore.stack.stack` gives them.
        At least two pairs: there is a hidden layer.
    X : ndarray, shape (N, d_0)
    index : ndarray of int, shape (N,)
        Class of each point; every class has a point.
    Q : int
    rtol : float, optional
        As in `geomcore.truncation_map`.

    Returns
    -------
    Truncation

    Notes
    -----
    Per network as `geomcore.truncation.truncation_steps`, but where that refuses a network whose
    cumulative parameters are larger than any float, here all is nan, as where base points are,
    or weights are no numbers; and cumulative weights that are smaller than any float
    have the rank that they have. Memory O(S N m).
    """
    # The products and factors of many networks are small: a second thread is waited for in vain.
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        return _truncations(params, X, index, Q, rtol)


def _truncations(params, X, index, Q, rtol):
    weights, biases = params[0::2], params[1::2]
    members = (index == np.arange(Q)[:, None]).astype(float)
    sizes = members.sum(axis=1)
    lost = ~_are_finite(weights[0])
    first, points = _padded(np.where(lost[:, None, None], 0.0, weights[0]), X)
    output, W = np.broadcast_to(X, (len(first), *X.shape)), None
    layers = []
    for V, c in zip(weights[:-1], biases[:-1], strict=True):
        output = output @ V.transpose(0, 2, 1) + c[:, None]
        dead = (output <= 0).all(axis=2)
        output = np.maximum(output, 0)
        # A product of many small weights would vanish, and its rank with it: W and b are
        # the cumulative parameters divided by powers of two.
        if W is None:
            W, exponents = _at_size_one(first)
            b = _ldexp(c, -exponents)
        else:
            V, more = _at_size_one(V)
            W, b, exponents = V @ W, (V @ b[..., None])[..., 0], exponents + more
            b = b + _ldexp(c, -exponents)
            W, more = _at_size_one(W)
            b, exponents = _ldexp(b, -more), exponents + more
        lost |= ~(_are_finite(_ldexp(W, exponents)) & _are_finite(_ldexp(b, exponents)))
        W, b = (np.where(np.isfinite(a), a, 0.0) for a in (W, b))
        along = points @ W.transpose(0, 2, 1)
        A = along + b[:, None]
        backward = (A <= 0).all(axis=2)
        forward = (A >= 0).all(axis=2) & ~backward
        sectors = (backward, forward, ~(backward | forward), dead)
        pinv, rank, condition = _inverses(W, rtol)
        points = np.maximum(along, -b[:, None]) @ pinv.transpose(0, 2, 1)
        error = points @ W.transpose(0, 2, 1) + b[:, None] - _ldexp(output, -exponents)
        base = -(pinv @ b[..., None])[..., 0]
        means, spread = means_and_spreads(points, index, members)
        layers.append(
            Truncation(
                *(part @ members.T / sizes for part in sectors),
                spread,
                norms(means - base[:, None]),
                base[:, : X.shape[1]],
                *_angles(pinv),
                rank,
                condition,
                np.ldexp(norms(error).max(axis=1), exponents),
            )
        )
    found = [np.stack(parts, axis=1).astype(float) for parts in zip(*layers, strict=True)]
    for part in found:
        part[lost] = np.nan
    return Truncation(*found)


def norms(D):
    """Euclidean norms along the last axis, of numbers of any size."""
    exponents = np.maximum(np.frexp(np.abs(D).max(axis=-1))[1], -1000)
    # A product with a power of two is exact, and quicker than ldexp of all entries.
    D = D * np.ldexp(1.0, -exponents)[..., None]
    return np.ldexp(np.sqrt(np.einsum("...d,...d->...", D, D)), exponents)


def means_and_spreads(points, index, members):
    """Mean of each class, and root mean square distance of its points from it.

    Parameters
    ----------
    points : ndarray, shape (S, N, d)
    index : ndarray of int, shape (N,)
    members : ndarray, shape (Q, N)
        1 for the points of each class, else 0.

    Returns
    -------
    means : ndarray, shape (S, Q, d)
    spreads : ndarray, shape (S, Q)
        Of points that coincide 0, without rounding.
    """
    sizes = members.sum(axis=1)
    # Sums of what is near the end of the range would leave it.
    largest = np.frexp(np.abs(points).max(axis=(1, 2)))[1]
    less = np.where(largest > 900, 100, 0)
    points = _ldexp(points, -less)
    origins = points[:, members.argmax(axis=1)]  # a point of each class
    D = points - origins[:, index]
    means = (members @ D) / sizes[:, None]
    lengths = norms(D - means[:, index])
    exponents = np.frexp(lengths.max(axis=1))[1][:, None]
    squares = np.ldexp(lengths, -exponents) ** 2
    spreads = np.ldexp(np.sqrt(squares @ members.T / sizes), exponents)
    with np.errstate(over="ignore"):
        return _ldexp(origins + means, less), _ldexp(spreads, less)


def _padded(W, X):
    """First layers that do not widen, and points, for the given ones; `geomcore.truncation.padded`.

    Which orthogonal columns complete W does not matter: another choice turns the padding.
    """
    m, n = W.shape[1:]
    if m <= n:
        return W, X[None]
    U, singular, _ = np.linalg.svd(W)
    scale = np.where(singular[:, :1] > 0, singular[:, :1], 1.0)
    wide = np.concatenate([W, scale[..., None] * U[..., n:]], axis=2)
    return wide, np.hstack([X, np.zeros((len(X), m - n))])[None]


def _at_size_one(W):
    """Weights divided by powers of two, so that products stay in range, and the exponents."""
    exponents = np.frexp(np.abs(W).max(axis=(1, 2)))[1]
    return _ldexp(W, -exponents), exponents


def _ldexp(arrays, exponents):
    """The arrays of S networks, each times a power of two."""
    return np.ldexp(arrays, exponents.reshape(-1, *[1] * (arrays.ndim - 1)))


def _are_finite(arrays):
    """Which of the arrays of S networks hold numbers only."""
    return np.isfinite(arrays).reshape(len(arrays), -1).all(axis=1)


def _inverses(W, rtol):
    """Moore-Penrose inverses, ranks and condition numbers."""
    U, singular, Vt = np.linalg.svd(W, full_matrices=False)
    keep = singular > as_rtol(rtol, W.shape[1:]) * singular[:, :1]
    with np.errstate(divide="ignore"):
        inverse = np.where(keep, 1 / singular, 0.0)
        rank = keep.sum(axis=1)
        full = rank == singular.shape[1]
        condition = np.where(full, singular[:, 0] * np.where(full, inverse[:, -1], 0), np.inf)
    pinv = (Vt.transpose(0, 2, 1) * inverse[:, None]) @ U.transpose(0, 2, 1)
    return pinv, rank, condition


def _angles(pinv):
    """Least and largest angle between two columns of each matrix; zero columns have none."""
    edges = pinv.transpose(0, 2, 1)
    lengths = np.linalg.norm(edges, axis=2)
    first, second = np.triu_indices(edges.shape[1], 1)
    none = np.full(len(edges), np.nan)
    if not len(first):
        return none, none
    units = edges / np.where(lengths > 0, lengths, 1.0)[..., None]
    cosines = (units @ units.transpose(0, 2, 1))[:, first, second]
    known = (lengths[:, first] > 0) & (lengths[:, second] > 0)
    found = []
    for pick, worst in ((np.argmax, -np.inf), (np.argmin, np.inf)):
        at = pick(np.where(known, cosines, worst), axis=1)
        rows = np.arange(len(edges))
        u, v = units[rows, first[at]], units[rows, second[at]]
        # From the sides of a triangle, which is accurate near 0 and pi, where an arccos is not.
        angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))
        found.append(np.where(known.any(axis=1), angle, np.nan))
    return tuple(found)
