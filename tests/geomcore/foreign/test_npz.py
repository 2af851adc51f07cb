"""npz files of others: what NumPy reads is read, and nothing takes more memory than it says."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geomcore.foreign.npz import read_npz

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
KINDS = ["?", "i1", "<u2", ">i4", "u8", "f2", ">f4", "f8", "c16", "S3", "<U2", ">U3", "M8[s]", "g"]


def npy(array):
    """The bytes of an array in a file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=True)
    return file.getvalue()


def header(text, version=(1, 0), data=b""):
    """The bytes of an array with any text for a header."""
    size = len(text).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + size + text.encode("latin-1") + data


def zipped(path, method=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def same(a, b):
    """Whether two arrays are the same in type, shape, order and bytes."""
    return a.dtype == b.dtype and a.shape == b.shape and npy(a) == npy(b)


# By hand


@pytest.mark.parametrize("method", METHODS)
def test_arrays_are_read_whatever_packed_them(tmp_path, method):
    kept = {
        "X": np.random.default_rng(0).normal(size=(700, 300)),
        "y": np.array(["a", "bé", "木"]),
        "zeros": np.zeros((600, 300)),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "number": np.array(3.5),
        "nothing": np.zeros((0, 3)),
    }
    zipped(tmp_path / "a.npz", method, **{name: npy(array) for name, array in kept.items()})
    found = read_npz(tmp_path / "a.npz")
    assert list(found) == list(kept)
    assert all(same(found[name], array) for name, array in kept.items())


def test_only_the_arrays_that_are_wanted_are_looked_at(tmp_path):
    members = {"X": npy([1.0]), "more": npy(np.array([{}], object)), "other": b"nonsense"}
    path = zipped(tmp_path / "a.npz", **members)
    assert list(read_npz(path, ["X"])) == ["X"]
    with pytest.raises(ValueError, match=r"must hold arrays X and y, it holds \['X', 'more', 'oth"):
        read_npz(path, ["X", "y"])


def test_a_header_of_python_2_is_read(tmp_path):
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1L,), }\n"
    path = zipped(tmp_path / "a.npz", x=header(text, data=np.array([0.5]).tobytes()))
    assert read_npz(path)["x"].tolist() == [0.5]


# Laws


@settings(max_examples=60)
@given(
    st.sampled_from(KINDS).flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0))
    ),
    st.sampled_from([np.savez, np.savez_compressed]),
)
def test_what_numpy_writes_is_read_bit_for_bit(tmp_path_factory, array, write):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    write(path, x=array)
    assert same(read_npz(path)["x"], array)


@settings(max_examples=150)
@given(st.data())
def test_a_file_that_is_damaged_anywhere_gives_its_arrays_or_a_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("npz")
    method = data.draw(st.sampled_from(METHODS))
    whole = zipped(folder / "a.npz", method, X=npy(np.eye(3)), y=npy(["a", "b"])).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    part = data.draw(st.sampled_from([b"", b"\0", b"\xff" * 4, b"(", b"[", b"9", b"PK\1\2"]))
    (folder / "a.npz").write_bytes(whole[:at] + part + whole[at + len(part) :])
    try:
        read_npz(folder / "a.npz")
    except ValueError as error:
        told = str(error).replace(str(folder), "")
        assert told.isprintable() and len(told) <= 220


# Bad input


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("announced", [2**40, 2**30, 2**20, 2**10])
def test_a_bomb_is_not_unpacked(tmp_path, method, announced):
    """2^24 zeros, of which the header of the array and the table of contents say as many."""
    shape = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({announced},), }}"
    packed = zipped(tmp_path / "a.npz", method, X=header(shape) + bytes(2**24)).read_bytes()
    size = (len(header(shape)) + announced).to_bytes(8, "little")[:4]
    at = packed.rindex(b"PK\1\2") + 24
    (tmp_path / "a.npz").write_bytes(packed[:at] + size + packed[at + 4 :])
    del packed
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="not a complete npz file"):
            read_npz(tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_many_small_bombs_are_counted_together(tmp_path):
    ten = dict.fromkeys("abcdefghij", npy(np.zeros(2**24, np.uint8)))
    path = zipped(tmp_path / "a.npz", zipfile.ZIP_DEFLATED, **ten)
    with pytest.raises(ValueError, match=r"would take 167,77\d,\d{3} bytes, .* uncompressed"):
        read_npz(path)


def test_a_dictionary_as_large_as_memory_is_not_made(tmp_path):
    path = zipped(tmp_path / "a.npz", zipfile.ZIP_LZMA, X=npy(np.zeros(99)))
    content = bytearray(path.read_bytes())
    at = content.index(b"X.npy") + 5 + 5
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="4,294,967,295 bytes of memory to unpack"):
        read_npz(path)


def test_an_encrypted_file_is_said_to_be_so(tmp_path):
    path = zipped(tmp_path / "a.npz", X=npy([1.0]))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"'X\.npy' is encrypted"):
        read_npz(path)


def test_a_table_of_contents_without_end_is_not_read(tmp_path):
    path = zipped(tmp_path / "a.npz", X=npy([1.0]))
    entry = path.read_bytes()
    at, end = entry.rindex(b"PK\1\2"), entry.rindex(b"PK\5\6")
    table = entry[at:end] * 100_000
    size = len(table).to_bytes(4, "little")
    path.write_bytes(entry[:at] + table + entry[end : end + 12] + size + entry[end + 16 :])
    with pytest.raises(ValueError, match="its table of contents is too large"):
        read_npz(path)


HEADER = "{{'descr': {}, 'fortran_order': {}, 'shape': {}}}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\1",
        b"\x93NUMPY\7\0",
        header("("),
        header("{'descr': ("),
        header("[" * 9000),
        header("-" * 9000 + "1"),
        header("{}"),
        header("x" * 60_000),
        header("\xe9", (3, 0)),
        header(HEADER.format("'<f8'", "False", "(10**9,)")),
        header(HEADER.format("'<f8'", "False", "(1e9,)")),
        header(HEADER.format("'<f8'", "False", "(-1,)")),
        header(HEADER.format("'<f8'", "False", "(True,)")),
        header(HEADER.format("'<f8'", "False", "3")),
        header(HEADER.format("'<f8'", "0", "(0,)")),
        header(HEADER.format("'<f8'", "False", "(1" + "0" * 400 + ",)")),
        header(HEADER.format("'<f8'", "False", "(0, 1" + "0" * 400 + ")")),
        header(HEADER.format("'<f8'", "False", "(0, " + "9, " * 40 + ")")),
        header(HEADER.format("'<U999999999'", "False", "(0,)")),
        header(HEADER.format("'>U536870912'", "False", "(0,)")),
        header(HEADER.format("'<U0'", "False", "(1000000000,)")),
        header(HEADER.format("'f7'", "False", "(0,)")),
        header(HEADER.format("'M8[x]'", "False", "(0,)")),
        header(HEADER.format("3", "False", "(0,)")),
        header(HEADER.format("[('a', '<f8')]", "False", "(0,)")),
        header(HEADER.format("'|b1'", "False", "(1,)"), data=b"\7"),
        header(HEADER.format("'<U1'", "False", "(1,)"), data=b"\xff\xff\xff\xff"),
        npy([1.0])[:-1],
        npy([1.0]) + b"\0",
    ],
)
def test_a_header_that_is_not_as_it_must_be_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match=r"not a complete npz file: 'X\.npy' "):
        read_npz(zipped(tmp_path / "a.npz", X=content))


def test_names_that_are_no_arrays_are_quoted(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("\x1b[2J\n" + "x" * 5000, b"")
    with pytest.raises(ValueError, match=r"'.x1b\[2J.nx+\.\.\.x+', which is not an array"):
        read_npz(tmp_path / "a.npz")


def test_two_arrays_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("X.npy", npy([1.0]))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("X.npy", npy([2.0]))
    with pytest.raises(ValueError, match="two arrays of one name"):
        read_npz(tmp_path / "a.npz")


def test_objects_and_single_arrays_are_refused(tmp_path):
    with pytest.raises(ValueError, match="pickles are never loaded"):
        read_npz(zipped(tmp_path / "a.npz", X=npy(np.array([{}], object))))
    (tmp_path / "b.npz").write_bytes(npy([1.0]))
    with pytest.raises(ValueError, match="it holds a single array"):
        read_npz(tmp_path / "b.npz")
