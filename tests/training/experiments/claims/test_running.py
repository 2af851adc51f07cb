"""Runs behind the claims: taken as they are, gone on with, or made."""

import json

import pytest

from training.experiments.claims.running import done, ensure
from training.experiments.claims.sources import CLAIMS, WORKS, Work

SMALL = Work(
    "small",
    "minima",
    {"classes": "2", "points": 50, "steps": 3},
    {"classes": "2", "points": 5, "steps": 3},
    ("E2",),
    (),
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


def test_a_command_that_fails_is_told(tmp_path):
    wrong = SMALL._replace(quick={**SMALL.quick, "classes": "1"})
    how, why = ensure(wrong, tmp_path, quick=True, seed=0, jobs=1, quiet=True)
    assert how == "failed" and "exit status 2: geomcore: --classes must be" in why


def test_every_claim_has_a_run_that_answers_for_it_and_every_command_its_arguments():
    import inspect

    from training.commands.cli import app

    commands = {c.callback.__name__: c.callback for c in app.registered_commands}
    for work in WORKS:
        known = inspect.signature(commands[work.command]).parameters
        assert {*work.full} == {*work.quick} <= {*known}, work.folder
    told = {name for work in WORKS for name in work.claims}
    # E1 is computed by the command itself.
    assert {c.name for c in CLAIMS} - told == {"E1"}
