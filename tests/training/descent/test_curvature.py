"""The default learning rate, and runs that end above their start."""

import numpy as np
import pytest

from geomcore.network import ReLUNetwork
from training.descent.curvature import largest_curvature
from training.descent.optimizers import SGD
from training.descent.trainer import train, train_ensemble
from training.study.perturbation import perturb


def collapsing(scale):
    """A network of zero loss whose layers are of very different size, and its data."""
    net = ReLUNetwork([[[scale]], [[1 / scale]]], [[0.0], [0.0]])
    return net, np.array([[1.0], [2.0], [3.0]])


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
def test_the_default_rate_keeps_a_minimum_whatever_its_scale(scale):
    net, points = collapsing(scale)
    (start,) = perturb(net, 1e-6, 1, relative=True, rng=0)
    result = train(start, points, points, steps=200)
    assert result.final_loss <= result.losses[0] and not result.ended_above
    assert (np.diff(result.losses) <= 1e-15).all()


def test_a_run_that_ends_above_its_start_says_so_once():
    net, points = collapsing(1e4)
    (start,) = perturb(net, 1e-6, 1, relative=True, rng=0)
    with pytest.warns(UserWarning, match="training ended above its start, loss .* smaller") as seen:
        result = train(start, points, points, optimizer=SGD(0.05), steps=20)
    assert len(seen) == 1 and seen[0].filename == __file__
    assert result.ended_above
    assert "it ended above its start" in result.summary()
    assert max(map(len, result.summary().splitlines())) <= 100


def test_rounding_at_a_minimum_is_no_ending_above_the_start(recwarn):
    net, points = collapsing(0.7)
    result = train(net, points, points, steps=50)
    assert not result.ended_above and "\n" not in result.summary()
    assert not len(recwarn)


def test_the_default_rate_is_that_of_the_curvature():
    net, points = collapsing(3.0)
    rate = 0.5 / largest_curvature(net, points, points, rtol=1e-2)
    found, expected = (
        train(net, points, points[::-1], steps=5, **given)
        for given in ({}, {"optimizer": SGD(rate)})
    )
    assert found.network == expected.network


def test_a_loss_without_curvature_is_trained_at_the_old_default():
    class Fourth:
        name = "fourth"

        def weights(self, index):
            return np.full(len(index), 1 / len(index))

        def value(self, outputs, Y):
            return ((outputs - Y) ** 4).sum(axis=-1)

        def gradient(self, outputs, Y):
            return 4 * (outputs - Y) ** 3

    net, points = collapsing(1.0)
    options = {"loss": Fourth(), "steps": 5}
    found = train(net, points, points + 0.1, **options)
    assert found.network == train(net, points, points + 0.1, optimizer=SGD(0.05), **options).network


def test_in_an_ensemble_each_network_has_a_rate_of_its_own():
    networks = [collapsing(scale)[0] for scale in (1.0, 100.0, 0.01)]
    points = collapsing(1.0)[1]
    together = train_ensemble(networks, points, points + 0.1, optimizer="auto", steps=30, jobs=2)
    for net, loss in zip(networks, together.final_losses, strict=True):
        assert train(net, points, points + 0.1, steps=30).final_loss == loss
    with pytest.raises(ValueError, match="optimizer must be given where callbacks"):
        train_ensemble(networks, points, points, optimizer="auto", callbacks=lambda snapshot: None)
