"""Many networks of one shape, trained from random starts by the engine of ensembles."""

from itertools import pairwise

import numpy as np

from geomcore.network import ReLUNetwork
from training.descent.optimizers import Adam
from training.descent.penalties import L2
from training.descent.trainer import train_ensemble

RATE, STEPS = 0.01, 20_000  # of Adam
BIAS = 0.1


def starts(widths, numbers, *, seed=0):
    """Random networks, each from a stream of its own, so that none depends on the others.

    Weights are normal, with variance 2 over what a layer reads; biases are, with deviation 0.1.

    Parameters
    ----------
    widths : sequence of int
    numbers : sequence of int
        Which of the networks of this shape and seed.
    seed : int

    Returns
    -------
    list of ReLUNetwork
    """
    found = []
    for number in numbers:
        stream = np.random.SeedSequence(seed, spawn_key=(*widths, number))
        rng = np.random.default_rng(stream)
        parts = [
            (rng.normal(size=(m, n)) * np.sqrt(2 / n), BIAS * rng.normal(size=m))
            for n, m in pairwise(widths)
        ]
        found.append(ReLUNetwork(*zip(*parts, strict=True)))
    return found


def trained(networks, X, y, *, loss="mse", weight_decay=0.0, rate=RATE, steps=STEPS, jobs=1):
    """Train all networks by Adam on all points; see `training.descent.trainer.train_ensemble`.

    Parameters
    ----------
    networks : sequence of ReLUNetwork
        They read standardised data: of mean 0 and deviation 1 in each column.
    X : ndarray, shape (N, d)
        As it is. Without weight decay they are trained on standardised data, and the first layer
        takes mean and scale over at the end, which changes no output. With weight decay, where
        that would change the loss, it takes them over at the start.
    y : ndarray, shape (N,) or (N, k)
    loss : str
    weight_decay : float
        Half of it times the square of all parameters is added.
    rate : float
        Of Adam.
    steps : int
    jobs : int
        Threads; the numbers do not depend on it.

    Returns
    -------
    list of ReLUNetwork
        On the data as they are.
    """
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale[scale == 0] = 1
    if weight_decay:
        networks = [reading(net, mean, scale) for net in networks]
    found = train_ensemble(
        networks,
        X if weight_decay else (X - mean) / scale,
        y,
        loss=loss,
        optimizer=Adam(rate),
        steps=steps,
        record=max(steps, 1),
        penalties=[L2(weight_decay / 2)] if weight_decay else (),
        jobs=jobs,
    )
    ends = found.networks
    return ends if weight_decay else [reading(net, mean, scale) for net in ends]


def reading(net, mean, scale):
    """The network that does with X what `net` does with (X - mean) / scale."""
    W, b, *rest = net.tensors
    W = W / scale
    return net.rebuild([W, b - W @ mean, *rest])
