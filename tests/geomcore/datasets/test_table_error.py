from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from geomcore.datasets.table_error import LONGEST, Option, TableError, listed, shown

# By hand


def test_an_option_is_spelt_as_the_reader_writes_it():
    error = TableError("give ", Option("header", True), " or ", Option("label"))
    assert str(error) == "give header=True or label"
    assert error.told(lambda option: f"<{option.name}>") == "give <header> or <label>"


def test_a_long_path_gives_way_and_keeps_its_end():
    text = str(TableError(Path("/" + 400 * "d") / "t.csv", ", line 3: no"))
    assert len(text) == LONGEST
    assert text.startswith("...d") and text.endswith("d/t.csv, line 3: no")


# Laws


@given(st.lists(st.one_of(st.text(), st.text().map(Path), st.builds(Option, st.text()))))
def test_a_sentence_is_short_and_printable_whatever_it_is_about(parts):
    text = str(TableError(*parts))
    assert len(text) <= LONGEST
    assert text.isprintable()


@given(st.lists(st.text()))
def test_what_a_table_holds_is_shown_short_and_printable(texts):
    assert all(len(shown(text)) <= 45 and shown(text).isprintable() for text in texts)
    assert len(listed(texts)) <= 300
