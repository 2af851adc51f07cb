"""`run.json`: what it says, and which files of a run are as the run left them."""

import hashlib
import os
import stat
from typing import Any, Literal

import msgspec

from geomcore.foreign.files import read_whole
from geomcore.foreign.schema import Mismatch, decoded

PROGRAM = "geomcore"
NAME = "run.json"
LARGEST = 2**24  # bytes
LONGEST_NAME = 255  # bytes, in all systems


Value = str | int | float | bool | None


class Fingerprint(msgspec.Struct, frozen=True):
    """Size in bytes and SHA-256 of a file, in hexadecimal."""

    size: int
    sha256: str


class Record(msgspec.Struct, kw_only=True):
    """What a `run.json` says.

    Attributes
    ----------
    program, command, arguments, seed, started, python, platform, versions, timings, seconds
        How the run was made; ``seconds`` is there when it has ended.
    files : list of str
        Names of all files of the run but this one. (Whatever else stands in the list is no
        name of a file.)
    live : list of str
        Those that the run goes on writing to after it has told their fingerprints.
    written : dict of str to Fingerprint
        Of the files when the run was published. Early runs have none, and their files count
        as a user's. So does a file that held, before the run, what the run would have written:
        it is not listed.
    before : dict of str to Fingerprint
        Of the files of an earlier run that are being replaced: there only while, or if
        a run was killed while, it moved its files into place.
    """

    program: Literal[PROGRAM]
    command: str = ""
    arguments: dict[str, Value | list[Value]] = {}
    seed: int | None = None
    started: str = ""
    python: str = ""
    platform: str = ""
    versions: dict[str, str | None] = {}
    timings: dict[str, float] = {}
    seconds: float | None = None
    files: list[Any] = []
    live: list[str] = []
    written: dict[str, Fingerprint] = {}
    before: dict[str, Fingerprint] = {}


class _Program(msgspec.Struct):
    program: Literal[PROGRAM]


def read_record(path):
    """Return the `Record` of a run folder; ValueError if there is none that this program wrote."""
    try:
        text = read_whole(path / NAME, "a record", LARGEST)
        decoded(text, _Program)
    except (OSError, ValueError):
        raise ValueError(
            f"--out must be a new or empty folder or an earlier run of {PROGRAM}, "
            f"{path} holds other files"
        ) from None
    try:
        return decoded(text, Record)
    except Mismatch as error:
        raise ValueError(f"{path / NAME} is damaged: {error}") from None


def fingerprint(path):
    """The `Fingerprint` of a file; None if there is none, or a link or a folder in its place."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Fingerprint(file.tell(), digest)
    except FileNotFoundError:
        return None


def plain_names(names):
    """Those of some names that are names of files in a folder, and of no others."""
    texts = {name for name in names if isinstance(name, str) and name.isprintable()}
    plain = {name for name in texts if name == os.path.basename(name)} - {"", ".", "..", NAME}
    return {name for name in plain if len(name.encode()) <= LONGEST_NAME}
