"""The file of a study: one SQLite database that grows chunk by chunk and outlives its writer.

A store holds what the study is (configuration, references, library versions)
and one row per finished trial. A chunk of trials is one transaction: whatever
kills the writer, the file afterwards holds whole chunks only. The writer keeps
the file locked from `Store.open` to `Store.close`; the operating system drops
that lock with the process, so that nothing is left to clean up after a crash.
"""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from training.study.connection import check_writable, connect, in_one_sentence
from training.study.identity import as_json, check_same
from training.study.records import check_versions, new_session

APPLICATION = 0x67656F6D  # "geom", in the header of the file
SCHEMA = 2
# Files of schema 1 tell some studies apart that are not the same: they can be read, no more.
RESUMABLE = 2

TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE session (
    started TEXT NOT NULL, python TEXT NOT NULL, machine TEXT NOT NULL, versions TEXT NOT NULL
);
CREATE TABLE reference (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, loss REAL NOT NULL,
    tolerance REAL NOT NULL, learning_rate REAL, norm_per_scale REAL NOT NULL,
    certified_radius REAL
);
CREATE TABLE trial (
    reference INTEGER NOT NULL REFERENCES reference, scale INTEGER NOT NULL,
    trial INTEGER NOT NULL, initial_loss REAL NOT NULL, final_loss REAL NOT NULL,
    steps INTEGER NOT NULL, stop_reason TEXT NOT NULL, accuracy REAL NOT NULL,
    distance REAL NOT NULL, pattern_returned INTEGER NOT NULL, parameters BLOB,
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
}
REFERENCE = ("name", "loss", "tolerance", "learning_rate", "norm_per_scale", "certified_radius")


class Store:
    """An open study file; see `Store.open`."""

    def __init__(self, path, connection):
        self.path, self._connection = path, connection

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
            False opens an existing file for reading only.

        Returns
        -------
        Store

        Raises
        ------
        ValueError
            If the file holds another study, is of a newer schema, or is none of ours.
        OSError
            If the file cannot be written, or another process is at it.
        """
        if path is not None:
            path = Path(path)
            if path.is_dir() or not path.parent.is_dir():
                raise ValueError(f"path must be a file in an existing folder, got {path}")
            if not writing and not path.exists():
                raise FileNotFoundError(
                    f"{path} must be the file of a study, there is no such file"
                )
            if writing:
                check_writable(path)
        with in_one_sentence(path):
            store = cls(path, connect(path, writing))
            try:
                store._prepare(configuration, writing)
            except BaseException:
                store.close()
                raise
        return store

    def _prepare(self, configuration, writing):
        execute = self._connection.execute
        ours, schema = self._pragma("application_id"), self._pragma("user_version")
        is_new = not execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (is_new and not writing) or (not is_new and ours != APPLICATION):
            raise ValueError(f"{self.path} must be the file of a study, it is something else")
        if schema > SCHEMA:
            raise ValueError(
                f"{self.path} has schema version {schema}, this geomcore reads up to {SCHEMA}: "
                "a newer geomcore is needed"
            )
        if not is_new and schema < RESUMABLE and (writing or configuration is not None):
            raise ValueError(
                f"{self.path} has schema version {schema}, by which an older geomcore could take "
                "two studies for one: load_study reads it, but it cannot be resumed, give another "
                "file"
            )
        if not is_new and configuration is not None:
            check_same(self.path, self.about("configuration"), configuration)
        if not writing:
            return
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
            execute("INSERT INTO session VALUES (?, ?, ?, ?)", session)

    def close(self):
        """Close the file and let go of its lock."""
        with in_one_sentence(self.path):
            self._connection.close()

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

    def about(self, key):
        """What the study says about itself under `key`, or None."""
        found = self._rows("SELECT value FROM about WHERE key = ?", key)
        return json.loads(found[0][0]) if found else None

    def last_versions(self):
        """Library versions of the latest writer, by name."""
        found = self._rows("SELECT python, versions FROM session ORDER BY rowid DESC LIMIT 1")
        return {"python": found[0][0], **json.loads(found[0][1])} if found else {}

    def references(self):
        """The references as dicts, in order; empty before `set_references`."""
        rows = self._rows(f"SELECT {', '.join(REFERENCE)} FROM reference ORDER BY number")
        return [dict(zip(REFERENCE, row, strict=True)) for row in rows]

    def set_references(self, references):
        """Write down the references, dicts with the keys `REFERENCE`, once and for all."""
        rows = [[n, *(ref[key] for key in REFERENCE)] for n, ref in enumerate(references)]
        with in_one_sentence(self.path), self._transaction():
            marks = ", ".join("?" * (len(REFERENCE) + 1))
            self._connection.executemany(f"INSERT INTO reference VALUES ({marks})", rows)

    def set_certified(self, radii):
        """Write down certified radii by the name of their reference; None leaves one as it is."""
        rows = [(radius, name) for name, radius in radii.items() if radius is not None]
        with in_one_sentence(self.path), self._transaction():
            self._connection.executemany(
                "UPDATE reference SET certified_radius = ? WHERE name = ?", rows
            )

    def done(self):
        """The set of (reference, scale, trial) that are stored."""
        return set(self._rows("SELECT reference, scale, trial FROM trial"))

    def add(self, columns):
        """Store a chunk of trials, all of it or nothing.

        Parameters
        ----------
        columns : dict of sequence
            With the keys `COLUMNS`, one entry per trial, and possibly
            ``parameters`` with bytes.
        """
        data = [map(kind, columns[name]) for name, kind in _PLAIN.items()]
        data.append(columns.get("parameters") or [None] * len(columns["trial"]))
        marks = ", ".join("?" * len(data))
        with in_one_sentence(self.path), self._transaction():
            self._connection.executemany(
                f"INSERT INTO trial VALUES ({marks})", zip(*data, strict=True)
            )

    def columns(self):
        """All stored trials in order, as a dict of arrays with the keys `COLUMNS`."""
        rows = self._rows(
            f"SELECT {', '.join(COLUMNS)} FROM trial ORDER BY reference, scale, trial"
        )
        data = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        return {
            name: np.array(values, dtype=kind)
            for (name, kind), values in zip(COLUMNS.items(), data, strict=True)
        }

    def parameters(self, reference, scale, trial):
        """The final parameters of one trial as bytes, or None."""
        found = self._rows(
            "SELECT parameters FROM trial WHERE (reference, scale, trial) = (?, ?, ?)",
            reference,
            scale,
            trial,
        )
        return found[0][0] if found else None

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


_PLAIN = {name: str if kind is object else kind for name, kind in COLUMNS.items()}
