"""`geomcore trained`, as a user meets it."""

import csv
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest

from geomcore import cumulative_parameters, load
from training.experiments.trained import plot_all, survey
from training.experiments.trained.plot_hyperplanes import figure_of_hyperplanes
from training.experiments.trained.views import view
from training.output.folder import PIECES

SMALL = ("--seeds", "2", "--steps", "400", "--jobs", "1")
TABLES = (
    "verdicts",
    "subsets",
    "steps",
    "runs",
    "layers",
    "classes",
    "collapse",
    "comparison",
    "noise",
)


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def mnist(tmp_path):
    """A function that writes IDX files as MNIST has them: size, images of each digit, digits.

    On a line, the digits take turns from black to white, so that none can be cut off.
    """

    def write(side, count, labels=(0, 1, 6, 4), on_a_line=False):
        rng = np.random.default_rng(0)
        folder = tmp_path / "files"
        folder.mkdir()
        strokes = rng.random((len(labels), side, side)) < 0.15
        for split in ("train", "t10k"):
            which = np.tile(np.arange(len(labels)), count)
            bright = strokes[which] * rng.integers(150, 256, (len(which), side, side))
            images = np.where(bright, bright, 20 * (rng.random(bright.shape) < 0.1))
            if on_a_line:
                images = np.tile(np.arange(len(which))[:, None, None], (side, side))
            y = np.array(labels, dtype=np.uint8)[which]
            for name, values in (("images-idx3", images.astype(np.uint8)), ("labels-idx1", y)):
                shape = b"".join(n.to_bytes(4, "big") for n in values.shape)
                content = bytes([0, 0, 8, values.ndim]) + shape + values.tobytes()
                (folder / f"{split}-{name}-ubyte").write_bytes(content)
        return folder

    return write


@pytest.fixture
def no_figures(monkeypatch):
    """Figures, which take most of the time, are drawn in other tests."""

    def bare(found, *, draws):
        for key in ("courses", "ladder", "outputs", "noise"):
            yield key, plt.figure(figsize=(1, 1)), "", ""

    monkeypatch.setattr(plot_all, "figures", bare)


# By hand


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_the_command_tells_verdicts_and_keeps_networks_of_each_rung(run, mnist, tmp_path):
    files = mnist(5, 12)
    status, out, err = run(
        "trained", "--mnist", files, "--digits", "6,0", "--losses", "mse", *SMALL, "--out", "x"
    )
    assert status == 0 and "which digits are separable" in err and "mse, start 1" in err
    x = tmp_path / "x"
    assert "images of 5 x 5 pixels, for training 0 (12), 6 (12); 24 held out" in out
    verdicts = rows_of(x / "verdicts.csv")
    assert {row["claim"] for row in verdicts} == {"E6", "E7", "E8"}
    assert verdicts[0]["verdict"] == "holds" and "MNIST" in verdicts[0]["quantity"]
    for row in verdicts:
        assert row["verdict"] in out
    assert rows_of(x / "subsets.csv")[0]["subset"] == "0 1 6 4"
    layers = rows_of(x / "layers.csv")
    assert {row["layer"] for row in layers} == {"1", "2"} and layers[0]["width"] == "25"
    page = (x / "index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 4 + 6 and "Constructed beside trained" in page
    record = json.loads((x / "run.json").read_text())
    assert record["command"] == "trained" and record["arguments"]["mnist"] == str(files)
    names = [name for name in record["files"] if name.endswith(".npz")]
    assert "constructed.npz" in names and len(names) >= 3
    for name in names:
        net = load(x / name)
        assert net.widths == (25, 25, 25, 2) and len(cumulative_parameters(net)[0]) == 3


@pytest.mark.slow
def test_the_bundled_digits_are_the_default(run, no_figures, tmp_path):
    options = (
        "--seeds",
        "1",
        "--steps",
        "3",
        "--digits",
        "0,1",
        "--losses",
        "cross_entropy",
        "-q",
        "--out",
        "x",
    )
    status, out, err = run("trained", *options)
    assert status == 0 and not err
    assert "digits: images of 8 x 8 pixels" in out
    assert len(rows_of(tmp_path / "x" / "subsets.csv")) == 45 + 120 + 210
    assert {row["loss_name"] for row in rows_of(tmp_path / "x" / "runs.csv")} == {"cross_entropy"}
    # No rung was reached: the network after the last step stands for it.
    assert rows_of(tmp_path / "x" / "runs.csv")[0]["threshold"] == "inf"
    assert (tmp_path / "x" / "cross_entropy-inf.npz").exists()


def test_what_is_not_separable_is_told_and_has_no_constructed_network(
    run, mnist, no_figures, tmp_path
):
    files = mnist(3, 12, on_a_line=True)
    status, _, _ = run("trained", "--mnist", files, "--digits", "0,1", *SMALL, "-q", "--out", "x")
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert status == 0 and "There is no constructed network" in page
    assert rows_of(tmp_path / "x" / "verdicts.csv")[0]["verdict"] == "does not hold"
    assert "constructed" not in {r["network"] for r in rows_of(tmp_path / "x" / "comparison.csv")}


# Laws


def test_a_run_that_was_killed_goes_on_to_the_same_tables_to_the_byte(
    run, mnist, no_figures, tmp_path, monkeypatch
):
    given = ("--mnist", mnist(4, 8), "--digits", "0,1,6", "--seeds", "2", "--steps", "200", "-q")
    assert run("trained", *given, "--out", "whole", "--jobs", "2")[0] == 0
    real, calls = survey._run, []

    def failing(*args, **options):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(survey, "_run", failing)
    assert run("trained", *given, "--out", "cut", "--jobs", "1")[0] == 130
    assert (tmp_path / "cut" / PIECES).exists() and not (tmp_path / "cut" / "runs.csv").exists()
    monkeypatch.setattr(survey, "_run", real)
    assert run("trained", "--resume", "--out", "cut", "-q", "--jobs", "1")[0] == 0
    for name in TABLES:
        whole, cut = (tmp_path / folder / f"{name}.csv" for folder in ("whole", "cut"))
        assert whole.read_bytes() == cut.read_bytes()
    for path in (tmp_path / "whole").glob("*.npz"):
        first, second = load(path), load(tmp_path / "cut" / path.name)
        for a, b in zip(first.tensors, second.tensors, strict=True):
            assert np.array_equal(a, b)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--digits", "1"], "--digits must be two to 10"),
        (["--digits", "1,1"], "--digits must be two to 10"),
        (["--digits", "a,b"], "--digits must be two to 10"),
        (["--digits", "0,11"], "--digits must be two or more of 0, 1"),
        (["--losses", "bce"], "--losses must be mse or cross_entropy"),
        (["--points", "5"], "--points goes with --mnist"),
        (["--mnist", "nowhere"], "--mnist must be a folder with IDX files, got nowhere"),
        (["--seeds", "0"], "--seeds"),
        (["--steps", "0"], "--steps"),
    ],
)
def test_wrong_calls_get_one_line_and_leave_nothing(run, tmp_path, arguments, reason):
    status, _, err = run("trained", *arguments, "--out", "x", "-q")
    assert status == 2 and len(err.splitlines()) == 1 and reason in err
    assert not (tmp_path / "x").exists()


# Size


@pytest.mark.slow
@pytest.mark.usefixtures("in_full")
def test_images_of_mnist_size_are_trained_on_stored_and_drawn(
    run, mnist, no_figures, tmp_path, monkeypatch
):
    files = mnist(28, 50, labels=(0, 1))
    bare = plot_all.figures

    def large(found, *, draws):
        yield from bare(found, draws=draws)
        seen = view(found.last("mse"), found.digits.X, found.layers_of("mse"), name="mse")
        yield "mse-hyperplanes", figure_of_hyperplanes(seen, found.digits), "", ""

    monkeypatch.setattr(plot_all, "figures", large)
    options = ("--points", "40", "--digits", "0,1", "--seeds", "1", "--steps", "3", "-q")
    status, _, err = run(
        "trained", "--mnist", files, *options, "--losses", "mse", "--jobs", "1", "--out", "x"
    )
    assert status == 0 and not err
    (row, *_) = rows_of(tmp_path / "x" / "layers.csv")
    assert row["width"] == "784"
    assert (tmp_path / "x" / "trained-mse-hyperplanes.png").exists()
    assert load(tmp_path / "x" / "constructed.npz").widths == (784, 784, 784, 2)
    built, trained = rows_of(tmp_path / "x" / "comparison.csv")
    assert (built["verdict"], built["proved"]) == ("global minimum", "True")
    assert float(built["basin"]) > 0 and trained["verdict"] == ""
