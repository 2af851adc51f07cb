from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geomcore.datasets import columns as module
from geomcore.datasets import load_table
from geomcore.datasets.columns import columns, names_of
from geomcore.datasets.table_error import TableError

T = Path("t.csv")
FIRST = ["id", "u", "v", "kind"]


def opened(folder, text, **options):
    path = folder / "t.csv"
    path.write_text(text)
    return load_table(path, **options)


# By hand


@pytest.mark.parametrize(
    ("options", "label", "features"),
    [
        ({}, 3, [0, 1, 2]),
        ({"label": 0}, 0, [1, 2, 3]),
        ({"label": "u"}, 1, [0, 2, 3]),
        ({"label": "1"}, 1, [0, 2, 3]),
        ({"drop": ["id"]}, 3, [1, 2]),
        ({"drop": [0, "v"], "label": "kind"}, 3, [1]),
        ({"drop": ["kind"]}, 2, [0, 1]),
        ({"drop": ["3"], "label": "0"}, 0, [1, 2]),
    ],
)
def test_columns_are_given_by_name_or_number(options, label, features):
    found = columns(T, 1, FIRST, **options)
    assert (found.label, found.features) == (label, features)


def test_digits_are_a_name_only_under_a_header():
    first = ["2", "1", "0", "kind"]
    assert columns(T, 1, first, label="2").label == 2
    assert columns(T, 1, first, label="2", header=True).label == 0


HEADERS = [
    "0,1,label\n0.5,1,0\n2,3,0\n4,5,1\n6,7,1\n",
    "u,v,kind\n1,2,a\n3,4,b\n",
    "Na,K,kind\n1,2,a\n3,4,b\n",
    "1990,1991,class\n1,2,0\n3,4,1\n",
    "2020-01,2020-02,kind\n1,2,a\n3,4,b\n",
    "u,v,kind\n?,2,a\n3,4,b\n",
    "400.0,401.0,kind\n1,2,1\n3,4,2\n",
    "Na,label\n1,a\n3,b\n",
    "NA,NULL,class\n1,2,a\n3,4,b\n3,4,b\n",
    "Na,k\n1,0\n3,1\n",
]
DOUBTFUL = [
    "0,1,2,k\n0.5,1,5,a\n1.5,2,6,b\n",
    "Na,material\n1,a\n3,b\n",
    "0,name\n1,b\n2,b\n3,c\n",
    "400.0,401.0,402.0,kind\n.1,.2,.3,a\n.3,.2,.1,b\n.2,.2,.2,a\n",
    "400.7,401.1,409.3,name\n.1,.2,.3,a\n.3,.2,.1,b\n.2,.2,.2,a\n",
    "0,1,2\n5,1,0\n2,3,0\n4,5,1\n",
    "0,1,2\n5,6,7\n",
    "0,1\n0.5,0\n1.5,1\n",
    "0,1,name\n0.5,0.5,a\n1.5,2.5,b\n",
    "1990,1991,1992\n5,1,0\n2,3,0\n4,5,1\n",
    "5,3,label\n1,2,a\n4,5,b\n",
    "5,3,name\n1,2,a\n4,5,b\n1,3,a\n4,6,b\n",
    "5,3,7\n1,2,a\n4,5,b\n",
    "u,9.99,9.98,kind\n1,3,4,a\n2,4,5,b\n",
    "1_000,2_000,kind\n1,3,a\n2,4,b\n",
    "1_000,a\n1,a\n2,b\n",
    "5,5,name\n1,2,0\n4,5,1\n",
    "5,-3,name\n1,2,a\n4,5,b\n1,3,a\n4,6,b\n",
    "5,0.25,name\n1,2,a\n4,5,b\n1,3,a\n4,6,b\n",
    "1,1,a\n3,4,b\n5,6,b\n7,8,c\n7,9,c\n",
]
POINTS = [
    "-0.0,a\n1,b\n2,b\n",
    "0,1,a\n2,3,b\n4,5,b\n",
    "9,8,6,a\n1,2,3,b\n4,5,6,b\n",
    "1,2,a\n3,4,b\n",
    ",2,a\n7,4,b\n5,6,a\n",
    "0,1,a\n2,3,b\n0,1,b\n",
    "5.1,3.5,1.4,0.2,setosa\n7,3.2,4.7,1.4,versicolor\n4.9,3,1.4,.2,setosa\n",
    "0,0,0\n0,1,1\n1,0,1\n1,1,0\n",
    "5,?,a\n3,4,b\n",
    "3,1,2,0\n4,2,2,0\n7,7,1,1\n",
    "1,2,3\n4,5,6\n",
    "0,1\n0,1\n1,0\n",
]


ROWS = {
    1: ["0.5,a", "1.5,b", "2.5,a", "0,b", "3,c", "0.5,c"],
    2: ["1,2.5,a", "2019,2020,b", "0.5,-3,a", "4,5,b"],
    3: ["-10,0,10,a", "1,2,3,b", "0.5,1.5,2.5,a", "7,8,9,b", "1,1,1,c"],
    5: ["1,2,3,4,5,a", "0.5,1,2,4,8,b", "2,2,2,2,2,a"],
}
ABOVE_TEXTS = ["400,400.5,401", "-10,0,10", "0.5,1,2,4,8", "2020,2020", "2019,2020", "2020,2015"]
ABOVE_TEXTS += ["0", "1.0", "3,2,1", "0,0,0", "-5", "1e3,2"]


@pytest.mark.parametrize("numbers", ABOVE_TEXTS)
@pytest.mark.parametrize("name", ["material", "k", "b1"])
@pytest.mark.parametrize("once", [True, False])
def test_a_text_that_occurs_once_above_numbers_is_never_silently_a_class(
    tmp_path, numbers, name, once
):
    rows = ROWS[numbers.count(",") + 1]
    if once:
        rows = [f"{row}{i}x" for i, row in enumerate(rows)]
    with pytest.raises(TableError, match=r"line 1: .* give header=True .* header=False"):
        opened(tmp_path, "\n".join([f"{numbers},{name}", *rows]))


@pytest.mark.parametrize("names", ["2015,2018,2019", "2015.5,2018.5,2019.5", "2000,2010,2020"])
@pytest.mark.parametrize("times", [2, 30])
def test_years_above_a_few_numbered_classes_are_asked_for(tmp_path, names, times):
    rows = times * ["1,2,0\n", "3,4.5,1\n", "5,6,2\n"]
    with pytest.raises(TableError, match=r"line 1: these numbers may be names or a point"):
        opened(tmp_path, names + "\n" + "".join(rows))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    X=st.lists(
        st.lists(
            st.one_of(st.integers(-2, 2100), st.floats(-9, 9).map(lambda x: round(x, 2))),
            min_size=2,
            max_size=2,
        ),
        min_size=4,
        max_size=9,
    ),
    classes=st.sampled_from([("a", "b"), ("0", "1"), ("material", "k"), ("2019", "2020"), "3b"]),
)
def test_a_first_point_whose_class_recurs_is_a_point(tmp_path, X, classes):
    X[0][0] += 0.5  # "0,1,2" are names, or asked for
    rows = [f"{x},{y},{classes[i % 2]}\n" for i, (x, y) in enumerate(X)]
    assert opened(tmp_path, "".join(rows)).X.tolist() == X


NUMBERED = ["0,0.13,-0.13,0", "1,0.64,0.10,1", "2,0.36,1.30,2", "3,0.5,0.25,0", "4,1,2,1"]


@pytest.mark.parametrize("first", [",0,1,2", '"",0,1,2', ",u,v,kind", ",2015,2018,2019", ",0,1,k"])
@pytest.mark.parametrize("label", [None, 3])
def test_a_first_line_without_first_cell_is_a_header_above_row_numbers(tmp_path, first, label):
    text = "\n".join([first, *NUMBERED])
    data = opened(tmp_path, text, drop=0, label=label)
    assert len(data.X) == 5 and data.X[0].tolist() == [0.13, -0.13]
    assert data.info["feature_names"] == first.split(",")[1:3]
    with pytest.raises(TableError, match=r"column 1 has no name; .* drop=0 if it only numbers"):
        opened(tmp_path, text, label=label)


def test_a_named_column_of_row_numbers_is_not_counted(tmp_path):
    with pytest.raises(TableError, match=r"line 1: .* give header=True"):
        opened(tmp_path, "\n".join(["id,0,1,2", *NUMBERED]), drop=0)
    rows = "\n".join(["x1,0,1,2", "y2,0.5,3,1", "z3,2,.25,2", "w4,7,7,1"])
    assert len(opened(tmp_path, rows, drop=0).X) == 4


@pytest.mark.parametrize("index", [(7, 3, 5), (7, 3, 7)])
def test_row_numbers_out_of_order_are_told_by_the_names_or_asked_for(tmp_path, index):
    rows = [f"{i},0.{i},{i}.5,{k}" for k, i in enumerate(index)]
    assert len(opened(tmp_path, "\n".join([",0,1,2", *rows]), drop=0).X) == 3
    text = "\n".join([",400,401.5,9", *rows])
    if index == (7, 3, 7):
        assert len(opened(tmp_path, text, drop_missing=True).X) == 3
        return
    with pytest.raises(TableError, match="the empty first cell may stand above the numbers"):
        opened(tmp_path, text)


@pytest.mark.parametrize("text", HEADERS)
def test_a_header_is_recognised_even_if_its_names_are_numbers(tmp_path, text):
    data = opened(tmp_path, text, drop_missing=True)
    assert ",".join([*data.info["feature_names"], data.info["label_name"]]) == text.split("\n")[0]
    assert len(data.X) + data.info["missing_rows"] == text.count("\n") - 1


@pytest.mark.parametrize("text", DOUBTFUL)
def test_where_it_may_be_either_the_caller_is_asked(tmp_path, text):
    with pytest.raises(TableError, match=r"line 1: .* give header=True .* header=False") as caught:
        opened(tmp_path, text)
    assert "header=True if the line holds names" in str(caught.value)
    assert len(opened(tmp_path, text, header=True).X) == text.count("\n") - 1


@pytest.mark.parametrize("text", POINTS)
def test_a_point_is_no_header(tmp_path, text):
    data = opened(tmp_path, text, drop_missing=True)
    assert "feature_names" not in data.info
    assert len(data.X) + data.info["missing_rows"] == text.count("\n")


@pytest.mark.parametrize(
    "text", [text for text in DOUBTFUL if text[0] not in "uN" and "_" not in text]
)
def test_the_caller_may_say_that_it_is_a_point(tmp_path, text):
    assert len(opened(tmp_path, text, header=False).X) == text.count("\n")


# Bad input


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"label": "z"}, r"label must name one column of t.csv, got 'z' and the columns 'id', 'u'"),
        ({"label": "u", "header": False}, "label must name one column of t.csv, .* no header"),
        ({"label": 4}, "label must be a name or a number from 0 to 3, got 4"),
        ({"label": -1}, "label must be a name or a number from 0 to 3, got -1"),
        ({"label": True}, "label must be a name or a number from 0 to 3, got True"),
        ({"label": "9" * 5000}, "label must be a name or a number from 0 to 3, got 999999999"),
        ({"drop": [None]}, "drop must be a name or a number from 0 to 3, got None"),
        ({"drop": ["kind"], "label": 3}, "drop must leave the column of the label"),
        ({"drop": [0, 1, 2]}, "drop must leave at least one column of features"),
        ({"drop": [0, 1, 2, 3]}, "drop must leave"),
    ],
)
def test_columns_that_are_not_there_are_refused(options, sentence):
    with pytest.raises(TableError, match=sentence):
        columns(T, 1, FIRST, **options)


def test_too_many_columns_are_counted(monkeypatch):
    monkeypatch.setattr(module, "MOST_COLUMNS", 3)
    with pytest.raises(TableError, match="line 1: more than 3 columns, got 4"):
        columns(T, 1, FIRST)


def test_a_column_needs_a_name_unless_it_is_left_out(tmp_path):
    first = ["", "u", "kind"]
    with pytest.raises(TableError, match=r"line 1: column 1 has no name; .* drop=0"):
        names_of(T, 1, first, columns(T, 1, first))
    assert names_of(T, 1, first, columns(T, 1, first, drop=[0])) == first


def test_a_number_that_is_also_a_name_is_asked_for(tmp_path):
    text = "u,2,kind\n1,2,0\n3,4,1\n"
    with pytest.raises(TableError, match=r"header=True"):
        opened(tmp_path, text, label="2")
    assert opened(tmp_path, text, label="2", header=True).info["label"] == "2"
    assert opened(tmp_path, text, label=2, header=True).info["label"] == "kind"
