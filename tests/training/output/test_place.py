"""What is not ours is never lost: who may write over what, and what a kill leaves."""

import errno
import json
import os
import subprocess
import sys

import pytest

from training.output import place
from training.output.folder import RunFolder, read_run


def make_run(path, texts, command="construct", live=(), **options):
    with RunFolder(path, command, {}, 0, **options) as run:
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
    return {p.name: p.read_text() for p in path.iterdir() if p.name != "run.json"}


def in_old_form(path):
    """Make the `run.json` of a folder one of geomcore 0.1.0."""
    record = json.loads((path / "run.json").read_text())
    for key in ("written", "live"):
        del record[key]
    (path / "run.json").write_text(json.dumps(record))


@pytest.fixture
def study(tmp_path):
    """A folder with a finished study, notes of a user, and a table that they have edited."""
    path = tmp_path / "st"
    make_run(path, {"index.html": "page", "summary.csv": "x"}, "study", live=["study.sqlite"])
    (path / "notes.txt").write_text("mine")
    (path / "summary.csv").write_text("x, edited")
    return path


# By hand


def test_run_json_tells_size_and_digest_of_every_file(tmp_path):
    make_run(tmp_path / "run", {"a.txt": "abc"}, live=["rows.db"])
    record = read_run(tmp_path / "run")
    assert record["files"] == ["a.txt", "rows.db"]
    assert record["live"] == ["rows.db"]
    assert record["written"]["a.txt"] == {
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert record["written"]["rows.db"]["size"] == 4
    assert record["before"] == {}


def test_a_study_is_not_replaced_and_the_sentence_names_what_is_there(study):
    before = content(study)
    with pytest.raises(ValueError, match=r"st holds a finished study \(index.html, study.sqlite, "):
        make_run(study, {"table.csv": "1"})
    with pytest.raises(ValueError, match="give another folder, or --force, which replaces only"):
        make_run(study, {"table.csv": "1"}, force=False)
    assert content(study) == before
    assert read_run(study)["command"] == "study"


def test_a_study_that_was_stopped_is_not_replaced_either(tmp_path):
    with RunFolder(tmp_path / "st", "study", {}, 0) as run:
        run.text("references.json", "{}")
        run.begin(live=["study.sqlite"])
        (tmp_path / "st" / "study.sqlite").write_text("rows")
    with pytest.raises(ValueError, match="holds a stopped study"):
        make_run(tmp_path / "st", {"table.csv": "1"})
    make_run(tmp_path / "st", {"table.csv": "1"}, force=True)
    # Nobody knows what was in it when the run was stopped, so it counts as changed.
    assert content(tmp_path / "st") == {"study.sqlite": "rows", "table.csv": "1"}


def test_force_removes_only_what_the_study_wrote_and_nobody_changed(study):
    run = make_run(study, {"table.csv": "1"}, force=True)
    kept = {"notes.txt": "mine", "summary.csv": "x, edited"}
    assert content(study) == {"table.csv": "1", **kept}
    assert run.aside == {}
    assert read_run(study)["files"] == ["table.csv"]


def test_a_file_that_is_in_the_way_is_kept_under_another_name(study):
    run = make_run(study, {"summary.csv": "1", "notes.txt": "2"}, force=True)
    assert run.aside == {"summary.csv": "summary.csv.kept", "notes.txt": "notes.txt.kept"}
    assert content(study) == {
        "summary.csv": "1",
        "summary.csv.kept": "x, edited",
        "notes.txt": "2",
        "notes.txt.kept": "mine",
    }
    (study / "summary.csv").write_text("edited again")
    make_run(study, {"summary.csv": "3"}, force=True)
    assert content(study)["summary.csv.kept2"] == "edited again"


@pytest.mark.parametrize("way", ["edited", "a link", "a folder", "touched and equal"])
def test_a_run_over_a_file_that_was_changed_is_refused(tmp_path, way):
    path = tmp_path / "run"
    make_run(path, {"table.csv": "1", "page.html": "2"})
    other = tmp_path / "other"
    other.write_text("precious")
    if way == "edited":
        (path / "table.csv").write_text("3")
    elif way == "a link":
        (path / "table.csv").unlink()
        (path / "table.csv").symlink_to(other)
    elif way == "a folder":
        (path / "table.csv").unlink()
        (path / "table.csv").mkdir()
    else:
        (path / "table.csv").write_text("1")
        make_run(path, {"table.csv": "4"})
        assert content(path) == {"table.csv": "4"}
        return
    with pytest.raises(ValueError, match=r"changed since the run that wrote them \(table.csv\)"):
        make_run(path, {"table.csv": "4"})
    make_run(path, {"table.csv": "4"}, force=True)
    assert (path / "table.csv").read_text() == "4"
    assert os.path.lexists(path / "table.csv.kept")
    assert other.read_text() == "precious"


def test_a_file_that_the_user_removed_is_not_missed(tmp_path):
    make_run(tmp_path / "run", {"a.txt": "1", "b.txt": "1"})
    (tmp_path / "run" / "a.txt").unlink()
    make_run(tmp_path / "run", {"c.txt": "1"})
    assert content(tmp_path / "run") == {"c.txt": "1"}


def test_names_that_are_no_text_are_written_down_as_far_as_they_are(tmp_path):
    with RunFolder(tmp_path / "run", "construct", {"data": "木\udcff.csv"}, 0) as run:
        run.text("index.html", "\udcff")
        run.publish()
    assert read_run(tmp_path / "run")["arguments"] == {"data": "木?.csv"}
    make_run(tmp_path / "run", {"a": "1"})


# Older versions


@pytest.mark.parametrize("clocks", ["as they were", "lost"])
def test_nothing_of_a_run_that_tells_no_digests_counts_as_ours(tmp_path, clocks):
    path = tmp_path / "run"
    make_run(path, {"table.csv": "1", "page.html": "2", "old.txt": "3"})
    in_old_form(path)
    (path / "table.csv").write_text("edited")
    if clocks == "lost":
        for file in path.iterdir():
            os.utime(file, (0, 0))
    before = content(path)
    told = r"noted no digests \(old.txt, page.html, table.csv\): move .*, or --force"
    with pytest.raises(ValueError, match=told):
        make_run(path, {"table.csv": "4"}, force=False)
    assert content(path) == before
    run = make_run(path, {"table.csv": "4", "page.html": "5"}, force=True)
    assert run.aside == {n: f"{n}.kept" for n in ("page.html", "table.csv")}
    aside = {"table.csv.kept": "edited", "page.html.kept": "2", "old.txt": "3"}
    assert content(path) == {"table.csv": "4", "page.html": "5", **aside}
    # What was written now is described, and the rest is nobody's.
    make_run(path, {"table.csv": "6"})
    assert content(path) == {"table.csv": "6", **aside}


def test_a_forged_record_removes_nothing(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    for way in ({"files": ["thesis.tex"]}, {"files": ["thesis.tex"], "live": ["thesis.tex"]}):
        (tmp_path / "run.json").write_text(json.dumps({"program": "geomcore", **way}))
        with pytest.raises(ValueError, match=r"no digests \(thesis.tex\)"):
            make_run(tmp_path, {"a": "1"})
        make_run(tmp_path, {"a": "1"}, force=True)
        assert content(tmp_path) == {"a": "1", "thesis.tex": "mine"}
        (tmp_path / "a").unlink()


def test_a_study_of_an_older_version_is_resumed_and_not_replaced(tmp_path):
    path = tmp_path / "st"
    make_run(path, {"index.html": "page"}, "study", live=["study.sqlite"])
    in_old_form(path)
    with pytest.raises(ValueError, match="holds a finished study"):
        make_run(path, {"table.csv": "1"})
    with RunFolder(path, "study", {}, 0, force=True) as run:
        run.keep(["study.sqlite"])
        (path / "study.sqlite").write_text("more rows")
        run.text("index.html", "new page")
        run.publish()
    new = {"study.sqlite": "more rows", "index.html": "new page"}
    assert content(path) == {**new, "index.html.kept": "page"}


# Laws


class Killed(BaseException):
    """Instead of a kill: nothing is tidied up."""


def killed_run(monkeypatch, path, texts, after, command="construct"):
    """A run that is killed before its change number `after` of the folder; whether it was."""
    left = [after]

    def dying(change):
        def changed(*arguments, **options):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return change(*arguments, **options)

        return changed

    run = RunFolder(path, command, {}, 0)
    for name, text in texts.items():
        run.text(name, text)
    with monkeypatch.context() as patch:
        for name in ("replace", "rename", "unlink"):
            patch.setattr(os, name, dying(getattr(os, name)))
        try:
            run.publish()
        except Killed:
            for lock in run._place._locks:
                os.close(lock)  # as the system does
            return True
    run.__exit__()
    return False


def test_after_a_kill_at_any_moment_every_file_is_whole_and_known(tmp_path, monkeypatch):
    old = {"a": "old a", "b": "old b", "c": "old c"}
    new = {"b": "new b", "c": "new c", "d": "new d"}
    dead = True
    for after in range(20):
        path = tmp_path / f"run{after}"
        make_run(path, old)
        (path / "mine").write_text("mine")
        dead = killed_run(monkeypatch, path, new, after)
        found = content(path)
        assert found.pop("mine") == "mine"
        assert all(text in (old.get(name), new.get(name)) for name, text in found.items())
        assert {"b", "c"} <= set(found)
        # And once more, so that files of three runs lie there.
        killed_run(monkeypatch, path, {"b": "newer b", "e": "e"}, 2)
        make_run(path, {"f": "f"})
        assert content(path) == {"f": "f", "mine": "mine"}
        assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]
    assert not dead


@pytest.mark.parametrize("change", ["replace", "fsync"])
def test_a_full_disk_leaves_the_old_files_whole(tmp_path, monkeypatch, change):
    make_run(tmp_path / "run", {"a": "old", "b": "old"})
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "a")

    with monkeypatch.context() as patch:
        patch.setattr(os, change, full)
        with pytest.raises(OSError, match="No space left"):
            make_run(tmp_path / "run", {"a": "new", "c": "new"})
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_limit_on_the_size_of_files_leaves_the_old_files_whole(tmp_path):
    make_run(tmp_path / "run", {"a": "old"})
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}
    code = (
        "import resource, signal, sys; from training.output.folder import RunFolder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "with RunFolder(sys.argv[1], 'construct', {}, 0) as run:\n"
        "    run.text('a', 'x' * 100_000)\n"
        "    run.publish()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True
    )
    assert "File too large" in done.stderr
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before


def test_a_link_to_a_folder_is_written_through(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "run")
    for text in "12":  # the folder is not there at first
        make_run(tmp_path / "link", {"a": text})
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "disk" / "run") == {"a": "2"}


def test_a_folder_on_another_disk_is_written_from_inside(tmp_path, monkeypatch):
    path = tmp_path / "mounted"
    path.mkdir()
    rename = os.rename

    def across(source, target, **options):
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(source))
        return rename(source, target, **options)

    monkeypatch.setattr(os, "rename", across)
    for text in "12":
        make_run(path, {"a": text})
    assert content(path) == {"a": "2"}


@pytest.mark.parametrize("other", ["a namesake", "inside", "renamed"])
def test_the_draft_of_a_run_that_goes_on_is_never_removed(tmp_path, monkeypatch, other):
    long = "x" * 110
    first, second = tmp_path / f"{long}1", tmp_path / f"{long}2"
    if other == "inside":
        first, second = tmp_path / "run", tmp_path / "run" / "run"

        def across(*_, **__):
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(os, "rename", across)  # drafts are inside
    with RunFolder(first, "construct", {}, 0) as run:
        run.text("a", "1")
        if other == "renamed":
            first.rename(tmp_path / "elsewhere")
            second = first
        make_run(second, {"b": "2"})
        assert run.file("a").read_text() == "1"
        if other != "renamed":
            run.publish()
            assert (first / "a").read_text() == "1"
    assert content(second) == {"b": "2"}
    assert not [p for p in tmp_path.rglob(".*")]


# Bad input


def test_two_runs_at_once_are_one_too_many(tmp_path):
    with RunFolder(tmp_path / "run", "construct", {}, 0) as run:
        with pytest.raises(ValueError, match="is in use by another process"):
            RunFolder(tmp_path / "run", "construct", {}, 0)
        run.text("a", "1")
        run.publish()
    make_run(tmp_path / "run", {"a": "2"})


def test_a_folder_that_cannot_be_written_is_refused_and_left_as_it_was(tmp_path, monkeypatch):
    def no(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    make_run(tmp_path / "run", {"a": "1"})
    monkeypatch.setattr(place.tempfile, "mkdtemp", no)
    for name in ("run", "new"):
        with pytest.raises(ValueError, match="cannot be written: Read-only file system"):
            make_run(tmp_path / name, {"a": "2"})
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert content(tmp_path / "run") == {"a": "1"}


@pytest.mark.parametrize(
    ("command", "noun", "other"),
    [
        ("study", "study", "quickstart"),
        ("census", "census", "landscape"),
        ("trained", "run of trained", "landscape"),
        ("mesa", "run of mesa", "nonneg"),
        ("nonneg", "run of nonneg", "mesa"),
        ("kernels", "run of kernels", "mesa"),
        ("sparse", "run of sparse", "report"),
        ("optimum", "run of optimum", "report"),
        ("claims", "run of claims", "report"),
        ("dynamics", "run of dynamics", "trained"),
    ],
)
def test_what_took_long_is_not_replaced_by_another_command(tmp_path, command, noun, other):
    record = {"program": "geomcore", "command": command, "seconds": 1.0, "files": ["a.csv"]}
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=f"holds a finished {noun} .a.csv.: give another folder"):
        place.Place(tmp_path, other, False)
    assert (tmp_path / "a.csv").exists()
    place.Place(tmp_path, other, True).leave()
