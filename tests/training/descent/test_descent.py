"""Training many networks: callbacks, groups, threads, names, and automatic differentiation."""

import numpy as np
import pytest
from builders import random_start

from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.network import Network, ReLUNetwork
from geomcore.stack import stack
from training.descent.losses import LOSSES
from training.descent.optimizers import SGD
from training.descent.stopping import LossBelow
from training.descent.trainer import train, train_ensemble


def random_data(n=9, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)), rng.dirichlet(np.ones(2), n)


# By hand


def test_callbacks_see_the_trials_that_are_still_running():
    networks = [ReLUNetwork([[[w]]], [[0.0]]) for w in (1.0, 5.0)]
    seen = []
    result = train_ensemble(
        networks,
        [[1.0]],
        [[1.0]],
        optimizer=SGD(0.1),
        steps=3,
        stop=LossBelow(0.0),
        callbacks=[lambda snapshot: seen.append((snapshot.step, snapshot.trials.tolist()))],
    )
    assert seen == [(0, [0, 1]), (1, [1]), (2, [1]), (3, [1])]
    assert result.stop_reasons == ["loss threshold", "step budget"]


def test_a_callback_gets_the_network_and_loss_of_its_moment():
    losses = []

    def look(snapshot):
        again = train(snapshot.network(), *random_data(), steps=0).final_loss
        losses.append((again, snapshot.losses[0]))

    result = train(random_start((3, 4, 2)), *random_data(), steps=4, callbacks=look)
    assert [again for again, _ in losses] == result.losses.tolist()
    assert [loss for _, loss in losses] == result.losses.tolist()


def test_names_of_tensors_are_letters_and_numbers_of_layers():
    stacked, params = stack([random_start((2, 3, 1))])
    assert stacked.names == ("W1", "b1", "W2", "b2")
    assert [params[i].shape for i in stacked.select(["b2", "W1"])] == [(1, 3, 2), (1, 1)]


# Against automatic differentiation


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_one_step_agrees_with_automatic_differentiation(loss):
    torch = pytest.importorskip("torch")
    net, (X, Y) = random_start((3, 5, 4, 2)), random_data()
    rate = 0.01
    trained = train(net, X, Y, loss=loss, optimizer=SGD(rate), steps=1).network
    tensors = [torch.tensor(p[0], requires_grad=True) for p in stack([net])[1]]
    out, target = torch.tensor(X), torch.tensor(Y)
    for l in range(0, len(tensors), 2):
        out = out @ tensors[l].T + tensors[l + 1]
        out = torch.relu(out) if l + 2 < len(tensors) else out
    if loss == "cross_entropy":
        value = torch.nn.functional.cross_entropy(out, target)
    elif loss == "bce":
        value = 2 * torch.nn.functional.binary_cross_entropy_with_logits(out, target)
    else:
        # All rows of Y differ: nine classes of one point each.
        value = ((out - target) ** 2).sum() / (1 if loss == "class_weighted" else len(X))
    value.backward()
    for old, new in zip(tensors, stack([trained])[1], strict=True):
        expected = (old - rate * old.grad).detach().numpy()
        np.testing.assert_allclose(new[0], expected, rtol=1e-12, atol=1e-14)


# Laws


@pytest.mark.parametrize(
    "last", [Affine(np.ones((2, 3)), [0.0, 0.1]), LpNorm(np.eye(2, 3), [0, 0], 2)]
)
def test_a_chain_that_begins_with_a_relu_trains_alone_as_beside_others(last):
    # As many points as trials, so that the axes could be taken for each other.
    X, Y = random_data(3)
    chains = [Network([ReLU(), last.rebuild([p * k for p in last.tensors])]) for k in (1, 2, 3)]
    losses = [train(net, X, Y, steps=0).final_loss for net in chains]
    options = {"steps": 5, "stop": LossBelow(sorted(losses)[0]), "optimizer": SGD(0.01)}
    together = train_ensemble(chains, X, Y, **options)
    assert sorted(together.steps)[0] == 0 and sorted(together.steps)[-1] == 5
    for t, net in enumerate(chains):
        assert train(net, X, Y, **options).final_loss == pytest.approx(
            together.final_losses[t], rel=1e-12
        )


def test_groups_and_threads_change_no_bit(monkeypatch):
    X, Y = random_data(30)
    networks = [random_start((3, 4, 2), seed) for seed in range(11)]
    options = {"steps": 20, "batch_size": 8, "stop": LossBelow(0.5), "engine": "numpy"}
    together = train_ensemble(networks, X, Y, rngs=range(11), **options)
    monkeypatch.setattr("training.descent.trainer.WORKING_SET", 20_000)
    for jobs in (1, 3):
        grouped = train_ensemble(networks, X, Y, rngs=range(11), jobs=jobs, **options)
        np.testing.assert_array_equal(grouped.losses, together.losses)
        np.testing.assert_array_equal(grouped.final_losses, together.final_losses)
        np.testing.assert_array_equal(grouped.steps, together.steps)
        assert grouped.networks == together.networks
        assert grouped.stop_reasons == together.stop_reasons


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"callbacks": [3]}, "callbacks must be objects with __call__"),
        ({"optimizer": 0.1}, "optimizer must be 'auto', SGD"),
        ({"loss": "cross_entropy", "Y": np.ones((9, 2))}, "y must hold distributions"),
        ({"loss": "bce", "Y": 2 * np.ones((9, 2))}, r"y must lie in \[0, 1\]"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    X, Y = random_data()
    with pytest.raises(ValueError, match=message):
        train(**{"net": random_start((3, 4, 2)), "X": X, "Y": Y, **changes})


def test_jobs_must_be_a_count():
    with pytest.raises(ValueError, match="jobs must be a whole number"):
        train_ensemble([random_start((3, 4, 2))], *random_data(), jobs=0)
