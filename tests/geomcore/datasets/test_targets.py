"""What a network is to put out for each class, from a line or a file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geomcore.datasets.targets import read_targets, written

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)

# By hand


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("0,1", [[0], [1]]),
        ("-1, 1", [[-1], [1]]),
        ("0;1;2", [[0], [1], [2]]),
        ("1,0;0,1", [[1, 0], [0, 1]]),
        ("1 0; 0 1;", [[1, 0], [0, 1]]),
        ("3", [[3]]),
    ],
)
def test_a_line_has_a_number_or_several_for_each_label(text, rows):
    np.testing.assert_array_equal(read_targets(text), np.array(rows, float))


def test_a_file_has_a_line_for_each_label_or_an_array(tmp_path):
    rows = np.array([[1.0, 0.5], [0.0, 1e-300], [2.0, 3.0]])
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", fmt="%.17g")
    np.savez(tmp_path / "t.npz", targets=rows, other=[1])
    (tmp_path / "bare").write_text("\ufeff1 0.5\r\n0\t1e-300\r\n2 3\r\n", encoding="utf-8")
    for name in ("t.csv", "t.npz", "bare"):
        np.testing.assert_array_equal(read_targets(tmp_path / name), rows)
        np.testing.assert_array_equal(read_targets(str(tmp_path / name)), rows)


# Laws


@given(arrays(float, st.tuples(st.integers(2, 4), st.integers(1, 3)), elements=NUMBERS))
def test_what_is_written_is_read_again_bit_for_bit(targets):
    assert read_targets(written(targets)).tobytes() == targets.tobytes()


# Bad input


@pytest.mark.parametrize("text", ["", ";", "a,b", "0,1;2", "0,,1", "0x1,2", "\x1b[2J"])
def test_what_is_no_table_of_numbers_is_refused(text):
    with pytest.raises(ValueError, match=r"^targets must be one number per label .* 0,1, or as"):
        read_targets(text)


@pytest.mark.parametrize("text", ["nan,1", "0,inf", "1e999,0"])
def test_numbers_are_finite(text):
    with pytest.raises(ValueError, match="targets must be finite"):
        read_targets(text)


def test_files_that_are_missing_or_others_are_refused_by_their_name(tmp_path):
    path, folder = tmp_path / "t.csv", tmp_path / "folder.txt"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"t\.csv must be a file of targets, there is no"):
        read_targets(path)
    with pytest.raises(ValueError, match="must be a file of targets, it is a directory"):
        read_targets(folder)
    np.savez(tmp_path / "t.npz", X=[1.0])
    with pytest.raises(ValueError, match=r"t\.npz must hold arrays targets, it holds \['X'\]"):
        read_targets(tmp_path / "t.npz")
    np.savez(tmp_path / "t.npz", targets=[1.0])
    with pytest.raises(ValueError, match="targets must have 2 axes"):
        read_targets(tmp_path / "t.npz")
    path.write_text("u,v\n1,2\n")
    with pytest.raises(ValueError, match=r"t\.csv: targets must be one number per label"):
        read_targets(path)
