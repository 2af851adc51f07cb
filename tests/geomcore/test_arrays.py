import decimal
import fractions

import numpy as np
import pandas as pd
import pytest

from geomcore.arrays import (
    as_array,
    as_labels,
    as_layer,
    as_points,
    as_rng,
    as_rtol,
    check_network,
    check_sequence,
    freeze,
)
from geomcore.datasets import prepare
from geomcore.network import ReLUNetwork

NAN = float("nan")


@pytest.mark.parametrize("value", [[[1, 2]], ((1, 2),), np.array([[1, 2]], np.int8), [[True, 2]]])
def test_anything_rectangular_becomes_float64(value):
    found = as_array(value, "X", 2)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1, 2]])


def test_results_are_contiguous_whatever_the_layout():
    X = np.arange(12.0).reshape(3, 4)
    for view in (np.asfortranarray(X), X[::2], X[:, ::-1], X.T):
        found = as_points(view)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, view)


def test_float32_is_kept_for_points_only():
    X = np.ones((2, 2), np.float32)
    assert as_points(X).dtype == np.float32
    assert as_layer(X, X[0])[0].dtype == np.float64


def test_a_foreign_byte_order_is_turned():
    found = as_points(np.ones((2, 2), ">f4"))
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_not_finite_is_refused_with_its_place(bad, dtype):
    X = np.ones((5, 3), dtype)
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"X must be finite, found .* at index \[3, 1\]"):
        as_points(X)


@pytest.mark.parametrize(("dtype", "large"), [(np.float64, 1e300), (np.float32, 1e38)])
def test_finite_values_whose_squares_overflow_are_accepted(dtype, large):
    X = np.array([[large, -large]], dtype)
    np.testing.assert_array_equal(as_points(X), X)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], r"X must have 2 axes, got shape \(2,\)"),
        ([[1, 2], [3]], "X must be a rectangular array, its rows differ in length$"),
        ([["a"]], "X must hold real numbers, got 'a'$"),
        ([[1j]], r"X must hold real numbers, got 1j$"),
        ([[1.0, {}]], r"X must hold real numbers, got \{\}$"),
        ([[None]], "X must hold real numbers"),
        (None, "X must hold real numbers, got None$"),
        ("X", "X must hold real numbers, got 'X'$"),
        (pd.DataFrame({"u": [1, 2], "v": [3, "x"]}), "real numbers, got 'x' in column 'v'$"),
        ([[1, 2, 3]], r"X must have 2 columns \(features\), got shape \(1, 3\)"),
    ],
)
def test_what_are_no_points_of_the_dimension_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        as_points(value, d=2)


def test_labels_of_any_sortable_type_become_one_hot_rows_in_sorted_order():
    labels = as_labels(["dog", "cat", "dog"], 3)
    np.testing.assert_array_equal(labels.classes, ["cat", "dog"])
    np.testing.assert_array_equal(labels.index, [1, 0, 1])
    np.testing.assert_array_equal(labels.Y, [[0, 1], [1, 0], [0, 1]])


def test_distinct_rows_of_real_targets_are_the_classes():
    labels = as_labels([[1.5, 0], [0, 2], [1.5, 0]], 3)
    np.testing.assert_array_equal(labels.targets, [[0, 2], [1.5, 0]])
    np.testing.assert_array_equal(labels.index, [1, 0, 1])


def test_given_targets_belong_to_the_labels_in_sorted_order():
    labels = as_labels([7, 3], 2, targets=[[0.5], [1.5]])
    np.testing.assert_array_equal(labels.Y, [[1.5], [0.5]])


@pytest.mark.parametrize(
    ("y", "targets", "message"),
    [
        ([0, 1], None, "y must have one label per point"),
        ([0, np.nan, 1], None, "y must not contain nan, found in row 1"),
        ([0, np.inf, 1], None, "y must be finite, got inf in row 1"),
        ([0, None, 1], None, "y must not contain missing labels"),
        ([[1, 0]], None, "y must have one row per point"),
        ([0, 1, 1], [[1]], r"targets must have one row per class \(2\)"),
        ([[0], [1], [1]], [[1]], "targets= goes with labels"),
        (np.array([1, "a", 2], object), None, "sortable type"),
        ([1, "1", "a"], None, "3 labels become 2"),
        ([2**53, 2**53 + 1, 0.5], None, "3 labels become 2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(y, targets, message):
    with pytest.raises(ValueError, match=message):
        as_labels(y, 3, targets=targets)


def test_measurements_are_no_labels_and_fractions_that_recur_are():
    rng = np.random.default_rng(0)
    for y in (rng.normal(size=8), rng.normal(size=500), np.round(rng.uniform(0, 9, 500), 1)):
        with pytest.raises(ValueError, match=r"pass targets of shape \(N, k\)"):
            as_labels(y, len(y))
        assert len(as_labels(y[:, None], len(y)).targets) == len(np.unique(y))
    stars = np.arange(1, 11) / 2
    assert as_labels(np.tile(stars, 3), 30).classes.tolist() == stars.tolist()
    assert len(as_labels(np.arange(500.0), 500).classes) == 500
    assert len(as_labels([0.1, 0.2, 0.3], 3).classes) == 3


AS_OBJECTS = [
    lambda y: np.array(y, object),
    lambda y: pd.Series(y, dtype=object),
    lambda y: pd.DataFrame({"u": ["a"] * len(y), "y": y}).to_numpy()[:, -1],
    lambda y: [decimal.Decimal(str(v)) for v in y],
    lambda y: [fractions.Fraction(v) for v in y],
    lambda y: np.array([np.float32(v) for v in y], object),
    lambda y: [*y[:-1], decimal.Decimal(str(y[-1]))],
]


@pytest.mark.parametrize("kind", AS_OBJECTS)
def test_numbers_that_are_objects_are_labels_where_those_of_arrays_are(kind):
    y = np.random.default_rng(0).normal(size=40)
    for values in (y[:8], y):
        with pytest.raises(
            ValueError, match=r"distinct numbers that are not whole; .* pass targets"
        ):
            as_labels(kind(values.tolist()), len(values))
    stars = np.tile(np.arange(1, 11) / 2, 3)
    assert len(as_labels(kind(stars.tolist()), 30).classes) == 10
    assert len(as_labels(kind(np.arange(50.0).tolist()), 50).classes) == 50


def test_whole_objects_beyond_all_floats_are_labels():
    assert as_labels([10**400 + i for i in range(30)], 30).classes[1] == 10**400 + 1
    with pytest.raises(ValueError, match="y must be finite, got inf in row 1"):
        as_labels(np.array([1.0, np.inf], object), 2)


def test_a_seed_gives_the_same_numbers_and_a_generator_is_used_as_it_is():
    assert as_rng(3).random() == as_rng(3).random()
    rng = np.random.default_rng(0)
    assert as_rng(rng) is rng
    for wrong in ("seed", True, np.False_, -1, 0.5):
        with pytest.raises(ValueError, match="rng must be"):
            as_rng(wrong)


def test_the_default_threshold_is_that_of_matrix_rank():
    assert as_rtol(None, (3, 7)) == 7 * np.finfo(float).eps
    assert as_rtol(0, (3, 7)) == 0


@pytest.mark.parametrize("rtol", [-1e-9, 1.0, np.inf, np.nan, "small", [1, 2]])
def test_a_threshold_is_a_number_from_0_to_1(rtol):
    with pytest.raises(ValueError, match="rtol must be"):
        as_rtol(rtol, (3, 3))


def test_freezing_copies_and_write_protects():
    array = np.ones(3)
    frozen = freeze(array)
    array[0] = 2
    assert frozen[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        frozen[0] = 3


@pytest.mark.parametrize("value", [np.ones((2, 2)), None, 3, {}])
def test_one_array_is_no_list_of_layers(value):
    with pytest.raises(ValueError, match="weights must be a list with one array per layer"):
        check_sequence(value, "weights")


# What pandas, masked arrays and lists hand over


@pytest.mark.parametrize(
    "y",
    [
        ["a", "b", NAN],
        ["a", "b", None],
        [0, 1, pd.NA],
        [0.0, 1.0, NAN],
        [True, False, None],
        pd.Series(["a", "b", NAN]).tolist(),
        pd.Series(["a", "b", None], dtype="string"),
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series([0, 1, None], dtype="Int64"),
        pd.Series([0, 1, None], dtype="Float64"),
        pd.Categorical(["a", "b", None]),
        pd.Series(pd.Categorical([0, 1, None])),
        pd.Series(pd.to_datetime(["2020", "2021", None])),
        pd.DataFrame({"y": ["a", "b", None]}),
        pd.DataFrame({"y": pd.array([0, 1, None], dtype="Int64")}),
        pd.period_range("2020", periods=2).append(pd.PeriodIndex([pd.NaT], freq="D")),
        np.array(["2020", "2021", "NaT"], "M8[D]"),
        np.array(["a", "b", None], object),
        np.array([1, 2, NAN + 1j]),
        np.array(["a", "b", NAN], np.dtypes.StringDType(na_object=NAN)),
        np.ma.masked_array([0, 1, 9], [0, 0, 1]),
        np.ma.masked_array(["a", "b", "x"], [0, 0, 1]),
        np.ma.masked_array(np.array(["a", "b", None], object), [0, 0, 0]),
        [np.ma.masked_array(0), np.ma.masked_array(1), np.ma.masked],
        ("a", "b", decimal.Decimal("sNaN")),
    ],
    ids=lambda y: f"{type(y).__name__} {getattr(y, 'dtype', '')}",
)
def test_a_missing_label_of_any_kind_is_refused_with_its_row(y):
    with pytest.raises(ValueError, match=r"^y must not contain (nan|missing labels), .* row 2$"):
        as_labels(y, 3)


@pytest.mark.parametrize(
    "X",
    [
        np.ma.masked_array([[0.0, 1], [2, 3]], [[0, 0], [1, 0]]),
        [np.ma.masked_array([0.0, 1]), np.ma.masked_array([2.0, 3], [0, 1])],
        [[0, 1], [pd.NA, 1]],
        [[0, 1], [None, 1]],
        pd.DataFrame({"u": [0, 1], "v": pd.array([1, None], dtype="Int64")}),
        pd.DataFrame({"u": [0, None], "v": [1, 2]}).convert_dtypes(),
    ],
)
def test_a_missing_entry_of_a_point_is_refused_with_its_row(X):
    with pytest.raises(
        ValueError, match=r"^X must hold real numbers and nothing missing, it is in row 1$"
    ):
        as_points(X)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (pd.Series(["a", "b", "a"], dtype="string"), ["a", "b"]),
        (pd.Series([True, False, True], dtype="boolean"), [False, True]),
        (pd.Series([2**60 + 1, 2**60, 3], dtype="Int64"), [3, 2**60, 2**60 + 1]),
        (pd.Series([0.5, 1, 0.5], dtype="Float64"), [0.5, 1]),
        (pd.Series(pd.Categorical(["b", "a", "b"])), ["a", "b"]),
        (pd.DataFrame({"y": ["b", "a", "b"]}), ["a", "b"]),
        (pd.DataFrame({"y": [3, 1, 3]}), [1, 3]),
        (np.ma.masked_array([0, 1, 1], [0, 0, 0]), [0, 1]),
        ([0, 1, "other"], ["0", "1", "other"]),
        ([np.array(0), np.array(1), np.array(1)], [0, 1]),
        ((np.int8(0), True, 1.0), [0, 1]),
    ],
)
def test_labels_of_which_none_is_missing_are_classes(y, classes):
    found = as_labels(y, 3)
    assert found.classes.tolist() == classes
    assert found.targets.tolist() == np.eye(len(classes)).tolist()


def test_nullable_columns_without_a_gap_are_points():
    X = pd.DataFrame({"u": [0.5, 1.5], "v": [2, 3], "w": [True, False]})
    expected = [[0.5, 2, 1], [1.5, 3, 0]]
    np.testing.assert_array_equal(as_points(X.convert_dtypes()), expected)
    np.testing.assert_array_equal(as_points(X), expected)


def test_a_table_keeps_the_labels_of_a_data_frame_as_a_column():
    y = pd.DataFrame({"y": ["a", "b", "a"]})
    assert prepare([[1, 5], [3, 5], [1, 5]], y)[1].tolist() == ["a", "b"]
    assert prepare([[1, 5], [3, 5]], np.eye(2))[1].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "value",
    [
        [[2**53 + 1]],
        [[0, -(2**53) - 1]],
        np.array([[2**64 - 1]], np.uint64),
        np.array([[1 + np.longdouble(2) ** -60]]),
        [[0.5, 2**53 + 1]],
        ([1.0, 2.0], [3.0, np.int64(-(2**53) - 1)]),
        [[2**63, 2**53 + 1, -1]],
        [np.array([0.5, 1.0]), np.array([2**53 + 1, 0])],
        pd.DataFrame({"a": [2**53 + 1], "b": [0.5]}),
        pd.DataFrame({"a": pd.array([2**53 + 1], "Int64"), "b": [0.5]}),
    ],
)
def test_numbers_that_floats_would_change_are_refused(value):
    if isinstance(value, np.ndarray) and value.dtype == float:
        pytest.skip("long doubles are doubles here")
    with pytest.raises(ValueError, match=r"X must hold numbers that are the same as 64-bit floats"):
        as_array(value, "X", 2)


def test_whole_numbers_that_are_floats_are_taken():
    for value in (
        [[0.5, 2**53, -(2**60), 1e300, True]],
        pd.DataFrame({"a": [2**60], "b": [1e300]}),
        [[2**53, -(2**60)]],
        np.array([[2**63]], np.uint64),
        [[-(2**63)]],
    ):
        assert as_array(value, "X", 2).tolist() == [[float(v) for v in np.ravel(value).tolist()]]
    assert as_array(np.array([[np.longdouble("0.5")]]), "X", 2).tolist() == [[0.5]]


def test_networks_of_other_libraries_are_answered_with_the_way_in():
    from sklearn.neural_network import MLPClassifier

    with pytest.raises(ValueError, match=r"got MLPClassifier; geomcore\.from_sklearn makes one"):
        check_network(MLPClassifier(), ReLUNetwork)
    with pytest.raises(ValueError, match=r"ReLUNetwork, got str; geomcore\.load reads files$"):
        check_network("net", ReLUNetwork)
