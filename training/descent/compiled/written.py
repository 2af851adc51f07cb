"""The gradient at one mini-batch, compiled from a program written out for one shape of network.

A loop over 32 points is short: what every loop costs before its first and after its last point
is more than the arithmetic. Here all layers are in one loop over points. It has a line for each
product, parameters and the sums of the gradient are numbers, and the units of a point are, too:
the compiler keeps what it can in registers and works at several points at once. Nothing is
written inside the loop, so that there is nothing it must compare for overlap.

The program of a network that is y = W x + b, with x and y in the plane, has for each point

    h1_0 = t4 + t0 * h0_0 + t1 * h0_1           outputs of unit 0 of layer 1, and of unit 1
    h1_1 = t5 + t2 * h0_0 + t3 * h0_1
    e = h1_0 - y0; d1_0 = 2.0 * w * e           derivatives of the loss in the outputs
    e = h1_1 - y1; d1_1 = 2.0 * w * e
    s4 += d1_0; s0 += d1_0 * h0_0; ...          the gradient

and this is all that `program` writes. Losses with exponentials, which the compiler takes point by
point, have a loop for the outputs, one for the loss and one for the gradient.
"""

import math
import threading
from functools import cache
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numba import cfunc, config

from geomcore.kernels import FLAGS
from geomcore.layers.chains import AFFINE, KIND, RELU, M, N
from training.descent.compiled.addresses import GRADIENT
from training.descent.compiled.passes import LANES, SOFTMAX, SQUARED

# Most parameters, most points in a batch (a multiple of LANES) and fewest steps for which a pass
# is written out; it takes 25 ms for each parameter to compile it. See benchmarks/ensemble.py.
PARAMETERS, POINTS, STEPS = 130, 128, 1000
# Numbers between two rows of points: with a power of two all would be in the same lines of the
# cache.
STRIDE = POINTS + 8
LINE = 8  # numbers in a line of the cache

_lock = threading.Lock()


class Layer(NamedTuple):
    """An affine layer of a network: its number, its shape, and where its parameters begin."""

    l: int
    n: int
    m: int
    has_relu: bool
    at: int


def layers_to_write(chain, size, steps):
    """The layers for which a pass is written out for batches of so many points, or None.

    The number of trials has no say: each has the same numbers alone and beside others.

    Parameters
    ----------
    chain : ndarray
        See `geomcore.layers.chains`.
    size : int
        0 for full batch.
    steps : int
    """
    if not 0 < size <= POINTS or steps < STEPS or (chain[:, KIND] != AFFINE).any():
        return None
    layers, at = [], 0
    for l, (n, m, relu) in enumerate(chain[:, [N, M, RELU]].tolist(), start=1):
        layers.append(Layer(l, n, m, bool(relu), at))
        at += m * (n + 1)
    return tuple(layers) if at <= PARAMETERS else None


def desk(layers, points):
    """The array that a pass works in: parameters (P,), gradient (P,), the batch, and all points.

    The batch has rows of inputs, targets, weights and outputs. The points (N, rows) come one after
    the other.
    """
    first = _first_point(layers)
    zeros = np.zeros(LINE + first + points.size)
    # Rows take longer to read where they begin within a line of the cache.
    desk = zeros[-zeros.ctypes.data // zeros.itemsize % LINE :][: first + points.size]
    desk[first:] = points.ravel()
    return desk


def batch_gradient(layers, loss):
    """Return the compiled pass for networks of such layers, callable from other kernels."""
    with _lock:
        return _compiled(layers, loss)


@cache
def _compiled(layers, loss):
    text = program(layers, loss)
    space = {"__name__": __name__, "exp": math.exp}
    # With the name of this file the compiled function is kept where those of this file are, under
    # a name of its own.
    exec(compile(text, __file__, "exec"), space)
    function = space["gradient"]
    function.__qualname__ = f"gradient_{sha256(text.encode()).hexdigest()[:16]}"
    return _compiled_function(function)


def _compiled_function(function):
    if config.DISABLE_JIT:
        return function
    try:
        return cfunc(GRADIENT, cache=True, nopython=True, fastmath=FLAGS)(function)
    except RuntimeError as error:
        # `geomcore.kernels.cached_njit` has warned.
        if "no locator available" not in str(error):
            raise
        return cfunc(GRADIENT, nopython=True, fastmath=FLAGS)(function)


def program(layers, loss):
    """The text of the pass."""
    P, K, last = _count(layers), layers[-1].m, layers[-1]
    outputs = [f"h{last.l}_{i}" for i in range(K)]
    slopes = [f"d{last.l}_{i}" for i in range(K)]
    forward, backward = _inputs(layers) + _outputs(layers), _sums(layers)
    if loss == SQUARED:
        loops = [[*forward, *_squared(layers, outputs, slopes), *backward]]
    else:
        places = [_at(layers, "f", i) for i in range(K)]
        kept = [f"{place} = {h}" for place, h in zip(places, outputs, strict=True)]
        given = [f"{d} = {place}" for place, d in zip(places, slopes, strict=True)]
        turned = _softmax(layers, places) if loss == SOFTMAX else _sigmoid(layers, places)
        loops = [forward + kept, turned, forward + given + backward]
    lines = [f"t{i} = desk[{i}]" for i in range(P)] + _filling(layers)
    lines += [f"s{i} = 0.0" for i in range(P)]
    for loop in loops:
        lines += [f"for p in range({LANES} * packs):", *(f"    {line}" for line in loop)]
    lines += [f"desk[{P + i}] = s{i}" for i in range(P)]
    head = "def gradient(desk, order, start, count, scale):"
    return "\n    ".join([head, *lines, ""])


def _count(layers):
    """Number of parameters."""
    last = layers[-1]
    return last.at + last.m * (last.n + 1)


def _at(layers, kind, i=0):
    """Place on the desk: input i, target i, weight or output i of point p."""
    d, K = layers[0].n, layers[-1].m
    row = {"x": 0, "y": d, "w": d + K, "f": d + K + 1}[kind] + i
    return f"desk[{_first_row(layers) + row * STRIDE} + p]"


def _first_row(layers):
    """Where on the desk the batch begins: at a line."""
    return -(-2 * _count(layers) // LINE) * LINE


def _first_point(layers):
    """Where on the desk the points begin."""
    return _first_row(layers) + STRIDE * (layers[0].n + 2 * layers[-1].m + 1)


def _filling(layers):
    """Copy the points of the batch; after the last point it is repeated, with weight zero."""
    d, K = layers[0].n, layers[-1].m
    places = [_at(layers, "x", k) for k in range(d)] + [_at(layers, "y", i) for i in range(K)]
    return [
        # With min, or a quotient, which may fail, references would be counted at each call.
        f"packs = (count + {LANES - 1}) >> {LANES.bit_length() - 1}",
        f"for p in range({LANES} * packs):",
        "    o = order[start + (p if p < count else count - 1)]",
        # Inputs, targets, weight and class of each point.
        f"    o = {_first_point(layers)} + {d + K + 2} * o",
        *(f"    {place} = desk[o + {r}]" for r, place in enumerate(places)),
        f"    {_at(layers, 'w')} = scale * desk[o + {d + K}] if p < count else 0.0",
    ]


def _inputs(layers):
    return [f"h0_{k} = {_at(layers, 'x', k)}" for k in range(layers[0].n)]


def _outputs(layers):
    """The units of all layers; written with < so that nan stays nan."""
    lines = []
    for l, n, m, has_relu, at in layers:
        for i in range(m):
            terms = [f"t{at + m * n + i}"]
            terms += [f"t{at + i * n + k} * h{l - 1}_{k}" for k in range(n)]
            lines.append(f"z = {' + '.join(terms)}")
            lines.append(f"h{l}_{i} = {'0.0 if z < 0.0 else z' if has_relu else 'z'}")
    return lines


def _squared(layers, outputs, slopes):
    return [f"w2 = 2.0 * {_at(layers, 'w')}"] + [
        f"{d} = w2 * ({h} - {_at(layers, 'y', i)})"
        for i, (h, d) in enumerate(zip(outputs, slopes, strict=True))
    ]


def _softmax(layers, f):
    K, w = len(f), _at(layers, "w")
    return [
        f"top = {f[0]}",
        *(f"top = max(top, {f[i]})" for i in range(1, K)),
        *(f"e{i} = exp({f[i]} - top)" for i in range(K)),
        f"total = {' + '.join(f'e{i}' for i in range(K))}",
        *(f"{f[i]} = {w} * (e{i} / total - {_at(layers, 'y', i)})" for i in range(K)),
    ]


def _sigmoid(layers, f):
    lines = []
    for i, place in enumerate(f):
        share = "(1.0 if f >= 0.0 else e) / (1.0 + e)"
        lines += [f"f = {place}", "e = exp(-abs(f))"]
        lines += [f"{place} = {_at(layers, 'w')} * ({share} - {_at(layers, 'y', i)})"]
    return lines


def _sums(layers):
    """The gradient in the parameters, from that in the outputs."""
    lines = []
    for l, n, m, has_relu, at in reversed(layers):
        for i in range(m):
            if has_relu:
                lines.append(f"d{l}_{i} = d{l}_{i} if h{l}_{i} > 0.0 else 0.0")
            lines.append(f"s{at + m * n + i} += d{l}_{i}")
            lines += [f"s{at + i * n + k} += d{l}_{i} * h{l - 1}_{k}" for k in range(n)]
        for k in range(n if l > 1 else 0):
            terms = " + ".join(f"t{at + i * n + k} * d{l}_{i}" for i in range(m))
            lines.append(f"d{l - 1}_{k} = {terms}")
    return lines
