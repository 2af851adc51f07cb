"""Random starts, and where training brings them."""

import numpy as np
import pytest

from geomcore import datasets
from training import train_ensemble
from training.census.starts import starts, trained
from training.descent.optimizers import Adam

X = np.array([[0.0, 7.0], [30.0, 7.0], [60.0, 7.0], [90.0, 7.0]])  # of another scale; one constant
Y = np.array([[0.0], [1.0], [0.0], [2.0]])


def test_a_start_depends_on_its_shape_its_number_and_the_seed_alone():
    four = starts((2, 3, 1), range(4), seed=5)
    assert starts((2, 3, 1), [2], seed=5)[0] == four[2]
    assert len({net.tensors[0].tobytes() for net in [*four, *starts((2, 3, 1), [2], seed=6)]}) == 5
    assert four[0].widths == (2, 3, 1)


def test_weights_have_the_variance_two_over_what_they_read():
    nets = starts((50, 40, 3), range(20))
    assert np.std([net.weights[0] for net in nets]) == pytest.approx(np.sqrt(2 / 50), rel=0.02)
    assert np.std([net.weights[1] for net in nets]) == pytest.approx(np.sqrt(2 / 40), rel=0.05)
    assert np.std([net.biases[0] for net in nets]) == pytest.approx(0.1, rel=0.1)


def test_data_of_any_scale_are_trained_as_if_standardised():
    nets = starts((2, 3, 1), range(3))
    Z = (X - X.mean(axis=0)) / [X[:, 0].std(), 1]
    expected = train_ensemble(nets, Z, Y, optimizer=Adam(0.01), steps=200)
    found = trained(nets, X, Y, steps=200)
    for net, other in zip(found, expected.networks, strict=True):
        np.testing.assert_allclose(net(X), other(Z), atol=1e-12)


def test_with_weight_decay_the_loss_that_falls_is_that_of_the_data_as_they_are():
    def cost(net):
        squares = sum((t**2).sum() for t in net.tensors)
        return ((net(X) - Y) ** 2).sum() / 4 + 0.05 * squares

    nets = starts((2, 3, 1), range(3))
    begun = trained(nets, X, Y, weight_decay=0.1, steps=0)
    ends = trained(nets, X, Y, weight_decay=0.1, steps=20_000)
    for net, end in zip(begun, ends, strict=True):
        assert cost(end) < cost(net)
        # nothing is left to gain by scaling all parameters
        for factor in (0.99, 1.01):
            assert cost(end.rebuild([factor * t for t in end.tensors])) > cost(end)


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_a_network_does_not_depend_on_those_beside_it_or_on_threads(decay):
    data = datasets.iris()
    nets = starts((4, 3, 3), range(9))
    options = {"steps": 150, "weight_decay": decay}
    together = trained(nets, data.X, data.y, jobs=2, **options)
    alone = trained(nets[4:5], data.X, data.y, **options)
    assert alone[0] == together[4]
