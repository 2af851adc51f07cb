"""Run folders: published at once, never over somebody else's files."""

import json
import os
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork, datasets, load
from geomcore.plot import plot_data
from training.output.folder import RunFolder, read_run


def make_run(path, texts, seed=0, command="construct", live=(), read=(), **options):
    with RunFolder(path, command, {"data": "clusters"}, seed, **options) as run:
        run.spare(read)
        if live:
            run.begin(live=[*live])
            for name in live:
                (path / name).write_text("rows")
        for name, text in texts.items():
            run.text(name, text)
        run.publish()
    return run


def content(path):
    """Text by name, without `run.json`."""
    return {p.name: p.read_text() for p in path.iterdir() if p.is_file() and p.name != "run.json"}


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


def test_no_label_is_cut_off_at_the_edge_of_a_figure(tmp_path):
    data = datasets.iris()
    with RunFolder(tmp_path / "run", "test", {}, 0) as run:
        run.figure("data", plot_data(data.X, data.y).figure)
        run.publish()
    picture = plt.imread(tmp_path / "run" / "data.png")
    for edge in (picture[:2], picture[-2:], picture[:, :2], picture[:, -2:]):
        assert edge[..., :3].min() > 0.95


def test_the_same_figure_becomes_the_same_bytes(tmp_path):
    data = datasets.clusters(5, rng=0)
    for k in "ab":
        with RunFolder(tmp_path / k, "construct", {}, 0) as run:
            run.figure("cones", plot_data(data.X[:, :2], data.y).figure, "what is shown")
            run.publish()
    for kind in ("png", "svg"):
        one, other = (tmp_path / k / f"cones.{kind}" for k in "ab")
        assert one.read_bytes() == other.read_bytes()


def test_figures_bear_the_prefix_and_are_closed_one_by_one(tmp_path):
    def drawn():
        for key in ("one", "two"):
            assert not plt.get_fignums()
            yield key, plt.figure(), f"caption of {key}", f"what {key} shows"

    with RunFolder(tmp_path / "run", "verify", {}, 0) as run:
        figures = run.figures("wine", drawn())
        run.publish()
    assert figures == [
        ("wine-one", "caption of one", "what one shows", 704),
        ("wine-two", "caption of two", "what two shows", 704),
    ]
    assert "what two shows" in (tmp_path / "run" / "wine-two.svg").read_text(encoding="utf-8")
    assert b"what two shows" in (tmp_path / "run" / "wine-two.png").read_bytes()
    assert not plt.get_fignums()
    assert (tmp_path / "run" / "wine-two.svg").is_file()


def test_a_table_may_be_a_list_of_rows(tmp_path):
    with RunFolder(tmp_path / "run", "verify", {}, 0) as run:
        run.table("numbers", [{"name": "a", "x": 1}, {"name": "b", "x": 2}])
        run.publish()
    assert (tmp_path / "run" / "numbers.csv").read_text() == "name,x\na,1\nb,2\n"


# Files that a run was given


def test_what_was_read_from_the_folder_stays(tmp_path):
    path = tmp_path / "run"
    make_run(path, {"network.npz": "1", "old.txt": "1"})
    (path / "mine.csv").write_text("mine")
    with RunFolder(path, "check", {}, 0) as run:
        run.spare([str(path / "network.npz"), str(path / "mine.csv"), "clusters", "auto"])
        run.text("findings.csv", "2")
        run.publish()
    assert content(path) == {"network.npz": "1", "mine.csv": "mine", "findings.csv": "2"}
    assert read_run(path)["files"] == ["findings.csv", "network.npz"]


@pytest.mark.parametrize("way", ["a link", "a link to a link", "a hard link", "a folder's link"])
@pytest.mark.parametrize("option", [{}, {"force": True}])
def test_what_was_read_through_a_link_stays(tmp_path, way, option):
    path = tmp_path / "run"
    make_run(path, {"network.npz": "1", "old.txt": "1"})
    given = tmp_path / "given.npz"
    if way == "a hard link":
        given.hardlink_to(path / "network.npz")
    elif way == "a folder's link":
        (tmp_path / "there").symlink_to(path)
        given = tmp_path / "there" / ".." / "run" / "network.npz"
    else:
        given.symlink_to("run/network.npz")
        if way == "a link to a link":
            (tmp_path / "second.npz").symlink_to(given)
            given = tmp_path / "second.npz"
    with RunFolder(path, "check", {}, 0, **option) as run:
        run.spare([str(given), "auto", "a\0b", "x" * 10_000])
        run.publish()
    assert content(path) == {"network.npz": "1"}
    assert given.read_text() == "1"


def test_what_was_read_is_kept_aside_only_if_this_run_writes_another(tmp_path):
    path = tmp_path / "run"
    make_run(path, {"network.npz": "1"}, command="verify")
    for text, kept in (("1", {}), ("1", {}), ("2", {"network.npz.kept": "1"})):
        with RunFolder(path, "verify", {}, 0) as run:
            run.spare([path / "network.npz"])
            run.text("network.npz", text)
            run.publish()
        assert content(path) == {"network.npz": text, **kept}
        assert [*run.aside.values()] == [*kept]
    assert read_run(path)["live"] == []


def test_a_copy_that_a_user_put_there_is_neither_kept_aside_nor_taken(tmp_path):
    path = tmp_path / "run"
    make_run(path, {"a": "1"})
    (path / "network.npz").write_text("2")
    for _ in range(2):
        assert make_run(path, {"network.npz": "2"}).aside == {}
        assert content(path) == {"network.npz": "2"}
    assert make_run(path, {"b": "3"}).aside == {}
    assert content(path) == {"network.npz": "2", "b": "3"}


def test_what_a_resumed_study_read_is_not_ours_if_it_was_edited(tmp_path):
    path = tmp_path / "st"
    make_run(
        path, {"references.json": "1", "data.npz": "2"}, command="study", live=["study.sqlite"]
    )
    (path / "references.json").write_text("edited")
    for text in ("more rows", "all rows"):
        with RunFolder(path, "study", {}, 0, force=True) as run:
            run.keep(["study.sqlite"])
            run.spare([path / "references.json", path / "data.npz"])
            (path / "study.sqlite").write_text(text)
            run.publish()
        kept = {"references.json": "edited"}
        assert content(path) == {"study.sqlite": text, "data.npz": "2", **kept}
    make_run(path, {"table.csv": "1"}, force=True)
    assert content(path) == {"table.csv": "1", **kept}


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


NAMES = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.one_of(
    st.tuples(st.just("edit"), NAMES),
    st.tuples(st.just("copy"), NAMES, st.sampled_from("12")),
    st.tuples(st.just("link"), NAMES),
    st.tuples(st.just("older")),
    st.tuples(
        st.sampled_from(["construct", "study"]),
        st.dictionaries(NAMES, st.sampled_from("12"), max_size=3),
        st.booleans(),
        st.none() | st.tuples(NAMES, st.sampled_from(["itself", "symbolic", "hard"])),
        st.none() | st.integers(0, 5),
    ),
)


def texts_in(home):
    folders = [home, home / "run"]  # no drafts
    files = [path for folder in folders for path in folder.glob("[!.]*") if path.is_file()]
    return {path.read_text() for path in files if path.name not in ("run.json", "live")}


def as_user(path, kind, number, *step):
    """Do what a user does with a run folder; return the texts that are theirs from now on."""
    if kind == "older":  # or the run.json of somebody else
        record = json.loads((path / "run.json").read_text())
        (path / "run.json").write_text(json.dumps({**record, "written": {}, "before": {}}))
        for file in path.iterdir():
            os.utime(file, (0, 0), follow_symlinks=False)
        return texts_in(path)
    file, *text = step
    record = read_run(path)
    if text and file in {*record["files"], *record["before"]}:
        return set()  # the same as a run wrote there: nobody can tell whose it is
    text = text[0] if text else f"mine {number}"
    (path / file).unlink(missing_ok=True)
    if kind == "link":
        outside = path.parent / f"outside{number}"
        outside.write_text(text)
        (path / file).symlink_to(outside)
    else:
        (path / file).write_text(text)
    return {text}


def as_program(path, number, command, texts, force, read, dies):
    """Do a run, which may be refused or killed; return the text of what it was given to read."""
    given = path / read[0] if read else path / "none"
    found = {given.read_text()} if given.exists() else set()
    if found and read[1] != "itself":
        link = path.parent / f"link{number}"
        link.symlink_to(given) if read[1] == "symbolic" else os.link(given.resolve(), link)
        given = link
    live = ["live"] if command == "study" else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)  # for speed
        left = [dies]
        for name in ("replace", "rename", "unlink") if dies is not None else ():
            patch.setattr(os, name, dying(getattr(os, name), left))
        with suppress(InterruptedError):
            make_run(path, texts, 0, command, live, [given], force=force)
    return found


def dying(change, left):
    """A change of the disk that is not made when those that are left have been made."""

    def changed(*arguments, **options):
        left[0] -= 1
        if left[0] < 0:
            raise InterruptedError
        return change(*arguments, **options)

    return changed


@settings(max_examples=60)
@given(steps=st.lists(STEPS, min_size=2, max_size=8))
def test_no_byte_that_a_user_wrote_or_gave_is_lost(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("home") / "run"
    make_run(path, {"a": "1", "b": "1"})
    theirs = set()
    for number, (kind, *step) in enumerate(steps):
        if kind in ("construct", "study"):
            before = content(path)
            try:
                read = as_program(path, number, kind, *step)
            except ValueError as error:
                assert "--out" in str(error)
                assert content(path) == before
                continue
            assert theirs | read <= texts_in(path.parent)
        else:
            added = as_user(path, kind, number, *step)
            theirs = (theirs & texts_in(path.parent)) | added  # they may write over their own


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
