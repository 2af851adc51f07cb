"""What ladders and films are made of."""

import numpy as np
import pytest
from builders import random_start

from training import LossLadder
from training.dynamics.film.reel import Frame
from training.dynamics.ladder import Rung
from training.dynamics.moments import as_list, as_moments

NET = random_start((2, 3, 1))


def test_frames_and_rungs_are_moments():
    for made in ([Frame(0, 1.0, NET)], (Rung(0.1, 3, 0.05, NET),)):
        assert as_moments(made, "frames") == list(made)


@pytest.mark.parametrize("values", [None, 3, "ab", [], (), LossLadder(), {}, np.zeros(0)])
def test_what_is_no_list_of_moments_is_refused(values):
    with pytest.raises(ValueError, match="frames must be a list of moments with step, loss and"):
        as_moments(values, "frames")


def test_what_is_not_a_moment_is_named():
    with pytest.raises(ValueError, match=r"frames must have step, loss and network.* got ReLUNet"):
        as_moments([Frame(0, 1.0, NET), NET], "frames")
    assert as_list(np.arange(2), "layers", "numbers") == [0, 1]
