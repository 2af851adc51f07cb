"""Tables in random dialects are read as they were written, or refused."""

import csv
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geomcore.datasets import body, load_table
from geomcore.datasets.table_error import TableError

THOUSANDS = {
    "a comma in a name": ('"pop, total",area,l\n', '"{}",1,x\n', {}),
    "a fraction as a name": ('"0,5","0,25",l\n', '"{}",1,x\n', {"header": True}),
    "a comma in a text": ("town,pop,l\n", '"Paris, FR","{}",x\n', {"one_hot": True}),
    "numbers among texts": ("n,pop,l\n", '"0,5","{}",x\nred,"{}",y\n', {"one_hot": True}),
    "semicolons": ("pop, total;area;l\n", "{};1;x\n", {}),
    "a zero beside it": ("pop,l\n", '"{}",x\n"0,000",y\n', {}),
    "the label first": ('l,"pop, total"\n', 'x,"{}"\n', {"label": 0}),
}


@pytest.mark.parametrize(("names", "row", "options"), THOUSANDS.values(), ids=THOUSANDS)
@pytest.mark.parametrize("large", [0, 2**30])
def test_only_numbers_say_whether_a_comma_separates_thousands(
    tmp_path, monkeypatch, names, row, options, large
):
    monkeypatch.setattr(body, "LARGE", large)
    rows = [row.replace("{}", cell) for cell in ("1,234", "2,345", "9,100")]
    path = tmp_path / "t.csv"
    path.write_text(names + "".join(rows))
    with pytest.raises(TableError, match=r"comma in '\d,\d{3}' may separate thousands .*decimal="):
        load_table(path, **options)


@pytest.mark.parametrize("cells", [("1,234", "0,567"), ("0,000", "0,000"), ("1,234", "2,5")])
def test_commas_that_are_no_thousands_are_read(tmp_path, cells):
    text = 'u,k\n"{}",a\n"{}",b\n'.format(*cells)
    expected = [[float(cell.replace(",", "."))] for cell in cells]
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert load_table(path).X.tolist() == expected


CLASSES = st.sampled_from(
    [
        ("a", "b"),
        ("0", "1"),
        ("1", "2", "3"),
        ("Iris setosa", "Iris virginica"),
        ("x, y", "x; z", "y|z"),
        ("01", "1"),
        ("-", "+"),
        ("3 stars", "4 stars"),
        ('5" pipe', "rosé"),
    ]
)
NUMBERED = ("0", "1", "2", "3")
NAMES = st.sampled_from(
    [
        ("u", "v", "w", "kind"),
        ("length, cm", "width; cm", "height", "kind"),
        ("0", "1", "2", "label"),
        NUMBERED,
        ("400.5", "401.5", "402.5", "kind"),
        ("1990", "1991", "1992", "class"),
    ]
)


@st.composite
def tables(draw):
    """A table, how it is written, and the options that say so."""
    d = draw(st.integers(1, 3))
    numbers = st.one_of(
        st.integers(-300, 300).map(float),
        st.floats(-1e4, 1e4).map(lambda x: round(x, 3)),
        st.floats(allow_nan=False, allow_infinity=False),
    )
    rows = draw(st.lists(st.tuples(*[numbers] * d), min_size=1, max_size=8))
    classes = draw(CLASSES)
    labels = [draw(st.sampled_from(classes)) for _ in rows]
    at = draw(st.sampled_from([d, 0]))
    names = draw(st.one_of(st.none(), NAMES))
    if names == NUMBERED and d == 1:
        names = None  # "0,1" is more likely a point
    if names is not None and names[0][0].isdigit():
        at = d  # programs put the label last, and of one class nothing can be learnt
        labels = [classes[i % len(classes)] for i in range(len(rows))]
    delimiter = draw(st.sampled_from(",;\t| "))
    decimal = draw(st.sampled_from("..,"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
    if draw(st.booleans()) and delimiter in ",;":
        file.write(f"sep={delimiter}{end}")
    if names is not None:
        header = list(names[:d])
        header.insert(at, str(d) if names == NUMBERED else names[3])
        writer.writerow(header)
    whole = draw(st.booleans())
    for row, label in zip(rows, labels, strict=True):
        cells = [repr(int(x) if whole and x.is_integer() else x) for x in row]
        cells = [cell.replace(".", decimal) for cell in cells]
        cells.insert(at, label)
        if draw(st.booleans()):
            file.write(draw(st.sampled_from(["", " "])) + end)
        writer.writerow(cells)
    text = file.getvalue()
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]))
    options = {
        "header": names is not None,
        "delimiter": delimiter,
        "decimal": decimal,
        "encoding": encoding.removesuffix("-sig"),
        "label": at,
    }
    return text.encode(encoding), np.array(rows), labels, options


def assert_same(data, X, labels):
    np.testing.assert_array_equal(data.X, X)
    found = [str(y) for y in data.y.tolist()]
    assert found == labels


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_a_table_in_any_dialect_is_read_as_it_was_written_or_refused(tmp_path, table):
    content, X, labels, options = table
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert_same(load_table(path, **options), X, labels)
    try:
        data = load_table(path, label=options["label"])
    except TableError as error:
        assert len(str(error)) <= 300 and str(error).isprintable()
    else:
        assert_same(data, X, labels)
