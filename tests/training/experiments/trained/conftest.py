"""Images that are small enough to train on in a second, and what a survey finds on them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from training.experiments.trained.digits import Digits
from training.experiments.trained.survey import survey

SMALL = {"starts": 3, "seed": 0, "steps": 700, "thresholds": [1e-1, 1e-2, 1e-5]}


def tiny_digits():
    """Four digits of 4 x 6 pixels, each with four bright ones; the last pixel is always dark."""
    rng = np.random.default_rng(0)
    labels = (0, 1, 4, 6)

    def images(count):
        y = np.repeat(labels, count)
        X = 0.3 * rng.random((len(y), 24))
        for row, q in zip(X, y, strict=True):
            row[4 * labels.index(q) : 4 * labels.index(q) + 4] += 0.6
        X[:, -1] = 0
        return X, y

    (X, y), (held_X, held_y) = images(8), images(3)
    own, held = y != 4, held_y != 4
    chosen = (0, 1, 6)
    return Digits("tiny", chosen, X[own], y[own], held_X[held], held_y[held], X, y, (4, 6), False)


@pytest.fixture(scope="session")
def tiny():
    return tiny_digits()


@pytest.fixture(scope="session")
def found(tiny):
    return survey(tiny, **SMALL)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")
