"""Run folders: published at once, never over somebody else's files."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from geomcore import ReLUNetwork, load
from training.output.folder import RunFolder, read_run


def make_run(path, texts, seed=0):
    with RunFolder(path, "construct", {"data": "clusters"}, seed) as run:
        for name, text in texts.items():
            run.text(name, text)
        run.publish()


def names(path):
    return sorted(p.name for p in path.iterdir())


# By hand


def test_a_run_that_began_keeps_its_live_files_when_it_fails_and_when_it_is_published(tmp_path):
    path = tmp_path / "run"
    with RunFolder(path, "study", {}, 0) as run:
        run.text("early.txt", "x")
        run.begin(live=["live.db"])
        assert names(path) == ["early.txt", "run.json"]
        (path / "live.db").write_text("rows")
    assert names(path) == ["early.txt", "live.db", "run.json"]
    assert read_run(path)["files"] == ["early.txt", "live.db"]
    with RunFolder(path, "study", {}, 0) as run:
        run.keep(["live.db"])
        run.file("late.txt").write_text("y")
        run.publish()
    assert names(path) == ["late.txt", "live.db", "run.json"]
    assert read_run(path)["files"] == ["late.txt", "live.db"]


def test_run_json_tells_how_the_run_was_made(tmp_path):
    make_run(tmp_path / "run", {"note.txt": "x"}, seed=4)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["command"] == "construct"
    assert record["arguments"] == {"data": "clusters"}
    assert record["seed"] == 4
    assert record["versions"]["numpy"] == np.__version__
    assert record["files"] == ["note.txt"]
    assert record["seconds"] >= 0


def test_tables_networks_and_figures_are_written(tmp_path):
    net = ReLUNetwork([[[0.1]]], [[1 / 3]])
    fig = plt.figure()
    with RunFolder(tmp_path / "run", "verify", {}, 0) as run:
        run.table("numbers", pd.DataFrame({"x": [1 / 3, 1e-300]}))
        run.network("network", net)
        run.figure("picture", fig)
        run.publish()
    plt.close(fig)
    assert load(tmp_path / "run" / "network.npz") == net
    lines = (tmp_path / "run" / "numbers.csv").read_text().splitlines()
    assert [float(line) for line in lines[1:]] == [1 / 3, 1e-300]
    assert (tmp_path / "run" / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "run" / "picture.svg").read_bytes()


def test_figures_bear_the_prefix_and_are_closed_one_by_one(tmp_path):
    def drawn():
        for key in ("one", "two"):
            assert not plt.get_fignums()
            yield key, plt.figure(), f"caption of {key}"

    with RunFolder(tmp_path / "run", "verify", {}, 0) as run:
        figures = run.figures("wine", drawn())
        run.publish()
    assert figures == [("wine-one", "caption of one"), ("wine-two", "caption of two")]
    assert not plt.get_fignums()
    assert (tmp_path / "run" / "wine-two.svg").is_file()


def test_a_table_may_be_a_list_of_rows(tmp_path):
    with RunFolder(tmp_path / "run", "verify", {}, 0) as run:
        run.table("numbers", [{"name": "a", "x": 1}, {"name": "b", "x": 2}])
        run.publish()
    assert (tmp_path / "run" / "numbers.csv").read_text() == "name,x\na,1\nb,2\n"


# Laws


def test_a_new_run_replaces_the_files_of_the_old_one_and_keeps_what_you_added(tmp_path):
    path = tmp_path / "run"
    make_run(path, {"old.txt": "1", "both.txt": "1"})
    (path / "mine.txt").write_text("my notes")
    make_run(path, {"new.txt": "2", "both.txt": "2"})
    assert names(path) == ["both.txt", "mine.txt", "new.txt", "run.json"]
    assert (path / "both.txt").read_text() == "2"


def test_a_run_that_fails_leaves_the_old_one_and_no_draft(tmp_path):
    path = tmp_path / "run"
    make_run(path, {"a.txt": "1"})
    before = {name: (path / name).read_bytes() for name in names(path)}
    with pytest.raises(RuntimeError), RunFolder(path, "construct", {}, 0) as run:
        run.text("a.txt", "2")
        raise RuntimeError
    assert {name: (path / name).read_bytes() for name in names(path)} == before
    assert names(tmp_path) == ["run"]


def test_an_empty_folder_is_used(tmp_path):
    make_run(tmp_path, {"a.txt": "1"})
    assert names(tmp_path) == ["a.txt", "run.json"]


# Bad input


@pytest.mark.parametrize("content", ["not json", "{}", '{"program": "other"}', "[1]"])
def test_folders_of_somebody_else_are_refused_and_left_alone(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match="holds other files"):
        RunFolder(tmp_path, "construct", {}, 0)
    assert names(tmp_path) == ["run.json"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        RunFolder(tmp_path / "x", "construct", {}, 0)


def test_a_forged_list_of_files_removes_nothing_outside_the_folder(tmp_path):
    path = tmp_path / "run"
    make_run(path, {"a.txt": "1"})
    (tmp_path / "precious.txt").write_text("keep")
    record = json.loads((path / "run.json").read_text())
    record["files"] = ["../precious.txt", "..", "", 3, str(tmp_path / "precious.txt")]
    (path / "run.json").write_text(json.dumps(record))
    make_run(path, {"b.txt": "1"})
    assert (tmp_path / "precious.txt").read_text() == "keep"
