"""`geomcore kernels`, as a user meets it."""

import pytest


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_a_run_and_the_same_run_gone_on_with(run, tmp_path, monkeypatch):
    from training.experiments.kernels import at_scale

    monkeypatch.setattr(at_scale, "EPOCHS", 2)
    status, out, _ = run("kernels", "--seeds", 2, "--out", "r", "--quiet")
    assert status == 0 and "C1" in out and "does not hold" in " ".join(out.split())
    told = out[out.index("\nC1: ") : out.index("run folder")]
    assert max(map(len, told.split("\n"))) <= 80
    page = (tmp_path / "r" / "index.html").read_text()
    assert "Kernels that are not negative" in page and 'alt="' in page
    tables = {p.name: p.read_bytes() for p in (tmp_path / "r").glob("*.csv")}
    assert {"examples.csv", "networks.csv", "readings.csv", "verdicts.csv"} == set(tables)
    status, *_ = run("kernels", "--resume", "--out", "r", "--quiet")
    assert status == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "r").glob("*.csv")} == tables


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--seeds", 0), "--seeds must be a whole number from 1 to 1,000"),
        (("--resume",), "--resume needs --out"),
        (("digits",), "digits"),
    ],
)
def test_wrong_calls_end_in_one_line(run, options, told):
    status, out, err = run("kernels", *options)
    assert status == 2 and out == "" and told in err and err.count("\n") == 1
