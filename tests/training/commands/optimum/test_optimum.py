"""`geomcore optimum`, as a user meets it."""

import csv

import numpy as np
import pytest

from constructions import two_layer_bound
from constructions.two_layer import path as path_module
from geomcore import ReLUNetwork, load, save
from training.experiments.optimum import random_starts

QUICK = ("--runs", 3, "--widths", "2,4", "--steps", 50, "-q", "--out", "x")


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def line(tmp_path):
    """Five points of the absolute value."""
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    np.savez(tmp_path / "line.npz", X=X, y=abs(X))
    return "line.npz"


@pytest.mark.usefixtures("in_full")
def test_classes_in_the_plane(run, table, tmp_path):
    status, out, err = run("optimum", table, "--weight-decay", "0.1,0.02", *QUICK)
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "no two-layer network of any width has a loss below" in " ".join(out.split())
    folder = tmp_path / "x"
    X = np.array([[0, 0], [0.1, 0.2], [3, 0], [3, 0.2], [0, 3], [0.1, 3.2]])
    Y = np.repeat(np.eye(3), 2, axis=0)
    path = rows(folder / "path.csv")
    assert [float(row["weight_decay"]) for row in path] == [0.1, 0.02]
    for row in path:
        decay, loss = float(row["weight_decay"]), float(row["loss"])
        net = load(folder / f"best-{decay:g}.npz")
        found = two_layer_bound(net, X, Y, weight_decay=decay)
        assert found.loss == pytest.approx(loss, rel=1e-12)
        assert found.relative_gap < 2e-3
    runs = rows(folder / "runs.csv")
    assert len(runs) == 2 * 2 * 3
    bounds = {row["weight_decay"]: float(row["lower_bound"]) for row in path}
    assert all(float(row["loss"]) >= bounds[row["weight_decay"]] for row in runs)
    assert load(folder / "trained-0.02-4.npz").widths == (2, 4, 3)
    text = (folder / "index.html").read_text(encoding="utf-8")
    for key in ("path", "planes", "sphere-1", "sphere-2", "runs"):
        assert f'src="flowers-{key}.png"' in text and (folder / f"flowers-{key}.svg").exists()
    assert (folder / "flowers-sphere-1.svg").stat().st_size < 2_000_000


def test_values_on_a_line_and_a_network_to_judge(run, line, tmp_path):
    net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    save(net, tmp_path / "abs.npz")
    status, out, _ = run("optimum", line, "--weight-decay", "0.01", "--network", "abs.npz", *QUICK)
    assert status == 0 and max(map(len, out.splitlines())) <= 80
    (judged,) = rows(tmp_path / "x" / "network.csv")
    assert float(judged["loss"]) == pytest.approx(0.02)
    assert 0 < float(judged["gap"]) < 0.02
    assert "abs.npz has a loss of at most 0.02" in " ".join(out.split())
    text = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert "<h2>abs.npz</h2>" in text and 'src="line-circle.png"' in text
    assert 'src="line-path.png"' not in text  # of a single weight decay


def test_more_inputs_and_no_runs(run, tmp_path):
    X = np.vstack([np.eye(3), -np.eye(3)])
    np.savez(tmp_path / "six.npz", X=X, y=np.repeat([0, 1], 3))
    quick = ("--runs", 0, "-q", "--out", "x")
    status, out, _ = run("optimum", "six.npz", "--weight-decay", ".1", "--targets", "0,1", *quick)
    assert status == 0 and "trained" not in out
    names = {path.name for path in (tmp_path / "x").iterdir()}
    assert names == {"index.html", "run.json", "path.csv", "best-0.1.npz", "pieces.sqlite"}


@pytest.mark.usefixtures("in_full")
def test_the_same_command_gives_the_same_files(run, line, tmp_path):
    for jobs, out in enumerate(("a", "b"), start=1):
        options = ("--weight-decay", "0.1", "--jobs", jobs, *QUICK[:-1], out)
        assert run("optimum", line, *options)[0] == 0
    for name in ("runs.csv", "best-0.1.npz", "trained-0.1-4.npz", "line-circle.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def kept_of(folder):
    """What a run says, but for how long it took."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    found["path.csv"] = [row | {"seconds": ""} for row in rows(folder / "path.csv")]
    for name in ("run.json", "index.html", "pieces.sqlite"):
        del found[name]
    return found


@pytest.mark.parametrize(("place", "at"), [("optimum", 2), ("ends", 3)])
def test_a_run_that_goes_on_ends_as_one_that_was_not_stopped(
    run, line, tmp_path, monkeypatch, place, at
):
    options = (line, "--weight-decay", "0.1,0.01", "--seed", 5, *QUICK[:-1])
    assert run("optimum", *options, "whole")[0] == 0
    calls, module = [], {"optimum": path_module, "ends": random_starts}[place]
    real = getattr(module, place)

    def stopped(*args, **given):
        calls.append(args)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(*args, **given)

    with monkeypatch.context() as patched:
        patched.setattr(module, place, stopped)
        assert run("optimum", *options, "cut")[0] == 130
    assert not (tmp_path / "cut" / "path.csv").exists()
    calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(module, place, lambda *a, **k: calls.append(a) or real(*a, **k))
        assert run("optimum", "--resume", "-q", "--out", "cut")[0] == 0
    # two weight decays, of two widths each
    assert len(calls) == {"optimum": 2, "ends": 4}[place] - (at - 1)
    assert kept_of(tmp_path / "cut") == kept_of(tmp_path / "whole")


def test_a_run_does_not_go_on_with_other_data(run, line, tmp_path):
    assert run("optimum", line, "--weight-decay", "0.1", *QUICK)[0] == 0
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    np.savez(tmp_path / "line.npz", X=X, y=X)
    status, _, err = run("optimum", "--resume", "-q", "--out", "x")
    assert status == 2 and "holds pieces of another work: data was" in err
    status, _, err = run("optimum", "--resume", "-q", "--out", "x", "--gap", "0.5")
    assert status == 2 and "--gap is 0.001 in" in err


def test_a_search_that_is_cut_short_has_status_one_and_says_so(run, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    np.savez(tmp_path / "noise.npz", X=X, y=rng.normal(size=(40, 1)))
    options = ("--weight-decay", "1e-3", "--runs", 0, "-q", "--seconds", "1e-3", "--out", "x")
    status, out, _ = run("optimum", "noise.npz", *options)
    assert status == 1 and "The search ended since the time was over" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--weight-decay", "0"], "--weight-decay must be positive numbers"),
        (["--weight-decay", "1e-2,,1"], "--weight-decay must be positive numbers"),
        (["--weight-decay", "nan"], "--weight-decay must be positive numbers"),
        (["--weight-decay", "inf"], "--weight-decay must be positive numbers"),
        (["--widths", "5,x"], "--widths must be whole numbers"),
        (["--widths", "0"], "--widths must be whole numbers"),
        (["--gap", "2"], "--gap must be a number from 0.0 to 1.0"),
        (["--gap", "nan"], "--gap must be"),
        (["--seconds", "0"], "--seconds must be"),
        (["--runs", "-1"], "--runs must be"),
        (["--network", "missing.npz"], "no such file"),
        (["--network", "deep.npz"], "--network must have one hidden layer, it has 2"),
        (["--network", "other.npz"], "NETWORK takes 5 inputs"),
        (["--resume"], "--resume: there is no run in x"),
    ],
)
def test_wrong_use_ends_with_one_line_and_leaves_nothing(run, table, tmp_path, arguments, reason):
    deep = ReLUNetwork([np.eye(2), np.eye(2), np.ones((3, 2))], [np.zeros(2)] * 2 + [np.zeros(3)])
    save(deep, tmp_path / "deep.npz")
    other = ReLUNetwork([np.ones((2, 5)), np.ones((3, 2))], [np.zeros(2), np.zeros(3)])
    save(other, tmp_path / "other.npz")
    status, out, err = run("optimum", table, "--out", "x", *arguments)
    assert (status, out) == (2, "") and len(err.splitlines()) == 1
    assert reason in err
    assert not (tmp_path / "x").exists()
