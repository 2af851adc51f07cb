"""Labelled patterns that no fixed order of half-spaces fits: polytopes and spirals."""

from __future__ import annotations

import numpy as np

from geomcore.arrays import as_array, as_count, as_number, as_positive, as_rng
from geomcore.datasets.dataset import Dataset
from geomcore.datasets.sampling import rejection
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.typing import Seed


@answers_keywords
def polytope(
    n: int = 1000,
    *,
    d: int = 2,
    faces: int = 6,
    box: float = 1.5,
    jitter: float = 0.2,
    radii: tuple[float, float] = (0.4, 1.0),
    gap: float = 0,
    rng: Seed = None,
) -> Dataset:
    r"""Draw points of a box, labelled by whether they lie in a random polytope.

    .. math:: P = \{ x : n_i \cdot x \le r_i, \; i = 1, \dots, F \}

    In the plane the normals point at the angles 2 pi i / F plus a uniform
    jitter; in higher dimensions they are uniform on the sphere.

    Parameters
    ----------
    n : int, optional
        Number of points, uniform in ``[-box, box]^d``.
    d : int, optional
        Dimension.
    faces : int, optional
        Number F of half-spaces.
    box : float, optional
        Half the side of the box.
    jitter : float, optional
        Largest change of an angle, in radians (d = 2 only).
    radii : pair of float, optional
        The r_i are uniform between these two positive numbers.
    gap : float, optional
        Points nearer than ``gap / 2`` to a face of the polytope are drawn
        again. Default 0: none are.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        Labels 1 inside, 0 outside; ``info["normals"]``, shape (F, d), and
        ``info["offsets"]``, the r_i, shape (F,).

    Raises
    ------
    ValueError
        If a number is out of range, or the gap leaves no room.

    Notes
    -----
    Few half-spaces in high dimension may not bound the polytope; the box does.

    Examples
    --------
    >>> data = polytope(200, rng=0)
    >>> slack = data.info["offsets"] - data.X @ data.info["normals"].T
    >>> bool(((slack.min(axis=1) >= 0) == data.y).all())
    True
    """
    n, d, F = as_count(n, "n"), as_count(d, "d"), as_count(faces, "faces")
    box, rng = as_positive(box, "box"), as_rng(rng)
    radii = as_array(radii, "radii", 1)
    low, high = radii if len(radii) == 2 else (1, 0)
    if not 0 < low <= high:
        raise ValueError(
            f"radii must be the smaller and the larger radius, both positive, got {quoted(radii)}"
        )
    jitter = as_number(jitter, "jitter", 0)
    gap = as_number(gap, "gap", 0)
    if d == 2:
        angle = 2 * np.pi * np.arange(F) / F + rng.uniform(-jitter, jitter, F)
        normals = np.column_stack([np.cos(angle), np.sin(angle)])
    else:
        normals = rng.normal(size=(F, d))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = rng.uniform(low, high, F)

    def height(X):
        return (X @ normals.T - offsets).max(axis=1)

    X = rejection(
        lambda k: rng.uniform(-box, box, (k, d)),
        lambda X: np.abs(height(X)) >= gap / 2,
        n,
        f"gap must be smaller: {gap} leaves no room in the box",
    )
    info = {"normals": normals, "offsets": offsets, "gap": gap}
    return Dataset(X, (height(X) <= 0).astype(int), "polytope", info)


@answers_keywords
def spirals(
    n: int = 150,
    *,
    arms: int = 2,
    turns: float = 1.5,
    inner: float = 0.15,
    noise: float = 0.0,
    gap: float = 0.02,
    rng: Seed = None,
) -> Dataset:
    r"""Draw interleaved spirals in the plane, one class each.

    .. math:: x(t) = r(t) \, (\cos \varphi, \sin \varphi), \quad
              \varphi = 2\pi (t \cdot \text{turns} + k / \text{arms}), \quad
              r(t) = \text{inner} + (1 - \text{inner}) \, t, \quad t \in [0, 1]

    Parameters
    ----------
    n : int, optional
        Points per arm.
    arms : int, optional
        Number of arms, at least 2.
    turns : float, optional
        How often an arm winds around the centre.
    inner : float in (0, 1), optional
        Distance from the centre at which the arms begin; they end at 1.
    noise : float, optional
        Every point is moved by at most this much, uniformly in a square.
    gap : float, optional
        Smallest distance between points of different arms, checked.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        Labels 0..arms-1; ``info["gap"]`` is the smallest distance found.

    Raises
    ------
    ValueError
        If a number is out of range, or two arms come nearer than `gap`.

    Examples
    --------
    >>> spirals(rng=0)
    Dataset('spirals', N=300, d=2, classes=2)
    """
    n, arms = as_count(n, "n"), as_count(arms, "arms", 2)
    turns, gap, rng = as_positive(turns, "turns"), as_positive(gap, "gap"), as_rng(rng)
    inner, noise = as_number(inner, "inner"), as_number(noise, "noise", 0)
    if not 0 < inner < 1:
        raise ValueError(f"inner must lie in (0, 1), got {inner}")
    y = np.repeat(np.arange(arms), n)
    t = rng.random(len(y))
    angle = 2 * np.pi * (t * turns + y / arms)
    radius = inner + (1 - inner) * t
    X = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    X += rng.uniform(-noise, noise, X.shape)
    found = _class_distance(X, y)
    if found < gap:
        raise ValueError(
            f"gap must be at most {found:.4g}, the distance of the nearest arms, got {gap:g}: "
            "fewer turns, fewer arms or less noise make room"
        )
    return Dataset(X, y, "spirals", {"gap": found})


def _class_distance(X, y, block=512):
    """Smallest distance between points of different classes, block by block of rows."""
    least = np.inf
    for start in range(0, len(X), block):
        rows = slice(start, start + block)
        squares = sum((X[rows, None, k] - X[None, :, k]) ** 2 for k in range(X.shape[1]))
        least = min(least, squares[y[rows, None] != y[None, :]].min())
    return float(np.sqrt(least))
