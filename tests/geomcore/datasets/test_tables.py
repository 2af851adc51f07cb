import os
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geomcore.datasets import load_table, tables
from geomcore.datasets.table_error import TableError


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


QUIRKS = {
    "wine quality": (
        '"fixed acidity";"pH";"quality"\r\n7,4;3,51;5\r\n7,8;3,2;6\r\n',
        {},
        [[7.4, 3.51], [7.8, 3.2]],
        [5, 6],
    ),
    "the label first, no header": ("1,14.23,1065\n2,12.37,520\n", {"label": 0}, None, [1, 2]),
    "the label first, by name": ("kind,u\nb,1\na,2\n", {"label": "kind"}, [[1], [2]], ["b", "a"]),
    "rows numbered by pandas": (",u,kind\n0,1,a\n1,2,b\n", {"drop": 0}, [[1], [2]], ["a", "b"]),
    "an identity to drop": ("id,u,k\nx7,1,a\ny9,2,b\n", {"drop": "id"}, [[1], [2]], ["a", "b"]),
    "text quoted by R": ('"u","v","k"\n1,2,"a"\n3,4,"b"\n', {}, [[1, 2], [3, 4]], ["a", "b"]),
    "blanks, then a tab": ('18.0   8   307.0\t"a b"\n 15.0   8   350.\t"c d"\n', {}, None, None),
    "savetxt": ("1.0e+00 2.500000e+00 0.0000000e+00\n1e0 3e0 1.0000000e+00\n", {}, None, [0, 1]),
    "excel in Germany": ("sep=;\n1,5;2;a\n0,5;3;b\n", {}, [[1.5, 2], [0.5, 3]], ["a", "b"]),
    "one decimal comma a line": ("1,5;2;a\n0,5;3;b\n", {}, [[1.5, 2], [0.5, 3]], ["a", "b"]),
    "decimal commas in quotes": ('"1,5","2,25",a\n3,4,b\n', {}, [[1.5, 2.25], [3, 4]], ["a", "b"]),
    "UTF-16": ("u\tk\n1\trosé\n2\tb\n".encode("utf-16"), {}, [[1], [2]], ["rosé", "b"]),
    "latin": ("1,rosé\n2,b\n".encode("latin-1"), {"encoding": "latin-1"}, None, ["rosé", "b"]),
    "a lone CR": ("u,k\r1,a\r2,b\r", {}, [[1], [2]], ["a", "b"]),
    "bars": ("1|2|a\n3|4|b\n", {}, [[1, 2], [3, 4]], ["a", "b"]),
    "colons": ("1:2:a\n3:4:b\n", {"delimiter": ":"}, [[1, 2], [3, 4]], ["a", "b"]),
    "blanks beside tabs": ("a b\t1\t2\nc d\t3\t4\n", {"label": 0}, [[1, 2], [3, 4]], None),
    "a tab by its name": ("1\ta b\n3\tc d\n", {"delimiter": "tab"}, [[1], [3]], ["a b", "c d"]),
    "a blank after the comma": ('1, 2, "a, b"\n3, 4, c\n', {}, [[1, 2], [3, 4]], ["a, b", "c"]),
    "commas in names": ("a, cm;b, cm;k\n1.5;2;r\n1;3;l\n", {}, [[1.5, 2], [1, 3]], ["r", "l"]),
    "nothing to drop": ("1,2,a\n3,4,b\n", {"drop": None}, [[1, 2], [3, 4]], ["a", "b"]),
    "a number of numpy": ("7,1,a\n8,3,b\n", {"drop": np.int64(0)}, [[1], [3]], ["a", "b"]),
    "ends of lines": ("1,2,a,\n3,4,b,\n", {"drop": 3}, [[1, 2], [3, 4]], ["a", "b"]),
    "question marks": ("1,?,a\n2,3,b\n", {"drop_missing": True}, [[2, 3]], ["b"]),
}


@pytest.mark.parametrize(("text", "options", "X", "y"), QUIRKS.values(), ids=QUIRKS)
def test_tables_with_the_quirks_of_well_known_ones_are_read(tmp_path, text, options, X, y):
    data = load_table(written(tmp_path, text), **options)
    assert X is None or data.X.tolist() == X
    assert y is None or data.y.tolist() == y


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("1,5;0\n2,5;0\n3,5;1\n", [{"decimal": ","}, {"delimiter": ","}]),
        ("1,5\t0\n2,5\t0\n3,5\t1\n", [{"delimiter": "tab"}, {"delimiter": ","}]),
        ("1,5 0\n2,5 1\n", [{"delimiter": " "}, {"delimiter": ","}]),
        ("u;k\n1,234;a\n5,678;b\n", [{"decimal": ","}]),
        ("1,2;rose\n3,4;lily\n", [{"delimiter": ";"}, {"delimiter": ","}]),
        ("1,2,3;rose\n3,4,5;lily\n", [{"delimiter": ","}]),
        ("1.5,2.5,3 0\n4.5,5.5,6 1\n", [{"delimiter": ","}]),
        ("1,red;blue\n2,red;4\n", []),
        ("c;n;k\nred;1,5;a\nblue;2,5;b\n", [{"one_hot": True}]),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_naming_the_option(tmp_path, text, options):
    path = written(tmp_path, text)
    if not options:
        assert len(load_table(path).X) == 2
        return
    with pytest.raises(TableError) as caught:
        load_table(path)
    assert any(option in str(caught.value) for option in ("delimiter=", "decimal=", "one_hot="))
    for option in options:
        assert len(load_table(path, **option).X) >= 2


def test_a_first_column_that_looks_like_the_label_is_asked_for(tmp_path):
    path = written(tmp_path, "".join(f"{1 + i % 3},{i / 7},{1000 + i}\n" for i in range(30)))
    with pytest.raises(TableError, match=r"30 labels .* column 0 only 3 .* label=0 or label=2$"):
        load_table(path)
    assert load_table(path, label=0).y.tolist() == 10 * [1, 2, 3]
    assert len(np.unique(load_table(path, label=2).y)) == 30


def test_what_was_understood_is_told(tmp_path):
    data = load_table(written(tmp_path, "u;v;kind\n1,5;2;rose\n1;3;lily\n1;4;lily\n"))
    assert data.info == {
        "label": "kind",
        "label_name": "kind",
        "feature_names": ["u", "v"],
        "delimiter": ";",
        "decimal": ",",
        "missing_rows": 0,
    }
    assert data.summary() == (
        "table: 3 points, 2 features, 2 classes in the column 'kind': lily (2), rose (1)"
    )


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
        ("1,2,a\n3,,b\n", {}, r"missing in 1 row: column 1 \(1 row, first line 2\)"),
        ("1,2,a\n3,oh,b\n", {}, "line 2: features must be numbers, got 'oh'"),
        ("1,oh,a\n3,4,b\n", {}, "line 1: features must be numbers, got 'oh'; give header=True"),
        ("1,nan,a\n3,4,b\n", {}, r"missing in 1 row: column 1 \(1 row, first line 1\)"),
        ("x,y\n1,a\n-inf,b\n", {}, "line 3: features must be finite, got -inf"),
        ("1,a\n2,\n", {}, "line 2: the label is empty"),
        ("1,0\n2,nan\n", {}, "line 2: the label is missing, got 'nan'"),
        (",x,y\n0,1,a\n1,2,b\n", {}, "line 1: column 1 has no name"),
        ("x,y\n1,a\n", {"label": "z"}, r"label must name one column .* got 'z' and the columns"),
        ("x,x,y\n1,2,a\n", {"label": "x"}, "label must name one column"),
        ("1,2\n", {"label": 2}, "label must be a name or a number from 0 to 1, got 2"),
        (b"\x00\x01\x02", {}, "it holds binary data"),
        (b"1,2\n\xff\xfe,3\n", {}, "line 2: the file is not UTF-8 text"),
        ("sep=;\n", {}, "it is empty"),
        ("1,2\n", {"header": "yes"}, "header must be True, False or None, got 'yes'"),
        ("1,2\n", {"header": 0}, "header must be True, False or None, got 0"),
        ("1,2\n", {"header": 1}, "header must be True, False or None, got 1"),
        ("1,2\n", {"header": np.array([1, 0])}, "header must be True, False or None"),
        ("1,2\n", {"decimal": np.array([1, 0])}, "decimal must be '.' or ','"),
        ("1,2\n", {"drop": 0.5}, "drop must be a column, by name or number, or a sequence"),
        ("1,2\n", {"decimal": ";"}, "decimal must be '.' or ','"),
    ],
)
def test_bad_tables_are_refused_with_file_and_line(tmp_path, text, options, sentence):
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=sentence) as caught:
        load_table(path, **options)
    assert str(path) in str(caught.value) or options
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


@pytest.mark.parametrize(
    "option",
    [
        {"label": "y"},
        {"header": False},
        {"delimiter": ";"},
        {"decimal": ","},
        {"encoding": "utf-8"},
        {"drop": 0},
        {"drop_missing": True},
        {"one_hot": True},
    ],
)
def test_options_of_csv_files_are_refused_for_npz_files(tmp_path, option):
    path = tmp_path / "data.npz"
    np.savez(path, X=[[1.0]], y=[1])
    with pytest.raises(TableError, match=f"{next(iter(option))} goes with CSV files"):
        load_table(path, **option)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipes_and_devices_are_refused_unopened(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    for path in (tmp_path / "t.csv", os.devnull):
        with pytest.raises(TableError, match=r"it is a (pipe|device)"):
            load_table(path)


def test_a_label_of_130_000_characters_is_refused(tmp_path):
    path = written(tmp_path, "1,2,a\n" + 100 * f"3,4,{130_000 * 'x'}\n")
    with pytest.raises(TableError, match="line 2: the label has 130,000 characters"):
        load_table(path)


@pytest.mark.parametrize("many", [10, 300_000])
def test_a_long_label_among_very_many_is_refused_before_all_get_its_room(tmp_path, many):
    path = written(tmp_path, f"1,{999 * 'x'}\n" + many * "3,a\n" + "2,b\n")
    if many == 10:
        assert len(load_table(path, header=False).y) == 12
        return
    with pytest.raises(TableError, match=r"labels has 999 characters, .* shorten the label 'xxx"):
        load_table(path, header=False)


def test_what_does_not_fit_into_the_memory_gets_one_sentence(tmp_path, monkeypatch):
    def full(*args):
        raise MemoryError

    monkeypatch.setattr(tables, "features", full)
    with pytest.raises(TableError, match=r"table.csv cannot be read: it is too large for the mem"):
        load_table(written(tmp_path, "1,2\n"))


TABLES = ["u,v,kind\n1,2,a\n3,4,b\n", "1;2,5;a\n3;4,5;b\n", '"a","b"\n1,"x, y"\n2,"z"\n']
TABLES += ["sep=;\n1;2;3\n4;5;6\n", "1 2  a\n 3 4\tb\n", "c,x,y\nred,?,0\nblue,2,1\n"]
PIECES = [*',;\t| "\n\r\0_-.?', "nan", "inf", "1e999", 30 * "9", "é", "\x1b[31m", "{0}", "\u2028"]
PIECES += [200 * "x", "0,1,label\n", "1,5", "TRUE", "\uffff", "=cmd()"]
OPTIONS = [{}, {"header": True}, {"one_hot": True, "drop_missing": True}, {"label": 0}]
OPTIONS += [{"decimal": ","}, {"encoding": "utf-16"}, {"drop": [0]}, {"delimiter": " "}]


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.sampled_from(TABLES),
    changes=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(PIECES)), max_size=4),
    byte=st.tuples(st.integers(0, 40), st.integers(0, 255)),
    end=st.integers(0, 60),
    options=st.sampled_from(OPTIONS),
)
def test_damaged_tables_open_soundly_or_get_one_sentence(
    tmp_path, table, changes, byte, end, options
):
    for place, piece in changes:
        table = table[:place] + piece + table[place:]
    content = bytearray(table.encode())
    if byte[0] < len(content):
        content[byte[0]] = byte[1]
    path = written(tmp_path, bytes(content[:end] if end < 50 else content))
    try:
        data = load_table(path, **options)
    except TableError as error:
        text = str(error)
        assert len(text) <= 300 and text.isprintable()
        assert "table.csv" in text or next(iter(options)) in text
    else:
        assert len(data.X) == len(data.y) > 0
        assert np.isfinite(data.X).all()
        assert data.summary().isprintable()


def naive(text, delimiter, header):
    """What the first reader of this project made of an ordinary table."""
    rows = [line.split(delimiter) for line in text.splitlines()[header:]]
    labels = [row[-1] for row in rows]
    try:
        labels = [int(label) for label in labels]
    except ValueError:
        pass
    return [[float(cell) for cell in row[:-1]] for row in rows], labels


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    X=st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 3), min_size=2, max_size=8),
    classes=st.sampled_from(
        [["a", "b"], ["0", "1"], ["Iris setosa", "Iris virginica"], ["-1", "1"]]
    ),
    delimiter=st.sampled_from([",", ";", "\t"]),
    header=st.booleans(),
)
def test_ordinary_tables_are_read_as_ever(tmp_path, X, classes, delimiter, header):
    rows = [[*map(repr, x), classes[i % 2]] for i, x in enumerate([*X, *X])]
    rows = [["length", "petal width", "u_1", "kind"], *rows] if header else rows
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    data = load_table(written(tmp_path, text))
    expected, labels = naive(text, delimiter, header)
    assert data.X.tolist() == expected
    assert data.y.tolist() == labels
