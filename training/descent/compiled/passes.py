"""Compiled passes over tiles of points: outputs, losses and gradients of one small network.

Points lie along the rows of tiles, so that every inner loop runs over points and
vectorises; a tile has a multiple of `LANES` points, the last ones repeats of weight
zero. Rows are addressed by number rather than sliced: a slice counts references, which
costs as much as the loop it is for. Matrices of `WIDE` or more entries are multiplied by
BLAS, tile by tile, while the tile is in the cache.

The rows of a tile are x (d_0), y (d_L), the weight and the class. Below all tiles lie, for
one of them, the slopes of the norms and then the outputs of the layers, d_1 + ... + d_L
rows: what a layer reads is in the array that it writes to. Gradients there would cost 28 %.

The layers are a table, see `geomcore.layers.chains`: more arrays than one cost 3 to 9 % where
widths are small.
"""

import math

import numpy as np

from geomcore.kernels import FLAGS, INNER, cached_njit
from geomcore.layers.chains import KIND, LEARNED, MODULI, NORM, ORDER, RELU, M, N

# Entries of a weight matrix from which BLAS beats loops over points; see benchmarks/ensemble.py.
WIDE = 128
# Loops over points that are known to come in such packs need no remainder.
LANES = 16

SQUARED, SOFTMAX, SIGMOID = 0, 1, 2


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def sweep(theta, chain, x, g, loss, classes, grad, backward):
    """Return loss and number of right points; fill P entries of `grad` (2 P,) if `backward`."""
    packs, outputs, spare, has_moduli = x.shape[1] // LANES, 0, 0, False
    for l in range(len(chain)):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        outputs += m
        if kind >= NORM:
            spare += m * (n + 2)
        has_moduli |= kind == MODULI
    d, K, end = chain[0, N], chain[-1, M], len(x) - outputs - spare
    top = len(x) - K
    total = right = 0.0
    for i in range(len(theta)):
        grad[i] = 0.0
    if has_moduli:
        _moduli(theta, chain, grad, True)
    for row in range(0, end, d + K + 2):
        _forward(theta, chain, x, row, (end, end + spare), packs)
        y, w = row + d, row + d + K
        if loss == SOFTMAX:
            total += _softmax(x, top, K, y, w, g, packs)
        else:
            for i in range(K):
                total += _separate(x, top + i, y + i, w, g, i, loss, packs)
        if len(classes):
            right += _right(x, top, w, classes, packs)
        if backward:
            _backward(theta, chain, x, row, end + spare, g, grad, packs)
    if has_moduli:
        _moduli(theta, chain, grad, False)
    return total, right


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _moduli(theta, chain, grad, is_start):
    """Replace W of layers MODULI by abs(W), or else put it back and turn the gradients."""
    at, P = 0, len(theta)
    for l in range(len(chain)):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        if kind == MODULI:
            for i in range(at, at + m * n):
                if is_start:
                    grad[P + i] = np.sign(theta[i])
                theta[i] *= grad[P + i]
                grad[i] *= grad[P + i]
        at += m * (n + 2 if kind == LEARNED else n + 1)


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _forward(theta, chain, x, r, rows, packs):
    """Fill the rows of x from s, z on: slopes of norms and outputs, at the tile in r."""
    at, one, (s, z) = 0, 1, rows
    for l in range(len(chain)):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        floor = 0.0 if chain[l, RELU] else -np.inf
        if kind >= NORM:
            order = chain[l, ORDER:].view(np.float64)[0]
            _norms(theta, (at, n, m, kind, order), x, (r, z, s), floor, packs)
            s += m * (n + 2)
            at += m * (kind - NORM)
        else:
            if m * n >= WIDE:
                np.dot(theta[at : at + m * n].reshape(m, n), x[r : r + n], x[z : z + m])
            for i in range(m):
                b = theta[at + m * n + i]
                if m * n >= WIDE:
                    for p in range(packs * LANES):
                        v = x[z + i, p] + b
                        x[z + i, p] = floor if v < floor else v
                else:
                    _combine(theta, (at + i * n, one, n), x, r, x, z + i, (b, floor), packs)
        at += m * (n + 1)
        r, z = z, z + m


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _backward(theta, chain, x, row, s, g, grad, packs):
    """Add the gradients of one tile to `grad`, given that of the outputs in the first rows of g."""
    at, z, here, half = len(theta), len(x), np.int64(0), len(g) // 2
    if chain[-1, RELU]:
        _mask(x, z - chain[-1, M], g, here, chain[-1, M], packs)
    for l in range(len(chain) - 1, -1, -1):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        at, z = at - m * (n + 1), z - m
        r = z - n if l > 0 else row
        there = half - here
        if kind >= NORM:
            at, s = at - m * (kind - NORM), s - m * (n + 2)
            _norms_back(theta, (at, n, m, kind), x, (r, s), g, (here, there), grad, packs)
            if l > 0 and chain[l - 1, RELU]:
                _mask(x, r, g, there, n, packs)
            here = there
            continue
        if m * n >= WIDE:
            products = np.dot(g[here : here + m], x[r : r + n].T)
            for i in range(m):
                for k in range(n):
                    grad[at + i * n + k] += products[i, k]
            if l > 0:
                W = theta[at : at + m * n].reshape(m, n)
                np.dot(W.T, g[here : here + m], g[there : there + n])
        for i in range(m):
            b = at + m * n + i
            if m * n >= WIDE:
                for p in range(packs * LANES):
                    grad[b] += g[here + i, p]
            else:
                grad[b] += _dots(g, here + i, x, r, n, grad, at + i * n, packs)
        if l > 0:
            has_relu = chain[l - 1, RELU]
            for k in range(n):
                if m * n < WIDE:
                    _combine(theta, (at + k, n, m), g, here, g, there + k, (0.0, -np.inf), packs)
                if has_relu:
                    for p in range(packs * LANES):
                        g[there + k, p] = g[there + k, p] if x[r + k, p] > 0 else 0.0
            here = there


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _mask(x, r, g, there, n, packs):
    """Set g[there + k] to 0 where x[r + k], k < n, is not positive."""
    for k in range(n):
        for p in range(packs * LANES):
            g[there + k, p] = g[there + k, p] if x[r + k, p] > 0 else 0.0


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _order(rho):
    """The order of a norm, 1 + log(1 + e^rho)."""
    return 1 + max(rho, 0.0) + math.log1p(math.exp(-abs(rho)))


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _norms(theta, layer, x, rows, floor, packs):
    """Outputs of one layer of norms in the rows z of x, its slopes in the rows s."""
    (at, n, m, kind, order), (r, z, s) = layer, rows
    for i in range(m):
        if kind == LEARNED:
            order = _order(theta[at + m * (n + 1) + i])
        _norm(theta, (at + i * n, n, order), x, r, z + i, s, packs)
        b = theta[at + m * n + i]
        for p in range(packs * LANES):
            v = x[z + i, p] + b
            x[z + i, p] = floor if v < floor else v
        s += n + 2


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _norm(theta, terms, x, r, z, s, packs):
    """x[z] = norm of theta[at + i] x[r + i], i < n; slopes by moduli in x[s + i], by p in the last.

    Relative to the largest modulus, so that nothing overflows or underflows in between.
    """
    at, n, order = terms
    for p in range(packs * LANES):
        x[z, p] = x[s + n, p] = x[s + n + 1, p] = 0.0
    for i in range(n):
        w = abs(theta[at + i])
        for p in range(packs * LANES):
            t = w * abs(x[r + i, p])
            x[z, p] = x[z, p] if x[z, p] > t else t
    for i in range(n):
        w = abs(theta[at + i])
        for p in range(packs * LANES):
            top = x[z, p]
            u = w * abs(x[r + i, p]) / top if top != 0 else 0.0
            v, log = u, 0.0
            if order != 2 and u != 0:
                log = math.log(u)
                v = math.exp((order - 1) * log)
            x[s + i, p] = v
            x[s + n, p] += u * v
            x[s + n + 1, p] += u * v * log
    for p in range(packs * LANES):
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
        for p in range(packs * LANES):
            x[s + i, p] *= x[s + n, p]


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _norms_back(theta, layer, x, rows, g, places, grad, packs):
    """Add the gradients of one layer of norms; fill those of its inputs."""
    (at, n, m, kind), (r, s), (here, there) = layer, rows, places
    for k in range(n):
        for p in range(packs * LANES):
            g[there + k, p] = 0.0
    for i in range(here, here + m):
        for k in range(n):
            w, total = theta[at + k], 0.0
            for p in range(packs * LANES):
                e, v = g[i, p] * x[s + k, p], x[r + k, p]
                total += e * abs(v)
                g[there + k, p] += e * abs(w) * np.sign(v)
            grad[at + k] += np.sign(w) * total
        b, by_b, by_order = at + (m - i + here) * n + i - here, 0.0, 0.0
        for p in range(packs * LANES):
            by_b += g[i, p]
            by_order += g[i, p] * x[s + n + 1, p]
        grad[b] += by_b
        if kind == LEARNED:
            # The derivative of the order is a sigmoid.
            grad[b + m] += by_order * 0.5 * (1 + math.tanh(0.5 * theta[b + m]))
        at, s = at + n, s + n + 2


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _combine(c, terms, x, r, out, o, bounds, packs):
    """out[o] = max(base + sum over k < n of c[at + k stride] x[r + k], floor)."""
    (at, stride, n), (base, floor) = terms, bounds
    # The first 1 to 4 rows, then 4 at a time; written with < so that nan stays nan.
    k = (n - 1) % 4 + 1
    low = floor if k == n else -np.inf
    c0 = c[at]
    c1 = c[at + stride] if k > 1 else 0.0
    c2 = c[at + 2 * stride] if k > 2 else 0.0
    if k == 1:
        for p in range(packs * LANES):
            v = base + c0 * x[r, p]
            out[o, p] = low if v < low else v
    elif k == 2:
        for p in range(packs * LANES):
            v = base + c0 * x[r, p] + c1 * x[r + 1, p]
            out[o, p] = low if v < low else v
    elif k == 3:
        for p in range(packs * LANES):
            v = base + c0 * x[r, p] + c1 * x[r + 1, p] + c2 * x[r + 2, p]
            out[o, p] = low if v < low else v
    else:
        c3 = c[at + 3 * stride]
        for p in range(packs * LANES):
            v = base + c0 * x[r, p] + c1 * x[r + 1, p] + c2 * x[r + 2, p] + c3 * x[r + 3, p]
            out[o, p] = low if v < low else v
    while k < n:
        low = floor if k + 4 == n else -np.inf
        q, at_k = r + k, at + k * stride
        c0, c1, c2, c3 = c[at_k], c[at_k + stride], c[at_k + 2 * stride], c[at_k + 3 * stride]
        for p in range(packs * LANES):
            v = out[o, p] + c0 * x[q, p] + c1 * x[q + 1, p] + c2 * x[q + 2, p] + c3 * x[q + 3, p]
            out[o, p] = low if v < low else v
        k += 4


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _dots(g, i, x, r, n, s, at, packs):
    """Add the dot products of g[i] with x[r + k], k < n, to s[at + k]; return the sum of g[i]."""
    k, b = 0, 0.0
    while n - k > 3:
        q = r + k
        s0 = s1 = s2 = s3 = 0.0
        for p in range(packs * LANES):
            e = g[i, p]
            s0 += e * x[q, p]
            s1 += e * x[q + 1, p]
            s2 += e * x[q + 2, p]
            s3 += e * x[q + 3, p]
        for j, v in enumerate((s0, s1, s2, s3)):
            s[at + k + j] += v
        k += 4
    q = r + k
    s0 = s1 = s2 = 0.0
    if n - k == 3:
        for p in range(packs * LANES):
            e = g[i, p]
            b += e
            s0 += e * x[q, p]
            s1 += e * x[q + 1, p]
            s2 += e * x[q + 2, p]
    elif n - k == 2:
        for p in range(packs * LANES):
            e = g[i, p]
            b += e
            s0 += e * x[q, p]
            s1 += e * x[q + 1, p]
    elif n - k == 1:
        for p in range(packs * LANES):
            e = g[i, p]
            b += e
            s0 += e * x[q, p]
    else:
        for p in range(packs * LANES):
            b += g[i, p]
    for j, v in enumerate((s0, s1, s2)):
        if j < n - k:
            s[at + k + j] += v
    return b


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _separate(x, r, y, w, g, i, loss, packs):
    """Squared error, or that of logits, of outputs x[r] against x[y]; gradient in g[i]."""
    total = 0.0
    if loss == SQUARED:
        for p in range(packs * LANES):
            error = x[r, p] - x[y, p]
            weighted = x[w, p] * error
            total += weighted * error
            g[i, p] = 2 * weighted
    else:
        for p in range(packs * LANES):
            f = x[r, p]
            e = math.exp(-abs(f))
            total += x[w, p] * (max(f, 0.0) - f * x[y, p] + math.log1p(e))
            g[i, p] = x[w, p] * ((1.0 if f >= 0 else e) / (1 + e) - x[y, p])
    return total


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _softmax(x, r, K, y, w, g, packs):
    """Cross-entropy of output rows x[r : r + K] against x[y : y + K]; gradient in g[:K]."""
    loss = 0.0
    for p in range(packs * LANES):
        top = x[r, p]
        for i in range(1, K):
            top = max(top, x[r + i, p])
        total, fit = 0.0, 0.0
        for i in range(K):
            shifted = x[r + i, p] - top
            fit += x[y + i, p] * shifted
            g[i, p] = math.exp(shifted)
            total += g[i, p]
        for i in range(K):
            g[i, p] = x[w, p] * (g[i, p] / total - x[y + i, p])
        loss += x[w, p] * (math.log(total) - fit)
    return loss


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _right(x, r, w, classes, packs):
    """Number of points of positive weight whose class, in x[w + 1], fits the output best."""
    count, K = 0, classes.shape[1] - 1
    for p in range(packs * LANES):
        best, found = -np.inf, 0
        for j in range(len(classes)):
            score = -classes[j, K]
            for i in range(K):
                score += classes[j, i] * x[r + i, p]
            if score > best:
                best, found = score, j
        count += x[w, p] > 0 and found == x[w + 1, p]
    return count
