import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.datasets import load_table


def written(folder, text, name="table.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# By hand


@pytest.mark.parametrize(
    "text",
    [
        "1,2,a\n3,4,b\n",
        "u,v,kind\n1,2,a\n3,4,b\n",
        "1;2;a\r\n\r\n3;4;b",
        "\ufeff1\t2\ta\n3\t4\tb\n\n",
        ' 1, 2,"a"\n3.0,4e0, b \n',
    ],
)
def test_tables_of_all_dialects_give_the_same_points(tmp_path, text):
    data = load_table(written(tmp_path, text))
    np.testing.assert_array_equal(data.X, [[1, 2], [3, 4]])
    assert data.y.tolist() == ["a", "b"]
    assert data.name == "table"


@pytest.mark.parametrize("label", ["kind", 1])
def test_the_label_may_be_any_column(tmp_path, label):
    data = load_table(written(tmp_path, "u,kind,v\n1,a,2\n3,b,4\n"), label=label)
    np.testing.assert_array_equal(data.X, [[1, 2], [3, 4]])
    assert data.y.tolist() == ["a", "b"]
    assert data.info["feature_names"] == ["u", "v"]


@pytest.mark.parametrize(
    ("cells", "expected", "kind"),
    [
        (["0", "1"], [0, 1], "i"),
        (["0.0", "1.0"], [0, 1], "i"),
        (["0.5", "1"], [0.5, 1.0], "f"),
        (["0", "x"], ["0", "x"], "U"),
    ],
)
def test_labels_are_numbers_where_all_of_them_are(tmp_path, cells, expected, kind):
    data = load_table(written(tmp_path, "".join(f"1.5,{c}\n" for c in cells)))
    assert data.y.tolist() == expected
    assert data.y.dtype.kind == kind


def test_a_header_of_numbers_must_be_announced(tmp_path):
    path = written(tmp_path, "0,1,2\n5,6,7\n")
    assert len(load_table(path).X) == 2
    assert load_table(path, header=True).info["feature_names"] == ["0", "1"]


def test_standardising_prepares_the_table(tmp_path):
    data = load_table(written(tmp_path, "1,5,a\n3,5,b\n1,5,a\n"), standardize=True)
    np.testing.assert_array_equal(data.X, [[-1], [1]])
    assert data.info["duplicates"].tolist() == [[2, 0]]


@pytest.mark.parametrize("y", [[0, 1], ["a", "b"], [[0.0, 1.0], [1.0, 0.0]]])
def test_npz_files_give_their_arrays_whatever_they_are_called(tmp_path, y):
    path = tmp_path / "data.bin"
    with open(path, "wb") as file:
        np.savez(file, X=[[1, 2], [3, 4]], y=y, more=[1])
    data = load_table(path)
    np.testing.assert_array_equal(data.X, [[1, 2], [3, 4]])
    assert data.y.tolist() == y


# Laws


@settings(max_examples=25)
@given(
    X=st.lists(
        st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=8
    ),
    header=st.booleans(),
)
def test_numbers_survive_a_table_bit_for_bit(tmp_path_factory, X, header):
    text = "p,q,r,label\n" if header else ""
    text += "".join(f"{','.join(map(repr, x))},{i}\n" for i, x in enumerate(X))
    data = load_table(written(tmp_path_factory.mktemp("tables"), text))
    np.testing.assert_array_equal(data.X, X)
    assert data.y.tolist() == list(range(len(X)))


# Bad input


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("", {}, "table.csv must hold a table, it is empty"),
        ("\n \n", {}, "it is empty"),
        ("a,b\n", {}, "holds a header but no points"),
        ("1\n2\n", {}, "line 1: a table needs at least two columns"),
        ("1,2,a\n\n3,b\n", {}, "line 3: expected 3 columns, got 2"),
        ("1,2,a\n3,,b\n", {}, "line 2: features must be numbers, got ''"),
        ("1,2,a\n3,oh,b\n", {}, "line 2: features must be numbers, got 'oh'"),
        ("1,oh,a\n3,4,b\n", {}, "line 1: features must be numbers, got 'oh'; give header=True"),
        ("1,nan,a\n3,4,b\n", {}, "line 1: features must be finite, got nan"),
        ("x,y\n1,a\n-inf,b\n", {}, "line 3: features must be finite, got -inf"),
        ("1,a\n2,\n", {}, "line 2: the label is empty"),
        ("1,0\n2,nan\n", {}, "line 2: the label must be finite, got nan"),
        (",x,y\n0,1,a\n1,2,b\n", {}, "line 1: column 1 has no name"),
        ("x,y\n1,a\n", {"label": "z"}, r"label must name one column .* got 'z' and the columns"),
        ("x,x,y\n1,2,a\n", {"label": "x"}, "label must name one column"),
        ("1,2\n", {"label": 2}, "label must be a name or a number from 0 to 1, got 2"),
        (b"\x00\x01\x02", {}, "it holds binary data"),
        (b"1,2\n\xff\xfe,3\n", {}, "line 2: the file is not UTF-8 text"),
    ],
)
def test_bad_tables_are_refused_with_file_and_line(tmp_path, text, options, sentence):
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=sentence) as caught:
        load_table(path, **options)
    assert str(path) in str(caught.value) or "label" in options
    assert "\n" not in str(caught.value)


def test_missing_files_and_directories_are_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no such file"):
        load_table(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="it is a directory"):
        load_table(tmp_path)


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was loaded')",))


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"X": [[1.0]]}, r"must hold arrays X and y, it holds \['X'\]"),
        ({"X": [1.0], "y": [1]}, "X must have 2 axes"),
        ({"X": [[1.0]], "y": [1, 2]}, "y must have one label per point"),
        ({"X": [[np.inf]], "y": [1]}, "X must be finite"),
        ({"X": np.empty((0, 2)), "y": []}, "X must not be empty"),
        ({"X": [[1.0]], "y": np.array([Trap()], object)}, "pickles are never loaded"),
    ],
)
def test_bad_npz_files_are_refused(tmp_path, arrays, sentence):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=sentence):
        load_table(path)


def test_damaged_npz_files_are_refused_wherever_the_damage_is(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.arange(400.0).reshape(200, 2), y=np.arange(200))
    whole = path.read_bytes()
    for size in (0, 3, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"data\.npz"):
            load_table(path)
    path.write_bytes(whole[:1500] + bytes([whole[1500] ^ 1]) + whole[1501:])
    with pytest.raises(ValueError, match="not a complete npz file"):
        load_table(path)


@pytest.mark.parametrize("content", [pickle.dumps(Trap()), b"plain text", b"\x93NUMPY\x01\x00"])
def test_other_files_called_npz_are_refused_unread(tmp_path, content):
    path = written(tmp_path, content, "data.npz")
    with pytest.raises(ValueError, match=r"data\.npz"):
        load_table(path)


def test_options_of_csv_files_are_refused_for_npz_files(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, X=[[1.0]], y=[1])
    with pytest.raises(ValueError, match="label and header go with CSV files"):
        load_table(path, label="y")
