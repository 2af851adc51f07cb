"""What the rows of a study file say: who wrote them, when, with which libraries."""

import json
import platform
import sys
import time
import warnings
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated

import msgspec
from msgspec import Meta
from threadpoolctl import threadpool_info

from geomcore.foreign.wording import shortened
from training.descent.train_result import wrapped
from training.output.connection import damaged
from training.study.identity import as_json, short

# Versions of what may change a number in the last bit.
LIBRARIES = ("geomcore", "numpy", "numba")

TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE session (
    started TEXT NOT NULL, python TEXT NOT NULL, machine TEXT NOT NULL, versions TEXT NOT NULL
);
CREATE TABLE reference (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, loss REAL NOT NULL,
    tolerance REAL NOT NULL, learning_rate REAL, norm_per_scale REAL NOT NULL,
    certified_radius REAL, constant_loss REAL, relaxation REAL
);
CREATE TABLE trial (
    reference INTEGER NOT NULL REFERENCES reference, scale INTEGER NOT NULL,
    trial INTEGER NOT NULL, initial_loss REAL NOT NULL, final_loss REAL NOT NULL,
    steps INTEGER NOT NULL, stop_reason TEXT NOT NULL, accuracy REAL NOT NULL,
    distance REAL NOT NULL, pattern_returned INTEGER NOT NULL, late_loss REAL,
    parameters BLOB,
    PRIMARY KEY (reference, scale, trial)
) WITHOUT ROWID;
"""
COLUMNS = {
    "reference": int,
    "scale": int,
    "trial": int,
    "initial_loss": float,
    "final_loss": float,
    "steps": int,
    "stop_reason": object,
    "accuracy": float,
    "distance": float,
    "pattern_returned": bool,
    "late_loss": float,
}
PLAIN = {name: str if kind is object else kind for name, kind in COLUMNS.items()}


def words_of(statement):
    """A statement of SQL without its line breaks."""
    return " ".join(str(statement).split())


# The statement that makes each table, by name.
MADE_BY = {words.split()[2]: words for words in map(words_of, TABLES.split(";")) if words}
# What files of schema 1 and 2 lack: how a trial was falling, and what that is measured by.
LATER = (" late_loss REAL,", ", constant_loss REAL, relaxation REAL")


def is_made_by(name, statement):
    """Whether a table of this name was made by this toolkit, now or before schema 3."""
    words = MADE_BY[name]
    before = words
    for part in LATER:
        before = before.replace(part, "")
    return statement in (words, before)


Count = Annotated[int, Meta(ge=0)]
# A size may have overflowed to infinity, a setting may not.
Size = Annotated[float, Meta(ge=0)]
Setting = Annotated[float, Meta(ge=0, le=sys.float_info.max)]

# A row of trials without its parameters.
KINDS = tuple[
    Count,
    Count,
    Count,
    float,
    float,
    Count,
    str,
    Annotated[float, Meta(ge=0, le=1)],
    Size,
    Annotated[int, Meta(ge=0, le=1)],
    float | None,
]


class Grid(msgspec.Struct):
    """What every configuration says, whatever else it says."""

    scales: Annotated[list[Setting], Meta(min_length=1)]
    trials: Annotated[int, Meta(ge=1)]
    seed: Count


@dataclass(frozen=True)
class Reference:
    """A network that a study perturbs.

    Attributes
    ----------
    name : str
    loss : float
        Before any perturbation.
    tolerance : float
        A trial has returned if its final loss is within so much of ``loss``.
    learning_rate : float or None
        The rate that was used, if the optimizer has one.
    norm_per_scale : float
        Total norm of a perturbation of scale 1; that of scale :math:`\\lambda`
        is :math:`\\lambda` times as large.
    certified_radius : float or None
        Total norm up to which every perturbation provably returns.
    constant_loss : float or None
        Of the best constant output.
    relaxation : float or None
        Steps in which the slowest direction that matters shrinks by a factor e, see
        `training.study.planning.budget`.

    The last two are None also in files of schema 1 and 2, which do not hold them.
    """

    name: str
    loss: float
    tolerance: Setting
    learning_rate: Setting | None
    norm_per_scale: Size
    certified_radius: Setting | None = None
    constant_loss: Setting | None = None
    relaxation: Setting | None = None

    def __repr__(self):
        told = [
            f"{field.name.replace('_', ' ')} {getattr(self, field.name):.3g}"
            for field in fields(self)
            if field.name != "name" and getattr(self, field.name) is not None
        ]
        text = f"{shortened(self.name, 40)}: {', '.join(told)}"
        return f"Reference({wrapped(text)})"


class Part(msgspec.Struct, array_like=True, frozen=True):
    """One writer of a study.

    Attributes
    ----------
    started : str
    seconds : float or None
        Up to its last chunk of trials; None if it stored none.
    """

    started: str
    seconds: Setting | None


REFERENCE = tuple(field.name for field in fields(Reference))


def checked(path, value, kind, part):
    """A plain value as one of a kind, a type of msgspec.

    Raises
    ------
    ValueError
        If it is none: then this part of the file is damaged.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise damaged(path, f"it is damaged ({part}): {short(error, 120)}") from None


def check_versions(path, stored, session):
    """Warn if the libraries of a new session are not those of the last one."""
    now = {"python": session[1], **json.loads(session[3])}
    changed = [
        f"{name} {short(stored.get(name))} -> {now[name]}"
        for name in now
        if stored.get(name) != now[name]
    ]
    if changed:
        warnings.warn(
            f"{path} was written with other versions ({', '.join(changed)}): the trials to come "
            "may differ from those of an uninterrupted run in the last digits",
            stacklevel=5,
        )


def new_session():
    """The row of a writer that begins now: time, Python, machine, versions as JSON."""
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        platform.python_version(),
        platform.platform(),
        as_json({**{name: _version(name) for name in LIBRARIES}, "BLAS": _blas()}),
    )


def _blas():
    """What multiplies matrices here, and for which processor."""
    parts = ("internal_api", "version", "architecture")
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    # SciPy may bring another one.
    found.sort(key=lambda info: "numpy" not in info["filepath"])
    return " ".join(str(info[part]) for info in found[:1] for part in parts if info.get(part))


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def need_parquet():
    """Raise ImportError unless Parquet files can be written."""
    if find_spec("pyarrow") is None:
        raise ImportError("Parquet needs the package pyarrow: pip install 'geomcore[parquet]'")
