"""Compiled passes over the layers that few small networks have: norms, and wide ones by BLAS.

Tiles are those of `training.descent.compiled.passes`, which calls these kernels by address. They
all take the same, see `training.descent.compiled.addresses`, and do one layer at one tile; those
that do not turn back use neither g nor grad.
"""

import math

import numpy as np

from geomcore.kernels import FLAGS, INNER, cached_njit
from geomcore.layers.chains import KIND, LEARNED, MODULI, NORM, ORDER, RELU, M, N

# Entries of a weight matrix from which BLAS beats loops over points; see benchmarks/ensemble.py.
WIDE = 128
# Loops over points that are known to come in such packs need no remainder.
LANES = 16


@cached_njit(nogil=True, fastmath=FLAGS, no_cpython_wrapper=True)
def wide(theta, chain, x, g, grad, l, r, here):
    """Outputs of one affine layer, from row r on."""
    n, m, (at, z, _) = chain[l, N], chain[l, M], _places(chain, l, len(x))
    floor = 0.0 if chain[l, RELU] else -np.inf
    np.dot(theta[at : at + m * n].reshape(m, n), x[r : r + n], x[z : z + m])
    for i in range(m):
        _add(x, z + i, theta[at + m * n + i], floor)


@cached_njit(nogil=True, fastmath=FLAGS, no_cpython_wrapper=True)
def wide_back(theta, chain, x, g, grad, l, r, here):
    """Add the gradients of one affine layer; fill those of its inputs if it is not the first."""
    n, m, (at, _, _) = chain[l, N], chain[l, M], _places(chain, l, len(x))
    there = len(g) // 2 - here
    products = np.empty((m, n))
    np.dot(g[here : here + m], x[r : r + n].T, products)
    for i in range(m):
        for k in range(n):
            grad[at + i * n + k] += products[i, k]
    if l > 0:
        W = theta[at : at + m * n].reshape(m, n)
        np.dot(W.T, g[here : here + m], g[there : there + n])
    for i in range(m):
        b = at + m * n + i
        for p in range(x.shape[1] // LANES * LANES):
            grad[b] += g[here + i, p]


@cached_njit(nogil=True, fastmath=FLAGS, no_cpython_wrapper=True)
def moduli(theta, chain, x, g, grad, l, r, here):
    """Replace W of layers MODULI by abs(W) if l is 0, or else put back and turn the gradients."""
    at, P = 0, len(theta)
    for k in range(len(chain)):
        n, m, kind = chain[k, N], chain[k, M], chain[k, KIND]
        if kind == MODULI:
            for i in range(at, at + m * n):
                if l == 0:
                    grad[P + i] = np.sign(theta[i])
                theta[i] *= grad[P + i]
                grad[i] *= grad[P + i]
        at += m * (n + 2 if kind == LEARNED else n + 1)


@cached_njit(nogil=True, fastmath=FLAGS, no_cpython_wrapper=True)
def norms(theta, chain, x, g, grad, l, r, here):
    """Outputs of one layer of norms, from row r on, and its slopes."""
    n, m, kind, (at, z, s) = chain[l, N], chain[l, M], chain[l, KIND], _places(chain, l, len(x))
    floor = 0.0 if chain[l, RELU] else -np.inf
    order = chain[l, ORDER:].view(np.float64)[0]
    for i in range(m):
        if kind == LEARNED:
            order = _order(theta[at + m * (n + 1) + i])
        _norm(theta, (at + i * n, n, order), x, r, z + i, s)
        _add(x, z + i, theta[at + m * n + i], floor)
        s += n + 2


@cached_njit(nogil=True, fastmath=FLAGS, no_cpython_wrapper=True)
def norms_back(theta, chain, x, g, grad, l, r, here):
    """Add the gradients of one layer of norms; fill those of its inputs."""
    n, m, kind, (at, _, s) = chain[l, N], chain[l, M], chain[l, KIND], _places(chain, l, len(x))
    there, points = len(g) // 2 - here, x.shape[1] // LANES * LANES
    for k in range(n):
        for p in range(points):
            g[there + k, p] = 0.0
    for i in range(here, here + m):
        for k in range(n):
            w, total = theta[at + k], 0.0
            for p in range(points):
                e, v = g[i, p] * x[s + k, p], x[r + k, p]
                total += e * abs(v)
                g[there + k, p] += e * abs(w) * np.sign(v)
            grad[at + k] += np.sign(w) * total
        b, by_b, by_order = at + (m - i + here) * n + i - here, 0.0, 0.0
        for p in range(points):
            by_b += g[i, p]
            by_order += g[i, p] * x[s + n + 1, p]
        grad[b] += by_b
        if kind == LEARNED:
            # The derivative of the order is a sigmoid.
            grad[b + m] += by_order * 0.5 * (1 + math.tanh(0.5 * theta[b + m]))
        at, s = at + n, s + n + 2


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _places(chain, l, end):
    """Where the parameters of a layer begin, and the rows of its outputs and of its slopes."""
    at, z, s = 0, end, end
    for k in range(len(chain)):
        n, m, kind = chain[k, N], chain[k, M], chain[k, KIND]
        s -= m
        if k < l:
            at += m * (n + 2 if kind == LEARNED else n + 1)
        else:
            z -= m
            if kind >= NORM:
                s -= m * (n + 2)
    return at, z, s


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _add(x, z, b, floor):
    """x[z] = max(x[z] + b, floor); written with < so that nan stays nan."""
    for p in range(x.shape[1] // LANES * LANES):
        v = x[z, p] + b
        x[z, p] = floor if v < floor else v


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _order(rho):
    """The order of a norm, 1 + log(1 + e^rho)."""
    return 1 + max(rho, 0.0) + math.log1p(math.exp(-abs(rho)))


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _norm(theta, terms, x, r, z, s):
    """x[z] = norm of theta[at + i] x[r + i], i < n; slopes by moduli in x[s + i], by p in the last.

    Relative to the largest modulus, so that nothing overflows or underflows in between.
    """
    (at, n, order), points = terms, x.shape[1] // LANES * LANES
    for p in range(points):
        x[z, p] = x[s + n, p] = x[s + n + 1, p] = 0.0
    for i in range(n):
        w = abs(theta[at + i])
        for p in range(points):
            t = w * abs(x[r + i, p])
            x[z, p] = x[z, p] if x[z, p] > t else t
    for i in range(n):
        w = abs(theta[at + i])
        for p in range(points):
            top = x[z, p]
            u = w * abs(x[r + i, p]) / top if top != 0 else 0.0
            v, log = u, 0.0
            if order != 2 and u != 0:
                log = math.log(u)
                v = math.exp((order - 1) * log)
            x[s + i, p] = v
            x[s + n, p] += u * v
            x[s + n + 1, p] += u * v * log
    for p in range(points):
        total = x[s + n, p]
        factor = 0.0
        if total != 0:
            log = math.log(total)
            x[z, p] *= math.exp(log / order)
            factor = math.exp((1 - order) / order * log)
            # The derivative by the order is -norm / order^2 times the entropy of the shares.
            x[s + n + 1, p] = x[z, p] * (order * x[s + n + 1, p] / total - log) / order / order
        x[s + n, p] = factor
    for i in range(n):
        for p in range(points):
            x[s + i, p] *= x[s + n, p]
