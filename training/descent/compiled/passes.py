"""Compiled passes over tiles of points: outputs, losses and gradients of one small network.

Points lie along the rows of tiles, so that every inner loop runs over points and
vectorises; a tile has a multiple of `LANES` points, the last ones repeats of weight
zero. Rows are addressed by number rather than sliced: a slice counts references, which
costs as much as the loop it is for. Matrices of `WIDE` or more entries are multiplied by
BLAS, tile by tile, while the tile is in the cache, see `training.descent.compiled.layers`.

The rows of a tile are x (d_0), y (d_L), the weight and the class. Below all tiles lie, for
one of them, the slopes of the norms and then the outputs of the layers, d_1 + ... + d_L
rows: what a layer reads is in the array that it writes to. Gradients there would cost 28 %.

The layers are a table, see `geomcore.layers.chains`: more arrays than one cost 3 to 9 % where
widths are small.
"""

import math

import numpy as np

from geomcore.kernels import FLAGS, INNER, cached_njit
from geomcore.layers.chains import KIND, NORM, RELU, M, N
from geomcore.layers.chains import MODULI as ABSOLUTE
from training.descent.compiled import addresses
from training.descent.compiled.addresses import call_layer
from training.descent.compiled.layers import LANES, WIDE

SQUARED, SOFTMAX, SIGMOID = 0, 1, 2

# What is called by address, see `training.descent.compiled.parts`.
PARTS = (
    "gradient",
    "wide",
    "wide_back",
    "norms",
    "norms_back",
    "moduli",
    "penalize",
    "project",
)
GRADIENT, WIDE_PASS, WIDE_BACK, NORMS, NORMS_BACK, MODULI, PENALIZE, PROJECT = range(len(PARTS))


@cached_njit(nogil=True, fastmath=FLAGS, uses=[addresses], **INNER)
def sweep(theta, chain, x, g, what, classes, grad, parts):
    """Return loss and number of right points; fill P entries of `grad` (2 P,) if asked for.

    `what` is the loss, and whether gradients are asked for; `parts` are the addresses of `PARTS`.
    """
    (loss, backward), packs = what, x.shape[1] // LANES
    outputs, spare, has_moduli = 0, 0, False
    for l in range(len(chain)):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        outputs += m
        if kind >= NORM:
            spare += m * (n + 2)
        has_moduli |= kind == ABSOLUTE
    d, K, end = chain[0, N], chain[-1, M], len(x) - outputs - spare
    top = len(x) - K
    total = right = 0.0
    for i in range(len(theta)):
        grad[i] = 0.0
    if has_moduli:
        call_layer(parts[MODULI], theta, chain, x, g, grad, 0, 0, 0)
    for row in range(0, end, d + K + 2):
        _forward(theta, chain, x, row, end + spare, packs, parts)
        y, w = row + d, row + d + K
        if loss == SOFTMAX:
            total += _softmax(x, top, K, y, w, g, packs)
        else:
            for i in range(K):
                total += _separate(x, top + i, y + i, w, g, i, loss, packs)
        if len(classes):
            right += _right(x, top, w, classes, packs)
        if backward:
            _backward(theta, chain, x, row, g, grad, packs, parts)
    if has_moduli:
        call_layer(parts[MODULI], theta, chain, x, g, grad, 1, 0, 0)
    return total, right


@cached_njit(nogil=True, fastmath=FLAGS, uses=[addresses], **INNER)
def _forward(theta, chain, x, r, z, packs, parts):
    """Fill the rows of x from z on, and those of slopes: the outputs of layers at the tile in r."""
    at = np.int64(0)
    one = at + 1
    for l in range(len(chain)):
        n, m, kind = chain[l, N], chain[l, M], chain[l, KIND]
        if kind >= NORM:
            call_layer(parts[NORMS], theta, chain, x, x, theta, l, r, 0)
            at += m * (kind - NORM)
        elif m * n >= WIDE:
            call_layer(parts[WIDE_PASS], theta, chain, x, x, theta, l, r, 0)
        else:
            floor = 0.0 if chain[l, RELU] else -np.inf
            for i in range(m):
                b = theta[at + m * n + i]
                _combine(theta, (at + i * n, one, n), x, r, x, z + i, (b, floor), packs)
        at += m * (n + 1)
        r, z = z, z + m


@cached_njit(nogil=True, fastmath=FLAGS, uses=[addresses], **INNER)
def _backward(theta, chain, x, row, g, grad, packs, parts):
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
            call_layer(parts[NORMS_BACK], theta, chain, x, g, grad, l, r, here)
            at -= m * (kind - NORM)
        elif m * n >= WIDE:
            call_layer(parts[WIDE_BACK], theta, chain, x, g, grad, l, r, here)
        else:
            for i in range(m):
                b = at + m * n + i
                grad[b] += _dots(g, here + i, x, r, n, grad, at + i * n, packs)
            for k in range(n if l > 0 else 0):
                _combine(theta, (at + k, n, m), g, here, g, there + k, (0.0, -np.inf), packs)
        if l > 0 and chain[l - 1, RELU]:
            _mask(x, r, g, there, n, packs)
        here = there


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _mask(x, r, g, there, n, packs):
    """Set g[there + k] to 0 where x[r + k], k < n, is not positive."""
    for k in range(n):
        for p in range(packs * LANES):
            g[there + k, p] = g[there + k, p] if x[r + k, p] > 0 else 0.0


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
        s[at + k] += s0
        s[at + k + 1] += s1
        s[at + k + 2] += s2
        s[at + k + 3] += s3
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
    if n - k > 0:
        s[at + k] += s0
    if n - k > 1:
        s[at + k + 1] += s1
    if n - k > 2:
        s[at + k + 2] += s2
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
