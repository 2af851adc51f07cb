"""Rows as numbers; reading at once must be the same as reading row by row."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geomcore.datasets import body as module
from geomcore.datasets.body import NotNumbersError, read_body
from geomcore.datasets.columns import columns
from geomcore.datasets.dialect import read_text
from geomcore.datasets.table_error import TableError

CELLS = [
    "1",
    "2.5",
    "-3e5",
    " 4 ",
    ".5",
    "5.",
    "+7",
    "",
    "nan",
    "inf",
    "TRUE",
    "false",
    "tRuE",
    "FalsE",
    "1_0",
]
CELLS += ["1e400", "x", "0x1", "1,5", "?", "٣", "1e-400", "1 2", '"6"', "1d3", "'1'", "--1"]


def read(folder, content, delimiter=",", decimal=".", **options):
    path = folder / "t.csv"
    path.write_text(content)
    text = read_text(path)
    _, first = next(text.rows(delimiter))
    found = columns(path, 1, first, **options.pop("about", {}))
    return read_body(text, found, delimiter, decimal, **options)


# By hand


def test_rows_become_numbers_labels_and_lines(tmp_path):
    body = read(tmp_path, "u,v,kind\n1,2, a \n\n?,nan,b\n")
    np.testing.assert_array_equal(body.X, [[1, 2], [np.nan, np.nan]])
    assert (body.labels, body.lines, body.texts) == (["a", "b"], [2, 4], {})


def test_words_are_kept_apart_where_they_are_allowed(tmp_path):
    body = read(tmp_path, "u,v,kind\n1,-,a\n2,red,b\n", words=True)
    assert body.texts == {1: (3, "red")}
    np.testing.assert_array_equal(body.X[:, 1], [np.nan, np.nan])


# Against the oracle: row by row


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.lists(st.sampled_from(CELLS), min_size=2, max_size=3), max_size=4),
    label=st.sampled_from(["a", "1", "x y", '"q,r"', "", "NA"]),
    delimiter=st.sampled_from(",;\t "),
    decimal=st.sampled_from(".,"),
    about=st.sampled_from([{}, {"label": 0}, {"drop": [0]}]),
)
def test_pandas_reads_the_same_or_leaves_it(
    tmp_path, monkeypatch, cells, label, delimiter, decimal, about
):
    rows = [delimiter.join([*row, label]) for row in [["1", "2"], *cells, ["3", "4"]]]
    found = []
    for large in (0, 2**30):
        monkeypatch.setattr(module, "LARGE", large)
        try:
            body = read(tmp_path, "\n".join(rows), delimiter, decimal, about=about)
        except TableError as error:
            found.append(str(error))
        else:
            found.append((body.X.tolist(), body.labels))
    assert repr(found[0]) == repr(found[1])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(X=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2))
def test_pandas_reads_floats_to_the_last_bit(tmp_path, monkeypatch, X):
    monkeypatch.setattr(module, "LARGE", 0)
    monkeypatch.setattr(module, "CHUNK", 3)
    body = read(tmp_path, "".join(f"{x!r},a\n" for x in X), skip=0)
    assert body.X.ravel().tolist() == X
    assert body.lines == []  # it was pandas


# Bad input


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("1,2,a\n\n3,b\n", "line 3: expected 3 columns, got 2"),
        ("1,2,a\n3,4,b,c\n", "line 2: expected 3 columns, got 4"),
        ("u,k\n1,2,a\n2,3,b\n", "expected 2 columns, got 3; if the first line .* a name"),
        ("1,2,a\n3,inf,b\n", "line 2: features must be finite, got inf"),
        ("1,2,a\n3,-1e999,b\n", "line 2: features must be finite, got -inf"),
        (f"1,2,a\n3,4,{1001 * 'x'}\n", "line 2: the label has 1,001 characters"),
        ("1,2,a\n3,oh,b\n", "line 2: features must be numbers, got 'oh' in column 1; give label=1"),
        ("1,2,a\n3,1_000,b\n", "line 2: features must be numbers, got '1_000'"),
    ],
)
def test_rows_that_are_no_points_are_refused_with_their_line(tmp_path, content, sentence):
    with pytest.raises(TableError, match=sentence):
        read(tmp_path, content)


def test_what_is_no_number_is_told_with_the_name_of_its_column(tmp_path):
    with pytest.raises(NotNumbersError, match=r"'red' in column 'colour'; .* drop='colour'") as e:
        read(tmp_path, "colour,kind\nred,a\n", names=["colour", "kind"])
    assert e.value.cell == "red"
