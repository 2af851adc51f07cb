"""Pieces of a work come back to the bit, or not at all."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, floating_dtypes, integer_dtypes

from training.output.pieces import Pieces

WORK = {"seed": 0, "data": "ab12", "widths": [3, 4]}

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


def same(a, b):
    """Whether two values agree to the last bit."""
    if isinstance(a, dict):
        return isinstance(b, dict) and [*a] == [*b] and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return isinstance(b, float) and np.float64(a).tobytes() == np.float64(b).tobytes()
    return type(a) is type(b) and a == b


@given(PLAIN)
def test_plain_values_come_back(value):
    with Pieces.open(None, WORK) as pieces:
        pieces["it"] = value
        assert same(value, pieces["it"])


@given(
    arrays(floating_dtypes() | integer_dtypes(), array_shapes(min_dims=0, max_dims=3, min_side=0))
)
def test_arrays_come_back_with_type_and_shape(array):
    with Pieces.open(None, WORK) as pieces:
        pieces["it"] = {"of": [array]}
        found = pieces["it"]["of"][0]
    assert found.dtype == array.dtype and found.shape == array.shape
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize("value", [object(), np.array([object()]), 2**64, {1: {2: print}}])
def test_what_does_not_come_back_is_refused(value):
    with Pieces.open(None, WORK) as pieces:
        with pytest.raises((TypeError, OverflowError)):
            pieces["it"] = value
        assert "it" not in pieces and len(pieces) == 0


def test_nothing_that_is_kept_is_replaced(tmp_path):
    with Pieces.open(tmp_path / "p", WORK) as pieces:
        pieces["it"] = 1
        with pytest.raises(sqlite3.IntegrityError):
            pieces["it"] = 2
        assert pieces["it"] == 1
        with pytest.raises(KeyError, match="other"):
            pieces["other"]


def test_pieces_of_another_work_are_told_apart(tmp_path):
    path = tmp_path / "p"
    with Pieces.open(path, WORK) as pieces:
        pieces["it"] = 1
    before = path.read_bytes()
    for other, told in (
        ({**WORK, "seed": 1}, "seed was 0, now it is 1"),
        ({**WORK, "seed": False}, "seed was 0, now it is false"),
        ({**WORK, "widths": [4, 3]}, r"widths was \[3, 4\], now it is \[4, 3\]"),
        ({**WORK, "loss": None}, "loss was not told, now it is null"),
        ({k: v for k, v in WORK.items() if k != "data"}, "data was .ab12., now it is not told"),
    ):
        with pytest.raises(ValueError, match=told), Pieces.open(path, other):
            pass
    assert path.read_bytes() == before
    with Pieces.open(path, {**WORK, "widths": (3, 4)}) as pieces:
        assert pieces["it"] == 1


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE piece SET content = x'02'",
        "UPDATE piece SET digest = 'ab'",
        "UPDATE piece SET name = 'other'",
        "UPDATE piece SET content = 'text'",
        "UPDATE piece SET content = 5",
        "UPDATE about SET content = '{'",
        "UPDATE about SET content = '[1]'",
        "DELETE FROM about",
        "INSERT INTO about VALUES ('{}')",
        "DROP TABLE piece",
        "PRAGMA user_version = 2",
        "PRAGMA application_id = 7",
    ],
)
def test_what_was_tampered_with_is_refused(tmp_path, spoil):
    path = tmp_path / "p"
    with Pieces.open(path, WORK) as pieces:
        pieces["it"] = 1
    with sqlite3.connect(path) as connection:
        connection.execute(spoil)
    connection.close()
    with pytest.raises(ValueError, match="must be the file of pieces of a run"):
        with Pieces.open(path, WORK) as pieces:
            return pieces["other" if "other" in spoil else "it"]


def _array_of(header, data=b""):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 is no archive",
        b"\x93NUMPY",
        _array_of("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}"),
        _array_of("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000000000,)}"),
        _array_of("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
        _array_of("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"x" * 8),
        _array_of("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", b"x" * 9),
        _array_of("{'descr': 'what', 'fortran_order': False, 'shape': ()}"),
        _array_of("{["),
    ],
)
def test_an_array_that_is_none_is_refused_though_its_digest_fits(tmp_path, content):
    with Pieces.open(tmp_path / "p", WORK) as pieces:
        pieces["it"] = 1
        packed = msgspec.msgpack.encode([msgspec.msgpack.Ext(1, content)])
        digest = hashlib.sha256(b"it\0" + packed).hexdigest()
        pieces._connection.execute("UPDATE piece SET content = ?, digest = ?", [packed, digest])
        with pytest.raises(ValueError, match="the piece it in it is damaged"):
            pieces["it"]


def test_a_file_of_another_kind_stays_as_it_is(tmp_path):
    path = tmp_path / "p"
    path.write_bytes(b"my notes " * 200)
    with pytest.raises(ValueError, match="pieces of a run"), Pieces.open(path, WORK):
        pass
    assert path.read_bytes() == b"my notes " * 200


def test_a_writer_that_is_killed_leaves_whole_pieces(tmp_path):
    path = tmp_path / "p"
    script = """
import os, signal, sys
from pathlib import Path
import numpy as np
from training.output.pieces import Pieces
with Pieces.open(Path(sys.argv[1]), {"seed": 0}) as pieces:
    for k in range(3):
        pieces[str(k)] = np.full(1000, k)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    killed = subprocess.run([sys.executable, "-c", script, path], env=environment, check=False)
    assert killed.returncode == -9
    with Pieces.open(path, {"seed": 0}) as pieces:
        assert len(pieces) == 3
        assert all((pieces[str(k)] == k).all() for k in range(3))
        pieces["3"] = None
        assert "3" in pieces and pieces["3"] is None
