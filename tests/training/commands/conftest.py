"""The command line, started in an empty folder."""

from functools import cache
from io import BytesIO
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest

from training.commands.cli import main
from training.experiments import plot_case
from training.output.folder import RunFolder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def in_full():
    """Named by a test that looks at pictures, or at what is proved of balanced layers."""


@cache
def nothing():
    """An empty picture, as a PNG and as an SVG file."""
    fig, files = plt.figure(), []
    for kind in ("png", "svg"):
        fig.savefig(file := BytesIO(), format=kind)
        files.append((kind, file.getvalue()))
    plt.close(fig)
    return files


def saved_empty(folder, name, fig, alt=""):
    """In place of `RunFolder.figure`."""
    for kind, text in nothing():
        folder.file(f"{name}.{kind}").write_bytes(text)
    plt.close(fig)
    return name


@pytest.fixture(autouse=True)
def _in_brief(request, monkeypatch):
    """Elsewhere figures of data are not drawn, none is saved, and studies prove nothing more.

    All that takes two thirds of the time of a small run.
    """
    if "in_full" in request.fixturenames:
        return
    monkeypatch.setattr(RunFolder, "figure", saved_empty)
    drawn = ("data", "margins", "piles", "truncation", "outputs")
    blank = SimpleNamespace(**{f"plot_{name}": lambda *given: plt.figure() for name in drawn})
    monkeypatch.setattr(plot_case, "plot", blank)
    monkeypatch.setattr(plot_case, "figure_of_cones", lambda *given: plt.figure())
    monkeypatch.setattr("training.study.proved.LARGE", 0)


@pytest.fixture
def run(capsys):
    """A function of the arguments of `geomcore`: status, standard output, standard error."""

    def geomcore(*arguments):
        status = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return geomcore


@pytest.fixture
def table(tmp_path):
    """A CSV file with six points of three classes."""
    path = tmp_path / "flowers.csv"
    path.write_text("u,v,kind\n0,0,a\n.1,.2,a\n3,0,b\n3,.2,b\n0,3,c\n.1,3.2,c\n")
    return path
