"""Runs behind the claims: taken as they are, gone on with, or made."""

import inspect
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from training.commands.cli import main
from training.experiments.claims.child import wait_for_orphan
from training.experiments.claims.running import done, ensure
from training.experiments.claims.sources import CLAIMS
from training.experiments.claims.works import WORKS, Work

pytestmark = pytest.mark.slow  # whole commands, killed and gone on with

SMALL = Work(
    "small",
    "minima",
    {"classes": "2", "points": 50, "steps": 3},
    {"classes": "2", "points": 5, "steps": 3},
    ("E2",),
    {},
    False,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of claims with one finished run."""
    folder = tmp_path_factory.mktemp("claims")
    how, why = ensure(SMALL, folder, quick=True, seed=1, jobs=1, quiet=True)
    assert (how, why) == ("run", "")
    return folder


def test_a_finished_run_is_taken_as_it_is(folder):
    before = (folder / "small" / "run.json").read_bytes()
    assert ensure(SMALL, folder, quick=True, seed=1, jobs=1, quiet=True)[0] == "taken as it was"
    assert (folder / "small" / "run.json").read_bytes() == before


def test_another_size_or_seed_does_not_count(folder):
    assert done(SMALL, folder, quick=True, seed=1) == "finished"
    assert done(SMALL, folder, quick=False, seed=1) == ""
    assert done(SMALL, folder, quick=True, seed=2) == ""
    assert done(SMALL._replace(command="census"), folder, quick=True, seed=1) == ""


def test_another_version_does_not_count_and_a_stopped_run_is_not_finished(folder):
    path = folder / "small" / "run.json"
    text = path.read_text()
    try:
        path.write_text(json.dumps({**json.loads(text), "versions": {"geomcore": "0.0.0"}}))
        assert done(SMALL, folder, quick=True, seed=1) == ""
        path.write_text(json.dumps({**json.loads(text), "seconds": None}))
        assert done(SMALL, folder, quick=True, seed=1) == "stopped"
    finally:
        path.write_text(text)


def test_other_data_or_options_do_not_count(folder):
    path = folder / "small" / "run.json"
    text = path.read_text()
    try:
        for name, value in (("data", "iris"), ("radius", 0.3)):
            told = json.loads(text)
            told["arguments"][name] = value
            path.write_text(json.dumps(told))
            assert done(SMALL, folder, quick=True, seed=1) == ""
        told = {**json.loads(text), "written": {}}
        path.write_text(json.dumps(told))
        assert done(SMALL, folder, quick=True, seed=1) == "changed"
    finally:
        path.write_text(text)


def test_changed_tables_are_kept_aside_and_never_believed(folder):
    # That a command has a process of its own is tried by the fixture.
    given = {"quick": True, "seed": 1, "jobs": 1, "quiet": True}
    given["run"] = lambda typed, *, quiet: (main(typed), "")
    table = folder / "small" / "minima.csv"
    for text in ("edited", ""):
        table.write_text(text)
        assert done(SMALL, folder, quick=True, seed=1) == "changed"
    assert ensure(SMALL, folder, **given)[0] == "run"
    assert table.read_text() and (folder / "small" / "minima.csv.kept").read_text() == ""
    table.unlink()
    assert done(SMALL, folder, quick=True, seed=1) == "changed"
    assert ensure(SMALL, folder, **given)[0] == "run"
    assert done(SMALL, folder, quick=True, seed=1) == "finished"


def test_a_command_ends_when_its_parent_closes_the_pipe():
    code = (
        "import time; from training.experiments.claims.child import end_with_parent; "
        "end_with_parent(); print('on', flush=True); time.sleep(60)"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as child:
        try:
            assert child.stdout.readline().strip() == b"on"
            assert child.poll() is None
            child.stdin.close()
            assert child.wait(20) != 0
        finally:
            child.kill()


def test_a_folder_of_something_else_is_told_and_left_alone(tmp_path):
    (tmp_path / "small").mkdir()
    for text in ("{}", "not JSON", '{"program": "another"}'):
        (tmp_path / "small" / "run.json").write_text(text)
        how, why = ensure(SMALL, tmp_path, quick=True, seed=0, jobs=1, quiet=True)
        assert how == "failed" and "small holds other files" in why
        assert (tmp_path / "small" / "run.json").read_text() == text


def test_a_command_whose_parent_was_killed_is_waited_for(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "small").mkdir()
    lock = os.open(tmp_path / "small", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    start = time.monotonic()
    wait_for_orphan(tmp_path / "small", patience=0.3)
    assert time.monotonic() - start >= 0.3
    threading.Timer(0.3, os.close, [lock]).start()
    wait_for_orphan(tmp_path / "small", patience=60)
    assert 0.6 <= time.monotonic() - start < 30
    wait_for_orphan(tmp_path / "none")


@pytest.mark.parametrize("quiet", [True, False])
def test_a_command_that_fails_is_told(tmp_path, capsys, quiet):
    wrong = SMALL._replace(quick={**SMALL.quick, "classes": "1"})
    how, why = ensure(wrong, tmp_path, quick=True, seed=0, jobs=1, quiet=quiet)
    assert how == "failed" and "exit status 2: geomcore: --classes must be" in why
    assert ("--classes must be" in capsys.readouterr().err) == (not quiet)


def test_every_claim_has_a_run_that_answers_for_it_and_every_command_its_arguments():
    from training.commands.cli import app

    commands = {c.callback.__name__: c.callback for c in app.registered_commands}
    for work in WORKS:
        known = inspect.signature(commands[work.command]).parameters
        assert {*work.full} == {*work.quick} <= {*known}, work.folder
        for name, value in work.left.items():
            # Those of `study` are settled by the command, those of tables stand in one argument.
            if name in known and work.command != "study":
                assert known[name].default == value, (work.folder, name)
        free = {"seed", "out", "quiet", "force", "resume", "jobs", "table", "context"}
        free |= {"targets", "dask", "parquet", "moved", "status", "keep_parameters"}
        free |= {"label", "header", "delimiter", "decimal", "encoding", "drop"}
        free |= {"drop_missing", "one_hot"}
        assert {*known} - free <= {*work.full, *work.left}, work.folder
    told = {name for work in WORKS for name in work.claims}
    # E1 is computed by the command itself.
    assert {c.name for c in CLAIMS} - told == {"E1"}
