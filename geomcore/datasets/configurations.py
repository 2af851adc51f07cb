"""The four synthetic configurations that the constructions are made for.

Every class has `n` points, the classes are at least `gap` apart by construction,
and what separates them is in ``info``.
"""

from __future__ import annotations

import math

import numpy as np

from geomcore.arrays import as_count, as_number, as_positive, as_rng
from geomcore.cones import PolyhedralCone
from geomcore.datasets.dataset import Dataset
from geomcore.datasets.sampling import random_rotation, regular_simplex, rejection, uniform_ball
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import Seed


@answers_keywords
def clusters(
    n: int = 100,
    *,
    classes: int = 3,
    d: int | None = None,
    radius: float = 0.15,
    sigma: float | None = None,
    gap: float = 0.1,
    rng: Seed = None,
) -> Dataset:
    r"""Draw configuration (a): one ball or Gaussian around each unit vector.

    .. math:: X_j \subset e_j + \{ |x| \le \text{radius} \}, \quad j = 1, \dots, Q

    Parameters
    ----------
    n : int, optional
        Points per class.
    classes : int, optional
        Number of classes Q, at least 2.
    d : int, optional
        Dimension, at least Q, which is the default.
    radius : float, optional
        Radius of the balls, which are filled uniformly.
    sigma : float, optional
        If given, Gaussians of this standard deviation instead of balls.
    gap : float, optional
        Smallest distance between points of different classes: Gaussian points
        further than ``(sqrt(2) - gap) / 2`` from their centre are drawn again.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        Labels 0..Q-1; ``info["centers"]``, shape (Q, d).

    Raises
    ------
    ValueError
        If a number is out of range, or the balls come nearer than `gap`.

    Notes
    -----
    With the defaults the hypotheses of the clustered construction, [1]_
    Prop. 4.1, hold; at radius 0.2 they just fail.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data",
       arXiv:2405.07098v2, section 4.

    Examples
    --------
    >>> clusters(50, rng=0)
    Dataset('clusters', N=150, d=3, classes=3)
    """
    n, Q = as_count(n, "n", 1), as_count(classes, "classes", 2)
    d = Q if d is None else as_count(d, "d", Q)
    gap, rng = as_positive(gap, "gap"), as_rng(rng)
    reach = (math.sqrt(2) - gap) / 2
    centers = np.eye(Q, d)
    if sigma is None:
        radius = as_positive(radius, "radius")
        if radius > reach:
            raise ValueError(
                f"radius must be at most (sqrt(2) - gap) / 2 = {reach:.4g} to leave a gap of "
                f"{gap:g}, got {radius:g}"
            )
        noise = uniform_ball(rng, n * Q, d, radius)
    else:
        sigma = as_positive(sigma, "sigma")
        noise = rejection(
            lambda k: rng.normal(0, sigma, (k, d)),
            lambda E: np.linalg.norm(E, axis=1) <= reach,
            n * Q,
            f"sigma and gap: hardly a point of sigma {sigma:g} lies within {reach:.4g} of its "
            "centre; both must be smaller",
        )
    y = np.repeat(np.arange(Q), n)
    return Dataset(centers[y] + noise, y, "clusters", {"centers": centers, "gap": gap})


@answers_keywords
def sequential(
    n: int = 150,
    *,
    classes: int = 3,
    d: int = 3,
    irregularity: float = 0.3,
    gap: float = 0.1,
    rng: Seed = None,
) -> Dataset:
    r"""Draw configuration (b): classes cut off one body, one hyperplane after another.

    An irregular body is cut by a first hyperplane, what is behind it is the
    first class; the rest is cut again, and so on. Class ``order[j]`` has
    ``normals[j] @ x + offsets[j] <= -gap / 2``, all later classes have
    ``>= gap / 2``.

    Parameters
    ----------
    n : int, optional
        Points per class.
    classes : int, optional
        Number of classes Q, at least 2.
    d : int, optional
        Dimension, at least ``max(2, Q - 1)``.
    irregularity : float in [0, 1), optional
        The body is ``|x| <= 1 + irregularity * sin(...)``, a random wave over
        the directions; 0 is the unit ball.
    gap : float, optional
        Smallest distance between points of different classes.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        Labels 0..Q-1; ``info["order"]``, the labels in the order of the cuts;
        ``info["hyperplanes"] = (normals, offsets)``, shapes (Q - 1, d), (Q - 1,).

    Raises
    ------
    ValueError
        If a number is out of range, or a class has no room beside the gap.

    Notes
    -----
    The hyperplanes are nearly orthogonal and pass near the centre, so every
    later class lies along the whole of the first one: it cannot be separated
    from the rest before the first class is gone. Only the last two classes
    may change places. The classes are far from clustered.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data",
       arXiv:2405.07098v2, Def. 5.1.

    Examples
    --------
    >>> data = sequential(50, rng=0)
    >>> normals, offsets = data.info["hyperplanes"]
    >>> first = data.X[data.y == data.info["order"][0]]
    >>> bool((first @ normals[0] + offsets[0] <= -0.05).all())
    True
    """
    n, Q = as_count(n, "n", 1), as_count(classes, "classes", 2)
    d, gap, rng = as_count(d, "d", max(2, Q - 1)), as_positive(gap, "gap"), as_rng(rng)
    irregularity = as_number(irregularity, "irregularity")
    if not 0 <= irregularity < 1:
        raise ValueError(f"irregularity must be at least 0 and below 1, got {irregularity}")
    wave, phase = rng.normal(0, 2, d), rng.uniform(0, 2 * np.pi)
    normals = random_rotation(rng, d)[: Q - 1] + rng.normal(0, 0.1 / math.sqrt(d), (Q - 1, d))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = rng.uniform(-0.1, 0.1, Q - 1)

    def body(k):
        X = uniform_ball(rng, k, d, 1)
        u = X / np.linalg.norm(X, axis=1, keepdims=True)
        return X * (1 + irregularity * np.sin(u @ wave + phase))[:, None]

    def in_class(j):
        def keep(X):
            side = X @ normals.T + offsets
            behind = side[:, j] <= -gap / 2 if j < Q - 1 else np.ones(len(X), bool)
            return behind & (side[:, :j] >= gap / 2).all(axis=1)

        return keep

    order = rng.permutation(Q)
    X = np.empty((Q, n, d))
    for j, label in enumerate(order):
        no_room = f"gap must be smaller: {gap:g} leaves class {label} no room in the body"
        X[label] = rejection(body, in_class(j), n, no_room)
    info = {"order": order.tolist(), "hyperplanes": (normals, offsets), "gap": gap}
    return Dataset(X.reshape(-1, d), np.repeat(np.arange(Q), n), "sequential", info)


@answers_keywords
def single_cone(
    n: int = 200,
    *,
    d: int = 3,
    angle: float = np.pi / 3,
    radius: float = 1.5,
    gap: float = 0.1,
    rng: Seed = None,
) -> Dataset:
    r"""Draw configuration (c): class 0 in a backward cone, class 1 around it.

    .. math:: X_0 \subset S_-(p, v) = \{ p - \textstyle\sum_i t_i v_i : t_i \ge 0 \},
              \qquad X_1 \cap S_- = \emptyset

    both in a ball around the apex p = 0.

    Parameters
    ----------
    n : int, optional
        Points per class.
    d : int, optional
        Dimension, at least 2.
    angle : float, optional
        Angle between each edge of the cone and its axis, in (0, pi/2).
    radius : float, optional
        Radius of the ball.
    gap : float, optional
        Smallest distance between points of different classes: both keep
        ``gap / 2`` from the faces of the cone.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        Labels 0 (inside) and 1; ``info["cone"]``, a `geomcore.cones.PolyhedralCone`
        with all coordinates of class 0 negative and one of each point of class
        1 positive.

    Raises
    ------
    ValueError
        If a number is out of range, or the gap leaves a class no room.

    Notes
    -----
    The hulls of the classes meet, since class 1 surrounds the cone on its
    sides, but not in front of its opening: the classes are neither linearly
    separable nor concentric. The points are drawn by rejection, which gives
    up in dimensions above about 8.

    References
    ----------
    .. [1] P. Muñoz Ewald, "Explicit neural network classifiers for
       non-separable data", arXiv:2504.18710v1, fig. 1 (left) and Prop. 3.1.

    Examples
    --------
    >>> data = single_cone(50, d=2, rng=0)
    >>> bool((data.info["cone"].coordinates(data.X[data.y == 0]) < 0).all())
    True
    """
    n, d, rng = as_count(n, "n", 1), as_count(d, "d", 2), as_rng(rng)
    radius, gap = as_positive(radius, "radius"), as_positive(gap, "gap")
    angle = as_number(angle, "angle")
    if not 0 < angle < np.pi / 2:
        raise ValueError(f"angle must lie in (0, pi/2), got {angle}")
    edges = np.empty((d, d))
    edges[:, 0] = math.cos(angle)
    edges[:, 1:] = math.sin(angle) * regular_simplex(d - 1)
    cone = PolyhedralCone(np.zeros(d), edges)
    steepness = np.linalg.norm(np.linalg.inv(edges), axis=0)

    def height(X):
        """Largest signed distance to the faces: negative inside the backward cone."""
        return (cone.coordinates(X) / steepness).max(axis=1)

    def ball(k):
        return uniform_ball(rng, k, d, radius)

    no_room = f"gap and angle leave no room in a ball of radius {radius:g}, got {gap:g}, {angle:g}"
    inside = rejection(ball, lambda X: height(X) <= -gap / 2, n, no_room)
    outside = rejection(ball, lambda X: height(X) >= gap / 2, n, no_room)
    info = {"cone": cone, "gap": gap}
    return Dataset(np.vstack([inside, outside]), np.repeat([0, 1], n), "single_cone", info)


@answers_keywords
def concentric(
    n: int = 200, *, d: int = 3, radius: float = 1.8, gap: float = 0.1, rng: Seed = None
) -> Dataset:
    """Draw configuration (d): class 0 in a simplex, class 1 all around it.

    The simplex is regular with its vertices on the unit sphere, turned at random.

    Parameters
    ----------
    n : int, optional
        Points per class.
    d : int, optional
        Dimension, at least 1.
    radius : float, optional
        Class 1 fills the ball of this radius around the simplex, more than 1.
    gap : float, optional
        Smallest distance between points of different classes: both keep
        ``gap / 2`` from the faces of the simplex.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        Labels 0 (inside) and 1; ``info["simplex"]``, the vertices, shape (d + 1, d).

    Raises
    ------
    ValueError
        If a number is out of range, or the gap leaves the simplex no room.

    References
    ----------
    .. [1] P. Muñoz Ewald, "Explicit neural network classifiers for
       non-separable data", arXiv:2504.18710v1, fig. 1 (right) and Thm 3.3.

    Examples
    --------
    >>> data = concentric(50, d=2, rng=0)
    >>> data.info["simplex"].shape
    (3, 2)
    """
    n, d, rng = as_count(n, "n", 1), as_count(d, "d", 1), as_rng(rng)
    radius, gap = as_positive(radius, "radius"), as_positive(gap, "gap")
    if radius <= 1:
        raise ValueError(f"radius must be more than 1, the radius of the simplex, got {radius}")
    # The faces of a regular simplex lie opposite its vertices, at distance 1/d.
    if gap / 2 >= 1 / d:
        raise ValueError(f"gap must be below 2/d = {2 / d:.4g}, the room in the simplex, got {gap}")
    S = regular_simplex(d) @ random_rotation(rng, d)
    inside = (1 - d * gap / 2) * rng.dirichlet(np.ones(d + 1), n) @ S
    outside = rejection(
        lambda k: uniform_ball(rng, k, d, radius),
        lambda X: (X @ -S.T).max(axis=1) >= 1 / d + gap / 2,
        n,
        f"gap leaves no room between the simplex and radius {radius:g}, got {gap:g}",
    )
    info = {"simplex": S, "gap": gap}
    return Dataset(np.vstack([inside, outside]), np.repeat([0, 1], n), "concentric", info)
