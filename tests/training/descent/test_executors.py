"""Executors: the same numbers wherever the chunks are computed, none lost, none twice."""

import gc
import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from numba.core import event

from geomcore.network import ReLUNetwork
from training.descent.executors import as_finished, dask_cluster, processes, threads
from training.study.study import PerturbationStudy

X = np.array([[0.0, 0.1], [0.2, 0.0], [1.0, 0.9], [0.8, 1.0], [1.1, 1.0]])
Y_LABELS = np.array(["low", "low", "up", "up", "up"])
NET = ReLUNetwork(
    [[[1.0, 1.0], [-1.0, -1.0]], [[-1.0, 1.0], [1.0, -1.0]]], [[-1.0, 1.0], [0.5, 0.5]]
)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr("training.descent.trainer.WORKING_SET", 1500)


def small_study(path, **changes):
    arguments = {"scales": [0.1, 0.5, 2.0], "trials": 20, "steps": 30, "seed": 3, "batch_size": 2}
    return PerturbationStudy(path, NET, X, Y_LABELS, **{**arguments, **changes})


def rows(path):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT * FROM trial").fetchall()
    connection.close()
    return found


class Dying(Executor):
    """Computes at once; after a few chunks its workers are gone."""

    def __init__(self, after):
        self.left = after

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(BrokenProcessPool("terminated abruptly"))
        else:
            future.set_result(function(*args, **kwargs))
        return future


# By hand


def test_every_item_is_handed_out_once_and_comes_back_once():
    with ThreadPoolExecutor(3) as pool:
        found = sorted(as_finished(lambda i: i * i, range(50), pool, in_flight=4))
    assert found == [i * i for i in range(50)]


def test_no_more_than_in_flight_are_waiting():
    lock, now, most = threading.Lock(), [0], [0]

    class Counting(ThreadPoolExecutor):
        def submit(self, *arguments):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            future = super().submit(*arguments)
            future.add_done_callback(lambda _: leave())
            return future

    def leave():
        with lock:
            now[0] -= 1

    with Counting(2) as pool:
        assert len(list(as_finished(abs, range(40), pool, in_flight=5))) == 40
    assert most[0] <= 5


# Against the naive oracle


@pytest.mark.parametrize("jobs", [2, 5])
def test_threads_give_the_rows_of_one_thread(tmp_path, jobs):
    small_study(tmp_path / "one").run()
    small_study(tmp_path / "many").run(jobs=jobs)
    assert rows(tmp_path / "many") == rows(tmp_path / "one")


def test_chunks_are_short_and_one_for_each_of_the_jobs(tmp_path, monkeypatch):
    monkeypatch.setattr("training.descent.trainer.WORKING_SET", 10**9)
    told = {"one": [], "jobs": [], "short": []}
    for name, jobs in (("one", 1), ("jobs", 7), ("short", 1)):
        if name == "short":  # 5 points, 2 inputs and 6 activations: 40 numbers in each of 30 steps
            monkeypatch.setattr("training.study.trials.LONGEST", 13 * 40 * 30)
        work = small_study(tmp_path / name)
        work.run(jobs=jobs, progress=lambda done, total, name=name: told[name].append(done))
        assert rows_in_order(tmp_path / name) == rows_in_order(tmp_path / "one")
    assert told["one"] == [0, 60]
    assert np.ptp(np.diff(told["jobs"])) <= 6 and len(told["jobs"]) == 8
    assert told["short"] == [0, 13, 26, 39, 52, 60]


def rows_in_order(path):
    return sorted(rows(path), key=lambda row: row[:4])


def test_a_process_pool_gives_the_rows_of_one_thread(tmp_path):
    small_study(tmp_path / "one").run()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        small_study(tmp_path / "pool").run(pool, in_flight=3)
    assert rows(tmp_path / "pool") == rows(tmp_path / "one")


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_rows_of_one_thread(tmp_path):
    distributed = pytest.importorskip("distributed")
    arguments = {"trials": 300, "steps": 150}
    small_study(tmp_path / "one", **arguments).run()
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid

        def kill_one(done, total):
            if done > total // 10 and not killed:
                killed.append(done)
                os.kill(victim, 9)

        with dask_cluster(cluster.scheduler_address) as pool:
            small_study(tmp_path / "cluster", **arguments).run(pool, progress=kill_one)
    assert 0 < killed[0] < 900
    assert rows(tmp_path / "cluster") == rows(tmp_path / "one")


@pytest.mark.slow
def test_a_cluster_that_closes_in_mid_run_is_an_error_and_the_study_goes_on(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    arguments = {"trials": 300, "steps": 150}
    small_study(tmp_path / "one", **arguments).run()
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
    )
    closing = threading.Thread(target=cluster.close, daemon=True)

    def close(done, total):
        if done > total // 10 and not closing.ident:
            closing.start()

    with (
        pytest.raises(OSError, match=r"the workers are gone, .* run again to resume"),
        dask_cluster(cluster.scheduler_address) as pool,
    ):
        small_study(tmp_path / "cluster", **arguments).run(pool, in_flight=4, progress=close)
    closing.join(30)
    kept = rows(tmp_path / "cluster")
    assert 0 < len(kept) < 900
    small_study(tmp_path / "cluster", **arguments).run()
    assert rows(tmp_path / "cluster") == rows(tmp_path / "one")
    assert set(kept) <= set(rows(tmp_path / "one"))


# Laws


def raised(module):
    """A ValueError that code of a module has raised."""
    try:
        exec("a, b, c = 1, 2", {"__name__": module})
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        CancelledError(),
        CancelledError("a reason of\n many lines " * 100),
        type("KilledWorker", (Exception,), {"__module__": "distributed.scheduler"})("x"),
        raised("distributed.cfexecutor"),
    ],
)
def test_lost_workers_are_one_short_sentence(error):
    class Losing(Executor):
        def submit(self, function, /, *args, **kwargs):
            future = Future()
            future.set_exception(error)
            return future

    with pytest.raises(ConnectionError, match="the workers are gone") as found:
        list(as_finished(abs, [1], Losing()))
    assert len(str(found.value)) < 250 and str(found.value).isprintable()


def test_an_executor_that_was_shut_down_or_never_answers_is_lost(monkeypatch):
    monkeypatch.setattr("training.descent.executors.LOOK", 0.01)
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(ConnectionError, match="cannot schedule new futures"):
        list(as_finished(abs, [1], pool))

    busy = ThreadPoolExecutor(1)
    with pytest.raises(ConnectionError, match="nothing more will come"):
        for _ in as_finished(time.sleep, [0, 0.2, 0, 0, 0], busy):
            busy.shutdown(wait=False, cancel_futures=True)

    class Silent(Executor):
        looks = 0

        def submit(self, function, /, *args, **kwargs):
            return Future()

        def is_lost(self):
            self.looks += 1
            return self.looks > 3

    with pytest.raises(ConnectionError, match="nothing more will come"):
        list(as_finished(abs, [1, 2], Silent()))


def test_a_pool_that_breaks_leaves_its_chunks_and_the_study_goes_on_from_there(tmp_path):
    small_study(tmp_path / "one").run()
    with pytest.raises(OSError, match=r"a worker process died .* resume"):
        small_study(tmp_path / "broken").run(Dying(3), in_flight=1)
    kept = rows(tmp_path / "broken")
    assert 0 < len(kept) < 60
    small_study(tmp_path / "broken").run()
    assert rows(tmp_path / "broken") == rows(tmp_path / "one")
    assert [row for row in rows(tmp_path / "broken") if row in kept] == kept


def test_an_error_drops_what_has_not_begun():
    begun = []

    def fail(i):
        begun.append(i)
        time.sleep(0.01)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"), threads(1) as pool:
        list(as_finished(fail, range(200), pool))
    assert len(begun) < 200


# Bad input


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nonsense", "", "foo://x", "tcp://127.0.0.1:x", "tls://x:9"]
)
def test_no_scheduler_at_the_address_is_one_sentence(address, monkeypatch):
    pytest.importorskip("distributed")
    unheard = []
    monkeypatch.setattr(sys, "unraisablehook", unheard.append)
    begun = time.monotonic()
    with (
        pytest.raises(OSError, match=rf"^no Dask scheduler answers at '{address}': [^\n]+$"),
        dask_cluster(address, timeout=0.5),
    ):
        pass
    gc.collect()
    assert not unheard
    assert time.monotonic() - begun < 5


def test_what_answers_and_is_no_scheduler_is_not_waited_for():
    pytest.importorskip("distributed")
    # It takes the connection and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        begun = time.monotonic()
        with (
            pytest.raises(OSError, match=r"nothing in 0\.5 s"),
            dask_cluster(f"tcp://{host}:{port}", timeout=0.5),
        ):
            pass
    assert time.monotonic() - begun < 5


def test_without_distributed_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ImportError, match=r"pip install 'geomcore\[dask\]'"),
        dask_cluster("tcp://127.0.0.1:9"),
    ):
        pass


# Processes


def test_new_processes_give_what_this_one_gives():
    with processes(2) as pool:
        assert sorted(as_finished(abs, [-3, 1, -2], pool)) == [1, 2, 3]


def _compiling(seconds):
    """What numba says when it compiles for so long."""
    with event.trigger_event("numba:compile"):
        time.sleep(seconds)
    return 0


@pytest.mark.slow
def test_that_processes_compile_is_told_once_and_not_where_nobody_asked():
    told = []
    with processes(2, compiling=lambda: told.append(1)) as pool:
        assert list(pool.map(_compiling, [3.0, 3.0])) == [0, 0]
        until = time.monotonic() + 20
        while not told and time.monotonic() < until:
            time.sleep(0.05)
    assert told == [1]
    with processes(1, compiling=lambda: told.append(2)) as pool:
        assert list(pool.map(_compiling, [0.0])) == [0]
    assert told == [1]


def test_an_interrupt_does_not_wait_for_what_processes_are_at():
    with pytest.raises(KeyboardInterrupt), processes(1) as pool:
        pool.submit(os.getpid).result()
        pool.submit(time.sleep, 600)
        began = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - began < 60


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(
        "import os, signal\n"
        "from training.descent.executors import processes\n"
        "if __name__ == '__main__':\n"
        "    with processes(1) as pool:\n"
        "        print(pool.submit(os.getpid).result(), flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # It ends when all that write to its output have ended, the process too.
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL and ended.stdout.strip().isdecimal()
