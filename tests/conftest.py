"""Property tests draw the same examples everywhere, and a busy machine fails none of them."""

import os

from hypothesis import settings
from threadpoolctl import threadpool_limits

# The workers of pytest-xdist share the cores already; on a busy machine, threads of BLAS that wait
# for one another made a test of 2 seconds take 18. The variable is for libraries that are loaded
# later and for other processes, the limit for NumPy, which pytest has imported by now.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threadpool_limits(1, "blas")

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")
