"""The data set and the network that a command is about."""

import shlex
import sys
import warnings
from pathlib import Path

import numpy as np

from geomcore import datasets, load
from geomcore.arrays import as_labels
from geomcore.datasets.table_error import Option, TableError
from geomcore.datasets.targets import read_targets
from geomcore.foreign.wording import counted, one_line, suggestion
from training.commands.arguments.options import BUNDLED, DRAWN

LONGEST = 300  # characters of a line


def load_data(source, *, seed=0, targets=None, **table):
    """Return a bundled data set by its name, or the table in a CSV or npz file.

    Parameters
    ----------
    source : str
        One of `DRAWN`, for which `seed` is, or `BUNDLED`, or a path.
        A path that is there wins; one that is not must end in .csv or .npz or hold a
        separator, else it counts as a misspelt name.
    seed : int
    targets : str, optional
        As for `read_targets`; kept as the ``targets`` of the data.
    **table
        How a CSV file is read, as in `geomcore.datasets.load_table`; None is the default.

    Raises
    ------
    ValueError
        If there is no such data set or file, or the file is not a table. The
        sentence names the options of the command line.
    """
    path = Path(source)
    drawn = source in DRAWN
    named = drawn or source in BUNDLED
    given = {name: value for name, value in table.items() if value not in (None, [])}
    if not path.is_file() and named:
        if given:
            option = flag(Option(next(iter(given))))
            raise ValueError(f"{option} goes with CSV files, {source} is a bundled data set")
        make = getattr(datasets, source)
        return with_targets(make(rng=seed) if drawn else make(), targets)
    if not path.exists() and path.suffix.lower() not in (".csv", ".npz", ".tsv", ".txt"):
        names = ", ".join(DRAWN + BUNDLED)
        raise ValueError(
            f"DATA must be one of {names}, or a CSV or npz file; there is no file {source}"
            f"{suggestion(source, DRAWN + BUNDLED)}"
        )
    try:
        data = datasets.load_table(source, **given)
    except TableError as error:
        raise ValueError(error.told(flag)) from None
    try:
        as_labels(data.y, len(data.y))
    except ValueError:
        raise ValueError(
            f"{source}: the column of the label holds {len(np.unique(data.y))} different numbers "
            "that are not whole; give --label COLUMN, or, if they are values to fit, an npz file "
            "with y of shape (N, k)"
        ) from None
    return with_targets(data, targets)


def with_targets(data, targets):
    """Data with what a network is to put out for each label.

    Parameters
    ----------
    data : Dataset
    targets : str or None
        As for `read_targets`.

    Raises
    ------
    ValueError
        If they are not one for each label, or the data hold target vectors.
    """
    if targets is None:
        return data
    if np.ndim(data.y) == 2:
        raise ValueError("--targets goes with labels, DATA holds target vectors")
    wanted = read_targets(targets)
    as_labels(data.y, len(data.y), targets=wanted)
    return data._replace(info=data.info | {"targets": wanted})


def check_fit(net, data):
    """Raise ValueError unless a network takes the features of the data and answers their labels."""
    d, k = data.X.shape[1], as_labels(data.y, len(data.y), targets=data.targets).targets.shape[1]
    if net.widths[0] != d:
        raise ValueError(
            f"NETWORK takes {counted(net.widths[0], 'input')}, but DATA has "
            f"{counted(d, 'column')} of features"
        )
    if net.widths[-1] == k:
        return
    if data.targets is not None:
        told = f"--targets has {counted(k, 'number')} for each class"
    elif np.ndim(data.y) == 2:
        told = f"DATA has {counted(k, 'target')} per point"
    else:
        told = (
            f"DATA has {counted(k, 'class')}; say what it puts out for each, as --targets 0,1 "
            "does for two"
        )
    raise ValueError(f"NETWORK has {counted(net.widths[-1], 'output')}, but {told}")


def load_network(path):
    """Return the network in a file of any format that `geomcore.load` reads.

    What is to be told of it, such as a softmax that is left off, goes to
    standard error, in one line.
    """
    if str(path) in DRAWN + BUNDLED and not Path(path).exists():
        raise ValueError(f"NETWORK must be a file, {path} is a data set; NETWORK comes before DATA")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        net = load(path)
    for warning in told:
        print(one_line(f"note: {warning.message}", LONGEST), file=sys.stderr)
    return net


def flag(option):
    """An `Option` of `load_table` as it is written on the command line.

    Examples
    --------
    >>> flag(Option("header", False)), flag(Option("drop", "a b")), flag(Option("one_hot", True))
    ('--no-header', "--drop 'a b'", '--one-hot')
    """
    name = option.name.replace("_", "-")
    if option.value is False:
        return f"--no-{name}"
    if option.value is None or option.value is True:
        return f"--{name}"
    return f"--{name} {'tab' if option.value == chr(9) else shlex.quote(str(option.value))}"
