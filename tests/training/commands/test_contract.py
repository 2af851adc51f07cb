"""What holds for every experiment; its smallest run is a row of tiny_runs.py.

A wrong option leaves nothing, `run.json` tells how the run was made and what it wrote, a run that
was killed goes on to the same tables, verdicts are of the four words and have reasons, and the page
can be read by anybody and joined with others.
"""

import csv
import inspect
import json

import pytest
from fuzz_corpus import TABLE as POINTS
from tiny_runs import RUNS, small, write_images

from training.commands.arguments.options import TABLE
from training.commands.arguments.resumed import ANEW
from training.commands.cli import app, main
from training.output.pieces import Pieces
from training.output.place import COSTLY
from training.output.record import NAME, fingerprint, read_record
from training.output.verdicts import VERDICTS
from training.report.markup import parsed
from training.report.pictures import file_of
from training.report.runs import PAGE, read_runs
from training.report.sections import section_of

COMMANDS = {one.callback.__name__: one.callback for one in app.registered_commands}
FUNCTIONS = {name: inspect.signature(function) for name, function in COMMANDS.items()}
# What goes on from pieces is an experiment.
EXPERIMENTS = {name for name, shape in FUNCTIONS.items() if "resume" in shape.parameters}
# Two with files of their own, of which one tells seconds; one without anything small.
APART = {"study", "optimum", "kernels"}
NAMES = [name for name, run in RUNS.items() if not run.by_itself]
HEADINGS = ("h2", "h3", "h4", "h5")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A folder with what the runs read."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "t.csv").write_text(POINTS)
    write_images(folder / "mnist")
    return folder


@pytest.fixture(scope="module")
def begun(given):
    """A function that makes the small run of an experiment in a folder; it returns the status."""

    def begin(name, out, *more):
        common = ("--jobs", "1", "-q", "--out", str(out))
        with small():
            return main([name, *RUNS[name].typed(given), *more, *common])

    return begin


@pytest.fixture(scope="module")
def made(begun, tmp_path_factory):
    """A function: the folder of a small run of an experiment, which is made once."""
    folders = {}

    def folder(name):
        if name not in folders:
            out = tmp_path_factory.mktemp(name) / "run"
            assert begun(name, out) == 0
            folders[name] = out
        return folders[name]

    return folder


def tables_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def test_every_experiment_stands_in_the_table_and_is_replaced_by_no_other_command():
    assert EXPERIMENTS - APART == RUNS.keys()
    assert EXPERIMENTS <= COSTLY


@pytest.mark.parametrize("name", RUNS)
def test_a_wrong_option_is_refused_before_anything_is_written(name, begun, tmp_path, capsys):
    out = tmp_path / "run"
    assert begun(name, out, *RUNS[name].wrong) == 2
    said, error = capsys.readouterr()
    assert said == "" and error.count("\n") == 1
    assert error.startswith(f"geomcore: {RUNS[name].wrong[0]} must be ")
    assert not out.exists()


@pytest.mark.parametrize("name", NAMES)
def test_its_record_tells_how_it_was_made_and_every_file(name, made):
    folder = made(name)
    record = read_record(folder)
    assert (record.command, record.seed) == (name, 0)
    assert record.seconds > 0 and record.started and record.versions["geomcore"]
    untold = {*ANEW, *TABLE, "seed", "context", "targets"}
    assert record.arguments.keys() >= {*FUNCTIONS[name].parameters} - untold
    there = {path.name for path in folder.iterdir()} - {NAME}
    assert there == {*record.files} == {*record.written}
    assert all(fingerprint(folder / file) == told for file, told in record.written.items())


@pytest.mark.parametrize("name", NAMES)
def test_killed_and_resumed_it_ends_with_the_same_tables(
    name, begun, made, tmp_path, monkeypatch, capsys
):
    keep, out, kept = Pieces.__setitem__, tmp_path / "cut", []

    def killed(pieces, piece, value):
        if kept:
            raise KeyboardInterrupt
        keep(pieces, piece, value)
        kept.append(piece)

    with monkeypatch.context() as patch:
        patch.setattr(Pieces, "__setitem__", killed)
        assert begun(name, out) == 130
    assert f"to go on: geomcore {name} --resume --out {out}" in capsys.readouterr().err
    assert not tables_of(out) and read_record(out).seconds is None

    def known(pieces, piece, value):
        assert piece not in kept, "did a piece once more"
        keep(pieces, piece, value)

    monkeypatch.setattr(Pieces, "__setitem__", known)
    resume = [name, "--resume", "--out", str(out), "--jobs", "1", "-q"]
    told = (out / NAME).read_text()
    (out / NAME).write_text(json.dumps(json.loads(told) | {"seed": 7}))
    with small():
        assert main(resume) == 2, "took pieces of another seed for its own"
        assert "pieces of another work: " in capsys.readouterr().err
        (out / NAME).write_text(told)
        assert main(resume) == 0
    assert tables_of(out) == tables_of(made(name)) != {}


@pytest.mark.parametrize("name", [name for name in NAMES if RUNS[name].claims])
def test_its_verdicts_are_of_the_four_words_and_have_reasons(name, made):
    with (made(name) / "verdicts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["claim"] for row in rows} == {*RUNS[name].claims}
    assert all(row["verdict"] in VERDICTS and row["reason"] for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_its_page_can_be_read_by_anybody_and_joined_with_others(name, made):
    folder = made(name)
    text = (folder / PAGE).read_text(encoding="utf-8")
    assert '<html lang="en">' in text and text.count("<h1>") == 1
    body = parsed(text).body
    levels = [HEADINGS.index(heading.tag) for heading in body.all(*HEADINGS)]
    assert all(b <= a + 1 for a, b in zip([-1, *levels], levels, strict=False)), "skips a level"
    for picture in body.all("img"):
        assert len(picture.attributes["alt"]) > 10 or name == "trained"  # drawn empty, see small()
        assert file_of(folder, picture.attributes["src"]), picture
    for link in body.all("a"):
        address = link.attributes["href"]
        inside = f'id="{address[1:]}"' in text if address[0] == "#" else file_of(folder, address)
        assert inside or address.startswith("https://"), address
    for table in body.all("table"):
        assert list(table.all("th")), "a table without a head"
    (run,), _ = read_runs([folder])
    section = section_of(run, "run-1", {})
    assert run.state == "finished" and run.notes == [] and section.lost == []
    assert section.summary and section.typed and 'class="summary"' in text
