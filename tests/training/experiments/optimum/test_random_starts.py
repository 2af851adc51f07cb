"""Networks trained on the loss of which the optimum is known."""

import numpy as np
import pytest

from constructions import best_two_layer
from training.experiments.optimum.objective import objective
from training.experiments.optimum.random_starts import Ends, ends

X = np.linspace(-1, 1, 8)[:, None]
Y = abs(X) + 5.0  # an output bias that decay would hold down


@pytest.fixture(scope="module")
def optimum():
    return best_two_layer(X, Y, weight_decay=0.01, gap=1e-6)


@pytest.fixture(scope="module")
def found():
    return ends(X, Y, 0.01, 50, 12, steps=20_000)


def test_no_network_is_below_the_bound_and_some_reach_the_optimum(found, optimum):
    assert (found.losses >= optimum.lower_bound).all()
    assert found.near(optimum.loss).any()
    gaps = found.gaps(optimum.lower_bound)
    assert ((gaps >= 0) & (gaps < 1)).all()


def test_losses_are_the_objective_and_the_best_network_has_the_least(found):
    assert found.losses.tolist() == [objective(net, X, Y, 0.01) for net in found.networks]
    assert objective(found.best, X, Y, 0.01) == found.losses.min()


def test_training_ends_where_the_gradient_of_the_objective_vanishes(found):
    # With decay on the output bias as well, or none on another tensor, it would not.
    net, h = found.best, 1e-5
    for k, tensor in enumerate(net.tensors):
        slopes = []
        for place in np.ndindex(tensor.shape):
            ends_of = []
            for sign in (1, -1):
                tensors = [np.array(t) for t in net.tensors]
                tensors[k][place] += sign * h
                ends_of.append(objective(net.rebuild(tensors), X, Y, 0.01))
            slopes.append((ends_of[0] - ends_of[1]) / (2 * h))
        assert np.abs(slopes).max() < 2e-3


def test_starts_do_not_depend_on_their_number_or_on_threads():
    few = ends(X, Y, 0.1, 3, 2, steps=20, seed=4)
    more = ends(X, Y, 0.1, 3, 5, steps=20, seed=4, jobs=2)
    assert few.losses.tolist() == more.losses[:2].tolist()


def test_without_steps_they_are_the_starts_on_the_data_as_they_are():
    shifted = ends(1000 * X + 3, Y, 0.1, 3, 2, steps=0)
    plain = ends(X, Y, 0.1, 3, 2, steps=0)
    for a, b in zip(shifted.networks, plain.networks, strict=True):
        np.testing.assert_allclose(a(1000 * X + 3), b(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "points", [np.zeros((1, 1)), np.ones((4, 2)), 1e150 * np.eye(3), 1e-300 * np.eye(3)]
)
def test_degenerate_points_give_losses_and_no_warning(points):
    found = ends(points, np.ones((len(points), 1)), 0.1, 4, 3, steps=30)
    assert found.losses.shape == (3,) and not np.isnan(found.losses).any()


def test_what_diverged_has_the_whole_loss_as_its_gap():
    found = Ends(0.1, 2, [None, None], np.array([np.inf, 2.0]))
    assert found.gaps(1.0).tolist() == [1.0, 0.5]
    assert found.near(2.0).tolist() == [False, True]
