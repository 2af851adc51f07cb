"""Where a study came from, kept in its run folder: what it needs to go on, wherever that is.

``data.npz`` holds the points and the labels, up to `MOST_BYTES`; larger data are found by the
path at which they were, or by ``--data``. ``origin.json`` says the rest. Data that are read
again must have the digest of those that the study began with.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np

from geomcore import datasets
from geomcore.arrays import as_labels
from training.commands.arguments.data import load_data, with_targets
from training.output.record import PROGRAM
from training.study.identity import digest, short

DATA, ORIGIN = "data.npz", "origin.json"
# Of points and labels in a run folder.
MOST_BYTES = 64 * 2**20
# Of a JSON file in a run folder.
MOST_TEXT = 16 * 2**20
LONGEST_NAME = 250


class Made(msgspec.Struct, frozen=True):
    """How a network was made, for a reader.

    Attributes
    ----------
    method : str
        Of `constructions.construct`; "-" if it was read from a file.
    summary : str
    skipped : dict of str to str
        Why earlier methods do not apply.
    file : str or None
        Where it was read.
    """

    method: str = "-"
    summary: str = ""
    skipped: dict[str, str] = {}
    file: str | None = None


class Origin(msgspec.Struct, frozen=True):
    """What ``origin.json`` says.

    Attributes
    ----------
    command : str
        As it was typed.
    name : str
        Of the data set.
    digest : str
        Of points and classes.
    path : str or None
        Where the file of the data was; None for bundled data.
    made : Made
    seconds : dict of str to float
        Of what was done before the trials.
    info : dict
        What else is known of the data, as far as it is texts and numbers.
    """

    command: str
    name: str
    digest: str
    path: str | None
    made: Made
    seconds: dict[str, float]
    info: dict[str, str | int | float | list[str]] = {}


def keep_points(run, name, data):
    """Write data into a file of a run folder, unless they are large."""
    X, y = data.X, np.asarray(data.y)
    if X.nbytes + y.nbytes <= MOST_BYTES:
        # Objects would need a pickle, and floats are no labels to every reader; the numbers of
        # the classes, in their order, say the same.
        plain = y.dtype.kind in "biuU" or y.ndim == 2
        np.savez(run.file(name), X=X, y=y if plain else as_labels(y, len(X)).index)


def keep_origin(run, case, source, data=None):
    """Write data and origin of a new study into its run folder.

    Parameters
    ----------
    run : RunFolder
    case : Case
    source : str
        The data as they were named.
    data : Dataset, optional
        As they were read, if something was done to their columns since.
    """
    data = case.data if data is None else data
    keep_points(run, DATA, data)
    path = Path(source)
    origin = Origin(
        command=" ".join([PROGRAM, *sys.argv[1:]]),
        name=data.name,
        digest=_digest(data),
        path=str(path.absolute()) if path.is_file() else None,
        made=case.made,
        seconds=case.timings,
        info={key: value for key, value in data.info.items() if _is_plain(value)},
    )
    run.text(ORIGIN, msgspec.json.format(msgspec.json.encode(origin)).decode() + "\n")


def read_origin(folder):
    """The `Origin` of a run folder; None if it was made before there were any."""
    if not (folder / ORIGIN).exists():
        return None
    origin = read_json(folder / ORIGIN, Origin)
    # It becomes a part of the names of files.
    is_plain = origin.name == Path(origin.name).name and origin.name not in ("", "..")
    if not is_plain or len(origin.name) > LONGEST_NAME:
        raise ValueError(f"{folder / ORIGIN} must name the data, got {short(repr(origin.name))}")
    return origin


def data_of(folder, origin, source, where, **reading):
    """The data of a study that is resumed.

    Parameters
    ----------
    folder : Path
    origin : Origin or None
    source : str
        The data as they were named at the beginning.
    where : str or None
        Where they are now.
    **reading
        As for `load_data`.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If they are not found, or are not those of the study.
    """
    inside = folder / DATA
    if where is None and origin is not None and inside.exists():
        data = datasets.load_table(inside)._replace(info=origin.info)
        data, where = with_targets(data, reading.get("targets")), inside
    else:
        is_moved = where is None and origin is not None and origin.path is not None
        where = where or (origin.path if is_moved else source)
        if is_moved and not Path(where).exists():
            raise ValueError(f"the data of this study are no longer at {where}: say --data PATH")
        data = load_data(where, **reading)
    if origin is not None and _digest(data) != origin.digest:
        raise ValueError(
            f"--data must be the data of the study in {folder}, {where} holds others: their "
            "digest is not the same"
        )
    return data if origin is None else data._replace(name=origin.name)


def read_json(path, kind):
    """What a JSON file in a run folder says, as one of a kind, a type of msgspec.

    Raises
    ------
    ValueError
        If there is no such file, or it says something else.
    """
    try:
        if not path.is_file() or path.stat().st_size > MOST_TEXT:
            raise ValueError("there is no such file, or none of ours")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        reason = short(getattr(error, "strerror", None) or error, 120)
        raise ValueError(f"{path} must be of a run of {PROGRAM}: {reason}") from None


def _is_plain(value):
    if isinstance(value, list | tuple):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float)


def _digest(data):
    X = np.asarray(data.X, dtype=np.float64)
    return digest(X, as_labels(data.y, len(X)).index)
