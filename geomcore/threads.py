"""Running kernels on many points, with all the cores.

The kernels release the interpreter lock, so ordinary threads do. Threads live
for one call only: nothing is left behind that a process forked later, or a
compiled parallel region around the call, could trip over.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

# Points from which a compiled kernel is worth its start, and from which each
# thread is; measured in benchmarks/kernels.py.
MANY = 2048
PER_THREAD = 32768


def core_count():
    """Number of cores this process may use; the variable NUMBA_NUM_THREADS lowers it."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limit = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdecimal() and int(limit) else cores


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
