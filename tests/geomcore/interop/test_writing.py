import pytest

from geomcore.interop.writing import replacing


def test_a_file_takes_the_place_of_another_or_leaves_it(tmp_path):
    path = tmp_path / "a"
    with replacing(path) as file:
        file.write(b"old")
    with pytest.raises(KeyError), replacing(path) as file:
        file.write(b"new")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_folders_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "no" / "a"):
        with pytest.raises(ValueError, match="path must be a file in an existing folder"):
            with replacing(path):
                pass
