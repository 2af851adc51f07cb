"""Where the chunks of a study are computed: threads here, processes, or a cluster.

An executor is any object with the interface of `concurrent.futures.Executor`.
"""

import os
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager

# To wait for a scheduler to answer.
SECONDS = 10


def as_finished(function, items, executor, *, in_flight=None):
    """Call a function of one argument on many items; yield the results as they come.

    Parameters
    ----------
    function : callable
        For executors of other processes it must be importable there.
    items : iterable
    executor : concurrent.futures.Executor
        It is not shut down.
    in_flight : int, optional
        At most so many items are submitted and not finished, so that a long
        study does not sit in the memory of a scheduler.

    Yields
    ------
    object
        In no particular order.

    Raises
    ------
    OSError
        If the executor lost its workers for good.

    Examples
    --------
    >>> with ThreadPoolExecutor(2) as pool:
    ...     sorted(as_finished(abs, [-3, 1, -2], pool))
    [1, 2, 3]
    """
    most = in_flight or max(64, 4 * (os.cpu_count() or 1))
    waiting, running = iter(items), set()
    try:
        while True:
            for item in waiting:
                running.add(executor.submit(function, item))
                if len(running) >= most:
                    break
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenExecutor as error:
        raise OSError(
            f"a worker process died and took its pool with it ({error}): the trials stored so far "
            "are intact, run again to resume"
        ) from None
    finally:
        for future in running:
            future.cancel()


@contextmanager
def threads(jobs):
    """An executor of `jobs` threads; on an error what has not begun is dropped."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def dask_cluster(address, *, timeout=None):
    """An executor on a running Dask cluster.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    timeout : float, optional
        Seconds to wait for it; default `SECONDS`.

    Yields
    ------
    concurrent.futures.Executor
        A chunk whose worker dies is computed again by another one.

    Raises
    ------
    ImportError
        If `distributed` is not installed.
    OSError
        If nothing answers at the address.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "--dask needs the package distributed: pip install 'geomcore[dask]'"
        ) from None
    try:
        seconds = SECONDS if timeout is None else timeout
        client = Client(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise OSError(f"no Dask scheduler answers at {address}: {reason}") from None
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close()
