"""Passes over all kinds of layers in compiled steps, against NumPy, by loops and by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.layers import Affine, LearnedLpNorm, LpNorm, ReLU
from geomcore.network import Network
from training.descent.optimizers import SGD, Adam
from training.descent.stopping import AccuracyFor
from training.descent.trainer import train, train_ensemble


def affine(rng, n, m):
    return Affine(rng.normal(size=(m, n)) / np.sqrt(n), 0.3 * rng.normal(size=m))


def norm(rng, n, m, p):
    W = rng.uniform(0.1, 1, (m, n)) * rng.choice([-1, 1], (m, n))
    return LpNorm(W, 0.3 * rng.normal(size=m), p)


def learned(rng, n, m):
    fixed = norm(rng, n, m, 2)
    return LearnedLpNorm(fixed.W, fixed.b, rng.normal(size=m))


def mesa(rng, p, d=2, width=32):
    """The networks of the mesa experiments."""
    head = norm(rng, width, 1, p) if p else affine(rng, width, 1)
    return Network([affine(rng, d, width), ReLU(), head, ReLU(), affine(rng, 1, 1)])


CHAINS = {
    "mesa of order 1": lambda rng: mesa(rng, 1),
    "mesa of order 2": lambda rng: mesa(rng, 2),
    "mesa of order 1.5": lambda rng: mesa(rng, 1.5),
    "mesa of order 40": lambda rng: mesa(rng, 40),
    "mesa with an affine head": lambda rng: mesa(rng, None),
    "mesa of many inputs": lambda rng: mesa(rng, 1, d=10),
    "mesa of learned order": lambda rng: Network(
        [affine(rng, 2, 32), ReLU(), learned(rng, 32, 1), ReLU(), affine(rng, 1, 1)]
    ),
    "learned orders": lambda rng: Network(
        [learned(rng, 2, 4), affine(rng, 4, 3), ReLU(), learned(rng, 3, 2), learned(rng, 2, 1)]
    ),
    "by products": lambda rng: Network(
        [affine(rng, 2, 20), ReLU(), norm(rng, 20, 17, 1), ReLU(), affine(rng, 17, 1)]
    ),
    "order 1 of what may be negative": lambda rng: Network(
        [affine(rng, 2, 5), norm(rng, 5, 3, 1), affine(rng, 3, 1)]
    ),
    "a norm first": lambda rng: Network([norm(rng, 2, 4, 3), ReLU(), affine(rng, 4, 1)]),
    "norms only": lambda rng: Network(
        [norm(rng, 2, 3, 2), norm(rng, 3, 2, 1.2), norm(rng, 2, 1, 1)]
    ),
    "several norms": lambda rng: Network(
        [
            affine(rng, 2, 6),
            ReLU(),
            norm(rng, 6, 5, 2.5),
            ReLU(),
            norm(rng, 5, 4, 1),
            affine(rng, 4, 1),
        ]
    ),
    "affine layers without a ReLU": lambda rng: Network([affine(rng, 2, 3), affine(rng, 3, 1)]),
    "a ReLU at the end": lambda rng: Network(
        [affine(rng, 2, 4), ReLU(), affine(rng, 4, 1), ReLU()]
    ),
    "a norm and a ReLU at the end": lambda rng: Network(
        [affine(rng, 2, 4), norm(rng, 4, 1, 2), ReLU()]
    ),
    "one by one": lambda rng: Network([norm(rng, 1, 1, 1)]),
}


def data(d, n=60, seed=1):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.5, 1.5, (n, d))
    return X, (np.abs(X).max(axis=1) < 0.9 * 1.5).astype(float)[:, None]


def chains(kind, trials):
    return [CHAINS[kind](np.random.default_rng(t)) for t in range(trials)]


def assert_agree(expected, found, rtol=1e-8):
    assert (expected.engine, found.engine) == ("numpy", "compiled")
    assert found.stop_reasons == expected.stop_reasons
    np.testing.assert_array_equal(found.steps, expected.steps)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=rtol, atol=1e-13)
    for net, other in zip(found.networks, expected.networks, strict=True):
        assert [repr(layer) for layer in net.layers] == [repr(layer) for layer in other.layers]
        for p, q in zip(net.tensors, other.tensors, strict=True):
            np.testing.assert_allclose(p, q, rtol=rtol, atol=1e-11)


def both(networks, X, Y, **options):
    return [
        train_ensemble(networks, X, Y, engine=engine, **options) for engine in ("numpy", "compiled")
    ]


# By hand


def test_one_step_of_a_norm_of_order_two_is_the_gradient_step():
    net = Network([LpNorm([[3.0, -4.0]], [1.0], 2)])
    result = train(net, [[1.0, 1.0]], [[0.0]], optimizer=SGD(0.1), steps=1, engine="compiled")
    # f = 5 + 1, dC/df = 12, df/dW = (3, -4) / 5
    assert result.losses[0] == pytest.approx(36.0)
    assert result.network.layers[0].W[0] == pytest.approx([3 - 0.72, -4 + 0.96])
    assert result.network.layers[0].b[0] == pytest.approx(1 - 1.2)


def test_at_zero_the_slopes_of_a_norm_are_zero():
    net = Network([LpNorm([[0.0, 2.0]], [0.0], 3)])
    result = train(net, [[1.0, 0.0]], [[1.0]], optimizer=SGD(0.1), steps=1, engine="compiled")
    assert result.network.layers[0].W[0].tolist() == [0.0, 2.0]
    assert result.network.layers[0].b[0] == pytest.approx(0.2)


# Against NumPy


@pytest.mark.parametrize("batch_size", [None, 17])
@pytest.mark.parametrize("kind", sorted(CHAINS))
def test_engines_agree_for_each_chain(kind, batch_size):
    networks = chains(kind, 3)
    X, Y = data(networks[0].widths[0])
    options = {"batch_size": batch_size, "drop_last": True, "rngs": range(3), "loss": "bce"}
    assert_agree(*both(networks, X, Y, steps=30, optimizer=Adam(1e-2, clip=1.0), **options))


@pytest.mark.parametrize("kind", sorted(CHAINS))
def test_engines_agree_on_many_tiles_and_when_to_stop(kind):
    networks = chains(kind, 3)
    X, Y = data(networks[0].widths[0], 3000)
    options = {"stop": AccuracyFor(0.6, records=4), "steps": 10, "record": 2}
    assert_agree(*both(networks, X, Y, optimizer=SGD(0.01), **options))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 1e6, 1e300])
def test_engines_agree_at_every_scale_and_order(p, scale):
    rng = np.random.default_rng(0)
    head, last = norm(rng, 5, 2, p), affine(rng, 2, 2)
    scaled = LpNorm(head.W * scale, head.b * scale, p), Affine(last.W / scale, last.b)
    net = Network([affine(rng, 3, 5), ReLU(), *scaled])
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    expected, found = both([net], X, Y, steps=1, optimizer=SGD(1e-3))
    assert np.isfinite(expected.losses[0]).all()
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-9)
    for q, r in zip(found.networks[0].tensors, expected.networks[0].tensors, strict=True):
        np.testing.assert_allclose(q, r, rtol=1e-8, atol=1e-300)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_engines_agree_for_any_chain(seed):
    rng = np.random.default_rng(seed)
    widths = [int(w) for w in rng.integers(1, 8, size=rng.integers(2, 5))]
    layers = []
    for n, m in pairwise(widths):
        order = float(rng.choice([1, 1, 1.3, 2, 5]))
        layers.append(
            [norm(rng, n, m, order), affine(rng, n, m), learned(rng, n, m)][rng.integers(3)]
        )
        layers += [ReLU()] * int(rng.integers(2))
    X = rng.normal(size=(int(rng.integers(1, 50)), widths[0]))
    Y = rng.normal(size=(len(X), widths[-1]))
    batch_size = None if rng.random() < 0.5 else int(rng.integers(1, 30))
    options = {"optimizer": SGD(0.01), "batch_size": batch_size, "rngs": [seed]}
    assert_agree(*both([Network(layers)], X, Y, steps=10, **options))


# Laws


def test_a_trial_gives_the_same_numbers_bit_for_bit_alone_together_and_on_threads():
    for kind in ("mesa of order 1", "learned orders", "several norms"):
        networks = chains(kind, 9)
        X, Y = data(2)
        options = {"optimizer": Adam(0.01), "batch_size": 16, "steps": 40, "engine": "compiled"}
        together = train_ensemble(networks, X, Y, rngs=range(9), **options)
        threaded = train_ensemble(networks, X, Y, rngs=range(9), jobs=2, **options)
        assert threaded.networks == together.networks
        for t in (0, 8):
            assert train(networks[t], X, Y, rng=t, **options).network == together.networks[t]


def test_a_norm_of_order_one_after_a_relu_is_an_affine_layer_with_the_moduli_as_weights():
    rng = np.random.default_rng(3)
    first, head, last = affine(rng, 2, 8), norm(rng, 8, 1, 1), affine(rng, 1, 1)
    X, Y = data(2)
    options = {"optimizer": SGD(1e-3), "steps": 8, "engine": "compiled"}
    one = train(Network([first, ReLU(), head, ReLU(), last]), X, Y, **options)
    flat = Affine(np.abs(head.W), head.b)
    other = train(Network([first, ReLU(), flat, ReLU(), last]), X, Y, **options)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-12)
    signs = np.sign(head.W)
    np.testing.assert_allclose(one.network.layers[2].W * signs, other.network.layers[2].W)
