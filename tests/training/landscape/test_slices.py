"""Grids of losses are those of networks, one by one; the network is in their middle."""

import numpy as np
import pytest
from builders import random_data, random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from geomcore.layers import Affine, LpNorm
from geomcore.network import Network
from geomcore.parameters import move
from training import SGD, exact_slice, interpolate, loss_slice, loss_surface, train
from training.descent.losses import as_loss
from training.landscape import sampled

LOSSES = ("mse", "class_weighted", "cross_entropy", "bce")


def loss_of(net, X, y, loss, decay):
    kind = as_loss(loss)
    values = kind.value(net(X), np.eye(net.widths[-1])[y]) @ kind.weights(y)
    return values + decay / 2 * (net.packed()[0] ** 2).sum()


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(LOSSES), st.sampled_from([0.0, 0.5]))
def test_every_number_is_the_loss_of_a_network(seed, loss, decay):
    rng = np.random.default_rng(seed)
    net = random_network((2, 4, 3), rng)
    X, y = rng.normal(size=(9, 2)), np.arange(9) % 3
    before = net.packed()[0].copy()
    kind = {"loss": loss, "weight_decay": decay, "points": 5, "extent": 0.7}
    line = loss_slice(net, X, y, rng=seed, **kind)
    assert line.t.tolist() == [-0.7, -0.35, 0.0, 0.35, 0.7]
    for t, found in zip(line.t, line.losses, strict=True):
        wanted = loss_of(move(net, line.direction, t), X, y, loss, decay)
        assert found == pytest.approx(wanted, rel=1e-12)
    plane = loss_surface(net, X, y, rng=seed, **kind)
    first, second = plane.directions
    assert abs(first @ second) <= 1e-12 * np.linalg.norm(first) * np.linalg.norm(second)
    for i, j in ((0, 0), (0, 4), (2, 2), (3, 1)):
        moved = move(move(net, first, plane.alpha[i]), second, plane.beta[j])
        wanted = loss_of(moved, X, y, loss, decay)
        assert plane.losses[i, j] == pytest.approx(wanted, rel=1e-10)
    # the middle is the network itself, to the last bit
    assert plane.losses[2, 2] == line.losses[2]
    assert (net.packed()[0] == before).all()


def test_a_grid_is_on_the_exact_slice():
    net = random_network((2, 3, 2), 0)
    X, Y = random_data((2, 2), 8, 1)
    v = np.random.default_rng(2).normal(size=net.parameter_count)
    line = loss_slice(net, X, Y, v, points=101)
    np.testing.assert_allclose(line.losses, exact_slice(net, v, X, Y)(line.t), rtol=1e-12)
    assert line.unit == pytest.approx(np.linalg.norm(v))
    assert line.relative == pytest.approx(np.linalg.norm(v) / np.linalg.norm(net.packed()[0]))


def test_batches_change_nothing(monkeypatch):
    net = random_network((2, 3, 2), 0)
    X, Y = random_data((2, 2), 8, 1)
    whole = loss_surface(net, X, Y, points=(7, 5), extent=(1.0, 2.0))
    monkeypatch.setattr(sampled, "AT_A_TIME", 1)
    assert (loss_surface(net, X, Y, points=(7, 5), extent=(1.0, 2.0)).losses == whole.losses).all()
    assert whole.losses.shape == (7, 5) and whole.beta[-1] == 2


def test_losses_after_training_are_those_of_train():
    net = random_network((2, 3, 2), 0)
    X, Y = random_data((2, 2), 8, 1)
    found = loss_surface(net, X, Y, points=3, steps=20, optimizer=SGD(0.01))
    for i, j in ((0, 0), (1, 1), (2, 0)):
        start = move(
            move(net, found.directions[0], found.alpha[i]), found.directions[1], found.beta[j]
        )
        done = train(start, X, Y, steps=20, optimizer=SGD(0.01))
        assert found.after[i, j] == pytest.approx(done.final_loss, rel=1e-9)
    assert (found.after <= found.losses).all()


def test_between_two_networks_the_ends_are_their_own():
    a, b = random_network((2, 3, 2), 0), random_network((2, 3, 2), 1)
    X, Y = random_data((2, 2), 8, 1)
    found = interpolate(a, b, X, Y, points=2)
    for net, loss in zip((a, b), found.losses, strict=True):
        assert loss == pytest.approx(((net(X) - Y) ** 2).sum(axis=1).mean(), rel=1e-14)
    wide = interpolate(a, b, X, Y, points=4, interval=(-1.0, 2.0))
    np.testing.assert_allclose(wide.losses[1:3], found.losses, rtol=1e-12)


def test_a_loss_that_overflows_is_inf_and_another_layer_works():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    found = loss_slice(net, [[1.0]], [[0.0]], [1e200, 0, 1e200, 0], points=3)
    assert found.losses[1] == 1 and found.losses[2] == np.inf
    rng = np.random.default_rng(0)
    head = Network(
        [
            Affine(rng.normal(size=(3, 2)), rng.normal(size=3)),
            LpNorm(rng.normal(size=(1, 3)), rng.normal(size=1), p=3.0),
        ]
    )
    X, Y = random_data((2, head.widths[-1]), 5, 1)
    line = loss_slice(head, X, Y, points=3)
    assert line.losses[1] == pytest.approx(((head(X) - Y) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net": None}, "net must be"),
        ({"directions": [1.0]}, "directions must be two vectors"),
        ({"directions": [[1.0], [1.0]]}, r"directions\[0\] must be 17 finite numbers"),
        ({"directions": [np.ones(17), -2 * np.ones(17)]}, "directions must be two .* parallel"),
        ({"extent": 0}, "extent must"),
        ({"extent": "x"}, "extent must"),
        ({"points": 50}, "points must be odd"),
        ({"points": 1}, "points must"),
        ({"loss": "hinge"}, "loss must"),
        ({"weight_decay": -1}, "weight_decay must"),
        ({"weight_decay": True}, "weight_decay must"),
        ({"jobs": 0}, "jobs must"),
        ({"scale": "x"}, "scale must"),
        ({"steps": -1}, "steps must"),
        ({"X": [[1.0]]}, "X must"),
    ],
)
def test_wrong_calls_say_which_argument(change, told):
    X, Y = random_data((2, 2), 8, 1)
    with pytest.raises(ValueError, match=told):
        loss_surface(**{"net": random_network((2, 3, 2)), "X": X, "y": Y, **change})


def test_the_ends_are_the_networks_whatever_their_sizes():
    far, near = ReLUNetwork([[[1e16]]], [[0.0]]), ReLUNetwork([[[1.0]]], [[0.0]])
    assert interpolate(far, near, [[1.0]], [[0.0]], points=3).losses[-1] == 1


def test_a_network_of_two_parameters_has_a_plane():
    found = loss_surface(ReLUNetwork([[[1.0]]], [[0.0]]), [[1.0]], [[1.0]], points=3)
    first, second = found.directions
    assert abs(first @ second) < 1e-12 and (found.units > 0).all()


@pytest.mark.parametrize("size", [1e-170, 1e170])
def test_directions_of_any_size_are_made_orthogonal_or_refused(size):
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    found = loss_surface(net, [[1.0]], [[1.0]], [[size, 0.0], [size, size]], points=3)
    assert found.directions[1][0] == pytest.approx(0, abs=1e-9 * size)
    with pytest.raises(ValueError, match="parallel"):
        loss_surface(net, [[1.0]], [[1.0]], [[size, 0.0], [-size, 0.0]], points=3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_a_network_of_any_size_has_a_plane_of_its_own_scale(size):
    net = ReLUNetwork([size * np.eye(2)], [[0.0, size]])
    found = loss_surface(net, [[1.0, 2.0]], [[1.0, 0.0]], points=3)
    assert found.units == pytest.approx([3**0.5 * size] * 2, rel=1e-12)
