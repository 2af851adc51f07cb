"""Compiled kernels: arrays in, arrays out, no checks.

They are what the public functions call on many points, and are public
themselves: call them from your own ``@njit`` functions. All are serial and
release the interpreter lock, so that they may be run from several threads, or
inside a ``prange`` of yours.

Conventions. Points are rows. All float arrays of a call have one dtype,
float64 or float32, and are C-contiguous. A network is *packed*
(`geomcore.ReLUNetwork.packed`): one vector of parameters, layer by layer W
row-major and then b, and the int64 vector of widths (d_0, ..., d_L); so one
compiled version serves all depths. Inside, points are handled in tiles (units
x points): small products are loops along the points, which vectorise, large
ones go to BLAS.
"""

import threading
import warnings
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from inspect import getsource

import numpy as np
from numba import njit
from numba.core import event

from geomcore.names import listing
from geomcore.threads import SMALL

__all__ = [
    "activation_pattern",
    "cumulative_parameters",
    "forward",
    "input_gradients",
    "pseudoinverse_cone",
    "truncation_map",
]

# Points per tile; measured in benchmarks/kernels.py.
TILE = 128

# Sums may be reordered and multiply-adds fused; nan, inf and signed zeros keep their meaning.
FLAGS = {"reassoc", "contract"}
# Of what only kernels call: nothing is compiled by which Python could call it.
INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# Of what Python calls, and kernels by name: nothing by which they could be handed it to call.
OUTER = {"no_cfunc_wrapper": True}


def cached_njit(*, uses=(), **options):
    """Numba's ``njit(cache=True, ...)``; where no cache can be kept, without, after one warning.

    Numba keeps its cache in NUMBA_CACHE_DIR, or beside the file, or in the user's own folder. A
    read-only installation without a home has none of them, and ``njit`` then raises.

    What is kept is for one text of the kernel's own file. A kernel that calls kernels of other
    files names these modules in `uses`, and what is kept is for one text of all of them.
    """

    def compiled(function):
        try:
            kernel = njit(cache=True, **options)(function)
            return kernel if _is_kept_for(kernel, uses) else njit(**options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            _warn_that_nothing_is_kept()
            return njit(**options)(function)

    return compiled


def _is_kept_for(kernel, modules):
    """Make what is kept of a kernel depend on the text of other modules; False if it cannot be."""
    if not modules or not hasattr(kernel, "py_func"):
        return True
    # Not public: numba compares the stamp in its index with this one before it loads anything.
    kept = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if not hasattr(kept, "_source_stamp"):
        return False
    texts = [sha256(getsource(module).encode()).hexdigest() for module in modules]
    kept._source_stamp = (kept._source_stamp, *texts)
    return True


@cache
def _warn_that_nothing_is_kept():
    warnings.warn(
        "compiled functions cannot be kept here, since neither the folder of geomcore nor a home "
        "can be written: they are compiled again in every process, which takes up to a minute; "
        "set NUMBA_CACHE_DIR to a folder that can be written",
        stacklevel=4,
    )


@contextmanager
def told_of_compiling(tell, seconds=2.0):
    """Call `tell` once if inside, in whatever thread, something is compiled for so many seconds."""
    with event.install_listener("numba:compile", _Compilations(tell, seconds)):
        yield


def tell_of_compiling(tell, seconds=2.0):
    """The same for all of a process from now on."""
    event.register("numba:compile", _Compilations(tell, seconds))


class _Compilations(event.Listener):
    """Starts a timer with the first of nested compilations and stops it with the last one."""

    def __init__(self, tell, seconds):
        self._tell, self._seconds = tell, seconds
        self._depth, self._told, self._timer = 0, False, None

    def on_start(self, event):
        self._depth += 1
        if self._depth == 1 and not self._told:
            self._timer = threading.Timer(self._seconds, self._say)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, event):
        self._depth -= 1
        if self._depth == 0 and self._timer is not None:
            self._timer.cancel()

    def _say(self):
        self._told = True
        self._tell()


@cached_njit(nogil=True, fastmath=FLAGS)
def cumulative_parameters(parameters, widths):
    """Return the cumulative parameters of a packed network, packed.

    Layer by layer W^(l) (d_l, d_0) row-major and then b^(l) (d_l,).
    """
    d = widths[0]
    packed = np.empty(widths[1:].sum() * (d + 1), parameters.dtype)
    m = widths[1]
    at, to = m * (d + 1), m * (d + 1)
    packed[:to] = parameters[:to]
    for l in range(2, len(widths)):
        n, m = widths[l - 1], widths[l]
        before = to - n * (d + 1)
        W = parameters[at : at + m * n].reshape(m, n)
        W_before = packed[before : before + n * d].reshape(n, d)
        b_before = packed[before + n * d : to].copy()
        packed[to : to + m * d] = np.dot(W, W_before).reshape(m * d)
        at += m * n
        to += m * d
        packed[to : to + m] = np.dot(W, b_before) + parameters[at : at + m]
        at += m
        to += m
    return packed


@cached_njit(nogil=True, fastmath=FLAGS)
def pseudoinverse_cone(W, b, rtol):
    """Return base -W^+ b (d,) and edges W^+ e_i (m, d), one per row, of a layer (m, d), (m,).

    Singular values of W below `rtol` times the largest count as zero.
    """
    W_plus = np.linalg.pinv(W, rtol)
    return -np.dot(W_plus, b), W_plus.T.copy()


@cached_njit(nogil=True, fastmath=FLAGS)
def truncation_map(W, b, W_plus, X, out):
    """Fill `out` (N, d) with W^+ max(W x, -b), for W (m, d), b (m,), W_plus (d, m), X (N, d)."""
    N, d = X.shape
    m = len(b)
    if m == d == 3:
        _truncation_in_space(W, b, W_plus, X.reshape(N * d), out.reshape(N * d))
        return
    x = np.zeros((d, TILE), X.dtype)
    h = np.empty((m, TILE), X.dtype)
    for start in range(0, N, TILE):
        gather(X, start, x)
        _product(W, x, h)
        for i in range(m):
            h_i, floor = h[i], -b[i]
            for p in range(TILE):
                h_i[p] = max(h_i[p], floor)
        _product(W_plus, h, x)
        _scatter(x, start, out)


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _truncation_in_space(W, b, V, X, out):
    """The truncation map for m = d = 3, X and `out` flat: written out it runs as fast as a copy."""
    b0, b1, b2 = -b[0], -b[1], -b[2]
    W00, W01, W02, V00, V01, V02 = W[0, 0], W[0, 1], W[0, 2], V[0, 0], V[0, 1], V[0, 2]
    W10, W11, W12, V10, V11, V12 = W[1, 0], W[1, 1], W[1, 2], V[1, 0], V[1, 1], V[1, 2]
    W20, W21, W22, V20, V21, V22 = W[2, 0], W[2, 1], W[2, 2], V[2, 0], V[2, 1], V[2, 2]
    for p in range(len(X) // 3):
        x, y, z = X[3 * p], X[3 * p + 1], X[3 * p + 2]
        h0 = max(W00 * x + W01 * y + W02 * z, b0)
        h1 = max(W10 * x + W11 * y + W12 * z, b1)
        h2 = max(W20 * x + W21 * y + W22 * z, b2)
        out[3 * p] = V00 * h0 + V01 * h1 + V02 * h2
        out[3 * p + 1] = V10 * h0 + V11 * h1 + V12 * h2
        out[3 * p + 2] = V20 * h0 + V21 * h1 + V22 * h2


@cached_njit(nogil=True, fastmath=FLAGS)
def forward(parameters, widths, X, out):
    """Fill `out` (N, d_L) with the outputs of a packed network at X (N, d_0)."""
    m, n = widths[-1], widths[-2]
    tiles = _tiles(widths, X.dtype.type(0))
    z = np.empty((m, TILE), X.dtype)
    last = len(parameters) - m * n - m
    for start in range(0, len(X), TILE):
        gather(X, start, tiles[: widths[0]])
        _hidden(parameters, widths, tiles)
        affine(parameters, last, tiles[len(tiles) - n :], z)
        _scatter(z, start, out)


@cached_njit(nogil=True, fastmath=FLAGS)
def activation_pattern(parameters, widths, X, out):
    """Fill the bool array `out` (N, d_1 + ... + d_{L-1}): pre-activation > 0."""
    tiles = _tiles(widths, X.dtype.type(0))
    hidden = tiles[widths[0] :]
    for start in range(0, len(X), TILE):
        gather(X, start, tiles[: widths[0]])
        _hidden(parameters, widths, tiles)
        for p in range(min(TILE, len(X) - start)):
            for i in range(len(hidden)):
                out[start + p, i] = hidden[i, p] > 0


@cached_njit(nogil=True, fastmath=FLAGS)
def input_gradients(parameters, widths, X, output, out):
    """Fill `out` (N, d_0) with the gradients of one output of a packed network at X (N, d_0)."""
    tiles = _tiles(widths, X.dtype.type(0))
    g = np.empty((widths[:-1].max(), TILE), X.dtype)
    g_next = np.empty_like(g)
    n = widths[-2]
    last = len(parameters) - widths[-1] * (n + 1)
    for start in range(0, len(X), TILE):
        gather(X, start, tiles[: widths[0]])
        _hidden(parameters, widths, tiles)
        for k in range(n):
            g[k] = parameters[last + output * n + k]
        _scatter(_pull_back(parameters, widths, tiles, g, g_next)[: widths[0]], start, out)


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _tiles(widths, zero):
    """Return zeros for one tile of the inputs and of every hidden layer, one below the other."""
    return np.full((widths[:-1].sum(), TILE), zero)


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def gather(X, start, x):
    """Copy rows of X from `start` on into the columns of the tile x; the rest is left alone."""
    for p in range(min(TILE, len(X) - start)):
        for k in range(len(x)):
            x[k, p] = X[start + p, k]


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _scatter(x, start, out):
    """Copy the columns of the tile x into rows of `out` from `start` on."""
    for p in range(min(TILE, len(out) - start)):
        for k in range(len(x)):
            out[start + p, k] = x[k, p]


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _product(W, x, z):
    """z (m, TILE) = W (m, n) x (n, TILE)."""
    m, n = W.shape
    if m * n > SMALL:
        np.dot(W, x, z)
        return
    for i in range(m):
        z_i, x_k, w = z[i], x[0], W[i, 0]
        for p in range(TILE):
            z_i[p] = w * x_k[p]
        for k in range(1, n):
            x_k, w = x[k], W[i, k]
            for p in range(TILE):
                z_i[p] += w * x_k[p]


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def product_transposed(W, g, t):
    """t (n, TILE) = W (m, n) transposed times g (m, TILE)."""
    m, n = W.shape
    if m * n > SMALL:
        np.dot(W.T, g, t)
        return
    for k in range(n):
        t_k, g_i, w = t[k], g[0], W[0, k]
        for p in range(TILE):
            t_k[p] = w * g_i[p]
        for i in range(1, m):
            g_i, w = g[i], W[i, k]
            for p in range(TILE):
                t_k[p] += w * g_i[p]


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def affine(parameters, at, x, z):
    """z (m, TILE) = W x + b for the layer whose parameters begin at `at`, and x (n, TILE)."""
    m, n = len(z), len(x)
    _product(parameters[at : at + m * n].reshape(m, n), x, z)
    for i in range(m):
        z_i, b_i = z[i], parameters[at + m * n + i]
        for p in range(TILE):
            z_i[p] += b_i


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _hidden(parameters, widths, tiles):
    """Fill the tiles of the hidden layers, below that of the input."""
    zero = tiles.dtype.type(0)
    at, row = np.int64(0), 0  # of a literal 0 `affine` would have a version of its own
    for l in range(1, len(widths) - 1):
        n, m = widths[l - 1], widths[l]
        z = tiles[row + n : row + n + m]
        affine(parameters, at, tiles[row : row + n], z)
        for i in range(m):
            z_i = z[i]
            for p in range(TILE):
                z_i[p] = max(z_i[p], zero)
        at += m * (n + 1)
        row += n


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _pull_back(parameters, widths, tiles, g, g_next):
    """Turn g, the gradient with respect to the last hidden layer, into that of the input."""
    zero = g.dtype.type(0)
    at = len(parameters) - widths[-1] * (widths[-2] + 1)
    row = len(tiles)
    for l in range(len(widths) - 2, 0, -1):
        m, n = widths[l], widths[l - 1]
        at -= m * (n + 1)
        row -= m
        for i in range(m):
            g_i, z_i = g[i], tiles[row + i]
            for p in range(TILE):
                g_i[p] = g_i[p] if z_i[p] > 0 else zero
        product_transposed(parameters[at : at + m * n].reshape(m, n), g[:m], g_next[:n])
        g, g_next = g_next, g
    return g


def __dir__():
    return listing(globals())
