"""The command line, started in an empty folder."""

import pytest

from training.commands.cli import main
from training.output.folder import RunFolder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def in_full():
    """Named by a test that looks at pictures, or at what is proved of balanced layers."""


@pytest.fixture(autouse=True)
def _in_brief(request, monkeypatch):
    """Elsewhere figures are made, but saved empty, and studies prove nothing of balanced layers.

    Both together take two thirds of the time of a small run.
    """
    if "in_full" in request.fixturenames:
        return
    save = RunFolder.figure

    def emptied(folder, name, fig, alt=""):
        fig.clear()
        fig.set_layout_engine("none")  # there is nothing to lay out
        return save(folder, name, fig, alt)

    monkeypatch.setattr(RunFolder, "figure", emptied)
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
