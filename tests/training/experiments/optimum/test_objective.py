"""The loss with weight decay that `geomcore optimum` compares."""

import numpy as np
import pytest

from constructions import best_two_layer, two_layer_bound
from geomcore import ReLUNetwork
from training.experiments.optimum.objective import objective


def random_network(rng, d, m, q):
    return ReLUNetwork(
        [rng.normal(size=(m, d)), rng.normal(size=(q, m))],
        [rng.normal(size=m), rng.normal(size=q)],
    )


def test_by_hand_the_output_bias_is_free():
    net = ReLUNetwork([[[1.0], [-1.0]], [[2.0, 3.0]]], [[0.5, 0.0], [7.0]])
    # outputs 7 + 2 * 1.5 = 10 and 7 + 3 * 1 = 10
    X, Y = np.array([[1.0], [-1.0]]), np.array([[9.0], [10.0]])
    squares = 1 + 1 + 0.25 + 4 + 9
    assert objective(net, X, Y, 0.5) == pytest.approx(0.5 + 0.25 * squares, rel=1e-15)


@pytest.mark.parametrize(("d", "m", "q"), [(1, 1, 1), (2, 5, 1), (2, 3, 2), (5, 1, 3)])
def test_it_is_the_loss_that_the_bound_is_proved_for(d, m, q):
    rng = np.random.default_rng(d + m + q)
    X, Y = rng.normal(size=(9, d)), rng.normal(size=(9, q))
    net = random_network(rng, d, m, q)
    for decay in (1e-3, 0.1, 3.0):
        bound = two_layer_bound(net, X, Y, weight_decay=decay, nodes=100)
        found = objective(net, X, Y, decay)
        assert bound.loss_floor * (1 - 1e-12) <= found <= bound.loss * (1 + 1e-12)


def test_it_is_the_loss_of_the_optimum():
    x = np.linspace(-1, 1, 7)[:, None]
    best = best_two_layer(x, abs(x), weight_decay=0.01)
    assert objective(best.network, x, abs(x), 0.01) == pytest.approx(best.loss, rel=1e-12)


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_what_overflows_is_infinite(scale):
    net = ReLUNetwork([[[scale]], [[scale]]], [[0.0], [0.0]])
    for x in (1.0, -1.0, scale):
        assert objective(net, np.array([[x]]), np.array([[0.0]]), 0.1) == np.inf
