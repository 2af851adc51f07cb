"""A bent way is lower than the straight one, and the ends stay."""

import numpy as np
import pytest
from builders import random_data, random_network
from training_lines import permuted

from geomcore import ReLUNetwork
from training import barrier, bend, interpolate
from training.landscape.sampled import Sampled


def test_gradients_are_those_of_differences():
    net = random_network((2, 3, 2), 0)
    X, Y = random_data((2, 2), 8, 1)
    problem = Sampled(net, X, Y, "mse", 0.3, None)
    rng = np.random.default_rng(2)
    thetas = rng.normal(size=(3, net.parameter_count))
    v, step = rng.normal(size=net.parameter_count), 1e-6
    slopes = problem.gradients(thetas) @ v
    up, down = (problem.losses(thetas + s * step * v) for s in (1, -1))
    np.testing.assert_allclose((up - down) / (2 * step), slopes, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_a_bent_way_between_permuted_networks_is_lower(seed):
    net = random_network((2, 6, 1), seed, scaled=True)
    other = permuted(net, np.random.default_rng(seed))
    X, _ = random_data((2, 1), 20, seed)
    Y = net(X)
    c = bend(net, other, X, Y, steps=400)
    straight, bent = barrier(net, other, X, Y), barrier(net, other, X, Y, via=[c], rtol=1e-3)
    assert bent.upper < 0.5 * straight.lower
    # the same seed gives the same network
    assert bend(net, other, X, Y, steps=400) == c


def test_it_never_gets_worse_than_it_began():
    a, b = random_network((2, 3, 1), 0), random_network((2, 3, 1), 1)
    X, Y = random_data((2, 1), 8, 2)
    c = bend(a, b, X, Y, steps=1, learning_rate=100.0)
    ways = [interpolate(p, q, X, Y).losses.max() for p, q in ((a, b), (a, c), (c, b))]
    assert max(ways[1:]) <= ways[0] * (1 + 1e-12)


@pytest.mark.filterwarnings("error")
def test_where_losses_overflow_it_stays_where_it_begins():
    a, b = (random_network((2, 3, 1), k) for k in (0, 1))
    a, b = (ReLUNetwork([1e160 * W for W in n.weights], n.biases) for n in (a, b))
    X, Y = random_data((2, 1), 8, 2)
    c = bend(a, b, X, Y, steps=3)
    assert c.packed()[0] == pytest.approx((a.packed()[0] + b.packed()[0]) / 2)


def test_wrong_calls_say_which_argument():
    a = random_network((2, 3, 1))
    X, Y = random_data((2, 1), 8, 2)
    for change, told in (
        ({"a": None}, "a must be"),
        ({"b": random_network((2, 2, 1))}, "b must have widths"),
        ({"steps": 0}, "steps must"),
        ({"learning_rate": 0}, "learning_rate must"),
        ({"start": 3}, "start must be"),
        ({"rng": "x"}, "rng must"),
        ({"loss": "x"}, "loss must"),
    ):
        with pytest.raises(ValueError, match=told):
            bend(**{"a": a, "b": a, "X": X, "y": Y, **change})
