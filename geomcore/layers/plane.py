"""Input gradients in the plane of networks with one layer that is not a single number, compiled.

Of the hidden units nothing is kept but sums over them, so that a tile stays in the cache: less
than half of the time of `geomcore.kernels.input_gradients`.
"""

import numpy as np

from geomcore.kernels import FLAGS, INNER, TILE, cached_njit


def is_for(widths):
    """Whether these are the widths that `input_gradients` takes.

    Examples
    --------
    >>> [is_for(np.array(w)) for w in ((2, 9, 3), (2, 9, 1, 1), (2, 9, 2, 1), (3, 9, 1), (2, 1))]
    [True, True, False, False, False]
    """
    return bool(widths[0] == 2 and len(widths) > 2 and (len(widths) == 3 or widths[2:].max() == 1))


@cached_njit(nogil=True, fastmath=FLAGS)
def input_gradients(parameters, widths, X, output, out):
    """Fill `out` (N, 2) with the gradients of one output of a packed network at X (N, 2).

    Of widths (2, m, 1, ..., 1) or (2, m, k), with a ReLU after each layer but the last.
    """
    zero = X.dtype.type(0)
    units = _units(parameters, widths, output, zero)
    x, sums = np.full((2, TILE), zero), np.full((3, TILE), zero)
    for start in range(0, len(X), TILE):
        here = min(TILE, len(X) - start)
        for p in range(here):
            x[0, p], x[1, p] = X[start + p, 0], X[start + p, 1]
        for k in range(3):
            for p in range(TILE):
                sums[k, p] = zero
        for i in range(0, len(units), 4):
            _add_four(units, i, x, sums)
        _pass_on(parameters, 4 * widths[1], len(widths) - 3, sums)
        for p in range(here):
            out[start + p, 0], out[start + p, 1] = sums[1, p], sums[2, p]


@cached_njit(nogil=True, **INNER)
def _units(parameters, widths, output, zero):
    """Rows of two weights, bias, weight in the head and gradient of a unit; zeros up to fours.

    Without flags: products from the output on, in that order, so that none overflows on the way.
    """
    m, L = widths[1], len(widths) - 1
    at = 3 * m + (output * m if L == 2 else 0)
    slope = zero + 1
    for l in range(1, L - 1):
        slope = slope * parameters[len(parameters) - 2 * l]
    units = np.full((-(-m // 4) * 4, 6), zero)
    for i in range(m):
        units[i, 0], units[i, 1] = parameters[2 * i], parameters[2 * i + 1]
        units[i, 2], units[i, 3] = parameters[2 * m + i], parameters[at + i]
        g = slope * parameters[at + i]
        units[i, 4], units[i, 5] = g * units[i, 0], g * units[i, 1]
    return units


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _add_four(u, i, x, sums):
    """Add the parts of four units, rows i to i + 3, in the head and in its gradient to `sums`."""
    zero, j, k, l = x.dtype.type(0), i + 1, i + 2, i + 3
    a0, b0, c0, v0, g0, h0 = u[i, 0], u[i, 1], u[i, 2], u[i, 3], u[i, 4], u[i, 5]
    a1, b1, c1, v1, g1, h1 = u[j, 0], u[j, 1], u[j, 2], u[j, 3], u[j, 4], u[j, 5]
    a2, b2, c2, v2, g2, h2 = u[k, 0], u[k, 1], u[k, 2], u[k, 3], u[k, 4], u[k, 5]
    a3, b3, c3, v3, g3, h3 = u[l, 0], u[l, 1], u[l, 2], u[l, 3], u[l, 4], u[l, 5]
    for p in range(TILE):
        z0 = a0 * x[0, p] + b0 * x[1, p] + c0
        z1 = a1 * x[0, p] + b1 * x[1, p] + c1
        z2 = a2 * x[0, p] + b2 * x[1, p] + c2
        z3 = a3 * x[0, p] + b3 * x[1, p] + c3
        s0 = v0 * max(z0, zero) + v1 * max(z1, zero)
        s2 = v2 * max(z2, zero) + v3 * max(z3, zero)
        sums[0, p] += s0 + s2
        s0 = (g0 if z0 > 0 else zero) + (g1 if z1 > 0 else zero)
        s2 = (g2 if z2 > 0 else zero) + (g3 if z3 > 0 else zero)
        sums[1, p] += s0 + s2
        s0 = (h0 if z0 > 0 else zero) + (h1 if z1 > 0 else zero)
        s2 = (h2 if z2 > 0 else zero) + (h3 if z3 > 0 else zero)
        sums[2, p] += s0 + s2


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _pass_on(parameters, at, layers, sums):
    """Take the head through layers of one number each, with its ReLU before each of them."""
    zero = sums.dtype.type(0)
    for l in range(layers):
        b, w = parameters[at + 2 * l], parameters[at + 2 * l + 1]
        for p in range(TILE):
            z = sums[0, p] + b
            sums[0, p] = w * max(z, zero)
            sums[1, p] = sums[1, p] if z > 0 else zero
            sums[2, p] = sums[2, p] if z > 0 else zero
