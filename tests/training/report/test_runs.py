"""Run folders that are to be joined."""

import json
import shutil

import pytest
from stored_runs import stored_run

from training.report.runs import read_runs, with_shown


def record(path, **changes):
    """Change the `run.json` of a folder."""
    told = json.loads((path / "run.json").read_text())
    told |= changes
    told = {name: value for name, value in told.items() if value is not ...}
    (path / "run.json").write_text(json.dumps(told))


# By hand


def test_a_run_that_is_as_it_was_has_nothing_to_note(tmp_path):
    (run,), left_out = read_runs([stored_run(tmp_path / "a")])
    assert run.is_finished and run.state == "finished" and run.notes == [] and left_out == []
    assert "<h1>A network</h1>" in run.page


def test_files_that_were_changed_or_removed_are_told(tmp_path):
    path = stored_run(tmp_path / "a")
    (path / "table.csv").write_text("data,loss\nwine,0.4\n")
    (path / "wine-outputs.png").unlink()
    (run,), _ = read_runs([path])
    assert (run.changed, run.missing) == (["table.csv"], ["wine-outputs.png"])
    assert run.state == "changed since"
    assert "by the digests in run.json: table.csv" in run.notes[0]
    assert run.notes[1] == "No longer there: wine-outputs.png."


def test_a_link_or_a_folder_in_the_place_of_a_file_is_a_change(tmp_path):
    path = stored_run(tmp_path / "a")
    (path / "table.csv").rename(tmp_path / "table.csv")
    (path / "table.csv").symlink_to(tmp_path / "table.csv")
    (path / "wine-outputs.png").unlink()
    (path / "wine-outputs.png").mkdir()
    assert read_runs([path])[0][0].changed == ["table.csv", "wine-outputs.png"]


def test_an_unfinished_run_is_taken_and_its_live_files_may_change(tmp_path):
    path = stored_run(tmp_path / "a")
    record(path, seconds=..., live=["table.csv"])
    (path / "table.csv").write_text("more")
    (run,), _ = read_runs([path])
    assert not run.is_finished and run.state == "unfinished" and run.changed == []
    assert "has not come to its end" in run.notes[0]


def test_a_run_without_a_page_is_taken(tmp_path):
    path = stored_run(tmp_path / "a")
    (path / "index.html").write_bytes(b"\xff\xfe\x00")
    (run,), _ = read_runs([path])
    assert run.page is None and run.changed == ["index.html"] and "no index.html" in run.notes[-1]


def test_files_without_a_digest_cannot_be_judged_and_it_is_said(tmp_path):
    path = stored_run(tmp_path / "a")
    written = json.loads((path / "run.json").read_text())["written"]
    record(path, written={k: v for k, v in written.items() if k != "index.html"})
    (run,), _ = read_runs([path])
    assert run.unknown == ["index.html"] and run.state == "not all can be checked"
    assert "no digest of index.html in run.json" in run.notes[0]
    record(path, written={}, files=[])
    assert read_runs([path])[0][0].unknown == ["index.html"]
    record(path, seconds=..., live=["index.html"])
    assert read_runs([path])[0][0].state == "unfinished"


def test_pictures_of_runs_within_a_run_are_judged_by_their_own_record(tmp_path):
    path, within = stored_run(tmp_path / "a"), stored_run(tmp_path / "a" / "mesa")
    (run,), _ = read_runs([path])
    shown = [within / "wine-outputs.png", path / "wine-outputs.png"]
    assert with_shown(run, shown).state == "finished"
    (within / "wine-outputs.png").write_bytes((path / "index.html").read_bytes())
    assert with_shown(run, shown).changed == ["mesa/wine-outputs.png"]
    (within / "run.json").unlink()
    assert with_shown(run, shown).unknown == ["mesa/wine-outputs.png"]
    (path / "added.png").write_bytes(b"")
    assert with_shown(run, [path / "added.png"]).unknown == ["added.png"]


def test_the_same_run_counts_once_by_any_name_of_its_folder(tmp_path):
    path = stored_run(tmp_path / "a")
    (tmp_path / "link").symlink_to(path)
    shutil.copytree(path, tmp_path / "copy")
    runs, left_out = read_runs([path, tmp_path / "a" / ".", tmp_path / "link", tmp_path / "copy"])
    assert len(runs) == 1 and len(left_out) == 3
    assert "is the same folder as" in left_out[0] and "is a copy of" in left_out[2]


def test_a_copy_that_was_altered_is_another_run(tmp_path):
    path = stored_run(tmp_path / "a")
    shutil.copytree(path, tmp_path / "copy")
    (tmp_path / "copy" / "table.csv").write_text("")
    assert [run.state for run in read_runs([path, tmp_path / "copy"])[0]] == [
        "finished",
        "changed since",
    ]


def test_a_report_is_left_out(tmp_path):
    runs, left_out = read_runs(
        [stored_run(tmp_path / "r", command="report"), stored_run(tmp_path / "a")]
    )
    assert len(runs) == 1 and left_out == [f"{tmp_path / 'r'} is a report itself"]


# Bad input


def test_what_is_no_run_is_refused_and_says_what_was_meant(tmp_path):
    path = stored_run(tmp_path / "runs" / "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"program": "x"}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text('{"program": "geomcore", "seed": "x"}')
    for given, reason in [
        (tmp_path / "none", "there is no"),
        (path / "index.html", f"give its folder {path}"),
        (tmp_path / "runs", "give the runs in it"),
        (tmp_path / "empty", "holds no run.json$"),
        (tmp_path / "other", "is none of geomcore"),
        (tmp_path / "broken", "is damaged"),
    ]:
        with pytest.raises(ValueError, match=reason):
            read_runs([path, given])


def test_a_page_outside_of_the_folder_is_not_read(tmp_path):
    path = stored_run(tmp_path / "a")
    (tmp_path / "secret").write_text("<p>of somebody else</p>")
    (path / "index.html").unlink()
    (path / "index.html").symlink_to(tmp_path / "secret")
    (run,), _ = read_runs([path])
    assert run.page is None and run.changed == ["index.html"]
    assert "in its folder, at most 16,777,216 bytes" in run.notes[-1]


def test_reports_alone_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"got none: .* is a report itself"):
        read_runs([stored_run(tmp_path / "r", command="report")])
