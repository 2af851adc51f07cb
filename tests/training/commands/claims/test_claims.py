"""`geomcore claims`, as a user meets it."""

import csv
import io
from contextlib import redirect_stdout

import pytest

from training.commands.cli import main
from training.experiments.claims import report, running


class Here:
    """Runs a command in this process; that it has one of its own is tried in test_children.py."""

    def run(self, typed, *, quiet, hear):
        with redirect_stdout(io.StringIO()):
            return main(typed), ""


@pytest.mark.slow
def test_two_claims_and_the_same_command_once_more(run, tmp_path, monkeypatch):
    few = {"points": 20, "steps": 200}
    works = [
        w._replace(quick={**w.quick, **few} if w.folder == "minima" else w.quick)
        for w in report.WORKS
    ]
    monkeypatch.setattr(report, "WORKS", works)
    monkeypatch.setattr(running, "Children", Here)
    monkeypatch.setattr(report, "QUICK_DRAWS", 1)
    two = {"a": "clusters", "b": "sequential"}  # all four: test_zero_loss.py
    monkeypatch.setattr("training.experiments.claims.zero_loss.TYPES", two)
    status, out, _ = run("claims", "--quick", "--only", "E1,E2,E3", "--out", "c", "--quiet")
    assert status == 0 and "E2" in out
    with open(tmp_path / "c" / "claims.csv", newline="") as file:
        found = {row["claim"]: row for row in csv.DictReader(file)}
    assert found["E1"]["verdict"] == "holds"
    assert found["E2"]["verdict"] == found["E3"]["verdict"] == "does not hold"
    page = (tmp_path / "c" / "index.html").read_text()
    assert 'href="minima/index.html"' in page and 'src="minima/3-balls-losses.png"' in page
    assert (tmp_path / "c" / "minima" / "3-balls-losses.png").exists()
    told = (tmp_path / "c" / "claims.md").read_text()
    assert (
        "| **E3** their losses follow the closed form (T. Chen and P. Muñoz Ewald, arXiv:2309.10639"
        in told
    )
    before = (tmp_path / "c" / "minima" / "run.json").read_bytes()
    status, again, _ = run("claims", "--quick", "--only", "E1,E2,E3", "--out", "c", "--quiet")
    assert status == 0 and again == out
    assert (tmp_path / "c" / "minima" / "run.json").read_bytes() == before


@pytest.mark.parametrize("options", [(), ("--quick", "--seed", 1), ("--seed", 1)])
def test_a_folder_of_another_size_or_seed_is_left_alone(run, tmp_path, monkeypatch, options):
    monkeypatch.setattr(report, "zero_losses", lambda draws, **_: [])
    assert run("claims", "--quick", "--only", "E1", "--out", "c", "--quiet")[0] == 0
    before = (tmp_path / "c" / "run.json").read_bytes()
    status, out, err = run("claims", "--only", "E1", "--out", "c", *options)
    assert status == 2 and out == "" and "holds those of a quick run with seed 0" in err
    assert (tmp_path / "c" / "run.json").read_bytes() == before


def test_one_run_that_fails_is_told_and_the_page_is_there(run, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "zero_losses", lambda draws, **_: [])
    assert run("claims", "--quick", "--only", "E1", "--quiet")[0] == 0
    foreign = tmp_path / "runs" / "claims-quick" / "kernels" / "run.json"
    foreign.parent.mkdir()
    foreign.write_text('{"program": "another"}')
    status, out, _ = run("claims", "--quick", "--only", "E1,C2", "--quiet")
    assert status == 1 and "not available" in out
    with open(tmp_path / "runs" / "claims-quick" / "claims.csv", newline="") as file:
        found = {row["claim"]: row for row in csv.DictReader(file)}
    assert found["C2"]["verdict"] == "not available" and "other files" in found["C2"]["found"]
    assert found["E1"]["verdict"] == "not decided by this evidence"
    page = (tmp_path / "runs" / "claims-quick" / "index.html").read_text()
    assert "kernels holds other files" in page and 'href="kernels/index.html"' not in page
    assert foreign.read_text() == '{"program": "another"}'


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--only", "F1"), "--only must be of A1, A2"),
        (("--only", ""), "--only must be of A1, A2"),
        (("--seed", -1), "--seed must be"),
    ],
)
def test_wrong_calls_end_in_one_line(run, options, told):
    status, out, err = run("claims", *options)
    assert status == 2 and out == "" and told in err and err.count("\n") == 1
