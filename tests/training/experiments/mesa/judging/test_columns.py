"""Rows by model and seed, with collapsed runs apart."""

import numpy as np
import pytest

from training.experiments.mesa.judging.columns import Columns


@pytest.fixture
def columns(rows_of):
    rows = rows_of("a", [0.1, 0.2, 0.3]) + rows_of("b", [0.4, 0.5, np.nan])
    rows[1]["collapsed"] = True
    return Columns(rows + rows_of("c", [1.0], d=3), 2)


def test_only_rows_of_the_dimension_are_there(columns):
    assert columns.models == ["a", "b"] and columns.seeds == [0, 1, 2]
    assert "a" in columns and "c" not in columns


def test_collapsed_runs_are_counted_and_never_paired(columns):
    assert columns.collapsed("a") == 1 and columns.collapsed("b") == 0
    assert columns.trained("a", "b") == [0, 2] and columns.trained("b") == [0, 1, 2]
    assert columns.values("head_points_1", "a").tolist() == [[0.1], [0.3]]
    # What is no number is left out with its pair.
    assert columns.values("head_points_1", "a", "b").tolist() == [[0.1, 0.4]]
    assert np.allclose(columns.differences("head_points_1", "b", "a"), [0.3])


def test_a_flipped_network_is_left_out_with_the_one_that_was_flipped(rows_of):
    rows = rows_of("linear", [0.1, 0.2, 0.3]) + rows_of("flipped", [0.4, 0.5, 0.6])
    rows[0]["collapsed"] = rows[4]["collapsed"] = True
    columns = Columns(rows, 2)
    assert columns.collapsed("flipped") == 1 and columns.trained("flipped") == [1, 2]
    assert columns.values("head_points_1", "flipped").tolist() == [[0.5], [0.6]]


def test_all_runs_are_there_if_asked_for(columns):
    values = columns.values("head_points_1", "a", seeds=columns.seeds)
    assert values[:, 0].tolist() == [0.1, 0.2, 0.3]


def test_what_was_not_measured_gives_no_rows(columns):
    assert columns.values("nothing", "a", "b").shape == (0, 2)
