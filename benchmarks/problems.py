"""Labelled data that no order of half-spaces fits, for the universal construction."""

import numpy as np

from geomcore import datasets


def xor(rng, n=200):
    """Four clusters, opposite ones of one class."""
    corners = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]])
    which = np.arange(n) % 4
    return corners[which] + rng.uniform(-0.4, 0.4, (n, 2)), which // 2


def rings(rng, n=300, count=3):
    """Concentric rings, one class each."""
    y = np.arange(n) % count
    radius = 1 + y + rng.uniform(-0.2, 0.2, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), y


def checkerboard(rng, n=400, cells=4):
    """Points of the fields of a checkerboard, none of them near a border."""
    X = np.empty((0, 2))
    while len(X) < n:
        tried = rng.uniform(0, cells, (n, 2))
        X = np.vstack([X, tried[np.abs(tried - np.round(tried)).min(axis=1) > 0.05]])[:n]
    return X, np.floor(X).astype(int).sum(axis=1) % 2


def moons(rng, n=300, noise=0.1):
    """Two half moons that reach into each other, with Gaussian noise."""
    y = np.arange(n) % 2
    t = rng.uniform(0, np.pi, n)
    upper = np.column_stack([np.cos(t), np.sin(t)])
    X = np.where(y[:, None] == 0, upper, [1.0, 0.5] - upper)
    return X + noise * rng.standard_normal(X.shape), y


def circles(rng, n=300, noise=0.08):
    """A circle in another one, with Gaussian noise."""
    y = np.arange(n) % 2
    t = rng.uniform(0, 2 * np.pi, n)
    X = np.where(y == 0, 1.0, 0.5)[:, None] * np.column_stack([np.cos(t), np.sin(t)])
    return X + noise * rng.standard_normal(X.shape), y


def random_labels(rng, n=60, d=2, classes=2):
    """Gaussian points with labels drawn at random."""
    return rng.standard_normal((n, d)), rng.permutation(np.arange(n) % classes)


def digits_random_labels(rng):
    """The images of digits, their labels shuffled."""
    data = datasets.digits()
    return data.X, rng.permutation(data.y)


def small():
    """Name, points and labels of data sets that take seconds."""
    rng = np.random.default_rng(0)
    yield "iris", *datasets.iris()[:2]
    yield "spirals, 150 + 150", *datasets.spirals(150, rng=0)[:2]
    yield "60 random labels, plane", *random_labels(rng)
    yield "60 random labels, 5 classes, R^5", *random_labels(rng, d=5, classes=5)
    yield "XOR, 4 points", [[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1]
    yield "XOR, 4 clusters of 50", *xor(rng)
    yield "three rings of 100", *rings(rng)
    yield "checkerboard 4 x 4, 400", *checkerboard(rng)
    yield "moons, noise 0.1", *moons(rng)
    yield "circles, noise 0.08", *circles(rng)
    yield "line, 40 points, 3 classes", rng.standard_normal((40, 1)), rng.integers(0, 3, 40)
    yield "Q = N = 20, plane", rng.standard_normal((20, 2)), np.arange(20)
