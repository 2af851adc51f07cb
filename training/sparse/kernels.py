"""Compiled loops over units and points, each in place of several passes of NumPy over memory.

All arrays of a call have one dtype, float32 or float64, and are C-contiguous, as are all numbers;
a not-a-number is no zero for the ReLU here, so that it is not lost. Matrix products are left to
BLAS.
"""

import numpy as np

from geomcore.kernels import FLAGS, OUTER, cached_njit


@cached_njit(nogil=True, fastmath=FLAGS, **OUTER)
def rectify(first, bias, z):
    """Add `bias` (m,) to the columns of `first` (m, n), and fill z with the ReLU of that."""
    for i in range(first.shape[0]):
        for j in range(first.shape[1]):
            value = first[i, j] + bias[i]
            first[i, j] = value
            z[i, j] = value if not value <= 0 else 0


@cached_njit(nogil=True, fastmath=FLAGS, **OUTER)
def settle(before, first, taken, numbers, mu, z):
    """One step of the loop on vectors: mu = (1 - gamma) before + gamma first - taken, z its ReLU.

    `numbers` holds 1 - gamma and gamma.
    """
    keep, gamma = numbers[0], numbers[1]
    for i in range(len(mu)):
        value = keep * before[i] + gamma * first[i] - taken[i]
        mu[i] = value
        z[i] = value if not value <= 0 else 0


@cached_njit(nogil=True, fastmath=FLAGS, **OUTER)
def charge(pulled, z, costs):
    """Add `costs` (m,) to the columns of `pulled` (m, n) where z is not 0; 0 elsewhere."""
    for i in range(pulled.shape[0]):
        for j in range(pulled.shape[1]):
            value = pulled[i, j] + costs[i]
            pulled[i, j] = value if z[i, j] != 0 else 0


@cached_njit(nogil=True, fastmath=FLAGS, **OUTER)
def pull(after, taken, z, numbers, before, total):
    """Back through one step on vectors: before = (1 - gamma) after, less `taken` where z is on.

    `total` grows by `after`.
    """
    keep = numbers[0]
    for i in range(len(after)):
        value = after[i]
        total[i] += value
        before[i] = keep * value - (taken[i] if z[i] != 0 else 0)


@cached_njit(nogil=True, fastmath=FLAGS, **OUTER)
def adam(vector, gradient, mean, square, numbers):
    """One step of Adam; `numbers` holds beta1, beta2, eps, and the corrected rate and scale."""
    a, b, eps, rate, scale = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    one = np.ones_like(numbers[:1])[0]
    for i in range(len(vector)):
        g = gradient[i]
        m = a * mean[i] + (one - a) * g
        v = b * square[i] + (one - b) * g * g
        mean[i] = m
        square[i] = v
        vector[i] -= rate * m / (np.sqrt(v * scale) + eps)
