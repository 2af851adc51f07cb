"""Drawing points: balls, rotations, regular simplices, rejection."""

import numpy as np


def regular_simplex(d):
    """Vertices of a regular simplex on the unit sphere, shape (d + 1, d)."""
    centred = np.eye(d + 1) - 1 / (d + 1)
    # d orthonormal directions orthogonal to (1, ..., 1): the Helmert rows.
    k = np.arange(1, d + 1)[:, None]
    column = np.arange(d + 1)[None, :]
    H = np.where(column < k, 1.0, np.where(column == k, -k, 0.0)) / np.sqrt(k * (k + 1))
    S = centred @ H.T
    return S / np.linalg.norm(S, axis=1, keepdims=True)


def random_rotation(rng, d):
    """Uniformly random orthogonal matrix, shape (d, d)."""
    Q, R = np.linalg.qr(rng.normal(size=(d, d)))
    return Q * np.sign(np.diag(R))


def uniform_ball(rng, k, d, radius):
    """`k` points uniform in the ball around 0."""
    E = rng.normal(size=(k, d))
    E /= np.linalg.norm(E, axis=1, keepdims=True)
    return radius * rng.random((k, 1)) ** (1 / d) * E


def rejection(draw, keep, n, complaint, tries=300):
    """`n` of the points that `draw` makes, those that `keep` accepts."""
    found, total = [], 0
    for _ in range(tries):
        X = draw(2 * n + 100)
        X = X[keep(X)]
        found.append(X)
        total += len(X)
        if total >= n:
            return np.vstack(found)[:n]
    raise ValueError(complaint)
