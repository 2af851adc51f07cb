"""The images that networks are trained on: bundled ones, or MNIST from its files."""

from typing import NamedTuple

import numpy as np

from geomcore import datasets
from geomcore.display.lines import told_in_brief

HELD_OUT = 0.2  # of the images of each bundled digit
MNIST_POINTS = 200  # images of each digit that are read of MNIST unless it is said


@told_in_brief
class Digits(NamedTuple):
    """Images of digits, pixels from 0 to 1, one per row.

    Attributes
    ----------
    name : str
    chosen : tuple of int
        The digits that networks are trained on, sorted.
    X, y : ndarray, shapes (N, d), (N,)
        Of these, for training.
    held_X, held_y : ndarray
        Of these, held out.
    all_X, all_y : ndarray
        Images of all digits, for separability.
    shape : (int, int)
        Rows and columns of pixels.
    is_part : bool
        Whether the data set has more images than were taken for separability.
    """

    name: str
    chosen: tuple
    X: np.ndarray
    y: np.ndarray
    held_X: np.ndarray
    held_y: np.ndarray
    all_X: np.ndarray
    all_y: np.ndarray
    shape: tuple
    is_part: bool

    def summary(self):
        """What there is, in one line."""
        counts = ", ".join(f"{q} ({int((self.y == q).sum())})" for q in self.chosen)
        return (
            f"{self.name}: images of {self.shape[0]} x {self.shape[1]} pixels, for training "
            f"{counts}; {len(self.held_y)} held out"
        )


def bundled_digits(chosen, *, seed=0):
    """The digits that come with scikit-learn; a fifth of each is held out.

    Parameters
    ----------
    chosen : sequence of int
    seed : int
        Draws what is held out.

    Returns
    -------
    Digits

    Raises
    ------
    ValueError
        If there are not two different digits, or they are not from 0 to 9.
    """
    data = datasets.digits(standardize=False)
    X, y = data.X / 16, data.y
    chosen = _as_chosen(chosen, y, "the bundled digits")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    train, held = [], []
    for q in chosen:
        own = rng.permutation(np.flatnonzero(y == q))
        cut = round(HELD_OUT * len(own))
        held.append(own[:cut])
        train.append(own[cut:])
    train, held = np.sort(np.concatenate(train)), np.sort(np.concatenate(held))
    return Digits("digits", chosen, X[train], y[train], X[held], y[held], X, y, (8, 8), False)


def mnist_digits(path, chosen, *, points=None):
    """Digits from the IDX files of MNIST, or of anything else in its form.

    Parameters
    ----------
    path : path-like
    chosen : sequence of int
    points : int, optional
        The first images of each digit, of each of the two splits; default `MNIST_POINTS`.

    Returns
    -------
    Digits
        Trained is on the images of the split "train", held out are those of "test".

    Raises
    ------
    ValueError
        If the files cannot be read, or a digit is not among their labels.
    """
    points = MNIST_POINTS if points is None else points
    train = datasets.mnist(path, "train")
    chosen = _as_chosen(chosen, train.y, f"the labels in {path}")
    rows = _first(train.y, points)
    all_X, all_y = train.X[rows], train.y[rows]
    own = np.isin(all_y, chosen)
    test = datasets.mnist(path, "test", digits=chosen)
    held = _first(test.y, points)
    return Digits(
        "mnist",
        chosen,
        all_X[own],
        all_y[own],
        test.X[held],
        test.y[held],
        all_X,
        all_y,
        train.info["image_shape"],
        len(rows) < len(train.y),
    )


def _first(y, count):
    """Rows of the first so many points of each class, in order."""
    return np.sort(np.concatenate([np.flatnonzero(y == q)[:count] for q in np.unique(y)]))


def _as_chosen(chosen, y, where):
    chosen = tuple(sorted({int(q) for q in chosen}))
    known = np.unique(y).tolist()
    if len(chosen) < 2 or not set(chosen) <= set(known):
        raise ValueError(
            f"digits must be two or more of {', '.join(map(str, known))}, {where}, "
            f"got {', '.join(map(str, chosen)) or 'none'}"
        )
    return chosen
