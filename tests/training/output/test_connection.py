"""One writer, any number of readers, and what is said about files that are none."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from geomcore.network import ReLUNetwork
from training.output.connection import claim, is_claimed, release
from training.study.result import load_study
from training.study.store import Store
from training.study.study import PerturbationStudy

NET, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
SMALL = {"scales": [0.1, 1.0], "trials": 6, "steps": 5, "seed": 0}


def study_of(path, **changes):
    return PerturbationStudy(path, NET, X, X, **{**SMALL, **changes})


@pytest.fixture(autouse=True)
def _a_chunk_is_one_trial(monkeypatch):
    monkeypatch.setattr("training.descent.trainer.WORKING_SET", 1)


def elsewhere(program, path):
    """What a program in another process prints about a study."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


# By hand


def test_a_running_study_is_read_and_a_second_writer_is_refused_by_another_process(tmp_path):
    path, seen = tmp_path / "s", {}
    program = """if True:
        import sys
        from training.study.result import load_study
        from training.study.store import Store
        print(len(load_study(sys.argv[1]).frame()))
        try:
            Store.open(sys.argv[1], None)
        except OSError as error:
            print(error)
    """

    def progress(done, total):
        if done == 5:
            seen["there"] = elsewhere(program, path)
            seen["claimed"] = is_claimed(path)

    result = study_of(path).run(progress=progress)
    count, refusal = seen["there"].splitlines()
    assert count == "5"
    assert "in use by another process" in refusal
    assert seen["claimed"] and not is_claimed(path)
    assert load_study(path).frame().equals(result.frame())


def test_a_reader_sees_one_moment_while_the_writer_goes_on(tmp_path):
    path, kept = tmp_path / "s", []

    def progress(done, total):
        if done == 3:
            kept.append(Store.open(path, None, writing=False))

    study_of(path).run(progress=progress)
    with kept[0] as store:
        assert len(store.done()) == 3
    assert len(load_study(path).frame()) == 12


def test_a_reader_at_the_end_does_not_keep_trials_out_of_the_file(tmp_path):
    path, kept = tmp_path / "s", []

    def progress(done, total):
        if done == total:
            kept.append(Store.open(path, None, writing=False))

    whole = study_of(path).run(progress=progress).frame()
    shutil.copy(path, tmp_path / "alone")
    kept[0].close()
    assert load_study(tmp_path / "alone").frame().equals(whole)
    assert load_study(path).frame().equals(whole)


def test_reading_leaves_nothing_behind_and_changes_nothing(tmp_path):
    path = tmp_path / "s"
    study_of(path).run()
    before = path.read_bytes(), path.stat().st_mtime_ns
    load_study(path)
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_change_during_the_reading_of_a_finished_study_is_told(tmp_path):
    path = tmp_path / "s"
    study_of(path).run()
    store = Store.open(path, None, writing=False)
    study_of(path).run()
    with pytest.raises(OSError, match="was changed while it was read"):
        store.close()


def test_a_study_whose_writer_was_killed_is_read_where_nothing_can_be_written():
    program = """if True:
        import os, signal, sys
        sys.path.insert(0, sys.argv[2])
        import training.descent.trainer
        from test_connection import study_of
        training.descent.trainer.WORKING_SET = 1
        def stop(done, total):
            if done == 4:
                os.kill(os.getpid(), signal.SIGKILL)
        study_of(sys.argv[1]).run(progress=stop)
    """
    look = """if True:
        import os, resource, sys
        from training.study.result import load_study
        if os.geteuid() == 0:
            os.setuid(65534)
        # As on a full disk: no file can grow.
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        print(len(load_study(sys.argv[1]).columns["trial"]))
    """
    # Not in a folder of pytest, into which nobody else may look.
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "s"
        arguments = [sys.executable, "-c", program, str(path), str(Path(__file__).parent)]
        assert subprocess.run(arguments).returncode == -9
        stored = len(load_study(path).frame())
        assert stored >= 1
        names = {p.name for p in folder.iterdir()}
        assert "s-wal" in names
        folder.chmod(0o555)
        assert elsewhere(look, path) == str(stored)
        folder.chmod(0o755)
        assert {p.name for p in folder.iterdir()} == names
        assert study_of(path).run().frame().equals(study_of(None).run().frame())
        assert [p.name for p in folder.iterdir()] == ["s"]


def test_the_right_to_write_goes_to_one_of_many_that_want_it(tmp_path, monkeypatch):
    monkeypatch.setattr("training.output.connection.PATIENCE", 5)
    path, inside, most = tmp_path / "s", [], []

    def want():
        for _ in range(20):
            held = claim(path)
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            release(path, held)

    workers = [threading.Thread(target=want) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == [1] * 60
    assert not list(tmp_path.iterdir())


# Bad input


def test_a_file_beside_that_is_not_ours_stays(tmp_path):
    lock = tmp_path / "s-lock"
    lock.write_text("my notes" * 100)
    with pytest.raises((OSError, ValueError)):
        study_of(tmp_path / "s").run()
    assert lock.read_text() == "my notes" * 100


def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="path must be a file"):
            load_study(path)
        with pytest.raises(ValueError, match="path must be a file"):
            study_of(path).run()


@pytest.mark.parametrize("end", ["-lock", "-wal", "-shm", "-journal"])
def test_a_pipe_beside_the_file_is_not_waited_for(tmp_path, end):
    path = tmp_path / "s"
    study_of(path).run()
    os.mkfifo(f"{path}{end}")
    for read in (load_study, lambda path: study_of(path).run()):
        with pytest.raises(ValueError, match=f"s{end} beside it is no file"):
            read(path)
    assert not is_claimed(path)


def test_a_truncated_file_is_told_from_one_that_is_in_use(tmp_path):
    path = tmp_path / "s"
    study_of(path, trials=200).run()
    data = path.read_bytes()
    for size in (1, 50, 100, 4096, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        for read in (load_study, lambda path: study_of(path, trials=200).run()):
            with pytest.raises(ValueError, match="something else or damaged"):
                read(path)
        assert path.read_bytes() == data[:size]
    with pytest.raises(ValueError, match=f"truncated, {len(data) - 1} of {len(data)} bytes"):
        load_study(path)
