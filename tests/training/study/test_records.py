"""Files of studies that were damaged: one sentence, and nothing is changed."""

import random
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from geomcore.network import ReLUNetwork
from training.study.records import TABLES, Reference, check_versions, new_session
from training.study.result import load_study
from training.study.study import PerturbationStudy

NET, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
WRONG = [
    None,
    -1,
    1.5,
    10**15,
    float("inf"),
    -float("inf"),
    "",
    "a\x1b[31m\n" * 100,
    b"\xff\x00",
    "[" * 100_000,
    '{"scales": [[1], [2]], "seed": 0, "trials": 3}',
    '{"scales": "ab", "seed": 0, "trials": 3}',
    '{"scales": [1, 2], "seed": -1, "trials": true}',
    '{"scales": [' + "1" * 400 + ', 2], "seed": 0, "trials": 3}',
    '{"scales": [1], "seed": ' + "9" * 5000 + ', "trials": 3}',
]


def study_of(path):
    return PerturbationStudy(
        path, NET, X, X, scales=[0.1, 1.0], trials=3, steps=5, seed=0, keep_parameters=True
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a finished study."""
    path = tmp_path_factory.mktemp("whole") / "s"
    study_of(path).run()
    return path.read_bytes()


def refused_or_read(path):
    """Read and resume a file; the sentences by which that is refused."""
    before, sentences = path.read_bytes(), []
    for use in (load_study, lambda path: study_of(path).run()):
        try:
            use(path)
        except ValueError as error:
            sentence = str(error).replace(str(path), "s")
            assert sentence.isprintable() and len(sentence) <= 300
            assert path.read_bytes() == before
            assert [p.name for p in path.parent.iterdir()] == [path.name]
            sentences.append(sentence)
    return sentences


def execute(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement, *values in statements:
            connection.execute(statement, values)


def loosened(path):
    """Make the file's tables such as take any value."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema = ON")
    for table in ("about", "session", "reference", "trial"):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"CREATE TABLE {table} ({', '.join(names)})")
        marks = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    connection.commit()
    connection.close()


# Laws


@pytest.mark.filterwarnings("ignore:.*was written with other versions")
@pytest.mark.parametrize("value", WRONG, ids=[str(k) for k in range(len(WRONG))])
def test_a_wrong_value_anywhere_is_refused_or_harmless(tmp_path, whole, value):
    places = [
        (table, name)
        for table, names in {
            "about": ["key", "value"],
            "session": ["started", "python", "versions"],
            "reference": ["number", "name", "loss", "tolerance", "learning_rate"],
            "trial": ["reference", "scale", "trial", "final_loss", "steps", "stop_reason"],
        }.items()
        for name in names
    ]
    places += [("trial", name) for name in ("accuracy", "pattern_returned", "parameters")]
    path = tmp_path / "s"
    for table, name in places:
        path.write_bytes(whole)
        try:
            execute(path, (f"UPDATE {table} SET {name} = ?", value))
        except (sqlite3.IntegrityError, OverflowError):
            continue
        refused_or_read(path)


def test_tables_that_take_anything_are_refused(tmp_path, whole):
    path = tmp_path / "s"
    path.write_bytes(whole)
    loosened(path)
    assert (
        refused_or_read(path)
        == ["s must be the file of a study, it is damaged: its tables are not those of a study"] * 2
    )


@pytest.mark.filterwarnings("ignore:.*was written with other versions")
def test_bytes_that_were_changed_are_refused_or_harmless(tmp_path, whole):
    path, draw = tmp_path / "s", random.Random(0)
    refused = 0
    for _ in range(80):
        data = bytearray(whole)
        for _ in range(draw.choice([1, 1, 2, 30])):
            data[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(data)
        refused += bool(refused_or_read(path))
        for more in tmp_path.iterdir():
            more.unlink()
    assert refused > 10


# By hand


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON session BEGIN SELECT RAISE(ABORT, 'ha'); END",
        "CREATE TRIGGER t AFTER INSERT ON trial BEGIN DELETE FROM reference; END",
        "CREATE UNIQUE INDEX i ON trial (reference, scale, trial)",
    ],
)
def test_what_was_added_to_the_tables_is_read_but_not_resumed(tmp_path, whole, statement):
    path = tmp_path / "s"
    path.write_bytes(whole)
    execute(path, (statement,))
    assert refused_or_read(path) == [
        "s must be the file of a study, something was added to its tables, so it cannot go on"
    ]


def test_a_view_in_the_place_of_a_table_is_not_looked_at(tmp_path, whole):
    path = tmp_path / "s"
    path.write_bytes(whole)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    names = [line.split()[0] for line in "key value".split()]
    execute(path, ("DROP TABLE about",), (f"CREATE VIEW about ({names[0]}) AS {endless}",))
    assert len(refused_or_read(path)) == 2


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE trial SET scale = scale + 2", "a scale that is not there"),
        ("UPDATE trial SET reference = 1", "a reference that is not there"),
        ("UPDATE reference SET number = 1", "its references are not numbered"),
        ("UPDATE reference SET learning_rate = NULL", "no learning rate"),
        ("UPDATE reference SET name = 'other'", "not those it was made for"),
        ("DELETE FROM reference", "a reference that is not there"),
        ("UPDATE trial SET accuracy = 1.5", "(trial)"),
        ("UPDATE trial SET steps = 'x'", "(trial)"),
        ("DELETE FROM about", "no configuration"),
        ("UPDATE about SET value = 'x'", "no configuration"),
        ("UPDATE reference SET name = x'ff'", "(reference)"),
        ("UPDATE reference SET name = CAST(x'ff' AS TEXT)", "something else or damaged"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, whole, statement, what):
    path = tmp_path / "s"
    path.write_bytes(whole)
    execute(path, (statement,))
    sentences = refused_or_read(path)
    assert sentences
    assert all(what in sentence for sentence in sentences)


def test_a_study_that_is_used_as_another_one_is_refused_in_short_words(tmp_path, whole):
    path = tmp_path / "s"
    path.write_bytes(whole)
    key = "\x1b" + "k" * 1000
    execute(path, ("UPDATE about SET value = json_set(value, ?, ?)", f'$."{key}"', key))
    (sentence,) = refused_or_read(path)
    assert "another study" in sentence


def test_the_versions_of_a_session_are_compared():
    session = new_session()
    stored = {"python": "1.0\n", "numpy": None}
    with pytest.warns(UserWarning, match=r"python 1\.0\? -> ") as found:
        check_versions("s", stored, session)
    assert str(found[0].message).isprintable()
    assert TABLES.count("CREATE TABLE") == 4


def test_a_copy_made_by_the_file_system_or_by_sqlite_goes_on(tmp_path, whole):
    path = tmp_path / "s"
    path.write_bytes(whole)
    shutil.copy(path, tmp_path / "copy")
    connection = sqlite3.connect(path)
    connection.execute("VACUUM INTO ?", [str(tmp_path / "vacuum")])
    connection.close()
    expected = study_of(None).run().frame()
    for name in ("copy", "vacuum"):
        assert study_of(tmp_path / name).run().frame().equals(expected)


@pytest.mark.parametrize("more", [{}, {"certified_radius": 1e-5, "relaxation": 1872.993150405217}])
def test_a_reference_shows_itself_in_a_few_short_lines(more):
    names = "a\n" * 200, "zero loss"
    for name in names:
        lines = repr(Reference(name, 3.588e-28, 1 / 1500, 0.1, 3**0.5, **more)).splitlines()
        assert len(lines) <= 5 and max(map(len, lines)) <= 80
    assert lines[0].startswith("Reference(zero loss: loss 3.59e-28, tolerance 0.000667")
    assert ("relaxation" in " ".join(lines)) == bool(more)
