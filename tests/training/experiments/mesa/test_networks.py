"""Data, initial networks, training and the flip."""

import numpy as np
import pytest

from geomcore import Network
from geomcore.layers import LpNorm
from training.descent.optimizers import Adam
from training.descent.trainer import train_ensemble
from training.experiments.mesa import networks as module
from training.experiments.mesa.networks import assembled, at_rest, begin, draw, flipped, trained
from training.experiments.mesa.protocol import MESA, MODELS, NONNEG, PROTOCOLS

# By hand


@pytest.mark.parametrize("d", [2, 3, 10])
def test_labels_are_those_of_the_polytope(d):
    task = draw(1, d)
    assert task.X.shape == (2000, d) and task.test.shape == (500, d)
    polytope = task.polytope
    inside = (task.X @ polytope.normals.T <= polytope.offsets).all(axis=1)
    assert np.array_equal(inside, task.y == 1)
    assert 0 < task.y.mean() < 1 and len(polytope.offsets) == 6


def test_each_seed_and_dimension_has_data_of_its_own():
    assert np.array_equal(draw(1, 2).X, draw(1, 2).X)
    assert not np.array_equal(draw(1, 2).X, draw(2, 2).X)
    assert not np.array_equal(draw(1, 2).polytope.offsets, draw(1, 3).polytope.offsets)


def test_models_start_at_the_same_numbers():
    nets = {key: begin(model, 5, 2) for key, model in MODELS.items()}
    for net in nets.values():
        assert all(map(np.array_equal, net.tensors[:2], nets["linear"].tensors[:2]))
        assert all(map(np.array_equal, net.tensors[-2:], nets["linear"].tensors[-2:]))
    for key, model in MODELS.items():
        twin = "linear" if model.start == "signed" else "linear-positive"
        assert np.array_equal(nets[key].tensors[2], nets[twin].tensors[2])
        head = nets[key].tensors[2]
        low, high = (0.1, 1.0) if twin != "linear" else (-(32**-0.5), 32**-0.5)
        assert low <= head.min() and head.max() <= high
    X = draw(5, 2).test
    assert np.allclose(nets["lp"](X), nets["linear-positive"](X), rtol=1e-12)


# Laws


@pytest.mark.parametrize(("protocol", "steps"), [(MESA, 15), (NONNEG, 8)])
def test_an_epoch_has_the_batches_of_its_source(protocol, steps, monkeypatch):
    task, seen = draw(3, 2), []

    def told(*arguments, **options):
        seen.append(options)
        return train_ensemble(*arguments, **options)

    monkeypatch.setattr(module, "train_ensemble", told)
    _, epochs, why = trained(MODELS["linear"], task, protocol, 3, epochs=2)
    assert (epochs, why) == (2, "step budget")
    assert seen[0]["steps"] == 2 * steps and seen[0]["record"] == steps
    assert seen[0]["optimizer"] == Adam(1e-3, clip=protocol.clip) and seen[0]["loss"] == "bce"
    assert seen[0]["batch_size"] == protocol.batch and seen[0]["drop_last"] == protocol.drop_last


def test_a_protocol_stops_where_its_source_does():
    task = draw(4, 2)
    net, epochs, why = trained(MODELS["linear"], task, NONNEG, 4, epochs=400)
    assert why == "accuracy" and 50 <= epochs < 400
    assert np.mean((net(task.X)[:, 0] > 0) == task.y) >= 0.98
    _, epochs, why = trained(MODELS["linear"], task, MESA, 4, epochs=120)
    assert why == "step budget" and epochs == 120


def test_the_penalty_lifts_negative_weights_of_the_control():
    task = draw(3, 2)
    nets = [
        trained(MODELS[key], task, NONNEG, 3, epochs=40)[0]
        for key in ("linear", "negative-0.1", "negative-1")
    ]
    masses = [-np.minimum(net.tensors[2], 0).sum() for net in nets]
    assert masses[0] > 2 * masses[1] > 2 * masses[2]


def test_the_projection_leaves_no_negative_weight():
    net = trained(MODELS["hard"], draw(3, 2), NONNEG, 3, epochs=1)[0]
    assert (begin(MODELS["hard"], 3, 2).tensors[2] < 0).any() and (net.tensors[2] >= 0).all()


def test_a_learned_order_moves_and_is_told_as_a_number():
    task = draw(3, 2)
    net, *_ = trained(MODELS["lp-learned"], task, NONNEG, 3, epochs=3)
    start = begin(MODELS["lp-learned"], 3, 2)
    assert start.layers[2].p.tolist() == pytest.approx([2.0])
    assert isinstance(net.layers[2], LpNorm) and net.layers[2].p != 2 and net.layers[2].p > 1
    assert np.allclose(at_rest(start)(task.X), start(task.X), rtol=1e-12)
    assert at_rest(net) is net
    assert assembled(net.tensors, net.layers[2].p) == net


def test_a_flip_changes_the_function_by_an_affine_part_of_the_flipped_units():
    net = begin(MODELS["linear"], 0, 2)
    X = draw(0, 2).test
    head, turned = Network(net.layers[:3]), Network(flipped(net).layers[:3])
    (W, b, w, _), negative = net.tensors[:4], net.tensors[2][0] < 0
    affine = (X @ W[negative].T + b[negative]) @ w[0, negative]
    # w relu(z) = w z + w relu(-z), and the flip makes |w| relu(-z) of it.
    units = np.maximum(-(X @ W[negative].T + b[negative]), 0) @ w[0, negative]
    assert np.allclose(head(X)[:, 0] - turned(X)[:, 0], affine + 2 * units)
    assert (flipped(net).tensors[2] >= 0).all()
    again = flipped(flipped(net))
    assert all(map(np.array_equal, again.tensors, flipped(net).tensors))


def test_protocols_are_named_as_their_commands():
    assert list(PROTOCOLS) == ["mesa", "nonneg"]
    assert (MESA.batch, MESA.drop_last, MESA.clip, MESA.epochs) == (128, True, 1.0, 200)
    assert (NONNEG.batch, NONNEG.drop_last, NONNEG.clip, NONNEG.epochs) == (256, False, None, 500)
    for protocol in PROTOCOLS.values():
        assert set(protocol.models) <= set(MODELS)
