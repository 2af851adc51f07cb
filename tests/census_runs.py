"""Endings and censuses of which it is known what they are, without any training."""

import numpy as np

from geomcore import ReLUNetwork
from geomcore.datasets.dataset import Dataset
from training.census.census import Census
from training.census.ending import Ending, Question
from training.settling.settled import CRITICAL

X = np.array([[-2.0], [-1.0], [0.5], [2.0]])
Y = np.array([[0.0], [1.0], [0.0], [1.0]])
# A bend, the same with units in another order and at other scales, the same outputs in another
# cell, and another function.
BEND = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 2.0]]], [[0.0, 0.0], [0.0]])
MOVED = ReLUNetwork([[[-4.0], [0.5]], [[0.5, 2.0]]], [[0.0, 0.0], [0.0]])
TWICE = ReLUNetwork([[[1.0], [1.0], [-1.0]], [[0.25, 0.75, 2.0]]], [[0.0, 0.0, 0.0], [0.0]])
LINE = ReLUNetwork([[[1.0], [-1.0]], [[1.0, -1.0]]], [[0.0, 0.0], [0.0]])


def ending(number=0, net=BEND, **fields):
    """An ending of a network, a proved minimum unless `fields` say otherwise."""
    known = {
        "number": number,
        "widths": net.widths,
        "theta": net.packed()[0],
        "reason": CRITICAL,
        "is_critical": True,
        "trained_loss": 0.6,
        "loss": 0.5,
        "moved": 0.25,
        "is_far": False,
        "verdict": "local minimum",
        "proved": True,
        "slack": 0.0,
        "distance": 1e-12,
        "accuracy": 0.5,
        "why": "",
        "certificate": "{}\n",
        "kinks": 0,
        "rank": 4,
        "flat": 0,
        "is_flat_proved": True,
        "smallest_eigenvalue": 0.125,
    }
    return Ending(**{**known, **fields})


def unproved(number=0, net=BEND, **fields):
    """The same, but nothing is proved of it."""
    return ending(number, net, verdict="undetermined", proved=False, distance=None, **fields)


def census_of(*endings, loss="mse"):
    """A census of these endings."""
    data = Dataset(X, Y, "four", {})
    return Census(data, endings[0].widths, Question(X, Y, None, loss, 0.0, 9.0), list(endings))
