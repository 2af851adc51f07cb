"""Compiled Jacobians of chains of layers with respect to the input; arrays in, arrays out.

Points are in tiles (units x points) as in `geomcore.kernels`, a chain is the table of
`geomcore.layers.chains`, and its parameters are in one vector, those of MODULI as abs(W).
"""

import math

import numpy as np

from geomcore import kernels
from geomcore.kernels import FLAGS, INNER, TILE, affine, cached_njit, gather, product_transposed
from geomcore.layers.chains import KIND, LEARNED, NORM, ORDER, RELU, M, N

# Between these squares neither overflow nor underflow, in single precision either.
SMALLEST, LARGEST = 1e-9, 1e9


@cached_njit(nogil=True, fastmath=FLAGS, uses=[kernels])
def input_jacobians(parameters, chain, X, outputs, out):
    """Fill `out` (N, len(outputs) d_0) with the gradients of these outputs of a chain at X."""
    zero = X.dtype.type(0)
    rows, slopes, widest, d = chain[0, N], 0, chain[:, :KIND].max(), X.shape[1]
    for l in range(len(chain)):
        rows += chain[l, M]
        if chain[l, KIND] >= NORM:
            slopes += chain[l, M] * chain[l, N]
    x = np.full((rows, TILE), zero)
    s = np.full((slopes, TILE), zero)
    g, g_next = np.full((widest, TILE), zero), np.full((widest, TILE), zero)
    for start in range(0, len(X), TILE):
        gather(X, start, x[:d])
        _forward(parameters, chain, x, s)
        for j in range(len(outputs)):
            for i in range(chain[-1, M]):
                for p in range(TILE):
                    g[i, p] = 1 if i == outputs[j] else 0
            J = _pull_back(parameters, chain, x, s, g, g_next)
            for p in range(min(TILE, len(X) - start)):
                for k in range(d):
                    out[start + p, j * d + k] = J[k, p]


@cached_njit(nogil=True, fastmath=FLAGS, uses=[kernels], **INNER)
def _forward(parameters, chain, x, s):
    """Fill the outputs of all layers, below the input in x, and the slopes s of norms."""
    zero = x.dtype.type(0)
    at, row, slope = np.int64(0), 0, 0  # of a literal 0 `affine` would have a version of its own
    for l in range(len(chain)):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        z = x[row + n : row + n + m]
        if kind < NORM:
            affine(parameters, at, x[row : row + n], z)
        for i in range(m if kind >= NORM else 0):
            order = chain[l, ORDER:].view(np.float64)[0]
            b, w = at + m * n + i, parameters[at + i * n : at + (i + 1) * n]
            if kind == LEARNED:
                r = parameters[b + m]
                order = 1 + max(r, 0.0) + math.log1p(math.exp(-abs(r)))
            _norm(w, x[row : row + n], x.dtype.type(order), z[i], s[slope : slope + n])
            slope += n
            for p in range(TILE):
                z[i, p] += parameters[b]
        for i in range(m if chain[l, RELU] else 0):
            for p in range(TILE):
                z[i, p] = max(z[i, p], zero)
        at += m * (n + 2 if kind == LEARNED else n + 1)
        row += n


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _norm(w, x, order, z, s):
    """z (TILE,) = norm of w_k x_k, and s (n, TILE) its derivatives by x, at 0 by convention 0."""
    one, zero = z.dtype.type(1), z.dtype.type(0)
    total, factor = np.full(TILE, zero), np.full(TILE, zero)
    z[:] = zero
    for k in range(len(w)):
        for p in range(TILE):
            t = abs(w[k] * x[k, p])
            total[p] += t * t
            z[p] = z[p] if z[p] > t else t
    is_safe = order == 2
    for p in range(TILE):
        is_safe &= (SMALLEST < z[p] < LARGEST) | (z[p] == 0)
    if is_safe:
        for p in range(TILE):
            z[p] = math.sqrt(total[p])
            factor[p] = one / z[p] if z[p] > 0 else zero
        for k in range(len(w)):
            square = w[k] * w[k]
            for p in range(TILE):
                s[k, p] = square * factor[p] * x[k, p]
        return
    total[:] = zero
    for k in range(len(w)):
        if order == 2:
            for p in range(TILE):
                u = abs(w[k] * x[k, p]) / (z[p] if z[p] > 0 else one)
                s[k, p] = u
                total[p] += u * u
        else:
            for p in range(TILE):
                u = abs(w[k] * x[k, p]) / (z[p] if z[p] > 0 else one)
                v = math.exp((order - one) * math.log(u)) if u != 0 else zero
                s[k, p] = v
                total[p] += u * v
    for p in range(TILE):
        if order == 2:
            root = math.sqrt(total[p])
            z[p] *= root
            factor[p] = one / root if root != 0 else zero
        else:
            log = math.log(total[p]) if total[p] != 0 else zero
            z[p] *= math.exp(log / order)
            factor[p] = math.exp((one - order) / order * log)
    for k in range(len(w)):
        a = abs(w[k])
        for p in range(TILE):
            share = s[k, p] * factor[p] * a
            s[k, p] = share if x[k, p] > 0 else (-share if x[k, p] < 0 else zero)


@cached_njit(nogil=True, fastmath=FLAGS, uses=[kernels], **INNER)
def _pull_back(parameters, chain, x, s, g, g_next):
    """Turn g, the gradient with respect to the outputs, into that of the input."""
    zero = g.dtype.type(0)
    at, row, slope = len(parameters), len(x), len(s)
    for l in range(len(chain) - 1, -1, -1):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        at -= m * (n + 2 if kind == LEARNED else n + 1)
        row -= m
        for i in range(m if chain[l, RELU] else 0):
            for p in range(TILE):
                g[i, p] = g[i, p] if x[row + i, p] > 0 else zero
        if kind < NORM:
            product_transposed(parameters[at : at + m * n].reshape(m, n), g[:m], g_next[:n])
        else:
            slope -= m * n
            g_next[:n] = zero
            for i in range(m):
                for k in range(n):
                    for p in range(TILE):
                        g_next[k, p] += g[i, p] * s[slope + i * n + k, p]
        g, g_next = g_next, g
    return g
