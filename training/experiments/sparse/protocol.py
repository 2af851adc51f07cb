"""What the sparse coding experiment trains: data, penalties, treatments of norms, loops."""

from typing import NamedTuple

import numpy as np

from geomcore.datasets import patches, sparse_synthetic
from geomcore.display.lines import told_in_brief

PATCHES, SYNTHETIC, PIXELS = "patches", "synthetic", "pixels"
DATA = (PATCHES, SYNTHETIC)
TREATMENTS = ("columns", "inverse", "weighted", "free")
CONSTRAINED = ("columns", "inverse", "weighted")
NAMES = {
    "columns": "unit columns",
    "inverse": "penalty on small rows",
    "weighted": "norm-weighted L1",
    "free": "free norms",
}
PENALTIES = (0.3, 1.0, 3.0)
MIDDLE, HIGHEST = 1.0, 3.0
LOOP = 6
LOOPS = (0, LOOP)
SIDE, KEEP, FLOOR = 8, 0.5, 0.1  # of patches: half of those drawn, of more contrast
HELD_OUT = 2000
RATE, BATCH = 0.005, 128
SYNTHETIC_SCALE = 4.0
BIASES = ("mean", "none")
# Parts of the grid, each with random numbers of its own.
STREAMS = {PATCHES: 0, SYNTHETIC: 1, PIXELS: 2}


@told_in_brief
class Size(NamedTuple):
    """How large an experiment is.

    Attributes
    ----------
    units, synthetic_units : int
        Of the networks for patches, and of those for synthetic points and their dictionary.
    points : int
        To train on.
    steps : int
    looked_up : int
        Patches that scikit-learn's dictionary learning sees.
    """

    units: int
    synthetic_units: int
    points: int
    steps: int
    looked_up: int


USUAL = Size(units=96, synthetic_units=32, points=20_000, steps=1000, looked_up=1500)
QUICK = Size(units=64, synthetic_units=16, points=5000, steps=400, looked_up=1000)


@told_in_brief
class Task(NamedTuple):
    """The data of a seed.

    Attributes
    ----------
    X, held_out : ndarray of float32, shapes (N, d) and (2000, d)
    units : int
    truth : ndarray or None
        The dictionary (d, m) that made the points.
    shape : (int, int) or None
        Of the images that the points are, if their fields are to be looked at.
    start : int
        Seed of initial numbers and shuffles.
    """

    X: np.ndarray
    held_out: np.ndarray
    units: int
    truth: np.ndarray | None
    shape: tuple | None
    start: int


def stream(seed, data):
    """The random numbers of one kind of data of a seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAMS[data],)))


def task_of(data, seed, size, images="sklearn"):
    """Draw the data of a seed.

    Parameters
    ----------
    data : {"patches", "synthetic", "pixels"}
        "pixels": patches that are not whitened, divided by their standard deviation, so that
        their mean is far from 0.
    seed : int
    size : Size
    images : optional
        As for `geomcore.datasets.patches`.

    Returns
    -------
    Task
    """
    rng = stream(seed, data)
    count = size.points + HELD_OUT
    truth, shape = None, (SIDE, SIDE)
    if data == SYNTHETIC:
        m = size.synthetic_units
        found = sparse_synthetic(m, m // 2, count, active=3, noise=0.02, rng=rng)
        # Of the size of whitened patches, so that the same penalties are as high.
        X, truth, shape, units = found.X * SYNTHETIC_SCALE, found.info["dictionary"], None, m
    else:
        whiten = "zca" if data == PATCHES else "none"
        X = patches(
            images, size=SIDE, count=count, keep=KEEP, whiten=whiten, floor=FLOOR, rng=rng
        ).X
        shape = shape if data == PATCHES else None
        X, units = X / (X.std() if data == PIXELS else np.sqrt(np.mean(X**2))), size.units
    X = X.astype(np.float32)
    start = int(rng.integers(2**63))
    return Task(X[: size.points], X[size.points :], units, truth, shape, start)
