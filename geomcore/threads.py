"""Which work takes all the cores, and which does not: kernels on many points do.

The kernels release the interpreter lock, so ordinary threads do. Threads live
for one call only: nothing is left behind that a process forked later, or a
compiled parallel region around the call, could trip over.
"""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from itertools import pairwise

import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_limits

# Points from which a compiled kernel is worth its start, and from which each
# thread is; measured in benchmarks/kernels.py.
# Loading the kernels takes a quarter of a second: they are imported where they are called.
MANY = 2048
PER_THREAD = 32768
# Entries of a matrix up to which a loop beats BLAS on tiles of points.
SMALL = 256
# Entries from which BLAS may split the factorisation of a matrix over threads.
LARGE = 4096

_lock = threading.Lock()
_most = None
_inside = 0
_limits = None


def core_count():
    """Number of cores this process may use.

    The variable NUMBA_NUM_THREADS and `limited_threads` lower it.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limit = os.environ.get("NUMBA_NUM_THREADS", "")
    cores = min(cores, int(limit)) if limit.isdecimal() and int(limit) else cores
    return cores if _most is None else min(cores, _most)


@contextmanager
def limited_threads(jobs):
    """At most `jobs` threads in compiled kernels and matrix products, in this process."""
    global _most
    before, _most = _most, jobs
    try:
        # two threads that share a core wait for each other at every step
        with threadpool_limits(core_count()):
            yield
    finally:
        _most = before


def in_parts(function, n, *, threads=True):
    """Call ``function(slice)`` for slices that cover range(n), one per core if that pays.

    With ``threads=False`` it is one call, for work that BLAS spreads over the
    cores by itself.
    """
    parts = min(core_count(), n // PER_THREAD) if threads else 1
    if parts <= 1:
        function(slice(0, n))
        return
    bounds = [n * i // parts for i in range(parts + 1)]
    rows = [slice(start, stop) for start, stop in pairwise(bounds)]
    with ThreadPoolExecutor(parts - 1) as pool:
        others = [pool.submit(function, part) for part in rows[1:]]
        function(rows[0])
        for other in others:
            other.result()


def for_kernels(X):
    """Return `X`, copied only if it is read-only: numba would compile anew for that."""
    return np.require(X, requirements=("C", "A", "W"))


@contextmanager
def single_threaded_blas():
    """Let matrix products use one thread each, in this process.

    For small matrices, and for chunks of work that run side by side; and a
    product that is split over threads may differ in the last bit from one that
    is not. The limit belongs to the process: the first thread that comes in
    sets it. It is lifted when that thread leaves, since threadpoolctl lets no
    other one do so, or else when the last one leaves.
    """
    global _inside, _limits
    with _lock:
        first = _inside == 0
        if first:
            _limits = _blas("scipy.linalg" in sys.modules).limit(limits=1)
        limits = _limits
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if first or _inside == 0:
                limits.restore_original_limits()


def factorizing(A):
    """A context to factorise the matrix `A` in, on one thread.

    QR, SVD and solves gain little from a second thread, which they wait for at
    every step: where other programs use the cores, they take up to nine times
    as long with it (benchmarks/RESULTS.md).
    """
    return single_threaded_blas() if A.size >= LARGE else nullcontext()


@cache
def _blas(with_scipy):
    """The BLAS libraries that are loaded; SciPy brings one of its own."""
    return ThreadpoolController().select(user_api="blas")
