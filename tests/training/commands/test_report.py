"""`geomcore report`, as a user meets it."""

import csv
import json
import shutil

import pytest
from stored_runs import run_in_space, stored_run

# By hand


def test_runs_become_one_page_that_needs_no_other_file(run, tmp_path):
    stored_run(tmp_path / "a")
    run_in_space(tmp_path / "b")
    status, out, err = run("report", "a", "b", "--out", "both", "-q")
    assert status == 0 and err == "" and "one page of" in out
    page = (tmp_path / "both" / "index.html").read_text()
    assert page.count('src="data:image/png;base64,') == 2 and "SVG</a>" not in page
    record = json.loads((tmp_path / "both" / "run.json").read_text())
    assert record["arguments"] == {"runs": ["a", "b"]} and record["seed"] == 0
    with (tmp_path / "both" / "runs.csv").open(newline="") as file:
        assert [row["run"] for row in csv.DictReader(file)] == ["a", "b"]


def test_a_real_run_is_joined_with_its_verdict_first(run, tmp_path, table):
    assert run("construct", table, "--out", "made", "-q")[0] == 0
    assert run("report", "made", "--out", "page", "-q")[0] == 0
    page = (tmp_path / "page" / "index.html").read_text()
    start = page.index("In short")
    assert "whose loss is exactly zero, a global minimum." in page[start : page.index("The runs")]
    assert "<h1>1 run, joined</h1>" in page and "The network was built" in page


def test_views_that_turn_are_in_the_page_if_plotly_is_there(run, tmp_path):
    pytest.importorskip("plotly")
    run_in_space(tmp_path / "b")
    assert run("report", "b", "--out", "page", "-q")[0] == 0
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count('class="turn"') == 2 and page.count('id="plotly"') == 1


def test_a_table_that_is_still_the_same_has_a_view(run, tmp_path, table, monkeypatch):
    monkeypatch.setattr("training.commands.report._library", lambda: "window.Plotly = {}")
    assert run("construct", table, "--out", "made", "-q")[0] == 0
    assert run("report", "made", "--out", "page", "-q")[0] == 0
    assert 'class="turn"' in (tmp_path / "page" / "index.html").read_text()
    table.write_text(table.read_text().replace("3.2,c", "3.3,c"))
    assert run("report", "made", "--out", "page", "-q")[0] == 0
    page = (tmp_path / "page" / "index.html").read_text()
    assert 'class="turn"' not in page and "the data are not those" in page


def test_without_plotly_the_pictures_stay_and_it_is_said_what_is_missing(
    run, tmp_path, monkeypatch
):
    monkeypatch.setattr("training.commands.report._library", lambda: None)
    run_in_space(tmp_path / "b")
    status, out, _ = run("report", "b", "--out", "page")
    page = (tmp_path / "page" / "index.html").read_text()
    assert status == 0 and "pip install 'geomcore[report]'" in out
    assert 'class="turn"' not in page and 'src="data:image/png;base64,' in page


def test_what_is_left_out_is_told_on_the_screen_and_on_the_page(run, tmp_path):
    stored_run(tmp_path / "a")
    status, _, err = run("report", "a", "./a", "--out", "page", "-q")
    assert status == 0 and err == "left out: a is the same folder as a\n"
    assert "Left out: a is the same folder as a." in (tmp_path / "page" / "index.html").read_text()


def test_a_report_is_replaced_and_a_page_that_was_edited_is_not(run, tmp_path):
    stored_run(tmp_path / "a")
    assert run("report", "a", "--out", "page", "-q")[0] == 0
    assert run("report", "a", "--out", "page", "-q")[0] == 0
    (tmp_path / "page" / "index.html").write_text("mine")
    status, _, err = run("report", "a", "--out", "page", "-q")
    assert status == 2 and "were changed since" in err
    assert run("report", "a", "--out", "page", "--force", "-q")[0] == 0
    assert (tmp_path / "page" / "index.html.kept").read_text() == "mine"


def test_all_runs_of_a_folder_are_joined_though_the_report_is_among_them(run, tmp_path):
    for name in "abc":
        stored_run(tmp_path / "runs" / name, title=f"Run {name}")
    for _ in range(2):
        folders = sorted((tmp_path / "runs").iterdir())
        assert run("report", *folders, "-q")[0] == 0
        assert "<h1>3 runs, joined</h1>" in (tmp_path / "runs/report/index.html").read_text()


# Bad input


def test_wrong_calls_get_one_line_and_leave_nothing(run, tmp_path):
    stored_run(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    for arguments, reason in [
        ([], "RUNS is missing"),
        (["none"], "there is no none"),
        (["a", "empty", "--out", "x"], "empty holds no run.json"),
        (["a", "--out", "a"], "--out must be another folder than those of the runs, got a"),
        (["a", "--out", "a/index.html"], "is a file"),
    ]:
        status, out, err = run("report", *arguments)
        assert status == 2 and out == "" and reason in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "empty"]


def test_a_run_that_was_given_is_not_replaced_though_it_is_a_copy_of_another(run, tmp_path):
    stored_run(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("b")
    status, _, err = run("report", "a", "b", "--out", "c")
    assert status == 2 and "--out must be another folder than those of the runs, got c" in err
    assert (tmp_path / "b" / "table.csv").exists()
