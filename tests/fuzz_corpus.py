"""Honest files of every format, made by the toolkit itself, and what reads them."""

import contextlib
import gzip
import io
import shutil
import warnings
from importlib.util import find_spec

import numpy as np
from builders import random_network

from constructions import Certificate, check_certificate, construct, recheck, verify
from geomcore import Network, datasets, load, save
from geomcore.arrays import as_labels
from geomcore.datasets.idx import read_idx
from geomcore.layers import Affine, LpNorm, ReLU
from training import load_study
from training.commands import check as check_command
from training.commands.cli import main
from training.output.folder import RunFolder

TABLE = "u,v,kind\n0,0,a\n.1,.2,a\n3,0,b\n3,.2,b\n0,3,c\n.1,3.2,c\n"
X = np.array([[0, 0], [0.1, 0.2], [3, 0], [3, 0.2], [0, 3], [0.1, 3.2]])
Y = np.array(["a", "a", "b", "b", "c", "c"])
LABELS = as_labels(Y, len(X))
CSV = {
    "comma": TABLE,
    "semicolon": TABLE.replace(",", ";").replace(".", ","),
    "tab": TABLE.replace(",", "\t"),
    "quotes": 'u,"v, w",kind\n1,2,"a, b"\n3,4,"c ""d"""\n',
    "plain": "0 0 1\n0 1 2\n1 0 2\n",
    "missing": "u,v,kind\n1,?,a\n2,,b\n3,4,a\n",
    "numbers": "0,1,label\n1.5,2e3,007\n-0.0,1_0,7\n",
}


# As construct builds it, with numbers that need a normalisation.
NNET = "// 2-3-1\n2,2,1,3,\n2,3,1,\n0,\n-1,-1,\n1,1,\n0.5,-2,3,\n2,4,10,\n" + "".join(
    f"{row}\n" for row in ("1,-1,", "0.5,2e0,", "-3,1,", "0,", "1,", "-1,", "1,2,-1,", "0.25,")
)
PACKAGES = {"onnx": "onnx", "safetensors": "safetensors", "pt": "torch"}  # that formats need


class Pickled:
    """An object whose reading leaves a mark: a file that must never be there."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return open, (self.mark, "w")


def make(folder):
    """Write the corpus into a folder; return the files of each reader.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to list of Path
    """
    (folder / "t.csv").write_text(TABLE)
    built = construct(X, Y).network
    nets = {
        "built": built,
        "random": random_network((2, 3, 3)),
        "chain": Network([ReLU(), Affine([[1.0, 2.0]], [3.0]), LpNorm([[3.0]], [1.0], p=2.0)]),
    }
    for name, net in nets.items():
        save(net, folder / f"{name}.npz")
    (folder / "random.nnet").write_text(NNET)
    foreign = [folder / "random.nnet"]
    for end, package in PACKAGES.items():
        if find_spec(package):
            foreign.append(folder / f"random.{end}")
            save(nets["random"], foreign[-1])
    tables = {"plain": (X, Y), "numbers": (X.astype("f4"), LABELS.index), "targets": (X, LABELS.Y)}
    for name, (points, y) in tables.items():
        np.savez(folder / f"table-{name}.npz", X=points, y=y)
    np.savez_compressed(folder / "table-packed.npz", X=X, y=Y, more=np.arange(3))
    objects = np.array([Pickled(folder / "executed")], dtype=object)
    np.savez(folder / "table-objects.npz", X=objects, y=objects)
    for name, text in CSV.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "utf16.csv").write_text(TABLE, encoding="utf-16")
    images = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, *range(12)])
    (folder / "images").write_bytes(images)
    (folder / "images.gz").write_bytes(gzip.compress(images))
    for name in ("built", "random"):
        found = verify(nets[name], X, Y)
        (folder / f"{name}.json").write_text(found.to_json())
    small = ["--trials", "3", "--steps", "3", "--scales", "0.1,1", "-q"]
    command(["study", str(folder / "t.csv"), *small, "--out", str(folder / "study")])
    with RunFolder(folder / "run", "construct", {"data": "t.csv", "jobs": 2}, 0) as run:
        run.text("table.csv", TABLE)
        run.publish()
    npz = sorted(folder.glob("table-*.npz"))
    certificates = [folder / "built.json", folder / "random.json"]
    return {
        "network": [folder / f"{name}.npz" for name in nets],
        "foreign network": foreign,
        "npz table": npz,
        "csv table": sorted(set(folder.glob("*.csv"))),
        "idx": [folder / "images", folder / "images.gz"],
        "certificate": certificates,
        "check": certificates,
        "run.json": [folder / "run" / "run.json", folder / "study" / "run.json"],
        "study": [folder / "study" / "study.sqlite"],
        "study rows": [folder / "study" / "study.sqlite"],
        "resume: run.json": [folder / "study" / "run.json"],
        "resume: references.json": [folder / "study" / "references.json"],
        "resume: study": [folder / "study" / "study.sqlite"],
        "command: verify": certificates,
        "command: check": [*certificates, folder / "built.npz"],
        "command: construct": [*npz, *sorted(folder.glob("*.csv"))],
    }


# Each of these reads a file that may be anything: it returns, or raises what `ALLOWED` names.


def read_network(path, corpus):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of what was folded, and the like
        net = load(path)
    assert isinstance(net, Network)


def read_table(path, corpus):
    data = datasets.load_table(path)
    assert len(data.X) == len(data.y)


def read_images(path, corpus):
    assert read_idx(path, 3).ndim == 3


def read_certificate(path, corpus):
    net = load(corpus / f"{_of(path)}.npz")
    stated = Certificate.from_file(path, net)
    stated.summary()
    assert Certificate.from_json(stated.to_json()) == stated
    recheck(stated, net, X, Y)


def check(path, corpus):
    net = load(corpus / f"{_of(path)}.npz")
    stated = check_command._read(path, net)
    check_certificate(stated, net.weights, net.biases, X, LABELS.targets, LABELS.index)


def _of(path):
    return "random" if "random" in path.name else "built"


def open_run(path, corpus):
    folder = _aside(path, path.parent / "run")
    path.replace(folder / "run.json")
    precious = folder / "precious"
    precious.write_text("mine")
    try:
        with RunFolder(folder, "construct", {}, 0) as run:
            run.text("a.txt", "1")
            run.publish()
    finally:
        assert precious.read_text() == "mine"


def _aside(path, folder):
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def read_study(path, corpus):
    found = load_study(path)
    found.summary()
    found.frame("scale")
    found.basins()
    found.histogram()
    found.export(path.with_suffix(".out.csv"))


def resume(name):
    """What resumes a study with one of its files replaced."""

    def resumed(path, corpus):
        folder = path.parent / "study"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(corpus / "study", folder)
        path.replace(folder / name)
        command(["study", "--resume", "--out", str(folder), "-q"])

    return resumed


def command(arguments):
    """Run a command and return its status: with 2, a refusal, must come one short line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    assert status in (0, 1, 2), status
    if status == 2:
        lines = err.getvalue().splitlines()
        assert lines and lines[-1].startswith("geomcore: "), lines
        assert len(lines[-1]) <= 300 and lines[-1].isprintable(), lines[-1]
    return status


def verify_command(path, corpus):
    arguments = ["verify", str(corpus / f"{_of(path)}.npz"), str(corpus / "t.csv")]
    command([*arguments, "--certificate", str(path), "--out", str(path.parent / "out"), "-q"])


def check_whole_command(path, corpus):
    named = {".json": [path, corpus / "built.npz"], ".npz": [corpus / "built.json", path]}
    arguments = map(str, [*named[path.suffix], corpus / "t.csv", "--out", path.parent / "out"])
    command(["check", *arguments, "-q"])


def construct_command(path, corpus):
    command(["construct", str(path), "--out", str(path.parent / "out"), "-q"])


READERS = {
    "network": read_network,
    "foreign network": read_network,
    "npz table": read_table,
    "csv table": read_table,
    "idx": read_images,
    "certificate": read_certificate,
    "check": check,
    "run.json": open_run,
    "study": read_study,
    "study rows": read_study,
    "resume: run.json": resume("run.json"),
    "resume: references.json": resume("references.json"),
    "resume: study": resume("study.sqlite"),
    "command: verify": verify_command,
    "command: check": check_whole_command,
    "command: construct": construct_command,
}
# How the mutants are shared out: the quick readers have most.
SHARES = {
    "network": 20,
    "foreign network": 20,
    "npz table": 20,
    "csv table": 15,
    "idx": 10,
    "certificate": 10,
    "check": 6,
    "run.json": 8,
    "study": 5,
    "study rows": 5,
    "resume: run.json": 0.1,
    "resume: references.json": 0.1,
    "resume: study": 0.1,
    "command: verify": 0.1,
    "command: check": 0.5,
    "command: construct": 0.1,
}
