"""`geomcore study`, as a user meets it."""

import csv
import json
import random
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import contextmanager
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from geomcore import ReLUNetwork, load, save
from training.commands.arguments.data import load_data
from training.commands.study import DEFAULTS
from training.study.result import load_study

SMALL = ["--scales", "0.01,0.3", "--trials", "4", "--steps", "5"]


def rows(path):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT * FROM trial").fetchall()
    connection.close()
    return found


# By hand


@pytest.mark.usefixtures("in_full")
def test_a_study_leaves_its_store_tables_figures_networks_and_a_page(run, tmp_path):
    status, out, _ = run("study", "clusters", *SMALL, "--out", "made", "--parquet")
    assert status == 0
    assert "returned" in out and "0 of 4 *" in out
    assert "steps or rate decide here" in out
    assert "global minimum" in out
    folder = tmp_path / "made"
    with open(folder / "trials.csv") as file:
        assert len(list(csv.DictReader(file))) == 8
    assert len(rows(folder / "study.sqlite")) == 8
    assert load(folder / "network-0.npz").widths[0] == 3
    page = (folder / "index.html").read_text()
    sources = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert len(sources) == 3
    for name in sources:
        assert (folder / name).is_file()
    files = {p.name for p in folder.iterdir()}
    assert {"summary.csv", "basins.csv", "histogram.csv", "trials.parquet"} <= files
    # beside it, what is proved at the rate of the study
    with open(folder / "proved.csv") as file:
        studied, balanced = csv.DictReader(file)
    assert (studied["layers"], balanced["layers"]) == ("as studied", "balanced")
    assert 0 < float(studied["descent"]) < float(studied["flow"]) < float(balanced["flow"])
    assert "returns along gradient flow" in " ".join(out.split()) and "1/L" in page
    table = page.split("What is proved, beside what is found")[1]
    assert f"<td>{float(studied['descent']):.2g}</td>" in table and "Proved: every" in table
    told = [part.split("</small>")[0] for part in table.split("<p><small>")[1:]]
    assert told and all(text[0].isupper() and text.endswith(".") for text in told)
    record = json.loads((folder / "run.json").read_text())
    assert set(record["files"]) == files - {"run.json"}
    changed = {"data": "clusters", "scales": "0.01,0.3", "trials": 4, "steps": 5}
    assert record["arguments"] == {**DEFAULTS, **changed, "standardize": False}


def test_a_study_without_scales_looks_for_them_and_goes_on_with_them(run, tmp_path, monkeypatch):
    monkeypatch.setattr("training.study.planning.budget.WORK", 1e9)
    status, out, _ = run("study", "single_cone", "--trials", "3", "--out", "made")
    assert status == 0
    assert "layers rescaled by powers of 2, the function is the same" in out
    assert "pilot trials leave" in out and "limited by time" in out
    folder = tmp_path / "made"
    plan = json.loads((folder / "plan.json").read_text())
    largest = plan["balanced"]["zero loss"]["largest"]
    assert largest[1] < largest[0]
    assert plan["pilot"][-1]["returned"] == 0
    assert plan["slower"] >= 1 and plan["relaxations"] > 0
    page = (folder / "index.html").read_text()
    assert "rescaled by powers of two" in page and "pilot trials" in page
    arguments = json.loads((folder / "run.json").read_text())["arguments"]
    scales = [float(scale) for scale in arguments["scales"].split(",")]
    with open(folder / "trials.csv") as file:
        found = list(csv.DictReader(file))
    assert sorted({float(row["scale"]) for row in found}) == scales
    assert {int(row["steps"]) for row in found} == {arguments["steps"]}
    before = (folder / "trials.csv").read_bytes()
    (folder / "trials.csv").unlink()
    assert run("study", "--resume", "--out", "made")[0] == 0
    assert (folder / "trials.csv").read_bytes() == before
    assert json.loads((folder / "plan.json").read_text()) == plan
    assert "rescaled by powers of two" in (folder / "index.html").read_text()


def test_layers_are_left_alone_if_that_is_wished(run, tmp_path):
    made = []
    for out, given in (("one", []), ("two", ["--no-balance"])):
        assert run("study", "single_cone", *SMALL, *given, "--out", out)[0] == 0
        made.append(load(tmp_path / out / "network-0.npz"))
    X = load_data("single_cone", seed=0).X
    assert made[0] != made[1]
    assert (made[0](X) == made[1](X)).all()
    assert json.loads((tmp_path / "two" / "plan.json").read_text())["balanced"] == {}


@pytest.fixture
def in_thousands(tmp_path):
    """A CSV file of three classes around three points, one column in thousands."""
    rng = np.random.default_rng(1)
    X = np.repeat([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], 20, axis=0)
    X += 0.6 * rng.standard_normal(X.shape)
    lines = [f"{u:.3f},{3000 + 1000 * v:.1f},{'abc'[k // 20]}" for k, (u, v) in enumerate(X)]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["u,v,kind", *lines]) + "\n")
    return path


def test_columns_in_thousands_are_standardised_and_the_study_ends_in_a_radius(
    run, in_thousands, tmp_path, monkeypatch
):
    monkeypatch.setattr("training.study.planning.budget.RELAXATIONS", 30)
    status, out, _ = run("study", "own.csv", "--trials", "8", "--out", "made")
    assert status == 0
    assert "columns reach 4,7" in out and "(--no-standardize leaves them)" in out
    folder = tmp_path / "made"
    found = load_study(folder / "study.sqlite")
    radius, reason = found.basins().loc[0, ["radius", "reason"]]
    assert (0.1 < radius < 10) and reason == ""
    # Without it: 8e-8.
    assert found.reference.learning_rate > 0.01
    with np.load(folder / "standardized.npz") as data:
        X, y = data["X"], data["y"]
    np.testing.assert_allclose([X.mean(axis=0), X.std(axis=0)], [[0, 0], [1, 1]], atol=1e-9)
    certificate = json.loads((folder / "certificate.json").read_text())
    assert certificate["verdict"] == "global minimum"
    net = load(folder / "network-0.npz")
    assert ((net(X) - np.eye(3)[np.unique(y, return_inverse=True)[1]]) ** 2).sum() < 1e-20
    assert "its columns were standardised" in (folder / "index.html").read_text()
    before = (folder / "trials.csv").read_bytes()
    for more in ([], ["own.csv"], ["own.csv", "--standardize"]):
        assert run("study", *more, "--resume", "--out", "made", "-q")[0] == 0
    assert (folder / "trials.csv").read_bytes() == before
    assert (folder / "standardized.npz").exists()
    status, _, err = run("study", "--no-standardize", "--resume", "--out", "made")
    assert status == 2 and "--standardize is True in made" in err


def test_columns_are_left_alone_if_that_is_wished(run, in_thousands, tmp_path):
    for more, made in ((["--no-standardize"], "left"), (["--standardize"], "done")):
        assert run("study", "own.csv", *SMALL, *more, "--out", made)[0] == 0
        record = json.loads((tmp_path / made / "run.json").read_text())
        assert record["arguments"]["standardize"] is (made == "done")
    assert not (tmp_path / "left" / "standardized.npz").exists()
    # A study that was begun before there was this option says nothing of it.
    path = tmp_path / "left" / "run.json"
    record = json.loads(path.read_text())
    del record["arguments"]["standardize"]
    path.write_text(json.dumps(record))
    before = rows(tmp_path / "left" / "study.sqlite")
    assert run("study", "--resume", "--out", "left")[0] == 0
    assert rows(tmp_path / "left" / "study.sqlite") == before


def test_a_network_of_ones_own_goes_with_the_columns(run, in_thousands, tmp_path):
    run("construct", "own.csv", "--out", "c", "-q")
    arguments = ["study", "own.csv", *SMALL, "--network", "c/network.npz", "--no-balance"]
    assert run(*arguments, "--out", "made")[0] == 0
    given, used = load(tmp_path / "c" / "network.npz"), load(tmp_path / "made" / "network-0.npz")
    X = load_data("own.csv").X
    with np.load(tmp_path / "made" / "standardized.npz") as data:
        np.testing.assert_allclose(used(data["X"]), given(X), atol=1e-9)
    reference = load_study(tmp_path / "made" / "study.sqlite").reference
    assert reference.loss < 1e-20


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_merges_are_compared_with_the_minimum_in_one_figure(run, tmp_path):
    arguments = ["--scales", "0.01", "--trials", "2", "--steps", "2", "--merges", "-q"]
    status, out, _ = run("study", "clusters", *arguments, "--out", "made")
    assert status == 0
    assert out.count("local minimum") == 4
    found = load_study(tmp_path / "made" / "study.sqlite")
    assert found.references[0].name == "zero loss"
    assert len(found.references) == 5
    assert len(found.frame()) == 10


def test_a_network_of_ones_own_can_be_perturbed_in_chosen_tensors(run, tmp_path):
    run("construct", "clusters", "--out", "c", "-q")
    more = ["--network", "c/network.npz", "--tensors", "W1,b2", "--keep-parameters", "--relative"]
    status, _, _ = run("study", "clusters", *SMALL, *more, "--out", "made", "-q")
    assert status == 0
    net = load(tmp_path / "c" / "network.npz")
    unit = np.hypot(np.linalg.norm(net.weights[0]), np.linalg.norm(net.biases[1]))
    found = load_study(tmp_path / "made" / "study.sqlite").reference
    assert found.norm_per_scale == pytest.approx(unit)


# Laws


def test_progress_gives_rate_and_remaining_time_and_quiet_silences_it(run):
    _, _, err = run("study", "clusters", *SMALL, "--out", "one")
    assert "0 of 8 trials" in err.splitlines()
    assert "8 of 8 trials, " in err.splitlines()[-1]
    assert err.splitlines()[-1].endswith(" per second, 0 s left")
    assert run("study", "clusters", *SMALL, "--out", "two", "-q")[2] == ""


@pytest.mark.slow
def test_a_study_that_is_killed_again_and_again_ends_with_the_rows_of_one_that_is_not(
    run, tmp_path
):
    command = [sys.executable, "-m", "training.commands.cli", "study"]
    settings = ["clusters", "--scales", "0.01,0.3,1", "--trials", "80", "--steps", "150"]
    assert run("study", *settings, "--out", "whole", "-q")[0] == 0
    store = tmp_path / "parts" / "study.sqlite"
    random_seconds = random.Random(0)

    def start(*arguments):
        return subprocess.Popen([*command, *arguments, "--out", "parts", "-q"])

    process, kills = start(*settings), 0
    while kills < 3:
        begun = time.monotonic()
        while not store.exists() and time.monotonic() < begun + 60:
            time.sleep(0.01)
        # From the loading of the program to the last trials.
        try:
            process.wait(random_seconds.uniform(0, 4))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            process = start("--resume")
    assert process.wait(120) == 0
    assert rows(store) == rows(tmp_path / "whole" / "study.sqlite")
    assert (tmp_path / "parts" / "index.html").exists()


def test_resuming_a_finished_study_makes_the_same_tables_again(run, tmp_path):
    run("study", "clusters", *SMALL, "--out", "made", "-q")
    table = (tmp_path / "made" / "trials.csv").read_bytes()
    (tmp_path / "made" / "trials.csv").unlink()
    assert run("study", "--resume", "--out", "made", "-q")[0] == 0
    assert (tmp_path / "made" / "trials.csv").read_bytes() == table
    assert run("study", "clusters", *SMALL, "--resume", "--out", "made", "-q")[0] == 0


def test_the_number_of_threads_does_not_change_the_rows(run, tmp_path):
    for out, jobs in (("one", 1), ("three", 3)):
        run("study", "clusters", *SMALL, "--jobs", jobs, "--out", out, "-q")
    assert rows(tmp_path / "one" / "study.sqlite") == rows(tmp_path / "three" / "study.sqlite")


def test_dask_gives_the_rows_of_threads(run, tmp_path):
    distributed = pytest.importorskip("distributed")
    run("study", "clusters", *SMALL, "--out", "one", "-q")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        if address.startswith("inproc"):
            address = cluster.scheduler.address
        arguments = ["study", "clusters", *SMALL, "--dask", address, "--out", "two", "-q"]
        assert run(*arguments)[0] == 0
    assert rows(tmp_path / "one" / "study.sqlite") == rows(tmp_path / "two" / "study.sqlite")


def test_a_cluster_that_closes_ends_with_status_two_and_the_command_that_goes_on(
    run, monkeypatch, tmp_path
):
    @contextmanager
    def closing(address):
        def submit(function, item):
            future = Future()
            if submit.left:
                submit.left -= 1
                future.set_result(function(item))
            else:
                future.cancel()
                future.set_running_or_notify_cancel()
            return future

        submit.left = 1
        yield SimpleNamespace(submit=submit)

    monkeypatch.setattr("training.descent.trainer.WORKING_SET", 1)
    run("study", "clusters", *SMALL, "--out", "whole", "-q")
    with monkeypatch.context() as patch:
        patch.setattr("training.descent.executors.dask_cluster", closing)
        status, _, err = run("study", "clusters", *SMALL, "--dask", "x", "--out", "made", "-q")
    assert status == 2
    assert err.endswith("run again to resume: geomcore study --resume --out made\n")
    assert 0 < len(rows(tmp_path / "made" / "study.sqlite")) < 8
    assert run("study", "--resume", "--out", "made", "-q")[0] == 0
    whole = rows(tmp_path / "whole" / "study.sqlite")
    assert rows(tmp_path / "made" / "study.sqlite") == whole


# Bad input


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "DATA is missing"),
        (["clusters", "--scales", "a,b"], "--scales must be numbers"),
        (["clusters", "--trials", "0"], "--trials"),
        (["clusters", "--network", "missing.npz"], "no such file"),
        (["--resume"], "--resume needs DATA or --out"),
        (["clusters", "--resume"], "there is no study"),
        (["--resume", "--out", "nowhere"], "there is no study"),
    ],
)
def test_wrong_use_ends_with_status_two_and_one_line(run, arguments, reason):
    status, _, err = run("study", *arguments, "-q")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert err.startswith("geomcore: ")
    assert reason in err


@pytest.mark.skipif(find_spec("distributed") is None, reason="no distributed")
def test_a_wrong_address_is_told_before_anything_is_made(run, monkeypatch, tmp_path):
    monkeypatch.setattr("training.descent.executors.SECONDS", 0.5)
    monkeypatch.setattr("constructions.construct", None)
    status, out, err = run("study", "clusters", "--dask", "tcp://127.0.0.1:9")
    assert (status, out) == (2, "")
    first, second = err.splitlines()
    assert first == "asking for a Dask scheduler at tcp://127.0.0.1:9, for at most 0.5 s"
    assert second.startswith("geomcore: no Dask scheduler answers")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--scales", "0.1,-1"], "--scales must be a list of finite numbers"),
        (["--scales", "0.1,0.1"], "--scales must be distinct"),
        (["--learning-rate", "-1"], "--learning-rate must be"),
        (["--tolerance", "nan"], "--tolerance must be"),
        (["--steps", "1" + 30 * "0"], "--steps must be at most"),
        (["--trials", "1" + 9 * "0"], "--trials must make at most"),
        (["--tensors", "W1,V2"], "--tensors must be names such as W1 or b2"),
        (["--tensors", ""], "--tensors must be names such as W1 or b2"),
        (["--tensors", "W8", "--network", "made.npz"], "tensors must be a list of some of W1"),
        (["--states", "--scales", "1"], "the states of 10 classes are 1,024"),
        (["--merges", "--scales", "1"], "the merges of 10 classes are 115,974"),
    ],
)
def test_wrong_options_are_told_before_any_work(run, monkeypatch, tmp_path, arguments, reason):
    net = ReLUNetwork([np.eye(64, 61), np.eye(10, 64)], [np.zeros(64), np.zeros(10)])
    save(net, tmp_path / "made.npz")
    for work in ("construct", "suboptimal_family", "merged"):
        monkeypatch.setattr(f"constructions.{work}", None)
    monkeypatch.setattr("training.commands.cases.case.verify", None)
    status, out, err = run("study", "digits", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("geomcore: ") and err.count("\n") == 1
    assert reason in err
    assert [path.name for path in tmp_path.iterdir()] == ["made.npz"]


def test_a_tensor_that_the_constructed_network_lacks_is_told_before_it_is_verified(
    run, monkeypatch, tmp_path
):
    monkeypatch.setattr("training.commands.cases.case.verify", None)
    status, _, err = run("study", "clusters", *SMALL, "--tensors", "W1,b9", "-q")
    assert status == 2
    assert "tensors must be a list of some of W1, b1" in err
    assert not list(tmp_path.glob("runs/*"))


def test_quiet_shows_results_only(run):
    arguments = ["single_cone", "--trials", "2", "--steps", "5", "--out", "made"]
    status, out, err = run("study", *arguments, "-q")
    assert (status, err) == (0, "")
    assert out.startswith("λ ")
    assert out.endswith("\nrun folder: made\n")


def test_a_study_is_not_overwritten_nor_changed_half_way(run, tmp_path):
    run("study", "clusters", *SMALL, "--out", "made", "-q")
    before = {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()}
    status, _, err = run("study", "clusters", *SMALL, "--out", "made", "-q")
    assert status == 2
    assert "holds a study: go on with --resume" in err
    arguments = ["--resume", "--trials", "9", "--out", "made", "-q"]
    status, _, err = run("study", *arguments)
    assert status == 2
    assert "--trials is 4 in made" in err
    assert {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()} == before


def test_a_resumed_study_keeps_aside_what_was_edited(run, tmp_path):
    run("study", "clusters", *SMALL, "--out", "made", "-q")
    (tmp_path / "made" / "summary.csv").write_text("edited")
    status, _, err = run("study", "--resume", "--out", "made", "-q")
    assert (status, err) == (0, "your summary.csv is now summary.csv.kept\n")
    assert (tmp_path / "made" / "summary.csv.kept").read_text() == "edited"
    assert (tmp_path / "made" / "summary.csv").read_text().startswith("reference")


def test_without_pyarrow_parquet_is_refused_before_the_work(run, monkeypatch, tmp_path):
    monkeypatch.setattr("training.study.records.find_spec", lambda name: None)
    status, _, err = run("study", "clusters", *SMALL, "--parquet", "-q")
    assert status == 2
    assert "pip install 'geomcore[parquet]'" in err
    assert not (tmp_path / "runs").exists()


def test_data_without_a_construction_end_with_status_one(run):
    status, out, _ = run("study", "concentric", "--method", "clustered", *SMALL, "-q")
    assert status == 1
    assert "clustered:" in out
