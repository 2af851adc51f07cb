"""Passes written out for a shape: against the NumPy trainer, and against the general passes."""

import os
import subprocess
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest
from ensembles import OPTIMIZERS, assert_agree, assert_same_bits, both, random_data, random_networks
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.layers.chains import chain_of
from geomcore.network import Network, ReLUNetwork
from training.descent.batches import Batches
from training.descent.compiled import passes, written
from training.descent.compiled.ensemble_descent import LOSSES as NUMBERS
from training.descent.constraints import NonNegative
from training.descent.losses import LOSSES
from training.descent.optimizers import SGD
from training.descent.penalties import L1, SmoothL0
from training.descent.stopping import AccuracyFor, LossBelow, Plateau
from training.descent.trainer import train, train_ensemble

SHAPES = {
    "deep": (3, 3, 3, 3, 3),
    "one by one": (1, 1, 1),
    "affine": (3, 2),
    "wide": (2, 9, 1),
    "tall": (6, 2, 4),
}


@pytest.fixture(autouse=True)
def always_written(monkeypatch):
    """Short runs have a pass of their own, too."""
    monkeypatch.setattr(written, "STEPS", 0)


def layers_of(widths):
    return written.layers_to_write(chain_of(random_networks(widths, 1)[0].layers), 1, 0)


def gradient_of(net, X, Y, rows, loss):
    """Gradient at the points `rows`, packed, by the text of the pass without compilation."""
    loss, count = LOSSES[loss], len(rows)
    points = np.column_stack([X, Y, loss.weights(np.zeros(len(X), int)), np.zeros(len(X))])
    theta, widths = net.packed()
    layers = layers_of(widths)
    desk = written.desk(layers, points)
    desk[: len(theta)] = theta
    space = {"exp": np.exp}
    exec(written.program(layers, NUMBERS[type(loss)]), space)
    space["gradient"](desk, np.asarray(rows), 0, count, len(X) / count)
    return desk[len(theta) : 2 * len(theta)].copy()


def loss_of(net, X, Y, rows, loss):
    """Mean loss at these points, in plain Python."""
    total = 0.0
    for i in rows:
        x = X[i]
        for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
            x = np.array([sum(w * v for w, v in zip(row, x, strict=True)) for row in W]) + b
            x = np.maximum(x, 0) if l < len(net.weights) else x
        if loss == "mse":
            total += ((x - Y[i]) ** 2).sum()
        elif loss == "bce":
            total += (np.log1p(np.exp(x)) - x * Y[i]).sum()
        else:
            total += np.log(np.exp(x).sum()) - (x * Y[i]).sum()
    return total / len(rows)


# By hand


def test_gradient_at_one_of_two_points_of_one_weight():
    net = ReLUNetwork([[[2.0]]], [[1.0]])
    # f = 3 at x = 1, of which 0 is wanted: 2 * 3 * (x, 1)
    found = gradient_of(net, np.array([[1.0], [9.0]]), np.zeros((2, 1)), [0], "mse")
    assert found.tolist() == pytest.approx([6.0, 6.0])


def test_a_pass_has_a_line_for_each_product():
    text = written.program(layers_of((2, 2)), passes.SQUARED)
    assert "z = t4 + t0 * h0_0 + t1 * h0_1" in text
    assert "s1 += d1_0 * h0_1" in text


def test_what_is_large_or_short_has_no_pass(monkeypatch):
    monkeypatch.undo()

    def is_written(widths, size, steps):
        chain = chain_of(random_networks(widths, 1)[0].layers)
        return written.layers_to_write(chain, size, steps) is not None

    assert is_written((3, 3, 3, 3, 3), 32, 1000)
    assert is_written((2, 32, 1), 128, 10**6)
    assert not is_written((3, 3, 3, 3, 3), 32, 999)
    assert not is_written((3, 3, 3, 3, 3), 0, 1000)
    assert not is_written((3, 3, 3, 3, 3), 129, 1000)
    assert not is_written((3, 16, 16, 3), 32, 1000)


def test_short_runs_load_no_pass(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(written, "batch_gradient", None)
    X, Y = random_data((3, 2), 9)
    options = {"batch_size": 4, "rng": 0, "engine": "compiled"}
    assert train(random_networks((3, 2), 1)[0], X, Y, steps=999, **options).steps == 999
    with pytest.raises(TypeError, match="not callable"):
        train(random_networks((3, 2), 1)[0], X, Y, steps=1000, **options)


# Against differences, and against the NumPy trainer


@pytest.mark.parametrize("loss", ["mse", "bce", "cross_entropy"])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_gradient_is_that_of_differences(shape, loss):
    widths = SHAPES[shape]
    net = random_networks(widths, 1, seed=3)[0]
    X, Y = random_data(widths, 7)
    rows = [5, 0, 3]
    found = gradient_of(net, X, Y, rows, loss)
    theta, h = net.packed()[0], 1e-6
    for i in range(len(theta)):
        sides = []
        for side in (h, -h):
            moved = theta.copy()
            moved[i] += side
            parts, at = [], 0
            for n, m in pairwise(widths):
                W = moved[at : at + m * n].reshape(m, n)
                parts.append((W, moved[at + m * n : at + m * n + m]))
                at += m * (n + 1)
            other = ReLUNetwork([W for W, _ in parts], [b for _, b in parts])
            sides.append(loss_of(other, X, Y, rows, loss))
        assert found[i] == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_engines_agree_for_each_loss_and_optimizer(loss, optimizer):
    widths = (3, 4, 3)
    X, Y = random_data(widths, 23)
    options = {"loss": loss, "optimizer": OPTIMIZERS[optimizer], "batch_size": 5, "steps": 40}
    assert_agree(*both(random_networks(widths, 5), X, Y, rngs=range(5), **options))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 15, 16, 17, 32, 127, 128, 129, 299])
def test_engines_draw_the_same_batches(batch_size, drop_last):
    widths = (3, 4, 3)
    X, Y = random_data(widths, 300)
    options = {"batch_size": batch_size, "drop_last": drop_last, "record": 7}
    networks = random_networks(widths, 3)
    assert_agree(*both(networks, X, Y, steps=50, optimizer=SGD(0.01), rngs=range(3), **options))


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_engines_agree_for_each_shape(shape):
    widths = SHAPES[shape]
    X, Y = random_data(widths, 50)
    options = {"batch_size": 8, "steps": 30, "rngs": range(3), "optimizer": SGD(0.01)}
    assert_agree(*both(random_networks(widths, 3), X, Y, **options))


CHAINS = {
    "a ReLU at the end": (Affine, ReLU, Affine, ReLU),
    "affine twice": (Affine, Affine, ReLU, Affine),
    "one unit after a ReLU only": (Affine, ReLU),
    "a norm, which has no pass": (Affine, ReLU, LpNorm),
}


@pytest.mark.parametrize("loss", ["mse", "bce"])
@pytest.mark.parametrize("chain", sorted(CHAINS))
def test_engines_agree_about_other_chains(chain, loss):
    kinds, rng, more = CHAINS[chain], np.random.default_rng(2), {LpNorm: {"p": 2.0}}

    def random_network():
        layers = []
        for kind in kinds:
            W, b = rng.standard_normal((3, 3)), 0.1 * rng.standard_normal(3)
            layers.append(ReLU() if kind is ReLU else kind(W, b, **more.get(kind, {})))
        return Network(layers)

    X, Y = random_data((3, 3), 40)
    options = {"batch_size": 8, "steps": 40, "rngs": range(3), "optimizer": SGD(0.01), "loss": loss}
    networks = [random_network() for _ in range(3)]
    slow, found = (
        train_ensemble(networks, X, Y, engine=engine, **options) for engine in ("numpy", "compiled")
    )
    np.testing.assert_allclose(found.losses, slow.losses, rtol=1e-9)
    is_written = written.layers_to_write(chain_of(networks[0].layers), 8, 40) is not None
    assert is_written == (LpNorm not in kinds)


@pytest.mark.parametrize(
    "terms", [{"penalties": L1(0.1)}, {"constraints": NonNegative()}, {"penalties": SmoothL0(0.1)}]
)
def test_penalties_and_constraints_come_on_top(terms):
    widths = (3, 4, 3)
    X, Y = random_data(widths, 40)
    options = {"batch_size": 8, "steps": 40, "rngs": range(3), "optimizer": SGD(0.01), **terms}
    assert_agree(*both(random_networks(widths, 3), X, Y, **options))


@pytest.mark.parametrize(
    "stop",
    [
        (LossBelow(0.3),),
        (AccuracyFor(0.45, records=3),),
        (Plateau(3, 0.05), LossBelow(0.3), AccuracyFor(0.9)),
    ],
)
def test_trials_stop_for_the_same_reason_at_the_same_step(stop):
    widths = (3, 4, 3)
    X, Y = random_data(widths, 30)
    options = {"stop": stop, "batch_size": 8, "rngs": range(9), "optimizer": SGD(0.05)}
    expected, found = both(random_networks(widths, 9), X, Y, steps=150, **options)
    assert_agree(expected, found)
    assert set(found.stop_reasons) & {rule.reason for rule in stop}


@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "bce"])
def test_a_trial_that_diverges_leaves_its_neighbours_alone(loss):
    widths = (3, 4, 3)
    networks = random_networks(widths, 5)
    far = ReLUNetwork([W * 1e200 for W in networks[2].weights], networks[2].biases)
    X, Y = random_data(widths, 23)
    options = {"loss": loss, "batch_size": 5, "steps": 30, "optimizer": SGD(0.05)}
    expected = train_ensemble(networks, X, Y, rngs=range(5), engine="compiled", **options)
    networks[2] = far
    slow, found = both(networks, X, Y, rngs=range(5), **options)
    assert slow.stop_reasons == found.stop_reasons
    assert found.stop_reasons[2] == "diverged"
    np.testing.assert_array_equal(slow.steps, found.steps)
    for t in (0, 1, 3, 4):
        assert found.networks[t] == expected.networks[t]
        assert found.final_losses[t] == expected.final_losses[t]


def test_nan_and_inf_come_out_as_they_do_in_numpy():
    # inf - inf in a hidden unit, which a comparison written the other way would turn into zero.
    net = ReLUNetwork([[[1e200, -1e200]], [[1.0]]], [[0.0], [0.0]])
    X, Y = np.array([[1e200, 1e200], [1.0, 0.0], [0.0, 1.0]]), np.zeros((3, 1))
    slow, found = both([net], X, Y, batch_size=2, steps=5, rngs=[0], optimizer=SGD(0.1))
    assert (slow.stop_reasons, slow.steps.tolist()) == (found.stop_reasons, found.steps.tolist())
    assert found.stop_reasons == ["diverged"]


def test_kernel_gives_the_same_numbers_without_compilation():
    program = (
        "import numpy as np; from geomcore.network import ReLUNetwork;"
        "from training import train, Adam; from training.descent.compiled import written;"
        "written.STEPS = 0;"
        "net = ReLUNetwork([np.arange(6.0).reshape(2, 3) / 7, np.eye(2)], [[0.1, 0], [0, 0.2]]);"
        "X = np.linspace(-1, 1, 12).reshape(4, 3);"
        "r = [train(net, X, ['a', 'b', 'a', 'b'], loss=loss, optimizer=Adam(0.1),"
        "           batch_size=3, steps=8, rng=0, engine='compiled')"
        "     for loss in ('mse', 'cross_entropy', 'bce')];"
        "print(*(float.hex(v) for one in r for v in one.losses.tolist()))"
    )
    losses = []
    for disabled in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disabled}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        losses.append([float.fromhex(value) for value in done.stdout.split()])
    assert len(losses[0]) > 6
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)


# Laws


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_a_trial_gives_the_same_numbers_bit_for_bit_alone_together_and_on_threads(loss, optimizer):
    widths = (3, 4, 3)
    X, Y = random_data(widths, 37)
    options = {
        "loss": loss,
        "optimizer": OPTIMIZERS[optimizer],
        "batch_size": 7,
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


def test_looking_at_every_record_changes_no_bit():
    widths, steps = (3, 4, 3), []
    X, Y = random_data(widths, 30)
    options = {"batch_size": 7, "steps": 45, "record": 6, "engine": "compiled"}
    networks = random_networks(widths, 5)
    expected = train_ensemble(networks, X, Y, rngs=range(5), **options)
    found = train_ensemble(
        networks, X, Y, rngs=range(5), callbacks=lambda one: steps.append(one.step), **options
    )
    assert_same_bits(found, expected)
    assert steps == found.recorded.tolist()


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_where_the_desk_lies_in_memory_changes_no_bit(loss, monkeypatch):
    widths, desk = (3, 4, 3), written.desk
    X, Y = random_data(widths, 30)
    options = {"batch_size": 7, "steps": 45, "engine": "compiled", "loss": loss}
    networks = random_networks(widths, 2)
    expected = train_ensemble(networks, X, Y, rngs=range(2), **options)
    for numbers in (1, 2, 5):

        def moved(layers, points, numbers=numbers):
            inside = desk(layers, points)
            return np.concatenate([np.zeros(numbers), inside])[numbers:]

        monkeypatch.setattr(written, "desk", moved)
        assert_same_bits(train_ensemble(networks, X, Y, rngs=range(2), **options), expected)


def test_the_sum_of_the_gradients_of_an_epoch_is_that_of_all_points():
    widths = (3, 4, 3)
    net = random_networks(widths, 1)[0]
    X, Y = random_data(widths, 23)
    order, batches = np.random.default_rng(0).permutation(23), Batches(23, 5)
    parts = [order[batches.rows(step)] for step in range(batches.per_epoch)]
    total = sum(len(rows) / 23 * gradient_of(net, X, Y, rows, "mse") for rows in parts)
    np.testing.assert_allclose(total, gradient_of(net, X, Y, range(23), "mse"), rtol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_any_points_and_batches_agree_with_the_numpy_trainer(seed):
    rng = np.random.default_rng(seed)
    widths, n = (3, 4, 3), int(rng.integers(2, 60))
    X, Y = random_data(widths, n, seed)
    options = {"batch_size": int(rng.integers(1, n + 1)), "drop_last": bool(rng.integers(2))}
    networks = random_networks(widths, int(rng.integers(1, 4)), seed)
    rngs = range(seed, seed + len(networks))
    assert_agree(*both(networks, X, Y, steps=11, rngs=rngs, optimizer=SGD(0.01), **options))


def test_threads_that_ask_for_one_pass_get_the_same_one():
    found, barrier = [], threading.Barrier(4)

    def ask():
        barrier.wait()
        found.append(written.batch_gradient(layers_of((3, 4, 3)), passes.SQUARED))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(found) == 4 and len(set(map(id, found))) == 1
    assert written.batch_gradient(layers_of((3, 4, 3)), passes.SIGMOID) is not found[0]


def test_a_pass_is_kept_for_the_next_process(tmp_path):
    program = (
        "from training.descent.compiled import written;"
        "layers = (written.Layer(1, 2, 2, False, 0),);"
        "print(written.batch_gradient(layers, 0).cache_hits)"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    hits = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert hits == ["0", "1"]
