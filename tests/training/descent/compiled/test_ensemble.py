"""The compiled engine against the NumPy trainer, trial by trial and step by step."""

import os
import subprocess
import sys

import numpy as np
import pytest
from ensembles import OPTIMIZERS, assert_agree, assert_same_bits, both, random_data, random_networks
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.layers import Affine, ReLU
from geomcore.network import Network, ReLUNetwork
from training.descent.compiled import ensemble_descent
from training.descent.constraints import Box, MaxNorm, NonNegative, UnitColumns, UnitNorm
from training.descent.losses import LOSSES, CrossEntropy
from training.descent.optimizers import SGD
from training.descent.penalties import L1, L2, NegativePart, SmoothL0
from training.descent.stopping import AccuracyFor, LossBelow, Plateau
from training.descent.trainer import train, train_ensemble

SHAPES = {
    "square": (3, 3, 3, 3, 3),
    "wide": (2, 7, 3),
    "tall": (9, 5, 2),
    "one by one": (1, 1, 1),
    "affine": (3, 2),
    "blocks of four": (4, 8, 12, 4),
    "every remainder": (5, 6, 7, 8, 9, 2),
    "by products": (17, 9, 15, 16, 12),
}
# By hand


def test_one_step_on_one_weight_is_the_gradient_step():
    net = ReLUNetwork([[[2.0]]], [[1.0]])
    result = train(net, [[1.0]], [[0.0]], optimizer=SGD(0.1), steps=1, engine="compiled")
    # f = 3, dC/dw = 2 * 3 * 1, dC/db = 2 * 3
    assert result.network.weights[0][0, 0] == pytest.approx(2.0 - 0.6)
    assert result.network.biases[0][0] == pytest.approx(1.0 - 0.6)
    assert result.losses.tolist() == pytest.approx([9.0, 3.24])
    assert (result.steps, result.stop_reason) == (1, "step budget")


def test_a_unit_that_is_off_everywhere_does_not_move():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-5.0], [0.0]])
    result = train(
        net, [[1.0], [2.0]], [[1.0], [1.0]], optimizer=SGD(0.5), steps=3, engine="compiled"
    )
    assert result.network.weights[0] == net.weights[0]
    assert result.network.biases[0] == net.biases[0]
    assert result.network.biases[1][0] == pytest.approx(1.0)


def test_training_stops_at_the_first_record_below_the_threshold():
    net, X, Y = ReLUNetwork([[[0.0]]], [[0.0]]), [[0.0]], [[1.0]]
    options = {"optimizer": SGD(0.25), "steps": 100, "engine": "compiled"}
    result = train(net, X, Y, stop=LossBelow(0.1), **options)
    # the error halves with each step: losses 1, 1/4, 1/16
    assert result.losses.tolist() == [1.0, 0.25, 0.0625]
    assert (result.steps, result.stop_reason) == (2, "loss threshold")


# Against the NumPy trainer


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_engines_agree_for_each_loss_and_optimizer(loss, optimizer, batch_size):
    widths = (3, 4, 3)
    X, Y = random_data(widths, 23)
    options = {"loss": loss, "optimizer": OPTIMIZERS[optimizer], "batch_size": batch_size}
    assert_agree(*both(random_networks(widths, 4), X, Y, steps=40, rngs=range(4), **options))


@pytest.mark.parametrize("n", [1, 15, 16, 17, 300, 1500])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_engines_agree_for_each_shape_and_number_of_points(shape, n):
    widths = SHAPES[shape]
    X, Y = random_data(widths, n)
    assert_agree(*both(random_networks(widths, 3), X, Y, steps=12, optimizer=SGD(0.01)))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 16, 17, 40, 299])
def test_engines_draw_the_same_batches(batch_size, drop_last):
    widths = (3, 5, 2)
    X, Y = random_data(widths, 300)
    options = {"batch_size": batch_size, "drop_last": drop_last, "record": 7}
    networks = random_networks(widths, 3)
    assert_agree(*both(networks, X, Y, steps=50, optimizer=SGD(0.01), rngs=range(3), **options))


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize(
    "stop",
    [
        (LossBelow(0.3),),
        (AccuracyFor(0.45, records=3),),
        (Plateau(records=4, rtol=0.02),),
        (Plateau(3, 0.05), LossBelow(0.3), AccuracyFor(0.9)),
        (AccuracyFor(0.4), Plateau(1, 0.5)),
    ],
)
def test_engines_stop_for_the_same_reason_at_the_same_step(stop, batch_size):
    widths = (3, 5, 3)
    X, Y = random_data(widths, 30)
    networks = random_networks(widths, 8)
    options = {"stop": stop, "batch_size": batch_size, "rngs": range(8)}
    expected, found = both(networks, X, Y, steps=150, optimizer=SGD(0.05), **options)
    assert_agree(expected, found)
    assert set(found.stop_reasons) & {rule.reason for rule in stop}


@pytest.mark.parametrize("batch_size", [None, 3])
def test_engines_agree_about_divergence(batch_size):
    networks = random_networks((2, 3, 2), 6)
    X, Y = random_data((2, 3, 2), 9)
    options = {"batch_size": batch_size, "rngs": range(6), "optimizer": SGD(30.0)}
    expected, found = both(networks, X, Y, steps=200, **options)
    assert "diverged" in expected.stop_reasons
    assert found.stop_reasons == expected.stop_reasons
    # Rounding grows on the way to overflow, by which time the step is the same within a few.
    assert np.abs(found.steps - expected.steps).max() <= 5
    assert all(np.isfinite(W).all() for net in found.networks for W in net.weights)


def test_kernel_gives_the_same_numbers_without_compilation():
    program = (
        "import numpy as np; from geomcore.network import ReLUNetwork;"
        "from training import train, Adam, AccuracyFor;"
        "net = ReLUNetwork([np.arange(6.0).reshape(2, 3) / 7, np.eye(2)], [[0.1, 0], [0, 0.2]]);"
        "X = np.linspace(-1, 1, 12).reshape(4, 3);"
        "r = train(net, X, ['a', 'b', 'a', 'b'], loss='cross_entropy', optimizer=Adam(0.1),"
        "          stop=AccuracyFor(1, 9), batch_size=3, steps=8, rng=0, engine='compiled');"
        "print(*map(float.hex, r.losses.tolist()))"
    )
    losses = []
    for disabled in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disabled}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        losses.append([float.fromhex(value) for value in done.stdout.split()])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)


TERMS = {
    "modulus": {"penalties": L1(0.05)},
    "squares": {"penalties": L2(0.05, ["W1", "b2"])},
    "negative part": {"penalties": NegativePart(0.5, ["W2"])},
    "smooth count": {"penalties": SmoothL0(0.02, ["W2"], width=0.3)},
    "at least zero": {"constraints": NonNegative(["W2", "b1"])},
    "between": {"constraints": Box(-0.1, 0.2, ["W1", "b2"])},
    "taken out": {"constraints": Box(0, 0, ["b1"])},
    "at most": {"constraints": Box(-np.inf, -0.05)},
    "unit columns": {"constraints": UnitColumns(["W1", "b1"])},
    "unit norm": {"constraints": UnitNorm(["W2"])},
    "norm at most": {"constraints": MaxNorm(0.7)},
    "all at once": {
        "penalties": [L1(0.01, ["W2"]), NegativePart(0.1), SmoothL0(0.01), L2(0.1)],
        "constraints": [
            NonNegative(["W2"]),
            UnitNorm(["W2"]),
            MaxNorm(1.5, ["b1", "W1"]),
            Box(-1, 0.3),
        ],
    },
}


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("optimizer", ["plain", "clipped adam"])
@pytest.mark.parametrize("terms", sorted(TERMS))
def test_engines_agree_for_each_penalty_and_constraint(terms, optimizer, batch_size):
    widths = (3, 6, 2)
    X, Y = random_data(widths, 23)
    options = {"optimizer": OPTIMIZERS[optimizer], "batch_size": batch_size, "rngs": range(4)}
    networks = random_networks(widths, 4)
    expected, found = both(networks, X, Y, steps=40, **options, **TERMS[terms])
    assert_agree(expected, found)
    free = train_ensemble(networks, X, Y, steps=40, engine="compiled", **options)
    assert free.networks != found.networks


@pytest.mark.parametrize("term", [UnitColumns(), UnitNorm(), MaxNorm(1.0)])
@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_engines_project_weights_of_any_size(term, scale):
    net = ReLUNetwork([[[3.0 * scale, 0.0], [4.0 * scale, 0.0]]], [[0.0, 0.0]])
    options = {"optimizer": SGD(1e-300), "steps": 1, "constraints": term}
    expected, found = both([net], [[0.0, 0.0]], [[0.0, 0.0]], **options)
    assert_agree(expected, found)
    if scale > 1 or term != MaxNorm(1.0):
        np.testing.assert_allclose(found.networks[0].weights[0][:, 0], [0.6, 0.8])


def test_a_constraint_saves_a_trial_from_what_overflows_below_but_not_above():
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    options = {"optimizer": SGD(1e308), "steps": 1, "constraints": NonNegative()}
    down, up = [both([net], [[2.0]], [[y]], **options) for y in (1e3, -1e3)]
    assert [r.stop_reasons for r in down] == [["diverged"], ["diverged"]]
    assert [r.stop_reasons for r in up] == [["step budget"], ["step budget"]]
    assert [r.networks[0].weights[0][0, 0] for r in up] == [0.0, 0.0]


@pytest.mark.parametrize(("low", "high"), [(-1e300, 1e-300), (-1e-300, 1e300), (-np.inf, 1e300)])
def test_a_box_holds_in_both_engines_whatever_its_size_also_where_steps_overflow(low, high):
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    options = {"optimizer": SGD(1e308), "steps": 1, "constraints": Box(low, high)}
    for y, end in ((1e3, high), (-1e3, low)):
        results = both([net], [[2.0]], [[y]], **options)
        if np.isinf(end):
            assert [r.stop_reasons for r in results] == [["diverged"], ["diverged"]]
        else:
            assert [r.networks[0].weights[0][0, 0] for r in results] == [end, end]


# Laws


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("widths", [(3, 5, 3), (3, 61, 40, 3)])
def test_a_trial_gives_the_same_numbers_bit_for_bit_alone_together_and_on_threads(
    widths, optimizer, batch_size
):
    X, Y = random_data(widths, 37)
    options = {
        "optimizer": OPTIMIZERS[optimizer],
        "batch_size": batch_size,
        "steps": 60,
        "stop": LossBelow(0.4),
        "engine": "compiled",
    }
    networks = random_networks(widths, 13)
    together = train_ensemble(networks, X, Y, rngs=range(13), **options)
    assert_same_bits(train_ensemble(networks, X, Y, rngs=range(13), jobs=3, **options), together)
    for t in (0, 7, 12):
        alone = train(networks[t], X, Y, rng=t, **options)
        assert alone.network == together.networks[t]
        assert alone.final_loss == together.final_losses[t]
        assert (alone.steps, alone.stop_reason) == (together.steps[t], together.stop_reasons[t])


@pytest.mark.parametrize("batch_size", [None, 7])
def test_looking_at_every_record_changes_no_bit(batch_size):
    # A callback makes the kernel return at each record.
    widths, steps = (3, 4, 3), []
    X, Y = random_data(widths, 30)
    options = {
        "batch_size": batch_size,
        "steps": 45,
        "record": 6,
        "stop": (LossBelow(0.35), Plateau(3, 0.05), AccuracyFor(0.6, 2)),
        "engine": "compiled",
        "rngs": range(5),
    }
    networks = random_networks(widths, 5)
    expected = train_ensemble(networks, X, Y, **options)
    rng_free = {**options, "rngs": range(5)}
    found = train_ensemble(
        networks, X, Y, callbacks=lambda snapshot: steps.append(snapshot.step), **rng_free
    )
    assert_same_bits(found, expected)
    assert steps == found.recorded.tolist()


@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 32, 1)])
def test_where_rows_lie_in_memory_changes_no_bit(widths, monkeypatch):
    # One output and one pack of points: nothing else is between outputs and gradients.
    X, Y = random_data(widths, 16)
    options = {"optimizer": SGD(0.01), "steps": 12, "engine": "compiled"}
    expected = train_ensemble(random_networks(widths, 2), X, Y, **options)
    for apart in (ensemble_descent.APART + 8, 1000):
        monkeypatch.setattr(ensemble_descent, "APART", apart)
        assert_same_bits(train_ensemble(random_networks(widths, 2), X, Y, **options), expected)


def test_a_rule_of_the_user_stops_compiled_trials_where_it_stops_the_others():
    class EveryOther:
        reason = "even"

        def met(self, progress):
            return (progress.running % 2 == 0) & (progress.step >= 3)

    widths = (3, 4, 3)
    X, Y = random_data(widths, 20)
    options = {"stop": (EveryOther(), LossBelow(0.01)), "steps": 9}
    expected, found = both(random_networks(widths, 5), X, Y, **options)
    assert_agree(expected, found)
    assert found.steps.tolist() == [3, 9, 3, 9, 3]


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_final_loss_is_the_loss_of_the_network_that_is_returned(seed):
    rng = np.random.default_rng(seed)
    widths = tuple(int(w) for w in rng.integers(1, 7, size=rng.integers(2, 5)))
    X, Y = random_data(widths, int(rng.integers(2, 40)), seed)
    net = random_networks(widths, 1, seed)[0]
    options = {"batch_size": int(rng.integers(1, 12)), "rng": seed, "steps": 11}
    result = train(net, X, Y, engine="compiled", **options)
    again = train(result.network, X, Y, steps=0, engine="compiled")
    assert result.final_loss == again.final_loss == result.losses[-1]


def test_more_records_than_one_call_holds_are_all_there(monkeypatch):
    monkeypatch.setattr("training.descent.compiled.ensemble_descent.RECORDS", 7)
    monkeypatch.setattr("training.descent.compiled.ensemble_descent.SHUFFLE_BYTES", 1)
    widths = (2, 3, 2)
    X, Y = random_data(widths, 10)
    for options in ({}, {"batch_size": 4, "record": 2}):
        options = {"steps": 33, "stop": Plateau(5, 1e-3), "rngs": range(3), **options}
        assert_agree(*both(random_networks(widths, 3), X, Y, **options))


def test_arguments_are_left_as_they_are():
    widths = (3, 4, 3)
    X, Y = random_data(widths, 20)
    networks = random_networks(widths, 2)
    kept = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    train_ensemble(networks, np.asfortranarray(X), Y, steps=5, engine="compiled")
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(Y, kept[1])
    assert networks == random_networks(widths, 2)


def test_the_engine_is_chosen_by_width_and_steps():
    def engine(widths, steps, **options):
        X, Y = random_data(widths, 4)
        return train_ensemble(random_networks(widths, 1), X, Y, steps=steps, **options).engine

    assert engine((3, 3, 3), 150) == "compiled"
    assert engine((2, 32, 1), 150) == "compiled"
    assert engine((3, 3, 3), 5) == "numpy"
    assert engine((128, 128, 2), 150) == "numpy"
    assert engine((3, 3, 3), 150, penalties=L2(0.1)) == "compiled"
    assert engine((3, 3, 3), 150, constraints=[NonNegative(), Box(0, 2)]) == "compiled"
    assert engine((3, 3, 3), 150, penalties=Halves()) == "numpy"


# Bad input


class Halved(CrossEntropy):
    """A loss that the kernel does not know."""


class Lazy(SGD):
    """An optimizer that the kernel does not know."""


class Halves(L2):
    """A penalty that the kernel does not know."""

    def __init__(self):
        super().__init__(0.5)


class Signs(NonNegative):
    """A constraint that the kernel does not know."""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "fast"}, "engine must be one of"),
        ({"penalties": Halves()}, "engine must be 'numpy' or 'auto' for Halves"),
        ({"constraints": Signs()}, "engine must be 'numpy' or 'auto' for Signs"),
        ({"loss": Halved()}, "engine must be 'numpy' or 'auto' for the loss"),
        ({"optimizer": Lazy(0.1)}, "engine must be 'numpy' or 'auto' for the optimizer"),
        (
            {"net": Network([ReLU(), Affine(np.eye(3), np.zeros(3))])},
            "other than Affine and LpNorm",
        ),
    ],
)
def test_what_cannot_be_compiled_is_named(changes, message):
    X, Y = random_data((3, 3), 5)
    arguments = {"net": random_networks((3, 3), 1)[0], "engine": "compiled", **changes}
    with pytest.raises(ValueError, match=message):
        train(X=X, Y=Y, **arguments)
