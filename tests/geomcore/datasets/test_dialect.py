import codecs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geomcore.datasets import dialect as module
from geomcore.datasets.dialect import check_delimiter, delimiters, likeliest, read_text
from geomcore.datasets.table_error import TableError


def text_of(folder, content, encoding=None):
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_text(path, encoding)


# By hand


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_what_the_encoding_is(tmp_path, encoding):
    text = text_of(tmp_path, "rosé;1\n".encode(encoding))
    assert list(text.rows(";")) == [(1, ["rosé", "1"])]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_other_encodings_are_told(tmp_path, encoding):
    text = text_of(tmp_path, "rosé;1\n".encode(encoding), encoding)
    assert list(text.rows(";")) == [(1, ["rosé", "1"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_all_systems_are_counted_alike(tmp_path, end):
    text = text_of(tmp_path, end.join(["", "1,2", " , ", "3,4"]))
    assert list(text.rows(",")) == [(2, ["1", "2"]), (4, ["3", "4"])]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.sampled_from(["\n", "\r", "\r\n", " \n", "\t\r\n"]), max_size=4),
    table=st.sampled_from(["1\t2", " 1\t2\t", "sep=\t\n1\t2", '1\t"\n\n"\r\n\r\n\n3\t4']),
    after=st.lists(st.sampled_from(["\n", "\r", "\r\n", " ", "\t"]), max_size=4),
)
def test_blank_lines_around_a_table_change_nothing_but_its_place(tmp_path, before, table, after):
    plain, around = text_of(tmp_path, table), text_of(tmp_path, "".join([*before, table, *after]))
    blank = len("".join([*before, "x"]).replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1
    rows = [(line + blank, cells) for line, cells in plain.rows("\t")]
    end = after and after[0] in " \t"  # it belongs to the last line
    found = list(around.rows("\t"))
    assert [line for line, _ in found] == [line for line, _ in rows]
    assert end or found == rows
    assert around.skip - plain.skip == blank and around.separator == plain.separator


@pytest.mark.parametrize("place", ["before", "after"])
def test_blank_lines_cost_nothing(tmp_path, place):
    blanks = 3_000_000 * b"\n"
    content = blanks + b"1,2\n3,4\n" if place == "before" else b"1,2\n3,4\n" + blanks
    text = text_of(tmp_path, content)
    assert delimiters(text) == [","] and len(list(text.rows(","))) == 2
    assert len(text.raw) < 10  # nothing that follows sees them


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_gap_of_very_many_lines_within_a_table_is_refused(tmp_path, monkeypatch, end):
    monkeypatch.setattr(module, "MOST_BLANK", 4)
    assert len(list(text_of(tmp_path, f"1,2{4 * end}3,4").rows(","))) == 2
    with pytest.raises(TableError, match="line 3: 4 blank lines within the table"):
        text_of(tmp_path, f"{end}1,2{5 * end}3,4")


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;  "])
def test_a_line_may_state_the_separator(tmp_path, line):
    text = text_of(tmp_path, f"\n{line}\n1,5;2\n")
    assert delimiters(text) == [";"]
    assert list(text.rows(";")) == [(3, ["1,5", "2"])]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1,2\n3,4\n", [","]),
        ("1;2\n3;4\n", [";"]),
        ("1\t2\n3\t4\n", ["\t", " "]),
        ("1|2\n3|4\n", ["|"]),
        (" 1  2\n3 4 \n", [" "]),
        ("a, b;c\n1;2\n", [";"]),
        ("1,5;2\n3,5;4\n", [",", ";"]),
        ('"a,b";c\n1;2\n', [";"]),
        ("1,2,3\n4,5\n", [","]),
        ("1\n2\n", [","]),
    ],
)
def test_possible_separators_make_all_lines_equally_wide(tmp_path, content, expected):
    assert delimiters(text_of(tmp_path, content)) == expected


def test_separators_have_names_where_they_are_hard_to_type(tmp_path):
    assert [check_delimiter(d) for d in ("tab", "\\t", "space", ":")] == ["\t", "\t", " ", ":"]


def test_blanks_separate_where_nothing_else_is(tmp_path):
    assert likeliest(text_of(tmp_path, "1 2 3\n"), [",", " "]) == " "
    assert likeliest(text_of(tmp_path, "1 2,3\n"), [",", " "]) == ","


def test_cells_in_quotation_marks_hold_separators_lines_and_marks(tmp_path):
    text = text_of(tmp_path, '"a, b", "c\nd"\n"5"" pipe",6" pipe\n')
    assert list(text.rows(",")) == [(2, ["a, b", "c\nd"]), (3, ['5" pipe', '6" pipe'])]


# Bad input


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LINE", 8)
    with pytest.raises(TableError, match=r"line 2: it has more than 8 characters"):
        list(text_of(tmp_path, "1,2\n3,4,5,6,7\n").rows(","))


@pytest.mark.parametrize(
    ("content", "encoding", "sentence"),
    [
        (b"", None, "it is empty"),
        (codecs.BOM_UTF8, None, "it is empty"),
        (b"1,\xe9\n", None, "line 1: the file is not UTF-8 text; .* encoding='cp1252'"),
        ("1,2\n".encode("utf-16-le"), None, "binary data, .* encoding='utf-16-le'"),
        (codecs.BOM_UTF16_LE + b"1", None, "not utf-16 text"),
        (b"1\0,2\n", "cp1252", "binary data"),
        (b"1,2\n", "rot13", "encoding must be the name of an encoding"),
        (b"1,2\n", "zip", "encoding must be the name of an encoding"),
        (b"1,2\n", "a\0b", "encoding must be the name of an encoding"),
        (b"1,2\n", 5, "encoding must be the name of an encoding"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, encoding, sentence):
    with pytest.raises(TableError, match=sentence):
        text_of(tmp_path, content, encoding)


def test_a_quotation_without_end_is_refused(tmp_path):
    with pytest.raises(TableError, match="line 2: a quotation mark is not closed"):
        list(text_of(tmp_path, '1,a\n2,"b\n').rows(","))


def test_a_cell_without_end_is_refused(tmp_path):
    with pytest.raises(TableError, match=r"line 1: field larger than field limit"):
        list(text_of(tmp_path, 200_000 * "x").rows(","))


@pytest.mark.parametrize("delimiter", ["", ";;", "\n", '"', 5, "\0"])
def test_what_cannot_separate_is_refused(delimiter):
    with pytest.raises(TableError, match="delimiter must be one character"):
        check_delimiter(delimiter)
