"""Ensembles to train by both engines, and what it means that these agree."""

import numpy as np
from builders import random_start

from training.descent.optimizers import SGD, Adam
from training.descent.trainer import train_ensemble

OPTIMIZERS = {
    "plain": SGD(0.05),
    "momentum": SGD(0.02, momentum=0.9),
    "adam": Adam(0.01),
    "clipped": SGD(0.05, momentum=0.5, clip=0.3),
    "clipped adam": Adam(0.01, clip=0.05),
}


def random_networks(widths, trials, seed=0):
    rng = np.random.default_rng(seed)
    return [random_start(widths, rng) for _ in range(trials)]


def random_data(widths, n, seed=1):
    """Points, and targets that are distributions and repeat, so that classes have several."""
    rng = np.random.default_rng(seed)
    targets = rng.dirichlet(np.ones(widths[-1]), 3) if widths[-1] > 1 else np.array([[0.0], [1.0]])
    return rng.standard_normal((n, widths[0])), targets[np.arange(n) % len(targets)]


def both(networks, X, Y, **options):
    return [
        train_ensemble(networks, X, Y, engine=engine, **options) for engine in ("numpy", "compiled")
    ]


def assert_agree(expected, found, rtol=1e-9):
    assert found.engine == "compiled"
    assert found.stop_reasons == expected.stop_reasons
    np.testing.assert_array_equal(found.steps, expected.steps)
    np.testing.assert_array_equal(found.recorded, expected.recorded)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=rtol, atol=1e-14)
    np.testing.assert_allclose(found.final_losses, expected.final_losses, rtol=rtol, atol=1e-14)
    for net, other in zip(found.networks, expected.networks, strict=True):
        assert type(net) is type(other)
        for p, q in zip(net.weights + net.biases, other.weights + other.biases, strict=True):
            np.testing.assert_allclose(p, q, rtol=rtol, atol=1e-12)


def assert_same_bits(found, expected):
    np.testing.assert_array_equal(found.losses, expected.losses)
    np.testing.assert_array_equal(found.final_losses, expected.final_losses)
    np.testing.assert_array_equal(found.steps, expected.steps)
    assert found.stop_reasons == expected.stop_reasons
    assert found.networks == expected.networks
