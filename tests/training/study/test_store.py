"""The file of a study: whole chunks, one writer, and no way to spoil it."""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.study.store import APPLICATION, COLUMNS, SCHEMA, Store

CONFIGURATION = {"trials": 3, "scales": [0.1, 1.0], "seed": 5}
REFERENCE = {
    "name": "network",
    "loss": 0.0,
    "tolerance": 0.1,
    "learning_rate": None,
    "norm_per_scale": 2.0,
    "certified_radius": None,
    "constant_loss": None,
    "relaxation": None,
}


def chunk(keys, loss=0.5, **more):
    n = len(keys)
    return {
        "reference": [r for r, _, _ in keys],
        "scale": [i for _, i, _ in keys],
        "trial": [j for _, _, j in keys],
        "initial_loss": np.full(n, loss),
        "final_loss": np.full(n, loss / 2),
        "steps": np.arange(n),
        "stop_reason": ["step budget"] * n,
        "accuracy": [1.0] * n,
        "distance": np.full(n, 0.25),
        "pattern_returned": np.array([True] * n),
        **more,
    }


def made(path, keys=((0, 0, 0), (0, 0, 1))):
    with Store.open(path, CONFIGURATION) as store:
        store.set_references([REFERENCE])
        store.add(chunk(list(keys)))
    return path


def content(path):
    connection = sqlite3.connect(path)
    rows = {t: connection.execute(f"SELECT * FROM {t}").fetchall() for t in ("trial", "reference")}
    connection.close()
    return rows


@contextmanager
def read_only_folder():
    """A folder with a study in it in which nothing can be written, not even by root."""
    with tempfile.TemporaryDirectory() as name:
        made(Path(name) / "s")
        os.chmod(Path(name) / "s", 0o444)
        os.chmod(name, 0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if os.getuid() == 0:
                os.seteuid(0)
            os.chmod(name, 0o755)


# By hand


def test_rows_come_back_in_order_whatever_the_order_of_writing(tmp_path):
    with Store.open(tmp_path / "s", CONFIGURATION) as store:
        store.set_references([REFERENCE])
        store.add(chunk([(0, 1, 0), (0, 1, 1)]))
        store.add(chunk([(0, 0, 0)], loss=np.inf))
        columns = store.columns()
        assert store.done() == {(0, 0, 0), (0, 1, 0), (0, 1, 1)}
    assert columns["scale"].tolist() == [0, 1, 1]
    assert columns["trial"].tolist() == [0, 0, 1]
    assert columns["initial_loss"].tolist() == [np.inf, 0.5, 0.5]
    assert columns["pattern_returned"].dtype == bool
    assert list(columns) == list(COLUMNS)


def test_the_file_says_what_it_is(tmp_path):
    connection = sqlite3.connect(made(tmp_path / "s"))
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    (text,) = connection.execute("SELECT value FROM about").fetchone()
    assert json.loads(text) == CONFIGURATION
    (versions,) = connection.execute("SELECT versions FROM session").fetchone()
    assert json.loads(versions)["numpy"] == np.__version__
    connection.close()


def test_references_and_parameters_come_back(tmp_path):
    reference = {
        **REFERENCE,
        "learning_rate": 0.1 + 0.2,
        "certified_radius": 1e-3,
        "relaxation": 7.5,
    }
    with Store.open(tmp_path / "s", CONFIGURATION) as store:
        store.set_references([reference])
        store.add(chunk([(0, 0, 0)], parameters=[b"abc"]))
        store.add(chunk([(0, 0, 1)]))
        assert store.references() == [reference]
        assert store.parameters(0, 0, 0) == b"abc"
        assert store.parameters(0, 0, 1) is None
        assert store.parameters(0, 1, 1) is None


# Laws


@given(st.lists(st.floats(0), min_size=1, max_size=5))
def test_losses_come_back_bit_for_bit(values):
    with Store.open(None, CONFIGURATION) as store:
        keys = [(0, 0, j) for j in range(len(values))]
        store.set_references([REFERENCE])
        store.add({**chunk(keys), "final_loss": values})
        found = store.columns()["final_loss"]
    assert found.tobytes() == np.array(values).tobytes()


def test_a_chunk_is_stored_whole_or_not_at_all(tmp_path):
    path = made(tmp_path / "s")
    with Store.open(path, CONFIGURATION) as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.add(chunk([(0, 1, 0), (0, 0, 1)]))
        assert store.done() == {(0, 0, 0), (0, 0, 1)}
        store.add(chunk([(0, 1, 0)]))
    assert len(content(path)["trial"]) == 3


def test_a_killed_writer_leaves_its_whole_chunks_and_no_lock(tmp_path):
    program = """if True:
        import os, signal, sys
        sys.path.insert(0, sys.argv[2])
        from test_store import CONFIGURATION, REFERENCE, Store, chunk
        store = Store.open(sys.argv[1], CONFIGURATION)
        store.set_references([REFERENCE])
        store.add(chunk([(0, 0, 0)]))
        store._connection.execute("BEGIN")
        store._connection.execute("DELETE FROM trial")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    root = str(Path(__file__).parent)
    arguments = [sys.executable, "-c", program, str(tmp_path / "s"), root]
    assert subprocess.run(arguments).returncode == -9
    with Store.open(tmp_path / "s", CONFIGURATION) as store:
        assert store.done() == {(0, 0, 0)}


def test_a_closed_store_can_be_read_where_nothing_can_be_written():
    with read_only_folder() as folder, Store.open(folder / "s", None, writing=False) as store:
        assert len(store.done()) == 2


def test_other_library_versions_are_told(tmp_path):
    path = made(tmp_path / "s")
    connection = sqlite3.connect(path)
    connection.execute('UPDATE session SET versions = \'{"numpy": "1.0"}\'')
    connection.commit()
    connection.close()
    with (
        pytest.warns(UserWarning, match="numpy 1.0 -> "),
        Store.open(path, CONFIGURATION) as store,
    ):
        assert len(store.done()) == 2


# Bad input


def test_a_store_of_another_study_is_refused_and_left_as_it_is(tmp_path):
    path = made(tmp_path / "s")
    before = content(path)
    with pytest.raises(ValueError, match="another study: trials is 3 there, 4 here"):
        Store.open(path, {**CONFIGURATION, "trials": 4})
    with pytest.raises(ValueError, match="another study: extra"):
        Store.open(path, {**CONFIGURATION, "extra": 1})
    assert content(path) == before


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path):
    path = made(tmp_path / "s")
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    before = content(path)
    for writing in (True, False):
        with pytest.raises(ValueError, match="a newer geomcore is needed"):
            Store.open(path, CONFIGURATION, writing=writing)
    assert content(path) == before


def test_a_second_writer_is_refused_while_the_first_one_is_at_it(tmp_path):
    path = made(tmp_path / "s")
    with Store.open(path, CONFIGURATION) as first:
        with pytest.raises(OSError, match="in use by another process"):
            Store.open(path, CONFIGURATION)
        first.add(chunk([(0, 1, 0)]))
    assert len(content(path)["trial"]) == 3


def test_a_second_process_is_refused_in_one_sentence(tmp_path):
    path = made(tmp_path / "s")
    program = """if True:
        import sys
        from training.study.store import Store
        try:
            Store.open(sys.argv[1], None)
        except OSError as error:
            print(error)
    """
    with Store.open(path, CONFIGURATION):
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        )
    assert "in use by another process" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_full_disk_is_one_sentence_and_what_was_stored_stays(tmp_path):
    path = made(tmp_path / "s")
    with Store.open(path, CONFIGURATION) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OSError, match="the disk is full"):
            store.add(chunk([(0, 1, j) for j in range(10000)]))
        assert store.done() == {(0, 0, 0), (0, 0, 1)}
    assert len(content(path)["trial"]) == 2


def test_a_limit_on_the_size_of_files_is_one_sentence_and_what_was_stored_stays(tmp_path):
    path = made(tmp_path / "s")
    with Store.open(path, CONFIGURATION) as store:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(OSError, match="what was stored before is intact"):
                for scale in range(1, 100):
                    store.add(chunk([(0, scale, j) for j in range(1000)]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        kept = store.done()
    assert len(kept) % 1000 == 2
    assert len(content(path)["trial"]) == len(kept)


@pytest.mark.parametrize(
    "data",
    [b"a,b\n1,2\n" * 100, b"SQLite format 3\0" + b"x" * 4096],
    ids=["text", "damaged"],
)
def test_other_files_are_refused_and_left_as_they_are(tmp_path, data):
    (tmp_path / "s").write_bytes(data)
    for writing in (True, False):
        with pytest.raises(ValueError, match="must be the file of a study"):
            Store.open(tmp_path / "s", CONFIGURATION, writing=writing)
    assert (tmp_path / "s").read_bytes() == data


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(tmp_path):
    connection = sqlite3.connect(tmp_path / "s")
    connection.execute("CREATE TABLE thesis (text)")
    connection.close()
    before = (tmp_path / "s").read_bytes()
    with pytest.raises(ValueError, match="it is something else"):
        Store.open(tmp_path / "s", CONFIGURATION)
    assert (tmp_path / "s").read_bytes() == before


def test_a_truncated_store_is_refused(tmp_path):
    path = made(tmp_path / "s", [(0, 0, j) for j in range(500)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with (
        pytest.raises(ValueError, match="something else or damaged"),
        Store.open(path, CONFIGURATION) as store,
    ):
        store.columns()


def test_places_that_cannot_be_are_named(tmp_path):
    with pytest.raises(ValueError, match="path must be a file in an existing folder"):
        Store.open(tmp_path, CONFIGURATION)
    with pytest.raises(ValueError, match="path must be a file in an existing folder"):
        Store.open(tmp_path / "missing" / "s", CONFIGURATION)
    with pytest.raises(FileNotFoundError, match="no such file"):
        Store.open(tmp_path / "s", None, writing=False)
    with pytest.raises(OSError, match="cannot be written"):
        Store.open("/proc/study.sqlite", CONFIGURATION)


def test_a_read_only_folder_is_one_sentence():
    with read_only_folder() as folder:
        for name in ("s", "new"):
            with pytest.raises(OSError, match="cannot be written"):
                Store.open(folder / name, CONFIGURATION)
