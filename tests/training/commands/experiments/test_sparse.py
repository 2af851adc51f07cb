"""`geomcore sparse`, as a user meets it."""

import numpy as np
import pytest
from PIL import Image

TABLES = {"baselines.csv", "chance.csv", "readings.csv", "runs.csv", "verdicts.csv"}


@pytest.fixture
def tiny(monkeypatch):
    from training.experiments.sparse import protocol

    size = protocol.Size(units=12, synthetic_units=6, points=400, steps=8, looked_up=60)
    monkeypatch.setattr(protocol, "QUICK", size)
    monkeypatch.setattr(protocol, "HELD_OUT", 300)


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_a_run_and_the_same_run_gone_on_with(run, tmp_path, tiny):
    command = ("sparse", "--quick", "--seeds", 1, "--jobs", 1, "--out", "r", "--quiet")
    status, out, _ = run(*command)
    assert status == 0 and "D1" in out and "not decided by this evidence" in " ".join(out.split())
    assert max(map(len, out.partition("run folder")[0].split("\n"))) <= 80
    page = (tmp_path / "r" / "index.html").read_text()
    assert "Sparse coding" in page and page.count('alt="') == 6
    assert "china.jpg, flower.jpg" in page and "nan" not in page
    tables = {p.name: p.read_bytes() for p in (tmp_path / "r").glob("*.csv")}
    assert set(tables) == TABLES
    status, *_ = run("sparse", "--resume", "--out", "r", "--quiet")
    assert status == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "r").glob("*.csv")} == tables


@pytest.mark.slow
def test_images_of_a_folder_are_taken(run, tmp_path, tiny):
    (tmp_path / "mine").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine" / "noise.png")
    command = ("sparse", "--quick", "--seeds", 1, "--jobs", 1, "--out", "r", "--quiet")
    assert run(*command, "--images", "mine")[0] == 0
    assert "noise.png" in (tmp_path / "r" / "index.html").read_text()
    Image.fromarray(255 - pixels).save(tmp_path / "mine" / "noise.png")
    status, _, err = run("sparse", "--resume", "--out", "r", "--quiet")
    assert status == 2 and "pieces of another work: pixels was" in err
    Image.fromarray(pixels[:20]).save(tmp_path / "mine" / "noise.png")
    status, _, err = run("sparse", "--quick", "--images", "mine", "--quiet")
    assert status == 2 and "--images: count / keep must be at most 1,079, the number of" in err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--seeds", 0), "--seeds must be a whole number from 1 to 1,000"),
        (("--resume",), "--resume needs --out"),
        (("--images", "no/such/folder"), "--images must be 'sklearn', a folder"),
        (("digits",), "digits"),
    ],
)
def test_wrong_calls_end_in_one_line(run, options, told):
    status, out, err = run("sparse", *options)
    assert status == 2 and out == "" and told in err and err.count("\n") == 1
