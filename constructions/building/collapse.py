"""One collapse layer: a cone that swallows one set of points and leaves another alone."""

from typing import NamedTuple

import numpy as np

from geomcore.threads import factorizing

BLOCK = 4096  # points handled at a time


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
        with factorizing(inner):
            Q, R = np.linalg.qr(rng.standard_normal((d - 1, d - 1)))
        inner[1:, 1:] = Q * np.sign(np.diag(R))
    return _reflection(np.full(d, d**-0.5)) @ inner @ _reflection(axis)


def _reflection(axis):
    """Symmetric orthogonal matrix that exchanges e_1 and the unit vector `axis`."""
    v = -axis
    # 1 - axis[0], which cancels near e_1
    v[0] = 1 - axis[0] if axis[0] < 0.5 else axis[1:] @ axis[1:] / (1 + axis[0])
    norm = v @ v
    if norm < 1e-30:
        return np.eye(len(axis))
    return np.eye(len(axis)) - (2 / norm) * np.outer(v, v)


def collapse_layer(G, F, normal, base, rng, *, share=0.65, tries=None):
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
        Random rotations R to choose from; default 8 up to d = 20, 4 up to 100, 1 above.

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
    if d == 1:
        W = normal[:, None].copy()
        return Collapse(W, -W @ base, base, 1.0)
    if tries is None:
        tries = 8 if d <= 20 else 4 if d <= 100 else 1
    nearest = _nearest(G, F, normal, base)
    rotations = (rotation_to_diagonal(normal, rng) for _ in range(tries))
    R = max(rotations, key=lambda R: _largest_tilt(nearest, R, normal, base))
    limit = min(_largest_tilt(S, R, normal, base) for S in (G, F))
    flatness = float(min(1.0, share * limit))
    W = flatness * R + (1 - flatness) * np.outer(R @ normal, normal)
    return Collapse(W, -W @ base, base, flatness)


def _nearest(G, F, normal, base, count=1000):
    """Points of both sets that are nearest to the hyperplane: most likely to limit the tilt."""
    parts = []
    for S in (G, F):
        height = np.abs(S @ normal - base @ normal)
        parts.append(S[np.argpartition(height, count)[:count]] if len(S) > count else S)
    return np.vstack(parts)


def _largest_tilt(S, R, normal, base):
    """Supremum of the tilts for which every row is on the right side of every point of `S`."""
    R_flat = R - np.outer(R @ normal, normal)
    limit = np.inf
    for start in range(0, len(S), BLOCK):
        shifted = S[start : start + BLOCK] - base
        height = shifted @ normal  # negative on G, positive on F
        # a row is right at a point iff height/sqrt(d) + tilt * sideways has the sign of height
        sideways = shifted @ R_flat.T
        sideways *= np.sign(height)[:, None]
        against = np.maximum(-sideways.min(axis=1), 1e-300)
        limit = min(limit, float((np.abs(height) / against).min()))
    return limit / np.sqrt(len(normal))
