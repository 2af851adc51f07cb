"""Run folders of the experiments and of the claims, and what goes on from them or judges them."""

import contextlib
import hashlib
import shutil
from unittest.mock import patch

import numpy as np
from fuzz_corpus import command

from training.experiments.claims.evidence import judgements
from training.experiments.claims.running import FINISHED, done
from training.experiments.claims.works import WORKS
from training.experiments.kernels import at_scale
from training.experiments.sparse import protocol
from training.experiments.trained import plot_all
from training.output.folder import RunFolder
from training.output.pieces import Pieces

PIECES = "pieces.sqlite"
ALONE = ("--seeds", "1", "--dims", "2", "--models", "linear", "--epochs", "1")
# As small as a run of each can be; a file of the corpus follows "@".
RUNS = {
    "census": ("@t.csv", "--widths", "2,2,3", "--runs", "2", "--steps", "60"),
    "dynamics": (
        *("--seeds", "2", "--points", "6", "--fractions", "0.3,0.7", "--steps", "20"),
        "--no-film",
    ),
    "mesa": ALONE,
    "nonneg": ALONE,
    "sparse": ("--quick", "--seeds", "1"),
    "trained": (
        *("--mnist", "@mnist", "--digits", "0,1", "--losses", "mse", "--seeds", "1"),
        *("--steps", "20"),
    ),
}
TINY = protocol.Size(units=12, synthetic_units=6, points=400, steps=8, looked_up=60)
CLAIMED = {
    "minima.csv": (
        "name,kind,classes,loss,closed_form,verdict,proved\n"
        "state 10,paper,2,0.5,0.5,local minimum,True\nstate 01,state,2,0.25,,saddle,False\n"
    ),
    "trials.csv": (
        "scale,outcome,final_loss,accuracy\n0.05,returned,0.0,1.0\n1.0,left,0.4,0.85\n"
        "0.05,returned,1e-9,1.0\n1.0,diverged,,\n"
    ),
}


def make(folder):
    """Write run folders into a folder that holds the corpus; return the files of each reader.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to list of Path
    """
    _write_images(folder / "mnist")
    for name, options in RUNS.items():
        typed = [str(folder / o[1:]) if o.startswith("@") else o for o in options]
        with _small():
            command([name, *typed, "--jobs", "1", "-q", "--out", str(folder / name)])
        assert (folder / name / "index.html").exists(), name
    kernels = folder / "kernels"
    kernels.mkdir()
    with _small(), Pieces.open(kernels / PIECES, {"seeds": 1}) as pieces:
        at_scale.at_scale(1, pieces=pieces)
    for work in WORKS:
        _claim(folder / "claims" / work.folder, work)
    tables = [file for work in WORKS for file in (folder / "claims" / work.folder).glob("*.csv")]
    return {
        **{f"pieces: {name}": [folder / name / PIECES] for name in (*RUNS, "kernels")},
        **{f"run.json: {name}": [folder / name / "run.json"] for name in RUNS},
        "claims: tables": tables,
        "claims: run.json": [table.parent / "run.json" for table in tables],
    }


def _write_images(folder):
    """Twelve images of 4 x 4 pixels for two digits, as MNIST has them."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 6)
    images = (rng.random((2, 4, 4)) < 0.4)[y] * rng.integers(150, 256, (12, 4, 4))
    for split in ("train", "t10k"):
        for name, values in (("images-idx3", images), ("labels-idx1", y)):
            shape = b"".join(n.to_bytes(4, "big") for n in values.shape)
            content = bytes([0, 0, 8, values.ndim]) + shape + values.astype(np.uint8).tobytes()
            (folder / f"{split}-{name}-ubyte").write_bytes(content)


def _claim(place, work):
    """A finished run that answers for claims: what `geomcore claims` takes as it is."""
    arguments = {**work.left, **work.quick}
    table = work.table
    rows = "".join(f"{claim},yes,all of it\n" for claim in work.claims)
    place.parent.mkdir(exist_ok=True)
    with RunFolder(place, work.command, arguments, 0) as run:
        run.text(table, CLAIMED.get(table, f"claim,verdict,reason\n{rows}"))
        run.publish()


@contextlib.contextmanager
def _small():
    """Inside, runs are of a few steps, and pictures are saved empty."""
    save = RunFolder.figure

    def emptied(folder, name, fig, alt=""):
        fig.clear()
        fig.set_layout_engine("none")  # there is nothing to lay out
        return save(folder, name, fig, alt)

    def few(found, *, draws):
        import matplotlib.pyplot as plt

        for key in ("courses", "ladder", "outputs", "noise"):
            yield key, plt.figure(figsize=(1, 1)), "", ""

    with (
        patch.object(RunFolder, "figure", emptied),
        patch.object(at_scale, "EPOCHS", 1),
        patch.object(protocol, "QUICK", TINY),
        patch.object(protocol, "HELD_OUT", 300),
        patch.object(plot_all, "figures", few),
    ):
        yield


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def go_on(name, file):
    """What resumes a run of which one file is replaced: a file that is refused stays as it is."""

    def resumed(path, corpus):
        folder = path.parent / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(corpus / name, folder)
        before = _digest(path)
        path.replace(folder / file)
        (folder / "precious").write_text("mine")
        with _small():
            status = command([name, "--resume", "--out", str(folder), "--jobs", "1", "-q"])
        assert (folder / "precious").read_text() == "mine"
        if status == 2:
            assert _digest(folder / file) == before, "changed a file that it refused"

    return resumed


def kernels(path, corpus):
    with _small(), Pieces.open(path, {"seeds": 1}) as pieces:
        found = at_scale.at_scale(1, pieces=pieces)
    at_scale.in_words(at_scale.overview(found, seed=0))


def judge(is_table):
    """What judges claims by runs of which a table or the record is replaced."""

    def judged(path, corpus):
        folder = path.parent / "claims"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(corpus / "claims", folder)
        for work in WORKS:
            table = work.table
            if is_table and table != path.name:
                continue
            file = folder / work.folder / (table if is_table else "run.json")
            honest = file.read_bytes()
            shutil.copy(path, file)
            state = _state(work, folder)
            if is_table and file.read_bytes() != honest:
                assert state != FINISHED, "took a table that was changed"
            rows = judgements(folder, [])
            assert {row["claim"] for row in rows} >= {*work.claims}
            file.write_bytes(honest)

    return judged


def _state(work, folder):
    """How far a run has come; what is wrong with its record makes it one that failed."""
    try:
        return done(work, folder, quick=True, seed=0)
    except (ValueError, OSError):
        return "failed"


READERS = {
    **{f"pieces: {name}": go_on(name, PIECES) for name in RUNS},
    "pieces: kernels": kernels,
    **{f"run.json: {name}": go_on(name, "run.json") for name in RUNS},
    "claims: tables": judge(True),
    "claims: run.json": judge(False),
}
SHARES = {
    "pieces: census": 0.2,
    "pieces: dynamics": 0.2,
    "pieces: mesa": 0.1,
    "pieces: nonneg": 0.1,
    "pieces: sparse": 0.1,
    "pieces: trained": 0.1,
    "pieces: kernels": 0.5,
    **{f"run.json: {name}": 0.02 for name in RUNS},
    "claims: tables": 1,
    "claims: run.json": 0.5,
}
