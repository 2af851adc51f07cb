"""Outlines of backward cones in a box: the polygons that pictures fill."""

import numpy as np

from geomcore.arrays import as_array, as_layer


def sector_outlines(W, b, box):
    r"""Outline the set where no unit of a layer is active, clipped to a box.

    .. math:: S_- \cap \text{box} = \{ x : Wx + b \le 0 \} \cap \text{box}

    Parameters
    ----------
    W : array_like, shape (m, n)
        Weights; with n > d the first d columns count, as for points that are
        padded with zeros.
    b : array_like, shape (m,)
        Biases.
    box : array_like, shape (d, 2)
        Lower and upper limit of each coordinate, d = 2 or 3.

    Returns
    -------
    list of ndarray, shapes (k, d)
        Corners of convex polygons: the set itself in the plane (one polygon
        or none), its faces, without those of the box, in space.

    Raises
    ------
    ValueError
        If the shapes do not fit, or d is not 2 or 3.

    Examples
    --------
    >>> corner, = sector_outlines([[1, 0], [0, 1]], [0, 0], [[-1, 1], [-1, 1]])
    >>> corner.min(axis=0), corner.max(axis=0)
    (array([-1., -1.]), array([0., 0.]))
    """
    W, b = as_layer(W, b)
    box = as_array(box, "box", 2)
    d = len(box)
    if box.shape not in {(2, 2), (3, 2)}:
        raise ValueError(f"box must have shape (2, 2) or (3, 2), got {box.shape}")
    if (box[:, 0] >= box[:, 1]).any():
        raise ValueError(f"box must have lower limits below the upper ones, got {box.tolist()}")
    if W.shape[1] < d:
        raise ValueError(f"W must have at least {d} columns, got shape {W.shape}")
    W = W[:, :d]
    norms = np.linalg.norm(W, axis=1)
    if (b[norms == 0] > 0).any():
        return []
    b, W = b[norms > 0] / norms[norms > 0], W[norms > 0] / norms[norms > 0, None]
    walls = np.vstack([-np.eye(d), np.eye(d)])
    limits = np.concatenate([box[:, 0], -box[:, 1]])
    if d == 2:
        (x0, x1), (y0, y1) = box
        whole = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        outline = _clip(whole, W, b)
        return [outline] if len(outline) else []
    faces = []
    for i in range(len(b)):
        others = np.arange(len(b)) != i
        face = _clip(_square(W[i], b[i], box), walls, limits)
        face = _clip(face, W[others], b[others])
        if len(face):
            faces.append(face)
    return faces


def _square(w, c, box):
    """A square in the plane w.x + c = 0, w a unit vector, beyond the box on all sides."""
    center = box.mean(axis=1)
    center = center - (w @ center + c) * w
    u, v = np.linalg.svd(w[None, :])[2][1:]
    reach = 2 * np.linalg.norm(box[:, 1] - box[:, 0])
    return center + reach * np.array([u + v, u - v, -u - v, v - u])


def _clip(polygon, W, b):
    """Keep the part of a convex polygon where W x + b <= 0, half-space by half-space."""
    for w, c in zip(W, b, strict=True):
        height = polygon @ w + c
        corners = []
        for i in range(len(polygon)):
            j = (i + 1) % len(polygon)
            if height[i] <= 0:
                corners.append(polygon[i])
            if height[i] * height[j] < 0:
                t = height[i] / (height[i] - height[j])
                corners.append(polygon[i] + t * (polygon[j] - polygon[i]))
        if len(corners) < 3:
            return np.empty((0, len(w)))
        polygon = np.array(corners)
    return polygon
