"""Run folders: everything one run leaves behind, written at once or not at all.

A run collects its files in a hidden folder beside the final one. `publish`
moves them over one by one and removes files that an earlier run left and this
one no longer has; a run that fails before that changes nothing.
"""

import json
import os
import platform
import shutil
import tempfile
import time
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from geomcore.interop import save
from geomcore.plot.style import close, lighten

PROGRAM = "geomcore"
LIBRARIES = ("geomcore", "numpy", "scipy", "numba", "cvxpy", "python-flint", "matplotlib", "pandas")


class RunFolder:
    """The files of one run, in the making.

    Parameters
    ----------
    path : path-like
        Where the run is published: a folder that is missing or empty, or that
        holds an earlier run of this program, which is then replaced.
    command : str
    arguments : dict
        Of plain values; `run.json` keeps them.
    seed : int

    Raises
    ------
    ValueError
        If `path` is a file, a folder with something else in it, or cannot be written.
    """

    def __init__(self, path, command, arguments, seed):
        self.path = Path(path)
        self._old_files, self._live = _files_of_earlier_run(self.path), set()
        self.record = {
            "program": PROGRAM,
            "command": command,
            "arguments": arguments,
            "seed": seed,
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "versions": {name: _version(name) for name in LIBRARIES},
            "timings": {},
        }
        self._start = time.perf_counter()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        except OSError as error:
            raise ValueError(f"--out {path} cannot be written: {error.strerror}") from None
        self._draft = Path(draft)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        shutil.rmtree(self._draft, ignore_errors=True)

    @contextmanager
    def timed(self, name):
        """Add the seconds that the block takes to the timings in `run.json`."""
        start = time.perf_counter()
        yield
        self.record["timings"][name] = round(time.perf_counter() - start, 3)

    def text(self, name, text):
        """Write a text file."""
        (self._draft / name).write_text(text, encoding="utf-8")

    def file(self, name):
        """Path of a file in the making, for what writes files by itself."""
        return self._draft / name

    def begin(self, live=()):
        """Publish `run.json` at once, and all files so far; go on in the place of the run.

        Parameters
        ----------
        live : sequence of str
            Names of files that are written in `path` itself from now on, and
            that stay there if the run fails.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        self._live |= {*live, *(p.name for p in self._draft.iterdir())}
        self.record["files"] = sorted(self._old_files | self._live)
        self.text("run.json", json.dumps(self.record, indent=2) + "\n")
        self.path.mkdir(parents=True, exist_ok=True)
        for file in sorted(self._draft.iterdir(), key=lambda file: file.name != "run.json"):
            os.replace(file, self.path / file.name)

    def keep(self, names):
        """Keep these files, which are in `path` already, when the run is published."""
        self._live |= set(names)

    def table(self, name, rows):
        """Write a list of dicts or a DataFrame as `name`.csv, every float to its last bit."""
        import pandas as pd

        self.text(f"{name}.csv", pd.DataFrame(rows).to_csv(index=False))

    def network(self, name, net):
        """Write a network as `name`.npz."""
        save(net, self._draft / f"{name}.npz")

    def figure(self, name, fig):
        """Write a matplotlib figure as `name`.png and `name`.svg and close it; return `name`."""
        lighten(fig)
        fig.savefig(self._draft / f"{name}.png", dpi=110)
        fig.savefig(self._draft / f"{name}.svg", metadata={"Date": None})
        close(fig)
        return name

    def figures(self, prefix, drawn):
        """Write figures one by one; return name and caption of each, for the page.

        Parameters
        ----------
        prefix : str
            Of the names.
        drawn : iterable of (str, matplotlib Figure, str)
            Rest of the name, figure, caption.

        Returns
        -------
        list of (str, str)
        """
        return [(self.figure(f"{prefix}-{key}", fig), caption) for key, fig, caption in drawn]

    def publish(self):
        """Write `run.json` and move all files to their place.

        Raises
        ------
        OSError
            If the files cannot be moved, for instance for lack of permission.
        """
        made = sorted(p.name for p in self._draft.iterdir())
        files = sorted({*made, *self._live})
        self.record["seconds"] = round(time.perf_counter() - self._start, 3)
        self.record["files"] = files
        self.text("run.json", json.dumps(self.record, indent=2) + "\n")
        self.path.mkdir(parents=True, exist_ok=True)
        # run.json comes first: if the rest fails, the folder is still known as ours.
        for name in ["run.json", *made]:
            os.replace(self._draft / name, self.path / name)
        for name in self._old_files - {"run.json", *files}:
            (self.path / name).unlink(missing_ok=True)


def read_run(path):
    """Return the record in the `run.json` of a run folder.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If there is none that this program wrote.
    """
    try:
        record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict) or record.get("program") != PROGRAM:
        raise ValueError(
            f"--out must be a new or empty folder or an earlier run of {PROGRAM}, "
            f"{path} holds other files"
        )
    return record


def _files_of_earlier_run(path):
    """Names of the files of a run in `path`; empty if there is nothing in it."""
    if not path.exists():
        return set()
    if not path.is_dir():
        raise ValueError(f"--out must be a folder, {path} is a file")
    if not any(path.iterdir()):
        return set()
    files = read_run(path).get("files", [])
    # Only plain names: a damaged run.json must not make us remove files elsewhere.
    return {n for n in files if isinstance(n, str) and n == Path(n).name and n not in ("", "..")}


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
