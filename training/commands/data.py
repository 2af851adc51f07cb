"""The data set that a command is about."""

from pathlib import Path

from geomcore import datasets
from training.commands.options import BUNDLED, DRAWN


def load_data(source, *, seed=0, label=None):
    """Return a bundled data set by its name, or the table in a CSV or npz file.

    Parameters
    ----------
    source : str
        One of `DRAWN`, for which `seed` is, or `BUNDLED`, or a path.
        A path that is there wins; one that is not must end in .csv or .npz or hold a
        separator, else it counts as a misspelt name.
    seed : int
    label : str, optional
        Column of the label in a CSV file, by name or number.

    Raises
    ------
    ValueError
        If there is no such data set or file, or the file is not a table.
    ImportError
        If the data set comes with scikit-learn and that is not installed.
    """
    path = Path(source)
    drawn = source in DRAWN
    named = drawn or source in BUNDLED
    if not path.is_file() and named:
        if label is not None:
            raise ValueError(f"--label goes with CSV files, {source} is a bundled data set")
        make = getattr(datasets, source)
        return make(rng=seed) if drawn else make()
    if not path.exists() and path.suffix.lower() not in (".csv", ".npz", ".tsv", ".txt"):
        names = ", ".join(DRAWN + BUNDLED)
        raise ValueError(
            f"DATA must be one of {names}, or a CSV or npz file; there is no file {source}"
        )
    column = int(label) if label is not None and label.lstrip("-").isdigit() else label
    return datasets.load_table(source, label=column)
