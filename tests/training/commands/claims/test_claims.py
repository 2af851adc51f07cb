"""`geomcore claims`, as a user meets it."""

import csv

import pytest


@pytest.mark.slow
def test_two_claims_and_the_same_command_once_more(run, tmp_path):
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
    assert "| **E3** their losses follow the closed form |" in told
    before = (tmp_path / "c" / "minima" / "run.json").read_bytes()
    status, again, _ = run("claims", "--quick", "--only", "E1,E2,E3", "--out", "c", "--quiet")
    assert status == 0 and again == out
    assert (tmp_path / "c" / "minima" / "run.json").read_bytes() == before


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
