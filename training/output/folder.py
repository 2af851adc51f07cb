"""Run folders: everything one run leaves behind, written at once or not at all.

A run collects its files in a draft. `publish` moves them over one by one and removes files that an
earlier run left and this one no longer has; a run that fails before that changes nothing.
"""

import platform
import re
import time
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import msgspec

from geomcore.foreign.wording import printable
from geomcore.interop import save
from geomcore.plot.style import close, lay_out, lighten, same_names
from training.output.pieces import Pieces
from training.output.place import Place
from training.output.record import PROGRAM, read_record

LIBRARIES = ("geomcore", "numpy", "scipy", "numba", "cvxpy", "python-flint", "matplotlib", "pandas")
DPI = 110  # of PNG files
PIECES = "pieces.sqlite"
LONGEST_NAME = 80  # characters of a data set in the name of a file


class Picture(NamedTuple):
    """A figure in a run folder.

    Attributes
    ----------
    stem : str
        Of the names of its files.
    caption : str
    alt : str
        What it shows, for those who do not see it.
    width : int
        In pixels.
    """

    stem: str
    caption: str
    alt: str
    width: int = 0


class RunFolder:
    """The files of one run, in the making.

    Parameters
    ----------
    path : path-like
        Where the run is published: a folder that is missing or empty, or that
        holds an earlier run of this program. Of its files those that are as its
        `run.json` describes them are replaced or removed; all others stay.
    command : str
    arguments : dict
        Of plain values; `run.json` keeps them.
    seed : int
    force : bool or None
        Go on even if `path` holds a study, or a file of the earlier run that was
        changed since, or of which it tells no digest; such a file stays, and if
        this run has one of its name it is moved aside. None: no, and the command
        has no such option.

    Attributes
    ----------
    path : Path
    record : dict
        What `run.json` will say.
    aside : dict of str to str
        Files that were in the way and not ours, or that this run has read: their
        names, and their names now.

    Raises
    ------
    ValueError
        If `path` is a file, a folder with something else in it, in use by another
        run, or cannot be written; or, without `force`, may not be replaced.
    """

    def __init__(self, path, command, arguments, seed, *, force=None):
        self.path = Path(path)
        self._place, self._live = Place(path, command, force), set()
        self._draft, self.aside = self._place.draft, self._place.aside
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

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._place.leave()

    @contextmanager
    def timed(self, name):
        """Add the seconds that the block takes to the timings in `run.json`."""
        start = time.perf_counter()
        yield
        self.record["timings"][name] = round(time.perf_counter() - start, 3)

    def text(self, name, text):
        """Write a text file."""
        # Names of files that are no text in UTF-8 come to us with halves of surrogate pairs.
        (self._draft / name).write_text(text, encoding="utf-8", errors="backslashreplace")

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
        self._live |= set(live)
        self._place.fill(self.record, self._live, final=False)

    def keep(self, names):
        """Go on with these live files of an earlier run, which are in `path` already."""
        self._live |= set(names)

    @contextmanager
    def pieces(self, work, *, resume):
        """The finished pieces of a long work, in a file that stays in `path` if the run fails.

        Parameters
        ----------
        work : dict
            What the work is, as for `Pieces.open`.
        resume : bool
            Go on with the pieces of the run in `path`, if it has any; otherwise they go.

        Yields
        ------
        Pieces

        Raises
        ------
        ValueError, OSError
            As `Pieces.open`.
        """
        path = self.path / PIECES
        if resume:
            self.keep([PIECES])
        else:
            self._place.remove(PIECES)
            self.begin(live=[PIECES])
        with Pieces.open(path, work) as pieces:
            yield pieces

    def spare(self, paths):
        """Do not remove those files of an earlier run in `path` to which these paths lead.

        If this run has another file of the name, they are moved aside.

        Parameters
        ----------
        paths : sequence of str or path-like
            Links of any kind count as what they lead to; what is no path is nothing.
        """
        self._place.spared |= self._place.inside(paths)

    def table(self, name, rows):
        """Write a list of dicts or a DataFrame as `name`.csv, every float to its last bit."""
        import pandas as pd

        self.text(f"{name}.csv", pd.DataFrame(rows).to_csv(index=False))

    def network(self, name, net):
        """Write a network as `name`.npz."""
        save(net, self._draft / f"{name}.npz")

    def figure(self, name, fig, alt=""):
        """Write a matplotlib figure as `name`.png and `name`.svg and close it; return `name`.

        What it shows, in words, is written into both.
        """
        lighten(fig)
        # What is measured for the layout is remembered for the picture.
        fig.set_dpi(DPI)
        lay_out(fig)
        about = {"Description": printable(alt)} if alt else {}
        fig.savefig(self._draft / f"{name}.png", dpi=DPI, metadata=about)
        with same_names():
            fig.savefig(self._draft / f"{name}.svg", metadata={"Date": None, **about})
        close(fig)
        return name

    def figures(self, prefix, drawn):
        """Write figures one by one; return what the page needs of each.

        Parameters
        ----------
        prefix : str
            Of the names, as `stem` writes it.
        drawn : iterable of (str, matplotlib Figure, str, str)
            Rest of the name, figure, caption, and what it shows, in words.

        Returns
        -------
        list of Picture
        """
        prefix = stem(prefix)
        return [
            Picture(
                self.figure(f"{prefix}-{key}", fig, alt),
                caption,
                alt,
                round(DPI * fig.get_figwidth()),
            )
            for key, fig, caption, alt in drawn
        ]

    def publish(self):
        """Write `run.json` and move all files to their place.

        Raises
        ------
        OSError
            If the files cannot be moved, for instance for lack of permission.
        """
        self.record["seconds"] = round(time.perf_counter() - self._start, 3)
        self._place.fill(self.record, self._live, final=True)


def read_run(path):
    """Return the record in the `run.json` of a run folder.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        With the fields of a `Record`.

    Raises
    ------
    ValueError
        If there is none that this program wrote, or it is damaged.
    """
    return msgspec.to_builtins(read_record(path))


def stem(name):
    """The name of a data set as a part of the name of a file: any text will do.

    Examples
    --------
    >>> stem("my data/#1")
    'my-data-1'
    """
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII)[:LONGEST_NAME].strip("-") or "data"


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
