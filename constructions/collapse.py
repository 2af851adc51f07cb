"""One collapse layer: a cone that swallows one set of points and leaves another alone."""

from typing import NamedTuple

import numpy as np


class Collapse(NamedTuple):
    """Cumulative parameters of a layer that sends a set G to `base` and fixes a set F.

    Attributes
    ----------
    W : ndarray, shape (d, d)
    b : ndarray, shape (d,)
    base : ndarray, shape (d,)
        The point -W^{-1} b that G goes to.
    flatness : float
        The smallest singular value of W over the largest, 1/cond(W): the
        factor lambda of CE24 Lemma 3.4.
    """

    W: np.ndarray
    b: np.ndarray
    base: np.ndarray
    flatness: float


def rotation_to_diagonal(axis, rng):
    """Orthogonal R with R axis = (1, ..., 1)/sqrt(d), otherwise random.

    Parameters
    ----------
    axis : ndarray, shape (d,)
        Unit vector.
    rng : numpy.random.Generator
    """
    d = len(axis)
    inner = np.eye(d)
    if d > 1:
        Q, R = np.linalg.qr(rng.standard_normal((d - 1, d - 1)))
        inner[1:, 1:] = Q * np.sign(np.diag(R))
    return _reflection(np.full(d, d**-0.5)) @ inner @ _reflection(axis)


def _reflection(axis):
    """Symmetric orthogonal matrix that exchanges e_1 and the unit vector `axis`."""
    v = -axis
    v[0] += 1
    norm = v @ v
    if norm < 1e-30:
        return np.eye(len(axis))
    return np.eye(len(axis)) - (2 / norm) * np.outer(v, v)


def collapse_layer(G, F, normal, base, rng, *, share=0.5, tries=4):
    r"""A layer that sends every point of `G` to `base` and moves no point of `F`.

    Its rows are tilted copies of one separating hyperplane,

    .. math:: W = R \left( h h^T + \lambda (I - h h^T) \right), \quad b = -W p,
              \quad R h = (1, \dots, 1)/\sqrt{d}

    with R orthogonal, h the normal and p the base. The tilt :math:`\lambda` is
    a fixed share of the largest one for which every row still has all of G
    strictly on its negative and all of F strictly on its positive side.

    Parameters
    ----------
    G, F : ndarray, shapes (N_G, d), (N_F, d)
    normal : ndarray, shape (d,)
        Unit normal, pointing from G to F.
    base : ndarray, shape (d,)
        A point of a hyperplane with this normal that separates G from F strictly.
    rng : numpy.random.Generator
    share : float, optional
        In (0, 1): how much of the largest tilt is used. Every pre-activation
        is at least 1 - share of what the untilted hyperplane would give.
    tries : int, optional
        Random rotations R to choose from.

    Returns
    -------
    Collapse

    Notes
    -----
    The paper bounds the tilt by the aperture of a circular cone around all
    the data; the points themselves are never spread so evenly that the bound
    is attained, so the tilt found here is larger and W better conditioned.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, Lemma 3.4.
    """
    d = len(normal)
    shifted = np.vstack([G, F]) - base
    height = shifted @ normal  # negative on G, positive on F
    best = (0.0, None)
    for _ in range(tries if d > 1 else 1):
        R = rotation_to_diagonal(normal, rng)
        R_flat = R - np.outer(R @ normal, normal)
        sideways = shifted @ R_flat.T
        # a row is right at a point iff height/sqrt(d) + lambda sideways has the sign of height
        against = -(sideways * np.sign(height)[:, None]).min(axis=1)
        with np.errstate(divide="ignore"):
            limit = (np.abs(height) / np.maximum(against, 0)).min() / np.sqrt(d)
        if limit > best[0]:
            best = (limit, R)
    limit, R = best
    flatness = float(min(1.0, share * limit)) if d > 1 else 1.0
    W = flatness * R + (1 - flatness) * np.outer(R @ normal, normal)
    return Collapse(W, -W @ base, base, flatness)
