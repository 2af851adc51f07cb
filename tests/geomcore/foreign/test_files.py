"""Only regular files are opened, and only as much is read as is expected."""

import os
import tracemalloc

import pytest

from geomcore.foreign.files import open_regular, read_whole

# By hand


def test_a_file_and_a_link_to_one_are_read_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert read_whole(tmp_path / "link", "a text", 3) == b"abc"
    with open_regular(str(tmp_path / "a"), "a text") as file:
        assert file.read() == b"abc"


# Bad input


def test_pipes_devices_and_folders_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer
    for path, kind in ((tmp_path / "pipe", "pipe"), ("/dev/zero", "device"), (tmp_path, "dir")):
        with pytest.raises(ValueError, match=f"must be a text, it is a {kind}"):
            open_regular(path, "a text")


@pytest.mark.parametrize("name", ["none", "file/none", "loose"])
def test_what_is_not_there_is_said_to_be_so(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "loose").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match=f"{name} must be a text, there is no such file"):
        open_regular(tmp_path / name, "a text")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(10**11)
    with pytest.raises(ValueError, match="a text of at most 1,000 bytes, it has 100,000,000,000"):
        read_whole(tmp_path / "large", "a text", 1000)


def test_a_large_bound_takes_no_memory(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    tracemalloc.start()
    try:
        assert read_whole(path, "a file", 2**30) == b"abc"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_file_that_is_not_there_is_answered_with_the_nearest_in_its_folder(tmp_path):
    (tmp_path / "wine.csv").touch()
    with pytest.raises(FileNotFoundError, match=r"no such file, did you mean 'wine\.csv'\?$"):
        open_regular(tmp_path / "wne.csv", "a table")
    for other in ("qqqq.json", "nowhere/wine.csv", "wine.csv/wine.csv"):
        with pytest.raises(FileNotFoundError, match=r"there is no such file$"):
            open_regular(tmp_path / other, "a table")
