"""Finished pieces of a long work, in a file that outlives its writer: what `--resume` goes on from.

A command whose work falls into pieces (a start of a census, a seed of an experiment) keeps each one
as it is finished, in one SQLite file of its run folder, a transaction for each. Whatever kills it,
the file holds whole pieces, and they are the same to the last bit when they are read again. Which
work it is stands in the file as well; pieces of another one are never taken for its own. There is
one writer, who has the run folder (`training.output.place`).
"""

import hashlib
import io
import json
from contextlib import contextmanager
from tokenize import TokenError

import msgspec
import numpy as np

from training.output import connection as sqlite
from training.output.connection import damaged, in_one_sentence

KIND = "pieces of a run"
APPLICATION = 0x67656F70  # "geop", in the header of the file
SCHEMA = 1
TABLES = """
CREATE TABLE about (content TEXT NOT NULL);
CREATE TABLE piece (name TEXT PRIMARY KEY, content BLOB NOT NULL, digest TEXT NOT NULL)
"""
LARGEST = 2**30  # bytes of a piece, about what SQLite takes
ARRAY = 1  # the code of an array in MessagePack


class Pieces:
    """Values by name that were kept already, and the place of those to come.

    Values are None, truth values, numbers, texts, bytes, NumPy arrays of numbers, and lists and
    dicts of these; a tuple or a set comes back as a list.

    Examples
    --------
    >>> with Pieces.open(None, {"seed": 0}) as pieces:
    ...     pieces["first"] = {"loss": 0.1, "weights": np.eye(2)}
    ...     "first" in pieces, "second" in pieces, pieces["first"]["loss"]
    (True, False, 0.1)
    """

    def __init__(self, path, connection):
        self.path, self._connection = path, connection

    @classmethod
    @contextmanager
    def open(cls, path, work):
        """Open the pieces of a work, and make the file if there is none.

        Parameters
        ----------
        path : Path or None
            None keeps the pieces in memory.
        work : dict
            What the work is: plain values by name, whatever its pieces depend on.

        Yields
        ------
        Pieces

        Raises
        ------
        ValueError
            If the file is of another work, which is said by the first name that differs; or if it
            is damaged or something else. It stays as it is then.
        OSError
            If it cannot be read or written.
        """
        is_new = path is None or not path.exists() or path.stat().st_size == 0
        told = json.dumps(msgspec.to_builtins(work), sort_keys=True)
        with in_one_sentence(path, KIND):
            connection = sqlite.connect_to_write(path)
        try:
            pieces = cls(path, connection)
            with in_one_sentence(path, KIND):
                if is_new:
                    pieces._begin(told)
                else:
                    pieces._check(told)
            yield pieces
        finally:
            connection.close()

    def __contains__(self, name):
        return bool(self._rows("SELECT 1 FROM piece WHERE name = ?", name))

    def __len__(self):
        return self._rows("SELECT count(*) FROM piece")[0][0]

    def __getitem__(self, name):
        found = self._rows("SELECT content, digest FROM piece WHERE name = ?", name)
        if not found:
            raise KeyError(name)
        content, told = found[0]
        try:
            if told != _digest(name, content):
                raise ValueError("its digest is another")
            return msgspec.msgpack.decode(content, ext_hook=_array)
        except (ValueError, TypeError, RecursionError):
            raise damaged(self.path, f"the piece {name} in it is damaged", KIND) from None

    def __setitem__(self, name, value):
        content = msgspec.msgpack.encode(value, enc_hook=_packed)
        if len(content) > LARGEST:
            raise ValueError(f"a piece must be of at most {LARGEST:,} bytes, got {len(content):,}")
        with in_one_sentence(self.path, KIND):
            self._connection.execute(
                "INSERT INTO piece VALUES (?, ?, ?)", [name, content, _digest(name, content)]
            )

    def _begin(self, told):
        execute = self._connection.execute
        if self.path is not None:
            # A piece is minutes of work: it is on the disk before the next one begins.
            execute("PRAGMA journal_mode = WAL")
            execute("PRAGMA synchronous = FULL")
        execute("BEGIN IMMEDIATE")
        execute(f"PRAGMA application_id = {APPLICATION}")
        execute(f"PRAGMA user_version = {SCHEMA}")
        for statement in TABLES.split(";"):
            execute(statement)
        execute("INSERT INTO about VALUES (?)", [told])
        execute("COMMIT")

    def _check(self, told):
        """Raise unless the file holds whole pieces of this work."""
        if self._rows("PRAGMA application_id") != [(APPLICATION,)]:
            raise damaged(self.path, "it is something else", KIND)
        version = self._rows("PRAGMA user_version")[0][0]
        if version != SCHEMA:
            raise damaged(self.path, f"it is of version {version}, not {SCHEMA}", KIND)
        if self._rows("PRAGMA quick_check(1)") != [("ok",)]:
            raise damaged(self.path, "it is damaged", KIND)
        self._connection.execute("PRAGMA synchronous = FULL")
        stored = self._rows("SELECT content FROM about")
        try:
            (content,) = [text for (text,) in stored]
            begun, now = (
                {name: json.dumps(value) for name, value in json.loads(text).items()}
                for text in (content, told)
            )
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise damaged(self.path, "it does not say which work it is of", KIND) from None
        for name in sorted({*begun, *now}):
            if begun.get(name) != now.get(name):
                raise ValueError(
                    f"{self.path} holds pieces of another work: {name} was {_short(begun, name)}, "
                    f"now it is {_short(now, name)}"
                )

    def _rows(self, query, *values):
        with in_one_sentence(self.path, KIND):
            return self._connection.execute(query, values).fetchall()


def spoilt(pieces, name, what):
    """The ValueError that says what is wrong with a value of `pieces`, a `Pieces` or a dict."""
    path = getattr(pieces, "path", None) or "pieces"
    return damaged(path, f"the piece {name} in it is damaged: {what}", KIND)


def _digest(name, content):
    return hashlib.sha256(name.encode() + b"\0" + content).hexdigest()


def _packed(value):
    """An array, with its type and shape, or a number of NumPy, as MessagePack takes it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSU":
        file = io.BytesIO()
        np.save(file, value, allow_pickle=False)
        return msgspec.msgpack.Ext(ARRAY, file.getvalue())
    raise TypeError(f"a piece must be of plain values and arrays, got {type(value).__name__}")


def _array(code, content):
    if code != ARRAY:
        raise ValueError(f"no value has code {code}")
    file = io.BytesIO(bytes(content))
    try:
        array = np.lib.format.read_array(file, allow_pickle=False)
    # Of a size that it does not have, or with a header that is none.
    except (MemoryError, OverflowError, SyntaxError, TokenError) as error:
        raise ValueError(str(error)) from None
    if file.read(1):
        raise ValueError("there is more than an array")
    return array


def _short(work, name):
    text = work.get(name, "not told")
    return text if len(text) <= 60 else f"{text[:57]}..."
