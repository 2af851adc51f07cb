"""The file of a study: one SQLite database that grows chunk by chunk and outlives its writer.

A store holds what the study is (configuration, references, library versions)
and one row per finished trial. A chunk of trials is one transaction: whatever
kills the writer, the file afterwards holds whole chunks only. There is one
writer at a time, and any number of readers beside it; see
`training.output.connection`. What a file says is checked before it is used: one
that does not hold a study of ours is refused and left as it is.
"""

import json
import time
from contextlib import contextmanager

import numpy as np

from geomcore.foreign.files import as_path
from training.output import connection as sqlite
from training.output.connection import damaged, in_one_sentence
from training.study.identity import as_json, check_same
from training.study.records import (
    COLUMNS,
    KINDS,
    MADE_BY,
    PLAIN,
    REFERENCE,
    TABLES,
    Grid,
    Part,
    Reference,
    check_versions,
    checked,
    is_made_by,
    new_session,
    words_of,
)

APPLICATION = 0x67656F6D  # "geom", in the header of the file
SCHEMA = 3
# Files of schema 2 go on as they are: their trials do not say whether they were falling. Those of
# schema 1 tell some studies apart that are not the same: they can be read, no more.
RESUMABLE = 2


class Store:
    """An open study file; see `Store.open`."""

    def __init__(self, path, connection, *, held=None, seen=None):
        self.path, self._connection, self._held, self._seen = path, connection, held, seen
        self._session, self._begun = None, time.monotonic()

    @classmethod
    def open(cls, path, configuration, *, writing=True):
        """Open the store of a study, and make the file if there is none.

        Parameters
        ----------
        path : path-like or None
            None keeps the study in memory.
        configuration : dict or None
            What the study is, plain values by name. The file must hold the
            same one; None takes any.
        writing : bool
            False opens an existing file for reading only, also while another
            process writes it: what is read is what was there at the opening.

        Returns
        -------
        Store

        Raises
        ------
        ValueError
            If the file holds another study, is of a newer schema, is damaged, or is none of ours.
        OSError
            If the file cannot be read or written, or another process writes it and we want to.
        """
        if path is None:
            store = cls(None, sqlite.connect_to_write(None))
            store._begin(configuration, is_new=True)
            return store
        path = as_path(path)
        is_file = path.is_file() or (writing and not path.exists())
        if path.parent.is_dir() and not path.exists() and not writing:
            raise FileNotFoundError(f"{path} must be the file of a study, there is no such file")
        if not path.parent.is_dir() or not is_file:
            raise ValueError(f"path must be a file in an existing folder, got {path}")
        if not writing:
            return cls._reading(path, configuration)
        sqlite.check_writable(path)
        with in_one_sentence(path):
            held = sqlite.claim(path)
            try:
                is_new = not path.exists() or cls._is_empty(path, configuration)
                store = cls(path, sqlite.connect_to_write(path), held=held)
            except BaseException:
                sqlite.release(path, held)
                raise
            try:
                store._begin(configuration, is_new=is_new)
            except BaseException:
                store.close()
                raise
        return store

    @classmethod
    def _reading(cls, path, configuration):
        """The store of a file that is read only, checked as far as its configuration."""
        with in_one_sentence(path):
            connection, seen = sqlite.connect_to_read(path)
            store = cls(path, connection, seen=seen)
            try:
                if store._has_nothing():
                    raise damaged(path, "it is something else, or nothing is in it yet")
                store._check(configuration, resuming=False)
            except BaseException:
                store.close()
                raise
        return store

    @classmethod
    def _is_empty(cls, path, configuration):
        """Whether a file is empty; if it is not, every row of it is checked, without a change."""
        connection, seen = sqlite.connect_to_read(path)
        with cls(path, connection, seen=seen) as store:
            if store._has_nothing():
                return True
            store._check(configuration, resuming=True)
            store._check_references()
            store.check_keys(store.columns())
            store.last_versions()
            store.parts()
        return False

    def _has_nothing(self):
        """Whether there is no table; SQLite takes a few bytes of anything for an empty file."""
        if 0 < self.path.stat().st_size < 512:
            raise damaged(self.path, "it is something else or damaged")
        return not self._rows("SELECT count(*) FROM sqlite_master")[0][0]

    def _check(self, configuration, *, resuming):
        """Raise unless this is a study that can be read or, if wished, resumed."""
        if self._pragma("application_id") != APPLICATION:
            raise damaged(self.path, "it is something else")
        if self.schema > SCHEMA:
            raise ValueError(
                f"{self.path} has schema version {self.schema}, this geomcore reads up to "
                f"{SCHEMA}: a newer geomcore is needed"
            )
        if self.schema < RESUMABLE and (resuming or configuration is not None):
            raise ValueError(
                f"{self.path} has schema version {self.schema}, by which an older geomcore could "
                "take two studies for one: load_study reads it, but it cannot be resumed, give "
                "another file"
            )
        found = self._rows("SELECT type, name, tbl_name, sql FROM sqlite_master")
        tables = {name: words_of(sql) for kind, name, _, sql in found if kind == "table"}
        if not all(is_made_by(name, tables.get(name)) for name in MADE_BY):
            raise damaged(self.path, "it is damaged: its tables are not those of a study")
        if resuming:
            # Indices without a text are those that the tables make themselves.
            more = [kind for kind, _, on, sql in found if on in MADE_BY and kind != "table" and sql]
            if more:
                raise damaged(self.path, "something was added to its tables, so it cannot go on")
            if self._pragma("quick_check(1)") != "ok":
                raise damaged(self.path, "it is damaged")
        stored = self.configuration
        if configuration is not None:
            check_same(self.path, stored, configuration)

    def _check_references(self):
        """Raise unless the references, if they are there, are those of the configuration."""
        found, stored = self.references(), self.configuration
        names = stored.get("references")
        if found and isinstance(names, dict) and {ref["name"] for ref in found} != set(names):
            raise damaged(self.path, "it is damaged: its references are not those it was made for")
        if stored.get("optimizer") == "default" and not all(ref["learning_rate"] for ref in found):
            raise damaged(self.path, "it is damaged: a reference has no learning rate")

    def _begin(self, configuration, *, is_new):
        """Make the tables if there are none, and write down who writes from now on."""
        execute = self._connection.execute
        self._pragma("journal_mode = WAL")
        session = new_session()
        if not is_new:
            check_versions(self.path, self.last_versions(), session)
        with self._transaction():
            if is_new:
                self._pragma(f"application_id = {APPLICATION}")
                self._pragma(f"user_version = {SCHEMA}")
                for statement in TABLES.split(";"):
                    execute(statement)
                execute("INSERT INTO about VALUES ('configuration', ?)", [as_json(configuration)])
            self._session = execute("INSERT INTO session VALUES (?, ?, ?, ?)", session).lastrowid

    def close(self):
        """Close the file and let go of its lock.

        Raises
        ------
        OSError
            If it was read, and a writer has come and changed it meanwhile.
        """
        with in_one_sentence(self.path):
            try:
                if self._held is not None:
                    sqlite.settle(self._connection)
                self._connection.close()
            finally:
                if self._held is not None:
                    sqlite.release(self.path, self._held)
        if self._seen is not None and sqlite.fingerprint(self.path) != self._seen:
            raise OSError(f"{self.path} was changed while it was read: read it again")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @property
    def schema(self):
        """Schema version of the file."""
        return self._pragma("user_version")

    def sessions(self):
        """How many times a writer has opened the file."""
        return self._rows("SELECT count(*) FROM session")[0][0]

    def parts(self):
        """The `Part` of each writer, in order."""
        found = self._checked(list[tuple[int, str]], "SELECT rowid, started FROM session")
        seconds = {key: value for key, value in self._rows("SELECT key, value FROM about")}
        parts = [(started, _as_float(seconds.get(_seconds_of(n)))) for n, started in found]
        return checked(self.path, parts, list[Part], "session")

    @property
    def configuration(self):
        """What the study is: plain values by name."""
        found = self._rows("SELECT value FROM about WHERE key = 'configuration'")
        try:
            # Not by msgspec, since Python writes infinite settings that are no JSON.
            value = json.loads(found[0][0])
        except (IndexError, TypeError, ValueError, RecursionError):
            raise damaged(self.path, "it is damaged: no configuration") from None
        checked(self.path, value, Grid, "configuration")
        return value

    def last_versions(self):
        """Library versions of the latest writer, by name."""
        kind = list[tuple[str, str]]
        query = "SELECT python, versions FROM session ORDER BY rowid DESC LIMIT 1"
        (python, text), *_ = self._checked(kind, query) or [("", "{}")]
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = text
        return {"python": python} | checked(self.path, found, dict[str, str | None], "session")

    def references(self):
        """The references as dicts, in order; empty before `set_references`."""
        names = self._held_of("reference", REFERENCE)
        rows = self._rows(f"SELECT number, {', '.join(names)} FROM reference ORDER BY number")
        if [number for number, *_ in rows] != list(range(len(rows))):
            raise damaged(self.path, "it is damaged: its references are not numbered")
        lacking = dict.fromkeys(REFERENCE)
        found = [lacking | dict(zip(names, row, strict=True)) for _, *row in rows]
        checked(self.path, found, list[Reference], "reference")
        return found

    def set_references(self, references):
        """Write down the references, dicts with the keys `REFERENCE`, once and for all."""
        # Plain numbers, since SQLite would keep those of NumPy as bytes.
        names = self._held_of("reference", REFERENCE)
        plain = [[_number(ref.get(key)) for key in names] for ref in references]
        rows = [[n, *values] for n, values in enumerate(plain)]
        with in_one_sentence(self.path), self._transaction():
            marks = ", ".join("?" * (len(names) + 1))
            self._connection.executemany(f"INSERT INTO reference VALUES ({marks})", rows)

    def set_certified(self, radii):
        """Write down certified radii by the name of their reference; None leaves one as it is."""
        rows = [(float(radius), name) for name, radius in radii.items() if radius is not None]
        with in_one_sentence(self.path), self._transaction():
            self._connection.executemany(
                "UPDATE reference SET certified_radius = ? WHERE name = ?", rows
            )

    def done(self):
        """The set of (reference, scale, trial) that are stored."""
        columns = self.columns()
        keys = (columns[name].tolist() for name in ("reference", "scale", "trial"))
        return set(zip(*keys, strict=True))

    def add(self, columns):
        """Store a chunk of trials, all of it or nothing.

        Parameters
        ----------
        columns : dict of sequence
            With the keys `COLUMNS`, one entry per trial, and possibly
            ``parameters`` with bytes. Without ``late_loss`` it is not known.
        """
        lacking = [None] * len(columns["trial"])
        data = [
            map(PLAIN[name], columns[name]) if name in columns else lacking
            for name in self._held_of("trial", COLUMNS)
        ]
        data.append(columns.get("parameters") or lacking)
        marks = ", ".join("?" * len(data))
        with in_one_sentence(self.path), self._transaction():
            self._connection.executemany(
                f"INSERT INTO trial VALUES ({marks})", zip(*data, strict=True)
            )
            self._connection.execute(
                "INSERT OR REPLACE INTO about VALUES (?, ?)",
                [_seconds_of(self._session), f"{time.monotonic() - self._begun:.3f}"],
            )

    def columns(self):
        """All stored trials in order, as a dict of arrays with the keys `COLUMNS`."""
        there = self._held_of("trial", COLUMNS)
        names = ", ".join(name if name in there else f"NULL AS {name}" for name in COLUMNS)
        rows = self._checked(
            list[KINDS], f"SELECT {names} FROM trial ORDER BY reference, scale, trial"
        )
        data = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        columns = {
            name: np.array(values, dtype=kind)
            for (name, kind), values in zip(COLUMNS.items(), data, strict=True)
        }
        return columns

    def check_keys(self, columns):
        """Raise unless all trials are of this study."""
        grid = self.configuration
        counts = {"reference": len(self.references()), "scale": len(grid["scales"])}
        for name, count in (counts | {"trial": grid["trials"]}).items():
            if (columns[name] >= count).any():
                raise damaged(self.path, f"it is damaged: trials of a {name} that is not there")

    def parameters(self, reference, scale, trial):
        """The final parameters of one trial as bytes, or None."""
        found = self._rows(
            "SELECT parameters FROM trial WHERE (reference, scale, trial) = (?, ?, ?)",
            reference,
            scale,
            trial,
        )
        return checked(self.path, found[0][0], bytes | None, "trial") if found else None

    def _held_of(self, table, names):
        """Those of the names that are columns of a table, in their order."""
        held = {row[1] for row in self._rows(f"PRAGMA table_info({table})")}
        return [name for name in names if name in held]

    def _checked(self, kind, query):
        """The rows of a query, which must be of a kind."""
        return checked(self.path, self._rows(query), kind, query.split(" FROM ")[1].split()[0])

    def _rows(self, query, *values):
        with in_one_sentence(self.path):
            return self._connection.execute(query, values).fetchall()

    def _pragma(self, text):
        found = self._connection.execute(f"PRAGMA {text}").fetchone()
        return found and found[0]

    @contextmanager
    def _transaction(self):
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # After some errors SQLite has rolled back by itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _number(value):
    return value if value is None or isinstance(value, str) else float(value)


def _as_float(text):
    """The number in a text, or what else it is."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


def _seconds_of(session):
    return f"seconds {session}"
