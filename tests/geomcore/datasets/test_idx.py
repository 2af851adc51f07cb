"""IDX files of others: damaged anywhere, bombs, and what is no file."""

import gzip
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.datasets.idx import read_idx

IMAGES = np.arange(36, dtype=np.uint8).reshape(6, 2, 3)


def idx(shape, data=b""):
    """The bytes of an IDX file with any axes announced."""
    lengths = b"".join(n.to_bytes(4, "big") for n in shape)
    return bytes([0, 0, 8, len(shape)]) + lengths + data


WHOLE = idx(IMAGES.shape, IMAGES.tobytes())

# Laws


@settings(max_examples=200)
@given(st.booleans(), st.integers(0, 10**6), st.binary(max_size=5), st.integers(0, 5))
def test_a_file_that_is_damaged_anywhere_gives_bytes_or_a_sentence(
    tmp_path_factory, zipped, at, part, cut
):
    path = tmp_path_factory.mktemp("idx") / "images"
    whole = gzip.compress(WHOLE) if zipped else WHOLE
    at %= len(whole)
    path.write_bytes(whole[:at] + part + whole[at + cut :])
    try:
        found = read_idx(path, 3)
    except ValueError as error:
        assert len(str(error).replace(str(path), "")) < 200
    else:
        assert found.dtype == np.uint8 and found.ndim == 3


# Bad input


def test_what_follows_the_announced_bytes_is_not_unpacked(tmp_path):
    (tmp_path / "a").write_bytes(gzip.compress(WHOLE + bytes(2**26)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="36 bytes, but 37 or more follow"):
            read_idx(tmp_path / "a", 3)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (60_000, 280, 280), (2**27,)])
def test_a_bomb_is_refused_before_memory_is_taken(tmp_path, shape):
    (tmp_path / "a").write_bytes(gzip.compress(idx(shape, bytes(2**20))))
    with pytest.raises(ValueError, match="times those of the file; unpack it with gunzip"):
        read_idx(tmp_path / "a", len(shape))
    (tmp_path / "a").write_bytes(idx(shape, bytes(2**20)))
    with pytest.raises(ValueError, match=r"is truncated: .* but 1048576 follow"):
        read_idx(tmp_path / "a", len(shape))


def test_pipes_and_files_that_are_not_there_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="must be an IDX file, it is a pipe"):
        read_idx(tmp_path / "pipe", 1)
    with pytest.raises(FileNotFoundError, match="must be an IDX file, there is no such file"):
        read_idx(tmp_path / "none", 1)
