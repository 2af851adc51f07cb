"""Reading npz files that somebody else may have made: no pickle, bounded memory, one sentence.

Sizes are compared before anything is allocated: what the arrays announce, what the table of
contents of the zip file announces, and what the file can hold. `numpy.load` does not: it trusts
the header of an array, and takes more memory than there is.
"""

import ast
import math
import re
import struct
import zipfile

import numpy as np

from geomcore.foreign.files import open_regular
from geomcore.foreign.wording import one_line, quoted
from geomcore.foreign.zips import Bounded, Content, Damaged

# Arrays in a compressed file may announce this many bytes together, or this many times the size
# of the file, whichever is more: tables of zeros and ones shrink to a hundredth, bombs more.
ROOM, RATIO = 2**27, 200
LONGEST_HEADER = 10_000  # bytes, as in NumPy
# What the standard library raises if the bytes of a zip file contradict each other.
DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,
    UnicodeDecodeError,
    struct.error,
)
# All types of arrays but records and objects.
TYPE = re.compile(
    r"[<>|=]?([biu]1|[iu][248]|f(2|4|8|12|16)|c(8|16|24|32)|[SU][1-9]\d{0,8}|[mM]8(\[\w{1,20}\])?)"
)
LAST_CHARACTER = 0x10FFFF


def read_npz(path, names=None):
    """Read arrays of an npz file, and never a pickled object.

    Parameters
    ----------
    path : str or path-like
    names : sequence of str, optional
        The arrays to read, which must be there; others may be of any kind. Default all.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    ValueError
        If the file is not a complete zip file of NumPy arrays, holds pickled
        objects, which are refused unread, or would unpack to more than 128 MiB
        and 200 times its size.
    OSError
        If the file cannot be opened.

    Notes
    -----
    Memory: that of the arrays, and a few MB (up to 64 MB if LZMA is used).
    """
    foreign = f"{path} holds pickled Python objects or is no npz file; pickles are never loaded"
    with open_regular(path, "an npz file") as file:
        start = file.read(6)
        if start == b"\x93NUMPY":
            raise ValueError(f"{path} is not a complete npz file: it holds a single array")
        if start[:4] not in (b"PK\3\4", b"PK\5\6"):
            raise ValueError(foreign)
        try:
            return _arrays(Bounded(file), names)
        except _Pickled:
            raise ValueError(foreign) from None
        except _Missing as error:
            raise ValueError(f"{path} must hold arrays {' and '.join(names)}, {error}") from None
        except (Damaged, *DAMAGE) as error:
            reason = one_line(str(error), 160)
            raise ValueError(f"{path} is not a complete npz file: {reason}") from None


class _Missing(Exception):
    """A file that holds other arrays than those that are wanted."""


class _Pickled(Exception):
    """A file that holds objects."""


def _arrays(file, names):
    """The arrays of a zip file by name."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        for member in members:
            if not member.filename.endswith(".npy"):
                raise Damaged(f"it holds {quoted(member.filename)}, which is not an array")
        found = {member.filename.removesuffix(".npy"): member for member in members}
        if len(found) < len(members):
            raise Damaged("it holds two arrays of one name")
        if names is not None:
            if not {*names} <= {*found}:
                raise _Missing(f"it holds {quoted(sorted(found), 120)}")
            found = {name: found[name] for name in names}
        _check_sizes(found, file.size)
        arrays = {}
        for name, member in found.items():
            try:
                arrays[name] = _array(Content(file, member), member)
            except Damaged as error:
                raise Damaged(f"{quoted(member.filename)} {error}") from None
        return arrays


def _check_sizes(members, size):
    """Raise unless what the members announce is what a file of this size may well hold."""
    announced = sum(member.file_size for member in members.values())
    if announced > max(ROOM, RATIO * size):
        raise Damaged(
            f"its arrays would take {announced:,} bytes, {announced // size:,} times those of the "
            "file; write them with numpy.savez, uncompressed"
        )


def _array(content, member):
    """One array, from the content of a member of a zip file."""
    dtype, fortran, shape, length = _header(content)
    if length + math.prod(shape) * dtype.itemsize != member.file_size:
        raise Damaged("is not as long as its header announces")
    array = np.empty(math.prod(shape), dtype)
    content.fill(memoryview(array.view(np.uint8)))
    content.finish()
    _check_values(array)
    return array.reshape(shape, order="F" if fortran else "C")


def _header(content):
    """The type, whether columns come first, the shape, and the length of the header in bytes."""
    start = content.read(8)
    if start[:6] != b"\x93NUMPY" or start[6:] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise Damaged("is no NumPy array")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(content.read(width), "little")
    if length > LONGEST_HEADER:
        raise Damaged(f"has a header of {length:,} bytes")
    text = content.read(length).decode("utf-8" if start[6] == 3 else "latin-1", "replace")
    # Python 2 wrote long integers with an L.
    text = re.sub(r"(\d)L\b", r"\1", text)
    try:
        header = ast.literal_eval(text.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        header = None  # these are what a text that is no literal ends in
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        raise Damaged("has a damaged header")
    kind, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    if isinstance(kind, str) and kind in ("|O", "O", "<O", ">O"):
        raise _Pickled
    if not isinstance(kind, str) or not TYPE.fullmatch(kind):
        raise Damaged(f"has the type {quoted(kind)}")
    whole = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if type(fortran) is not bool or not whole or len(shape) > 32:
        raise Damaged("has a damaged header")
    try:
        dtype = np.dtype(kind)
    except (TypeError, ValueError):
        dtype = None
    # NumPy 2.0 makes a type of negative size of one beyond 2 GiB; later ones refuse it.
    if dtype is None or dtype.itemsize < 0:
        raise Damaged(f"has the type {quoted(kind)}, which NumPy lacks here")
    # An axis of length 0 makes all others harmless, and NumPy refuse them if they are large.
    if math.prod(n or 1 for n in shape) * dtype.itemsize >= 2**62:
        raise Damaged(f"has the shape {quoted(shape)}")
    return dtype, fortran, shape, 8 + width + length


def _check_values(array):
    """Raise if there are bytes that are no value of the type."""
    if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise Damaged("holds bytes that are neither true nor false")
    if array.dtype.kind == "U":
        codes = array.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if (codes > LAST_CHARACTER).any():
            raise Damaged("holds numbers that stand for no character")
