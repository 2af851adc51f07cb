"""A command that was stopped goes on as it was begun, and ends as if nothing had happened."""

import json
from typing import Annotated

import numpy as np
import pytest
import typer

from training.commands.arguments.options import Force, Jobs, Out, Quiet, Seed, noted, reads_table
from training.commands.arguments.resumed import Resume, resumes
from training.output.folder import PIECES
from training.output.start import started

POWER_CUT = 3
INTERRUPTED = 130  # the exit status


def program(fails_at=None):
    """A program of one command, which draws a number for each piece of its work."""
    app, made = typer.Typer(), []

    @app.command()
    @resumes
    @reads_table
    def draw(
        data: Annotated[list[str] | None, typer.Argument()] = None,
        count: Annotated[int, typer.Option(min=1, max=9)] = 5,
        scale: float = 1.0,
        table=None,
        seed: Seed = 0,
        out: Out = None,
        force: Force = False,
        resume: Resume = False,
        jobs: Jobs = 1,
        quiet: Quiet = False,
    ):
        given = noted({name: value for name, value in locals().items() if name != "made"})
        with started("draw", given) as (run, _):
            work = {"data": data, "scale": scale, "seed": seed, "label": table["label"]}
            with run.pieces(work, resume=resume) as pieces:
                for k in range(count):
                    if k == fails_at:
                        raise KeyboardInterrupt
                    if str(k) not in pieces:
                        made.append(k)
                        pieces[str(k)] = scale * np.random.default_rng([seed, k]).normal(size=2)
                rows = [{"x": pieces[str(k)][0], "y": pieces[str(k)][1]} for k in range(count)]
            run.table("drawn", rows)
            run.publish()

    def call(*arguments):
        made.clear()
        status = app(args=[str(a) for a in arguments], standalone_mode=False)
        return list(made) if not status else status

    return call


def stopped(out, *more):
    assert program(fails_at=POWER_CUT)(*more, "--out", out) == INTERRUPTED


def test_a_run_that_goes_on_ends_as_one_that_was_not_stopped(tmp_path, capsys):
    options = ("iris", "a b", "--scale", "2.5", "--seed", "7", "--label", "kind")
    program()(*options, "--out", tmp_path / "whole")
    stopped(tmp_path / "cut", *options)
    assert f"to go on: geomcore draw --resume --out {tmp_path / 'cut'}" in capsys.readouterr().err
    assert not (tmp_path / "cut" / "drawn.csv").exists()
    assert program()("--resume", "--out", tmp_path / "cut") == [3, 4]
    whole, cut = ((tmp_path / name / "drawn.csv").read_bytes() for name in ("whole", "cut"))
    assert whole == cut
    records = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("whole", "cut")]
    assert records[0]["arguments"] == records[1]["arguments"]
    assert records[0]["seed"] == records[1]["seed"] == 7
    # One that has ended makes nothing anew.
    assert program()("--resume", "--out", tmp_path / "cut") == []
    assert (tmp_path / "cut" / "drawn.csv").read_bytes() == whole


def test_a_run_of_another_version_goes_on_and_says_so(tmp_path, capsys):
    stopped(tmp_path, "iris")
    capsys.readouterr()
    assert program(fails_at=POWER_CUT)("--resume", "--out", tmp_path) == INTERRUPTED
    assert "note:" not in capsys.readouterr().err
    record = json.loads((tmp_path / "run.json").read_text())
    for versions in ({"geomcore": "0.0.1\n"}, {}):
        (tmp_path / "run.json").write_text(json.dumps(record | {"versions": versions}))
        assert program(fails_at=POWER_CUT)("--resume", "--out", tmp_path) == INTERRUPTED
        told = capsys.readouterr().err.splitlines()[0]
        then = repr(versions.get("geomcore"))
        assert f"was begun by geomcore {then}, this is" in told
    assert program()("--resume", "--out", tmp_path) == [3, 4]


def test_options_that_are_typed_again_must_be_those_of_the_run(tmp_path):
    stopped(tmp_path, "iris", "--scale", "2", "--seed", "7")
    again = ("--resume", "--out", tmp_path)
    for changed, told in (
        (("--scale", "3"), "--scale is 2.0 in"),
        (("--seed", "8"), "--seed is 7 in"),
        (("wine",), "DATA is"),
        (("--label", "kind"), "--label is None in"),
    ):
        with pytest.raises(ValueError, match=told):
            program()(*again, *changed)
    assert program()("iris", *again, "--scale", "2", "--jobs", "2") == [3, 4]


def test_a_stopped_run_is_not_replaced_by_mistake(tmp_path):
    stopped(tmp_path)
    with pytest.raises(ValueError, match=r"holds a run that was stopped .*--resume"):
        program()("--out", tmp_path)
    assert program()("--resume", "--out", tmp_path) == [3, 4]
    # A run that has ended is replaced, pieces and all.
    assert program()("--seed", 1, "--out", tmp_path) == [0, 1, 2, 3, 4]
    stopped(tmp_path, "--seed", 2)
    assert program()("--seed", 3, "--out", tmp_path, "--force") == [0, 1, 2, 3, 4]


def test_what_cannot_go_on_is_said(tmp_path):
    with pytest.raises(ValueError, match="--resume needs --out"):
        program()("--resume")
    with pytest.raises(ValueError, match="there is no run in"):
        program()("--resume", "--out", tmp_path / "nothing")
    stopped(tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    for field, value, told in (
        ("command", "study", "must be of draw, it is of study"),
        ("arguments", {**record["arguments"], "count": 99}, "damaged: --count is 99"),
        ("arguments", {**record["arguments"], "count": "many"}, "damaged: --count is 'many'"),
        ("arguments", {**record["arguments"], "scale": 4.0}, "scale was 1.0, now it is 4.0"),
    ):
        (tmp_path / "run.json").write_text(json.dumps({**record, field: value}))
        with pytest.raises(ValueError, match=told):
            program()("--resume", "--out", tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(record))
    assert program()("--resume", "--out", tmp_path) == [3, 4]


def test_a_file_of_the_same_name_that_no_run_wrote_stays(tmp_path):
    program()("--out", tmp_path / "run")
    mine = tmp_path / "run" / PIECES
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    for part in ("files", "live"):
        record[part] = [name for name in record[part] if name != PIECES]
    del record["written"][PIECES]
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    before = mine.read_bytes()
    with pytest.raises(ValueError, match="no run wrote"):
        program()("--out", tmp_path / "run")
    assert mine.read_bytes() == before
