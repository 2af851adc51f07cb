"""Random layers, networks and data that many tests start from: the same seed, the same numbers.

Where a function takes `rng`, a seed or a `numpy.random.Generator` will do; a generator goes on
from where it is, so that one can make a network and then its data.
"""

from itertools import pairwise

import numpy as np

from geomcore import ReLUNetwork


def random_layer(m, d, rng=0):
    """Normal weights (m, d) and biases (m,)."""
    rng = np.random.default_rng(rng)
    return rng.normal(size=(m, d)), rng.normal(size=m)


def random_network(widths, rng=0, *, scaled=False, bias=1.0):
    """A ReLU network with normal weights and biases.

    If `scaled`, the weights of each layer are divided by the root of its input width, so that
    outputs stay of order 1 through many layers; `bias` is the deviation of the biases.
    """
    rng = np.random.default_rng(rng)
    weights = [rng.normal(size=(m, n)) for n, m in pairwise(widths)]
    if scaled:
        weights = [W / np.sqrt(W.shape[1]) for W in weights]
    return ReLUNetwork(weights, [bias * rng.normal(size=m) for m in widths[1:]])


def random_start(widths, rng=0):
    """A ReLU network from which training goes well: scaled weights, small biases."""
    return random_network(widths, rng, scaled=True, bias=0.3)


def random_points(n, d, rng=1):
    """Normal points (n, d)."""
    return np.random.default_rng(rng).normal(size=(n, d))


def random_data(widths, n=9, rng=1):
    """Normal points and targets for a network of these widths."""
    rng = np.random.default_rng(rng)
    return rng.normal(size=(n, widths[0])), rng.normal(size=(n, widths[-1]))


def wild_network(rng):
    """A network of random shape with layers of very different sizes, some weights zero or dead."""
    widths = rng.integers(1, 6, size=rng.integers(3, 6)).tolist()
    weights, biases = [], []
    for n, m in pairwise(widths):
        size = 10.0 ** rng.choice([0, 0, 0, -150, 150, -300, 100])
        mask = rng.random((m, n)) < rng.choice([1, 0.5, 0.2])
        weights.append(size * rng.normal(size=(m, n)) * mask)
        biases.append(size * rng.normal(size=m) * rng.choice([0, 1, -5]))
    return ReLUNetwork(weights, biases)
