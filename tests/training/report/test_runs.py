"""Run folders that are to be joined."""

import json
import shutil

import pytest
from stored_runs import stored_run

from training.report.runs import read_runs


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


def test_reports_alone_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"got none: .* is a report itself"):
        read_runs([stored_run(tmp_path / "r", command="report")])
