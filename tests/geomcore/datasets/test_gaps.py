import numpy as np
import pytest

from geomcore.datasets import gaps as module
from geomcore.datasets import load_table
from geomcore.datasets.table_error import TableError


def opened(folder, text, **options):
    path = folder / "t.csv"
    path.write_text(text)
    return load_table(path, **options)


# By hand


def test_rows_with_gaps_are_left_out_when_asked(tmp_path):
    data = opened(tmp_path, "u,v,kind\n1,?,a\n2,3,a\n,4,b\n5,6,b\n7,8,\n", drop_missing=True)
    np.testing.assert_array_equal(data.X, [[2, 3], [5, 6]])
    assert data.y.tolist() == ["a", "b"]
    assert data.info["missing_rows"] == 3
    assert "3 rows with missing values left out" in data.summary()


def test_text_becomes_one_column_per_word_when_asked(tmp_path):
    data = opened(
        tmp_path, "size,colour,doors,kind\n1,red,2,a\n2,blue,4,b\n3,red,5more,a\n", one_hot=True
    )
    names = ["size", "colour=blue", "colour=red", "doors=2", "doors=4", "doors=5more"]
    assert data.info["feature_names"] == names
    np.testing.assert_array_equal(
        data.X, [[1, 0, 1, 1, 0, 0], [2, 1, 0, 0, 1, 0], [3, 0, 1, 0, 0, 1]]
    )


def test_text_without_header_is_named_after_its_column(tmp_path):
    data = opened(tmp_path, "1,red,a\n2,blue,b\n", one_hot=True, header=False)
    assert data.info["feature_names"] == ["0", "1=blue", "1=red"]
    np.testing.assert_array_equal(data.X, [[1, 0, 1], [2, 1, 0]])


def test_a_gap_in_text_is_a_gap(tmp_path):
    text = "size,colour,kind\n1,red,a\n2,?,b\n3,-,a\n"
    data = opened(tmp_path, text, one_hot=True, drop_missing=True)
    assert data.info["feature_names"] == ["size", "colour=-", "colour=red"]
    assert data.X.tolist() == [[1, 0, 1], [3, 1, 0]]
    with pytest.raises(TableError, match=r"missing in 1 row: column 'colour' \(1 row, .* line 3\)"):
        opened(tmp_path, text, one_hot=True)


def test_a_minus_among_numbers_is_a_gap_and_as_a_label_it_is_none(tmp_path):
    data = opened(tmp_path, "1,-\n-,+\n2,+\n", drop_missing=True)
    assert data.y.tolist() == ["-", "+"]


# Bad input


def test_texts_that_would_fill_the_memory_are_refused_before_they_do(tmp_path, monkeypatch):
    text = "u,town,c,k\n" + "".join(f"{i},t{i},{'rb'[i % 2]},a\n" for i in range(100))
    monkeypatch.setattr(module, "MOST_BYTES", 8 * 100 * 103)
    assert opened(tmp_path, text, one_hot=True).X.shape == (100, 103)
    monkeypatch.setattr(module, "MOST_BYTES", 8 * 100 * 103 - 1)
    with pytest.raises(TableError, match=r": 100 points of 103 features, .* drop='town' with 100"):
        opened(tmp_path, text, one_hot=True)


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (
            "u,v,kind\n1,2,a\n,4,b\n?,4,b\n5,NA,b\n",
            {},
            r"missing in 3 rows: column 'u' \(2 rows, first line 3\), column 'v' \(1 row, first "
            r"line 5\); drop_missing=True leaves such rows out",
        ),
        ("1,2,a\n3,,b\n", {}, r"missing in 1 row: column 1 \(1 row, first line 2\)"),
        ("1,2,a\n3,4,\n5,6,\n", {}, "line 2: the label is empty, so in 2 rows; drop_missing=True"),
        ("1,2,0\n3,4,nan\n", {}, "line 2: the label is missing, got 'nan', so in 1 row"),
        ("1,?,a\n?,2,b\n", {"drop_missing": True}, "in each of its 2 rows something is missing"),
        ("?,?,?\n", {"drop_missing": True}, "in each of its 1 rows something is missing"),
        ("1,2,0,\n3,4,1,\n", {}, "line 1: the label is empty, so in 2 rows; drop=3 leaves this"),
        ("u,v,k\n1,,a\n3,,b\n", {}, r"column 'v' \(2 rows, .*; drop='v' leaves this column out"),
        ("u,c,k\n1,red,a\n2,blue,b\n", {}, "line 2: .* got 'red' in column 'c'; .*one_hot=True"),
        ("c,k\nred,a\nblue,b\n", {"one_hot": True}, "all features are text, .* header=True"),
        (
            "u,k\n" + "".join(f"{i},a\n" for i in range(30)) + "oh,b\n",
            {"one_hot": True, "header": True},
            "line 32: features must be numbers, got 'oh' in column 'u'",
        ),
        (
            "v,u,k\n" + "".join(f"1,n{i},a\n" for i in range(1001)),
            {"one_hot": True},
            "column 'u' holds 1,001 different texts, more than 1,000; leave it out with drop=1",
        ),
    ],
)
def test_gaps_and_text_are_refused_by_row_and_column(tmp_path, text, options, sentence):
    with pytest.raises(TableError, match=sentence):
        opened(tmp_path, text, **options)
