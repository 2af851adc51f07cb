import numpy as np
import pytest

from geomcore.arrays import (
    as_array,
    as_labels,
    as_layer,
    as_points,
    as_rng,
    as_rtol,
    check_sequence,
    freeze,
)


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
        ([[1, 2], [3]], "X must be a rectangular array of numbers"),
        ([["a"]], "X must hold real numbers"),
        ([[1j]], "X must hold real numbers"),
        ([[None]], "X must hold real numbers"),
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
        ([0, np.nan, 1], None, "y must not contain nan"),
        ([0, None, 1], None, "y must not contain missing labels"),
        ([[1, 0]], None, "y must have one row per point"),
        ([0, 1, 1], [[1]], r"targets must have one row per class \(2\)"),
        ([[0], [1], [1]], [[1]], "targets= goes with labels"),
        (np.array([1, "a", 2], object), None, "sortable type"),
    ],
)
def test_labels_that_do_not_fit_are_refused(y, targets, message):
    with pytest.raises(ValueError, match=message):
        as_labels(y, 3, targets=targets)


def test_a_seed_gives_the_same_numbers_and_a_generator_is_used_as_it_is():
    assert as_rng(3).random() == as_rng(3).random()
    rng = np.random.default_rng(0)
    assert as_rng(rng) is rng
    with pytest.raises(ValueError, match="rng must be"):
        as_rng("seed")


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
