"""Experiments as small as they can be: one line registers one with all that tries every one.

What goes through all of them: the contract in training/commands/test_contract.py, and the spoiled
runs of fuzz_runs.py.
"""

import contextlib
from typing import NamedTuple
from unittest.mock import patch

import numpy as np

from training.experiments.kernels import at_scale
from training.experiments.sparse import protocol
from training.experiments.trained import plot_all
from training.output.folder import RunFolder


class Tiny(NamedTuple):
    """A small run.

    Attributes
    ----------
    options : tuple of str
        Of the command; a file of the folder where it is tried follows "@".
    wrong : tuple of str
        More options, with which it is refused.
    claims : tuple of str
        On which ``verdicts.csv`` says a verdict.
    by_itself : bool
        Whether it takes seconds: then its own tests try what the contract says.
    """

    options: tuple
    wrong: tuple
    claims: tuple = ()
    by_itself: bool = False

    def typed(self, folder):
        """The options, with the files of a folder."""
        return [str(folder / o[1:]) if o.startswith("@") else o for o in self.options]


ALONE = ("--seeds", "2", "--dims", "2", "--models", "linear", "--epochs", "1")
RUNS = {
    "census": Tiny(
        ("@t.csv", "--widths", "2,2,3", "--runs", "2", "--steps", "60"), ("--runs", "0")
    ),
    "dynamics": Tiny(
        (
            *("--seeds", "2", "--points", "6", "--fractions", "0.3,0.7", "--steps", "20"),
            "--no-film",
        ),
        ("--fractions", "0.5"),
        ("E5",),
    ),
    "mesa": Tiny(ALONE, ("--dims", "1"), ("A4",)),
    "nonneg": Tiny(
        (*ALONE[:-4], "--models", "linear,hard,negative-1", *ALONE[-2:]),
        ("--dims", "1"),
        ("B2", "B3"),
    ),
    "sparse": Tiny(
        ("--quick", "--seeds", "1"),
        ("--seeds", "0"),
        ("D1", "D2", "D3", "D4", "D5"),
        by_itself=True,
    ),
    "trained": Tiny(
        (
            *("--mnist", "@mnist", "--digits", "0,1", "--losses", "mse", "--seeds", "1"),
            *("--steps", "20"),
        ),
        ("--losses", "bce"),
        ("E6", "E7", "E8"),
    ),
}
TINY = protocol.Size(units=12, synthetic_units=6, points=400, steps=8, looked_up=60)


def write_images(folder):
    """Write twelve images of 4 x 4 pixels for two digits into a new folder, as MNIST has them."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 6)
    images = (rng.random((2, 4, 4)) < 0.4)[y] * rng.integers(150, 256, (12, 4, 4))
    for split in ("train", "t10k"):
        for name, values in (("images-idx3", images), ("labels-idx1", y)):
            shape = b"".join(n.to_bytes(4, "big") for n in values.shape)
            content = bytes([0, 0, 8, values.ndim]) + shape + values.astype(np.uint8).tobytes()
            (folder / f"{split}-{name}-ubyte").write_bytes(content)


@contextlib.contextmanager
def small():
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
