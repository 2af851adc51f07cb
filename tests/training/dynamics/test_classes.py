"""Labels for networks whose outputs are not one for each class."""

import numpy as np
import pytest
from builders import random_points, random_start

from geomcore import Network
from geomcore.layers import Affine
from training import neural_collapse, train, truncation_history
from training.descent.losses import as_loss
from training.dynamics.classes import as_classes

X, Y = random_points(12, 2), np.arange(12) % 2


def both(net, y, **options):
    """What the two functions that take labels do with them."""
    yield lambda: neural_collapse(net, X, y, **options)
    yield lambda: truncation_history(net, X, y, steps=4, **options)


@pytest.mark.parametrize("y", [Y, np.array(["no", "yes"])[Y]])
def test_one_output_takes_the_targets_that_are_told(y):
    net = random_start((2, 3, 1))
    history = truncation_history(net, X, y, targets=[[-1], [2]], steps=20, learning_rate=0.01)
    plain = train(net, X, np.where(Y, 2.0, -1.0)[:, None], steps=20, learning_rate=0.01)
    assert history.losses[-1, 0] == plain.losses[-1]
    assert history.classes.tolist() == sorted(set(y.tolist()))
    found = neural_collapse(net, X, y, targets=[[-1], [2]])
    assert found.classes == 2 and np.isfinite(found.hidden[0].measures.nc3)


@pytest.mark.parametrize("at", [0, 1])
def test_one_output_without_targets_is_told_which_would_do(at):
    net = random_start((2, 3, 1))
    told = (
        r"targets must say what the 1 output of the network should be for each of the 2 classes "
        r"in y, such as targets=\[\[0\], \[1\]\]"
    )
    with pytest.raises(ValueError, match=told):
        list(both(net, Y))[at]()
    assert list(both(net, Y, targets=[[0], [1]]))[at]()
    assert list(both(net, Y, loss="bce"))[at]()
    assert list(both(net, Y[:, None]))[at]()


@pytest.mark.parametrize(
    ("widths", "y", "loss"),
    [
        ((2, 3, 1), np.arange(12) % 3, "bce"),
        ((2, 3, 1), np.zeros(12), "bce"),
        ((2, 3, 5), Y, "mse"),
        ((2, 3, 2), np.arange(12), "cross_entropy"),
    ],
)
def test_any_other_number_of_classes_is_told_too(widths, y, loss):
    for call in both(random_start(widths), y, loss=loss):
        with pytest.raises(ValueError, match=r"targets must say what the . outputs? of"):
            call()


def test_what_does_not_fit_at_all_is_refused_in_its_own_words():
    loss = as_loss("mse")
    with pytest.raises(ValueError, match="X must"):
        as_classes(random_start((2, 3, 2)), random_points(4, 3), [0, 1, 0, 1], loss=loss)
    with pytest.raises(ValueError, match="y must have one label per point"):
        as_classes(random_start((2, 3, 2)), X, [0, 1], loss=loss)
    with pytest.raises(ValueError, match="net must be a ReLUNetwork"):
        as_classes(Network([Affine(np.eye(2), np.zeros(2))]), X, Y, loss=loss)
    with pytest.raises(ValueError, match="targets must have one row per class"):
        as_classes(random_start((2, 3, 1)), X, Y, loss=loss, targets=[[1.0]])
