"""Where the chunks of a study are computed: threads here, processes, or a cluster.

An executor is any object with the interface of `concurrent.futures.Executor`.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import wait as wait_for

from geomcore.arrays import as_count
from geomcore.foreign.wording import quoted

# To wait for a scheduler to answer.
SECONDS = 4
# Between two looks whether a cluster that sends nothing is there at all.
LOOK = 1.0


def as_finished(function, items, executor, *, in_flight=None):
    """Call a function of one argument on many items; yield the results as they come.

    Parameters
    ----------
    function : callable
        For executors of other processes it must be importable there.
    items : iterable
    executor : concurrent.futures.Executor
        It is not shut down. If it has a method `is_lost`, that is asked while
        nothing comes.
    in_flight : int, optional
        At most so many items are submitted and not finished, so that a long
        study does not sit in the memory of a scheduler.

    Yields
    ------
    object
        In no particular order.

    Raises
    ------
    ValueError
        If it is no executor.
    ConnectionError
        (An OSError.) If the executor lost its workers for good, or was closed.

    Examples
    --------
    >>> with ThreadPoolExecutor(2) as pool:
    ...     sorted(as_finished(abs, [-3, 1, -2], pool))
    [1, 2, 3]
    """
    if isinstance(executor, type) or not hasattr(executor, "submit"):
        raise ValueError(
            "executor must be a concurrent.futures.Executor, or another object that has its "
            f"submit, got {quoted(executor)}"
        )
    usual = max(64, 4 * (os.cpu_count() or 1))
    most = usual if in_flight is None else as_count(in_flight, "in_flight")
    waiting, running = iter(items), set()
    is_lost = getattr(executor, "is_lost", lambda: False)
    try:
        while True:
            for item in waiting:
                running.add(_submitted(executor, function, item))
                if len(running) >= most:
                    break
            if not running:
                return
            done, running = wait(running, LOOK, return_when=FIRST_COMPLETED)
            # A pool that is shut down says nothing of the calls that it drops.
            if not done and (is_lost() or any(future.cancelled() for future in running)):
                raise CancelledError("nothing more will come")
            # What came is given before what failed is told.
            for future in sorted(done, key=lambda f: f.cancelled() or f.exception() is not None):
                yield future.result()
    except Exception as error:
        if not _is_loss(error):
            raise
        what = "a worker process died and took its pool with it"
        if not isinstance(error, BrokenExecutor):
            what = "the workers are gone, their cluster or pool was closed"
        reason = " ".join(str(error).split())[:60] or type(error).__name__
        raise ConnectionError(
            f"{what} ({reason}): the trials stored so far are intact, run again to resume"
        ) from None
    finally:
        for future in running:
            future.cancel()


def _submitted(executor, function, item):
    """The future of one call; CancelledError if the executor takes none any more."""
    try:
        return executor.submit(function, item)
    except BrokenExecutor:
        raise
    except RuntimeError as error:
        # What executors raise after their shutdown.
        raise CancelledError(str(error)) from None


def _is_loss(error):
    """Whether an error tells of lost workers, and is not of the function that they call."""
    if isinstance(error, BrokenExecutor | CancelledError):
        return True
    # Of a future that is lost Dask itself stumbles over what it has instead of a result.
    origin = error.__traceback__
    while origin is not None and origin.tb_next is not None:
        origin = origin.tb_next
    raised_in = origin.tb_frame.f_globals.get("__name__", "") if origin is not None else ""
    return "distributed" in (type(error).__module__.split(".")[0], raised_in.split(".")[0])


@contextmanager
def threads(jobs):
    """An executor of `jobs` threads; on an error what has not begun is dropped."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def processes(jobs, *, compiling=None):
    """An executor of `jobs` new processes; on an error what they are at is dropped.

    Functions and what they take go there as pickles. A process ends with this one, however this one
    ends, and leaves it to this one to be interrupted.

    Parameters
    ----------
    jobs : int
    compiling : callable, optional
        Called once, from a thread, when one of them has been compiling for two seconds.
    """
    context = multiprocessing.get_context("spawn")  # others inherit locks that threads hold
    others = set(multiprocessing.active_children())
    event = None if compiling is None else context.Event()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_serve, initargs=(event,))
    try:
        with nullcontext() if event is None else _told(event, compiling):
            yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _told(event, tell):
    """Call a function once if an event comes while inside, and not after."""
    is_over = threading.Event()

    def watch():
        while not is_over.is_set():
            if event.wait(LOOK):
                if not is_over.is_set():
                    tell()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()


def _serve(event):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if event is not None:
        from geomcore.kernels import tell_of_compiling  # numba takes a quarter of a second

        tell_of_compiling(event.set)


def _end_with_parent():
    wait_for([multiprocessing.parent_process().sentinel])
    os._exit(1)


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
        If no scheduler answers at the address in this time, or it is no address.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "--dask needs the package distributed: pip install 'geomcore[dask]'"
        ) from None
    seconds = SECONDS if timeout is None else timeout
    # A client that cannot connect waits, and complains when it is thrown away.
    with threads(1) as pool:
        reason = pool.submit(asyncio.run, _silence(address, seconds)).result()
    if reason:
        raise OSError(f"no Dask scheduler answers at {address!r}: {reason}")
    client = Client(address, timeout=seconds, set_as_default=False)
    # What it says when the scheduler goes is said by us, as an error.
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL)
    executor = client.get_executor(pure=False)
    # Not every call that was lost with its cluster comes to an end.
    executor.is_lost = lambda: client.status == "closed"
    try:
        yield executor
    finally:
        client.close()
        log.setLevel(level)


async def _silence(address, seconds):
    """Why nothing that speaks as a scheduler answers at an address, in a line; "" if one does."""
    from distributed import Security
    from distributed.comm import connect

    try:
        about = Security().get_connection_args("client")
        # Its own time does not count the greeting, which another kind of server never returns.
        comm = await asyncio.wait_for(connect(address, timeout=seconds, **about), seconds + 0.5)
        await comm.close()
    except TimeoutError:
        return f"nothing in {seconds:g} s"
    except Exception as error:  # of all kinds: TypeError without certificates, MemoryError, ...
        return " ".join(str(error).split()) or type(error).__name__
    return ""
